"""What each request means in each state: events, nothing, or a refusal that says why."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from builders import NOW, opened

from escalation.case import Case, Status, evolve
from escalation.clock import overdue
from escalation.commands import (
    Accept,
    Acknowledge,
    Command,
    Decline,
    Dismiss,
    FollowUp,
    Handover,
    MakePromise,
    Refused,
    Reopen,
    ReportBack,
)
from escalation.decide import decide
from escalation.events import Event, LeadTold, Outcome, Promised, Result

HOUR = timedelta(hours=1)


def after(case: Case, *commands: Command) -> Case:
    for command in commands:
        for event in decide(case, command, NOW):
            case = evolve(case, event)
    return case


def kinds(events: Sequence[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def report(by: str = "Dana Fox", **given: object) -> ReportBack:
    words = {"done": "called her and rebooked", "remedy": "80 EUR refunded", "evidence": "ticket 4711"}
    return ReportBack(**{"by": by, "outcome": Outcome.SOLVED, **words, **given})  # type: ignore[arg-type]


TAKEN = after(opened(), Acknowledge(by="Dana Fox"))
REPORTED = after(TAKEN, report())
DISMISSED = after(opened(), Dismiss(by="Dana Fox", reason="a joke"))


def test_acknowledging_books_a_promise() -> None:
    events = decide(opened(), Acknowledge(by="Dana Fox", what="call her", due=NOW + HOUR), NOW)
    assert kinds(events) == ["Acknowledged", "Promised"]
    assert isinstance(events[1], Promised) and (events[1].what, events[1].due) == ("call her", NOW + HOUR)


def test_without_a_promise_of_its_own_the_policys_time_is_owed() -> None:
    assert TAKEN.due == NOW + timedelta(hours=2)


def test_anybody_may_take_what_nobody_has_acknowledged() -> None:
    assert after(opened(), Acknowledge(by="Sam Ortiz")).owner == "Sam Ortiz"


def test_pressing_twice_is_harmless() -> None:
    assert decide(TAKEN, Acknowledge(by="Dana Fox"), NOW) == ()
    assert decide(DISMISSED, Dismiss(by="Lee Park", reason="also thinks so"), NOW) == ()


def test_the_slower_of_two_is_told_calmly() -> None:
    with pytest.raises(Refused, match=r"Dana Fox already has case 1\. Nothing to do\."):
        decide(TAKEN, Acknowledge(by="Lee Park"), NOW)


@pytest.mark.parametrize(
    ("case", "command", "why"),
    [
        (opened(), Acknowledge(by="Dana Fox", due=NOW), "future"),
        (TAKEN, MakePromise(by="Lee Park", what="x", due=NOW + HOUR), "Dana Fox has case 1"),
        (TAKEN, MakePromise(by="Dana Fox", what=" ", due=NOW + HOUR), "what you promise"),
        (TAKEN, MakePromise(by="Dana Fox", what="other", due=NOW + HOUR), "why the promise moves"),
        (REPORTED, MakePromise(by="Dana Fox", what="x", due=NOW + HOUR), "reported back"),
        (TAKEN, Handover(by="Dana Fox", to="Dana Fox"), "already"),
        (TAKEN, Handover(by="Lee Park", to="Sam Ortiz"), "Dana Fox has case 1"),
        (TAKEN, Accept(by="Lee Park"), "not offered to Lee Park"),
        (TAKEN, Decline(by="Lee Park"), "not offered to Lee Park"),
        (TAKEN, report(by="Lee Park"), "Dana Fox has case 1"),
        (TAKEN, report(done=""), "what was done"),
        (TAKEN, report(remedy=" "), "what the customer got"),
        (TAKEN, report(evidence=""), "link or reference"),
        (TAKEN, report(done="Apologised to her."), "an apology alone does not close a case"),
        (REPORTED, report(), "follow-up is what is left"),
        (TAKEN, FollowUp(by="Dana Fox", result=Result.VERIFIED), "not reported back yet"),
        (REPORTED, FollowUp(by="Lee Park", result=Result.VERIFIED), "Dana Fox has case 1"),
        (TAKEN, Dismiss(by="Dana Fox", reason=""), "why this needs nothing"),
        (TAKEN, Reopen(by="Dana Fox", reason="x"), "open already"),
        (DISMISSED, Reopen(by="Dana Fox", reason=" "), "why it must be opened"),
        (DISMISSED, Acknowledge(by="Dana Fox"), "reopen it first"),
        (DISMISSED, report(), "reopen it first"),
    ],
)
def test_what_cannot_be_granted_is_refused_with_a_sentence(case: Case, command: Command, why: str) -> None:
    with pytest.raises(Refused, match=why):
        decide(case, command, NOW)


def test_reporting_back_implies_having_it() -> None:
    assert kinds(decide(opened(), report(), NOW)) == ["Acknowledged", "ReportedBack"]


def test_a_report_is_followed_up_unless_there_is_nothing_left_to_check() -> None:
    assert (REPORTED.status, REPORTED.due) == (Status.REPORTED, NOW + timedelta(days=1))
    assert after(TAKEN, report(outcome=Outcome.NOT_OURS)).status is Status.CLOSED


def test_worse_opens_it_again_with_the_same_owner() -> None:
    again = after(REPORTED, FollowUp(by="Dana Fox", result=Result.WORSE))
    assert (again.status, again.owner, again.due) == (Status.OPEN, "Dana Fox", NOW + timedelta(minutes=5))
    assert again.promise is None and again.report is None


def test_a_hand_over_binds_only_when_accepted() -> None:
    offered = after(TAKEN, Handover(by="Dana Fox", to="Lee Park", note="speaks Portuguese"))
    assert offered.owner == "Dana Fox"
    assert decide(offered, Handover(by="Dana Fox", to="Lee Park"), NOW) == ()
    with pytest.raises(Refused, match="offered to Lee Park"):
        decide(offered, Handover(by="Dana Fox", to="Sam Ortiz"), NOW)
    accepted = after(offered, Accept(by="Lee Park"))
    assert (accepted.owner, accepted.offer, accepted.promise) == ("Lee Park", None, TAKEN.promise)
    assert decide(accepted, Accept(by="Lee Park"), NOW) == ()


def test_an_offer_that_is_not_answered_goes_back_to_the_giver() -> None:
    offered = after(TAKEN, Handover(by="Dana Fox", to="Lee Park"))
    assert offered.due == NOW + timedelta(minutes=5)
    [lapsed] = overdue(offered, NOW + timedelta(minutes=5))
    assert (evolve(offered, lapsed).offer, evolve(offered, lapsed).owner) == (None, "Dana Fox")
    with pytest.raises(Refused, match="not offered"):
        decide(evolve(offered, lapsed), Accept(by="Lee Park"), NOW + HOUR)


def test_the_third_hand_over_tells_the_lead() -> None:
    case = TAKEN
    for giver, taker in (("Dana Fox", "Lee Park"), ("Lee Park", "Dana Fox")):
        case = after(case, Handover(by=giver, to=taker), Accept(by=taker))
    case = after(case, Handover(by="Dana Fox", to="Lee Park"))
    events = decide(case, Accept(by="Lee Park"), NOW)
    assert isinstance(events[-1], LeadTold) and events[-1].to == "Sam Ortiz"


def test_the_second_move_of_a_promise_tells_the_lead() -> None:
    moves = [MakePromise(by="Dana Fox", what=f"call {n}", due=NOW + n * HOUR, reason="busy") for n in (3, 4)]
    once = after(TAKEN, moves[0])
    assert kinds(decide(once, moves[1], NOW)) == ["Promised", "LeadTold"]
    assert decide(once, moves[0], NOW) == (), "the same promise again is no move"
