"""What feeds cost: one that has not changed, one that has, the first reading of many, and doing nothing."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from statistics import median

import aiohttp
import fastfeedparser

from benchmarks import house
from benchmarks.feedserver import ETAG, FEEDS, ITEMS, served
from benchmarks.rows import Row
from connectors.contract import Cursor
from connectors.feed import FeedConnector, Options
from connectors.http import Web

AT_ONCE, ROUNDS = 10, 3
KINDS = {
    "an unchanged feed (304), bare aiohttp": "same",
    f"one new item of {ITEMS}, aiohttp + fastfeedparser": "one",
    f"{ITEMS} new items, aiohttp + fastfeedparser": "all",
}
UNIT = "µs a poll"
NOW = datetime(2026, 5, 4, tzinfo=UTC)


def run() -> list[Row]:
    with served() as addresses:
        return [*asyncio.run(_polls(addresses)), *house.rows(addresses)]


async def _polls(addresses: list[str]) -> list[Row]:
    web = Web("bench", frozenset(address.removeprefix("http://") for address in addresses))
    polls = Polls(addresses, web)
    await polls.read_once()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as bare:
        rows = [
            Row(name, *(await _side_by_side(partial(polls.ours, kind), partial(polls.bare, bare, kind))), UNIT, 2)
            for name, kind in KINDS.items()
        ]
    await web.aclose()
    return rows


class Polls:
    """One poll of one feed, ours and the bare one."""

    def __init__(self, addresses: list[str], web: Web):
        self._addresses, self._web = addresses, web
        self._cursors: dict[int, Cursor] = {}

    def _url(self, kind: str, number: int) -> str:
        return f"{self._addresses[number % len(self._addresses)]}/{kind}/{number}"

    async def read_once(self) -> None:
        for number in range(FEEDS):
            self._cursors[number] = await self._read(self._url("same", number), {})

    async def ours(self, kind: str, number: int) -> None:
        await self._read(self._url(kind, number), {} if kind == "all" else self._cursors[number])

    async def _read(self, url: str, cursor: Cursor) -> Cursor:
        ear = FeedConnector("feed", Options(url=url, comments=False), self._web)
        while (page := await ear.fetch(cursor, NOW)).more:
            cursor = page.cursor
        return page.cursor

    async def bare(self, session: aiohttp.ClientSession, kind: str, number: int) -> None:
        async with session.get(self._url(kind, number), headers={"If-None-Match": ETAG}) as answer:
            body = await answer.read()
        if kind != "same":
            fastfeedparser.parse(body)


async def _side_by_side(*sides: Callable[[int], Awaitable[None]]) -> tuple[float, float]:
    """Microseconds of processor time a poll, medians, interleaved."""
    spent: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        for side, times in zip(sides, spent, strict=True):
            begun = time.process_time()
            await _all(side)
            times.append((time.process_time() - begun) / FEEDS * 1e6)
    return median(spent[0]), median(spent[1])


async def _all(poll: Callable[[int], Awaitable[None]]) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def gated(number: int) -> None:
        async with gate:
            await poll(number)

    await asyncio.gather(*(gated(number) for number in range(FEEDS)))
