"""When the store itself fails, it is said once, and once when it works again; who asks how the house is learns of it.

Only what the engine asks for again and again counts: what a person asked for is answered with the error itself.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from listener.storage.contract import StoreDown
from listener.storage.sql.database import Database

log = logging.getLogger("listener")

T = TypeVar("T")
D_co = TypeVar("D_co", bound=Database, covariant=True)
D = TypeVar("D", bound=Database)
ASKED_AGAIN = frozenset({"source", "keep", "keep_failure", "due", "append", "claim", "awake"})


class Hands(Protocol[D_co]):
    """One lane, or several."""

    async def read(self, work: Callable[[D_co], T]) -> T: ...
    async def write(self, work: Callable[[D_co], T]) -> T: ...
    def stream(self, rows: Callable[[D_co], Iterator[T]]) -> AsyncIterator[T]: ...
    async def aclose(self) -> None: ...


@dataclass(slots=True)
class Outage:
    """What fails, and why. One for all hands of a store."""

    failing: dict[str, str] = field(default_factory=dict)

    @property
    def why(self) -> str:
        return next(iter(self.failing.values()), "")

    def failed(self, what: str, why: str) -> None:
        if what not in ASKED_AGAIN:
            return
        if why not in self.failing.values():
            log.error("%s. What is heard is not kept until then and is read again; what is owed stays owed", why)
        self.failing[what] = why

    def worked(self, what: str) -> None:
        if self.failing.pop(what, None) and not self.failing:
            log.warning("the database works again; what waited is done now")


@dataclass(frozen=True, slots=True)
class Watched(Generic[D]):
    """Hands whose failures are noted."""

    hands: Hands[D]
    outage: Outage

    async def read(self, work: Callable[[D], T]) -> T:
        return await self._noted(self.hands.read, work)

    async def write(self, work: Callable[[D], T]) -> T:
        return await self._noted(self.hands.write, work)

    async def _noted(self, way: Callable[[Callable[[D], T]], Awaitable[T]], work: Callable[[D], T]) -> T:
        asker: str = getattr(work, "__qualname__", "")
        what = asker.partition(".<locals>")[0].rpartition(".")[2]  # the method of the store
        try:
            done = await way(work)
        except StoreDown as wrong:
            self.outage.failed(what, str(wrong))
            raise
        self.outage.worked(what)
        return done

    def stream(self, rows: Callable[[D], Iterator[T]]) -> AsyncIterator[T]:
        return self.hands.stream(rows)

    async def aclose(self) -> None:
        await self.hands.aclose()
