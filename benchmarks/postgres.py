"""Keeping, searching, looking and waking on PostgreSQL, beside what PostgreSQL itself takes for the same posts.

The rival of keeping is one table with its key, two indexes and a GIN over PostgreSQL's own tsvector, filled by one
`executemany` a page: it asks nothing and knows no brand. The rival of searching is that table too: the same word,
newest first. Times are those of the processor, ours and the server's together: neither can hide its work in the other.
Only waking is measured by the clock on the wall.

A hundred thousand posts and cases by default, in a few minutes; LISTENER_BENCH_ROWS says otherwise.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median

import psycopg

from benchmarks.looking import NOW, _one_case
from benchmarks.rows import Row
from benchmarks.search import BEGUN, FILTERS, PLACES, TIMES, YEAR, _asked, _combined, _heard, _p99
from benchmarks.world import World, telling
from escalation.desk import Desk
from escalation.notices import HOUSE, Kind, Notice
from listener.search import question
from listener.storage.contract import Batch, Question, Sort
from listener.storage.postgres import PostgresStore

sys.path.append(str(Path(__file__).parent.parent / "tests"))
import postgresserver

PAGE, ROUNDS, LOOKS, WAKES = 100, 7, 50, 50
SAFE = (
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "autovacuum=on",
    "max_parallel_workers_per_gather=0",
)
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


def rows() -> int:
    return int(os.environ.get("LISTENER_BENCH_ROWS", "100000"))


def run() -> list[Row]:
    with postgresserver.running(*SAFE) as server, asyncio.Runner() as loop:
        shelf = postgresserver.Shelf(server)
        return [*_posts(shelf, loop), *_looks(shelf, loop)]


def _posts(shelf: postgresserver.Shelf, loop: asyncio.Runner) -> list[Row]:
    size, grown = rows(), list[tuple[int, list[float]]]()
    with _sides(shelf, loop) as sides:
        for full in sorted({size // 100, size // 10, size}):
            sides.fill(full, size)
            grown.append((full, sides.searched(_asked(sides.world, Sort.NEWEST, TIMES))))
        kept, inserted = sides.beside()
        narrowed = sides.searched(_asked(sides.world, Sort.NEWEST, FILTERS))
        ranked = sides.searched(_asked(sides.world, Sort.RELEVANCE, (*TIMES, *FILTERS)))
        severe = sides.searched(_asked(sides.world, Sort.SEVERITY, (*TIMES, *FILTERS)))
        combined = sides.searched(_combined(sides.world))
        plain = sides.searched(question(sides.world.words[place]) for place in PLACES)
        bare = sides.bare_searched()
        woken = loop.run(sides.woken())
    newest = grown[-1][1]
    return [
        Row(f"keep pages of 100, {size:,} there / bare inserts with GIN", kept, inserted, "posts/s", 0.3, False),
        Row(f"newest first, {size:,} mentions, p50", median(newest), None, "ms"),
        Row(f"newest first, {size:,} mentions, p99", _p99(newest), None, "ms", 5),
        *(Row(f"the same, p99, {size:,} / {few:,}", _p99(newest), _p99(spent), "ms", 4) for few, spent in grown[:-1]),
        Row("a word alone, p50 / bare", median(plain), median(bare), "ms"),
        Row("a word alone, p99 / bare", _p99(plain), _p99(bare), "ms"),
        Row("newest first, narrowed by brand, verdict, severity, p99", _p99(narrowed), None, "ms", 10),
        Row("by relevance, narrowed or not, the slowest word", max(ranked), None, "ms", 100),
        Row("by severity, narrowed or not, the slowest word", max(severe), None, "ms", 100),
        Row("by relevance, the commonest words in a phrase, AND, OR …", max(combined), None, "ms", 100),
        Row("from a commit to another process that is told, p50", median(woken), None, "ms"),
        Row("from a commit to another process that is told, p99", _p99(woken), None, "ms", 50),
    ]


def _looks(shelf: postgresserver.Shelf, loop: asyncio.Runner) -> list[Row]:
    """A look when nothing is due, however many cases are open."""
    most, spent = rows(), dict[int, float]()
    with _sides(shelf, loop) as sides:
        loop.run(sides.store.keep(_one_case()))
        for size in sorted({most // 100, most}):
            _multiply(sides.address, size)

            async def look() -> None:
                desk = Desk(sides.store)
                for _ in range(LOOKS):
                    assert await desk.look(NOW) == 0

            spent[size] = median(sides.timed(lambda: loop.run(look())) for _ in range(ROUNDS)) / LOOKS * 1000
    few = min(spent)
    return [
        Row(f"an empty look, {most:,} open cases", spent[most], None, "ms a look", 2),
        Row(f"the same, {most:,} / {few:,}", spent[most], spent[few], "ms a look", 1.5),
    ]


@dataclass(frozen=True, slots=True)
class Sides:
    """Our store and the bare table, in two databases of one server, which are given the same posts."""

    loop: asyncio.Runner
    address: str
    store: PostgresStore
    bare: "psycopg.Connection[tuple[object, ...]]"
    world: World
    numbers: Iterator[int]

    def fill(self, until: int, size: int) -> None:
        page = min(1_000, until)
        while (numbers := [next(self.numbers) for _ in range(page)])[-1] < until:
            self.loop.run(self.keep(numbers, size))
            self.insert(numbers, size)
            telling("posts there before", numbers[-1] + 1, size)
            if numbers[-1] + 1 >= until:
                break
        self.bare.execute("ANALYZE")
        with psycopg.connect(self.address, autocommit=True) as db:
            db.execute("VACUUM ANALYZE")

    async def keep(self, numbers: list[int], size: int) -> None:
        at = BEGUN + YEAR * (numbers[0] / size)
        heard = tuple(_heard(self.world, number) for number in numbers)
        await self.store.keep(Batch(source="bench", at=at, cursor={}, fetched=len(heard), heard=heard))

    def inserted(self, pages: Iterable[list[int]]) -> None:
        for page in pages:
            self.insert(page, page[0])

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
            ours.append(self.timed(lambda: [self.loop.run(self.keep(page, page[0])) for page in pages]))  # noqa: B023
            theirs.append(self.timed(lambda: self.inserted(pages)))  # noqa: B023
        return 10 * PAGE / median(ours), 10 * PAGE / median(theirs)

    def searched(self, asked: Iterable[Question]) -> list[float]:
        """Milliseconds for each, to the last row of its page; the median of three."""
        return [median(self._search(one) for _ in range(3)) for one in asked]

    def _search(self, asked: Question) -> float:
        async def read() -> None:
            async for _row in self.store.search(asked):
                pass

        return 1000 * self.timed(lambda: self.loop.run(read()))

    def bare_searched(self) -> list[float]:
        words = [self.world.words[place] for place in PLACES]
        return [
            1000 * median(self.timed(lambda: self.bare.execute(_SEARCH, (word,)).fetchall()) for _ in range(3))  # noqa: B023
            for word in words
        ]

    async def woken(self) -> list[float]:
        """Milliseconds on the wall from the end of a transaction that owes something until another host knows."""
        stirred, spent = asyncio.Event(), []
        other = await PostgresStore.open(self.address)
        async with other.watch(stirred.set):
            await asyncio.sleep(0.5)
            for number in range(WAKES):
                stirred.clear()
                await self.store.owe(Notice(case=HOUSE, seq=number, kind=Kind.HOUSE, to="bench", text="x"), NOW)
                begun = time.perf_counter()
                await stirred.wait()
                spent.append(1000 * (time.perf_counter() - begun))
        await other.aclose()
        return spent

    def timed(self, work: Callable[[], object]) -> float:
        """Seconds of processor time of this process and of the server's that work for it."""
        servers = [Path(f"/proc/{pid}/schedstat") for pid in self._servers()]
        before, begun = _spent(servers), time.process_time()
        work()
        ended, after = time.process_time(), _spent(servers)
        return ended - begun + sum(spent - before[place] for place, spent in after.items() if place in before)

    def _servers(self) -> list[int]:
        sql = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
        return [int(str(pid)) for (pid,) in self.bare.execute(sql)]


