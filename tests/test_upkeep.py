"""The embedded store looks after itself: its log goes back to nothing, freed pages to the disk, damage is seen early."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from builders import NOW, batch, complaint

from listener.audit import audit
from listener.storage.contract import StoreDown
from listener.storage.sqlite import SqliteStore, upkeep

FAR = timedelta(minutes=1)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(str(tmp_path / "listener.db"))
    yield opened
    await opened.aclose()


def size(file: Path) -> int:
    return file.stat().st_size


async def test_the_log_goes_back_to_nothing_when_nobody_writes(store: SqliteStore, tmp_path: Path) -> None:
    await store.keep(batch(*(complaint(f"p{n}") for n in range(50))))
    assert size(log := tmp_path / "listener.db-wal") > 100_000
    await store.tidy(NOW)
    assert size(log) == 0
    await store.keep(batch(complaint("more")))
    assert (await audit(store, NOW)).balanced


async def test_it_waits_for_nobody_who_reads(store: SqliteStore, tmp_path: Path) -> None:
    await store.keep(batch(complaint("p1")))
    with closing(sqlite3.connect(tmp_path / "listener.db", isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM posts").fetchone()
        await store.keep(batch(complaint("p2")))
        async with asyncio.timeout(5):  # a writer waits 30 s for another
            await store.tidy(NOW)
        assert size(tmp_path / "listener.db-wal") > 0
    await store.tidy(NOW)
    assert size(tmp_path / "listener.db-wal") == 0


async def test_what_was_freed_goes_back_to_the_disk_a_step_at_a_time(store: SqliteStore, tmp_path: Path) -> None:
    def much(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE much (words TEXT)")
        db.executemany("INSERT INTO much VALUES (?)", (("x" * 3000,) for _ in range(3000)))

    await store.writing(much)
    await store.tidy(NOW)
    before = size(tmp_path / "listener.db")
    await store.writing(lambda db: db.execute("DROP TABLE much"))
    assert await store.reading(lambda db: db.execute("PRAGMA freelist_count").fetchone()[0]) > 2000
    await store.tidy(NOW)
    kept = upkeep.WORTH_IT * 4096
    assert size(tmp_path / "listener.db") < before - 3000 * 3000 + kept + 2 * upkeep.FREED_AT_ONCE * 4096


async def filled(file: Path) -> None:
    store = await SqliteStore.open(str(file))
    await store.keep(batch(*(complaint(f"p{n}") for n in range(200))))
    await store.aclose()


def spoil(file: Path, table: str) -> None:
    """A page of this table is overwritten."""
    with closing(sqlite3.connect(file)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        size = db.execute("PRAGMA page_size").fetchone()[0]
    torn = bytearray(file.read_bytes())
    torn[(page - 1) * size + 100 : page * size] = b"\xa5" * (size - 100)
    file.write_bytes(torn)


@pytest.mark.parametrize("table", ["events", "posts", "coverage"])
async def test_damage_is_said_before_anything_is_written(tmp_path: Path, table: str) -> None:
    await filled(file := tmp_path / "listener.db")
    spoil(file, table)
    store = await SqliteStore.open(str(file))
    with pytest.raises(StoreDown, match=r"damaged.*restore a backup"):
        async with store.engine():
            pass
    await store.aclose()


async def test_a_look_takes_no_longer_than_it_may_and_sees_what_matters_first(tmp_path: Path) -> None:
    await filled(file := tmp_path / "listener.db")
    spoil(file, "events")
    store = await SqliteStore.open(str(file))
    ticks = iter(range(1_000_000))
    found = await store.reading(lambda db: list(upkeep.glance(db, 0.5, lambda: float(next(ticks)))))
    assert found == [] or found[0].where == "events"  # the time was up before the first table was read
    assert {one.where for one in await store.glance(FAR)} == {"events"}
    assert upkeep._tables(sqlite3.connect(file))[:2] == ["house", "sources"]
    await store.aclose()


async def test_nobody_else_may_read_what_people_said(store: SqliteStore, tmp_path: Path) -> None:
    await store.keep(batch(complaint()))
    assert rights(tmp_path) == {"listener.db": 0, "listener.db-wal": 0, "listener.db-shm": 0}


def rights(directory: Path) -> dict[str, int]:
    """Of everybody but the owner."""
    return {file.name: file.stat().st_mode & 0o077 for file in directory.iterdir()}
