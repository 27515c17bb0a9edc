"""Which posts are to be looked at again, and when (listener/rereading.py decides)."""

from collections.abc import Iterable
from datetime import datetime

from listener.rereading import next_look
from listener.storage.contract import Batch
from listener.storage.sql.database import Database
from listener.storage.sql.rows import OPEN, marks, moment, stamp, storable

_PLAN = "INSERT INTO rereads (post, source, due) VALUES (?, ?, ?) ON CONFLICT (post) DO UPDATE SET due = excluded.due"


def plan(db: Database, batch: Batch, posts: Iterable[int]) -> None:
    """New posts of a source that can be asked again."""
    due = next_look(batch.at, batch.at, open_case=True)
    db.executemany(_PLAN, [(post, batch.source, stamp(due)) for post in posts if due])


def due(db: Database, source: str, now: datetime, limit: int) -> tuple[str, ...]:
    sql = (
        "SELECT p.external_id FROM rereads r JOIN posts p ON p.id = r.post WHERE r.source = ? AND r.due <= ?"
        " ORDER BY r.due LIMIT ?"
    )
    return tuple(id_ for (id_,) in db.execute(sql, (source, stamp(now), limit)).fetchall())


def looked_at(db: Database, batch: Batch) -> None:
    if not batch.reread:
        return
    ids = [storable(id_) for id_ in batch.reread]
    rows = db.execute(
        "SELECT r.post, p.heard, EXISTS (SELECT 1 FROM mentions m JOIN cases c ON c.id = m.case_id WHERE m.post = p.id"
        f" AND c.{OPEN}) AS open FROM rereads r JOIN posts p ON p.id = r.post WHERE r.source = ?"
        f" AND p.external_id IN ({marks(len(ids))})",
        (batch.source, *ids),
    ).fetchall()
    for row in rows:
        again = next_look(moment(row["heard"]), batch.at, open_case=bool(row["open"]))
        if again:
            db.execute(_PLAN, (row["post"], batch.source, stamp(again)))
        else:
            db.execute("DELETE FROM rereads WHERE post = ?", (row["post"],))
