"""Who has what: sources, due cases, the notices being said. Time is the database's, so no host's clock matters.

A lease that ended is anybody's. Whoever held it may not know: frozen, or cut off. So what is written under a lease asks
in its own transaction whether the lease still stands (`ours`), and holds it until that transaction has ended.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from listener.storage.contract import TakenOver
from listener.storage.sql.database import Database
from listener.storage.sql.rows import OPEN, stamp

NOBODY = 0
STEPPED = timedelta(seconds=30)  # for one step of a case that is due

_TAKE = (
    "INSERT INTO leases (what, holder, until) VALUES (?, ?, clock_timestamp() + ?) ON CONFLICT (what) DO UPDATE"
    " SET holder = excluded.holder, until = excluded.until"
    " WHERE leases.holder IN (0, excluded.holder) OR leases.until <= clock_timestamp() RETURNING 1"
)
# `now` follows the database's clock (ahead), and of two who step a case at once the slower changes nothing (Conflict).
_TAKE_DUE = f"""
UPDATE cases SET taken_until = ?, taken_seq = seq WHERE id IN (
  SELECT id FROM cases WHERE {OPEN} AND due <= ? AND (taken_until IS NULL OR taken_until <= ? OR taken_seq <> seq)
  ORDER BY priority, due, id LIMIT ? FOR UPDATE SKIP LOCKED)
RETURNING id, priority, due
"""


def take(db: Database, what: str, worker: int, lease: timedelta) -> bool:
    return db.execute(_TAKE, (what, worker, lease)).fetchone() is not None


def give_back(db: Database, what: str, worker: int) -> None:
    db.execute("UPDATE leases SET holder = 0 WHERE what = ? AND holder = ?", (what, worker))


def give_back_all(db: Database, worker: int) -> None:
    db.execute("UPDATE leases SET holder = 0 WHERE holder = ?", (worker,))


def renew(db: Database, worker: int, now: datetime, lease: timedelta) -> None:
    """Only what has not ended: the rest may be somebody else's at any moment."""
    sql = "UPDATE leases SET until = clock_timestamp() + ? WHERE holder = ? AND until > clock_timestamp()"
    db.execute(sql, (lease, worker))
    db.execute(
        "UPDATE notices SET next_try = greatest(next_try, ?) WHERE claimed = ? AND sent_at IS NULL AND dead = 0"
        " AND next_try > ?",
        (stamp(now + lease), worker, stamp(now)),
    )


def ours(db: Database, what: str, worker: int) -> None:
    row = db.execute("SELECT holder FROM leases WHERE what = ? FOR UPDATE", (what,)).fetchone()
    if row is None or row["holder"] != worker:
        raise TakenOver(f"{what} was taken over by another process; nothing was kept")


def take_due(db: Database, now: datetime, limit: int) -> tuple[int, ...]:
    rows = db.execute(_TAKE_DUE, (stamp(now + STEPPED), stamp(now), stamp(now), limit)).fetchall()
    return tuple(row["id"] for row in sorted(rows, key=lambda row: (row["priority"], row["due"], row["id"])))


def hold(db: Database, keys: Collection[str], worker: int) -> bool:
    sql = "SELECT count(*) FROM notices WHERE key = ANY(?) AND claimed = ? AND sent_at IS NULL"
    [(held,)] = db.execute(sql, (list(keys), worker)).fetchall()
    return bool(held == len(keys))
