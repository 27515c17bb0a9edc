"""The team's word on a severity: a label to learn from, on every surface; worse is one step more urgent, nothing else moves."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import configs
import pytest
from builders import LEE, NOW, SAM, assessment, batch, complaint, mention, opened, policy, post
from click.testing import CliRunner
from conftest import Clock
from deskworld import DeskWorld, filled
from deskworld import opened as desk_opened
from deskworld import settings as desk_settings
from hypothesis import given
from hypothesis import strategies as st
from slackroom import Room, a_room, by_http

from connectors.post import Author
from escalation.case import Case, Status, evolve, replay
from escalation.clock import overdue, raised
from escalation.commands import Acknowledge, Command, Dismiss, FollowUp, Rate, Refused, ReportBack
from escalation.decide import decide
from escalation.desk import Desk
from escalation.events import Outcome, Raised, Rated, Rating, Result
from escalation.notices import Kind, notices
from escalation.telling import told
from listener.audit import audit
from listener.bootstrap import system_clock
from listener.cli import main
from listener.learning_severity import Graded, chance, changed, fit, learn, loss, word
from listener.rating import row_above
from listener.routing import Route
from listener.settings import load
from listener.storage.contract import Heard, Store
from listener.storage.sqlite import SqliteStore
from listener.triage import BrandTarget, Priority, Scale, assess, load_rules
from listener.weigh import scales

P1, P2 = policy(), policy(priority="P2", acknowledge=timedelta(minutes=15), report=timedelta(hours=8))
WORSE = Rate(by="Lee Park", rating=Rating.WORSE, policy=P1)


def p2(**given: Any) -> Case:
    made = opened(**{"priority": "P2", "acknowledge": P2.acknowledge, **given})
    return replace(made, subject=replace(made.subject, priority="P2", severity=60))


def after(case: Case, *commands: Command, at: datetime = NOW) -> Case:
    for command in commands:
        for event in decide(case, command, at):
            case = evolve(case, event)
    return case


# What it means


def test_worse_is_one_step_more_urgent_for_the_same_owner_and_sooner() -> None:
    events = decide(p2(), WORSE, NOW)
    assert [type(event) for event in events] == [Rated, Raised]
    case = after(p2(), WORSE)
    assert (case.subject.priority, case.owner, case.policy.priority) == ("P1", "Dana Fox", "P1")
    assert case.clock == NOW + P1.acknowledge and case.subject.severity == 60, "a person knows that, not how much"


def test_a_deadline_that_is_near_is_not_put_off() -> None:
    late = NOW + timedelta(minutes=13)
    assert after(p2(), WORSE, at=late).clock == NOW + P2.acknowledge


def test_a_promise_stands_and_the_owner_is_told_once() -> None:
    case = after(p2(), Acknowledge(by="Dana Fox"))
    rated, lifted = decide(case, WORSE, NOW)
    then = evolve(evolve(case, rated), lifted)
    assert (then.promise, then.clock, then.status) == (case.promise, case.clock, Status.ACKNOWLEDGED)
    (said,) = [one for one in notices(then, lifted) if one.kind is Kind.DIRECT]
    assert said.to == "Dana Fox" and said.text.startswith("Lee Park says that it is worse than that. Now P1.")
    own = decide(case, replace(WORSE, by="Dana Fox"), NOW)
    assert not [one for one in notices(then, own[1]) if one.kind is Kind.DIRECT]


@pytest.mark.parametrize("rating", [Rating.RIGHT, Rating.MILDER])
def test_right_and_not_that_bad_only_teach(rating: Rating) -> None:
    (event,) = decide(p2(), replace(WORSE, rating=rating), NOW)
    case = evolve(p2(), event)
    assert replace(case, ratings=(), seq=1) == p2()
    assert [one.kind for one in notices(case, event)] == [Kind.CARD]


def test_the_same_again_is_nothing_and_another_person_lifts_it_once_more() -> None:
    three = replace(p2(), subject=replace(p2().subject, priority="P3"))
    case = after(three, replace(WORSE, policy=P2))
    assert decide(case, replace(WORSE, policy=P1), NOW) == ()
    assert after(case, replace(WORSE, by="Sam Ortiz")).subject.priority == "P1"


@pytest.mark.parametrize(
    ("case", "row", "why"),
    [
        (p2(), None, "the policy has nothing more urgent than P2"),
        (p2(), P2, "it is P2 already"),
        (
            after(
                p2(),
                ReportBack(by="Dana Fox", outcome=Outcome.SOLVED, done="called", remedy="80 EUR", evidence="t-1"),
            ),
            P1,
            "the case is reported",
        ),
    ],
)
def test_where_it_stays_the_reason_is_said(case: Case, row: Any, why: str) -> None:
    (event,) = decide(case, replace(WORSE, policy=row), NOW)
    assert isinstance(event, Rated) and event.stays == why
    assert why in told(event, "UTC") and any(why in one.text for one in notices(evolve(case, event), event))


def test_after_the_end_it_still_teaches_but_what_is_no_complaint_has_no_severity() -> None:
    done = ReportBack(by="Dana Fox", outcome=Outcome.SOLVED, done="called", remedy="80 EUR", evidence="t-1")
    closed = after(p2(), done, FollowUp(by="Dana Fox", result=Result.VERIFIED))
    assert closed.status is Status.CLOSED
    assert after(closed, WORSE).status is Status.CLOSED and after(closed, WORSE).ratings
    with pytest.raises(Refused, match="dismissed as no complaint"):
        decide(after(p2(), Dismiss(by="Dana Fox", reason="a joke")), WORSE, NOW)
    with pytest.raises(Refused, match="say it of one of them"):
        decide(replace(p2(), incident=True), WORSE, NOW)


def test_whoever_is_on_no_place_of_the_new_ladder_keeps_it_and_its_first_is_next() -> None:
    elsewhere = policy(people=(SAM, LEE))
    case = after(p2(), replace(WORSE, policy=elsewhere))
    assert case.owner == "Dana Fox"
    assert case.clock
    assert overdue(case, case.clock)[0].to == "Sam Ortiz"  # type: ignore[union-attr]


def test_a_post_that_is_worse_asks_for_a_new_word() -> None:
    case = after(p2(), replace(WORSE, rating=Rating.RIGHT))
    (worse,) = raised(case, replace(case.subject, severity=90, priority="P1"), P1, NOW)
    assert evolve(case, worse).ratings == ()


# Whose row is next


def test_the_next_row_is_the_next_there_is_on_the_ladder_the_case_is_on(tmp_path: Path) -> None:
    with_ = scales(load(configs.write(tmp_path), {}))
    rows = {"P3": policy(priority="P3"), "P1": P1}
    with_ = replace(with_, policies={"Acme Air": rows})
    three = replace(p2(), subject=replace(p2().subject, priority="P3"))
    assert row_above(three, with_) is P1 and row_above(after(three, WORSE), with_) is None
    legal = {"P1": policy(route="legal")}
    on = replace(with_, routes={"Acme Air": (Route(name="legal", causes=frozenset(), when=None, policies=legal),)})
    assert row_above(replace(three, policy=replace(three.policy, route="legal")), on) is legal["P1"]
    gone = replace(three, subject=replace(three.subject, brand="Sold Off"))
    assert row_above(gone, with_) is None


# On every store and every surface


async def test_every_store_keeps_it_and_balances(store: Store) -> None:
    await store.keep(batch(complaint("p1")))
    desk = Desk(store)
    await desk.handle(1, replace(WORSE, policy=None), NOW)
    await desk.handle(1, Rate(by="Dana Fox", rating=Rating.MILDER), NOW)
    kept = replay(await store.timeline(1))
    assert kept.ratings == (("Lee Park", Rating.WORSE), ("Dana Fox", Rating.MILDER))
    assert (await audit(store, NOW)).balanced


async def test_every_store_lists_the_case_as_urgent_as_it_is_now(store: Store) -> None:
    said = post("p1")
    judged = mention(said, priority="P2", severity=60)
    assert judged.opening
    await store.keep(batch(Heard(post=said, mentions=(replace(judged, opening=replace(judged.opening, policy=P2)),))))
    await Desk(store).handle(1, WORSE, NOW)
    (row,) = [one async for one in store.cases()]
    assert (row.priority, row.severity, row.due) == ("P1", 60, NOW + P1.acknowledge)
    assert (await audit(store, NOW)).balanced


@pytest.fixture
async def room(clock: Clock) -> AsyncIterator[Room]:
    async with a_room(by_http, clock) as made:
        yield made


async def test_in_slack_it_is_one_choice_in_the_menu_and_the_card_says_who_said_so(room: Room) -> None:
    await room.press("Severity: not that bad", "U0LEE", room.card())
    await room.deliver()
    assert replay(await room.store.timeline(1)).ratings == (("Lee Park", Rating.MILDER),)
    assert "Lee Park: not that bad" in str(room.card()["blocks"])
    await room.press("Severity: worse than that", "U0LEE", room.card())
    await room.deliver()
    assert "It stays P1: the policy has nothing more urgent than P1." in room.slack.messages[-1]["text"]
    assert len(room.slack.direct("U0DANA")) == 1, "who has it is not pinged for a word"


async def test_on_the_desk_it_is_a_form_and_stands_beside_the_reasons(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    await filled(store, clock())
    async with desk_opened(store, desk_settings(tmp_path / "config"), clock) as world:
        await rate_on(world)


async def rate_on(world: DeskWorld) -> None:
    async with await world.browser("Lee Park") as lee:
        page = await lee.get("/cases/1")
        assert "verdict" in page.actions(1)
        assert (await lee.send("/cases/1/verdict", rating="awful")).status == 422
        saved = await lee.send("/cases/1/verdict", rating="milder")
        assert "Saved. Triage learns from it." in saved.text and "Lee Park: not that bad" in saved.text


def test_on_the_command_line(tmp_path: Path) -> None:
    directory = configs.write(tmp_path)
    asyncio.run(a_month_of(load(directory, {}).database, system_clock(), cases=1))
    ran = CliRunner().invoke(main, ["verdict", "1", "worse", "--as", "Lee Park", "--config", str(directory)])
    assert ran.exit_code == 0 and "P1" in ran.stdout and "Lee Park: worse than that" in ran.stdout
    shown = CliRunner().invoke(main, ["case", "1", "--json", "--config", str(directory)])
    last = json.loads(shown.stdout)["timeline"][-1]
    assert (last["kind"], last["by"]) == ("Raised", "Lee Park")


# What it teaches


def words(rating: Rating, severity: int = 50, count: int = 120) -> list[Graded]:
    return [Graded(id=n, severity=severity + n % 20, shown=severity + n % 20, rating=rating) for n in range(1, count)]


def test_a_team_that_says_worse_again_and_again_is_given_more() -> None:
    found, compared = learn(words(Rating.WORSE), Scale())
    assert found.of(50) >= 60 and compared.no_worse and compared.after_right > compared.before_right
    down, _ = learn(words(Rating.MILDER), Scale())
    assert down.of(50) <= 40


def test_right_moves_nothing_and_few_words_move_little() -> None:
    assert fit(words(Rating.RIGHT)) == Scale()
    assert abs(fit(words(Rating.WORSE, count=3)).of(50) - 50) <= 5


def test_what_is_too_flat_is_made_steeper() -> None:
    bad = words(Rating.WORSE, severity=70)
    slight = [replace(one, id=one.id + 500, rating=Rating.MILDER) for one in words(Rating.MILDER, severity=20)]
    found = fit(bad + slight)
    assert found.slope > 1.1 and found.of(80) > 80 and found.of(20) < 20


def test_words_that_contradict_those_held_back_are_not_taken_on() -> None:
    said = [replace(one, rating=Rating.MILDER if one.id % 4 == 0 else Rating.WORSE) for one in words(Rating.WORSE)]
    assert not learn(said, Scale())[1].no_worse


@given(st.floats(-200, 200))
def test_the_three_words_share_one_whole_and_the_likeliest_is_the_one_it_stands_for(off: float) -> None:
    chances = {rating: chance(off, rating) for rating in Rating}
    assert sum(chances.values()) == pytest.approx(1) and min(chances.values()) >= 0
    assert chances[word(off)] >= max(chances.values()) - 0.1


@given(st.lists(st.tuples(st.integers(1, 100), st.integers(1, 100), st.sampled_from(Rating)), max_size=40))
def test_any_words_can_be_learned_from_and_order_is_kept(said: list[tuple[int, int, Rating]]) -> None:
    graded = [Graded(id=n, severity=a, shown=b, rating=rating) for n, (a, b, rating) in enumerate(said)]
    found = fit(graded)
    assert found.of(80) >= found.of(20) and loss(graded, found) >= 0


def test_what_was_learned_moves_severity_says_so_and_goes_below_no_floor() -> None:
    rules = load_rules()
    acme, said = BrandTarget(name="Acme"), post("p1", "Acme lost my bag and nobody answers. Terrible.", title="")
    plain, taught = assess(said, acme, rules), assess(said, acme, replace(rules, scale=Scale(shift=12.0)))
    assert taught.severity == plain.severity + 12
    assert taught.reasons[-1] == ("the team's verdicts", 12, f"{plain.severity} before", -1, -1)
    fire = post("p2", "The Acme charger caught fire in my hand.", title="")
    low = assess(fire, acme, replace(rules, scale=Scale(shift=-30.0)))
    assert low.priority is Priority.P1


def test_what_would_have_been_more_urgent_is_named() -> None:
    one = Graded(id=1, severity=44, shown=44, title="Lost bag")
    steps = (("P1", 75), ("P2", 50), ("P3", 25), ("P4", 0))
    assert changed([one], Scale(), Scale(shift=10), steps) == [(one, "P3", "P2")]


async def a_month_of(database: str, now: datetime, cases: int = 48, rating: Rating | None = None) -> None:
    """A case a day, of P2; of each, what the team said of its severity."""
    store = await SqliteStore.open(database)
    for number in range(1, cases + 1):
        said = post(
            f"p{number}", f"Acme Air, note {number}.", title=f"Note {number}", author=Author(handle=f"h{number}")
        )
        judged = mention(said, priority="P2", severity=60)
        assert judged.opening
        judged = replace(judged, assessment=assessment(severity=60, priority=Priority.P2))
        judged = replace(judged, opening=replace(judged.opening, policy=P2))  # type: ignore[type-var]
        await store.keep(batch(Heard(post=said, mentions=(judged,)), at=now - timedelta(days=number)))
        if rating:
            await Desk(store).handle(number, Rate(by="Dana Fox", rating=rating), now)
    await store.aclose()


def test_learn_takes_severities_on_beside_complaints_tells_what_changes_and_can_undo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = configs.write(tmp_path)
    asyncio.run(a_month_of(load(directory, {}).database, system_clock(), rating=Rating.WORSE))
    monkeypatch.setattr(
        "listener.commands.learning.assess", lambda *_: assessment(complaint=0.9, severity=60, priority=Priority.P2)
    )
    gold = tmp_path / "gold.jsonl"
    ran = CliRunner().invoke(main, ["learn", "--gold", str(gold), "--json", "--config", str(directory)])
    found = json.loads(ran.stdout)
    assert found["verdicts"] == 48 and found["severity"]["verdicts"] == 48 and found["severity"]["taken"]
    assert {"id": 1, "title": "Note 1", "was": "P2", "priority": "P1"} in found["severity"]["changes"]
    assert load(directory, {}).rules.scale.of(60) > 70
    line = json.loads(gold.read_text("utf-8").splitlines()[0])
    assert (line["verdict"], line["rating"], line["shown"]) == ("complaint", "worse", 60) and "severity" not in line
    said = CliRunner().invoke(main, ["learn", "--config", str(directory)])
    assert "severity: 48 verdicts, 12 of them held back" in said.stdout
    assert CliRunner().invoke(main, ["learn", "--undo", "--config", str(directory)]).exit_code == 0


def test_too_few_words_leave_what_was_learned_of_severity_as_it_is(tmp_path: Path) -> None:
    directory = configs.write(tmp_path)
    (directory / "learned.toml").write_text("[learned]\nseverity_shift = 4.0\n", "utf-8")
    asyncio.run(half_dismissed(load(directory, {}).database, system_clock()))
    ran = CliRunner().invoke(main, ["learn", "--config", str(directory)])
    assert "severity: 0 verdicts are too few" in ran.stdout
    assert load(directory, {}).rules.scale == Scale(shift=4.0)


async def half_dismissed(database: str, now: datetime) -> None:
    await a_month_of(database, now, cases=40)
    store = await SqliteStore.open(database)
    for number in range(1, 41, 2):
        await Desk(store).handle(number, Dismiss(by="Dana Fox", reason="chat"), now)
    for number in range(2, 41, 2):
        done = ReportBack(by="Dana Fox", outcome=Outcome.SOLVED, done="called", remedy="none", evidence="t-1")
        await Desk(store).handle(number, done, now)
    await store.aclose()
