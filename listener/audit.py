"""Does everything balance? Conservation, accountability, deadlines, owed notices, coverage. Reads, never mends."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from escalation.case import Case, begin, evolve, replay
from escalation.events import Event, Opened
from escalation.notices import notices
from listener.storage.contract import Balance, CaseRow, Finding, Store

GRACE = timedelta(minutes=5)  # an engine at work is never this late


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    at: datetime
    balance: Balance
    cases: int
    findings: tuple[Finding, ...]

    @property
    def balanced(self) -> bool:
        return not self.findings


async def audit_as_of(store: Store, then: datetime) -> Report:
    """What the timelines prove of a past moment: one owner, one deadline, nothing overdue. Rows tell only of today."""
    findings, cases = list[Finding](), 0
    async for row in store.cases(ended=True):
        if timeline := tuple(event for event in await store.timeline(row.id) if event.at <= then):
            cases += 1
            findings += proven(row.id, timeline, then)
    nothing = Balance(fetched={}, posts={}, mentions={}, owed=0, undeliverable=0)
    return Report(at=then, balance=nothing, cases=cases, findings=tuple(findings))


async def audit(store: Store, now: datetime) -> Report:
    """Replays every timeline and holds it against the rows and the notices that came from it."""
    balance = await store.balance()
    if balance.damaged:
        return Report(at=now, balance=balance, cases=0, findings=balance.findings)
    findings = [*balance.findings, *conservation(balance)]
    cases = 0
    async for row in store.cases(ended=True):
        cases += 1
        timeline = await store.timeline(row.id)
        findings += accountability(row, timeline, now)
        findings += said(row.id, timeline, await store.notice_keys(row.id))
    return Report(at=now, balance=balance, cases=cases, findings=tuple(findings))


def conservation(balance: Balance) -> list[Finding]:
    """Everything that was ever heard is in exactly one state. Pure."""
    found = []
    for source in sorted(balance.fetched.keys() | balance.posts.keys()):
        heard, kept = balance.fetched.get(source, 0), sum(balance.posts.get(source, {}).values())
        if heard != kept:
            problem = f"{heard} posts were heard, {kept} are accounted for; restore the database from a backup"
            found.append(Finding(check="conservation", where=source, problem=problem))
    return found


def accountability(row: CaseRow, timeline: tuple[Event, ...], now: datetime) -> list[Finding]:
    """One name and one deadline at every instant of an open case, and a row that says the same. Pure."""
    found, last = proven(row.id, timeline, now), replay(timeline)
    if (row.status, row.owner, row.due) != (last.status, last.owner, last.due):
        problem = f"the list says {row.status}, {row.owner}; the timeline says {last.status}, {last.owner}"
        found.append(Finding(check="projection", where=f"case {row.id}", problem=problem))
    return found


def proven(case_id: int, timeline: tuple[Event, ...], now: datetime) -> list[Finding]:
    """What the timeline alone proves: a name and a deadline after each event, and none that has passed. Pure."""
    where, found = f"case {case_id}", []
    case: Case | None = None
    for event in timeline:
        case = begin(event) if case is None and isinstance(event, Opened) else evolve(_opened(case), event)
        if not case.owner or (not case.status.ended and case.due is None):
            problem = f"nobody or no deadline after {event.at}"
            found.append(Finding(check="accountability", where=where, problem=problem))
    due = _opened(case).due
    if due and now - due > GRACE:
        problem = f"its deadline {due:%Y-%m-%d %H:%M} UTC has passed and nothing happened; is `listener run` running?"
        found.append(Finding(check="deadlines", where=where, problem=problem))
    return found


def said(case_id: int, timeline: tuple[Event, ...], keys: frozenset[str]) -> list[Finding]:
    """Every event's notices were written down to be said. Pure."""
    found, case = [], None
    for event in timeline:
        case = begin(event) if case is None and isinstance(event, Opened) else evolve(_opened(case), event)
        missing = [notice.key for notice in notices(case, event) if notice.key not in keys]
        found += [Finding(check="notices", where=f"case {case_id}", problem=f"{key} was never owed") for key in missing]
    return found


def _opened(case: Case | None) -> Case:
    if case is None:
        raise ValueError("a timeline begins with Opened")
    return case


def totals(posts: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Posts by state over all sources. Pure."""
    summed: dict[str, int] = {}
    for states in posts.values():
        for state, count in states.items():
            summed[state] = summed.get(state, 0) + count
    return summed
