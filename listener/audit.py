"""Does everything balance? Conservation, accountability, deadlines, owed notices, coverage. Reads, never mends."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from escalation.case import Case, Status, begin, evolve, replay
from escalation.events import Acknowledged, Event, Opened
from escalation.ledger import UnknownCase
from escalation.manners import LONGEST_NIGHT
from escalation.notices import notices
from listener.storage.contract import Balance, CaseRow, Finding, Store

GRACE = timedelta(minutes=5)  # an engine at work is never this late
LONGEST_WAIT = LONGEST_NIGHT + timedelta(days=1)  # for manners (manners.py), or for a service that asks us to wait
FOUND_AT_MOST = 100  # of what is put off


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
        timeline = await _timeline(store, row.id, findings)
        if known := tuple(takewhile(lambda event: event.at <= then, timeline)):
            cases += 1
            findings += proven(row.id, known, then)
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
        if timeline := await _timeline(store, row.id, findings):
            findings += accountability(row, timeline, now)
            findings += said(row.id, timeline, await store.notice_keys(row.id))
    findings += [_not_tried(key, until) for key, until in await store.put_off(now + LONGEST_WAIT, FOUND_AT_MOST)]
    return Report(at=now, balance=balance, cases=cases, findings=tuple(findings))


async def _timeline(store: Store, case_id: int, findings: list[Finding]) -> tuple[Event, ...]:
    """() when it cannot be read, which is a finding."""
    try:
        return await store.timeline(case_id)
    except UnknownCase as why:
        findings.append(Finding(check="timeline", where=f"case {case_id}", problem=f"{why}; see docs/operating.md"))
        return ()


def _not_tried(key: str, until: datetime) -> Finding:
    problem = f"waits until {until:%Y-%m-%d %H:%M} UTC, longer than anything is held back; was the clock set wrong?"
    return Finding(check="notices", where=f"notice {key}", problem=problem)


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
    where, case = f"case {case_id}", None
    found = list[Finding]()
    for event in timeline:
        before = case
        case = begin(event) if case is None and isinstance(event, Opened) else evolve(_opened(case), event)
        found += [Finding(check=check, where=where, problem=problem) for check, problem in _wrong(before, event, case)]
        if event.at > now + GRACE:
            problem = f"{type(event).__name__} happened at {event.at:%Y-%m-%d %H:%M} UTC, which is still to come"
            found.append(Finding(check="clock", where=where, problem=f"{problem}; was the clock set wrong?"))
    due = _opened(case).due
    if due and now - due > GRACE:
        problem = f"its deadline {due:%Y-%m-%d %H:%M} UTC has passed and nothing happened; is `listener run` running?"
        found.append(Finding(check="deadlines", where=where, problem=problem))
    return found


def _wrong(before: Case | None, event: Event, after: Case) -> Iterator[tuple[str, str]]:
    if not after.owner or (not after.status.ended and after.due is None):
        yield "accountability", f"nobody or no deadline after {event.at}"
    had = before.owner if before and before.status is not Status.OPEN else ""
    if isinstance(event, Acknowledged) and had not in ("", event.by):
        yield "accountability", f"{event.by} acknowledged at {event.at} what {had} had already"


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
