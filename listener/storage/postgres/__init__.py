"""The store for many machines: PostgreSQL 15 or newer, through psycopg. docs/postgresql.md is for whoever runs it.

store.py       the store itself: one of many         session.py    connections, transactions, values, errors
schema.py      tables and migrations                 months.py     the partitions
folding.py     what is added up later
dialect.py     numbers, locks, keys                  indexing.py   the full-text index, tsvector and GIN
leases.py      who has what, and until when          news.py       word of what others changed

What it does as every other store does is in listener/storage/sql/.
"""

from listener.storage.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
