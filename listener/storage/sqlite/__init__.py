"""The embedded store: one SQLite file, through sqlite_utils. docs/storage.md describes its tables.

store.py       all of it behind the contract         lanes.py      threads, transactions, errors of SQLite
schema.py      tables and migrations                 rows.py       values <-> columns
keeping.py     one page of a source, kept            giving.py     where a mention goes: which case, or none
editing.py     a post that its author changed        erasing.py    a post that must be forgotten
ledger.py      timelines and notices                 listening.py  sources, coverage, arrivals
indexing.py    the full-text index                   searching.py  the mention history
planning.py    question -> index expression and SQL  narrowing.py  conditions -> tags of the index
ranking.py     which hits say most of it             accounts.py   does it balance?
upkeep.py      a copy of the file; is it sound?
"""

from listener.storage.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
