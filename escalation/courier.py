"""Delivers what is owed: at least once, and shown at most once.

Claiming is committed before anything is sent, so a notice that was tried before may have arrived: its earlier message
is looked for before it is sent again.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Protocol

from escalation.case import Case, replay
from escalation.ledger import Ledger, Owed
from escalation.notices import HOUSE, Kind, Notice

log = logging.getLogger("listener")

AT_ONCE = 25  # notices claimed together
TIME_LIMIT = 20.0  # seconds for one delivery
LEASE = timedelta(seconds=(AT_ONCE + 5) * TIME_LIMIT)  # the last of them is tried before it ends


class Undelivered(Exception):
    """It did not arrive. `retry` says when to try again; None when that cannot help until somebody mends something."""

    def __init__(self, message: str, *, retry: datetime | None):
        super().__init__(message)
        self.retry = retry


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
class Courier:
    ledger: Ledger
    messenger: Messenger

    async def deliver(self, now: datetime, limit: int = AT_ONCE) -> int:
        """Tries what is owed now, one matter after the other; says how many notices arrived."""
        owed = await self.ledger.claim(now, limit, LEASE)
        by_case = groupby(sorted(owed, key=_matter), key=_matter)
        return sum([await self._deliver_case(list(group), now) for _, group in by_case])

    async def _deliver_case(self, owed: list[Owed], now: datetime) -> int:
        case = replay(await self.ledger.timeline(owed[0].notice.case)) if owed[0].notice.case != HOUSE else None
        cards = [one for one in owed if one.notice.kind is Kind.CARD]
        card = await self._attempt(cards, case, cards[-1].ref, now) if cards else ""
        arrived = len(cards) if card else 0
        for one in owed:
            if one.notice.kind is not Kind.CARD:
                arrived += bool(await self._attempt([one], case, card or one.ref, now))
        return arrived

    async def _attempt(self, same: list[Owed], case: Case | None, ref: str, now: datetime) -> str:
        """`same` are notices that one message says: the card's newest state says all the older ones.

        Returns the reference of that message, "" when it did not arrive.
        """
        try:
            async with asyncio.timeout(TIME_LIMIT):
                sent = await self._say(same, case, ref, now)
        except TimeoutError:
            return await self._failed(same, f"no answer within {TIME_LIMIT:.0f} s", now + _back_off(same))
        except Undelivered as trouble:
            return await self._failed(same, str(trouble), trouble.retry)
        except Exception as defect:  # the fence: one message that cannot be made must not hold back the others
            log.exception("notice %s could not be said", same[0].notice.key)
            return await self._failed(same, f"a defect: {type(defect).__name__}", now + _back_off(same))
        for one in same:
            await self.ledger.delivered(one.notice.key, sent, now)
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

    async def _failed(self, same: Iterable[Owed], error: str, retry: datetime | None) -> str:
        for one in same:
            await self.ledger.failed(one.notice.key, error, retry)
        return ""


def _tried(same: list[Owed]) -> bool:
    return any(one.attempts > 1 for one in same)


def _matter(owed: Owed) -> int:
    return owed.notice.case


def _back_off(same: list[Owed]) -> timedelta:
    return timedelta(seconds=min(5 * 2 ** min(same[0].attempts, 7), 600))
