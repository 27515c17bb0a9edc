"""The partitions: one of each table for each month in which something was heard."""

from datetime import date, datetime

from listener.storage.sql.database import Database

PARTED = ("posts", "post_words", "mentions")


def name(table: str, month: date) -> str:
    return f"{table}_{month:%Y_%m}"


def first(at: datetime | date) -> date:
    return date(at.year, at.month, 1)


def following(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def make(db: Database, month: date) -> None:
    """Nothing when it is there. Others wait for a moment, once a month."""
    if db.execute("SELECT to_regclass(?)", (name(PARTED[-1], month),)).fetchone()[0] is not None:
        return
    db.execute("SELECT pg_advisory_xact_lock(hashtextextended('months', 0))")
    for table in PARTED:
        db.execute(
            f"CREATE TABLE IF NOT EXISTS {name(table, month)} PARTITION OF {table}"
            f" FOR VALUES FROM ('{month}') TO ('{following(month)}')"
        )


def there(db: Database) -> list[date]:
    """The months there are, the oldest first."""
    rows = db.execute(
        "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = 'posts'::regclass"
    ).fetchall()
    return sorted(date(int(found[-7:-3]), int(found[-2:]), 1) for (found,) in rows)
