"""Who said that they are away, and until when; who dealt with whom."""

import sqlite3
from datetime import datetime

from listener.storage.sqlite.rows import moment, stamp, storable


def away(db: sqlite3.Connection, now: datetime) -> frozenset[str]:
    return frozenset(absences(db, now))


def absences(db: sqlite3.Connection, now: datetime) -> dict[str, datetime]:
    rows = db.execute("SELECT person, until FROM aways WHERE until > ?", (stamp(now),)).fetchall()
    return {person: moment(until) for person, until in rows}


def known_to(db: sqlite3.Connection, brand: str, customer: str) -> str:
    """Who had this customer's last matter with the brand; "" when nobody had."""
    row = db.execute(
        "SELECT owner FROM cases WHERE brand = ? AND customer = ? AND customer <> '' ORDER BY id DESC LIMIT 1",
        (brand, storable(customer)),
    ).fetchone()
    return str(row["owner"]) if row else ""


def set_away(db: sqlite3.Connection, person: str, until: datetime | None) -> None:
    if until is None:
        db.execute("DELETE FROM aways WHERE person = ?", (person,))
    else:
        db.execute("INSERT OR REPLACE INTO aways (person, until) VALUES (?, ?)", (person, stamp(until)))
