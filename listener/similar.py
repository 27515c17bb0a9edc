"""What was offered in similar cases lately, and how those ended: a memory for the playbook's proposal.

Similar is: of the same brand and cause, about as severe, reported back within the last 90 days.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from escalation.case import Case, replay
from escalation.clean import line
from escalation.events import Event, FollowedUp, Outcome, ReportedBack, Result
from listener.storage.contract import Store

LATELY = timedelta(days=90)
NEAR = 15  # points of severity
MOST = 50  # cases that are looked at
NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    case: int
    severity: int
    offered: str  # "refund 80 EUR", or what was done for the customer in words
    kind: str  # "refund"; "" when nothing of it can be counted
    outcome: Outcome
    result: Result | None  # what the follow-up found; None before it


async def similar(store: Store, case: Case, now: datetime) -> tuple[Earlier, ...]:
    """Newest first; () where the cause is not known. Lists what the web desk, Slack and `listener case` show."""
    about = case.subject
    if not about.cause or case.incident:
        return ()
    near = (about.severity - NEAR, about.severity + NEAR)
    ids = await store.similar(about.brand, about.cause, near, since=now - LATELY, limit=MOST + 1)
    found = [ended(await store.timeline(id_)) for id_ in ids if id_ != case.id]
    return tuple(one for one in found[:MOST] if one)


def ended(timeline: tuple[Event, ...]) -> Earlier | None:
    """The last report of a case, and what the check after it found. Pure."""
    case, report, result = replay(timeline), None, None
    for event in timeline:
        match event:
            case ReportedBack():
                report, result = event, None
            case FollowedUp(result=found):
                result = found
    if report is None:
        return None
    gave = report.compensation
    counted = " ".join(filter(None, (gave.kind, gave.amount, gave.currency))) if gave else ""
    return Earlier(
        case=case.id,
        severity=case.subject.severity,
        offered=counted or report.remedy,
        kind=gave.kind if gave else "",
        outcome=report.outcome,
        result=result,
    )


def told(earlier: tuple[Earlier, ...]) -> tuple[str, ...]:
    """A summary and the newest few, a line each; () when there were none. Pure."""
    if not earlier:
        return ()
    kinds = Counter(one.kind or "nothing that can be counted" for one in earlier)
    ends = Counter(str(one.result or "not checked yet") for one in earlier)
    number = "1 similar case" if len(earlier) == 1 else f"{len(earlier)} similar cases"
    head = f"{number} in {LATELY.days} days: offered {_tally(kinds)}; then {_tally(ends)}."
    return (head, *(_line(one) for one in earlier[:NAMED]))


def _line(one: Earlier) -> str:
    end = one.result or "not checked yet"
    return f"  case {one.case}, severity {one.severity}: {line(one.offered, 120)}; {one.outcome}, {end}"


def _tally(counts: Counter[str]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in counts.most_common())
