"""Promises are counted once, for whoever owed them when they ended, and for that person's team."""

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import DANA, LEE, NOW, SAM, policy, subject

from escalation.case import replay
from escalation.clock import open_case, overdue
from escalation.commands import Accept, Acknowledge, Command, Dismiss, Handover, MakePromise, Reopen, ReportBack
from escalation.decide import decide
from escalation.events import Event, Outcome
from escalation.policy import Team
from listener.promises import Fate, endings

HOUR = timedelta(hours=1)
TEAMS = (Team(name="care", members=("Dana Fox", "Lee Park")), Team(name="leads", members=("Sam Ortiz", "Lee Park")))
RULES = replace(policy(people=(DANA, LEE, SAM)), ladder=("care", "leads"), teams=TEAMS)
TAKE = Acknowledge(by="Dana Fox", what="call her", due=NOW + 2 * HOUR)
MOVE = MakePromise(by="Dana Fox", what="call her", due=NOW + 9 * HOUR, reason="she is not in")


def report(by: str) -> ReportBack:
    return ReportBack(by=by, outcome=Outcome.NOT_OURS, done="called", remedy="none", evidence="t-1")


def timeline(*steps: tuple[int, Command | str]) -> tuple[Event, ...]:
    events: tuple[Event, ...] = (open_case(1, subject(), RULES, NOW),)
    for hours, step in steps:
        case, at = replay(events), NOW + hours * HOUR
        events += overdue(case, at) if isinstance(step, str) else decide(case, step, at)
    return events


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([(0, TAKE), (1, report("Dana Fox"))], [("Dana Fox", "care", Fate.KEPT)]),
        ([(0, TAKE), (1, MOVE), (8, report("Dana Fox"))], [("Dana Fox", "care", f) for f in (Fate.MOVED, Fate.KEPT)]),
        ([(0, TAKE), (3, "look"), (4, report("Dana Fox"))], [("Dana Fox", "care", Fate.MISSED)]),
        ([(0, TAKE), (3, report("Dana Fox"))], [("Dana Fox", "care", Fate.MISSED)]),
        (
            [(0, TAKE), (1, Handover(by="Dana Fox", to="Sam Ortiz")), (1, Accept(by="Sam Ortiz")), (3, "look")],
            [("Sam Ortiz", "leads", Fate.MISSED)],
        ),
        (
            [(0, TAKE), (1, Dismiss(by="Dana Fox", reason="x")), (1, Reopen(by="Lee Park", reason="y")), (1, TAKE)],
            [],
        ),
    ],
    ids=["kept", "moved", "missed", "late", "owed by who took it over", "dropped with the case"],
)
def test_a_promise_ends_once_and_is_its_owners_and_their_teams(
    steps: list[tuple[int, Command | str]], expected: list[tuple[str, str, Fate]]
) -> None:
    assert [(one.owner, one.team, one.fate) for one in endings(timeline(*steps))] == expected
