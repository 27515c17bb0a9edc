"""Opening a SQLite file, its pragmas, its transactions and its errors: here and nowhere else."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import TypeVar

from sqlite_utils import Database as Tables

from listener.query import fold
from listener.storage.contract import StoreDown, StoreError
from listener.storage.sqlite.dialect import Sqlite
from listener.storage.sqlite.indexing import Fts5

T = TypeVar("T")
BUSY = 30.0  # seconds to wait while another process writes

# FULL: a promise that a person was shown as taken must outlive a power cut. WAL with NORMAL would only outlive the
# death of the process (https://www.sqlite.org/pragma.html#pragma_synchronous).
PRAGMAS = (
    "auto_vacuum=INCREMENTAL",  # of a new file; an older one has it from its next VACUUM, or from a backup, on
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
    "cache_size=-32768",
    "journal_size_limit=67108864",
)


class Connection(sqlite3.Connection):
    """What the rooms need of a store (listener/storage/sql/database.py)."""

    dialect = Sqlite()
    index = Fts5()
    file: tuple[int, int] | None = None  # the file that was opened, as its disk knows it


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """The driver of a lane. A house has two lanes, one that writes and one that reads."""

    path: str

    def connect(self) -> Connection:
        return connect(self.path)

    def read(self, db: Connection, work: Callable[[Connection], T]) -> T:
        return _translated(work, db)

    def write(self, db: Connection, work: Callable[[Connection], T]) -> T:
        if db.file != _known_as(self.path):
            raise StoreDown(f"{self.path} {_GONE}")
        return _translated(lambda db: transaction(db, work), db)

    def close(self, db: Connection) -> None:
        db.close()


def connect(path: str) -> Connection:
    """A connection for the calling thread. Raises StoreError with the mend."""
    try:
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            if not Path(path).exists():
                Path(path).touch(0o600)  # it holds what people said; its log takes the same rights
        db = sqlite3.connect(path, timeout=BUSY, isolation_level=None, factory=Connection)
        db.row_factory = sqlite3.Row
        for pragma in PRAGMAS:
            _set(db, pragma)
    except (sqlite3.Error, OSError) as wrong:
        raise StoreError(f"{path} cannot be opened as a database: {wrong}; {_mend(str(wrong))}") from wrong
    db.create_function("folded", 1, fold, deterministic=True)
    db.file = _known_as(path)
    return db


_GONE = (
    "is not where it was opened: moved, deleted, or its disk is gone. Nothing is written, for it would be lost: put it"
    " back, or stop the listener and restore a backup (docs/storage.md)"
)


def _known_as(path: str) -> tuple[int, int] | None:
    """None: there is none. SQLite would go on writing to a file that was deleted, and it would be gone at the end."""
    try:
        there = Path(path).stat()
    except OSError:
        return None
    return there.st_dev, there.st_ino


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


def tables(db: sqlite3.Connection) -> Tables:
    """The same connection through sqlite_utils, for what is not on the hot path."""
    return Tables(db, execute_plugins=False)


def transaction(db: Connection, work: Callable[[Connection], T]) -> T:
    """IMMEDIATE: what is read inside is what is written on, whatever other processes do."""
    db.execute("BEGIN IMMEDIATE")
    try:
        done = work(db)
        db.commit()
    except BaseException:
        db.rollback()
        raise
    return done


def _translated(work: Callable[[Connection], T], db: Connection) -> T:
    try:
        return work(db)
    except sqlite3.OperationalError as wrong:
        raise StoreDown(f"the database did not work: {wrong}; {_mend(str(wrong))}") from wrong
    except sqlite3.DatabaseError as wrong:
        raise StoreDown(f"the database is damaged, or is none: {wrong}; restore a backup (docs/storage.md)") from wrong


def _mend(wrong: str) -> str:
    if "locked" in wrong or "busy" in wrong:
        return f"another program has been writing to it for {BUSY:.0f} s; stop that one and try again"
    if "full" in wrong:
        return "make room on its disk; nothing was half written"
    if "disk I/O" in wrong:
        return "its disk refuses: is it full, over a quota, or failing? nothing was half written"
    if "readonly" in wrong or "unable to open" in wrong:
        return "check who may write to the file and its directory"
    return "see docs/storage.md"
