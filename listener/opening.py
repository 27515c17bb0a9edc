"""The store and the clock: the only maker of both. Apart from bootstrap.py, for what needs neither ears nor a voice."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from listener.storage.address import is_server
from listener.storage.contract import Store

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    return datetime.now(UTC)


class SharedClock:
    """The store's clock: hosts that share one agree on what is due, whatever their own clocks say."""

    def __init__(self, store: Store):
        self._store, self._ahead = store, timedelta()

    def __call__(self) -> datetime:
        return system_clock() + self._ahead

    async def agree(self) -> None:
        self._ahead = await self._store.ahead(system_clock())


async def open_store(database: str) -> Store:
    """Who has the one waits for no driver of the other. Raises StoreError with the mend."""
    if not is_server(database):
        from listener.storage.sqlite import SqliteStore

        return await SqliteStore.open(database)
    from listener.storage.postgres import PostgresStore

    return await PostgresStore.open(database)
