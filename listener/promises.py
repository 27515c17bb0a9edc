"""What became of promises, by who owed them and for which team: read from timelines. Pure.

A promise is kept when the report comes before its time, moved when another takes its place, missed when its time
passes. Whoever takes a case over owes its promise from then on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from escalation.events import (
    Event,
    FollowedUp,
    HandoverAccepted,
    Missed,
    Opened,
    Promised,
    Raised,
    Reopened,
    ReportedBack,
    TakenBack,
)
from escalation.policy import Policy


class Fate(StrEnum):
    KEPT = "kept"
    MOVED = "moved"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Ending:
    """Of one promise. `team`: the first on the case's ladder that has its owner; "" for who is in none of them."""

    owner: str
    team: str
    fate: Fate
    at: datetime


def endings(timeline: tuple[Event, ...]) -> Iterator[Ending]:
    owner, due, policy = "", None, None
    for event in timeline:
        fate = _fate(event, due)
        if fate and due and policy:
            yield Ending(owner, team_of(policy, owner), fate, event.at)
        match event:
            case Opened(policy=given) | Raised(policy=given):
                policy = given
            case Promised(by=by, due=until):
                owner, due = by, until
            case HandoverAccepted(by=by):
                owner = by
            case ReportedBack() | Missed(what="promise") | TakenBack() | Reopened() | FollowedUp():
                due = None


def _fate(event: Event, due: datetime | None) -> Fate | None:
    match event:
        case Promised():
            return Fate.MOVED
        case Missed(what="promise"):
            return Fate.MISSED
        case ReportedBack(at=at):
            return Fate.KEPT if due and at <= due else Fate.MISSED
        case _:
            return None


def team_of(policy: Policy, name: str) -> str:
    return next((team.name for team in policy.teams if name in team.members), "")
