"""SQLite is synchronous and a connection belongs to one thread: a lane is both, and an `await` waits for it.

The house has two, one that writes and one that reads. Opening, pragmas, transactions and the errors of SQLite are dealt
with here and nowhere else.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import sleep
from typing import TypeVar

from sqlite_utils import Database

from listener.query import fold
from listener.storage.contract import StoreError

T = TypeVar("T")
BUSY = 30.0  # seconds to wait while another process writes
STREAMED = 200  # rows handed over at a time

# FULL: a promise that a person was shown as taken must outlive a power cut. WAL with NORMAL would only outlive the
# death of the process (https://www.sqlite.org/pragma.html#pragma_synchronous).
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
    "cache_size=-32768",
    "journal_size_limit=67108864",
)


@dataclass(frozen=True, slots=True)
class Lane:
    thread: ThreadPoolExecutor
    db: sqlite3.Connection

    @classmethod
    async def start(cls, path: str, name: str) -> "Lane":
        """Raises StoreError with the mend."""
        thread = ThreadPoolExecutor(1, thread_name_prefix=f"sqlite-{name}")
        try:
            return cls(thread, await asyncio.get_running_loop().run_in_executor(thread, connect, path))
        except BaseException:
            thread.shutdown(wait=False)
            raise

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.thread, _translated, work, self.db)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """In one transaction."""
        return await self.read(lambda db: transaction(db, work))

    async def stream(self, rows: Callable[[sqlite3.Connection], Iterator[T]]) -> AsyncIterator[T]:
        """Row by row to the caller, piece by piece from the thread; between two pieces nothing is held open."""
        source = await self.read(rows)
        while piece := await self.read(lambda _: list(islice(source, STREAMED))):
            for row in piece:
                yield row

    async def aclose(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self.thread, self.db.close)
        self.thread.shutdown()


def connect(path: str) -> sqlite3.Connection:
    """A connection for the calling thread. Raises StoreError with the mend."""
    try:
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(path, timeout=BUSY, isolation_level=None)
        db.row_factory = sqlite3.Row
        for pragma in PRAGMAS:
            _set(db, pragma)
    except (sqlite3.Error, OSError) as wrong:
        raise StoreError(f"{path} cannot be opened as a database: {wrong}; see docs/storage.md") from wrong
    db.create_function("folded", 1, fold, deterministic=True)
    return db


def _set(db: sqlite3.Connection, pragma: str) -> None:
    """The change to WAL does not wait while another process makes the same change, so it is tried again."""
    for _ in range(100):
        try:
            db.execute(f"PRAGMA {pragma}")
        except sqlite3.OperationalError as wrong:
            if "locked" not in str(wrong):
                raise
            sleep(0.05)
        else:
            return
    db.execute(f"PRAGMA {pragma}")


def tables(db: sqlite3.Connection) -> Database:
    """The same connection through sqlite_utils, for what is not on the hot path."""
    return Database(db, execute_plugins=False)


def transaction(db: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    """IMMEDIATE: what is read inside is what is written on, whatever other processes do."""
    db.execute("BEGIN IMMEDIATE")
    try:
        done = work(db)
        db.commit()
    except BaseException:
        db.rollback()
        raise
    return done


def _translated(work: Callable[[sqlite3.Connection], T], db: sqlite3.Connection) -> T:
    try:
        return work(db)
    except sqlite3.OperationalError as wrong:
        raise StoreError(f"the database did not work: {wrong}; {_mend(str(wrong))}") from wrong
    except sqlite3.DatabaseError as wrong:
        raise StoreError(f"the database is damaged, or is none: {wrong}; restore a backup (docs/storage.md)") from wrong


def _mend(wrong: str) -> str:
    if "locked" in wrong or "busy" in wrong:
        return f"another program has been writing to it for {BUSY:.0f} s; stop that one and try again"
    if "full" in wrong:
        return "make room on its disk; nothing was half written"
    if "readonly" in wrong or "unable to open" in wrong:
        return "check who may write to the file and its directory"
    return "see docs/storage.md"
