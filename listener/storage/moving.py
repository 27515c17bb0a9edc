"""One database becomes another: a SQLite file's tables go into PostgreSQL, piece by piece, and are counted and summed
on both sides at the end.

Each piece is written together with the key of its last row, so a move that was cut off goes on where it was. The old
file is only read. Nobody may be at work on either while it goes on.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from listener.storage.contract import StoreError
from listener.storage.postgres import months
from listener.storage.postgres.dialect import Postgres, digest
from listener.storage.postgres.store import PostgresStore
from listener.storage.sql import tagging
from listener.storage.sql.database import Database
from listener.storage.sql.rows import marks
from listener.storage.sqlite.store import SqliteStore

PIECE = 1_000  # rows
# table -> its key, in the order in which one refers to another
TABLES = {
    "house": "name", "sources": "name", "coverage": "id", "posts": "id", "post_versions": "id", "rereads": "post",
    "reaches": "post", "cases": "id", "mentions": "id", "levels": "brand, verdict, priority, severity",
    "events": "case_id, seq", "aways": "person", "notices": "id", "guarded": "rowid", "passes": "key",
    "searches": "id", "subscriptions": "id", "keys": "id", "done": "what", "drafts": "person, case_id, form",
    "installations": "team", "presses": "key",
    "tallies": "facet, value, brand, verdict, at", "arrivals": "day",
}  # fmt: skip
NUMBERED = ("coverage", "post_versions", "notices", "searches", "subscriptions", "keys")
ARRIVED = ("first", "last", "oldest", "earliest")  # a day's; what is beside it is kept otherwise there
MARK = "moving "  # before a table's name: how far it was moved
WORDS = "post_words"  # made anew
Told = Callable[[str, int], None]  # a table, and how many of its rows are there


@dataclass(frozen=True, slots=True)
class Moved:
    """What is in both, by table."""

    rows: dict[str, int]


async def move(file: Path, url: str, told: Told) -> Moved:
    """Raises StoreError: the file cannot be read, the server does not answer or holds something else, or what arrived
    is not what was sent."""
    if not await asyncio.to_thread(file.is_file):
        raise StoreError(f"{file} is not there; name the database file of the listener that you move")
    old = await SqliteStore.open(str(file))
    try:
        async with old.engine():  # or somebody would write behind our back
            new = await PostgresStore.open(url)
            try:
                return await _move(old, new, told)
            finally:
                await new.aclose()
    finally:
        await old.aclose()


async def _move(old: SqliteStore, new: PostgresStore, told: Told) -> Moved:
    await new.reading(_nothing_else)
    for table in TABLES:
        await _table(old, new, table, told)
    await _words(new, told)
    await new.writing(_numbers)
    rows = {}
    for table in TABLES:
        rows[table], sent = await old.reading(lambda db, table=table: _sum(db, table))  # type: ignore[misc]
        arrived = await new.reading(lambda db, table=table: _sum(db, table))  # type: ignore[misc]
        if (rows[table], sent) != arrived:
            raise StoreError(
                f"{table} did not arrive as it was: {rows[table]} rows sent, {arrived[0]} there; see {DOCS}"
            )
    await new.writing(lambda db: db.execute(f"DELETE FROM house WHERE name LIKE '{MARK}%'"))
    return Moved(rows)


DOCS = "docs/postgresql.md"


def _nothing_else(db: Database) -> None:
    begun = db.execute(f"SELECT 1 FROM house WHERE name LIKE '{MARK}%'").fetchone()
    if not begun and db.execute("SELECT 1 FROM sources UNION ALL SELECT 1 FROM cases LIMIT 1").fetchone():
        raise StoreError(f"there is something in this PostgreSQL database already; name an empty one (see {DOCS})")


async def _table(old: SqliteStore, new: PostgresStore, table: str, told: Told) -> None:
    after, done = await new.reading(lambda db: _mark(db, table))
    while rows := await old.reading(lambda db, at=after: _piece(db, table, at)):  # type: ignore[misc]
        after, done = rows[-1][0], done + len(rows)
        await new.writing(lambda db, rows=rows, at=(after, done): _write(db, table, rows, *at))  # type: ignore[misc]
        told(table, done)


Keyed = tuple[list[Any], dict[str, Any]]  # the key of a row, and the row


def _mark(db: Database, table: str) -> tuple[list[Any] | None, int]:
    row = db.execute("SELECT value FROM house WHERE name = ?", (f"{MARK}{table}",)).fetchone()
    after, done = json.loads(row["value"]) if row else (None, 0)
    return after, done


def _piece(db: Database, table: str, after: Sequence[Any] | None) -> list[Keyed]:
    key = TABLES[table]
    width = key.count(",") + 1
    beyond, given = (f"WHERE ({key}) > ({marks(width)})", tuple(after)) if after else ("", ())
    named = ", ".join(f"{column} AS k{place}" for place, column in enumerate(key.split(", ")))
    rows = db.execute(f"SELECT {named}, t.* FROM {table} t {beyond} ORDER BY {key} LIMIT {PIECE}", given)
    return [([*row][:width], _named(row, width)) for row in rows.fetchall()]


def _named(row: Any, width: int) -> dict[str, Any]:
    return dict(zip(list(row.keys())[width:], [*row][width:], strict=True))


def _write(db: Database, table: str, rows: Sequence[Keyed], after: list[Any], done: int) -> None:
    made = [_as_there(table, row) for _, row in rows]
    if table == "posts":
        _name(db, made)
    if table == "mentions" and isinstance(db.dialect, Postgres):
        for heard in {row["heard"][:7]: row["heard"] for row in made}.values():
            db.dialect.month(db, heard)
    columns = list(made[0])
    given = "OVERRIDING SYSTEM VALUE " if table in NUMBERED else ""
    sql = f"INSERT INTO {table} ({', '.join(columns)}) {given}VALUES ({marks(len(columns))}) ON CONFLICT DO NOTHING"
    db.executemany(sql, [tuple(row.values()) for row in made])
    mark = "INSERT INTO house (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    db.execute(mark, (f"{MARK}{table}", json.dumps([after, done])))


def _as_there(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """`arrivals` are kept for each connection there; nobody has the number 0."""
    if table != "arrivals":
        return row
    return {name: row[name] for name in ("day", *ARRIVED)} | {"backend": 0}


def _name(db: Database, posts: Sequence[dict[str, Any]]) -> None:
    """Their keys, and the months they were heard in."""
    if isinstance(db.dialect, Postgres):
        for heard in {post["heard"][:7]: post["heard"] for post in posts}.values():
            db.dialect.month(db, heard)
    db.executemany(
        "INSERT INTO post_keys (source, digest, post, heard) OVERRIDING SYSTEM VALUE VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        [(post["source"], digest(post["external_id"]), post["id"], post["heard"]) for post in posts],
    )


async def _words(new: PostgresStore, told: Told) -> None:
    """The text index, made of what is there."""
    mark, done = await new.reading(lambda db: _mark(db, WORDS))
    last = mark[0] if mark else 0
    while step := await new.writing(lambda db, at=(last, done): _index(db, *at)):  # type: ignore[misc]
        last, count = step
        done += count
        told(WORDS, done)


def _index(db: Database, last: int, done: int) -> tuple[int, int] | None:
    rows = tagging.after(db, last, PIECE)
    if not rows:
        return None
    ids = [row[0] for row in rows]
    heard = dict(db.execute(f"SELECT id, heard FROM posts WHERE id IN ({marks(len(ids))})", ids).fetchall())
    for row in rows:
        db.index.add(db, heard[row[0]], [row])
    mark = "INSERT INTO house (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    db.execute(mark, (f"{MARK}{WORDS}", json.dumps([[ids[-1]], done + len(ids)])))
    return ids[-1], len(ids)


def _numbers(db: Database) -> None:
    """What is written from now on is numbered behind what was moved."""
    for table in NUMBERED:
        db.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
    db.execute("SELECT setval(pg_get_serial_sequence('post_keys', 'post'), (SELECT max(post) FROM post_keys))")
    months.find_strays(db)
    for table in ("cases", "mentions"):
        db.execute(f"SELECT setval('{table}_id', (SELECT max(id) FROM {table}))")


def _sum(db: Database, table: str) -> tuple[int, int]:
    """How many rows, and the sum of what each comes to, whatever their order."""
    count = total = 0
    for row in _all(db, table):
        count += 1
        told = repr(sorted(row.items())).encode("utf-8", "replace")
        total = (total + int.from_bytes(blake2b(told, digest_size=8).digest(), "big")) % (1 << 64)
    return count, total


def _all(db: Database, table: str) -> Iterator[dict[str, Any]]:
    embedded = not isinstance(db.dialect, Postgres)
    if table in ("guarded", "arrivals"):
        kept = ("fault", "at", "accepted") if table == "guarded" else ARRIVED
        yield from (
            dict(zip(kept, [*row], strict=True)) for row in db.execute(f"SELECT {', '.join(kept)} FROM {table}")
        )
        return
    after: Sequence[Any] | None = None
    while piece := _piece(db, table, after):
        after = piece[-1][0]
        for _, row in piece:
            ours = {name: value for name, value in row.items() if embedded or name not in ("taken_until", "taken_seq")}
            if not (table == "house" and ours["name"].startswith(MARK)):
                yield ours