@contextmanager
def _sides(shelf: postgresserver.Shelf, loop: asyncio.Runner) -> Iterator[Sides]:
    address = shelf.take()
    store = loop.run(PostgresStore.open(address))
    with psycopg.connect(shelf.take(), autocommit=True) as bare:
        bare.execute(_BARE)
        yield Sides(loop, address, store, bare, World(), count())
    loop.run(store.aclose())


def _spent(processes: Iterable[Path]) -> dict[Path, float]:
    """Seconds on a processor so far, to the nanosecond (https://docs.kernel.org/scheduler/sched-stats.html)."""
    found = dict[Path, float]()
    for place in processes:
        with suppress(OSError):  # it has just ended
            found[place] = int(place.read_text().split()[0]) / 1e9
    return found


def _multiply(address: str, wanted: int) -> None:
    """The row of case 1 again and again, each another customer's, due over the next months, a fifth in an incident."""
    own = {
        "id": "n",
        "post": "'bench:' || n",
        "thread": "'blog.example/' || n",
        "customer": "'blog.example ' || n",
        "due": "timestamptz '2026-05-05' + n * 7919 % 7776000 * interval '1 second'",
        "within": "CASE WHEN n > 101 AND n % 5 = 0 THEN 2 + n % 100 ELSE 0 END",
        "incident": "(n BETWEEN 2 AND 101)::integer",
    }
    with psycopg.connect(address, autocommit=True) as db:
        columns = [name for name, *_ in db.execute("SELECT * FROM cases LIMIT 0").description or ()]
        values = ", ".join(own.get(name, f"c.{name}") for name in columns)
        db.execute(
            f"INSERT INTO cases ({', '.join(columns)}) SELECT {values} FROM cases c,"  # type: ignore[arg-type]
            f" generate_series((SELECT max(id) + 1 FROM cases), {wanted}) AS n WHERE c.id = 1"
        )
        db.execute("VACUUM ANALYZE cases")


if __name__ == "__main__":
    print(run())
