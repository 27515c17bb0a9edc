"""What is remembered of the sources: cursor and next poll, how well each was heard, and when posts arrived."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.contract import Hearing
from connectors.post import Post
from listener.storage.contract import Batch, Failure, SourceState, Span
from listener.storage.sqlite.rows import moment, source_state, span, stamp, stamp_or_none, storable

LATE = timedelta(minutes=15)  # a poll this much later than planned: nobody was listening in between


def source(db: sqlite3.Connection, name: str) -> SourceState:
    row = db.execute("SELECT * FROM sources WHERE name = ?", (name,)).fetchone()
    return source_state(row) if row else SourceState(name=name)


def sources(db: sqlite3.Connection) -> tuple[SourceState, ...]:
    return tuple(map(source_state, db.execute("SELECT * FROM sources ORDER BY name").fetchall()))


def heard(db: sqlite3.Connection, batch: Batch, new: int) -> None:
    if batch.reread:
        sql = "UPDATE sources SET cursor = ?, fetched = fetched + ? WHERE name = ?"
        db.execute(sql, (json.dumps(dict(batch.cursor)), new, batch.source))
        return
    _cover(db, _Listening(batch.source, batch.hearing, batch.note), batch.at)
    db.execute(
        "INSERT INTO sources (name, cursor, next_poll, last_heard, fetched, hearing) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor,"
        " next_poll = coalesce(excluded.next_poll, next_poll),"
        " last_heard = excluded.last_heard, fetched = fetched + excluded.fetched, hearing = excluded.hearing,"
        " failures = 0, failing_since = NULL, error = '', told_silent = 0",
        (
            *(batch.source, json.dumps(dict(batch.cursor)), stamp_or_none(batch.next_poll), stamp(batch.at), new),
            batch.hearing,
        ),
    )


def failed(db: sqlite3.Connection, failure: Failure) -> None:
    _cover(db, _Listening(failure.source, failure.hearing, failure.error), failure.at)
    db.execute(
        "INSERT INTO sources (name, next_poll, failures, failing_since, error, told_silent, hearing)"
        " VALUES (?, ?, 1, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET next_poll = excluded.next_poll,"
        " failures = failures + 1, failing_since = coalesce(failing_since, excluded.failing_since),"
        " error = excluded.error, told_silent = excluded.told_silent, hearing = excluded.hearing",
        (
            *(failure.source, stamp(failure.next_poll), stamp(failure.at), storable(failure.error)),
            *(failure.told_silent, failure.hearing),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Listening:
    source: str
    hearing: Hearing
    note: str


def _cover(db: sqlite3.Connection, now: _Listening, at: datetime) -> None:
    """The ledger grows by a row when the hearing changes. A poll speaks for the time since the one before, unless it
    comes so late that nobody was listening: then a gap stays between two rows."""
    last = db.execute("SELECT * FROM coverage WHERE source = ? ORDER BY id DESC LIMIT 1", (now.source,)).fetchone()
    late = last and _was_late(db, now.source, at)
    if last and not late and (last["hearing"], last["note"]) == (now.hearing, storable(now.note)):
        db.execute("UPDATE coverage SET until = ?, polls = polls + 1 WHERE id = ?", (stamp(at), last["id"]))
        return
    since = last["until"] if last and not late else stamp(at)
    db.execute(
        "INSERT INTO coverage (source, hearing, since, until, polls, note) VALUES (?, ?, ?, ?, 1, ?)",
        (now.source, now.hearing, since, stamp(at), storable(now.note)),
    )


def _was_late(db: sqlite3.Connection, name: str, at: datetime) -> bool:
    row = db.execute("SELECT next_poll FROM sources WHERE name = ?", (name,)).fetchone()
    return bool(row and row["next_poll"] and at - moment(row["next_poll"]) > LATE)


def coverage(db: sqlite3.Connection, since: datetime, until: datetime) -> tuple[Span, ...]:
    sql = "SELECT * FROM coverage WHERE until >= ? AND since <= ? ORDER BY source, id"
    return tuple(map(span, db.execute(sql, (stamp(since), stamp(until))).fetchall()))


def arrived(db: sqlite3.Connection, at: datetime, ids: range, posts: Iterable[Post]) -> None:
    """Which ids a day brought, and how old the oldest of its posts is: a search in time reads only those days."""
    day(db, at)
    oldest = min(min(post.created or at, at) for post in posts)
    sql = "UPDATE arrivals SET last = ?, oldest = min(oldest, ?) WHERE day = ?"
    db.execute(sql, (ids[-1], stamp(oldest), stamp(at)[:10]))


def day(db: sqlite3.Connection, at: datetime) -> None:
    """Everything that comes from now on belongs to this day or to a later one."""
    db.execute(
        "INSERT INTO arrivals (day, first, last, oldest, first_mention) VALUES (?1, ?2, ?2 - 1, ?3, ?4)"
        " ON CONFLICT (day) DO NOTHING",
        (stamp(at)[:10], next_id(db, "posts"), stamp(at), next_id(db, "mentions")),
    )


def redated(db: sqlite3.Connection, heard_at: str, post: Post) -> None:
    """An edit may have given a post an older date."""
    if post.created:
        sql = "UPDATE arrivals SET oldest = min(oldest, ?) WHERE day = ?"
        db.execute(sql, (stamp(post.created), heard_at[:10]))


def next_id(db: sqlite3.Connection, table: str) -> int:
    """Ids are never used twice, not even those of deleted rows."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    return int(row["seq"]) + 1 if row else 1


def mark(db: sqlite3.Connection, name: str) -> datetime | None:
    row = db.execute("SELECT value FROM house WHERE name = ?", (f"mark {name}",)).fetchone()
    return moment(row["value"]) if row else None


def set_mark(db: sqlite3.Connection, name: str, at: datetime) -> None:
    db.execute("INSERT OR REPLACE INTO house (name, value) VALUES (?, ?)", (f"mark {storable(name)}", stamp(at)))


def awake(db: sqlite3.Connection, at: datetime) -> datetime | None:
    row = db.execute("SELECT value FROM house WHERE name = 'awake'").fetchone()
    db.execute("INSERT OR REPLACE INTO house (name, value) VALUES ('awake', ?)", (stamp(at),))
    return moment(row["value"]) if row else None
