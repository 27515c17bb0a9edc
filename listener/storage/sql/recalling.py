"""What was done before: in cases like this one, for this customer, with the guard's advice."""

from datetime import datetime

from listener.storage.contract import CaseRow
from listener.storage.sql.database import Database
from listener.storage.sql.rows import case_row, stamp, storable

_SIMILAR = (
    "SELECT id FROM cases WHERE brand = ? AND cause = ? AND opened >= ? AND severity BETWEEN ? AND ?"
    " AND outcome <> '' AND incident = 0 ORDER BY opened DESC, id DESC LIMIT ?"
)


def similar(
    db: Database, brand: str, cause: str, severity: tuple[int, int], since: datetime, limit: int
) -> tuple[int, ...]:
    given = (storable(brand), storable(cause), stamp(since), *severity, limit)
    return tuple(id_ for (id_,) in db.execute(_SIMILAR, given))


def under_way(db: Database, customer: str) -> tuple[CaseRow, ...]:
    sql = "SELECT * FROM cases WHERE customer = ? AND customer <> '' AND status = 'acknowledged' ORDER BY id LIMIT 20"
    return tuple(map(case_row, db.execute(sql, (storable(customer),)).fetchall()))


def guarded(db: Database, choices: tuple[tuple[str, bool], ...], at: datetime) -> None:
    rows = [(fault, stamp(at), accepted) for fault, accepted in choices]
    db.executemany("INSERT INTO guarded (fault, at, accepted) VALUES (?, ?, ?)", rows)


def guard_choices(db: Database, since: datetime, until: datetime) -> dict[str, tuple[int, int]]:
    sql = (
        "SELECT fault, sum(accepted) AS taken, count(*) - sum(accepted) AS left FROM guarded"
        " WHERE at >= ? AND at < ? GROUP BY fault ORDER BY fault"
    )
    return {row["fault"]: (row["taken"], row["left"]) for row in db.execute(sql, (stamp(since), stamp(until)))}
