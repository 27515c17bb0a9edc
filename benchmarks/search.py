"""Searches over a long mention history, through the store as `listener search` asks it, to the last row of the page.

Newest first must not feel how long the history is; a search that ranks looks at a bounded number of hits. Beside them
stands plain FTS5 on the same file: the same words, nothing but the index and the posts it finds.
"""

import asyncio
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.rows import Row
from benchmarks.world import World, rows, telling
from listener.search import question
from listener.storage.contract import Batch, Heard, Mention, Question, Sort
from listener.storage.sqlite import SqliteStore
from listener.triage import Assessment, Priority, Verdict

BEGUN = datetime(2025, 5, 4, tzinfo=UTC)
YEAR = timedelta(days=365)
PAGE = 1_000  # posts kept at a time
BRANDS = ("Acme Air", "Bolt Coffee", "Cirro", "Dune Hotels", "Ember")  # each half as often as the one before
TIMES = ("", "since:2026-04-04", "since:2025-08-01 until:2025-08-08")
FILTERS = (
    'brand:"Dune Hotels"',
    "verdict:praise",
    "brand:Ember verdict:complaint",
    "brand:Ember verdict:complaint severity>=60",
)
PLACES = tuple(sorted({round(1.22**step) - 1 for step in range(47)}))  # of words among the most common
BARE = "SELECT p.* FROM posts_fts f JOIN posts p ON p.id = f.rowid WHERE posts_fts MATCH ? ORDER BY {} LIMIT 50"


def run() -> list[Row]:
    world, size = World(), rows()
    with TemporaryDirectory() as directory, asyncio.Runner() as loop:
        path = f"{directory}/listener.db"
        store = loop.run(SqliteStore.open(path))

        def spent(questions: Iterable[Question]) -> list[float]:
            return [loop.run(_spent(store, asked)) for asked in questions]

        grown = []
        for begun, full in ((0, size // 100), (size // 100, size // 10), (size // 10, size)):
            loop.run(_fill(store, world, range(begun, full), size))
            grown.append((full, loop.run(beside(store, path, world))))
        narrowed = _p99(spent(_asked(world, Sort.NEWEST, FILTERS)))
        ranked = max(spent(_asked(world, Sort.RELEVANCE, (*TIMES, *FILTERS))))
        severe = max(spent(_asked(world, Sort.SEVERITY, (*TIMES, *FILTERS))))
        combined = max(spent(_combined(world)))
        loop.run(store.aclose())
    newest, bare = grown[-1][1].newest, grown[-1][1].bare_newest
    return [
        Row(f"newest first, {size:,} mentions, p99", newest[1], None, "ms", 5),
        Row("newest first, narrowed by brand, verdict, severity, p99", narrowed, None, "ms", 5),
        Row("by relevance, narrowed or not, the slowest word", ranked, None, "ms", 100),
        Row("by severity, narrowed or not, the slowest word", severe, None, "ms", 100),
        Row("by relevance, the commonest words in a phrase, AND, OR …", combined, None, "ms", 100),
        *(
            Row(f"newest first, p99, {size:,} mentions, {few:,}", newest[1], then.newest[1], "ms", 4)
            for few, then in grown[:-1]
        ),
        *(row for full, then in grown for row in then.rows(full)),
        Row("newest first, p99, plain FTS5 by rowid", newest[1], bare[1], "ms"),
    ]


Half = tuple[float, float]  # p50 and p99, in ms


@dataclass(frozen=True, slots=True)
class Beside:
    """The same words asked of ours and of the bare index, in the same minute and of the same file."""

    newest: Half
    bare_newest: Half
    ranked: Half
    bare_ranked: Half

    def rows(self, size: int) -> list[Row]:
        pairs = (("newest first", self.newest, self.bare_newest), ("by relevance", self.ranked, self.bare_ranked))
        return [
            Row(f"{what}, {name}, {size:,} mentions, plain FTS5", ours[place], bare[place], "ms")
            for what, ours, bare in pairs
            for place, name in enumerate(("p50", "p99"))
        ]


async def beside(store: SqliteStore, path: str, world: World) -> Beside:
    words = [world.words[place] for place in PLACES]

    async def ours(sort: Sort) -> Half:
        return _half([await _spent(store, question(word, sort=sort)) for word in words])

    return Beside(
        newest=await ours(Sort.NEWEST),
        bare_newest=_half(_bare(path, words, "f.rowid DESC")),
        ranked=await ours(Sort.RELEVANCE),
        bare_ranked=_half(_bare(path, words, "rank")),
    )


async def _fill(store: SqliteStore, world: World, numbers: range, size: int) -> None:
    """These of a year's mentions of five brands, as evenly as the days go by."""
    for first in range(numbers.start, numbers.stop, PAGE):
        page = range(first, min(first + PAGE, numbers.stop))
        at = BEGUN + YEAR * first / size
        heard = tuple(_heard(world, number) for number in page)
        await store.keep(Batch(source="bench", at=at, cursor={"at": first}, fetched=len(heard), heard=heard))
        telling("mentions kept", page.stop, size)


def _heard(world: World, number: int) -> Heard:
    """Brands, verdicts and severities take turns at steps that have nothing in common."""
    brand = BRANDS[min((number & -number).bit_length() - 1 if number else 0, len(BRANDS) - 1)]
    verdict = list(Verdict)[number % 7 % 4]
    severity = number * 31 % 101 if verdict is Verdict.COMPLAINT else 0
    priority = Priority.P3 if verdict is Verdict.COMPLAINT else None
    judged = Assessment(
        verdict=verdict, complaint=0.5, severity=severity, priority=priority, cause="quality", reasons=()
    )
    return Heard(post=world.post(number), mentions=(Mention(brand=brand, assessment=judged, reason="imported"),))


def _asked(world: World, sort: Sort, narrowed: Sequence[str]) -> Iterator[Question]:
    for place in PLACES:
        for more in narrowed:
            yield question(f"{world.words[place]} {more}", sort=sort)


def _combined(world: World) -> Iterator[Question]:
    first, second, third = (world.words[place] for place in (0, 1, 1_000))
    for words in (f"{first} {second}", f"{first} OR {third}", f'"{first} {second}"', f"{first} NEAR/5 {third}"):
        yield question(words, sort=Sort.RELEVANCE)
    yield question(f"{second} NOT {first}", sort=Sort.RELEVANCE)


async def _spent(store: SqliteStore, asked: Question) -> float:
    """Milliseconds of processor time, the median of three."""
    times = []
    for _ in range(3):
        begun = time.process_time()
        async for _row in store.search(asked):
            pass
        times.append((time.process_time() - begun) * 1000)
    return sorted(times)[1]


def _bare(path: str, words: Sequence[str], order: str) -> list[float]:
    spent = []
    with closing(sqlite3.connect(path)) as db:
        for word in words:
            begun = time.process_time()
            db.execute(BARE.format(order), (f'body : "{word}"',)).fetchall()
            spent.append((time.process_time() - begun) * 1000)
    return spent


def _half(spent: Sequence[float]) -> Half:
    return median(spent), _p99(spent)


def _p99(spent: Sequence[float]) -> float:
    return sorted(spent)[ceil(len(spent) * 0.99) - 1]
