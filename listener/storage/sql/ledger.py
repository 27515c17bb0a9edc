"""Timelines, the rows projected from them, and the notices they cause: all written by the transaction that decides."""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, groupby
from operator import itemgetter

from escalation import codec
from escalation.case import Case, replay
from escalation.events import DismissalUndone, Dismissed, Event, Opened, Reopened
from escalation.ledger import Again, Conflict, Owed, UnknownCase, Unreadable, written
from escalation.manners import Ping
from escalation.notices import Kind, Notice
from listener.storage.contract import CaseRow, Said
from listener.storage.sql.database import Database, Row
from listener.storage.sql.rows import (
    OPEN,
    as_json,
    case_row,
    furthest,
    marks,
    moment,
    moment_or_none,
    stamp,
    stamp_or_none,
    storable,
)

PIECE = 200  # cases read at a time


def timeline(db: Database, case_id: int) -> tuple[Event, ...]:
    rows = db.execute("SELECT body FROM events WHERE case_id = ? ORDER BY seq", (case_id,)).fetchall()
    if not rows:
        raise UnknownCase(f"there is no case {case_id}")
    return _read(case_id, (body for (body,) in rows))


def _read(case_id: int, bodies: Iterable[str]) -> tuple[Event, ...]:
    try:
        events = tuple(codec.decode(json.loads(body)) for body in bodies)
        if not isinstance(events[0], Opened):
            raise ValueError("its beginning is missing")
        return events
    except (ValueError, TypeError, KeyError) as wrong:
        raise Unreadable(f"case {case_id} cannot be read: {wrong}") from wrong


def case(db: Database, case_id: int) -> Case:
    """As its timeline has it. Raises UnknownCase, Unreadable."""
    return replay(timeline(db, case_id))


MADE = timedelta(days=1)  # a request that comes again after this is another one


def append(db: Database, case: Case | None, new: Sequence[Event], once: str = "") -> Case:
    """In the caller's transaction. `case` is None when the first of `new` opens it. Raises Conflict, Again."""
    if once:
        _make(db, once, new[-1].at)
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


def _make(db: Database, once: str, at: datetime) -> None:
    made = db.execute("INSERT INTO presses (key, at) VALUES (?, ?) ON CONFLICT DO NOTHING", (storable(once), stamp(at)))
    if not made.rowcount:
        raise Again(once)
    db.execute("DELETE FROM presses WHERE at < ?", (stamp(at - MADE),))


def made(db: Database, once: str) -> bool:
    return db.execute("SELECT 1 FROM presses WHERE key = ?", (storable(once),)).fetchone() is not None


def said_as(db: Database, key: str) -> str:
    row = db.execute("SELECT ref FROM notices WHERE key = ? AND sent_at IS NOT NULL", (storable(key),)).fetchone()
    return str(row["ref"]) if row else ""


def _record(db: Database, case_id: int, new: Sequence[Event], first: int) -> None:
    """The keys of the table refuse the slower of two, and a case that is not there."""
    events = [
        (case_id, seq, stamp(event.at), type(event).__name__, as_json(codec.encode(event)))
        for seq, event in enumerate(new, first)
    ]
    try:
        db.executemany("INSERT INTO events (case_id, seq, at, kind, body) VALUES (?, ?, ?, ?, ?)", events)
    except db.IntegrityError:
        raise Conflict(f"case {case_id} has moved on; read it again") from None


_CASE = (
    "thread customer story cause incident within status priority severity owner due opened since changed promise"
    " outcome posts seq title offered deadline answered missed coordinated brand post id"
).split()
_OPEN = f"INSERT INTO cases ({', '.join(_CASE)}) VALUES ({marks(len(_CASE))})"
_CHANGE = f"UPDATE cases SET {', '.join(f'{column} = ?' for column in _CASE[:-1])} WHERE id = ?"


