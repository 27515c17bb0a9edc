"""Posts matched, judged and kept, page by page, against the bare inserts of the same posts in the same pages.

The rival is what SQLite itself takes: one table with its key and two indexes, one `executemany` a page, and the text
index filled from the table in the same transaction. It asks nothing, knows no brand, and cannot say why. Both hold as
many posts before, and their connections are set alike (WAL, synchronous=FULL, secure_delete …). Two rows more have the
same rival as SQLite comes, with WAL and nothing else set: its cache is a sixteenth of ours.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.rows import Row, side_by_side
from benchmarks.world import World, Written, rows, telling
from connectors.post import Post
from listener.settings import load
from listener.storage.contract import Batch, Heard
from listener.storage.sqlite import SqliteStore
from listener.storage.sqlite.lanes import connect
from listener.triage import Priority
from listener.weigh import Scales, scales, weigh

QUERIES, PAGE, PAGES, ROUNDS = 1_000, 100, 30, 7
NOW = datetime(2026, 5, 4, tzinfo=UTC)
COMPLAINT = "its charger caught fire and burnt my hand, and nobody answers, third time I ask"  # a P1
CONFIG = {
    "listener.toml": "database = 'listener.db'",
    "sources.toml": "[[source]]\nname = 'bench'\nkind = 'feed'\nurl = 'https://blog.example/feed'",
    "people.toml": "[[person]]\nname = 'Dana Fox'\n"
    "[policy.care]\n"  # words drawn by chance are often taken for a complaint; only the grave ones become a case
    f"{Priority.P1} = {{ acknowledge = '5m', report = '2h', ladder = ['Dana Fox'] }}\n",
}
Pages = list[list[Post]]

RAW = """
CREATE TABLE posts (
  id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, external_id TEXT NOT NULL, url TEXT NOT NULL,
  body TEXT NOT NULL, author TEXT NOT NULL, brand TEXT NOT NULL, heard TEXT NOT NULL, UNIQUE (source, external_id)
);
CREATE INDEX posts_heard ON posts (heard);
CREATE INDEX posts_brand ON posts (brand, heard);
CREATE VIRTUAL TABLE posts_fts USING fts5 (body, author, content='posts', content_rowid='id');
"""
_RAW_INSERT = (
    "INSERT OR IGNORE INTO posts (source, external_id, url, body, author, brand, heard) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_RAW_INDEX = "INSERT INTO posts_fts (rowid, body, author) SELECT id, body, author FROM posts WHERE id > ?"


def run() -> list[Row]:
    with sides_empty() as sides:
        sides.fill(rows() // 10)
        whole = sides.beside(sides.keep, complaints=0)
        matched = sides.judged_before(sides.match)
        judged = sides.judged_before()
        plain = replace(sides, bare=sides.plain)
        plain_whole, plain_judged = plain.beside(plain.keep, complaints=0), plain.judged_before()
        cases = sides.beside(sides.keep, complaints=10)
        written = replace(sides, world=Written(), about=PAGE)
        read = written.beside(written.keep, complaints=0)
        read_matched, read_judged = written.judged_before(written.match), written.judged_before()
    return [
        Row("match + assess + keep, sqlite3 + FTS5", *whole, "posts/s", 0.40, False),
        Row("the same, posts of written sentences", *read, "posts/s", 0.40, False),
        Row("match + keep, posts of written sentences", *read_matched, "posts/s"),
        Row("keep alone, posts of written sentences", *read_judged, "posts/s"),
        Row("match + keep, the same", *matched, "posts/s"),
        Row("keep alone, the same", *judged, "posts/s"),
        Row("a tenth of them open a case, the same", *cases, "posts/s"),
        Row("match + assess + keep, sqlite3 + FTS5 as it comes", *plain_whole, "posts/s"),
        Row("keep alone, sqlite3 + FTS5 as it comes", *plain_judged, "posts/s"),
    ]


@dataclass(frozen=True, slots=True)
class Sides:
    """Our store and the bare one, which are given the same posts."""

    loop: asyncio.Runner
    store: SqliteStore
    bare: sqlite3.Connection
    plain: sqlite3.Connection  # the same, with nothing set but WAL
    names: Sequence[str]
    scales: Scales
    world: World = field(default_factory=World)
    numbers: Iterator[int] = field(default_factory=count)
    about: int = 1  # so many posts in a row speak of one brand

    def fill(self, size: int) -> None:
        for done in range(0, size, PAGE * PAGES):
            pages = self.pages(complaints=0)
            self.keep(pages)
            bare_insert(self.bare, pages)
            bare_insert(self.plain, pages)
            telling("posts there before", min(done + PAGE * PAGES, size), size)

    def beside(self, keep: Callable[[Pages], None], *, complaints: int) -> tuple[float, float]:
        """Posts a second, ours and the bare store's; one post in `complaints` is one."""
        rounds = [self.pages(complaints) for _ in range(ROUNDS)]
        ours, bare = iter(rounds), iter(rounds)
        spent = side_by_side(lambda: keep(next(ours)), lambda: bare_insert(self.bare, next(bare)), ROUNDS)
        return PAGES * PAGE / spent[0], PAGES * PAGE / spent[1]

    def judged_before(self, before: Callable[[tuple[Heard, ...]], object] = len) -> tuple[float, float]:
        """As `beside`, with judgements made before the clock starts; `before` is done to each page on the clock."""
        rounds = [self.pages(complaints=0) for _ in range(ROUNDS)]
        ours, bare = iter([[weigh(page, self.scales, NOW) for page in pages] for pages in rounds]), iter(rounds)

        async def keep(pages: list[tuple[Heard, ...]]) -> None:
            for heard in pages:
                before(heard)
                await self._keep_judged(heard)

        spent = side_by_side(
            lambda: self.loop.run(keep(next(ours))), lambda: bare_insert(self.bare, next(bare)), ROUNDS
        )
        return PAGES * PAGE / spent[0], PAGES * PAGE / spent[1]

    def match(self, page: tuple[Heard, ...]) -> None:
        for heard in page:
            self.scales.matcher.match(heard.post)

    def pages(self, complaints: int, number: int = PAGES) -> Pages:
        """Every post is a mention of one brand."""
        return [[self._post(next(self.numbers), complaints) for _ in range(PAGE)] for _ in range(number)]

    def _post(self, number: int, complaints: int) -> Post:
        said = COMPLAINT if complaints and number % complaints == 0 else ""
        brand = self.names[number // self.about % len(self.names)]
        return self.world.post(number, f"{brand} {said}".strip())

    def keep(self, pages: Pages) -> None:
        self.loop.run(self._keep(pages))

    async def _keep(self, pages: Pages) -> None:
        """What listener/cycle.py does with a page once it is fetched."""
        for page in pages:
            known = await self.store.known("bench", tuple(post.id for post in page))
            news = [post for post in page if post.id not in known or known[post.id] != post.fingerprint]
            await self._keep_judged(weigh(news, self.scales, NOW))

    async def _keep_judged(self, heard: tuple[Heard, ...]) -> None:
        cursor = {"at": heard[-1].post.id}
        kept = await self.store.keep(Batch(source="bench", at=NOW, cursor=cursor, fetched=len(heard), heard=heard))
        assert kept.mentions == len(heard) == PAGE


@contextmanager
def sides_empty() -> Iterator[Sides]:
    wanted = World().wanted(QUERIES)
    with TemporaryDirectory() as directory, asyncio.Runner() as loop:
        store = loop.run(SqliteStore.open(f"{directory}/ours.db"))
        with closing(connect(f"{directory}/bare.db")) as bare, closing(_as_it_comes(f"{directory}/plain.db")) as plain:
            bare.executescript(RAW)
            plain.executescript(RAW)
            yield Sides(loop, store, bare, plain, _names(wanted), _scales(Path(directory), wanted))
        loop.run(store.aclose())


def _as_it_comes(path: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    return db


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


def bare_insert(db: sqlite3.Connection, pages: Pages) -> None:
    for page in pages:
        db.execute("BEGIN IMMEDIATE")
        last = db.execute("SELECT coalesce(max(id), 0) FROM posts").fetchone()[0]
        heard = NOW.isoformat()
        posts = [(post.source, post.id, post.url, post.text, post.author.handle, "brand", heard) for post in page]
        db.executemany(_RAW_INSERT, posts)
        db.execute(_RAW_INDEX, (last,))
        db.commit()
