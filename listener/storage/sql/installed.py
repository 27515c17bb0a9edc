"""The workspaces of Slack that the app is installed in; their tokens arrive sealed."""

from listener.storage.contract import Installation
from listener.storage.sql.database import Database, Row
from listener.storage.sql.rows import moment, stamp, storable

_ALL = "SELECT team, name, scopes, by, at, sealed FROM installations"


def every(db: Database) -> tuple[Installation, ...]:
    return tuple(map(_installation, db.execute(f"{_ALL} ORDER BY team").fetchall()))


def one(db: Database, team: str) -> Installation | None:
    row = db.execute(f"{_ALL} WHERE team = ?", (storable(team),)).fetchone()
    return _installation(row) if row else None


def _installation(row: Row) -> Installation:
    texts = {name: row[name] for name in ("team", "name", "scopes", "by", "sealed")}
    return Installation(**texts, at=moment(row["at"]))


def keep(db: Database, installed: Installation) -> None:
    given = tuple(map(storable, (installed.team, installed.name, installed.scopes, installed.by, installed.sealed)))
    db.execute(
        "INSERT INTO installations (team, name, scopes, by, sealed, at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (team) DO UPDATE SET name = excluded.name, scopes = excluded.scopes, by = excluded.by,"
        " sealed = excluded.sealed, at = excluded.at",
        (*given, stamp(installed.at)),
    )


def drop(db: Database, team: str) -> bool:
    return db.execute("DELETE FROM installations WHERE team = ?", (storable(team),)).rowcount > 0
