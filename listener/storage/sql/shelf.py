"""Searches that are kept, who is told of what they find, and keys that programs show."""

from datetime import datetime

from listener.storage.contract import Key, SavedSearch, Subscription, Way
from listener.storage.sql.database import Database, Row
from listener.storage.sql.rows import moment, stamp, storable


def searches(db: Database) -> tuple[SavedSearch, ...]:
    rows = db.execute("SELECT id, name, query, by, at FROM searches ORDER BY name, id").fetchall()
    return tuple(map(_search, rows))


def _search(row: Row) -> SavedSearch:
    return SavedSearch(id=row["id"], name=row["name"], query=row["query"], by=row["by"], at=moment(row["at"]))


def save_search(db: Database, name: str, query: str, by: str, at: datetime) -> int:
    given = (storable(name), storable(query), storable(by), stamp(at))
    row = db.execute("INSERT INTO searches (name, query, by, at) VALUES (?, ?, ?, ?) RETURNING id", given).fetchone()
    return int(row["id"])


def drop_search(db: Database, search: int) -> bool:
    db.execute("DELETE FROM subscriptions WHERE search = ?", (search,))
    return db.execute("DELETE FROM searches WHERE id = ?", (search,)).rowcount > 0


_SUBSCRIBED = (
    "SELECT s.id, s.name, s.query, s.by, s.at, t.id AS subscription, t.way, t.recipient, t.by AS subscriber,"
    " t.at AS since FROM subscriptions t JOIN searches s ON s.id = t.search"
)


def subscriptions(db: Database) -> tuple[Subscription, ...]:
    return tuple(map(_subscription, db.execute(f"{_SUBSCRIBED} ORDER BY t.id").fetchall()))


def _subscription(row: Row) -> Subscription:
    return Subscription(
        id=row["subscription"],
        search=_search(row),
        way=Way(row["way"]),
        to=row["recipient"],
        by=row["subscriber"],
        at=moment(row["since"]),
    )


def subscribe(db: Database, search: int, way: Way, to: str, by: str, at: datetime) -> Subscription | None:
    if db.execute("SELECT 1 FROM searches WHERE id = ?", (search,)).fetchone() is None:
        return None
    db.execute(
        "INSERT INTO subscriptions (search, way, recipient, by, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (search, way, storable(to), storable(by), stamp(at)),
    )
    sql = f"{_SUBSCRIBED} WHERE t.search = ? AND t.way = ? AND t.recipient = ?"
    return _subscription(db.execute(sql, (search, way, storable(to))).fetchone())


def unsubscribe(db: Database, subscription: int) -> bool:
    return db.execute("DELETE FROM subscriptions WHERE id = ?", (subscription,)).rowcount > 0


def keys(db: Database) -> tuple[Key, ...]:
    return tuple(map(_key, db.execute("SELECT * FROM keys ORDER BY id").fetchall()))


def _key(row: Row) -> Key:
    return Key(
        id=row["id"],
        name=row["name"],
        person=row["person"],
        at=moment(row["at"]),
        reads=bool(row["reads"]),
        brands=tuple(filter(None, row["brands"].split("\n"))),
    )


def add_key(db: Database, hashed: str, key: Key) -> int:
    sql = "INSERT INTO keys (hash, name, person, at, reads, brands) VALUES (?, ?, ?, ?, ?, ?) RETURNING id"
    brands = storable("\n".join(key.brands))
    given = (hashed, storable(key.name), storable(key.person), stamp(key.at), int(key.reads), brands)
    return int(db.execute(sql, given).fetchone()["id"])


def key_of(db: Database, key: str) -> Key | None:
    row = db.execute("SELECT * FROM keys WHERE hash = ?", (key,)).fetchone()
    return _key(row) if row else None


def drop_key(db: Database, key: int) -> bool:
    return db.execute("DELETE FROM keys WHERE id = ?", (key,)).rowcount > 0
