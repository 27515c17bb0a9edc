"""Keeping and searching on PostgreSQL, beside what PostgreSQL itself takes for the same posts.

The rival of keeping is one table with its key, two indexes and a GIN over PostgreSQL's own tsvector, filled by one
`executemany` a page: it asks nothing and knows no brand. The rival of searching is that table too: the same word,
newest first. Times are those of the processor, ours and the server's together: neither can hide its work in the other.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median

import psycopg

from benchmarks.rows import Row
from benchmarks.search import BEGUN, FILTERS, PLACES, TIMES, YEAR, _asked, _combined, _heard, _p99
from benchmarks.world import World, rows, telling
from listener.search import question
from listener.storage.contract import Batch, Question, Sort
from listener.storage.postgres import PostgresStore

sys.path.append(str(Path(__file__).parent.parent / "tests"))
import postgresserver

PAGE, ROUNDS = 100, 15
SAFE = ("fsync=on", "synchronous_commit=on", "full_page_writes=on", "autovacuum=on")
TICKS = os.sysconf("SC_CLK_TCK")
_BARE = """
CREATE TABLE bare (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, source text NOT NULL, external_id text NOT NULL,
  url text NOT NULL, body text NOT NULL, author text NOT NULL, brand text NOT NULL, heard timestamptz NOT NULL,
  words tsvector GENERATED ALWAYS AS (to_tsvector('simple', body)) STORED, UNIQUE (source, external_id)
);
CREATE INDEX bare_heard ON bare (heard);
CREATE INDEX bare_brand ON bare (brand, heard);
CREATE INDEX bare_words ON bare USING gin (words);
"""
_INSERT = (
    "INSERT INTO bare (source, external_id, url, body, author, brand, heard) VALUES (%s, %s, %s, %s, %s, %s, %s)"
    " ON CONFLICT DO NOTHING"
)
_SEARCH = "SELECT * FROM bare WHERE words @@ plainto_tsquery('simple', %s) ORDER BY heard DESC LIMIT 50"


def run() -> list[Row]:
    size = rows() // 10
    with postgresserver.running(*SAFE) as server, asyncio.Runner() as loop, _sides(server, loop) as sides:
        sides.fill(size)
        kept, inserted = sides.beside()
        newest = _p99(sides.searched(_asked(sides.world, Sort.NEWEST, TIMES)))
        narrowed = _p99(sides.searched(_asked(sides.world, Sort.NEWEST, FILTERS)))
        ranked = max(sides.searched(_asked(sides.world, Sort.RELEVANCE, (*TIMES, *FILTERS))))
        severe = max(sides.searched(_asked(sides.world, Sort.SEVERITY, (*TIMES, *FILTERS))))
        combined = max(sides.searched(_combined(sides.world)))
        half = median(sides.searched(question(sides.world.words[place]) for place in PLACES))
        bare = sides.bare_searched()
    return [
        Row(f"keep pages of 100, {size:,} there / bare inserts with GIN", kept, inserted, "posts/s", 0.3, False),
        Row("newest first, p50 / bare", half, median(bare), "ms"),
        Row("newest first, p99 / bare", newest, _p99(bare), "ms"),
        Row("newest first, p99", newest, None, "ms", 20),
        Row("newest first, narrowed by brand, verdict, severity, p99", narrowed, None, "ms", 20),
        Row("by relevance, narrowed or not, the slowest word", ranked, None, "ms", 150),
        Row("by severity, narrowed or not, the slowest word", severe, None, "ms", 150),
        Row("by relevance, the commonest words in a phrase, AND, OR …", combined, None, "ms", 150),
    ]


@dataclass(frozen=True, slots=True)
class Sides:
    """Our store and the bare table, in two databases of one server, which are given the same posts."""

    loop: asyncio.Runner
    store: PostgresStore
    bare: "psycopg.Connection[tuple[object, ...]]"
    spent: Callable[[], float]
    world: World
    numbers: Iterator[int]

    def fill(self, size: int) -> None:
        page = 1_000
        for first in range(0, size, page):
            numbers = [next(self.numbers) for _ in range(page)]
            self.loop.run(self.keep(numbers, size))
            self.insert(numbers, size)
            telling("posts there before", first + page, size)
        self.bare.execute("ANALYZE bare")
        self.loop.run(self.store.reading(lambda db: db.execute("ANALYZE")))  # type: ignore[arg-type]

    async def keep(self, numbers: list[int], size: int) -> None:
        at = BEGUN + YEAR * (numbers[0] / size)
        heard = tuple(_heard(self.world, number) for number in numbers)
        await self.store.keep(Batch(source="bench", at=at, cursor={}, fetched=len(heard), heard=heard))

    def insert(self, numbers: list[int], size: int) -> None:
        at = BEGUN + YEAR * (numbers[0] / size)
        posts = [_heard(self.world, number).post for number in numbers]
        with self.bare.transaction(), self.bare.cursor() as cursor:
            cursor.executemany(
                _INSERT, [("bench", one.id, one.url, one.text, one.author.name, "Acme", at) for one in posts]
            )

    def beside(self) -> tuple[float, float]:
        """Posts a second, taking turns."""
        ours, theirs = [], []
        for _ in range(ROUNDS):
            pages = [[next(self.numbers) for _ in range(PAGE)] for _ in range(10)]
            ours.append(self._timed(lambda: [self.loop.run(self.keep(page, 1 << 30)) for page in pages]))  # noqa: B023
            theirs.append(self._timed(lambda: [self.insert(page, 1 << 30) for page in pages]))  # noqa: B023
        return 10 * PAGE / median(ours), 10 * PAGE / median(theirs)

    def searched(self, asked: Iterable[Question]) -> list[float]:
        """Milliseconds for each."""
        return [self._search(one) for one in asked]

    def _search(self, asked: Question) -> float:
        async def read() -> None:
            async for _row in self.store.search(asked):
                pass

        return 1000 * min(self._timed(lambda: [self.loop.run(read()) for _ in range(5)]) / 5 for _ in range(2))

    def bare_searched(self) -> list[float]:
        words = [self.world.words[place] for place in PLACES]
        return [
            1000 * self._timed(lambda: [self.bare.execute(_SEARCH, (word,)).fetchall() for _ in range(5)]) / 5  # noqa: B023
            for word in words
        ]

    def _timed(self, work: Callable[[], object]) -> float:
        begun = time.process_time() + self.spent()
        work()
        return time.process_time() + self.spent() - begun


@contextmanager
def _sides(server: str, loop: asyncio.Runner) -> Iterator[Sides]:
    shelf = postgresserver.Shelf(server)
    store = loop.run(PostgresStore.open(shelf.take()))
    with psycopg.connect(shelf.take(), autocommit=True) as bare:
        bare.execute(_BARE)
        [(postmaster,)] = bare.execute("SELECT pg_backend_pid()").fetchall()
        spent = _server_time(_parent(int(postmaster)))
        yield Sides(loop, store, bare, spent, World(), count())
    loop.run(store.aclose())


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[1])


def _server_time(postmaster: int) -> Callable[[], float]:
    """Seconds that the server and all its processes have taken so far (proc(5): utime, stime)."""

    def spent() -> float:
        total = 0
        for place in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = place.read_text().rpartition(") ")[2].split()
            except OSError:
                continue
            if postmaster in (int(fields[1]), int(place.parent.name)):
                total += int(fields[11]) + int(fields[12])
        return total / TICKS

    return spent


if __name__ == "__main__":
    print(run())
