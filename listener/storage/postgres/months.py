"""The partitions: one of each table for each month in which something was heard.

A mention is in its post's month. Those that an edit brought in a later month are the strays: they stay where they are,
and a table of their own says which posts have one.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from listener.storage.contract import Balance
from listener.storage.sql.database import Database, Stretch
from listener.storage.sql.rows import OPEN
from listener.storage.sql.tallies import COLUMNS, DAY, FACETS, HOUR, recount

PARTED = ("posts", "post_words", "mentions")


HURRY = "2s"
STRAYS = "strays"  # the part of the tables that is made of them


def part(heard: date | str) -> str:
    """What tells a month's tables from those of others: 2026_03."""
    return f"{heard:%Y_%m}" if isinstance(heard, date) else f"{heard[:4]}_{heard[5:7]}"


def name(table: str, part: str) -> str:
    return f"{table}_{part}"


def first(at: datetime | date) -> date:
    return date(at.year, at.month, 1)


def following(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def hurry(db: Database) -> None:
    """A month that begins or goes needs the tables for itself, and whoever comes after us waits behind us: behind
    somebody who reads for minutes it is better to try again."""
    db.execute(f"SET LOCAL lock_timeout = '{HURRY}'")


def make(db: Database, month: date) -> None:
    """Nothing when it is there. Others wait for a moment, once a month."""
    if db.execute("SELECT to_regclass(?)", (name(PARTED[-1], part(month)),)).fetchone()[0] is not None:
        return
    db.execute("SELECT pg_advisory_xact_lock(hashtextextended('months', 0))")
    for table in PARTED:
        db.execute(
            f"CREATE TABLE IF NOT EXISTS {name(table, part(month))} PARTITION OF {table}"
            f" FOR VALUES FROM ('{month}') TO ('{following(month)}')"
        )


def there(db: Database) -> list[date]:
    """The months there are, the oldest first."""
    rows = db.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'posts'::regclass").fetchall()
    return sorted(date(int(found[-7:-3]), int(found[-2:]), 1) for (found,) in rows)


def within(db: Database, where: Stretch) -> list[str]:
    """The parts that can hold posts of this stretch, the newest first. The month after that of the highest may: of two
    hosts that wrote at the turn of a month the slower may have had the higher number."""
    since, latest = bounds(where)
    return [one for one in map(part, reversed(there(db))) if since <= one <= latest]


def bounds(where: Stretch) -> tuple[str, str]:
    """The first and the last of these parts."""
    return part(where.since) if where.since else "", part(following(_month(where.part))) if where.part else "9999_12"


def _month(part: str) -> date:
    return date(int(part[:4]), int(part[5:]), 1)


def find_strays(db: Database, where: str = "true", given: Sequence[object] = ()) -> None:
    """Of the posts p and mentions m that this holds for."""
    db.execute(
        "INSERT INTO strays (post, heard) SELECT m.post, m.heard FROM mentions m JOIN posts p ON p.id = m.post AND"
        f" date_trunc('month', p.heard, 'UTC') <> date_trunc('month', m.heard, 'UTC') WHERE {where}"
        " ON CONFLICT DO NOTHING",
        given,
    )


def strays(db: Database, posts: Sequence[int]) -> set[int]:
    """Those of these posts that have one."""
    rows = db.execute("SELECT post FROM strays WHERE post = ANY(?)", (list(posts),)).fetchall()
    return {post for (post,) in rows}


def any_stray(db: Database) -> bool:
    return db.execute("SELECT 1 FROM strays LIMIT 1").fetchone() is not None


def retire(db: Database, before: date) -> tuple[date, ...]:
    """Drops what was heard before the month of `before`, oldest month first, up to the first in which an open case has
    a post. What was dropped stays counted, and a post that is heard again is known by its key."""
    hurry(db)
    gone = []
    for month in there(db):
        if month >= first(before) or _open(db, month):
            break
        _drop(db, month)
        gone.append(month)
    return tuple(gone)


def _open(db: Database, month: date) -> bool:
    sql = f"SELECT 1 FROM {name('mentions', part(month))} m JOIN cases c ON c.id = m.case_id WHERE c.{OPEN} LIMIT 1"
    return db.execute(sql).fetchone() is not None


def _drop(db: Database, month: date) -> None:
    posts = f"SELECT id FROM {name('posts', part(month))}"
    theirs = f"(SELECT * FROM mentions WHERE post IN ({posts}))"  # an edit may have added one in a later month
    count = "INSERT INTO retired (month, what, source, state, count)"
    heard = name("posts", part(month))
    db.execute(f"{count} SELECT ?, 'posts', source, state, count(*) FROM {heard} GROUP BY source, state", (month,))
    db.execute(f"{count} SELECT ?, 'mentions', '', state, count(*) FROM {theirs} m GROUP BY state", (month,))
    for facet in (HOUR, DAY, *FACETS):
        counted = recount(facet).replace("FROM mentions m", f"FROM {theirs} m")
        db.execute(
            f"INSERT INTO tally_changes ({COLUMNS}) SELECT facet, value, brand, verdict, at, -n, -s FROM ({counted})"
            " AS r (facet, value, brand, verdict, at, n, s)"
        )
    for table in ("rereads", "reaches", "post_versions", "mentions", "strays"):
        db.execute(f"DELETE FROM {table} WHERE post IN ({posts})")
    for table in PARTED:
        db.execute(f"DROP TABLE {name(table, part(month))}")


def with_retired(db: Database, balance: Balance) -> Balance:
    """What was dropped for its age is in the state it ended in."""
    posts = {source: dict(states) for source, states in balance.posts.items()}
    mentions = dict(balance.mentions)
    sql = "SELECT what, source, state, sum(count)::bigint FROM retired GROUP BY what, source, state"
    for what, source, state, count in db.execute(sql).fetchall():
        states = posts.setdefault(source, {}) if what == "posts" else mentions
        states[state] = states.get(state, 0) + count
    return replace(balance, posts=posts, mentions=mentions)
