"""The full-text index in SQLite: FTS5.

It has no content of its own, so to take a post out it must be told exactly what was put in
(https://www.sqlite.org/fts5.html#the_delete_command). Taking a row out only marks it; the words go when its segments
are merged, a few pages in each transaction that keeps something (https://www.sqlite.org/fts5.html#the_merge_command).
"""

from collections.abc import Iterable, Mapping, Sequence

from listener.query import Node, to_fts
from listener.storage.sql import tagging
from listener.storage.sql.database import Ask, Database, IndexRow, Parts, Stretch

INSERT = "INSERT INTO posts_fts (rowid, body, author, tags) VALUES (?, ?, ?, ?)"
DELETE = "INSERT INTO posts_fts (posts_fts, rowid, body, author, tags) VALUES ('delete', ?, ?, ?, ?)"
HITS = "SELECT rowid FROM posts_fts WHERE posts_fts MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid DESC LIMIT ?"

PURGE = "purge"  # the setting that says: pages of the index still hold words of something erased
ASKED, BEGUN = "asked", "begun"
PURGED_AT_ONCE = 200  # pages rewritten by one transaction


class Fts5:
    listed: Mapping[str, str] = {"index": "posts_fts_docsize", "post": "id"}
    doubt = ""

    def add(self, db: Database, heard: str, rows: Sequence[IndexRow]) -> None:
        db.executemany(INSERT, rows)

    def take_out(self, db: Database, post: int) -> None:
        db.execute(DELETE, tagging.indexed(db, post))

    def tidy(self, db: Database) -> None:
        """First, for the index does not merge what this transaction writes."""
        purge(db)

    def forgotten(self, db: Database) -> None:
        sql = "INSERT INTO house (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        db.execute(sql, (PURGE, ASKED))

    def expression(self, asks: Iterable[Ask]) -> str:
        each = ((column, to_fts(node).expression) for column, node in asks)
        return self.together(*(f"({column} : ({words}))" for column, words in each if words))

    def exact(self, node: Node) -> bool:
        return to_fts(node).exact

    def together(self, *expressions: str) -> str:
        return " AND ".join(filter(None, expressions))

    def hits(self, db: Database, expression: str, where: Stretch, limit: int) -> Parts:
        rows = db.execute(HITS, (expression, where.low, where.high, limit)).fetchall()
        return {post: "" for (post,) in rows}


def purge(db: Database) -> bool:
    """A step of rewriting the index until the words of what was erased are in no page of it; True: more to do."""
    row = db.execute("SELECT value FROM house WHERE name = ?", (PURGE,)).fetchone()
    if row is None:
        return False
    begun, before = row["value"] == BEGUN, _changes(db)
    pages = PURGED_AT_ONCE if begun else -PURGED_AT_ONCE  # negative: begin, with all segments there are now
    db.execute("INSERT INTO posts_fts (posts_fts, rank) VALUES ('merge', ?)", (pages,))
    more = not begun or _changes(db) - before >= 2
    if more:
        db.execute("UPDATE house SET value = ? WHERE name = ?", (BEGUN, PURGE))
    else:
        db.execute("DELETE FROM house WHERE name = ?", (PURGE,))
    return more


def _changes(db: Database) -> int:
    return int(db.execute("SELECT total_changes()").fetchone()[0])