def _project(db: Database, sql: str, case: Case, changed: datetime) -> None:
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
            *(stamp_or_none(case.due), stamp(case.opened), stamp(subject.since), stamp(changed)),
            *(storable(case.promise.what) if case.promise else "", case.report.outcome if case.report else ""),
            *(len(case.posts), case.seq, storable(subject.title or subject.text[:80])),
            "\n".join((case.offer.to, *case.offer.among)) if case.offer else "",
            *(stamp_or_none(case.clock), stamp_or_none(case.answered), case.missed, case.coordinated),
            *(subject.brand, storable(subject.post), case.id),
        ),
    )


def _mirror(db: Database, case: Case, event: Dismissed | DismissalUndone | Reopened) -> None:
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


def settle(db: Database, post: int) -> None:
    states = db.execute("SELECT state FROM mentions WHERE post = ?", (post,)).fetchall()
    db.execute("UPDATE posts SET state = ? WHERE id = ? AND state <> 'erased'", (furthest(s for (s,) in states), post))


def owe(db: Database, notice: Notice, at: datetime) -> None:
    db.execute(
        "INSERT INTO notices (key, case_id, seq, kind, recipient, text, owed_at, next_try)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
        (
            *(storable(notice.key), notice.case, notice.seq, notice.kind, storable(notice.to)),
            *(storable(notice.text), stamp(at), stamp(at)),
        ),
    )


_LATE = f"SELECT 1 FROM cases WHERE {OPEN} AND due <= ? ORDER BY due LIMIT 1"  # ordered: by the index, not by the rows
_LATE_OF = f"SELECT id FROM cases WHERE {OPEN} AND priority = ? AND due <= ? ORDER BY due, id LIMIT ?"
_NEXT_PRIORITY = f"SELECT min(priority) FROM cases WHERE {OPEN} AND priority > ?"


def due(db: Database, now: datetime, limit: int) -> tuple[int, ...]:
    """Priority by priority, so that no more is read than is asked for. Most times nothing is late."""
    found, at, priority = list[int](), stamp(now), ""
    if not db.execute(_LATE, (at,)).fetchone():
        return ()
    while len(found) < limit and (after := db.execute(_NEXT_PRIORITY, (priority,)).fetchone()[0]) is not None:
        priority = str(after)
        found += [id_ for (id_,) in db.execute(_LATE_OF, (priority, at, limit - len(found))).fetchall()]
    return tuple(found)


def set_aside(db: Database, case_id: int, until: datetime) -> None:
    db.execute("UPDATE cases SET due = ? WHERE id = ?", (stamp(until), case_id))


def anything_owed(db: Database, now: datetime) -> bool:
    sql = "SELECT 1 FROM notices WHERE sent_at IS NULL AND dead = 0 AND next_try <= ? LIMIT 1"
    return db.execute(sql, (stamp(now),)).fetchone() is not None


_OWED = """
SELECT n.id FROM notices n WHERE n.sent_at IS NULL AND n.dead = 0 AND n.next_try <= ? AND NOT (
  n.kind = 'card' AND EXISTS (
    SELECT 1 FROM notices o WHERE o.case_id = n.case_id AND o.kind = 'card' AND o.seq < n.seq
    AND o.sent_at IS NULL AND o.dead = 0 AND o.next_try > ?))
ORDER BY CASE n.kind WHEN 'direct' THEN 0 WHEN 'card' THEN 1 WHEN 'thread' THEN 2 ELSE 3 END, n.id LIMIT ?
"""
_OTHER_CARDS = """
SELECT n.id FROM notices n
WHERE n.case_id = ? AND n.kind = 'card' AND n.sent_at IS NULL AND n.dead = 0 AND n.next_try <= ?
"""
_CLAIM = (
    "UPDATE notices SET attempts = attempts + 1, claimed = ?, next_try = ? WHERE id IN ({})"
    " RETURNING id, case_id, seq, kind, recipient, text, attempts, ref"
)


