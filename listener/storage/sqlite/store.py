"""The embedded store behind the contract.

SQLite is synchronous and a connection belongs to one thread, so there are two threads: one writes, one reads, and an
`await` waits for either. Several processes may use the file at once; who turns the crank holds a lock beside it, which
the kernel frees when the holder dies, however it dies.
"""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TypeVar

from escalation.case import Case, replay
from escalation.events import Event
from escalation.ledger import Owed
from escalation.notices import Notice
from listener.query import fold
from listener.storage.contract import (
    Balance,
    Batch,
    CaseRow,
    Failure,
    Kept,
    MentionRow,
    Question,
    SourceState,
    Span,
    StoreBusy,
    StoreError,
)
from listener.storage.sqlite import accounts, erasing, keeping, ledger, searching
from listener.storage.sqlite.rows import MENTION, case_row, mention_row, source_state, stamp
from listener.storage.sqlite.schema import connect, prepare

T = TypeVar("T")
STREAMED = 200  # rows fetched at a time


class SqliteStore:
    """Made by `open`."""

    def __init__(self, path: str, writer: "_Lane", reader: "_Lane"):
        self._path, self._writer, self._reader = path, writer, reader

    @classmethod
    async def open(cls, path: str) -> "SqliteStore":
        """Raises StoreError with the mend."""
        writer = await _Lane.start(path)
        await writer.call(prepare)
        reader = writer if path == ":memory:" else await _Lane.start(path)
        return cls(path, writer, reader)

    async def aclose(self) -> None:
        for lane in {self._writer, self._reader}:
            await lane.aclose()

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[None]:
        if self._path == ":memory:":
            await self._write(ledger.release)
            yield
            return
        lock = await asyncio.to_thread(_lock, Path(f"{self._path}.lock"))
        try:
            await self._write(ledger.release)
            yield
        finally:
            os.close(lock)

    # hearing
    async def source(self, name: str) -> SourceState:
        row = await self._read(lambda db: db.execute("SELECT * FROM sources WHERE name = ?", (name,)).fetchone())
        return source_state(row) if row else SourceState(name=name)

    async def sources(self) -> tuple[SourceState, ...]:
        return tuple(source_state(row) for row in await self._read(keeping.sources))

    async def known(self, source: str, ids: tuple[str, ...]) -> Mapping[str, str]:
        return await self._read(lambda db: keeping.known(db, source, ids))

    async def keep(self, batch: Batch) -> Kept:
        return await self._write(lambda db: keeping.keep(db, batch))

    async def keep_failure(self, failure: Failure) -> None:
        await self._write(lambda db: keeping.keep_failure(db, failure))

    # the ledger
    async def timeline(self, case_id: int) -> tuple[Event, ...]:
        return await self._read(lambda db: ledger.timeline(db, case_id))

    async def append(self, case: Case, new: tuple[Event, ...]) -> Case:
        return await self._write(lambda db: ledger.append(db, case, new))

    async def due(self, now: datetime, limit: int) -> tuple[int, ...]:
        return await self._read(lambda db: ledger.due(db, now, limit))

    async def claim(self, now: datetime, limit: int, lease: timedelta) -> tuple[Owed, ...]:
        if not await self._read(lambda db: ledger.anything_owed(db, now)):
            return ()  # most looks find nothing, and nothing should cost nothing
        return await self._write(lambda db: ledger.claim(db, now, limit, lease))

    async def delivered(self, key: str, ref: str, at: datetime) -> None:
        await self._write(lambda db: ledger.delivered(db, key, ref, at))

    async def failed(self, key: str, error: str, retry: datetime | None) -> None:
        await self._write(lambda db: ledger.failed(db, key, error, retry))

    async def owe(self, notice: Notice, at: datetime) -> None:
        await self._write(lambda db: ledger.owe(db, notice, at))

    async def notice_keys(self, case_id: int) -> frozenset[str]:
        sql = "SELECT key FROM notices WHERE case_id = ?"
        return await self._read(lambda db: frozenset(row[0] for row in db.execute(sql, (case_id,))))

    async def open_cases(self) -> AsyncIterator[Case]:
        async for case_id in self._stream(lambda db: _ids(db, f"SELECT id FROM cases WHERE {ledger.OPEN} ORDER BY id")):
            yield replay(await self.timeline(case_id))

    # memory
    async def search(self, question: Question) -> AsyncIterator[MentionRow]:
        async for row in self._stream(lambda db: searching.rows(db, question)):
            yield row

    async def cases(self, *, ended: bool = False) -> AsyncIterator[CaseRow]:
        which = "ORDER BY id DESC" if ended else f"WHERE {ledger.OPEN} ORDER BY priority, due"
        async for row in self._stream(lambda db: (case_row(r) for r in db.execute(f"SELECT * FROM cases {which}"))):
            yield row

    async def case_mentions(self, case_id: int) -> tuple[MentionRow, ...]:
        sql = f"SELECT {MENTION} FROM mentions m JOIN posts p ON p.id = m.post WHERE m.case_id = ? ORDER BY m.id"
        return await self._read(lambda db: tuple(mention_row(row) for row in db.execute(sql, (case_id,))))

    async def timelines(self, since: datetime) -> AsyncIterator[int]:
        sql = f"SELECT id FROM cases WHERE changed >= ? UNION SELECT id FROM cases WHERE {ledger.OPEN} ORDER BY id"
        async for case_id in self._stream(lambda db: _ids(db, sql, stamp(since))):
            yield case_id

    async def erase(self, source: str, ids: tuple[str, ...], at: datetime) -> int:
        return await self._write(lambda db: erasing.erase(db, source, ids, at))

    async def erase_author(self, handle: str, at: datetime) -> int:
        return await self._write(lambda db: erasing.erase_author(db, handle, at))

    # accounts
    async def coverage(self, since: datetime, until: datetime) -> tuple[Span, ...]:
        return await self._read(lambda db: accounts.coverage(db, since, until))

    async def balance(self) -> Balance:
        return await self._read(accounts.balance)

    async def counts(self, since: datetime, until: datetime) -> Mapping[tuple[str, str], int]:
        return await self._read(lambda db: accounts.counts(db, since, until))

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._reader.call(work)

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._writer.call(lambda db: _transaction(db, work))

    async def _stream(self, work: Callable[[sqlite3.Connection], Iterator[T]]) -> AsyncIterator[T]:
        """Rows as they are wanted, a few at a time, whatever the size of the table."""
        rows = await self._read(work)
        while piece := await self._reader.call(lambda _: list(islice(rows, STREAMED))):
            for row in piece:
                yield row


