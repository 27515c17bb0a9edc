"""The file itself: a copy of it while it is at work, and whether it is sound."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import mkstemp

from listener.storage.contract import Finding, StoreError

SOUND = "the file is sound"
NAMED = 20  # damaged places


def damage(db: sqlite3.Connection) -> Iterator[Finding]:
    """Reads the whole file (https://www.sqlite.org/pragma.html#pragma_integrity_check)."""
    for (found,) in db.execute(f"PRAGMA integrity_check({NAMED})").fetchall():
        if found != "ok":
            problem = f"{found}; stop the listener, keep the files, restore a backup (docs/storage.md)"
            yield Finding(check=SOUND, where="database", problem=problem)


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
