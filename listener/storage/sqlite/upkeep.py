"""The file itself: whether it is sound, what it does while nobody waits, a copy of it while it is at work."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import mkstemp

from listener.storage.contract import Finding, StoreError

SOUND = "the file is sound"
MEND = "stop the listener, keep the files, restore a backup (docs/storage.md)"
NAMED = 20  # damaged places
FIRST = ("house", "sources", "cases", "events", "notices")  # what is owed to whom; then the rest, small tables first
STEPS = 10_000  # of SQLite's machine, between two looks at the clock
FREED_AT_ONCE = 256  # pages given back to the disk by one step: a megabyte
WORTH_IT = 1024  # freed pages that are kept for what comes next


def damage(db: sqlite3.Connection) -> Iterator[Finding]:
    """Reads the whole file (https://www.sqlite.org/pragma.html#pragma_integrity_check)."""
    for (found,) in db.execute(f"PRAGMA integrity_check({NAMED})").fetchall():
        if found != "ok":
            yield Finding(check=SOUND, where="database", problem=f"{_words(found)}; {MEND}")


def _words(found: str) -> str:
    """What is torn is torn in a hundred places; the first ones do."""
    return " ".join(found.split())[:200]


def glance(db: sqlite3.Connection, seconds: float, clock: Callable[[], float]) -> Iterator[Finding]:
    """As far as that gets in `seconds`: table by table, what matters most first. Indexes are not held against their
    tables; `damage` does that (https://www.sqlite.org/pragma.html#pragma_quick_check)."""
    until = clock() + seconds
    db.set_progress_handler(lambda: clock() > until, STEPS)
    try:
        for table in _tables(db):
            for (found,) in db.execute(f'PRAGMA quick_check("{table}")').fetchall():
                if found != "ok":
                    yield Finding(check=SOUND, where=table, problem=f"{_words(found)}; {MEND}")
    except sqlite3.OperationalError as late:
        if "interrupted" not in str(late):
            raise
    finally:
        db.set_progress_handler(None, 0)


def _tables(db: sqlite3.Connection) -> list[str]:
    rows = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'")
    there = [str(name) for (name,) in rows if not name.startswith("posts_fts")]
    return sorted(there, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))


def tend(db: sqlite3.Connection) -> bool:
    """A step of what costs less when it is done at leisure; True: more to do. Waits for nobody, for a few milliseconds.

    The log goes back to nothing and freed pages to the disk. No ANALYZE: how each question is answered is fixed by its
    wording and its indexes, and tested; it must not change with what a history happens to hold.
    """
    free = int(db.execute("PRAGMA freelist_count").fetchone()[0]) - WORTH_IT
    if free > 0:
        db.executescript(f"PRAGMA incremental_vacuum({min(free, FREED_AT_ONCE)})")  # `execute` frees one page of them
    _fold_in(db)
    return int(db.execute("PRAGMA auto_vacuum").fetchone()[0]) == INCREMENTAL and free > FREED_AT_ONCE


INCREMENTAL = 2


def _fold_in(db: sqlite3.Connection) -> None:
    """Not while somebody reads: then the next time will do."""
    patience = int(db.execute("PRAGMA busy_timeout").fetchone()[0])
    db.execute("PRAGMA busy_timeout = 0")
    try:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        db.execute(f"PRAGMA busy_timeout = {patience}")


def backup(db: sqlite3.Connection, file: Path) -> int:
    """One whole file as of one instant, for nobody else to read; its size. Who writes does not wait.

    It has its name only once it is complete, checked and on the disk. Raises StoreError.
    """
    _not_there(file)
    try:
        opened, name = mkstemp(dir=file.parent, prefix=f"{file.name}.", suffix=".part")  # nobody else may read it
        os.close(opened)
        part = Path(name)
        try:
            _copy(db, part)
            _not_there(file)
            part.rename(file)
        finally:
            part.unlink(missing_ok=True)
        _on_disk(file.parent)
    except OSError as wrong:
        raise StoreError(f"{file} cannot be written: {wrong.strerror}; name a place with room and rights") from wrong
    return file.stat().st_size


def _not_there(file: Path) -> None:
    if file.exists():
        raise StoreError(f"{file} is there already and was left as it is; name a file that is not")


def _copy(db: sqlite3.Connection, part: Path) -> None:
    db.execute("VACUUM INTO ?", (str(part),))
    _check(part)
    _on_disk(part)


def _check(copy: Path) -> None:
    with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
        if found := list(damage(db)):
            raise StoreError(f"the copy is not sound, so the database is not either: {found[0].problem}")


def _on_disk(place: Path) -> None:
    opened = os.open(place, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
