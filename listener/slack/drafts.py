"""What was typed into a form that was closed without being sent, offered again when that person opens it again."""

from collections.abc import Mapping
from datetime import datetime

from listener.storage.contract import Store

LONGEST = 10_000  # characters of one draft

Key = tuple[str, int, str]  # who, which case, which form


class Drafts:
    """In the store, so that a restart forgets none of them."""

    def __init__(self, store: Store):
        self._store = store

    async def keep(self, key: Key, given: Mapping[str, str], now: datetime) -> None:
        if any(given.values()) and sum(map(len, given.values())) <= LONGEST:
            await self._store.keep_draft(*key, given, now)

    async def offered(self, key: Key, now: datetime) -> Mapping[str, str]:
        return await self._store.draft(*key, now)

    async def drop(self, key: Key) -> None:
        await self._store.drop_draft(*key)
