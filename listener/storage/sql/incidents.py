"""Floods: which incident a new case belongs to, and when one begins (listener/surge.py decides)."""

from datetime import datetime, timedelta

from escalation.clock import open_incident, raised
from escalation.events import Grew, Grouped
from listener.storage.contract import Opening
from listener.storage.sql import ledger, people
from listener.storage.sql.database import Database
from listener.storage.sql.rows import stamp
from listener.surge import WEEKS, WINDOW, Surge, incident

GOING_ON = "status IN ('open', 'acknowledged')"  # once it is reported back, who complains anew speaks for themselves
_COUNT = "SELECT count(*) FROM cases WHERE brand = ? AND cause = ? AND incident = 0 AND since > ? AND since <= ?"
_BY_THEMSELVES = f"{_COUNT} AND within = 0"  # a flood of last week is not what is usual

_BEHIND = (  # CROSS: SQLite then goes from the few incidents to their customers, never through all customers
    "SELECT m.id, m.within FROM cases i CROSS JOIN cases m WHERE i.incident = 1 AND m.within = i.id"
    " AND i.status IN ('{}', '{}') AND m.within <> 0 AND m.status = '{}'"
)
_AHEAD = _BEHIND.format("open", "acknowledged", "reported")


def within(db: Database, opening: Opening, at: datetime, surge: Surge) -> int:
    """The incident that will speak for the case about to be opened; 0 when it speaks for itself."""
    subject = opening.subject
    sql = f"SELECT id FROM cases WHERE brand = ? AND cause = ? AND incident = 1 AND {GOING_ON} ORDER BY id DESC LIMIT 1"
    row = db.execute(sql, (subject.brand, subject.cause)).fetchone()
    if row:
        return int(row["id"]) if surge.goes_on(_count(db, _COUNT, opening, subject.since) + 1) else 0
    recent = _count(db, _BY_THEMSELVES, opening, subject.since) + 1
    if surge.is_one(recent, ()) and surge.is_one(recent, _usual(db, opening)):
        return _begin(db, opening, recent, at)
    return 0


def grown(db: Database, incident_id: int, by: int, worst: Opening, at: datetime) -> None:
    """One event for all the customers of a page."""
    case = ledger.case(db, incident_id)
    higher = worst.subject.priority < case.subject.priority
    worse = raised(case, worst.subject, worst.policy, at, people.away(db, at)) if higher else ()
    ledger.append(db, case, [Grew(at=at, by=by), *worse])


def unanswered(db: Database, limit: int) -> tuple[tuple[int, int], ...]:
    """Customers who were not told yet that their incident was reported back; or that it goes on after all."""
    rows = db.execute(f"{_BEHIND.format('reported', 'closed', 'open')} UNION ALL {_AHEAD} LIMIT ?", (limit,))
    return tuple((row["id"], row["within"]) for row in rows.fetchall())


def _begin(db: Database, opening: Opening, recent: int, at: datetime) -> int:
    """The incident, and in it all the cases of this window that nobody has taken yet."""
    number = db.dialect.case_id(db)
    about = incident(opening.subject, recent, at)
    opened = ledger.append(db, None, [open_incident(number, about, opening.policy, at, people.away(db, at))])
    sql = (
        "SELECT id FROM cases WHERE brand = ? AND cause = ? AND incident = 0 AND within = 0 AND status = 'open'"
        " AND since > ? AND since <= ? ORDER BY id"
    )
    subject = opening.subject
    window = stamp(subject.since - WINDOW), stamp(subject.since)
    rows = db.execute(sql, (subject.brand, subject.cause, *window)).fetchall()
    waiting = [case for row in rows if not (case := ledger.case(db, row["id"])).taken]
    for case in waiting:
        ledger.append(db, case, [Grouped(at=at, within=number)])
    ledger.append(db, opened, [Grew(at=at, by=len(waiting))])
    return number


def _count(db: Database, sql: str, opening: Opening, until: datetime) -> int:
    given = (opening.subject.brand, opening.subject.cause, stamp(until - WINDOW), stamp(until))
    return int(db.execute(sql, given).fetchone()[0])


def _usual(db: Database, opening: Opening) -> list[int]:
    """Weeks before the first case of all do not count as quiet ones."""
    first = db.execute("SELECT opened FROM cases ORDER BY id LIMIT 1").fetchone()
    weeks = [opening.subject.since - timedelta(weeks=week) for week in range(1, WEEKS + 1)]
    return [
        _count(db, _BY_THEMSELVES, opening, week) for week in weeks if first and stamp(week - WINDOW) >= first["opened"]
    ]
