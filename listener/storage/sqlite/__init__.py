"""The embedded store: one SQLite file, through sqlite_utils. docs/storage.md describes its tables.

store.py       the store itself: one file              lanes.py      connections, transactions, errors of SQLite
schema.py      tables and migrations                   indexing.py   the full-text index, FTS5
dialect.py     ids and days                            upkeep.py     a copy of the file; is it sound?

What it does as every other store does is in listener/storage/sql/.
"""

from listener.storage.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
