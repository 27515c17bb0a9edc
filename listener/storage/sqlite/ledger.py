"""Timelines, the rows projected from them, and the notices they cause: all written by the transaction that decides."""

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from escalation import codec
from escalation.case import Case, replay
from escalation.events import DismissalUndone, Dismissed, Event, Reopened
from escalation.ledger import Conflict, Owed, UnknownCase, written
from escalation.manners import Ping
from escalation.notices import Kind, Notice
from listener.storage.contract import CaseRow
from listener.storage.sqlite.rows import as_json, case_row, furthest, marks, moment, stamp, stamp_or_none, storable
from listener.storage.sqlite.schema import OPEN

PIECE = 200  # cases read at a time


def timeline(db: sqlite3.Connection, case_id: int) -> tuple[Event, ...]:
    rows = db.execute("SELECT body FROM events WHERE case_id = ? ORDER BY seq", (case_id,)).fetchall()
    if not rows:
        raise UnknownCase(f"there is no case {case_id}")
    return tuple(codec.decode(json.loads(body)) for (body,) in rows)


def append(db: sqlite3.Connection, case: Case | None, new: Sequence[Event]) -> Case:
    """In the caller's transaction. `case` is None when the first of `new` opens it. Raises Conflict."""
    after, owed = written(case, tuple(new))
    if case is None:
        _project(db, _OPEN, after, new[-1].at)
    _record(db, after.id, new, first=case.seq + 1 if case else 1)
    if case is not None:
        _project(db, _CHANGE, after, new[-1].at)
    for notice in owed:
        owe(db, notice, new[-1].at)
    for event in new:
        if isinstance(event, Dismissed | DismissalUndone | Reopened):
            _mirror(db, after, event)
    return after


def next_id(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT coalesce(max(id), 0) + 1 FROM cases").fetchone()[0])


def _record(db: sqlite3.Connection, case_id: int, new: Sequence[Event], first: int) -> None:
    """The keys of the table refuse the slower of two, and a case that is not there."""
    events = [
        (case_id, seq, stamp(event.at), type(event).__name__, as_json(codec.encode(event)))
        for seq, event in enumerate(new, first)
    ]
    try:
        db.executemany("INSERT INTO events (case_id, seq, at, kind, body) VALUES (?, ?, ?, ?, ?)", events)
    except sqlite3.IntegrityError:
        raise Conflict(f"case {case_id} has moved on; read it again") from None


_CASE = (
    "thread customer story cause incident within status priority severity owner due opened changed promise outcome"
    " posts seq title offered deadline answered missed brand post id"
).split()
_OPEN = f"INSERT INTO cases ({', '.join(_CASE)}) VALUES ({marks(len(_CASE))})"
_CHANGE = f"UPDATE cases SET {', '.join(f'{column} = ?' for column in _CASE[:-1])} WHERE id = ?"


def _project(db: sqlite3.Connection, sql: str, case: Case, changed: datetime) -> None:
    subject = case.subject
    db.execute(
        sql,
        (
            *(
                storable(subject.thread),
                storable(subject.customer),
                storable(subject.story),
                storable(subject.cause),
                case.incident,
                case.within if case.spoken_for else 0,
                case.status,
                subject.priority,
                subject.severity,
                case.owner,
            ),
            *(stamp_or_none(case.due), stamp(case.opened), stamp(changed)),
            *(storable(case.promise.what) if case.promise else "", case.report.outcome if case.report else ""),
            *(len(case.posts), case.seq, storable(subject.title or subject.text[:80])),
            "\n".join((case.offer.to, *case.offer.among)) if case.offer else "",
            *(stamp_or_none(case.clock), stamp_or_none(case.answered), case.missed),
            *(subject.brand, storable(subject.post), case.id),
        ),
    )


def _mirror(db: sqlite3.Connection, case: Case, event: Dismissed | DismissalUndone | Reopened) -> None:
    """What was decided about a case was decided about its mentions, and so about its posts."""
    if isinstance(event, Dismissed):
        db.execute(
            "UPDATE mentions SET state = 'dismissed', reason = ? WHERE case_id = ? AND state <> 'erased'",
            (storable(event.reason), case.id),
        )
    else:
        db.execute(
            "UPDATE mentions SET reason = '', state = CASE WHEN EXISTS (SELECT 1 FROM posts p"
            " WHERE p.id = mentions.post AND p.source || ':' || p.external_id = ?) THEN 'escalated'"
            " ELSE 'joined to case' END"
            " WHERE case_id = ? AND state = 'dismissed'",
            (storable(case.subject.post), case.id),
        )
    for (post,) in db.execute("SELECT post FROM mentions WHERE case_id = ?", (case.id,)).fetchall():
        settle(db, post)


def settle(db: sqlite3.Connection, post: int) -> None:
    states = db.execute("SELECT state FROM mentions WHERE post = ?", (post,)).fetchall()
    db.execute("UPDATE posts SET state = ? WHERE id = ? AND state <> 'erased'", (furthest(s for (s,) in states), post))


def owe(db: sqlite3.Connection, notice: Notice, at: datetime) -> None:
    db.execute(
        "INSERT OR IGNORE INTO notices (key, case_id, seq, kind, recipient, text, owed_at, next_try)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(storable(notice.key), notice.case, notice.seq, notice.kind, storable(notice.to)),
            *(storable(notice.text), stamp(at), stamp(at)),
        ),
    )


