"""How PostgreSQL does what the two stores do each in their own way: numbers, locks, and who finds a post by its name.

Any number of processes write at once. A row that somebody else is taking is passed over; who opens or joins cases of a
brand is alone with that brand for the rest of the transaction; a post that two have heard is one by its key.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from hashlib import blake2b
from typing import Any

from connectors.post import Post
from listener.storage.contract import State
from listener.storage.postgres import leases, months
from listener.storage.sql.database import Database, Parts, Row, Stretch
from listener.storage.sql.rows import COUNTED_AS, marks, stamp
from listener.storage.sql.tallies import COLUMNS

_POST = (
    "SELECT p.* FROM post_keys k JOIN posts p ON p.id = k.post AND p.heard = k.heard"
    " WHERE k.source = ? AND k.digest = ?"
)
_THERE = (
    "SELECT k.digest, coalesce(p.fingerprint, '') AS fingerprint, coalesce(p.state, ?) AS state FROM post_keys k"
    " LEFT JOIN posts p ON p.id = k.post AND p.heard = k.heard WHERE k.source = ? AND k.digest = ANY(?)"
)
_NAME = (
    "INSERT INTO post_keys (source, digest, heard) SELECT ?, d, ?::timestamptz"
    " FROM unnest(?) WITH ORDINALITY AS n (d, place) ORDER BY place RETURNING digest, post"
)
_ARRIVED = (
    "INSERT INTO arrivals (day, backend, first, last, oldest) VALUES (?, pg_backend_pid(), ?, ?, ?)"
    " ON CONFLICT (day, backend) DO UPDATE SET first = least(arrivals.first, excluded.first),"
    " last = greatest(arrivals.last, excluded.last), oldest = least(arrivals.oldest, excluded.oldest)"
)
_LATE = (
    "INSERT INTO arrivals (day, backend, first, last, oldest, earliest) VALUES (?, pg_backend_pid(), ?, 0, ?, ?)"
    " ON CONFLICT (day, backend) DO UPDATE SET earliest = least(arrivals.earliest, excluded.earliest)"
)


class Postgres:
    skip = " FOR UPDATE OF n SKIP LOCKED"
    counted = f"(SELECT {COLUMNS} FROM tallies UNION ALL SELECT {COLUMNS} FROM tally_changes) AS tallies"
    count = f"INSERT INTO tally_changes ({COLUMNS}) VALUES ({marks(7)})"  # waits for nobody; see folding.py

    def __init__(self) -> None:
        self.worker = leases.NOBODY  # until it is known
        self._months = set[date]()  # known to be there

    def among(self, column: str, ids: Sequence[int]) -> tuple[str, tuple[Any, ...]]:
        """One statement, whatever the ids: planning a join of many partitions takes longer than making it."""
        return f"{column} = ANY(?)", (list(ids),)

    def searched(self, part: str) -> str:
        """A month's mentions and posts by their names: joined through the whole tables, each mention would be looked
        for in every month."""
        match part:
            case "":
                mentions = "mentions m"
            case months.STRAYS:
                mentions = "strays s JOIN mentions m ON m.post = s.post AND m.heard = s.heard"
            case _:
                mentions = f"{months.name('mentions', part)} m"
        return f"{mentions} JOIN {self.posts(part)} p ON p.id = m.post LEFT JOIN cases c ON c.id = m.case_id"

    def posts(self, part: str) -> str:
        return months.name("posts", part) if part not in ("", months.STRAYS) else "posts"

    def parts(self, db: Database, posts: Sequence[int]) -> Parts:
        heard = dict(db.execute("SELECT id, heard FROM posts WHERE id = ANY(?)", (list(posts),)).fetchall())
        apart = months.strays(db, posts)
        return {post: "" if post in apart or post not in heard else months.part(heard[post]) for post in posts}

    def tracks(self, db: Database, where: Stretch) -> Sequence[Sequence[str]]:
        """A month may begin on one host while another still writes in the one before, so their ids may be mixed; those
        of every second month never are."""
        there = months.within(db, where)
        strays = [[months.STRAYS]] if months.any_stray(db) else []
        return [there[0::2], there[1::2], *strays]

    def post_ids(self, db: Database, source: str, ids: Sequence[str], at: str) -> list[int]:
        self.month(db, at)
        digests = [digest(id_) for id_ in ids]
        named = dict(db.execute(_NAME, (source, at, digests)).fetchall())
        return [named[each] for each in digests]

    def month(self, db: Database, at: str) -> None:
        """That something heard then can be kept."""
        wanted = date(int(at[:4]), int(at[5:7]), 1)
        if wanted not in self._months:
            months.make(db, wanted)
            self._months = self._months | {wanted} if len(self._months) < 100 else {wanted}

    def post(self, db: Database, source: str, id_: str) -> Row | None:
        row: Row | None = db.execute(_POST, (source, digest(id_))).fetchone()
        return row

    def there(self, db: Database, source: str, ids: Sequence[str]) -> list[Any]:
        names = {digest(id_): id_ for id_ in ids}
        rows = db.execute(_THERE, (State.ERASED, source, list(names))).fetchall()
        return [
            {"external_id": names[found], "fingerprint": fingerprint, "state": state}
            for found, fingerprint, state in rows
        ]

    def case_id(self, db: Database) -> int:
        return int(db.execute("SELECT nextval('cases_id')").fetchone()[0])

    def alone(self, db: Database, brands: Iterable[str]) -> None:
        for brand in sorted(brands):
            db.execute("SELECT pg_advisory_xact_lock(hashtextextended(?, 1))", (brand,))

    def ours(self, db: Database, lease: str) -> None:
        leases.ours(db, lease, self.worker)

    def arrived(self, db: Database, at: datetime, ids: Sequence[int], posts: Iterable[Post]) -> None:
        oldest = min(min(post.created or at, at) for post in posts)
        db.execute(_ARRIVED, (stamp(at)[:10], min(ids), max(ids), stamp(oldest)))

    def changed(self, db: Database, at: datetime, row: Row, post: Post) -> None:
        self.month(db, stamp(at))
        if post.created:
            db.execute(_ARRIVED, (row["heard"][:10], row["id"], row["id"], stamp(post.created)))

    def late(self, db: Database, at: datetime, post: int) -> None:
        """Where nothing has arrived that day, its row says that nothing has."""
        db.execute(_LATE, (stamp(at)[:10], 1 << 62, stamp(at), post))
        months.find_strays(db, "p.id = ?", (post,))

    def counts(self, db: Database, since: datetime, until: datetime) -> Mapping[tuple[str, str], int]:
        sql = f"SELECT brand, {COUNTED_AS}, count(*) FROM mentions WHERE heard BETWEEN ? AND ? GROUP BY 1, 2"
        return {(brand, verdict): count for brand, verdict, count in db.execute(sql, (stamp(since), stamp(until)))}

    def size(self, db: Database) -> int:
        return int(db.execute("SELECT pg_database_size(current_database())").fetchone()[0])

    def room(self, db: Database) -> int | None:
        return None

    def arrivals(self, db: Database, since: datetime) -> Mapping[str, int]:
        sql = "SELECT source, count(*) FROM posts WHERE heard >= ? GROUP BY source"
        return dict(db.execute(sql, (stamp(since),)).fetchall())


def digest(id_: str) -> bytes:
    """What a source calls a post, in sixteen bytes."""
    return blake2b(id_.encode(), digest_size=16).digest()