class _Lane:
    """A thread and the one connection that belongs to it."""

    def __init__(self, thread: ThreadPoolExecutor, db: sqlite3.Connection):
        self._thread, self._db = thread, db

    @classmethod
    async def start(cls, path: str) -> "_Lane":
        thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
        try:
            db = await asyncio.get_running_loop().run_in_executor(thread, connect, path)
        except StoreError:
            thread.shutdown()
            raise
        db.create_function("folded", 1, fold, deterministic=True)
        return cls(thread, db)

    async def call(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, self._db)
        except sqlite3.OperationalError as wrong:
            raise StoreError(
                f"the database cannot be used: {wrong}; is its disk full, or another program writing?"
            ) from wrong
        except sqlite3.DatabaseError as wrong:
            raise StoreError(f"the database is damaged or is none: {wrong}; restore it from a backup") from wrong

    async def aclose(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._db.close)
        self._thread.shutdown()


def _transaction(db: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    db.execute("BEGIN IMMEDIATE")
    try:
        done = work(db)
        db.commit()
    except BaseException:
        db.rollback()
        raise
    return done


def _ids(db: sqlite3.Connection, sql: str, *given: object) -> Iterator[int]:
    return (int(row[0]) for row in db.execute(sql, given))


def _lock(path: Path) -> int:
    """The open file that holds the lock. Raises StoreBusy."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(lock, 20, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        raise StoreBusy(f"another listener (process {holder}) runs on this database; stop it first") from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock
