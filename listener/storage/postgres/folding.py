"""What is put in order now and then, so that nobody waits for it when posts are kept.

Hosts that hear one loud brand would wait for each other at the row that counts it. So each adds rows of what changes,
and one of them adds these up a minute later; whoever reads the tallies reads both.
"""

from datetime import date

from listener.storage.postgres import months
from listener.storage.sql.database import Database
from listener.storage.sql.tallies import ADDED, COLUMNS

KEY = "facet, value, brand, verdict, at"
AT_MOST = 50_000  # changes in one transaction
_FOLD = (
    f"WITH taken AS (DELETE FROM tally_changes WHERE ctid = ANY (ARRAY(SELECT ctid FROM tally_changes LIMIT {AT_MOST}))"
    f" RETURNING {COLUMNS}) INSERT INTO tallies ({COLUMNS})"
    f" SELECT {KEY}, sum(mentions), sum(severity) FROM taken GROUP BY {KEY} ORDER BY {KEY} {ADDED}"
)
# Each connection of each process has written a row for each day.
_DAYS = (
    "WITH taken AS (DELETE FROM arrivals WHERE day < ?::date - 1 AND backend <> 0"
    " RETURNING day, first, last, oldest, earliest)"
    " INSERT INTO arrivals (day, backend, first, last, oldest, earliest)"
    " SELECT day, 0, min(first), max(last), min(oldest), min(earliest) FROM taken GROUP BY day"
    " ON CONFLICT (day, backend) DO UPDATE SET first = least(arrivals.first, excluded.first),"
    " last = greatest(arrivals.last, excluded.last), oldest = least(arrivals.oldest, excluded.oldest),"
    " earliest = least(arrivals.earliest, excluded.earliest)"
)


def fold(db: Database) -> bool:
    """Adds up what was counted; True when there is more. In one transaction: readers see either, and never both."""
    db.execute("SELECT pg_advisory_xact_lock(hashtextextended('tallies', 0))")
    db.execute(_FOLD)
    return db.execute("SELECT 1 FROM tally_changes LIMIT 1").fetchone() is not None


def days(db: Database, today: str) -> None:
    """Of the days before yesterday, one row each; the strays that a version before this one did not list; and next
    month's tables, so that its first post waits for nobody."""
    months.hurry(db)
    months.make(db, months.following(months.first(date.fromisoformat(today))))
    db.execute(_DAYS, (today,))
    months.find_strays(db, "m.heard >= ?::timestamptz - interval '3 days' AND p.heard < m.heard", (today,))
