"""The embedded store behind the contract: which lane does what.

Several processes may use the file at once. Who turns the crank holds a lock on the file beside it, which the kernel
frees when the holder dies, however it dies.
"""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from connectors.post import Post
from escalation.case import Case
from escalation.events import Event
from escalation.ledger import Owed
from escalation.manners import Ping
from escalation.notices import Notice
from listener.storage.contract import (
    Balance,
    Batch,
    CaseRow,
    Failure,
    Kept,
    MentionRow,
    Opening,
    Question,
    SavedSearch,
    SourceState,
    Span,
    StoreBusy,
)
from listener.storage.sqlite import (
    accounts,
    erasing,
    incidents,
    keeping,
    ledger,
    listening,
    matters,
    passes,
    people,
    recalling,
    rereading,
    searching,
    upkeep,
)
from listener.storage.sqlite.lanes import Lane, tables
from listener.storage.sqlite.schema import prepare

T = TypeVar("T")
MEMORY = ":memory:"  # gone with the process: for tests


class SqliteStore:
    """Made by `open`. One lane writes and one reads; a store in memory has one lane for both."""

    def __init__(self, path: str, writer: Lane, reader: Lane):
        self._path, self._writer, self._reader = path, writer, reader

    @classmethod
    async def open(cls, path: str) -> "SqliteStore":
        """Raises StoreError with the mend."""
        writer = await Lane.start(path, "writer")
        try:
            await writer.read(lambda db: prepare(tables(db)))
            return cls(path, writer, writer if path == MEMORY else await Lane.start(path, "reader"))
        except BaseException:
            await writer.aclose()
            raise

    async def aclose(self) -> None:
        for lane in {id(lane): lane for lane in (self._reader, self._writer)}.values():
            await lane.aclose()

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[None]:
        lock = None if self._path == MEMORY else await asyncio.to_thread(_lock, Path(f"{self._path}.lock"))
        try:
            await self._writer.write(ledger.release)
            yield
        finally:
            if lock is not None:
                os.close(lock)

    # hearing
    async def source(self, name: str) -> SourceState:
        return await self._reader.read(lambda db: listening.source(db, name))

    async def sources(self) -> tuple[SourceState, ...]:
        return await self._reader.read(listening.sources)

    async def known(self, source: str, ids: tuple[str, ...]) -> Mapping[str, str]:
        return await self._reader.read(lambda db: keeping.known(db, source, ids))

    async def to_reread(self, source: str, now: datetime, limit: int) -> tuple[str, ...]:
        return await self._reader.read(lambda db: rereading.due(db, source, now, limit))

    async def keep(self, batch: Batch) -> Kept:
        return await self._writer.write(lambda db: keeping.keep(db, batch))

    async def post(self, key: str) -> Post | None:
        return await self._reader.read(lambda db: matters.post(db, key))

    async def merge(self, case_id: int, into: int, by: str, at: datetime) -> Case:
        return await self._writer.write(lambda db: matters.merge(db, case_id, into, by, at))

    async def split(self, case_id: int, post: str, opening: Opening, by: str, at: datetime) -> Case:
        return await self._writer.write(lambda db: matters.split(db, case_id, post, opening, by, at))

    async def keep_failure(self, failure: Failure) -> None:
        await self._writer.write(lambda db: listening.failed(db, failure))

    # the ledger
    async def timeline(self, case_id: int) -> tuple[Event, ...]:
        return await self._reader.read(lambda db: ledger.timeline(db, case_id))

    async def append(self, case: Case, new: tuple[Event, ...]) -> Case:
        return await self._writer.write(lambda db: ledger.append(db, case, new))

    async def due(self, now: datetime, limit: int) -> tuple[int, ...]:
        return await self._reader.read(lambda db: ledger.due(db, now, limit))

    async def away(self, now: datetime) -> frozenset[str]:
        return await self._reader.read(lambda db: people.away(db, now))

    async def unanswered(self, limit: int) -> tuple[tuple[int, int], ...]:
        return await self._reader.read(lambda db: incidents.unanswered(db, limit))

    async def awake(self, at: datetime) -> datetime | None:
        return await self._writer.write(lambda db: listening.awake(db, at))

    async def similar(
        self, brand: str, cause: str, severity: tuple[int, int], *, since: datetime, limit: int
    ) -> tuple[int, ...]:
        return await self._reader.read(lambda db: recalling.similar(db, brand, cause, severity, since, limit))

    async def under_way(self, customer: str) -> tuple[CaseRow, ...]:
        return await self._reader.read(lambda db: recalling.under_way(db, customer))

    async def guarded(self, choices: tuple[tuple[str, bool], ...], at: datetime) -> None:
        await self._writer.write(lambda db: recalling.guarded(db, choices, at))

    async def guard_choices(self, since: datetime, until: datetime) -> Mapping[str, tuple[int, int]]:
        return await self._reader.read(lambda db: recalling.guard_choices(db, since, until))

    async def mark(self, name: str) -> datetime | None:
        return await self._reader.read(lambda db: listening.mark(db, name))

    async def set_mark(self, name: str, at: datetime) -> None:
        await self._writer.write(lambda db: listening.set_mark(db, name, at))

    async def set_away(self, person: str, until: datetime | None) -> None:
        await self._writer.write(lambda db: people.set_away(db, person, until))

    async def absences(self, now: datetime) -> Mapping[str, datetime]:
        return await self._reader.read(lambda db: people.absences(db, now))

    async def claim(self, now: datetime, limit: int, lease: timedelta) -> tuple[Owed, ...]:
        if not await self._reader.read(lambda db: ledger.anything_owed(db, now)):
            return ()  # most times nothing is owed, and then nobody who writes need wait
        return await self._writer.write(lambda db: ledger.claim(db, now, limit, lease))

    async def delivered(self, key: str, ref: str, at: datetime) -> None:
        await self._writer.write(lambda db: ledger.delivered(db, key, ref, at))

    async def failed(self, key: str, error: str, retry: datetime | None) -> None:
        await self._writer.write(lambda db: ledger.failed(db, key, error, retry))

    async def wait(self, key: str, until: datetime, why: str) -> None:
        await self._writer.write(lambda db: ledger.wait(db, key, until, why))

    async def pings(self, names: Collection[str], since: datetime) -> tuple[Ping, ...]:
        return await self._reader.read(lambda db: ledger.pings(db, names, since))

    async def owe(self, notice: Notice, at: datetime) -> None:
        await self._writer.write(lambda db: ledger.owe(db, notice, at))

    async def notice_keys(self, case_id: int) -> frozenset[str]:
        return await self._reader.read(lambda db: ledger.notice_keys(db, case_id))

    def open_cases(self) -> AsyncIterator[Case]:
        return self._reader.stream(ledger.open_cases)

    # memory
    def search(self, question: Question) -> AsyncIterator[MentionRow]:
        return self._reader.stream(lambda db: searching.mentions(db, question))

    def cases(self, *, ended: bool = False) -> AsyncIterator[CaseRow]:
        return self._reader.stream(lambda db: ledger.case_rows(db, ended=ended))

    async def case_mentions(self, case_id: int) -> tuple[MentionRow, ...]:
        return await self._reader.read(lambda db: searching.of_case(db, case_id))

    def timelines(self, since: datetime) -> AsyncIterator[int]:
        return self._reader.stream(lambda db: ledger.changed_since(db, since))

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
        while await self._writer.write(erasing.purge):
            pass
        await self._writer.read(lambda db: db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())

    # accounts
    async def coverage(self, since: datetime, until: datetime) -> tuple[Span, ...]:
        return await self._reader.read(lambda db: listening.coverage(db, since, until))

    async def balance(self) -> Balance:
        return await self._aside(accounts.balance)

    async def backup(self, file: Path) -> int:
        return await self._aside(lambda db: upkeep.backup(db, file))

    async def _aside(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What reads for long has a lane of its own, so that no poll and no search waits for it."""
        if self._path == MEMORY:
            return await self._reader.read(work)
        lane = await Lane.start(self._path, "aside")
        try:
            return await lane.read(work)
        finally:
            await lane.aclose()

    async def arrived(self, since: datetime) -> Mapping[str, int]:
        return await self._reader.read(lambda db: accounts.arrived(db, since))

    async def counts(self, since: datetime, until: datetime) -> Mapping[tuple[str, str], int]:
        return await self._reader.read(lambda db: accounts.counts(db, since, until))

    # the web desk
    async def keep_pass(self, key: str, person: str, until: datetime, now: datetime) -> None:
        await self._writer.write(lambda db: passes.keep(db, key, person, until, now))

    async def pass_of(self, key: str, now: datetime) -> str | None:
        return await self._reader.read(lambda db: passes.of(db, key, now))

    async def drop_passes(self, *, key: str = "", person: str = "") -> int:
        return await self._writer.write(lambda db: passes.drop(db, key, person))

    async def was_done(self, what: str) -> bool:
        return await self._reader.read(lambda db: passes.was_done(db, what))

    async def done(self, what: str, at: datetime) -> None:
        await self._writer.write(lambda db: passes.done(db, what, at))

    async def moved(self) -> int:
        return await self._reader.read(passes.moved)

    async def searches(self) -> tuple[SavedSearch, ...]:
        return await self._reader.read(passes.searches)

    async def save_search(self, name: str, query: str, by: str, at: datetime) -> int:
        return await self._writer.write(lambda db: passes.save_search(db, name, query, by, at))

    async def drop_search(self, search: int) -> bool:
        return await self._writer.write(lambda db: passes.drop_search(db, search))


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
