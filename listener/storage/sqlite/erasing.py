"""Deleted upstream means gone here: text, title, address and name; times, owner, promise and outcome stay.

The row itself stays too, with its source's id and its fingerprint, so that hearing the post again does not bring it
back.
"""

import sqlite3
from collections.abc import Iterable
from datetime import datetime

from escalation import codec
from escalation.case import replay
from escalation.events import Erased
from escalation.ledger import forget, written
from listener.query import fold
from listener.storage.contract import State
from listener.storage.sqlite import indexing, ledger
from listener.storage.sqlite.rows import as_json, storable, wordless

PURGE = "purge"  # the setting that says: pages of the text index still hold words of something erased
ASKED, BEGUN = "asked", "begun"
PURGED_AT_ONCE = 200  # pages of the index rewritten by one transaction


def erase(db: sqlite3.Connection, source: str, ids: Iterable[str], at: datetime) -> int:
    """In the caller's transaction; says how many were there to be erased."""
    found = []
    for id_ in dict.fromkeys(map(storable, ids)):
        sql = "SELECT id, state FROM posts WHERE source = ? AND external_id = ? AND state <> 'erased'"
        if row := db.execute(sql, (source, id_)).fetchone():
            _erase_post(db, row["id"], State(row["state"]), f"{source}:{id_}", at)
            found.append(row["id"])
    if found:
        db.execute(
            "INSERT INTO house (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = ?",
            (PURGE, ASKED, ASKED),
        )
    return len(found)


def erase_author(db: sqlite3.Connection, handle: str, at: datetime) -> int:
    """Everything by this handle, or by this name where the source gives no handle; @ and case do not count."""
    wanted = fold(storable(handle)).lstrip("@")
    rows = db.execute(
        "SELECT source, external_id FROM posts WHERE (handle <> '' OR author <> '') AND ltrim(folded(CASE handle"
        " WHEN '' THEN author ELSE handle END), '@') = ?",
        (wanted,),
    ).fetchall()
    return sum(erase(db, row["source"], [row["external_id"]], at) for row in rows) if wanted else 0


def _erase_post(db: sqlite3.Connection, post_id: int, state: State, key: str, at: datetime) -> None:
    if state is not State.NOT_MATCHED:
        db.execute(indexing.DELETE, indexing.indexed(db, post_id))
    db.execute(
        "UPDATE posts SET state = 'erased', url = '', title = '', text = '', handle = '', author = '', parent = '',"
        " facts = '' WHERE id = ?",
        (post_id,),
    )
    db.execute("DELETE FROM post_versions WHERE post = ?", (post_id,))
    db.execute("DELETE FROM rereads WHERE post = ?", (post_id,))
    for mention in db.execute("SELECT id, case_id, reasons FROM mentions WHERE post = ?", (post_id,)).fetchall():
        db.execute(
            "UPDATE mentions SET state = 'erased', reason = '', reasons = ? WHERE id = ?",
            (wordless(mention["reasons"]), mention["id"]),
        )
        if mention["case_id"] is not None:
            _forget(db, mention["case_id"], key, at)


def _forget(db: sqlite3.Connection, case_id: int, post: str, at: datetime) -> None:
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
        "UPDATE notices SET text = ?1 WHERE key = ?2 AND text <> ?1",
        [(storable(notice.text), storable(notice.key)) for notice in said],
    )
    ledger.unsay(db, case_id, at)
    ledger.append(db, replay(timeline), [Erased(at=at, post=post)])


def purge(db: sqlite3.Connection) -> bool:
    """A step of rewriting the text index until the words of what was erased are in no page of it; True: more to do.

    Taking a row out of FTS5 only marks it; the words go when its segments are merged, a few pages in each transaction
    that keeps something (https://www.sqlite.org/fts5.html#the_merge_command).
    """
    row = db.execute("SELECT value FROM house WHERE name = ?", (PURGE,)).fetchone()
    if row is None:
        return False
    begun, before = row["value"] == BEGUN, db.total_changes
    pages = PURGED_AT_ONCE if begun else -PURGED_AT_ONCE  # negative: begin, with all segments there are now
    db.execute("INSERT INTO posts_fts (posts_fts, rank) VALUES ('merge', ?)", (pages,))
    more = not begun or db.total_changes - before >= 2
    if more:
        db.execute("UPDATE house SET value = ? WHERE name = ?", (BEGUN, PURGE))
    else:
        db.execute("DELETE FROM house WHERE name = ?", (PURGE,))
    return more
