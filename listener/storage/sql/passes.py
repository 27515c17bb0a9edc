"""What the web desk remembers: who may come in until when, and what was done."""

from datetime import datetime, timedelta

from listener.storage.sql.database import Database
from listener.storage.sql.rows import stamp, storable

REMEMBERED = timedelta(days=366)  # what was done


def keep(db: Database, key: str, person: str, until: datetime, now: datetime) -> None:
    db.execute("DELETE FROM passes WHERE until <= ?", (stamp(now),))
    db.execute(
        "INSERT INTO passes (key, person, until) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE"
        " SET person = excluded.person, until = excluded.until",
        (key, storable(person), stamp(until)),
    )


def of(db: Database, key: str, now: datetime) -> str | None:
    row = db.execute("SELECT person FROM passes WHERE key = ? AND until > ?", (key, stamp(now))).fetchone()
    return str(row["person"]) if row else None


def drop(db: Database, key: str, person: str) -> int:
    if key:
        return db.execute("DELETE FROM passes WHERE key = ?", (key,)).rowcount
    return db.execute("DELETE FROM passes WHERE person = ?", (storable(person),)).rowcount


def was_done(db: Database, what: str) -> bool:
    return db.execute("SELECT 1 FROM done WHERE what = ?", (storable(what),)).fetchone() is not None


def done(db: Database, what: str, at: datetime) -> None:
    db.execute("INSERT INTO done (what, at) VALUES (?, ?) ON CONFLICT (what) DO NOTHING", (storable(what), stamp(at)))
    db.execute("DELETE FROM done WHERE at < ?", (stamp(at - REMEMBERED),))
