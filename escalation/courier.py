"""Delivers what is owed: at least once, and shown at most once.

Claiming is committed before anything is sent, so a notice that was tried before may have arrived: its earlier message
is looked for before it is sent again.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Protocol

from escalation.case import Case, replay
from escalation.events import Event
from escalation.ledger import Ledger, Owed, Unreadable
from escalation.manners import CALM, Due, Wait, loud, plan
from escalation.notices import HOUSE, Kind, Notice, dead_letter
from escalation.trace import trace_id

log = logging.getLogger("listener")

AT_ONCE = 25  # notices claimed together
TIME_LIMIT = 20.0  # seconds for one delivery
TRIED_OFTEN = 3  # times; then a person hears that somebody has to mend something
LEASE = timedelta(seconds=60)  # who works on for longer prolongs it; who is frozen asks before the next word


class Undelivered(Exception):
    """It did not arrive. `retry` says when to try again; None when that cannot help."""

    mend = False  # somebody has to mend something before it can arrive

    def __init__(self, message: str, *, retry: datetime | None):
        super().__init__(message)
        self.retry = retry


class NotYet(Undelivered):
    """It was not tried at all: it is not its turn before `retry`."""

    def __init__(self, message: str, *, retry: datetime):
        super().__init__(message, retry=retry)
        self.until = retry


class Messenger(Protocol):
    """A way to reach people: Slack, the terminal."""

    async def find(self, notice: Notice) -> str:
        """The reference of a message that already says this (for CARD: the case's card), or "". Raises Undelivered."""
        ...

    async def send(self, notice: Notice, case: Case | None, under: str, now: datetime) -> str:
        """Says it and returns a reference to the message; `under` is the card a THREAD line hangs below."""
        ...

    async def redraw(self, ref: str, notice: Notice, case: Case, now: datetime) -> str:
        """Brings an earlier card up to date; returns its reference, a new one when a new card had to be made."""
        ...


@dataclass(frozen=True, slots=True)
class _Matter:
    """A case, and how it came to be as it is."""

    timeline: tuple[Event, ...] = ()
    case: Case | None = None

    def due(self, notice: Notice) -> Due:
        known = 0 < notice.seq <= len(self.timeline)
        return Due(notice=notice, event=self.timeline[notice.seq - 1] if known else None, case=self.case)


NO_MATTER = _Matter()


@dataclass(frozen=True, slots=True)
class Courier:
    ledger: Ledger
    messenger: Messenger
    clock: Callable[[], datetime] | None = None  # when a message has arrived; None: at the time of the delivery

    async def deliver(self, now: datetime, limit: int = AT_ONCE) -> int:
        """Tries what is owed now: what people are told, then cards, lines under them, the house. How many arrived."""
        owed = await self.ledger.claim(now, limit, LEASE)
        matters = {case: await self._matter(case) for case in {one.notice.case for one in owed} - {HOUSE}}
        arrived = await self._tell(_of(Kind.DIRECT, owed), matters, now)
        cards = dict[int, str]()
        for case, same in groupby(sorted(_of(Kind.CARD, owed), key=_case), key=_case):
            drawn = list(same)
            cards[case] = await self._attempt(drawn, matters[case].case, drawn[-1].ref, now)
            arrived += len(drawn) if cards[case] else 0
        for one in (*_of(Kind.THREAD, owed), *_of(Kind.HOUSE, owed), *_of(Kind.CHANNEL, owed)):
            matter = matters.get(one.notice.case, NO_MATTER)
            line = replace(one, notice=loud(matter.timeline, one.notice))
            ref = cards.get(one.notice.case) or one.ref
            arrived += bool(await self._attempt([line], matter.case, ref, now))
        return arrived

    async def _matter(self, case: int) -> "_Matter":
        try:
            timeline = await self.ledger.timeline(case)
        except Unreadable:  # what is owed because of it is said all the same, as far as that goes
            return NO_MATTER
        return _Matter(timeline, replay(timeline))

    async def _tell(self, owed: list[Owed], matters: Mapping[int, "_Matter"], now: datetime) -> int:
        """Direct messages, as manners have it. What is only changed in place pings nobody and is not held back."""
        pings = await self.ledger.pings({one.notice.to for one in owed}, now - CALM) if owed else ()
        again = [one for one in owed if one.said]
        arrived = sum([await self._arrives([one], matters, now) for one in again])
        looked = [await self._looked(one, now) for one in owed if not one.said]
        fresh = {one.notice.key: one for one in looked if one}
        due = [matters.get(one.notice.case, NO_MATTER).due(one.notice) for one in fresh.values()]
        for step in plan(due, pings, now):
            if isinstance(step, Wait):
                await self.ledger.wait(step.notice.key, step.until, step.why)
                continue
            same = [fresh[notice.key] for notice in step.says]
            same[-1] = replace(same[-1], notice=step.notice)
            arrived += await self._arrives(same, matters, now)
        return arrived

    async def _arrives(self, same: list[Owed], matters: Mapping[int, "_Matter"], now: datetime) -> int:
        case = matters.get(same[-1].notice.case, NO_MATTER).case
        return len(same) if await self._attempt(same, case, same[-1].ref, now) else 0

    async def _looked(self, one: Owed, now: datetime) -> Owed | None:
        """None when a delivery that was cut off had said it, or when that cannot be looked up now."""
        if one.attempts <= 1:
            return one
        try:
            async with asyncio.timeout(TIME_LIMIT):
                ref = await self.messenger.find(one.notice)
        except TimeoutError:
            await self._failed([one], f"no answer within {TIME_LIMIT:.0f} s", now + _back_off([one]))
            return None
        except Undelivered as trouble:
            await self._undelivered([one], None, trouble, now)
            return None
        except Exception as defect:  # the fence, as below
            log.exception("notice %s could not be looked for", one.notice.key)
            await self._failed([one], f"a defect: {type(defect).__name__}", now + _back_off([one]))
            return None
        if not ref:
            return replace(one, looked=True)
        await self.ledger.delivered(one.notice.key, ref, now)
        return None

    async def _attempt(self, same: list[Owed], case: Case | None, ref: str, now: datetime) -> str:
        """`same` are notices that one message says: the card's newest state says all the older ones.

        Returns the reference of that message, "" when it did not arrive.
        """
        if not await self.ledger.hold(_keys(same)):
            return ""  # somebody else says it
        try:
            async with asyncio.timeout(TIME_LIMIT):
                sent = await self._say(same, case, ref, now)
        except TimeoutError:
            return await self._failed(same, f"no answer within {TIME_LIMIT:.0f} s", now + _back_off(same))
        except Undelivered as trouble:
            return await self._undelivered(same, case, trouble, now)
        except Exception as defect:  # the fence: one message that cannot be made must not hold back the others
            log.exception("notice %s could not be said", same[0].notice.key)
            return await self._failed(same, f"a defect: {type(defect).__name__}", now + _back_off(same))
        arrived = self.clock() if self.clock else now
        for key in _keys(same):
            await self.ledger.delivered(key, sent, arrived)
        _log_arrived(same, case, sent, arrived)
        return sent

    async def _say(self, same: list[Owed], case: Case | None, ref: str, now: datetime) -> str:
        notice, said = same[-1].notice, same[-1].said
        if said and case:
            return await self.messenger.redraw(said, notice, case, now)
        if notice.kind is Kind.CARD and not ref and _tried(same):
            ref = await self.messenger.find(notice)
        if notice.kind is Kind.CARD and ref and case:
            return await self.messenger.redraw(ref, notice, case, now)
        if notice.kind is not Kind.CARD and _tried(same) and (found := await self.messenger.find(notice)):
            return found
        return await self.messenger.send(notice, case, ref, now)

    async def _undelivered(self, same: list[Owed], case: Case | None, trouble: Undelivered, now: datetime) -> str:
        """What was not tried only waits; what was tried often, and somebody has to mend, reaches a person."""
        if isinstance(trouble, NotYet):
            for key in _keys(same):
                await self.ledger.wait(key, trouble.until, str(trouble))
            return ""
        often = trouble.mend and max(one.attempts for one in same) >= TRIED_OFTEN
        if often and (word := dead_letter(same[-1].notice, case, str(trouble))):
            await self.ledger.owe(word, now)
        return await self._failed(same, str(trouble), trouble.retry)

    async def _failed(self, same: Iterable[Owed], error: str, retry: datetime | None) -> str:
        for key in _keys(same):
            await self.ledger.failed(key, error, retry)
        return ""


def _log_arrived(same: list[Owed], case: Case | None, sent: str, at: datetime) -> None:
    """A line for each message: which, of which case, and how long after its post."""
    notice = same[-1].notice
    facts: dict[str, object] = {"step": "delivered", "notice": notice.key, "kind": notice.kind, "message": sent}
    if case:
        late = (at - case.subject.since).total_seconds()
        facts |= {"trace": trace_id(case.subject.post), "case": case.id, "after_seconds": late}
    log.info("delivered %s", notice.key, extra={"facts": facts})


def _tried(same: list[Owed]) -> bool:
    return any(one.attempts > 1 and not one.looked for one in same)


def _case(owed: Owed) -> int:
    return owed.notice.case


def _of(kind: Kind, owed: Iterable[Owed]) -> list[Owed]:
    return [one for one in owed if one.notice.kind is kind]


def _keys(same: Iterable[Owed]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for one in same for key in (one.notice.says or (one.notice.key,))))


def _back_off(same: list[Owed]) -> timedelta:
    return timedelta(seconds=min(5 * 2 ** min(same[0].attempts, 7), 600))