def due(db: sqlite3.Connection, now: datetime, limit: int) -> tuple[int, ...]:
    rows = db.execute(f"SELECT id FROM cases WHERE {OPEN} AND due <= ? ORDER BY due LIMIT ?", (stamp(now), limit))
    return tuple(case_id for (case_id,) in rows.fetchall())


def anything_owed(db: sqlite3.Connection, now: datetime) -> bool:
    sql = "SELECT 1 FROM notices WHERE sent_at IS NULL AND dead = 0 AND next_try <= ? LIMIT 1"
    return db.execute(sql, (stamp(now),)).fetchone() is not None


_CLAIM = """
UPDATE notices SET attempts = attempts + 1, claimed = 1, next_try = ?1 WHERE id IN (
  SELECT n.id FROM notices n WHERE n.sent_at IS NULL AND n.dead = 0 AND n.next_try <= ?2 AND NOT (
    n.kind = 'card' AND EXISTS (
      SELECT 1 FROM notices o WHERE o.case_id = n.case_id AND o.kind = 'card' AND o.seq < n.seq
      AND o.sent_at IS NULL AND o.dead = 0 AND o.next_try > ?2))
  ORDER BY CASE n.kind WHEN 'direct' THEN 0 WHEN 'card' THEN 1 WHEN 'thread' THEN 2 ELSE 3 END, n.id LIMIT ?3)
RETURNING id, case_id, seq, kind, recipient, text, attempts, ref
"""


_OTHER_CARDS = """
UPDATE notices SET attempts = attempts + 1, claimed = 1, next_try = ?1
WHERE case_id = ?3 AND kind = 'card' AND sent_at IS NULL AND dead = 0 AND next_try <= ?2
RETURNING id, case_id, seq, kind, recipient, text, attempts, ref
"""


def claim(db: sqlite3.Connection, now: datetime, limit: int, lease: timedelta) -> tuple[Owed, ...]:
    rows = db.execute(_CLAIM, (stamp(now + lease), stamp(now), limit)).fetchall()
    for case_id in {row["case_id"] for row in rows if row["kind"] == Kind.CARD}:
        rows += db.execute(_OTHER_CARDS, (stamp(now + lease), stamp(now), case_id)).fetchall()
    return tuple(_owed(db, row) for row in sorted(rows, key=lambda row: int(row["id"])))


def _owed(db: sqlite3.Connection, row: sqlite3.Row) -> Owed:
    notice = Notice(case=row["case_id"], seq=row["seq"], kind=Kind(row["kind"]), to=row["recipient"], text=row["text"])
    ref = _card(db, notice.case) if notice.kind in (Kind.CARD, Kind.THREAD) else ""
    said = row["ref"] if notice.kind in (Kind.DIRECT, Kind.THREAD) else ""
    return Owed(notice=notice, attempts=row["attempts"], ref=ref, said=said)


def _card(db: sqlite3.Connection, case_id: int) -> str:
    row = db.execute(
        "SELECT ref FROM notices WHERE case_id = ? AND kind = 'card' AND sent_at IS NOT NULL AND ref <> ''"
        " ORDER BY seq DESC LIMIT 1",
        (case_id,),
    ).fetchone()
    return str(row["ref"]) if row else ""


def delivered(db: sqlite3.Connection, key: str, ref: str, at: datetime) -> None:
    db.execute(
        "UPDATE notices SET sent_at = ?, ref = ?, error = '', claimed = 0, dead = 0 WHERE key = ? AND sent_at IS NULL",
        (stamp(at), storable(ref), storable(key)),
    )