def claim(db: Database, now: datetime, limit: int, lease: timedelta, worker: int) -> tuple[Owed, ...]:
    """`worker`, greater than 0, has them until then."""
    db.dialect.alone(db, ["notices"])  # or two would each see a case's first card with nobody, and both would send one
    owed, others = (_CLAIM.format(sql + db.dialect.skip) for sql in (_OWED, _OTHER_CARDS))
    mine, at = (worker, stamp(now + lease)), stamp(now)
    rows = db.execute(owed, (*mine, at, at, limit)).fetchall()
    for case_id in {row["case_id"] for row in rows if row["kind"] == Kind.CARD}:
        rows += db.execute(others, (*mine, case_id, at)).fetchall()
    return tuple(_owed(db, row) for row in sorted(rows, key=lambda row: int(row["id"])))


def _owed(db: Database, row: Row) -> Owed:
    notice = Notice(case=row["case_id"], seq=row["seq"], kind=Kind(row["kind"]), to=row["recipient"], text=row["text"])
    ref = _card(db, notice.case) if notice.kind in (Kind.CARD, Kind.THREAD) else ""
    said = row["ref"] if notice.kind in (Kind.DIRECT, Kind.THREAD) else ""
    return Owed(notice=notice, attempts=row["attempts"], ref=ref, said=said)


def _card(db: Database, case_id: int) -> str:
    row = db.execute(
        "SELECT ref FROM notices WHERE case_id = ? AND kind = 'card' AND sent_at IS NOT NULL AND ref <> ''"
        " ORDER BY seq DESC LIMIT 1",
        (case_id,),
    ).fetchone()
    return str(row["ref"]) if row else ""


def delivered(db: Database, key: str, ref: str, at: datetime) -> None:
    db.execute(
        "UPDATE notices SET sent_at = ?, ref = ?, error = '', claimed = 0, dead = 0 WHERE key = ? AND sent_at IS NULL",
        (stamp(at), storable(ref), storable(key)),
    )


def failed(db: Database, key: str, error: str, retry: datetime | None, worker: int) -> None:
    """Not when somebody else has taken it over meanwhile."""
    db.execute(
        "UPDATE notices SET error = ?, next_try = ?, dead = ?, claimed = 0"
        " WHERE key = ? AND sent_at IS NULL AND claimed IN (0, ?)",
        (storable(error), stamp_or_none(retry), retry is None, storable(key), worker),
    )


def wait(db: Database, key: str, until: datetime, why: str, worker: int) -> None:
    db.execute(
        "UPDATE notices SET error = ?, next_try = ?, claimed = 0, attempts = attempts - 1"
        " WHERE key = ? AND sent_at IS NULL AND claimed = ?",
        (storable(f"waits: {why}"), stamp(until), storable(key), worker),
    )


def pings(db: Database, names: Collection[str], since: datetime) -> tuple[Ping, ...]:
    rows = db.execute(
        "SELECT n.recipient, n.case_id, n.sent_at, e.kind FROM notices n JOIN events e ON e.case_id = n.case_id"
        f" AND e.seq = n.seq WHERE n.kind = 'direct' AND n.sent_at IS NOT NULL AND n.recipient IN ({marks(len(names))})"
        " AND n.sent_at >= ? ORDER BY n.sent_at",
        (*map(storable, names), stamp(since)),
    ).fetchall()
    return tuple(Ping(to=to, case=case_id, kind=kind, at=moment(at)) for to, case_id, at, kind in rows)


def unsay(db: Database, case_id: int, at: datetime) -> None:
    """Private messages quote the post, and lines under a card may link to it: both are said again in place."""
    db.execute(
        "UPDATE notices SET sent_at = NULL, next_try = ?, attempts = 0 WHERE case_id = ? AND sent_at IS NOT NULL"
        " AND kind IN ('direct', 'thread') AND ref <> ''",
        (stamp(at), case_id),
    )


