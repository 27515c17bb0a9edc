"""Posts matched, judged and kept, page by page, against the bare inserts of the same posts in the same pages.

The rival is what SQLite itself takes for a table with a key, two indexes and a text index, and does nothing else. Both
hold as many posts before and write as durably (WAL, synchronous=FULL).
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.rows import Row, side_by_side
from benchmarks.world import World, rows, telling
from connectors.post import Post
from listener.settings import load
from listener.storage.contract import Batch, Heard
from listener.storage.sqlite import SqliteStore
from listener.triage import Priority
from listener.weigh import Scales, scales, weigh

QUERIES, PAGE, PAGES, ROUNDS = 1_000, 100, 30, 7
NOW = datetime(2026, 5, 4, tzinfo=UTC)
COMPLAINT = "it never arrived and nobody answers, still waiting for a refund"
CONFIG = {
    "listener.toml": "database = 'listener.db'",
    "sources.toml": "[[source]]\nname = 'bench'\nkind = 'feed'\nurl = 'https://blog.example/feed'",
    "people.toml": "[[person]]\nname = 'Dana Fox'\n"
    "[policy.care]\n"
    + "".join(f"{p} = {{ acknowledge = '5m', report = '2h', ladder = ['Dana Fox'] }}\n" for p in Priority),
}
Pages = list[list[Post]]

_RAW = """
PRAGMA journal_mode=WAL;
PRAGMA synchronous=FULL;
CREATE TABLE posts (
  id INTEGER PRIMARY KEY, source TEXT, external_id TEXT, url TEXT, text TEXT, handle TEXT, brand TEXT, heard TEXT,
  UNIQUE (source, external_id)
);
CREATE INDEX posts_heard ON posts (heard);
CREATE INDEX posts_brand ON posts (brand, heard);
CREATE VIRTUAL TABLE posts_fts USING fts5 (body, author, content='');
"""


def run() -> list[Row]:
    with _sides() as sides:
        sides.fill(rows() // 10)
        whole = sides.beside(sides.keep, complaints=0)
        judged = sides.judged_before()
        cases = sides.beside(sides.keep, complaints=10)
    return [
        Row("match + assess + keep, sqlite3 + FTS5", *whole, "posts/s", 0.40, False),
        Row("keep alone, the same", *judged, "posts/s"),
        Row("a tenth of them open a case, the same", *cases, "posts/s"),
    ]


@dataclass(frozen=True, slots=True)
class Sides:
    """Our store and the bare one, which are given the same posts."""

    loop: asyncio.Runner
    store: SqliteStore
    bare: sqlite3.Connection
    names: Sequence[str]
    scales: Scales
    world: World = field(default_factory=World)
    numbers: Iterator[int] = field(default_factory=count)

    def fill(self, size: int) -> None:
        for done in range(0, size, PAGE * PAGES):
            pages = self.pages(complaints=0)
            self.keep(pages)
            _insert(self.bare, pages)
            telling("posts there before", min(done + PAGE * PAGES, size), size)

    def beside(self, keep: Callable[[Pages], None], *, complaints: int) -> tuple[float, float]:
        """Posts a second, ours and the bare store's; one post in `complaints` is one."""
        rounds = [self.pages(complaints) for _ in range(ROUNDS)]
        ours, bare = iter(rounds), iter(rounds)
        spent = side_by_side(lambda: keep(next(ours)), lambda: _insert(self.bare, next(bare)), ROUNDS)
        return PAGES * PAGE / spent[0], PAGES * PAGE / spent[1]

    def judged_before(self) -> tuple[float, float]:
        rounds = [self.pages(complaints=0) for _ in range(ROUNDS)]
        ours, bare = iter([[weigh(page, self.scales, NOW) for page in pages] for pages in rounds]), iter(rounds)
        spent = side_by_side(
            lambda: self.loop.run(self._keep_judged(next(ours))), lambda: _insert(self.bare, next(bare)), ROUNDS
        )
        return PAGES * PAGE / spent[0], PAGES * PAGE / spent[1]

    def pages(self, complaints: int) -> Pages:
        """Every post is a mention of one brand."""
        return [[self._post(next(self.numbers), complaints) for _ in range(PAGE)] for _ in range(PAGES)]

    def _post(self, number: int, complaints: int) -> Post:
        said = COMPLAINT if complaints and number % complaints == 0 else ""
        return self.world.post(number, f"{self.names[number % len(self.names)]} {said}".strip())

    def keep(self, pages: Pages) -> None:
        self.loop.run(self._keep(pages))

    async def _keep(self, pages: Pages) -> None:
        """What listener/cycle.py does with a page once it is fetched."""
        for page in pages:
            known = await self.store.known("bench", tuple(post.id for post in page))
            news = [post for post in page if known.get(post.id) != post.fingerprint]
            await self._keep_judged([weigh(news, self.scales, NOW)])

    async def _keep_judged(self, pages: list[tuple[Heard, ...]]) -> None:
        for heard in pages:
            cursor = {"at": heard[-1].post.id}
            kept = await self.store.keep(Batch(source="bench", at=NOW, cursor=cursor, fetched=len(heard), heard=heard))
            assert kept.mentions == len(heard) == PAGE


@contextmanager
def _sides() -> Iterator[Sides]:
    wanted = World().wanted(QUERIES)
    with TemporaryDirectory() as directory, asyncio.Runner() as loop:
        store = loop.run(SqliteStore.open(f"{directory}/ours.db"))
        with closing(sqlite3.connect(Path(directory, "bare.db"), isolation_level=None)) as bare:
            bare.executescript(_RAW)
            yield Sides(loop, store, bare, _names(wanted), _scales(Path(directory), wanted))
        loop.run(store.aclose())


def _names(wanted: Mapping[str, str]) -> list[str]:
    """Words that alone are a match of somebody's query."""
    return [text.split(" OR ")[0] for text in wanted.values() if text.count(" ") == 2 and " OR " in text]


def _scales(directory: Path, wanted: Mapping[str, str]) -> Scales:
    """From a configuration, as always."""
    brands = "".join(
        f"[[brand]]\nname = '{name}'\nquery = '{text}'\npolicy = 'care'\n" for name, text in wanted.items()
    )
    for name, text in {**CONFIG, "brands.toml": brands}.items():
        (directory / name).write_text(text, "utf-8")
    return scales(load(directory, {}))


def _insert(db: sqlite3.Connection, pages: Pages) -> None:
    for page in pages:
        db.execute("BEGIN IMMEDIATE")
        first = db.execute("SELECT coalesce(max(id), 0) + 1 FROM posts").fetchone()[0]
        posts = [
            (id_, post.source, post.id, post.url, post.text, post.author.handle, "brand", NOW.isoformat())
            for id_, post in enumerate(page, first)
        ]
        db.executemany("INSERT INTO posts VALUES (?, ?, ?, ?, ?, ?, ?, ?)", posts)
        indexed = [(id_, post.text, post.author.handle) for id_, post in enumerate(page, first)]
        db.executemany("INSERT INTO posts_fts (rowid, body, author) VALUES (?, ?, ?)", indexed)
        db.commit()
