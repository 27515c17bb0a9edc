"""The embedded store: one SQLite file.

schema.py      tables and migrations          keeping.py     what was heard: posts, mentions, cases, cursor
ledger.py      timelines and notices          searching.py   the mention history
accounts.py    does it balance?               erasing.py     what must be forgotten
store.py       all of it behind the contract, on threads of its own
"""

from listener.storage.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
