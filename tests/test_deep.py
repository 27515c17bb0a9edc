"""The sentence model in the house: asked about what is in doubt and nothing else; without the extra everything else works."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import configs
import pytest
from builders import post
from rich.console import Console

from listener import deep
from listener.bootstrap import build
from listener.deep import InTheHouse, missing, sentences
from listener.doctor import examine
from listener.second_opinion import FACTOR
from listener.settings import Second, load
from listener.storage.contract import Mention
from listener.tables import ConfigError
from listener.triage.deep import Head, joined, shipped
from listener.weigh import Scales, said_of, scales, weigh

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
TEXT = "Well, @acmeair, my suitcase has now seen more of Lisbon than I have."
DEEP = 'database = "listener.db"\n[second_opinion]\ndeep = true\n'
CONSOLE = Console(file=StringIO())
ONE = Head(weights=(1.0,), bias=0.0, counts=1.0)


class Says(list[list[float]]):
    tolist = list.copy


class Reader:
    """Stands for the model: what it says of every text, and what it was shown."""

    def __init__(self, logit: float):
        self.logit, self.shown = logit, list[str]()

    def __call__(self, texts: Sequence[str]) -> Any:
        self.shown += texts
        return Says([[self.logit] for _ in texts])


@pytest.fixture
def with_(tmp_path: Path) -> Scales:
    return scales(load(configs.write(tmp_path), {}))


async def judged(with_: Scales, read: Reader, text: str = TEXT, **given: Any) -> Mention:
    of = Second(deep=True, **{"least": 0.0, "most": 1.0, **given})
    heard = weigh([post("p1", text, title="", **({"lang": "de"} if "Koffer" in text else {}))], with_, NOW)
    ((one,), *_) = [each.mentions for each in await InTheHouse(of, ONE, read).on(heard, with_, NOW)]  # type: ignore[arg-type]
    return one


@pytest.mark.parametrize("logit", [20.0, -20.0])
async def test_both_together_decide_and_the_reason_is_a_number(with_: Scales, logit: float) -> None:
    one = await judged(with_, Reader(logit))
    assert (one.assessment.priority is not None) == (logit > 0) == (one.opening is not None)
    local = weigh([post("p1", TEXT, title="")], with_, NOW)[0].mentions[0].assessment
    if (local.priority is not None) != (logit > 0):
        (because,) = [reason for reason in one.assessment.reasons if reason.factor == FACTOR]
        assert because.words.endswith("by the sentence model") and because.start == -1


async def test_what_is_not_in_doubt_is_not_read(with_: Scales) -> None:
    sure = Reader(20.0)
    await judged(with_, sure, least=0.99, most=1.0)
    await judged(with_, sure, "Mein Koffer ist weg, Acme Air, und niemand antwortet.")
    assert sure.shown == []


async def test_what_both_say_alike_stays_as_it_was(with_: Scales) -> None:
    local = weigh([post("p1", TEXT, title="")], with_, NOW)[0].mentions[0]
    assert await judged(with_, Reader(20.0 if local.assessment.priority else -20.0)) == local


def test_the_model_never_sees_whose_post_it_is(with_: Scales) -> None:
    said = said_of(post("p1", f"{TEXT} https://x.example/1", title=""), "Acme Air", with_)
    assert said.startswith("well, acme , my suitcase") and "acmeair" not in said and "http" not in said


def test_joining_is_a_sum_of_logits() -> None:
    assert joined(0.5, 0.0, ONE) == 0.5 and joined(0.5, 9.0, ONE) > 0.99 > joined(0.9, 0.0, ONE) > 0.5
    assert len(shipped().weights) == 384 and 0 < shipped().counts < 1


def test_an_endpoint_and_the_sentence_model_are_two_opinions(tmp_path: Path) -> None:
    directory = configs.write(tmp_path, listener=f'{DEEP}url = "https://models.example/v1"\nmodel = "small"\n')
    with pytest.raises(ConfigError, match="two second opinions"):
        load(directory, {})


async def test_without_the_extra_the_house_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deep, "find_spec", lambda name: None)
    monkeypatch.setattr(deep, "Sentences", _absent)
    sentences.cache_clear()
    settings = load(configs.write(tmp_path, listener=DEEP), {})
    with pytest.raises(ConfigError, match=r"pip install 'listening-post\[deep\]'"):
        async with build(settings, CONSOLE):
            raise AssertionError("it started")


def _absent() -> None:
    raise ImportError("onnxruntime")


async def test_doctor_says_whether_it_is_there(tmp_path: Path) -> None:
    settings = replace(load(configs.write(tmp_path), {}), sources=())
    async with build(settings, CONSOLE) as house:
        found = [check.found async for check in examine(house) if check.name == "second opinion"]
    there = "is not installed" if missing() else "is there"
    assert len(found) == 1 and there in found[0]


@pytest.mark.skipif(bool(missing()), reason=missing())
def test_the_model_itself_tells_a_complaint_from_thanks() -> None:
    said = sentences()(["acme lost my bag and nobody ever answers", "thank you acme , the crew was lovely"]).tolist()
    bad, good = map(shipped().logit, said)
    assert bad > 0 > good
    assert sentences()(["acme lost my bag and nobody ever answers"]).tolist()[0] == pytest.approx(said[0], abs=1e-3)
