"""What the escalation needs to be remembered. Implemented in listener/storage; every method is one transaction."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from escalation.case import Case, begin, evolve, scrubbed
from escalation.events import Event, Joined, Opened, Revised
from escalation.manners import Ping
from escalation.notices import Notice, notices


class Conflict(Exception):
    """Somebody else changed the case first: read it again and decide again."""


class Again(Exception):
    """This very request was made already, by whichever process it reached first."""


class UnknownCase(LookupError):
    """There is no such case."""


class Unreadable(UnknownCase):
    """It is there, but its timeline is damaged, or was written by a newer version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A notice that was claimed for delivery. `attempts` counts this one; `ref` is what it must redraw, if anything."""

    notice: Notice
    attempts: int
    ref: str = ""  # CARD: the case's card, THREAD: the card it hangs under; "" when there is none yet
    said: str = ""  # a message that says it already, with words that must go: it is changed in place
    looked: bool = False  # an earlier message was looked for, and there is none


class Ledger(Protocol):
    async def timeline(self, case_id: int) -> tuple[Event, ...]:
        """Oldest first. Raises UnknownCase, or Unreadable."""
        ...

    async def append(self, case: Case, new: tuple[Event, ...], once: str = "") -> Case:
        """Writes the events after `case.seq`, the notices they cause, and the case's row. What has `once` is written
        once within a day. Raises Conflict, Again."""
        ...

    async def made(self, once: str) -> bool:
        """Was this request written within the last day?"""
        ...

    async def away(self, now: datetime) -> frozenset[str]:
        """Names of the people who said that they are away now."""
        ...

    async def due(self, now: datetime, limit: int) -> tuple[int, ...]:
        """Open cases whose deadline has passed: the worst first, and of these the longest overdue."""
        ...

    async def take_due(self, now: datetime, limit: int) -> tuple[int, ...]:
        """The same, for whoever will step them now: of several processes one gets a case, the others do not for a
        while, unless it becomes due anew."""
        ...

    async def set_aside(self, case_id: int, until: datetime) -> None:
        """It cannot be read, so it is not due before `until`, and the others are dealt with."""
        ...

    async def unanswered(self, limit: int) -> tuple[tuple[int, int], ...]:
        """(case, incident) of customers still waiting within an incident that has ended."""
        ...

    async def claim(self, now: datetime, limit: int, lease: timedelta) -> tuple[Owed, ...]:
        """Notices that are owed and due, oldest first; nobody else gets them before `now + lease`.

        Direct messages come before cards, cards before lines under them, and these before word from the house. With a
        case's card come all its older ones that are due: one drawing says them all.

        A case's card is held back while an older card notice of that case waits or is with somebody else, so that two
        deliveries can never both believe that theirs is the first.
        """
        ...

    async def hold(self, keys: Collection[str]) -> bool:
        """Are all of these still ours? Asked before they are said: we may have been frozen since they were claimed."""
        ...

    async def delivered(self, key: str, ref: str, at: datetime) -> None: ...

    async def failed(self, key: str, error: str, retry: datetime | None) -> None:
        """Says why it was not delivered; `retry` None when trying again cannot help."""
        ...

    async def wait(self, key: str, until: datetime, why: str) -> None:
        """It was claimed, and is not said before `until`; that was no attempt."""
        ...

    async def pings(self, names: Collection[str], since: datetime) -> tuple[Ping, ...]:
        """What these people were told directly since then, about cases; oldest first."""
        ...

    async def owe(self, notice: Notice, at: datetime) -> None:
        """A notice that no case causes. The same key again changes nothing."""
        ...

    def open_cases(self) -> AsyncIterator[Case]:
        """Streams every open case."""
        ...


def written(case: Case | None, new: tuple[Event, ...]) -> tuple[Case, tuple[Notice, ...]]:
    """What appending these events leaves: the case, and what is owed because of each. Pure."""
    owed: list[Notice] = []
    for event in new:
        case = begin(event) if case is None and isinstance(event, Opened) else evolve(_there(case), event)
        owed += notices(case, event)
    return _there(case), tuple(owed)


def _there(case: Case | None) -> Case:
    if case is None:
        raise ValueError("a timeline begins with Opened")
    return case


def forget(event: Event, post: str) -> Event:
    """The same event without what a deleted post said. Pure; the ledger rewrites a timeline with it."""
    match event:
        case Opened(subject=subject) if subject.post == post:
            return replace(event, subject=scrubbed(subject))
        case Revised(post=revised) if revised == post:
            return replace(event, text="")
        case Joined(post=joined) if joined == post:
            return replace(event, url="")
        case _:
            return event
