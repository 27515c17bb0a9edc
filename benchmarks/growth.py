"""Does keeping slow down as the history grows, and what does whoever watches it cost? Beside SQLite's bare inserts.

Judged mentions are kept page by page until the store is full (LISTENER_BENCH_ROWS; 5000000 takes a quarter of an hour);
the bare store of benchmarks/storage.py is given the same pages in turns. The rate is that of the last tenth before each
size, in processor time.
"""

import asyncio
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.rows import Row, cpu
from benchmarks.search import BEGUN, YEAR, _heard
from benchmarks.storage import CONFIG, RAW, bare_insert
from benchmarks.world import World, rows, telling
from listener.metrics import exposed
from listener.settings import Settings, load
from listener.storage.contract import Batch
from listener.storage.sqlite import SqliteStore
from listener.storage.sqlite.lanes import connect

PAGE, LOOKS = 500, 7
BRAND = '[[brand]]\nname = "Acme Air"\nquery = "acme"\npolicy = "care"\n'


@dataclass(slots=True)
class Rate:
    """Processor time for the posts of one stretch."""

    posts: int = 0
    ours: float = 0.0
    bare: float = 0.0
    watched: list[float] = field(default_factory=list)  # ms that /metrics takes at the end of it


def run() -> list[Row]:
    most = rows()
    sizes = sorted({max(most // 100, PAGE * 2), max(most // 10, PAGE * 2), most})
    rates = {size: Rate() for size in sizes}
    with TemporaryDirectory() as directory, asyncio.Runner() as loop, closing(connect(f"{directory}/bare.db")) as bare:
        bare.executescript(RAW)
        store, settings = loop.run(SqliteStore.open(f"{directory}/ours.db")), _settings(Path(directory) / "config")
        _grow(loop, store, bare, rates, settings)
        loop.run(store.aclose())
    kept = {size: rate.posts / rate.ours for size, rate in rates.items()}
    return [
        *(
            Row(f"keep, {size:,} mentions, sqlite3 + FTS5", kept[size], rate.posts / rate.bare, "posts/s")
            for size, rate in rates.items()
        ),
        Row(f"keep, {most:,} mentions, {sizes[-2]:,}", kept[most], kept[sizes[-2]], "posts/s", 0.5, at_most=False),
        *(Row(f"/metrics, {size:,} mentions", median(rate.watched), None, "ms", 50) for size, rate in rates.items()),
    ]


def _grow(
    loop: asyncio.Runner, store: SqliteStore, bare: sqlite3.Connection, rates: dict[int, Rate], settings: Settings
) -> None:
    world, most = World(), max(rates)
    for first in range(0, most, PAGE):
        size = min(size for size in rates if size > first)
        heard = tuple(_heard(world, number) for number in range(first, min(first + PAGE, most)))
        at = BEGUN + YEAR * first / most
        batch = Batch(source="bench", at=at, cursor={"at": first}, fetched=len(heard), heard=heard)
        begun = time.process_time()
        loop.run(store.keep(batch))
        between = time.process_time()
        bare_insert(bare, [[one.post for one in heard]])
        if first + PAGE > size - size // 10:
            rates[size].posts += len(heard)
            rates[size].ours += between - begun
            rates[size].bare += time.process_time() - between
        if first + PAGE >= size:
            rates[size].watched = [cpu(partial(_watch, loop, store, settings)) * 1_000 for _ in range(LOOKS)]
        telling("mentions kept", min(first + PAGE, most), most)


def _watch(loop: asyncio.Runner, store: SqliteStore, settings: Settings) -> None:
    exposed(loop.run(store.vitals(BEGUN + YEAR)), settings, BEGUN + YEAR)


def _settings(directory: Path) -> Settings:
    directory.mkdir()
    for name, text in {**CONFIG, "brands.toml": BRAND}.items():
        (directory / name).write_text(text, "utf-8")
    return load(directory, {})
