"""LISTEN: word from the database that somebody changed a case or owes a notice, so that nobody has to ask all the time.

A connection of its own; when it breaks it is opened again, and until then the regular looks are enough.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import psycopg
from psycopg.conninfo import make_conninfo

log = logging.getLogger("listener")
CHANNEL = "listener"  # schema.py notifies it
AGAIN = 5.0  # seconds until a broken connection is opened again


@asynccontextmanager
async def watch(url: str, stirred: Callable[[], None]) -> AsyncIterator[None]:
    task = asyncio.create_task(_watching(url, stirred))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _watching(url: str, stirred: Callable[[], None]) -> None:
    while True:
        try:
            conninfo = make_conninfo(url, application_name="listener")
            async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as conn:
                await conn.execute(f"LISTEN {CHANNEL}")
                async for _ in conn.notifies():
                    stirred()
        except psycopg.Error as wrong:
            log.debug("no word from the database: %s", wrong)
        await asyncio.sleep(AGAIN)
