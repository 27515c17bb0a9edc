"""Timelines, the rows projected from them, and the notices they cause: all written by the transaction that decides."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta

from escalation import codec
from escalation.case import Case
from escalation.events import Dismissed, Event, Reopened
from escalation.ledger import Conflict, Owed, UnknownCase, written
from escalation.notices import Kind, Notice
from listener.storage.contract import State
from listener.storage.sqlite.rows import as_json, moment, stamp, stamp_or_none, storable

OPEN = "status IN ('open', 'acknowledged', 'reported')"  # the partial indexes' own words


def timeline(db: sqlite3.Connection, case_id: int) -> tuple[Event, ...]:
    rows = db.execute("SELECT body FROM events WHERE case_id = ? ORDER BY seq", (case_id,)).fetchall()
    if not rows:
        raise UnknownCase(f"there is no case {case_id}")
    return tuple(codec.decode(json.loads(row["body"])) for row in rows)


def append(db: sqlite3.Connection, case: Case | None, new: Sequence[Event]) -> Case:
    """In the caller's transaction. Raises Conflict."""
    if case is not None:
        row = db.execute("SELECT seq FROM cases WHERE id = ?", (case.id,)).fetchone()
        if row is None or row["seq"] != case.seq:
            raise Conflict(f"case {case.id} has moved on")
    after, owed = written(case, tuple(new))
    first = case.seq + 1 if case else 1
    _project(db, after, new[-1].at)
    db.executemany(
        "INSERT INTO events (case_id, seq, at, kind, body) VALUES (?, ?, ?, ?, ?)",
        [
            (after.id, seq, stamp(event.at), type(event).__name__, as_json(codec.encode(event)))
            for seq, event in enumerate(new, first)
        ],
    )
    for notice in owed:
        owe(db, notice, new[-1].at)
    for event in new:
        _mirror(db, after.id, event)
    return after


def _project(db: sqlite3.Connection, case: Case, at: datetime) -> None:
    subject = case.subject
    db.execute(
        "INSERT INTO cases (id, brand, post, thread, source, status, priority, severity, owner, due, opened, changed,"
        " promise, posts, seq, title) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET"
        " thread = excluded.thread, status = excluded.status, priority = excluded.priority,"
        " severity = excluded.severity, owner = excluded.owner, due = excluded.due, changed = excluded.changed,"
        " promise = excluded.promise, posts = excluded.posts, seq = excluded.seq, title = excluded.title",
        (
            *(case.id, subject.brand, storable(subject.post), storable(subject.thread), subject.post.partition(":")[0]),
            *(case.status, subject.priority, subject.severity, case.owner, stamp_or_none(case.due)),
            *(stamp(case.opened), stamp(at), case.promise.what if case.promise else "", len(case.posts), case.seq),
            storable(subject.title or subject.text[:80]),
        ),
    )


def _mirror(db: sqlite3.Connection, case_id: int, event: Event) -> None:
    """What became of the case is what became of its mentions."""
    if isinstance(event, Dismissed | Reopened):
        state = State.DISMISSED if isinstance(event, Dismissed) else State.ESCALATED
        reason = event.reason if isinstance(event, Dismissed) else ""
        was = State.ESCALATED if isinstance(event, Dismissed) else State.DISMISSED
        db.execute(
            "UPDATE mentions SET state = ?, reason = ? WHERE case_id = ? AND state = ?", (state, reason, case_id, was)
        )
        db.execute(
            "UPDATE posts SET state = ? WHERE state = ? AND id IN (SELECT post FROM mentions WHERE case_id = ?)"
            " AND NOT EXISTS (SELECT 1 FROM mentions m WHERE m.post = posts.id AND m.state = ?)",
            (state, was, case_id, was),
        )


def owe(db: sqlite3.Connection, notice: Notice, at: datetime) -> None:
    db.execute(
        "INSERT OR IGNORE INTO notices (key, case_id, seq, kind, recipient, text, owed, next_try)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(notice.key, notice.case, notice.seq, notice.kind, notice.to),
            *(storable(notice.text), stamp(at), stamp(at)),
        ),
    )


def due(db: sqlite3.Connection, now: datetime, limit: int) -> tuple[int, ...]:
    rows = db.execute(f"SELECT id FROM cases WHERE {OPEN} AND due <= ? ORDER BY due LIMIT ?", (stamp(now), limit))
    return tuple(row["id"] for row in rows)


def claim(db: sqlite3.Connection, now: datetime, limit: int, lease: timedelta) -> tuple[Owed, ...]:
    """See Ledger.claim. A card waits for every older card of its case."""
    rows = db.execute(
        "UPDATE notices SET attempts = attempts + 1, next_try = ?1 WHERE id IN (SELECT n.id FROM notices n"
        " WHERE n.sent IS NULL AND n.next_try IS NOT NULL AND n.next_try <= ?2 AND NOT (n.kind = 'card' AND EXISTS"
        " (SELECT 1 FROM notices o WHERE o.case_id = n.case_id AND o.kind = 'card' AND o.sent IS NULL AND o.id < n.id"
        " AND o.next_try > ?2)) ORDER BY n.next_try, n.id LIMIT ?3) RETURNING *",
        (stamp(now + lease), stamp(now), limit),
    ).fetchall()
    return tuple(_owed(db, row) for row in sorted(rows, key=lambda row: int(row["id"])))


def _owed(db: sqlite3.Connection, row: sqlite3.Row) -> Owed:
    notice = Notice(case=row["case_id"], seq=row["seq"], kind=Kind(row["kind"]), to=row["recipient"], text=row["text"])
    ref = _card(db, notice.case) if notice.kind in (Kind.CARD, Kind.THREAD) else ""
    return Owed(notice=notice, attempts=row["attempts"], ref=ref)


def _card(db: sqlite3.Connection, case_id: int) -> str:
    row = db.execute(
        "SELECT ref FROM notices WHERE case_id = ? AND kind = 'card' AND sent IS NOT NULL AND ref <> ''"
        " ORDER BY id DESC LIMIT 1",
        (case_id,),
    ).fetchone()
    return str(row["ref"]) if row else ""


def delivered(db: sqlite3.Connection, key: str, ref: str, at: datetime) -> None:
    db.execute("UPDATE notices SET sent = ?, ref = ?, next_try = NULL, error = '' WHERE key = ?", (stamp(at), ref, key))


def failed(db: sqlite3.Connection, key: str, error: str, retry: datetime | None) -> None:
    db.execute(
        "UPDATE notices SET error = ?, next_try = ? WHERE key = ? AND sent IS NULL", (error, stamp_or_none(retry), key)
    )


def release(db: sqlite3.Connection) -> None:
    """What a killed engine had claimed is owed again at once; that it was tried stays known."""
    db.execute("UPDATE notices SET next_try = owed WHERE sent IS NULL AND next_try IS NOT NULL AND error = ''")


def last_event(db: sqlite3.Connection, case_id: int) -> datetime:
    row = db.execute("SELECT max(at) AS at FROM events WHERE case_id = ?", (case_id,)).fetchone()
    return moment(row["at"])


def anything_owed(db: sqlite3.Connection, now: datetime) -> bool:
    sql = "SELECT 1 FROM notices WHERE sent IS NULL AND next_try IS NOT NULL AND next_try <= ? LIMIT 1"
    return db.execute(sql, (stamp(now),)).fetchone() is not None
