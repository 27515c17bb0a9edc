"""What a hostile reader of the core would try: floods of copies, wrong clocks, nobody there, slips of the pen."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from builders import DANA, LEE, NOW, SAM, assessment, batch, opened, policy, post, subject
from fakes import RecordingMessenger

from connectors.post import Author
from escalation.case import Case, Status, evolve, replay
from escalation.clock import open_case, overdue
from escalation.commands import Accept, Acknowledge, Handover, MakePromise, Refused, Reopen, ReportBack
from escalation.courier import Courier
from escalation.decide import decide
from escalation.desk import Desk
from escalation.events import Event, LeadTold, Outcome
from escalation.notices import Kind, notices
from listener.audit import audit, audit_as_of
from listener.routing import route
from listener.storage.contract import Heard, Store
from listener.triage import Priority

HOUR = timedelta(hours=1)
WORDS = "Acme Air lost my bag on Monday, told me lies on Tuesday, and hung up on me today."


def copy(number: int) -> Heard:
    of = post(f"c{number}", WORDS, site="talk.example", author=Author(handle=f"a{number}", id=str(number)))
    judged = assessment(severity=60, priority=Priority.P2)
    return Heard(post=of, mentions=(route(of, "Acme Air", judged, {"P2": policy(priority="P2")}, NOW),))


async def test_a_story_told_hundreds_of_times_is_one_case_and_a_handful_of_lines(store: Store) -> None:
    for page in range(0, 300, 100):
        await store.keep(batch(*map(copy, range(page, page + 100))))
    (row,) = [row async for row in store.cases()]
    messenger = RecordingMessenger()
    while await Courier(store, messenger).deliver(NOW):
        pass
    kinds = Counter(notice.kind for _, notice in messenger.said)
    assert row.posts == 300 and kinds[Kind.THREAD] < 20 and kinds[Kind.DIRECT] == kinds[Kind.CARD] == 1
    assert any("205 posts by now" in notice.text for _, notice in messenger.said)
    assert (await audit(store, NOW)).balanced


def after(case: Case, events: tuple[Event, ...]) -> Case:
    for event in events:
        case = evolve(case, event)
    return case


def test_what_is_due_after_everybody_has_left_is_a_slip_of_the_pen() -> None:
    never = datetime(9999, 12, 31, tzinfo=UTC)
    for command in (Acknowledge(by="Dana Fox", due=never), MakePromise(by="Dana Fox", what="call", due=never)):
        with pytest.raises(Refused, match="31 Dec 9999 is too far away"):
            decide(opened(), command, NOW)


def test_a_clock_that_goes_back_loses_and_doubles_nothing() -> None:
    case = opened()
    late = after(case, overdue(case, NOW + HOUR))
    assert late.owner == "Lee Park"
    assert overdue(late, NOW) == (), "the step was taken already"
    taken = after(late, decide(late, Acknowledge(by="Lee Park"), NOW))
    assert taken.status is Status.ACKNOWLEDGED and taken.due and taken.due > NOW
    (missed,) = overdue(taken, taken.due)
    assert missed.at == taken.due


def test_when_nobody_further_up_is_there_the_house_hears_it_once() -> None:
    night = replace(SAM, hours="Mon-Fri 23:00-23:30")
    rules = policy(people=(DANA, night))
    case, said = replay([open_case(1, subject(), rules, NOW)]), []
    for _ in range(4):
        assert case.due
        (event,) = overdue(case, case.due)
        case = evolve(case, event)
        said += [notice for notice in notices(case, event) if notice.kind is Kind.HOUSE]
    assert [notice.text for notice in said] == [
        "Nobody on the ladder of Acme Air, P1, is on duty: case 1 waits with Sam Ortiz."
    ]


def test_hand_overs_are_counted_anew_once_there_was_a_result() -> None:
    case, told = opened(), list[Event]()
    report = ReportBack(by="Dana Fox", outcome=Outcome.NOT_OURS, done="passed on", remedy="none", evidence="t-1")

    def passed(case: Case, times: int) -> Case:
        for turn in range(times):
            to = (LEE, DANA)[case.owner == LEE.name].name
            case = after(case, decide(case, Handover(by=case.owner, to=to), NOW + turn * HOUR))
            events = decide(case, Accept(by=to), NOW + turn * HOUR)
            told.extend(event for event in events if isinstance(event, LeadTold))
            case = after(case, events)
        return case

    case = passed(case, 2)
    case = after(case, decide(case, report, NOW))
    case = after(case, decide(case, Reopen(by="Lee Park", reason="it came back"), NOW + HOUR))
    case = passed(case, 2)
    assert not told
    passed(case, 1)
    assert [event.why for event in told if isinstance(event, LeadTold)] == [
        "handed over for the third time without a result"
    ]


@pytest.mark.parametrize(
    ("due", "shown"), [(NOW + 2 * HOUR, "by Mon 11:00 EDT."), (NOW + timedelta(days=21), "by Mon 25 May 09:00 EDT.")]
)
def test_a_promise_far_away_is_told_with_its_date(due: datetime, shown: str) -> None:
    case, texts = opened(), list[str]()
    for event in decide(case, Acknowledge(by="Dana Fox", what="call her", due=due), NOW):
        case = evolve(case, event)
        texts += [notice.text for notice in notices(case, event)]
    assert f"Dana Fox promises: call her, {shown}" in texts


async def test_the_audit_of_the_past_reads_a_timeline_in_its_own_order(store: Store) -> None:
    await store.keep(batch(copy(1)))
    desk = Desk(store)
    await desk.handle(1, Acknowledge(by="Dana Fox"), NOW + HOUR)
    await desk.handle(1, Handover(by="Dana Fox", to="Lee Park"), NOW + timedelta(seconds=30))
    assert (await audit_as_of(store, NOW + timedelta(minutes=1))).balanced, "the hand-over came after what is not yet"
