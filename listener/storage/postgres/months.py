"""The partitions: one of each table for each month in which something was heard."""

from dataclasses import replace
from datetime import date, datetime

from listener.storage.contract import Balance
from listener.storage.sql.database import Database
from listener.storage.sql.rows import OPEN
from listener.storage.sql.tallies import DAY, FACETS, HOUR, recount

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


def retire(db: Database, before: date) -> tuple[date, ...]:
    """Drops what was heard before the month of `before`, oldest month first, up to the first in which an open case has
    a post. What was dropped stays counted, and a post that is heard again is known by its key."""
    gone = []
    for month in there(db):
        if month >= first(before) or _open(db, month):
            break
        _drop(db, month)
        gone.append(month)
    return tuple(gone)


def _open(db: Database, month: date) -> bool:
    sql = f"SELECT 1 FROM {name('mentions', month)} m JOIN cases c ON c.id = m.case_id WHERE c.{OPEN} LIMIT 1"
    return db.execute(sql).fetchone() is not None


def _drop(db: Database, month: date) -> None:
    posts = f"SELECT id FROM {name('posts', month)}"
    theirs = f"(SELECT * FROM mentions WHERE post IN ({posts}))"  # an edit may have added one in a later month
    count = "INSERT INTO retired (month, what, source, state, count)"
    heard = name("posts", month)
    db.execute(f"{count} SELECT ?, 'posts', source, state, count(*) FROM {heard} GROUP BY source, state", (month,))
    db.execute(f"{count} SELECT ?, 'mentions', '', state, count(*) FROM {theirs} m GROUP BY state", (month,))
    for facet in (HOUR, DAY, *FACETS):
        counted = recount(facet).replace("FROM mentions m", f"FROM {theirs} m")
        db.execute(
            f"UPDATE tallies t SET mentions = t.mentions - r.n, severity = t.severity - r.s FROM ({counted})"
            " AS r (facet, value, brand, verdict, at, n, s) WHERE (t.facet, t.value, t.brand, t.verdict, t.at)"
            " = (r.facet, r.value, r.brand, r.verdict, r.at)"
        )
    for table in ("rereads", "reaches", "post_versions", "mentions"):
        db.execute(f"DELETE FROM {table} WHERE post IN ({posts})")
    for table in PARTED:
        db.execute(f"DROP TABLE {name(table, month)}")


def with_retired(db: Database, balance: Balance) -> Balance:
    """What was dropped for its age is in the state it ended in."""
    posts = {source: dict(states) for source, states in balance.posts.items()}
    mentions = dict(balance.mentions)
    sql = "SELECT what, source, state, sum(count)::bigint FROM retired GROUP BY what, source, state"
    for what, source, state, count in db.execute(sql).fetchall():
        states = posts.setdefault(source, {}) if what == "posts" else mentions
        states[state] = states.get(state, 0) + count
    return replace(balance, posts=posts, mentions=mentions)
