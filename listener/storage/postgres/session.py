"""A connection to PostgreSQL: opened, opened again when it broke, its transactions, its values and its errors.

Instants travel as the text that rows.py makes of them, truth as 0 and 1, as in the other store. PostgreSQL has no NUL
in a text; one is kept behind a character that is none (U+FDD0), so that hostile text comes back as it was.
"""

import logging
import random
import re
import select
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from time import sleep
from typing import Any, TypeVar

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.string import StrDumperUnknown

from escalation.ledger import Conflict
from listener.storage.address import shown
from listener.storage.contract import StoreDown, StoreError
from listener.storage.postgres.dialect import Postgres
from listener.storage.postgres.indexing import Tsvector

T = TypeVar("T")
log = logging.getLogger("listener")

AGAIN = 8  # times a transaction is tried that somebody else was in the way of
# A host that is frozen inside a transaction holds up the others for as long as the server waits for its next word;
# a host that is cut off is noticed by either side.
LIMITS = {
    "idle_in_transaction_session_timeout": "15s",
    "lock_timeout": "30s",
    "statement_timeout": "10min",
    "tcp_user_timeout": "15s",
    "plan_cache_mode": "force_generic_plan",  # planning a join of many partitions takes longer than making it
    "random_page_cost": "1.1",  # what is searched most is in memory, the rest on no turning disk
    "TimeZone": "UTC",
    "DateStyle": "ISO",
}
CONNECT: dict[str, str | int] = {
    "connect_timeout": 10, "keepalives_idle": 5, "keepalives_interval": 5, "keepalives_count": 2,
    "tcp_user_timeout": 15_000, "application_name": "listener",
}  # fmt: skip


class Record:
    """A row, by name or by place."""

    __slots__ = ("_places", "_values")

    def __init__(self, values: Sequence[Any], places: dict[str, int]):
        self._values, self._places = values, places

    def __getitem__(self, key: Any) -> Any:
        return self._values[self._places[key] if isinstance(key, str) else key]

    def keys(self) -> list[str]:
        return list(self._places)

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _records(cursor: "psycopg.Cursor[Any]") -> Callable[[Sequence[Any]], Record]:
    places = {column.name: place for place, column in enumerate(cursor.description or ())}
    return lambda values: Record(values, places)


@lru_cache(2_000)
def _placed(sql: str) -> str:
    """`?` is where a value goes, in both stores; no SQL of ours has one elsewhere."""
    return sql.replace("%", "%%").replace("?", "%s")


class Session:
    """What the rooms need of a store (listener/storage/sql/database.py)."""

    IntegrityError = psycopg.IntegrityError
    index = Tsvector()

    def __init__(self, url: str, dialect: Postgres):
        self.url, self.dialect = url, dialect
        self.conn = opened(url)

    def execute(self, sql: str, given: Sequence[Any] = (), /) -> "psycopg.Cursor[Any]":
        if not given:
            return self.conn.execute(sql)  # and several statements at once, when tables are made
        return self.conn.execute(_placed(sql), tuple(given))

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> "psycopg.Cursor[Any]":
        cursor = self.conn.cursor()
        cursor.executemany(_placed(sql), rows if isinstance(rows, list) else list(rows))
        return cursor

    def left(self) -> bool:
        """Has the server hung up? Then the end of its words can be read before we have asked anything."""
        if self.conn.closed:
            return True
        waiting = select.poll()
        waiting.register(self.conn.fileno(), select.POLLIN)
        return bool(waiting.poll(0))

    def reopen(self) -> None:
        self.conn.close()
        self.conn = opened(self.url)


def opened(url: str) -> "psycopg.Connection[Record]":
    """Raises psycopg.Error."""
    given = conninfo_to_dict(url)
    ours = {name: value for name, value in CONNECT.items() if name not in given}
    conn = psycopg.connect(make_conninfo(url, **ours), autocommit=True, row_factory=_records)
    _adapt(conn)
    for name, value in LIMITS.items():
        conn.execute(f"SET {name} = '{value}'")
    return conn


