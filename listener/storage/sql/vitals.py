"""How the house is, in one read that is cheap enough for every few seconds: what is open, late, owed and heard."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from listener.storage.contract import HEARD, UNHEARD, OpenCases, OwedNotices, Vitals
from listener.storage.sql.database import Database
from listener.storage.sql.listening import gauges, mark, sources
from listener.storage.sql.rows import OPEN, moment, moment_or_none, stamp

SOON = timedelta(hours=1)  # a deadline this near is at risk
NEWEST = 5_000  # notices among which the cards of the last hours are looked for: by their numbers, without an index


def vitals(db: Database, now: datetime) -> Vitals:
    return Vitals(
        awake=_awake(db),
        open=_open(db, now),
        overdue_since=moment_or_none(_one(db, f"SELECT min(due) FROM cases WHERE {OPEN} AND due < ?", stamp(now))),
        promises_at_risk=_at_risk(db, now),
        owed=_owed(db, now),
        given_up=int(_one(db, "SELECT count(*) FROM notices WHERE sent_at IS NULL AND dead = 1")),
        card_lags=_card_lags(db),
        sources=sources(db),
        polls=_polls(db),
        mentions=_mentions(db),
        gauges=gauges(db),
        size=db.dialect.size(db),
        room=db.dialect.room(db),
        unheard_since=_unheard(db),
    )


_NEW = f"(SELECT * FROM notices ORDER BY id DESC LIMIT {NEWEST}) AS newest"


def _one(db: Database, sql: str, *given: Any) -> Any:
    return db.execute(sql, given).fetchone()[0]


def _awake(db: Database) -> datetime | None:
    row = db.execute("SELECT value FROM house WHERE name = 'awake'").fetchone()
    return moment(row[0]) if row else None


def _unheard(db: Database) -> datetime | None:
    heard, unheard = mark(db, HEARD), mark(db, UNHEARD)
    return unheard if unheard and (heard is None or unheard > heard) else None


def _open(db: Database, now: datetime) -> tuple[OpenCases, ...]:
    sql = (
        "SELECT brand, status, priority, count(*), sum(CASE WHEN due < ? THEN 1 ELSE 0 END) FROM cases"
        f" WHERE {OPEN} GROUP BY brand, status, priority ORDER BY brand, status, priority"
    )
    rows = db.execute(sql, (stamp(now),)).fetchall()
    return tuple(
        OpenCases(brand, status, priority, int(all_), int(late)) for brand, status, priority, all_, late in rows
    )


def _at_risk(db: Database, now: datetime) -> int:
    sql = f"SELECT count(*) FROM cases WHERE {OPEN} AND promise <> '' AND coalesce(deadline, due) < ?"
    return int(_one(db, sql, stamp(now + SOON)))


def _owed(db: Database, now: datetime) -> OwedNotices:
    """What is put off until its time counts as waiting, not as late."""
    waiting = "sent_at IS NULL AND dead = 0"
    count, failing = db.execute(
        f"SELECT count(*), sum(CASE WHEN error <> '' AND attempts > 0 THEN 1 ELSE 0 END) FROM notices WHERE {waiting}"
    ).fetchone()
    late = f"SELECT min(owed_at) FROM notices WHERE {waiting} AND (next_try <= ? OR (error <> '' AND attempts > 0))"
    return OwedNotices(int(count), int(failing or 0), moment_or_none(_one(db, late, stamp(now))))


def _card_lags(db: Database) -> tuple[timedelta, ...]:
    """From when the customer wrote to the first card of each case, of the newest notices."""
    sql = (
        f"SELECT c.since, min(n.sent_at) FROM {_NEW.replace('newest', 'n')} JOIN cases c ON c.id = n.case_id"
        " WHERE n.kind = 'card' AND n.sent_at IS NOT NULL AND n.seq <= 1 GROUP BY c.id, c.since"
    )
    return tuple(max(moment(sent) - moment(since), timedelta()) for since, sent in db.execute(sql) if since)


def _polls(db: Database) -> Mapping[tuple[str, str], int]:
    sql = "SELECT source, hearing, sum(polls) FROM coverage GROUP BY source, hearing"
    return {(source, hearing): int(polls) for source, hearing, polls in db.execute(sql)}


def _mentions(db: Database) -> Mapping[tuple[str, str], int]:
    sql = f"SELECT brand, verdict, sum(mentions) FROM {db.dialect.counted} WHERE facet = 'day' GROUP BY brand, verdict"
    return {(brand, verdict): int(count) for brand, verdict, count in db.execute(sql)}
