"""Posts matched, judged and kept, page by page, against the bare inserts of the same posts in the same pages.

The rival is what SQLite itself takes for a table with a key, two indexes and a text index, and does nothing else. Both
write as durably as each other (WAL, synchronous=FULL).
"""

import asyncio
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.rows import Row, side_by_side
from benchmarks.world import World
from connectors.post import Post
from escalation.policy import Person, Policy
from listener.match import Matcher, anchor
from listener.query import Node, terms
from listener.storage.contract import Batch
from listener.storage.sqlite import SqliteStore
from listener.triage import BrandTarget, Priority, load_rules
from listener.weigh import Scales, weigh

QUERIES, PAGE, PAGES, ROUNDS = 1_000, 100, 30, 7
NOW = datetime(2026, 5, 4, tzinfo=UTC)
COMPLAINT = "it never arrived and nobody answers, still waiting for a refund"

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
    every, some = _rates(complaints=0), _rates(complaints=10)
    return [
        Row("every post a mention, sqlite3 + FTS5", *every, "posts/s", 0.40, False),
        Row("a tenth of them open a case, the same", *some, "posts/s"),
    ]


def _rates(complaints: int) -> tuple[float, float]:
    """Posts a second, ours and the rival's; one post in `complaints` is one."""
    world = World()
    queries = world.queries(QUERIES)
    scales, posts = _scales(queries), _posts(world, queries, complaints)
    rounds = [[[next(posts) for _ in range(PAGE)] for _ in range(PAGES)] for _ in range(ROUNDS)]
    ours, bare = iter(rounds), iter(rounds)
    with TemporaryDirectory() as directory, asyncio.Runner() as loop:
        store = loop.run(SqliteStore.open(f"{directory}/ours.db"))
        with closing(_opened(Path(directory, "bare.db"))) as db:
            spent = side_by_side(lambda: loop.run(_keep(store, scales, next(ours))), lambda: _insert(db, next(bare)))
        loop.run(store.aclose())
    return PAGES * PAGE / spent[0], PAGES * PAGE / spent[1]


def _scales(queries: dict[str, Node]) -> Scales:
    person = Person(name="Dana Fox")
    policies: Mapping[str, Policy] = {
        priority: Policy(
            name="care",
            priority=priority,
            acknowledge=timedelta(minutes=5),
            report=timedelta(hours=2),
            ladder=(person.name,),
            people=(person,),
        )
        for priority in Priority
    }
    return Scales(
        matcher=Matcher(queries),
        targets={name: BrandTarget(name=name, aliases=(name, *terms(query))) for name, query in queries.items()},
        policies=dict.fromkeys(queries, policies),
        rules=load_rules(),
        accounts={},
    )


def _posts(world: World, queries: dict[str, Node], complaints: int) -> Iterator[Post]:
    """Each about one brand, of those whose name alone is a match."""
    names = [min(word.text for word in anchor(query)) for place, query in enumerate(queries.values()) if place % 20 < 8]
    number = 0
    while True:
        said = COMPLAINT if complaints and number % complaints == 0 else ""
        yield world.post(number, f"{names[number % len(names)]} {said}".strip())
        number += 1


async def _keep(store: SqliteStore, scales: Scales, pages: list[list[Post]]) -> None:
    """What listener/cycle.py does with a page once it is fetched."""
    for page in pages:
        known = await store.known("bench", tuple(post.id for post in page))
        heard = weigh((post for post in page if known.get(post.id) != post.fingerprint), scales, NOW)
        cursor = {"at": page[-1].id}
        kept = await store.keep(Batch(source="bench", at=NOW, cursor=cursor, fetched=len(page), heard=heard))
        assert kept.mentions == len(page)


def _opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript(_RAW)
    return db


def _insert(db: sqlite3.Connection, pages: list[list[Post]]) -> None:
    for page in pages:
        db.execute("BEGIN IMMEDIATE")
        first = db.execute("SELECT coalesce(max(id), 0) + 1 FROM posts").fetchone()[0]
        rows = [
            (id_, post.source, post.id, post.url, post.text, post.author.handle, "brand", NOW.isoformat())
            for id_, post in enumerate(page, first)
        ]
        db.executemany("INSERT INTO posts VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        indexed = [(id_, post.text, post.author.handle) for id_, post in enumerate(page, first)]
        db.executemany("INSERT INTO posts_fts (rowid, body, author) VALUES (?, ?, ?)", indexed)
        db.commit()
