"""What every voice says of a case in the same words: how it stands, by when, why this person, why so severe. Pure."""

from datetime import datetime, timedelta
from typing import assert_never
from zoneinfo import ZoneInfo

from escalation.case import Case, Status
from escalation.clean import line
from escalation.telling import RATED, clock


def overdue(case: Case, now: datetime) -> bool:
    """The present step's time has passed."""
    return case.clock is not None and (case.clock <= now or case.missed)


def state(case: Case, now: datetime) -> str:
    late = overdue(case, now)
    match case.status:
        case Status.OPEN:
            return "Nobody has acknowledged" if late else "New"
        case Status.ACKNOWLEDGED:
            return "Overdue" if late else "Acknowledged"
        case Status.REPORTED if case.asked:
            return "Follow-up overdue" if late else "Follow-up due"
        case Status.REPORTED:
            return "Reported back"
        case Status.CLOSED:
            return "Closed"
        case Status.DISMISSED:
            return "Dismissed"
        case _:
            assert_never(case.status)


def deadline(case: Case) -> tuple[str, datetime] | None:
    """What is due next, and when; None once the case has ended."""
    if case.clock is None:
        return None
    match case.status:
        case Status.OPEN:
            return "Acknowledge by", case.clock
        case Status.ACKNOWLEDGED:
            return "Report back by", case.promise.due if case.promise else case.clock
        case Status.REPORTED | Status.CLOSED | Status.DISMISSED:
            return "Follow up by" if case.asked else "Follow up on", case.clock
        case _:
            assert_never(case.status)


def why_severity(case: Case, longest: int) -> str:
    """The heaviest reasons first, with the words in the post that carried them; "" when there are none."""
    reasons = sorted(case.subject.reasons, key=lambda reason: -abs(reason.points))
    said = [f"{line(one.factor, 40).replace('_', ' ')} {one.points:+.0f}{_quoted(one.words)}" for one in reasons[:6]]
    return line(", ".join(said), longest)


def coordinated(case: Case) -> str:
    """ "7 accounts said nearly the same within minutes"; "" where nothing looks arranged."""
    return f"{case.coordinated} accounts said nearly the same within minutes" if case.coordinated else ""


def rated(case: Case, longest: int) -> str:
    """ "Dana Fox: worse than that", for each who has said something of the severity; "" when nobody has."""
    return line("; ".join(f"{line(by, 80)}: {RATED[rating]}" for by, rating in case.ratings), longest)


def _quoted(words: str) -> str:
    return f" “{line(words, 80)}”" if line(words, 80) else ""


def zone(case: Case) -> str:
    """Of the case's owner."""
    person = case.policy.person(case.owner)
    return person.timezone if person else "UTC"


def clock_time(case: Case, at: datetime) -> str:
    """In the time zone of the case's owner."""
    return clock(at, zone(case))


def soon(due: datetime, zone: str, now: datetime) -> str:
    """ "Mon 09:05 EDT"; with its date when that Monday is not the coming one."""
    local = due.astimezone(ZoneInfo(zone))
    return f"{local:%a %H:%M} {local.tzname()}" if abs(due - now) < timedelta(days=6) else clock(due, zone)
