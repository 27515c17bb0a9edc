"""Counting what is there and finding rows that contradict each other."""

import sqlite3
from collections.abc import Mapping
from datetime import datetime

from connectors.contract import Hearing
from listener.storage.contract import Balance, Finding, Span
from listener.storage.sqlite.ledger import OPEN
from listener.storage.sqlite.rows import moment, stamp

CONTRADICTIONS = {  # check -> (rows that must not be there, what is wrong with one)
    "escalated mentions have a case": (
        "SELECT 'mention ' || id FROM mentions WHERE state IN ('escalated', 'joined to case', 'dismissed')"
        " AND case_id NOT IN (SELECT id FROM cases) OR (state = 'escalated' AND case_id IS NULL)",
        "is escalated, but its case is not there",
    ),
    "open cases have an owner and a deadline": (
        f"SELECT 'case ' || id FROM cases WHERE {OPEN} AND (owner = '' OR due IS NULL)",
        "is open without an owner or a deadline",
    ),
    "cases have a timeline": (
        "SELECT 'case ' || id FROM cases c WHERE seq <> (SELECT count(*) FROM events e WHERE e.case_id = c.id)",
        "has another number of events than its row says",
    ),
    "notices are delivered or being tried": (
        "SELECT 'notice ' || key FROM notices WHERE sent IS NULL AND next_try IS NULL",
        "was given up",
    ),
    "kept posts have a mention": (
        "SELECT 'post ' || source || ':' || external_id FROM posts p WHERE state NOT IN ('not matched', 'erased')"
        " AND NOT EXISTS (SELECT 1 FROM mentions m WHERE m.post = p.id)",
        "is kept, but no brand was found in it",
    ),
}


def balance(db: sqlite3.Connection) -> Balance:
    posts: dict[str, dict[str, int]] = {}
    for source, state, count in db.execute("SELECT source, state, count(*) FROM posts GROUP BY source, state"):
        posts.setdefault(source, {})[state] = count
    unsent = "SELECT count(*) FROM notices WHERE sent IS NULL AND next_try IS {} NULL"
    return Balance(
        fetched=dict(tuple(row) for row in db.execute("SELECT name, fetched FROM sources")),
        posts=posts,
        mentions=dict(tuple(row) for row in db.execute("SELECT state, count(*) FROM mentions GROUP BY state")),
        owed=db.execute(unsent.format("NOT")).fetchone()[0],
        undeliverable=db.execute(unsent.format("")).fetchone()[0],
        findings=tuple(_contradictions(db)),
    )


def _contradictions(db: sqlite3.Connection) -> list[Finding]:
    return [
        Finding(check=check, where=row[0], problem=problem)
        for check, (sql, problem) in CONTRADICTIONS.items()
        for row in db.execute(f"{sql} LIMIT 100")
    ]


def coverage(db: sqlite3.Connection, since: datetime, until: datetime) -> tuple[Span, ...]:
    rows = db.execute(
        "SELECT * FROM coverage WHERE until >= ? AND since <= ? ORDER BY source, id", (stamp(since), stamp(until))
    )
    return tuple(
        Span(
            source=row["source"],
            hearing=Hearing(row["hearing"]),
            since=moment(row["since"]),
            until=moment(row["until"]),
            polls=row["polls"],
            note=row["note"],
        )
        for row in rows
    )


def counts(db: sqlite3.Connection, since: datetime, until: datetime) -> Mapping[tuple[str, str], int]:
    rows = db.execute(
        "SELECT brand, verdict, count(*) FROM mentions WHERE heard >= ? AND heard <= ? GROUP BY brand, verdict",
        (stamp(since), stamp(until)),
    )
    return {(brand, verdict): count for brand, verdict, count in rows}
