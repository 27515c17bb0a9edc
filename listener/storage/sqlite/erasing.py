"""Deleted upstream means gone here: text, title, address and name; times, owner, promise and outcome stay."""

import json
import sqlite3
from collections.abc import Iterable
from datetime import datetime

from escalation import codec
from escalation.case import replay
from escalation.events import Erased
from escalation.ledger import forget
from listener.query import index_text
from listener.storage.contract import State
from listener.storage.sqlite import ledger
from listener.storage.sqlite.rows import as_json, storable


def erase(db: sqlite3.Connection, source: str, ids: Iterable[str], at: datetime) -> int:
    """In the caller's transaction; says how many there were."""
    erased = 0
    for id_ in ids:
        row = db.execute(
            "SELECT * FROM posts WHERE source = ? AND external_id = ? AND state <> ?",
            (source, storable(id_), State.ERASED),
        ).fetchone()
        if row:
            _erase_post(db, row, at)
            erased += 1
    return erased


def erase_author(db: sqlite3.Connection, handle: str, at: datetime) -> int:
    rows = db.execute(
        "SELECT source, external_id FROM posts WHERE handle = ?1 OR (author = ?1 AND author <> '')", (storable(handle),)
    ).fetchall()
    return sum(erase(db, row["source"], [row["external_id"]], at) for row in rows)


def _erase_post(db: sqlite3.Connection, row: sqlite3.Row, at: datetime) -> None:
    if row["state"] != State.NOT_MATCHED:
        body = index_text(f"{row['title']}\n{row['text']}")
        db.execute("INSERT INTO posts_fts (posts_fts, rowid, body) VALUES ('delete', ?, ?)", (row["id"], body))
    db.execute(
        "UPDATE posts SET state = ?, url = '', title = '', text = '', handle = '', author = '', followers = NULL,"
        " parent = '' WHERE id = ?",
        (State.ERASED, row["id"]),
    )
    db.execute("DELETE FROM versions WHERE post = ?", (row["id"],))
    key = f"{row['source']}:{row['external_id']}"
    for mention in db.execute("SELECT id, case_id, reasons FROM mentions WHERE post = ?", (row["id"],)).fetchall():
        _erase_mention(db, mention, key, at)


def _erase_mention(db: sqlite3.Connection, mention: sqlite3.Row, post: str, at: datetime) -> None:
    reasons = [{**reason, "words": "", "start": -1, "end": -1} for reason in json.loads(mention["reasons"])]
    db.execute(
        "UPDATE mentions SET state = ?, reasons = ? WHERE id = ?", (State.ERASED, as_json(reasons), mention["id"])
    )
    if mention["case_id"] is not None:
        _forget_in_case(db, mention["case_id"], post, at)


def _forget_in_case(db: sqlite3.Connection, case_id: int, post: str, at: datetime) -> None:
    """The timeline keeps its facts and loses the words; that something was erased becomes a fact of its own."""
    timeline = ledger.timeline(db, case_id)
    db.executemany(
        "UPDATE events SET body = ? WHERE case_id = ? AND seq = ?",
        [
            (as_json(codec.encode(forget(event, post))), case_id, seq)
            for seq, event in enumerate(timeline, 1)
            if forget(event, post) != event
        ],
    )
    db.execute(
        "UPDATE notices SET text = 'Said again elsewhere.' WHERE case_id = ? AND seq IN"
        " (SELECT seq FROM events WHERE case_id = ? AND kind = 'Joined')",
        (case_id, case_id),
    )
    ledger.append(db, replay(ledger.timeline(db, case_id)), [Erased(at=at, post=post)])
