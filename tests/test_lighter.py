"""Praise and questions take a light path: gathered, at most so often, never a case, with credit by name."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from builders import DANA, LEE, NOW, SAM, batch, post, quiet
from configs import FILES, write

from escalation.policy import Person
from listener.digest import Scope, as_text, compose
from listener.lighter import praised, told
from listener.settings import Settings, load
from listener.storage.contract import Heard, Store
from listener.tables import ConfigError
from listener.triage import Verdict

HOUR = timedelta(hours=1)
ROWS = '[policy.care]\npraise = { tell = ["Lee Park"], every = "1d" }\nquestion = { tell = ["Lee Park", "Sam Ortiz"], every = "1h" }\n'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(write(tmp_path, people=FILES["people.toml"].replace("[policy.care]\n", ROWS)), {})


async def hears(store: Store, id_: str, text: str, verdict: Verdict, at_: timedelta = -HOUR / 2) -> None:
    await store.keep(batch(Heard(post=post(id_, text), mentions=(quiet(verdict=verdict),)), at=NOW + at_))


async def said(store: Store, at: timedelta = timedelta()) -> dict[str, str]:
    owed = await store.claim(NOW + at, 25, HOUR)
    for one in owed:
        await store.delivered(one.notice.key, "x", NOW + at)
    return {one.notice.to: one.notice.text for one in owed}


async def test_what_came_is_gathered_and_praise_names_whom_it_praises(store: Store, settings: Settings) -> None:
    await hears(store, "1", "Dana at the Acme Air desk stayed an hour on the line. Thank you!", Verdict.PRAISE)
    await hears(store, "2", "Acme Air: best flight in years.", Verdict.PRAISE)
    await hears(store, "3", "Does Acme Air fly to Porto?", Verdict.QUESTION)
    await told(store, settings, NOW)
    notices = await said(store)
    assert notices["Lee Park"].startswith(
        "In the last 1 h: 2 posts praise Acme Air; say thank you. 1 question is asked of Acme Air."
        " Dana Fox is praised by name, once."
    )
    assert "praise" not in notices["Sam Ortiz"].partition("`")[0]
    assert not [row async for row in store.cases()], "nobody owes anything for it"


async def test_at_most_once_an_hour_and_nothing_is_said_twice_or_lost(store: Store, settings: Settings) -> None:
    await hears(store, "1", "Does Acme Air fly to Porto?", Verdict.QUESTION)
    for minute in range(0, 59, 7):
        await told(store, settings, NOW + timedelta(minutes=minute))
    assert len(await said(store, HOUR)) == 2
    await hears(store, "2", "Does Acme Air fly to Lima?", Verdict.QUESTION, HOUR / 4)
    await told(store, settings, NOW + 5 * HOUR)
    assert "1 question is" in (await said(store, 5 * HOUR))["Sam Ortiz"], "heard while nobody looked, and only once"
    await told(store, settings, NOW + 7 * HOUR)
    assert not await said(store, 7 * HOUR), "nothing came"


async def test_who_is_off_duty_hears_of_it_when_they_are_back(store: Store, settings: Settings) -> None:
    asleep = tuple(replace(person, hours="Mon-Fri 20:00-22:00") for person in settings.people)
    await hears(store, "1", "Does Acme Air fly to Porto?", Verdict.QUESTION)
    later = replace(settings, people=asleep)
    await told(store, later, NOW)
    assert not await said(store)
    await hears(store, "2", "Does Acme Air fly to Lima?", Verdict.QUESTION, 2 * HOUR)
    await store.set_mark("told lightly: Sam Ortiz", NOW - 2 * HOUR)
    await told(store, later, NOW + 8 * HOUR)
    assert "2 questions are" in (await said(store, 8 * HOUR))["Sam Ortiz"]


async def test_without_a_row_nobody_is_told_and_it_is_kept(store: Store, tmp_path: Path) -> None:
    await hears(store, "1", "Acme Air: best flight in years.", Verdict.PRAISE)
    await told(store, load(write(tmp_path), {}), NOW)
    assert not await said(store)


async def test_the_digest_gives_credit_by_name(store: Store) -> None:
    await hears(store, "1", "Lee Park of Acme Air is a star", Verdict.PRAISE)
    digest = await compose(store, NOW - HOUR, NOW + HOUR, Scope(people=(DANA, LEE, SAM)))
    assert digest.praised == {"Lee Park": 1} and "Praised by name: Lee Park, 1\n" in as_text(digest)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("thanks dana fox", ("Dana Fox",)),
        ("Dana, you rock", ("Dana Fox",)),
        ("dana, you rock", ()),
        ("Danaë is a myth", ()),
        ("Sam or the other Sam", ()),
    ],
)
def test_a_name_is_a_name_when_it_can_only_be_one_of_us(text: str, names: tuple[str, ...]) -> None:
    assert praised(text, (DANA, LEE, SAM, Person(name="Sam Hill"))) == names


@pytest.mark.parametrize("row", ['praise = { tell = ["Nobody"] }', 'question = { tell = ["Lee Park"], every = "5m" }'])
def test_what_cannot_be_is_said_with_the_mend(tmp_path: Path, row: str) -> None:
    with pytest.raises(ConfigError, match=r"policy\.care\.(praise|question)|nobody is called|an hour or more"):
        load(write(tmp_path, people=FILES["people.toml"].replace("[policy.care]\n", f"[policy.care]\n{row}\n")), {})