def release(db: Database, worker: int) -> None:
    """What a worker that is no more had in its hands is owed at once; that it was tried stays known. A back-off goes
    on."""
    sql = "UPDATE notices SET next_try = owed_at, claimed = 0 WHERE claimed = ? AND sent_at IS NULL AND dead = 0"
    db.execute(sql, (worker,))


def said(db: Database, case_id: int) -> tuple[Said, ...]:
    sql = "SELECT kind, recipient, owed_at, sent_at, attempts, ref, error FROM notices WHERE case_id = ? ORDER BY id"
    return tuple(
        Said(
            kind=Kind(kind),
            to=to,
            owed=moment(owed),
            sent=moment_or_none(sent),
            attempts=attempts,
            ref=ref,
            error=error,
        )
        for kind, to, owed, sent, attempts, ref, error in db.execute(sql, (case_id,)).fetchall()
    )


def notice_keys(db: Database, case_id: int) -> frozenset[str]:
    return frozenset(key for (key,) in db.execute("SELECT key FROM notices WHERE case_id = ?", (case_id,)))


def put_off(db: Database, until: datetime, limit: int) -> tuple[tuple[str, datetime], ...]:
    sql = "SELECT key, next_try FROM notices WHERE sent_at IS NULL AND dead = 0 AND next_try > ? ORDER BY id LIMIT ?"
    return tuple((key, moment(at)) for key, at in db.execute(sql, (stamp(until), limit)).fetchall())


def case_ids(db: Database, where: str, given: tuple[object, ...] = ()) -> Iterator[int]:
    """Every case for which `where` holds, oldest first, a piece at a time."""
    return chain.from_iterable(_pieces(db, where, given))


def _pieces(db: Database, where: str, given: tuple[object, ...]) -> Iterator[list[int]]:
    last = 0
    sql = f"SELECT id FROM cases WHERE ({where}) AND id > ? ORDER BY id LIMIT {PIECE}"
    while piece := [case_id for (case_id,) in db.execute(sql, (*given, last)).fetchall()]:
        yield piece
        last = piece[-1]


def open_cases(db: Database) -> Iterator[Case]:
    for case_id in case_ids(db, OPEN):
        yield case(db, case_id)


def histories(db: Database, since: datetime) -> Iterator[tuple[Event, ...]]:
    for ids in _pieces(db, "changed >= ?", (stamp(since),)):
        sql = f"SELECT case_id, body FROM events WHERE case_id IN ({marks(len(ids))}) ORDER BY case_id, seq"
        for case_id, rows in groupby(db.execute(sql, ids).fetchall(), itemgetter(0)):
            yield _read(case_id, (body for _, body in rows))


def unmoved(db: Database, since: datetime) -> Iterator[CaseRow]:
    last, sql = 0, f"SELECT * FROM cases WHERE {OPEN} AND changed < ? AND id > ? ORDER BY id LIMIT {PIECE}"
    while piece := db.execute(sql, (stamp(since), last)).fetchall():
        yield from map(case_row, piece)
        last = piece[-1]["id"]


def case_rows(db: Database, *, ended: bool) -> Iterator[CaseRow]:
    return _all_newest_first(db) if ended else _open_most_urgent_first(db)


def _all_newest_first(db: Database) -> Iterator[CaseRow]:
    before = 1 << 62
    sql = f"SELECT * FROM cases WHERE id < ? ORDER BY id DESC LIMIT {PIECE}"
    while piece := db.execute(sql, (before,)).fetchall():
        yield from map(case_row, piece)
        before = piece[-1]["id"]


def _open_most_urgent_first(db: Database) -> Iterator[CaseRow]:
    after = ("", stamp(datetime.min.replace(tzinfo=UTC)), 0)
    sql = (
        f"SELECT * FROM cases WHERE {OPEN} AND (priority, due, id) > (?, ?, ?) ORDER BY priority, due, id LIMIT {PIECE}"
    )
    while piece := db.execute(sql, after).fetchall():
        yield from map(case_row, piece)
        after = (piece[-1]["priority"], piece[-1]["due"], piece[-1]["id"])
