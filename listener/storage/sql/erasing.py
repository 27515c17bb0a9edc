"""Deleted upstream means gone here: text, title, address and name; times, owner, promise and outcome stay.

The row itself stays too, with its source's id and its fingerprint, so that hearing the post again does not bring it
back.
"""

from collections.abc import Iterable
from datetime import datetime

from escalation import codec
from escalation.case import replay
from escalation.events import Erased
from escalation.ledger import forget, written
from listener.query import fold
from listener.storage.contract import State
from listener.storage.sql import drafts, ledger
from listener.storage.sql.database import Database
from listener.storage.sql.rows import as_json, storable, wordless
from listener.storage.sql.tallies import Delta


def erase(db: Database, source: str, ids: Iterable[str], at: datetime, counted: Delta | None = None) -> int:
    """In the caller's transaction; says how many were there to be erased. `counted`: the caller writes the tallies."""
    found, less = [], counted or Delta()
    for id_ in dict.fromkeys(map(storable, ids)):
        if (row := db.dialect.post(db, source, id_)) and row["state"] != State.ERASED:
            less.stored(db, row["id"], -1)
            _erase_post(db, row["id"], State(row["state"]), f"{source}:{id_}", at)
            found.append(row["id"])
    if found:
        db.index.forgotten(db)
    if counted is None:
        less.write(db)
    return len(found)


def erase_author(db: Database, handle: str, at: datetime) -> int:
    """Everything by this handle, or by this name where the source gives no handle; @ and case do not count."""
    wanted = _name(handle)
    rows = db.execute(
        "SELECT source, external_id, handle, author FROM posts WHERE (handle <> '' OR author <> '')"
        " AND coalesce(ltrim(folded(CASE handle WHEN '' THEN author ELSE handle END), '@') = ?, true)",
        (wanted,),
    ).fetchall()
    meant = [row for row in rows if wanted and _name(row["handle"] or row["author"]) == wanted]
    return sum(erase(db, row["source"], [row["external_id"]], at) for row in meant)


def _name(handle: str) -> str:
    return fold(storable(handle)).lstrip("@")


def _erase_post(db: Database, post_id: int, state: State, key: str, at: datetime) -> None:
    if state is not State.NOT_MATCHED:
        db.index.take_out(db, post_id)
    db.execute(
        "UPDATE posts SET state = 'erased', url = '', title = '', text = '', handle = '', author = '', parent = '',"
        " facts = '' WHERE id = ?",
        (post_id,),
    )
    db.execute("DELETE FROM reaches WHERE post = ?", (post_id,))
    db.execute("DELETE FROM post_versions WHERE post = ?", (post_id,))
    db.execute("DELETE FROM rereads WHERE post = ?", (post_id,))
    for mention in db.execute("SELECT id, case_id, reasons FROM mentions WHERE post = ?", (post_id,)).fetchall():
        db.execute(
            "UPDATE mentions SET state = 'erased', reason = '', reasons = ? WHERE id = ?",
            (wordless(mention["reasons"]), mention["id"]),
        )
        if mention["case_id"] is not None:
            _forget(db, mention["case_id"], key, at)


def _forget(db: Database, case_id: int, post: str, at: datetime) -> None:
    """The timeline keeps its facts and loses the words; that something was erased becomes a fact of its own.

    What was or will be said about the case is said again from the timeline, so no notice keeps a word of it either.
    """
    timeline = [forget(event, post) for event in ledger.timeline(db, case_id)]
    db.executemany(
        "UPDATE events SET body = ? WHERE case_id = ? AND seq = ?",
        [(as_json(codec.encode(event)), case_id, seq) for seq, event in enumerate(timeline, 1)],
    )
    _, said = written(None, tuple(timeline))
    db.executemany(
        "UPDATE notices SET text = ? WHERE key = ?",
        [(storable(notice.text), storable(notice.key)) for notice in said],
    )
    ledger.unsay(db, case_id, at)
    drafts.forget(db, case_id)
    ledger.append(db, replay(timeline), [Erased(at=at, post=post)])
