"""The embedded store behind the contract: one file, and who turns the crank.

Several processes may use the file at once. Who turns the crank holds a lock on the file beside it, which the kernel
frees when the holder dies, however it dies.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import TypeVar

from listener.storage.contract import Balance, Finding, StoreBusy, StoreDown, StoreError
from listener.storage.sql import accounts, erasing, ledger
from listener.storage.sql.lanes import Lane
from listener.storage.sql.store import SqlStore
from listener.storage.sqlite import indexing, upkeep
from listener.storage.sqlite.lanes import Connection, SqliteFile, tables
from listener.storage.sqlite.schema import prepare

T = TypeVar("T")
MEMORY = ":memory:"  # gone with the process: for tests
AT_START = timedelta(seconds=2)
TICK = 0.05  # seconds between two steps of what is done at leisure
MOST_STEPS = 500  # a minute: half a gigabyte
ONLY = 1  # the one who turns the crank


class SqliteStore(SqlStore[Connection]):
    """Made by `open`. One lane writes and one reads; a store in memory has one lane for both."""

    def __init__(self, path: str, writer: Lane[Connection], reader: Lane[Connection]):
        super().__init__(writer, reader, ONLY)
        self._path = path

    @classmethod
    async def open(cls, path: str) -> "SqliteStore":
        """Raises StoreError with the mend."""
        writer = await Lane.start(SqliteFile(path), "writer")
        try:
            await writer.read(lambda db: prepare(tables(db)))
            return cls(path, writer, writer if path == MEMORY else await Lane.start(SqliteFile(path), "reader"))
        except BaseException:
            await writer.aclose()
            raise

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[None]:
        lock = None if self._path == MEMORY else await asyncio.to_thread(_lock, Path(f"{self._path}.lock"))
        try:
            if found := await self.glance(AT_START):
                raise StoreDown(f"the database is damaged ({found[0].where}): {found[0].problem}")
            await self._writer.write(lambda db: ledger.release(db, ONLY))
            yield
        finally:
            if lock is not None:
                os.close(lock)

    async def take(self, what: str, lease: timedelta) -> bool:
        return True

    async def give_back(self, what: str) -> None: ...
    async def renew(self, now: datetime, lease: timedelta) -> None: ...

    async def ahead(self, here: datetime) -> timedelta:
        return timedelta()

    @asynccontextmanager
    async def watch(self, stirred: Callable[[], None]) -> AsyncIterator[None]:
        yield

    async def take_due(self, now: datetime, limit: int) -> tuple[int, ...]:
        return await self.due(now, limit)

    async def hold(self, keys: Collection[str]) -> bool:
        return True

    async def erase(self, source: str, ids: tuple[str, ...], at: datetime) -> int:
        erased = await self._writer.write(lambda db: erasing.erase(db, source, ids, at))
        await self._purge()
        return erased

    async def erase_author(self, handle: str, at: datetime) -> int:
        erased = await self._writer.write(lambda db: erasing.erase_author(db, handle, at))
        await self._purge()
        return erased

    async def _purge(self) -> None:
        """Somebody waits for it to be gone: from the index, and from the log that SQLite writes ahead."""
        while await self._writer.write(indexing.purge):
            pass
        await self._writer.read(lambda db: db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())

    async def tidy(self, now: datetime) -> None:
        """In short steps, and not while somebody waits for the hand that writes."""
        for _ in range(MOST_STEPS):
            if self._path == MEMORY or self._busy() or not await self._writer.read(upkeep.tend):
                return
            await asyncio.sleep(TICK)

    async def retire(self, before: date) -> tuple[date, ...]:
        raise StoreError("a database file keeps everything; `listener erase` takes out what must go")

    async def glance(self, limit: timedelta) -> tuple[Finding, ...]:
        return await self._aside(lambda db: tuple(upkeep.glance(db, limit.total_seconds(), monotonic)))

    def _busy(self) -> bool:
        """Somebody waits for the hand that writes."""
        hands = self._writer.hands
        return isinstance(hands, Lane) and bool(hands.waiting)

    async def moved(self) -> int:
        """Events are only ever added, so the last one's place in the table grows with each."""
        return await self._reader.read(lambda db: db.execute("SELECT max(rowid) FROM events").fetchone()[0] or 0)

    async def balance(self) -> Balance:
        return await self._aside(_balance)

    async def backup(self, file: Path) -> int:
        return await self._aside(lambda db: upkeep.backup(db, file))

    async def _aside(self, work: Callable[[Connection], T]) -> T:
        """What reads for long has a lane of its own, so that no poll and no search waits for it."""
        if self._path == MEMORY:
            return await self._reader.read(work)
        lane = await Lane.start(SqliteFile(self._path), "aside")
        try:
            return await lane.read(work)
        finally:
            await lane.aclose()


def _balance(db: Connection) -> Balance:
    damage = tuple(upkeep.damage(db))
    return accounts.nothing_counted(damage) if damage else accounts.balance(db)


def _lock(path: Path) -> int:
    """The open file that holds the lock. Raises StoreBusy."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 20, 0).decode("ascii", "replace").strip()
        os.close(lock)
        who = f" (process {holder})" if holder.isdigit() else ""
        raise StoreBusy(f"another listener{who} is at work on this database; stop it first") from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock
