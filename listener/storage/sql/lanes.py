"""A database driver is synchronous here and a connection belongs to one thread: a lane is both, and an `await` waits
for it. Of several lanes whichever is free does the work."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, Protocol, TypeVar

from listener.storage.sql.database import Database

T = TypeVar("T")
D = TypeVar("D", bound=Database)
STREAMED = 200  # rows handed over at a time


class Driver(Protocol[D]):
    """What is done in the lane's thread. Every method raises StoreError with the mend."""

    def connect(self) -> D: ...
    def read(self, db: D, work: Callable[[D], T]) -> T: ...
    def write(self, db: D, work: Callable[[D], T]) -> T:
        """In one transaction."""
        ...

    def close(self, db: D) -> None: ...


@dataclass(frozen=True, slots=True)
class Lane(Generic[D]):
    thread: ThreadPoolExecutor
    driver: Driver[D]
    db: D
    waiting: list[None] = field(default_factory=list)  # one for each piece of work that has not ended

    @classmethod
    async def start(cls, driver: Driver[D], name: str) -> "Lane[D]":
        """Raises StoreError with the mend."""
        thread = ThreadPoolExecutor(1, thread_name_prefix=f"store-{name}")
        try:
            return cls(thread, driver, await asyncio.get_running_loop().run_in_executor(thread, driver.connect))
        except BaseException:
            thread.shutdown(wait=False)
            raise

    async def read(self, work: Callable[[D], T]) -> T:
        return await self._run(self.driver.read, work)

    async def write(self, work: Callable[[D], T]) -> T:
        """In one transaction."""
        return await self._run(self.driver.write, work)

    async def _run(self, way: Callable[[D, Callable[[D], T]], T], work: Callable[[D], T]) -> T:
        self.waiting.append(None)
        try:
            return await asyncio.get_running_loop().run_in_executor(self.thread, way, self.db, work)
        finally:
            self.waiting.pop()

    async def stream(self, rows: Callable[[D], Iterator[T]]) -> AsyncIterator[T]:
        """Row by row to the caller, piece by piece from the thread; between two pieces nothing is held open."""
        source = await self.read(rows)
        while piece := await self.read(lambda _: list(islice(source, STREAMED))):
            for row in piece:
                yield row

    async def aclose(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self.thread, self.driver.close, self.db)
        self.thread.shutdown()


@dataclass(frozen=True, slots=True)
class Lanes(Generic[D]):
    """Several that do the same: the one that has least to do is taken."""

    lanes: tuple[Lane[D], ...]

    @classmethod
    async def start(cls, driver: Driver[D], name: str, count: int) -> "Lanes[D]":
        """Raises StoreError with the mend."""
        started = list[Lane[D]]()
        try:
            for number in range(count):
                started.append(await Lane.start(driver, f"{name}-{number}"))
        except BaseException:
            await cls(tuple(started)).aclose()
            raise
        return cls(tuple(started))

    async def read(self, work: Callable[[D], T]) -> T:
        return await self._idlest().read(work)

    async def write(self, work: Callable[[D], T]) -> T:
        return await self._idlest().write(work)

    def stream(self, rows: Callable[[D], Iterator[T]]) -> AsyncIterator[T]:
        return self._idlest().stream(rows)

    def _idlest(self) -> Lane[D]:
        return min(self.lanes, key=lambda lane: len(lane.waiting))

    async def aclose(self) -> None:
        for lane in self.lanes:
            await lane.aclose()
