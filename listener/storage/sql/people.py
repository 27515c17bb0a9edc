"""Who said that they are away, and until when; who dealt with whom."""

from datetime import datetime

from listener.storage.sql.database import Database
from listener.storage.sql.rows import moment, stamp, storable


def away(db: Database, now: datetime) -> frozenset[str]:
    return frozenset(absences(db, now))


def absences(db: Database, now: datetime) -> dict[str, datetime]:
    rows = db.execute("SELECT person, until FROM aways WHERE until > ?", (stamp(now),)).fetchall()
    return {person: moment(until) for person, until in rows}


def known_to(db: Database, brand: str, customer: str) -> str:
    """Who had this customer's last matter with the brand; "" when nobody had."""
    row = db.execute(
        "SELECT owner FROM cases WHERE brand = ? AND customer = ? AND customer <> '' ORDER BY id DESC LIMIT 1",
        (brand, storable(customer)),
    ).fetchone()
    return str(row["owner"]) if row else ""


def set_away(db: Database, person: str, until: datetime | None) -> None:
    if until is None:
        db.execute("DELETE FROM aways WHERE person = ?", (person,))
    else:
        db.execute(
            "INSERT INTO aways (person, until) VALUES (?, ?) ON CONFLICT (person) DO UPDATE SET until = excluded.until",
            (person, stamp(until)),
        )
