"""The thread that a mention stands in, as far as its posts were kept: up to what began it, and down again."""

from listener.storage.contract import MentionRow
from listener.storage.sql.database import Database
from listener.storage.sql.rows import MENTION, marks, mention_row

HIGHEST = 20  # posts above it


def of_mention(db: Database, mention: int, limit: int) -> tuple[MentionRow, ...]:
    sql = (
        "SELECT m.brand, p.source, p.external_id, p.parent FROM mentions m JOIN posts p ON p.id = m.post"
        " WHERE m.id = ? AND m.state <> 'erased'"
    )
    row = db.execute(sql, (mention,)).fetchone()
    if row is None:
        return ()
    brand, source, key, parent = row
    ids = _below(db, source, _top(db, source, key, parent), limit)
    sql = f"SELECT {MENTION} FROM mentions m JOIN posts p ON p.id = m.post WHERE m.brand = ? AND m.state <> 'erased'"
    rows = db.execute(f"{sql} AND m.post IN ({marks(len(ids))})", (brand, *ids)).fetchall() if ids else []
    found = [mention_row(one) for one in rows]
    return tuple(sorted(found, key=lambda one: (min(one.created or one.heard, one.heard), one.id)))


def _top(db: Database, source: str, key: str, parent: str) -> str:
    """The id of what began the thread; that post itself may never have been kept."""
    for _ in range(HIGHEST):
        if not parent:
            break
        key = parent
        above = db.dialect.post(db, source, key)
        parent = str(above["parent"]) if above else ""
    return key


def _below(db: Database, source: str, top: str, limit: int) -> list[int]:
    """Ids of posts, the top one's too, level by level."""
    first = db.dialect.post(db, source, top)
    found, level = [first["id"]] if first else [], [top]
    while level and len(found) < limit:
        sql = "SELECT id, external_id FROM posts WHERE source = ? AND parent <> '' AND parent IN"
        rows = db.execute(f"{sql} ({marks(len(level))}) ORDER BY id LIMIT ?", (source, *level, limit)).fetchall()
        fresh = [one for one in rows if one["id"] not in found]
        found += [one["id"] for one in fresh]
        level = [one["external_id"] for one in fresh][:500]
    return found[:limit]
