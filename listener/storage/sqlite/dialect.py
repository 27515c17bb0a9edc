"""How SQLite does what the two stores do each in their own way: numbers, and which days a search in time must read.

One writes at a time, so nothing needs a lock. Ids are given in the order in which posts arrive; `arrivals` knows which
of them a day brought and how old the oldest of its posts is.
"""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.post import Post
from listener.storage.sql.database import Database, Parts, Row, Stretch
from listener.storage.sql.rows import COUNTED_AS, marks, stamp
from listener.storage.sql.tallies import ADDED, COLUMNS


class Sqlite:
    skip = ""
    counted = "tallies"
    count = f"INSERT INTO tallies ({COLUMNS}) VALUES ({marks(7)}) {ADDED}"

    def searched(self, part: str) -> str:
        return "mentions m CROSS JOIN posts p ON p.id = m.post LEFT JOIN cases c ON c.id = m.case_id"

    def posts(self, part: str) -> str:
        return "posts"

    def parts(self, db: Database, posts: Sequence[int]) -> Parts:
        return dict.fromkeys(posts, "")

    def tracks(self, db: Database, where: Stretch) -> Sequence[Sequence[str]]:
        return (("",),)

    def among(self, column: str, ids: Sequence[int]) -> tuple[str, tuple[Any, ...]]:
        return f"{column} IN ({','.join(map(str, ids))})", ()

    def post_ids(self, db: Database, source: str, ids: Sequence[str], at: str) -> range:
        first = next_id(db, "posts")
        return range(first, first + len(ids))

    def post(self, db: Database, source: str, id_: str) -> Row | None:
        sql = "SELECT * FROM posts WHERE source = ? AND external_id = ?"
        row: Row | None = db.execute(sql, (source, id_)).fetchone()
        return row

    def there(self, db: Database, source: str, ids: Sequence[str]) -> list[Any]:
        sql = "SELECT external_id, fingerprint, state FROM posts WHERE source = ? AND external_id IN"
        return db.execute(f"{sql} ({marks(len(ids))})", (source, *ids)).fetchall()

    def case_id(self, db: Database) -> int:
        return int(db.execute("SELECT coalesce(max(id), 0) + 1 FROM cases").fetchone()[0])

    def alone(self, db: Database, brands: Iterable[str]) -> None:
        """The whole file is ours already."""

    def ours(self, db: Database, lease: str) -> None:
        """Who turns the crank is the only one."""

    def arrived(self, db: Database, at: datetime, ids: Sequence[int], posts: Iterable[Post]) -> None:
        _day(db, at)
        oldest = min(min(post.created or at, at) for post in posts)
        sql = "UPDATE arrivals SET last = ?, oldest = min(oldest, ?) WHERE day = ?"
        db.execute(sql, (ids[-1], stamp(oldest), stamp(at)[:10]))

    def changed(self, db: Database, at: datetime, row: Row, post: Post) -> None:
        _day(db, at)
        if post.created:
            sql = "UPDATE arrivals SET oldest = min(oldest, ?) WHERE day = ?"
            db.execute(sql, (stamp(post.created), row["heard"][:10]))

    def late(self, db: Database, at: datetime, post: int) -> None:
        _day(db, at)
        sql = "UPDATE arrivals SET earliest = min(coalesce(earliest, ?1), ?1) WHERE day = ?2"
        db.execute(sql, (post, stamp(at)[:10]))

    def counts(self, db: Database, since: datetime, until: datetime) -> Mapping[tuple[str, str], int]:
        rows = db.execute(
            f"SELECT brand, {COUNTED_AS}, count(*) FROM mentions WHERE id >= (SELECT min(first_mention) FROM arrivals"
            " WHERE day >= ?) AND heard >= ? AND heard <= ? GROUP BY 1, 2",
            (stamp(since)[:10], stamp(since), stamp(until)),
        )
        return {(brand, verdict): count for brand, verdict, count in rows}

    def size(self, db: Database) -> int:
        return _pragma(db, "page_count") * _pragma(db, "page_size")

    def room(self, db: Database) -> int | None:
        """What its disk has left, and what was freed within the file."""
        file = str(db.execute("PRAGMA database_list").fetchone()[2])
        try:
            left = shutil.disk_usage(Path(file).parent).free if file else None
        except OSError:
            return 0  # its directory is gone
        return None if left is None else left + _pragma(db, "freelist_count") * _pragma(db, "page_size")

    def arrivals(self, db: Database, since: datetime) -> Mapping[str, int]:
        rows = db.execute(
            "SELECT source, count(*) FROM posts WHERE id >= (SELECT min(first) FROM arrivals WHERE day >= ?)"
            " AND heard >= ? GROUP BY source",
            (stamp(since)[:10], stamp(since)),
        )
        return dict(rows.fetchall())


def _day(db: Database, at: datetime) -> None:
    """Everything that comes from now on belongs to this day or to a later one."""
    db.execute(
        "INSERT INTO arrivals (day, first, last, oldest, first_mention) VALUES (?1, ?2, ?2 - 1, ?3, ?4)"
        " ON CONFLICT (day) DO NOTHING",
        (stamp(at)[:10], next_id(db, "posts"), stamp(at), next_id(db, "mentions")),
    )


def _pragma(db: Database, name: str) -> int:
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])


def next_id(db: Database, table: str) -> int:
    """Ids are never used twice, not even those of deleted rows."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    return int(row["seq"]) + 1 if row else 1