def failed(db: sqlite3.Connection, key: str, error: str, retry: datetime | None) -> None:
    db.execute(
        "UPDATE notices SET error = ?, next_try = ?, dead = ?, claimed = 0 WHERE key = ? AND sent_at IS NULL",
        (storable(error), stamp_or_none(retry), retry is None, storable(key)),
    )


def wait(db: sqlite3.Connection, key: str, until: datetime, why: str) -> None:
    db.execute(
        "UPDATE notices SET error = ?, next_try = ?, claimed = 0, attempts = attempts - 1"
        " WHERE key = ? AND sent_at IS NULL AND claimed = 1",
        (storable(f"waits: {why}"), stamp(until), storable(key)),
    )


def pings(db: sqlite3.Connection, names: Collection[str], since: datetime) -> tuple[Ping, ...]:
    rows = db.execute(
        "SELECT n.recipient, n.case_id, n.sent_at, e.kind FROM notices n JOIN events e ON e.case_id = n.case_id"
        f" AND e.seq = n.seq WHERE n.kind = 'direct' AND n.sent_at IS NOT NULL AND n.recipient IN ({marks(len(names))})"
        " AND n.sent_at >= ? ORDER BY n.sent_at",
        (*map(storable, names), stamp(since)),
    ).fetchall()
    return tuple(Ping(to=to, case=case_id, kind=kind, at=moment(at)) for to, case_id, at, kind in rows)


def unsay(db: sqlite3.Connection, case_id: int, at: datetime) -> None:
    """Private messages quote the post, and lines under a card may link to it: both are said again in place."""
    db.execute(
        "UPDATE notices SET sent_at = NULL, next_try = ?, attempts = 0 WHERE case_id = ? AND sent_at IS NOT NULL"
        " AND kind IN ('direct', 'thread') AND ref <> ''",
        (stamp(at), case_id),
    )


def release(db: sqlite3.Connection) -> None:
    """What a killed engine had in its hands is owed at once; that it was tried stays known. A back-off goes on."""
    db.execute("UPDATE notices SET next_try = owed_at, claimed = 0 WHERE claimed = 1 AND sent_at IS NULL AND dead = 0")


def notice_keys(db: sqlite3.Connection, case_id: int) -> frozenset[str]:
    return frozenset(key for (key,) in db.execute("SELECT key FROM notices WHERE case_id = ?", (case_id,)))


def case_ids(db: sqlite3.Connection, where: str, given: tuple[object, ...] = ()) -> Iterator[int]:
    """Every case for which `where` holds, oldest first, a piece at a time."""
    last = 0
    sql = f"SELECT id FROM cases WHERE ({where}) AND id > ? ORDER BY id LIMIT {PIECE}"
    while piece := [case_id for (case_id,) in db.execute(sql, (*given, last)).fetchall()]:
        yield from piece
        last = piece[-1]


def open_cases(db: sqlite3.Connection) -> Iterator[Case]:
    for case_id in case_ids(db, OPEN):
        yield replay(timeline(db, case_id))


def changed_since(db: sqlite3.Connection, since: datetime) -> Iterator[int]:
    return case_ids(db, f"changed >= ? OR {OPEN}", (stamp(since),))


def case_rows(db: sqlite3.Connection, *, ended: bool) -> Iterator[CaseRow]:
    return _all_newest_first(db) if ended else _open_most_urgent_first(db)


def _all_newest_first(db: sqlite3.Connection) -> Iterator[CaseRow]:
    before = 1 << 62
    sql = f"SELECT * FROM cases WHERE id < ? ORDER BY id DESC LIMIT {PIECE}"
    while piece := db.execute(sql, (before,)).fetchall():
        yield from map(case_row, piece)
        before = piece[-1]["id"]


def _open_most_urgent_first(db: sqlite3.Connection) -> Iterator[CaseRow]:
    after = ("", "", 0)
    sql = (
        f"SELECT * FROM cases INDEXED BY cases_urgent WHERE {OPEN} AND (priority, due, id) > (?, ?, ?)"
        f" ORDER BY priority, due, id LIMIT {PIECE}"
    )
    while piece := db.execute(sql, after).fetchall():
        yield from map(case_row, piece)
        after = (piece[-1]["priority"], piece[-1]["due"], piece[-1]["id"])
