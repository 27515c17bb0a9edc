"""The team's verdicts teach triage: gently, never for the worse, and it can be undone."""

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path

import configs
import pytest
from builders import assessment, batch, mention, post
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from connectors.post import Author
from escalation.case import replay
from escalation.commands import Dismiss
from escalation.decide import decide
from listener.by_hand import keep, raised
from listener.cli import main
from listener.learning import Learned, Verdicted, changed, fit, learn, loss
from listener.opening import system_clock
from listener.settings import Settings, load
from listener.storage.contract import Heard
from listener.storage.sqlite import SqliteStore
from listener.weigh import scales

NOW = Learned()


def verdicts(*pairs: tuple[float, bool], times: int = 20) -> list[Verdicted]:
    return [Verdicted(id=n, logit=logit, complaint=meant) for n, (logit, meant) in enumerate(pairs * times, 1)]


def test_a_team_that_dismisses_what_is_barely_a_complaint_is_woken_by_less() -> None:
    found, compared = learn(verdicts((0.3, False), (0.5, False), (2.5, True), (-1.0, False), (3.0, True)), NOW)
    assert found.probability(0.5) < 0.5 < found.probability(2.5)
    assert compared.no_worse and compared.after_right > compared.before_right and compared.held == 25


def test_few_verdicts_move_little() -> None:
    few, many = (fit(verdicts((1.0, False), times=times)) for times in (1, 100))
    assert abs(few.probability(1.0) - NOW.probability(1.0)) < 0.05 < NOW.probability(1.0) - many.probability(1.0)


def test_what_would_be_worse_is_not_taken_on() -> None:
    taught = [Verdicted(id=n, logit=1.0, complaint=n % 4 == 0) for n in range(1, 200)]  # held back: the opposite
    _, compared = learn(taught, NOW)
    assert not compared.no_worse


@given(st.lists(st.tuples(st.floats(-9, 9), st.booleans()), max_size=60))
def test_any_verdicts_can_be_learned_from_and_order_is_kept(pairs: list[tuple[float, bool]]) -> None:
    found = fit([Verdicted(id=n, logit=logit, complaint=meant) for n, (logit, meant) in enumerate(pairs)])
    assert found.slope > 0 and found.probability(1.0) >= found.probability(-1.0)


def test_what_changes_is_told_one_by_one() -> None:
    given_ = verdicts((0.3, False), (3.0, True), times=1)
    assert [(one.logit, then) for one, then in changed(given_, NOW, Learned(shift=-1.0))] == [(0.3, False)]
    assert loss(given_, NOW) > 0


def test_what_was_learned_is_in_force_beside_the_teams_own_rules(tmp_path: Path) -> None:
    directory = configs.write(tmp_path, triage="complaint_from = 0.6\n")
    (directory / "learned.toml").write_text("[learned]\nslope = 0.9\nshift = -0.4\n", "utf-8")
    rules = load(directory, {}).rules
    assert rules.learned == (0.9, -0.4) and rules.complaint_from == 0.6


def test_with_too_few_verdicts_it_says_so_and_nothing_learned_is_nothing_undone(tmp_path: Path) -> None:
    directory = configs.write(tmp_path)
    told = CliRunner().invoke(main, ["learn", "--config", str(directory)])
    assert told.exit_code == 1 and "too few" in told.stderr
    told = CliRunner().invoke(main, ["learn", "--undo", "--config", str(directory)])
    assert told.exit_code == 1 and "nothing was learned" in told.stderr
    (directory / "learned.toml").write_text("[learned]\nslope = 0.9\nshift = 0.1\n", "utf-8")
    assert CliRunner().invoke(main, ["learn", "--undo", "--config", str(directory)]).exit_code == 0
    assert load(directory, {}).rules.learned == (1.0, 0.0)


@pytest.mark.parametrize("bad", ['[learned]\nslope = "steep"\n', "[taught]\nslope = 1\n"])
def test_a_file_that_somebody_has_written_into_is_checked(tmp_path: Path, bad: str) -> None:
    directory = configs.write(tmp_path)
    (directory / "learned.toml").write_text(bad, "utf-8")
    told = CliRunner().invoke(main, ["cases", "--json", "--config", str(directory)])
    assert (told.exit_code == 1 and "triage.toml" in told.stderr) or "learned" in told.stderr


async def half_dismissed(database: str, now: datetime) -> None:
    """Sixty complaints, one a day; the team dismissed two of three."""
    store = await SqliteStore.open(database)
    for number in range(1, 61):
        said = post(
            f"p{number}", f"Acme Air, note {number}.", title=f"Note {number}", author=Author(handle=f"h{number}")
        )
        await store.keep(batch(Heard(post=said, mentions=(mention(said),)), at=now - timedelta(days=number)))
    for case in [replay(whole) async for whole in store.histories(now - timedelta(days=99))]:
        if case.id % 3:
            await store.append(case, decide(case, Dismiss(by="Dana Fox", reason="chat"), now))
    await store.aclose()


async def raised_by_hand(settings: Settings, now: datetime) -> None:
    store = await SqliteStore.open(settings.database)
    for number in range(5):
        brought = raised(f"They rang me, call {number}.", "Acme Air", scales(settings), now, by="Dana Fox")
        await keep(store, brought, now)
    await store.aclose()


def test_what_a_person_raises_by_hand_is_a_verdict(tmp_path: Path) -> None:
    directory = configs.write(tmp_path)
    settings = load(directory, {})
    asyncio.run(half_dismissed(settings.database, system_clock()))
    asyncio.run(raised_by_hand(settings, system_clock()))
    ran = CliRunner().invoke(main, ["learn", "--json", "--config", str(directory)])
    assert json.loads(ran.stdout)["verdicts"] == 40 + 5


def test_the_last_thirty_days_are_told_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody has judged is told, too; what is older is not."""
    directory = configs.write(tmp_path)
    asyncio.run(half_dismissed(load(directory, {}).database, system_clock()))
    monkeypatch.setattr("listener.commands.learning.assess", lambda *_: assessment(complaint=0.55))
    ran = CliRunner().invoke(main, ["learn", "--json", "--config", str(directory)])
    told = json.loads(ran.stdout)
    assert ran.exit_code == 0 and told["verdicts"] == 40 and told["taken"]
    assert {change["title"] for change in told["changes"]} == {f"Note {number}" for number in range(1, 30)}
    assert not any(change["complaint"] for change in told["changes"])
    plain = CliRunner().invoke(main, ["learn", "--config", str(directory)])
    assert plain.exit_code == 0 and "the last 30 days: 0 more would have been escalated, " in plain.stdout