def _adapt(conn: "psycopg.Connection[Any]") -> None:
    conn.adapters.register_dumper(str, Text)
    conn.adapters.register_dumper(bool, Truth)
    conn.adapters.register_loader("text", TextBack)
    conn.adapters.register_loader("timestamptz", Instant)


NONE = "\ufdd0"  # no character: what follows it tells which was meant
_ESCAPED = {"\0": NONE + "0", NONE: NONE + "1"}
_MEANT = {told: char for char, told in _ESCAPED.items()}
_NO_TEXT = re.compile(f"[\0{NONE}]")
_TOLD = re.compile(f"{NONE}[01]")


class Text(StrDumperUnknown):
    """Of no type, as a literal in SQL is: an instant where one is expected, a text elsewhere."""

    def dump(self, obj: str) -> Buffer | None:
        if "\0" in obj or NONE in obj:
            obj = _NO_TEXT.sub(lambda found: _ESCAPED[found[0]], obj)
        return super().dump(obj)


class TextBack(Loader):
    def load(self, data: Buffer) -> str:
        text = str(data, "utf-8")
        return _TOLD.sub(lambda found: _MEANT[found[0]], text) if NONE in text else text


class Instant(Loader):
    """2026-05-01 09:00:00.5+00 -> 2026-05-01T09:00:00.500000+00:00"""

    def load(self, data: Buffer) -> str:
        text = str(data, "ascii")
        return f"{text[:10]}T{text[11:19]}.{text[20:-3]:0<6}+00:00"


class Truth(Dumper):
    oid = psycopg.adapters.types["int4"].oid

    def dump(self, obj: bool) -> Buffer | None:
        return b"1" if obj else b"0"


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """The driver of a lane. Any number of them may work at once."""

    url: str
    dialect: Postgres

    def connect(self) -> Session:
        try:
            return Session(self.url, self.dialect)
        except (psycopg.Error, OSError) as wrong:
            raise unreachable(self.url, wrong) from None

    def read(self, db: Session, work: Callable[[Session], T]) -> T:
        return self._translated(db, lambda: work(db))

    def write(self, db: Session, work: Callable[[Session], T]) -> T:
        """READ COMMITTED, begun again when somebody else was quicker: each time on what that one has left."""

        def write() -> T:
            for attempt in range(AGAIN):
                try:
                    return _transaction(db, work)
                except QUICKER as lost:
                    _give_way(lost, attempt)
            raise AssertionError("the last attempt returns or raises")

        return self._translated(db, write)

    def close(self, db: Session) -> None:
        db.conn.close()

    def _translated(self, db: Session, work: Callable[[], T]) -> T:
        """A connection that had broken before is opened again. When it breaks under way that is said: what was being
        written may have been, and rows that were read already may have been handed on."""
        try:
            if db.left():
                db.reopen()
            return work()
        except psycopg.OperationalError as wrong:
            if not db.conn.closed:
                raise StoreDown(f"the database did not work: {_words(wrong)}; tried again") from wrong
            raise unreachable(self.url, wrong) from wrong
        except psycopg.Error as wrong:
            raise StoreError(f"the database did not work: {_words(wrong)}; see docs/storage.md") from wrong


QUICKER = (
    psycopg.errors.SerializationFailure,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.UniqueViolation,
    Conflict,
)


def _transaction(db: Session, work: Callable[[Session], T]) -> T:
    db.conn.execute("BEGIN")
    try:
        done = work(db)
        db.conn.commit()
    except BaseException:
        if not db.conn.closed:
            db.conn.rollback()
        raise
    return done


def _give_way(lost: Exception, attempt: int) -> None:
    last = 2 if isinstance(lost, Conflict) else AGAIN - 1  # a decision about a case is better made anew
    if attempt >= last:
        raise lost
    sleep(random.uniform(0, 0.01 * 2**attempt))


def unreachable(url: str, wrong: Exception) -> StoreDown:
    return StoreDown(f"{shown(url)} does not answer: {_words(wrong)}; is PostgreSQL there, and may we in?")


def _words(wrong: Exception) -> str:
    return " ".join(str(wrong).split()) or type(wrong).__name__
