"""Stand-ins at the escalation's seams: a ledger in memory, and a messenger that records and can fail or die."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from escalation.case import Case, replay
from escalation.clock import open_case
from escalation.courier import Undelivered
from escalation.events import Event, Subject
from escalation.ledger import Again, Conflict, Owed, UnknownCase, written
from escalation.manners import Ping
from escalation.notices import Kind, Notice
from escalation.policy import Policy


@dataclass(slots=True)
class _Row:
    """One owed notice, as a store keeps it."""

    notice: Notice
    next_try: datetime | None
    attempts: int = 0
    sent: datetime | None = None
    ref: str = ""
    error: str = ""
    waits: bool = False

    def ready(self, now: datetime) -> bool:
        return self.sent is None and self.next_try is not None and self.next_try <= now


@dataclass(slots=True)
class MemoryLedger:
    """escalation.ledger.Ledger in a dictionary; its claims follow the same rules as the stores'."""

    timelines: dict[int, tuple[Event, ...]] = field(default_factory=dict)
    rows: dict[str, _Row] = field(default_factory=dict)  # by key, in the order they were owed
    presses: set[str] = field(default_factory=set)

    def open(self, subject: Subject, policy: Policy, at: datetime) -> Case:
        case_id = max(self.timelines, default=0) + 1
        return self._write(None, case_id, (open_case(case_id, subject, policy, at),))

    async def timeline(self, case_id: int) -> tuple[Event, ...]:
        if case_id not in self.timelines:
            raise UnknownCase(f"there is no case {case_id}")
        return self.timelines[case_id]

    async def append(self, case: Case, new: tuple[Event, ...], once: str = "") -> Case:
        if once in self.presses:
            raise Again(once)
        if len(self.timelines[case.id]) != case.seq:
            raise Conflict(f"case {case.id} has moved on")
        self.presses |= {once} - {""}
        return self._write(case, case.id, new)

    def _write(self, case: Case | None, case_id: int, new: tuple[Event, ...]) -> Case:
        after, owed = written(case, new)
        self.timelines[case_id] = self.timelines.get(case_id, ()) + new
        for notice in owed:
            self.rows.setdefault(notice.key, _Row(notice, new[-1].at))
        return after

    async def made(self, once: str) -> bool:
        return once in self.presses

    async def away(self, now: datetime) -> frozenset[str]:
        return frozenset()

    async def set_aside(self, case_id: int, until: datetime) -> None:
        raise NotImplementedError("what is held in memory can be read")

    async def unanswered(self, limit: int) -> tuple[tuple[int, int], ...]:
        return ()

    async def due(self, now: datetime, limit: int) -> tuple[int, ...]:
        cases = [case async for case in self.open_cases()]
        late = sorted((case.due, case.id) for case in cases if case.due is not None and case.due <= now)
        return tuple(case_id for _, case_id in late[:limit])

    async def take_due(self, now: datetime, limit: int) -> tuple[int, ...]:
        return await self.due(now, limit)

    async def hold(self, keys: Collection[str]) -> bool:
        return True

    async def claim(self, now: datetime, limit: int, lease: timedelta) -> tuple[Owed, ...]:
        order = list(self.rows.values())
        ready = [row for row in order if row.ready(now) and not self._held_back(row, now)]
        chosen = sorted(ready, key=lambda row: row.next_try or now)[:limit]
        for row in chosen:
            row.attempts, row.next_try, row.waits = row.attempts + 1, now + lease, False
        return tuple(self._owed(row) for row in order if any(row is one for one in chosen))

    def _held_back(self, row: _Row, now: datetime) -> bool:
        if row.notice.kind is not Kind.CARD:
            return False
        for older in self._cards(row.notice.case):
            if older is row:
                return False
            if older.sent is None and older.next_try is not None and older.next_try > now:
                return True
        return False

    def _cards(self, case_id: int) -> list[_Row]:
        return [row for row in self.rows.values() if (row.notice.case, row.notice.kind) == (case_id, Kind.CARD)]

    def _owed(self, row: _Row) -> Owed:
        refs = [card.ref for card in self._cards(row.notice.case) if card.sent and card.ref]
        on_card = row.notice.kind in (Kind.CARD, Kind.THREAD)
        return Owed(notice=row.notice, attempts=row.attempts, ref=refs[-1] if on_card and refs else "")

    async def delivered(self, key: str, ref: str, at: datetime) -> None:
        row = self.rows[key]
        row.sent, row.ref, row.next_try, row.error = at, ref, None, ""

    async def failed(self, key: str, error: str, retry: datetime | None) -> None:
        row = self.rows[key]
        if row.sent is None:
            row.error, row.next_try = error, retry

    async def wait(self, key: str, until: datetime, why: str) -> None:
        row = self.rows[key]
        row.error, row.next_try, row.attempts, row.waits = why, until, row.attempts - 1, True

    async def pings(self, names: Collection[str], since: datetime) -> tuple[Ping, ...]:
        told = [row for row in self.rows.values() if row.notice.kind is Kind.DIRECT and row.notice.to in names]
        return tuple(
            Ping(to=n.to, case=n.case, kind=type(self.timelines[n.case][n.seq - 1]).__name__, at=row.sent)
            for row in told
            if (n := row.notice).case and row.sent and row.sent >= since
        )

    async def owe(self, notice: Notice, at: datetime) -> None:
        self.rows.setdefault(notice.key, _Row(notice, at))

    async def open_cases(self) -> AsyncIterator[Case]:
        for timeline in tuple(self.timelines.values()):
            case = replay(timeline)
            if not case.status.ended:
                yield case

    def unsaid(self) -> list[str]:
        """The keys of what is still owed, but for what waits out of manners."""
        return [key for key, row in self.rows.items() if row.sent is None and not row.waits]


@dataclass(slots=True)
class RecordingMessenger:
    """Keeps what it was asked to say; fails for a key as often as it is told to, before or after it was said."""

    said: list[tuple[str, Notice]] = field(default_factory=list)  # (reference, notice), in order
    redrawn: list[tuple[str, Notice, Case]] = field(default_factory=list)
    refusals: dict[str, list[Undelivered]] = field(default_factory=dict)  # by notice key, raised in this order
    deaths: set[str] = field(default_factory=set)  # said, then the process dies before anyone hears of it

    async def find(self, notice: Notice) -> str:
        same = [ref for ref, earlier in self.said if _means_the_same(earlier, notice)]
        return same[-1] if same else ""

    async def send(self, notice: Notice, case: Case | None, under: str, now: datetime) -> str:
        if waiting := self.refusals.get(notice.key):
            raise waiting.pop(0)
        ref = f"memory:{len(self.said) + 1}"
        self.said.append((ref, notice))
        if notice.key in self.deaths:
            self.deaths.remove(notice.key)
            raise Died(notice.key)
        return ref

    async def redraw(self, ref: str, notice: Notice, case: Case, now: datetime) -> str:
        if waiting := self.refusals.get(notice.key):
            raise waiting.pop(0)
        self.redrawn.append((ref, notice, case))
        return ref

    def told(self, name: str) -> list[str]:
        """What one person was told directly."""
        return [notice.text for _, notice in self.said if notice.kind is Kind.DIRECT and notice.to == name]


class Died(BaseException):
    """The process ends here: nothing that catches exceptions may catch it."""


def _means_the_same(earlier: Notice, notice: Notice) -> bool:
    if notice.kind is Kind.CARD:
        return (earlier.kind, earlier.case) == (Kind.CARD, notice.case)
    return earlier.key == notice.key
