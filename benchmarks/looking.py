"""A look at the cases when none is due: what the clock costs while nothing happens, however many cases are open."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.rows import Row, cpu
from benchmarks.world import rows, telling
from connectors.post import Author, Post
from escalation.desk import Desk
from escalation.events import Subject
from escalation.policy import Person, Policy
from listener.storage.contract import Batch, Heard, Mention, Opening
from listener.storage.sqlite import SqliteStore
from listener.triage import Assessment, Priority, Verdict

NOW = datetime(2026, 5, 4, tzinfo=UTC)
LOOKS, ROUNDS, PIECE = 200, 7, 10_000


def run() -> list[Row]:
    most = rows()
    sizes = sorted({max(most // 100, 1), max(most // 10, 1), most})
    spent, least = _milliseconds(sizes), sizes[0]
    growth = [
        Row(f"{size:,} open cases, {least:,}", spent[size], spent[least], "ms a look", 1.5 if size == most else None)
        for size in sizes[1:]
    ]
    return [Row(f"an empty look, {most:,} open cases", spent[most], None, "ms a look", 1.0), *growth]


def _milliseconds(sizes: list[int]) -> dict[int, float]:
    """Of processor time a look, medians, by the number of open cases; the stores take turns."""
    spent: dict[int, list[float]] = {size: [] for size in sizes}
    with TemporaryDirectory() as directory, asyncio.Runner() as loop:
        stores = {size: loop.run(_store(f"{directory}/{size}.db", size)) for size in sizes}
        for _ in range(ROUNDS):
            for size, store in stores.items():
                spent[size].append(cpu(partial(_looks, loop, store)) / LOOKS * 1000)
        for store in stores.values():
            loop.run(store.aclose())
    return {size: median(times) for size, times in spent.items()}


async def _store(path: str, size: int) -> SqliteStore:
    store = await SqliteStore.open(path)
    await store.keep(_one_case())
    _multiply(path, size)
    return store


def _looks(loop: asyncio.Runner, store: SqliteStore) -> None:
    loop.run(_look(store))


async def _look(store: SqliteStore) -> None:
    desk = Desk(store)
    for _ in range(LOOKS):
        assert await desk.look(NOW) == 0


def _one_case() -> Batch:
    """The first case is opened as every case is; the others are its copies."""
    person = Person(name="Dana Fox")
    policy = Policy(
        name="care",
        priority=Priority.P1,
        acknowledge=timedelta(minutes=5),
        report=timedelta(hours=2),
        ladder=(person.name,),
        people=(person,),
    )
    post = Post(source="bench", id="0", url="https://blog.example/0", text="It broke.", author=Author(handle="a"))
    judged = Assessment(
        verdict=Verdict.COMPLAINT, complaint=0.9, severity=80, priority=Priority.P1, cause="quality", reasons=()
    )
    about = Subject(
        brand="brand",
        post="bench:0",
        thread="blog.example/0",
        url=post.url,
        site="blog.example",
        author="a",
        title="",
        text=post.text,
        created=NOW,
        heard=NOW,
        severity=80,
        priority=str(Priority.P1),
        cause="quality",
        reasons=(),
        customer="blog.example a",
    )
    mention = Mention(brand="brand", assessment=judged, opening=Opening(subject=about, policy=policy))
    return Batch(source="bench", at=NOW, cursor={}, fetched=1, heard=(Heard(post=post, mentions=(mention,)),))


def _multiply(path: str, wanted: int) -> None:
    """The row of case 1 again and again, each another customer's, due over the next months, a fifth in an incident.

    Straight into the file: one at a time through the store would take an hour. A look reads no other table.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        columns = [name for _, name, *_ in db.execute("PRAGMA table_info(cases)")]
        own = {
            "id": "n",
            "post": "'bench:' || n",
            "thread": "'blog.example/' || n",
            "customer": "'blog.example ' || n",
            "due": "strftime('%Y-%m-%dT%H:%M:%S.000000+00:00', '2026-05-05', (n * 7919 % 7776000) || ' seconds')",
            "within": "CASE WHEN n > 101 AND n % 5 = 0 THEN 2 + n % 100 ELSE 0 END",
            "incident": "n BETWEEN 2 AND 101",
        }
        values = ", ".join(own.get(name, f"c.{name}") for name in columns)
        sql = (
            "WITH RECURSIVE number (n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM number WHERE n < ?2)"
            f" INSERT INTO cases ({', '.join(columns)}) SELECT {values} FROM number JOIN cases c ON c.id = 1"
        )
        for first in range(2, wanted + 1, PIECE):
            db.execute(sql, (first, min(first + PIECE - 1, wanted)))
            telling("open cases", min(first + PIECE - 1, wanted), wanted)
