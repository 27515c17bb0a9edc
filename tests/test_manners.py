"""Nobody is pinged too often or in the night, and nothing that is owed is lost by it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from builders import DANA, LEE, NOW, SAM, batch, complaint, opened, policy, subject
from conftest import Clock
from fakes import MemoryLedger, RecordingMessenger
from hypothesis import given
from hypothesis import strategies as st
from slackserver import TOKEN, Slack

from escalation.case import Case, evolve
from escalation.commands import Acknowledge, MakePromise, Note
from escalation.courier import Courier
from escalation.decide import decide
from escalation.desk import Desk
from escalation.events import (
    Acknowledged,
    Escalated,
    Event,
    HandoverOffered,
    LeadTold,
    Missed,
    Opened,
    Promised,
    Revised,
    Warned,
)
from escalation.manners import Due, Ping, Say, Wait, loud, plan
from escalation.notices import Kind, Notice
from escalation.slack.calls import connect, only
from escalation.slack.messenger import SlackMessenger
from listener.storage.contract import Store

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
OFFICE = replace(DANA, hours="Mon-Fri 09:00-17:00")  # NOW is 09:00 for her
NIGHT = NOW + 10 * HOUR


def due(number: int, event: Event, to: str = "Dana Fox", case: Case | None = None, seq: int = 2) -> Due:
    notice = Notice(case=number, seq=seq, kind=Kind.DIRECT, to=to, text=f"{type(event).__name__} {number}.")
    return Due(notice=notice, event=event, case=case or replace(opened(), id=number))


def new(number: int, priority: str = "P1", at: datetime = NOW) -> Due:
    made = opened(at)
    made = replace(made, id=number, subject=replace(made.subject, priority=priority))
    event = Opened(
        at=at, case=number, subject=made.subject, policy=made.policy, owner="Dana Fox", rung=0, why="on duty"
    )
    return due(number, event, case=made, seq=1)


def told(number: int, at: datetime, kind: str = "Opened", to: str = "Dana Fox") -> Ping:
    return Ping(to=to, case=number, kind=kind, at=at)


WARNED, REVISED = Warned(at=NOW, to="Dana Fox"), Revised(at=NOW, post="blog:p1", text="", severity=80)


def test_a_second_word_about_a_case_waits_for_a_quarter_of_an_hour() -> None:
    [waits] = plan([due(1, WARNED)], [told(1, NOW - 5 * MINUTE)], NOW)
    assert isinstance(waits, Wait) and waits.until == NOW + 10 * MINUTE
    assert "Dana Fox was told of this case at 12:55 UTC" in waits.why
    [said] = plan([due(1, WARNED)], [told(1, NOW - 15 * MINUTE)], NOW)
    assert isinstance(said, Say)
    for other in (told(2, NOW), told(1, NOW, to="Lee Park")):
        assert isinstance(plan([due(1, WARNED)], [other], NOW)[0], Say), "another case, another person"


def test_what_had_to_wait_is_said_in_one() -> None:
    waiting = [due(1, WARNED, seq=3), due(1, REVISED, seq=4), due(1, REVISED, seq=5)]
    [said] = plan(waiting, [], NOW)
    assert isinstance(said, Say) and len(said.says) == 3
    assert said.notice.text == "Revised 1. Warned 1.", "the newest first, each once"
    assert said.notice.says == ("1/3/direct/Dana Fox", "1/4/direct/Dana Fox", "1/5/direct/Dana Fox")


@pytest.mark.parametrize(
    "event",
    [
        Escalated(at=NOW, to="Dana Fox", rung=1, why="on duty"),
        Missed(at=NOW, what="promise", to="Lee Park", rung=1, why="on duty"),
        HandoverOffered(at=NOW, by="Lee Park", to="Dana Fox", note=""),
    ],
)
def test_what_makes_it_theirs_breaks_a_promise_or_is_asked_does_not_wait(event: Event) -> None:
    assert isinstance(plan([due(1, event)], [told(1, NOW - MINUTE)], NOW)[0], Say)


def test_the_last_of_a_ladder_is_not_called_every_five_minutes() -> None:
    again = Escalated(at=NOW, to="Sam Ortiz", rung=2, why="the last of the ladder")
    called = replace(opened(), owner="Sam Ortiz", repeats=2)
    assert isinstance(plan([due(1, again, "Sam Ortiz", called)], [told(1, NOW, to="Sam Ortiz")], NOW)[0], Wait)


def test_four_new_cases_are_four_messages_and_five_are_one() -> None:
    assert len(plan([new(number) for number in range(1, 5)], [], NOW)) == 4
    [one] = plan([new(number) for number in range(1, 6)], [], NOW)
    assert isinstance(one, Say) and len(one.says) == 5 and one.notice.case == 0
    assert "5 new cases for you" in one.notice.text
    assert "case 3: Acme Air, P1, acknowledge by Mon 09:05 EDT" in one.notice.text
    assert "charger" not in one.notice.text and "Marta" not in one.notice.text, "it quotes nobody"


def test_after_four_in_ten_minutes_the_next_are_gathered_but_never_a_p1() -> None:
    lately = [told(number, NOW - 2 * MINUTE) for number in range(1, 5)]
    [waits] = plan([new(9, "P3")], lately, NOW)
    assert isinstance(waits, Wait) and waits.until == NOW + (5 * MINUTE) / 3, "a third of the time to acknowledge"
    assert isinstance(plan([new(9, "P1")], lately, NOW)[0], Say)
    assert isinstance(plan([new(9, "P3")], lately, NOW + 2 * MINUTE)[0], Say)
    assert isinstance(plan([new(9, "P3")], [told(n, NOW - 11 * MINUTE) for n in range(1, 5)], NOW)[0], Say)


def at_night(priority: str, event: Event = WARNED) -> Due:
    made = opened(people=(OFFICE, LEE))
    return due(1, event, case=replace(made, subject=replace(made.subject, priority=priority)))


def test_the_night_is_quiet_but_for_p1_and_for_what_a_colleague_asks() -> None:
    [waits] = plan([at_night("P2")], [], NIGHT)
    assert isinstance(waits, Wait) and waits.why == "Dana Fox is off duty"
    assert waits.until == NOW + 24 * HOUR, "nine o'clock in Toronto"
    assert isinstance(plan([at_night("P1")], [], NIGHT)[0], Say)
    asked = HandoverOffered(at=NIGHT, by="Lee Park", to="Dana Fox", note="")
    assert isinstance(plan([at_night("P2", asked)], [], NIGHT)[0], Say)
    assert isinstance(plan([at_night("P2")], [], NOW)[0], Say)


def test_what_was_held_back_says_what_has_become_of_it() -> None:
    one = new(1, at=NOW)
    assert one.case
    later = replace(one, case=evolve(one.case, Escalated(at=NOW + 5 * MINUTE, to="Lee Park", rung=1, why="on duty")))
    [said] = plan([later], [], NOW + HOUR)
    assert isinstance(said, Say) and said.notice.text.endswith("Since then Lee Park has it.")


def test_the_first_broken_promise_is_shown_in_the_channel_and_no_other() -> None:
    missed = Missed(at=NOW, what="promise", to="Lee Park", rung=1, why="on duty")
    timeline = (new(1).event, Acknowledged(at=NOW, by="Dana Fox"), missed, missed)
    lines = [Notice(case=1, seq=seq, kind=Kind.THREAD, to="Acme Air", text="") for seq in (2, 3, 4)]
    assert [loud([event for event in timeline if event], line).loud for line in lines] == [False, True, False]


DUES = st.lists(
    st.builds(
        due,
        st.integers(1, 9),
        st.sampled_from([WARNED, REVISED, LeadTold(at=NOW, to="x", why="y"), new(1).event]),
        st.sampled_from(["Dana Fox", "Lee Park"]),
        st.none(),
        st.integers(1, 30),
    ),
    max_size=40,
    unique_by=lambda one: one.notice.key,
)
PINGS = st.lists(
    st.builds(
        told,
        st.integers(1, 9),
        st.integers(0, 20).map(lambda minutes: NOW - minutes * MINUTE),
        st.sampled_from(["Opened", "Warned"]),
        st.sampled_from(["Dana Fox", "Lee Park"]),
    ),
    max_size=20,
)


@given(DUES, PINGS)
def test_nothing_owed_is_lost_or_doubled_and_all_that_waits_has_a_time(owed: list[Due], pings: list[Ping]) -> None:
    steps = plan(owed, pings, NOW)
    kept = [n.key for step in steps for n in (step.says if isinstance(step, Say) else (step.notice,))]
    assert sorted(kept) == sorted(one.notice.key for one in owed)
    assert all(NOW < step.until <= NOW + 15 * MINUTE for step in steps if isinstance(step, Wait))
    for step in steps:
        if isinstance(step, Say) and len(step.says) > 1:
            assert set(step.notice.says) == {notice.key for notice in step.says}


# through the courier


async def test_what_waits_is_owed_until_it_is_said_and_then_once(clock: Clock) -> None:
    ledger, messenger = MemoryLedger(), RecordingMessenger()
    case = ledger.open(subject(), policy(), NOW)
    courier = Courier(ledger, messenger)
    await courier.deliver(clock())
    for _ in range(3):
        case = await ledger.append(case, (replace(REVISED, at=clock()),))
    for _ in range(14):
        clock.forward(minutes=1)
        await courier.deliver(clock())
    assert len(messenger.told("Dana Fox")) == 1
    clock.forward(minutes=1)
    await courier.deliver(clock())
    assert len(messenger.told("Dana Fox")) == 2, "three changes, one message"
    assert all(row.sent for row in ledger.rows.values())


async def test_who_acts_is_never_told_of_it_even_as_the_lead(clock: Clock) -> None:
    ledger, messenger = MemoryLedger(), RecordingMessenger()
    ledger.open(subject(), policy(people=(SAM,)), NOW)
    desk, courier = Desk(ledger), Courier(ledger, messenger)
    await courier.deliver(clock())
    await desk.handle(1, Acknowledge(by="Sam Ortiz", what="call", due=NOW + HOUR), clock())
    for hour in (2, 3, 4):
        await desk.handle(1, MakePromise(by="Sam Ortiz", what="call", due=NOW + hour * HOUR, reason="busy"), clock())
    clock.forward(minutes=20)
    await courier.deliver(clock())
    assert len(messenger.told("Sam Ortiz")) == 1


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with Slack() as running:
        yield running


def courier(store: Store, slack: Slack, clock: Clock) -> Courier:
    people = {person.name: person for person in (DANA, LEE, SAM)}
    messenger = SlackMessenger(only(connect(TOKEN, slack.api_url)), {"": "C0CARE"}, people, clock, spacing=0)
    return Courier(store, messenger)


async def test_six_new_cases_are_six_cards_and_one_ping(store: Store, slack: Slack, clock: Clock) -> None:
    await store.keep(batch(*(complaint(f"p{number}") for number in range(6))))
    await courier(store, slack, clock).deliver(clock())
    assert len(slack.cards()) == 6
    [one] = slack.direct("U0DANA")
    assert "6 new cases for you" in one["text"]
    balance = await store.balance()
    assert (balance.owed, balance.undeliverable, balance.findings) == (0, 0, ())
    await store.erase("blog", ("p1",), clock())
    await courier(store, slack, clock).deliver(clock())
    assert "6 new cases" in str(slack.direct("U0DANA")[0]), "it quotes nobody, so it stays"


@pytest.mark.parametrize("trouble", [429, "hang up after", 503])
async def test_one_message_for_many_is_shown_once_whatever_happens(
    store: Store, slack: Slack, clock: Clock, trouble: object
) -> None:
    await store.keep(batch(*(complaint(f"p{number}") for number in range(6))))
    slack.trouble["chat.postMessage"] = [trouble]
    for _ in range(4):
        await courier(store, slack, clock).deliver(clock())
        clock.forward(minutes=2)
    assert len(slack.direct("U0DANA")) == 1 and len(slack.cards()) == 6
    assert (await store.balance()).owed == 0


async def test_a_broken_promise_is_broadcast_once(store: Store, slack: Slack, clock: Clock) -> None:
    await store.keep(batch(complaint()))
    desk, carrier = Desk(store), courier(store, slack, clock)
    await desk.handle(1, Acknowledge(by="Dana Fox", what="call", due=NOW + HOUR), clock())
    for _ in range(8):
        clock.forward(hours=1)
        await desk.look(clock())
        await carrier.deliver(clock())
    assert len([m for m in slack.messages if m.get("reply_broadcast")]) == 1
    assert Promised.__name__ in [type(event).__name__ for event in await store.timeline(1)]


async def test_five_hundred_changes_are_a_handful_of_updates_and_the_last_is_right(
    store: Store, slack: Slack, clock: Clock
) -> None:
    await store.keep(batch(complaint()))
    carrier, desk = courier(store, slack, clock), Desk(store)
    await carrier.deliver(clock())
    await desk.handle(1, Acknowledge(by="Dana Fox", what="call"), clock())
    case = await desk.case(1)
    notes = [Note(by="Dana Fox", text=f"note {number}") for number in range(498)]
    for command in notes:
        case = await store.append(case, decide(case, command, clock()))
    await carrier.deliver(clock())
    await carrier.deliver(clock())
    assert slack.updates <= 5
    assert "Acknowledged" in slack.cards()[0]["blocks"][0]["text"]["text"]
