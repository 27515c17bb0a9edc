"""What is remembered of the sources: cursor and next poll, how well each was heard, and when posts arrived."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.contract import Hearing
from listener.storage.contract import Batch, Failure, SourceState, Span
from listener.storage.sql.database import Database
from listener.storage.sql.rows import moment, source_state, span, stamp, stamp_or_none, storable

LATE = timedelta(minutes=15)  # a poll this much later than planned: nobody was listening in between


def source(db: Database, name: str) -> SourceState:
    row = db.execute("SELECT * FROM sources WHERE name = ?", (name,)).fetchone()
    return source_state(row) if row else SourceState(name=name)


def sources(db: Database) -> tuple[SourceState, ...]:
    return tuple(map(source_state, db.execute("SELECT * FROM sources ORDER BY name").fetchall()))


def heard(db: Database, batch: Batch, new: int) -> None:
    if batch.reread:
        sql = "UPDATE sources SET cursor = ?, fetched = fetched + ? WHERE name = ?"
        db.execute(sql, (json.dumps(dict(batch.cursor)), new, batch.source))
        return
    _cover(db, _Listening(batch.source, batch.hearing, batch.note), batch.at)
    db.execute(
        "INSERT INTO sources (name, cursor, next_poll, last_heard, fetched, hearing) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor,"
        " next_poll = coalesce(excluded.next_poll, sources.next_poll),"
        " last_heard = excluded.last_heard, fetched = sources.fetched + excluded.fetched, hearing = excluded.hearing,"
        " failures = 0, failing_since = NULL, error = '', told_silent = 0",
        (
            *(batch.source, json.dumps(dict(batch.cursor)), stamp_or_none(batch.next_poll), stamp(batch.at), new),
            batch.hearing,
        ),
    )


def failed(db: Database, failure: Failure) -> None:
    if failure.lease:
        db.dialect.ours(db, failure.lease)
    _cover(db, _Listening(failure.source, failure.hearing, failure.error), failure.at)
    db.execute(
        "INSERT INTO sources (name, next_poll, failures, failing_since, error, told_silent, hearing)"
        " VALUES (?, ?, 1, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET next_poll = excluded.next_poll,"
        " failures = sources.failures + 1, failing_since = coalesce(sources.failing_since, excluded.failing_since),"
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


def _cover(db: Database, now: _Listening, at: datetime) -> None:
    """The ledger grows by a row when the hearing changes. A poll speaks for the time since the one before, unless it
    comes so late that nobody was listening: then a gap stays between two rows."""
    last = db.execute(
        "SELECT c.*, s.next_poll FROM coverage c LEFT JOIN sources s ON s.name = c.source WHERE c.source = ?"
        " ORDER BY c.id DESC LIMIT 1",
        (now.source,),
    ).fetchone()
    late = bool(last and last["next_poll"] and at - moment(last["next_poll"]) > LATE)
    if last and not late and (last["hearing"], last["note"]) == (now.hearing, storable(now.note)):
        db.execute("UPDATE coverage SET until = ?, polls = polls + 1 WHERE id = ?", (stamp(at), last["id"]))
        return
    since = last["until"] if last and not late else stamp(at)
    db.execute(
        "INSERT INTO coverage (source, hearing, since, until, polls, note) VALUES (?, ?, ?, ?, 1, ?)",
        (now.source, now.hearing, since, stamp(at), storable(now.note)),
    )


def coverage(db: Database, since: datetime, until: datetime) -> tuple[Span, ...]:
    sql = "SELECT * FROM coverage WHERE until >= ? AND since <= ? ORDER BY source, id"
    return tuple(map(span, db.execute(sql, (stamp(since), stamp(until))).fetchall()))


GAUGE = "gauge "  # before the name of a figure in `house`
_REMEMBER = "INSERT INTO house (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


def mark(db: Database, name: str) -> datetime | None:
    row = db.execute("SELECT value FROM house WHERE name = ?", (f"mark {name}",)).fetchone()
    return moment(row["value"]) if row else None


def set_mark(db: Database, name: str, at: datetime) -> None:
    db.execute(_REMEMBER, (f"mark {storable(name)}", stamp(at)))


def set_gauge(db: Database, name: str, value: float) -> None:
    db.execute(_REMEMBER, (f"{GAUGE}{storable(name)}", repr(value)))


def gauges(db: Database) -> Mapping[str, float]:
    rows = db.execute("SELECT name, value FROM house WHERE name LIKE ?", (f"{GAUGE}%",))
    return {name.removeprefix(GAUGE): float(value) for name, value in rows}


def awake(db: Database, at: datetime) -> datetime | None:
    row = db.execute("SELECT value FROM house WHERE name = 'awake'").fetchone()
    db.execute(_REMEMBER, ("awake", stamp(at)))
    return moment(row["value"]) if row else None
