"""Who said that they are away, and until when."""

import sqlite3
from datetime import datetime

from listener.storage.sqlite.rows import stamp


def away(db: sqlite3.Connection, now: datetime) -> frozenset[str]:
    rows = db.execute("SELECT person FROM aways WHERE until > ?", (stamp(now),)).fetchall()
    return frozenset(person for (person,) in rows)


def set_away(db: sqlite3.Connection, person: str, until: datetime | None) -> None:
    if until is None:
        db.execute("DELETE FROM aways WHERE person = ?", (person,))
    else:
        db.execute("INSERT OR REPLACE INTO aways (person, until) VALUES (?, ?)", (person, stamp(until)))
