"""What happened to a case, in sentences, with times on the reader's wall clock. Pure.

The web desk, the command line and the demo tell a timeline in these words.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never
from zoneinfo import ZoneInfo

from escalation.events import (
    Acknowledged,
    Answered,
    Coordinated,
    DismissalUndone,
    Dismissed,
    Erased,
    Escalated,
    Event,
    FollowedUp,
    FollowUpDue,
    Grew,
    Grouped,
    HandoverAccepted,
    HandoverDeclined,
    HandoverOffered,
    HelpAsked,
    Joined,
    LeadTold,
    Merged,
    Missed,
    Noted,
    Opened,
    ProgressAsked,
    Promised,
    Raised,
    Rated,
    Rating,
    Reopened,
    ReplyDue,
    ReportedBack,
    Revised,
    Snoozed,
    SplitOff,
    Stated,
    StillWaiting,
    TakenBack,
    Warned,
)

RATED: Mapping[Rating, str] = {
    Rating.WORSE: "worse than that",
    Rating.RIGHT: "right",
    Rating.MILDER: "not that bad",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One step of a case. `tone`: "good", "bad" or "" for the mark beside it."""

    at: datetime
    said: str
    tone: str = ""


def timeline(events: Iterable[Event], zone: str) -> tuple[Line, ...]:
    return tuple(Line(at=event.at, said=told(event, zone), tone=_tone(event)) for event in events)


def _tone(event: Event) -> str:
    match event:
        case (
            Escalated() | Missed() | ReplyDue() | TakenBack() | LeadTold() | Raised() | HandoverDeclined() | Reopened()
        ):
            return "bad"
        case Acknowledged() | ReportedBack() | FollowedUp() | HandoverAccepted() | Answered():
            return "good"
        case _:
            return ""


def told(event: Event, zone: str) -> str:
    match event:
        case Opened(owner=owner, why=why, subject=subject):
            return f"Opened as {subject.priority}, severity {subject.severity}. {owner} has it: {why}."
        case Escalated(to=to, why=why):
            return f"Nobody acknowledged in time. {to} has it now: {why}."
        case Acknowledged(by=by):
            return f"{by} acknowledged."
        case Warned(to=to):
            return f"{to} was told that the deadline is near."
        case ProgressAsked(to=to):
            return f"{to} was asked how it goes."
        case TakenBack(was=was, to=to, why=why):
            return f"Taken back from {was}, who missed the promise and said nothing. {to} has it now: {why}."
        case Noted(by=by, text=text):
            return f"{by} noted: {text}"
        case Snoozed(by=by, until=until):
            return f"{by} is not reminded before {clock(until, zone)}. What was promised stands."
        case HelpAsked(by=by, to=to, text=text):
            return f"{by} asked {to} for help: {text}"
        case Promised(by=by, what=what, due=due, reason=reason):
            moved = f" The promise moved: {reason}." if reason else ""
            return f"{by} promised: {what}, by {clock(due, zone)}.{moved}"
        case Missed(what=what, to=to):
            return f"The {what} was missed. {to} was told."
        case ReplyDue(to=to):
            return f"Nobody had answered in public in time. {to} was told."
        case LeadTold(to=to, why=why):
            return f"{to} was told: {why}."
        case HandoverOffered(by=by, to=to, note=note):
            return f"{by} offered it to {to}" + (f": {note}" if note else ".")
        case HandoverAccepted(by=by):
            return f"{by} took it over."
        case HandoverDeclined(by=by, reason=reason):
            return f"{by} declined: {reason}." if by else f"The hand-over did not happen: {reason}."
        case ReportedBack():
            return _reported(event)
        case FollowUpDue(to=to):
            return f"{to} was asked to check that it helped."
        case FollowedUp(by=by, result=result, note=note):
            return f"{by} followed up: {result}." + (f" {note}" if note else "")
        case Dismissed(by=by, reason=reason):
            return f"{by} dismissed it: {reason}"
        case DismissalUndone(by=by):
            return f"{by} took the dismissal back; it stands as before."
        case Reopened(by=by, reason=reason):
            return f"{by} opened it again: {reason}"
        case Joined(how=how):
            return f"Another post joined: {how}."
        case Coordinated():
            return coordination(event)
        case Merged(by=by, into=into):
            return f"{by} joined it to case {into}, which answers for it."
        case SplitOff(by=by, to=to):
            return f"{by} split off a post: case {to}."
        case Raised(by=by, was=was, priority=priority) if by:
            return f"Raised from {was} to {priority}, because {by} says that it is worse."
        case Rated(by=by, rating=rating, severity=severity, stays=stays):
            still = f" It stays {event.priority}: {stays}." if stays else ""
            return f"{by} on severity {severity}: {RATED[rating]}.{still}"
        case Raised(was=was, priority=priority, severity=severity):
            return f"It got worse: severity {severity}, " + (
                f"{was} to {priority}." if was != priority else f"still {was}."
            )
        case Grouped(within=within):
            return f"Part of incident {within}, which speaks for it until somebody takes it up."
        case Grew(by=by):
            return f"{by} more customers."
        case Stated(by=by, text=text):
            return f"{by} stated, for every customer of this: {text}"
        case StillWaiting():
            return "The customer still waits; who has the incident answers for it."
        case Answered(by=by):
            return f"Our account {by} answered in public."
        case Revised():
            return "The author changed the post."
        case Erased():
            return "The post was deleted. Its text and name are gone here too."
        case _:
            assert_never(event)


def coordination(event: Coordinated) -> str:
    within = "within a minute" if event.minutes == 1 else f"within {event.minutes} minutes"
    return f"Looks coordinated: {event.accounts} accounts said nearly the same {within}. The case stands."


def _reported(event: ReportedBack) -> str:
    said = f"{event.by} reported back, {event.outcome}: {event.done.rstrip('.')}."
    said += f" The customer got: {event.remedy}. Evidence: {event.evidence}."
    gave = event.compensation
    cost = f" Cost: {' '.join(part for part in (gave.kind, gave.amount, gave.currency) if part)}." if gave else ""
    cause = f" Root cause: {event.root_cause}." if event.root_cause else ""
    contacted = f" Answered: {event.contacted}." if event.contacted else ""
    return f"{said}{contacted}{cost}{cause}"


def clock(at: datetime, zone: str) -> str:
    """On the reader's wall clock."""
    mine = at.astimezone(ZoneInfo(zone))
    return f"{mine:%a %d %b %H:%M} {mine.tzname()}"
