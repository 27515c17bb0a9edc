"""Tables, indexes and migrations. The file can be opened with sqlite-utils and Datasette.

WAL with synchronous=NORMAL survives the death of the process at any instruction; a power cut may take back the last
transactions, whose posts are then heard again because their cursor is taken back with them
(https://www.sqlite.org/pragma.html#pragma_synchronous). The index over the text is filled by the transaction that keeps
the posts, not by a trigger: that is several times faster.
"""

import sqlite3
from pathlib import Path

from sqlite_utils import Database, Migrations

from listener.query.fts import TOKENIZER
from listener.storage.contract import StoreError

house = Migrations("listening-post")

_FIRST = f"""
CREATE TABLE sources (
  name TEXT PRIMARY KEY, cursor TEXT NOT NULL DEFAULT '{{}}', next_poll TEXT, last_heard TEXT,
  failures INTEGER NOT NULL DEFAULT 0, failing_since TEXT, error TEXT NOT NULL DEFAULT '',
  told_silent INTEGER NOT NULL DEFAULT 0, fetched INTEGER NOT NULL DEFAULT 0, hearing TEXT NOT NULL DEFAULT 'heard'
);
CREATE TABLE posts (
  id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, external_id TEXT NOT NULL, fingerprint TEXT NOT NULL,
  state TEXT NOT NULL, heard TEXT NOT NULL, created TEXT, url TEXT NOT NULL DEFAULT '', title TEXT NOT NULL DEFAULT '',
  text TEXT NOT NULL DEFAULT '', handle TEXT NOT NULL DEFAULT '', author TEXT NOT NULL DEFAULT '',
  followers INTEGER, kind TEXT NOT NULL DEFAULT 'post', lang TEXT NOT NULL DEFAULT '', site TEXT NOT NULL DEFAULT '',
  parent TEXT NOT NULL DEFAULT '', UNIQUE (source, external_id)
);
CREATE INDEX posts_handle ON posts (handle) WHERE handle <> '';
CREATE TABLE versions (
  post INTEGER NOT NULL REFERENCES posts (id), at TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL
);
CREATE INDEX versions_post ON versions (post);
CREATE TABLE mentions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, post INTEGER NOT NULL REFERENCES posts (id), brand TEXT NOT NULL,
  verdict TEXT NOT NULL, complaint REAL NOT NULL, severity INTEGER NOT NULL, priority TEXT NOT NULL,
  cause TEXT NOT NULL, reasons TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, case_id INTEGER,
  heard TEXT NOT NULL, UNIQUE (post, brand)
);
CREATE INDEX mentions_heard ON mentions (heard, brand, verdict);
CREATE INDEX mentions_case ON mentions (case_id) WHERE case_id IS NOT NULL;
CREATE VIRTUAL TABLE posts_fts USING fts5 (body, content='', tokenize="{TOKENIZER}");
CREATE TABLE cases (
  id INTEGER PRIMARY KEY, brand TEXT NOT NULL, post TEXT NOT NULL, thread TEXT NOT NULL, source TEXT NOT NULL,
  status TEXT NOT NULL, priority TEXT NOT NULL, severity INTEGER NOT NULL, owner TEXT NOT NULL, due TEXT,
  opened TEXT NOT NULL, changed TEXT NOT NULL, promise TEXT NOT NULL, posts INTEGER NOT NULL, seq INTEGER NOT NULL,
  title TEXT NOT NULL, UNIQUE (brand, post)
);
CREATE INDEX cases_due ON cases (due) WHERE status IN ('open', 'acknowledged', 'reported');
CREATE INDEX cases_thread ON cases (brand, thread) WHERE status IN ('open', 'acknowledged', 'reported');
CREATE INDEX cases_changed ON cases (changed);
CREATE TABLE events (
  case_id INTEGER NOT NULL REFERENCES cases (id), seq INTEGER NOT NULL, at TEXT NOT NULL, kind TEXT NOT NULL,
  body TEXT NOT NULL, PRIMARY KEY (case_id, seq)
) WITHOUT ROWID;
CREATE TABLE notices (
  id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, case_id INTEGER NOT NULL, seq INTEGER NOT NULL,
  kind TEXT NOT NULL, recipient TEXT NOT NULL, text TEXT NOT NULL, owed TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, next_try TEXT, sent TEXT, ref TEXT NOT NULL DEFAULT '',
  error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX notices_owed ON notices (next_try) WHERE sent IS NULL AND next_try IS NOT NULL;
CREATE INDEX notices_case ON notices (case_id, kind);
CREATE TABLE coverage (
  id INTEGER PRIMARY KEY, source TEXT NOT NULL, hearing TEXT NOT NULL, since TEXT NOT NULL, until TEXT NOT NULL,
  polls INTEGER NOT NULL, note TEXT NOT NULL
);
CREATE INDEX coverage_source ON coverage (source, id);
CREATE INDEX coverage_until ON coverage (until);
"""


@house()
def first(db: Database) -> None:
    for statement in _FIRST.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


def connect(path: str) -> sqlite3.Connection:
    """One connection, for one thread, ready to work. Raises StoreError with the mend."""
    try:
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "cache_size=-65536"):
            connection.execute(f"PRAGMA {pragma}")
    except (sqlite3.Error, OSError) as wrong:
        raise StoreError(f"{path}: cannot be opened as a database: {wrong}") from wrong
    return connection


def prepare(connection: sqlite3.Connection) -> None:
    """Brings the tables up to this version; every process does it, only the first one changes anything."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        house.apply(Database(connection))
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
