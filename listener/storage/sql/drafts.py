"""Forms that were closed unsent. They may quote a customer: kept for a week, and gone with what they quote."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from listener.storage.sql.database import Database
from listener.storage.sql.rows import as_json, stamp, storable

KEPT = timedelta(days=7)
EACH = 50  # drafts of one person


def keep(db: Database, person: str, case: int, form: str, given: Mapping[str, str], at: datetime) -> None:
    db.execute(
        "INSERT INTO drafts (person, case_id, form, given, at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (person, case_id, form) DO UPDATE SET given = excluded.given, at = excluded.at",
        (storable(person), case, form, storable(as_json(dict(given))), stamp(at)),
    )
    db.execute("DELETE FROM drafts WHERE at < ?", (stamp(at - KEPT),))
    db.execute(
        "DELETE FROM drafts WHERE person = ? AND at <"
        " (SELECT min(at) FROM (SELECT at FROM drafts WHERE person = ? ORDER BY at DESC LIMIT ?) AS newest)",
        (storable(person), storable(person), EACH),
    )


def of(db: Database, person: str, case: int, form: str, now: datetime) -> Mapping[str, str]:
    row = db.execute(
        "SELECT given FROM drafts WHERE person = ? AND case_id = ? AND form = ? AND at >= ?",
        (storable(person), case, form, stamp(now - KEPT)),
    ).fetchone()
    return json.loads(row["given"]) if row else {}


def drop(db: Database, person: str, case: int, form: str) -> None:
    wanted = (storable(person), case, form)
    db.execute("DELETE FROM drafts WHERE person = ? AND case_id = ? AND form = ?", wanted)


def forget(db: Database, case: int) -> None:
    """Of everybody; and of matters that somebody was about to bring, which may quote the same post."""
    db.execute("DELETE FROM drafts WHERE case_id IN (?, 0)", (case,))
