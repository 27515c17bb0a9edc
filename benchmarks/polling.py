"""A poll of a feed that has not changed, and of one that has, against a bare aiohttp client asking the same server."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from statistics import median

import aiohttp
import fastfeedparser

from benchmarks.rows import Row
from connectors.contract import Cursor
from connectors.feed import FeedConnector, Options
from connectors.http import Web

FEEDS, AT_ONCE, ROUNDS, ITEMS = 400, 10, 7, 30
NOW = datetime(2026, 5, 4, tzinfo=UTC)
ETAG = '"same"'


def run() -> list[Row]:
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.polling", "serve"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout
        try:
            return asyncio.run(_measured(server.stdout.readline().strip()))
        finally:
            server.kill()


async def _measured(address: str) -> list[Row]:
    host = address.removeprefix("http://")
    web = Web("bench", frozenset({host}))
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as bare:
        cursors = await _first_read(web, address)
        idle, bare_idle = await _side_by_side(
            lambda number: _poll(web, address, number, cursors[number]),
            lambda number: _get(bare, f"{address}/{number}", conditional=True),
        )
        full, bare_full = await _side_by_side(
            lambda number: _poll(web, address, number, {}),
            lambda number: _get(bare, f"{address}/{number}", conditional=False),
        )
    await web.aclose()
    return [
        Row("an unchanged feed (304), bare aiohttp", idle, bare_idle, "µs a poll", 2, True),
        Row(f"{ITEMS} new items, aiohttp + fastfeedparser", full, bare_full, "µs a poll", 2, True),
    ]


async def _first_read(web: Web, address: str) -> list[Cursor]:
    ears = [_ear(web, address, number) for number in range(FEEDS)]
    cursors: list[Cursor] = []
    for ear in ears:
        cursor: Cursor = {}
        while (page := await ear.fetch(cursor, NOW)).more:
            cursor = page.cursor
        cursors.append(page.cursor)
    return cursors


def _ear(web: Web, address: str, number: int) -> FeedConnector:
    return FeedConnector(f"feed {number}", Options(url=f"{address}/{number}", comments=False), web)


async def _poll(web: Web, address: str, number: int, cursor: Cursor) -> None:
    ear = _ear(web, address, number)
    while (page := await ear.fetch(cursor, NOW)).more:
        cursor = page.cursor


async def _get(session: aiohttp.ClientSession, url: str, *, conditional: bool) -> None:
    async with session.get(url, headers={"If-None-Match": ETAG} if conditional else {}) as answer:
        body = await answer.read()
    if not conditional:
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


def feed() -> bytes:
    words = "Nothing of note happened on this invented blog today, and it took a while to say so. " * 16
    items = "".join(
        f"<item><guid>item-{n}</guid><link>https://blog.example/{n}</link><title>Item {n}</title>"
        f"<pubDate>Sun, 03 May 2026 12:00:00 GMT</pubDate><description>{words}</description></item>"
        for n in range(ITEMS)
    )
    head = '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>B</title>'
    return f"{head}{items}</channel></rss>".encode()


async def _serve() -> None:
    """The bare minimum of HTTP, so that the server is not what is measured."""
    body = feed()
    head = f"Content-Type: application/rss+xml\r\nETag: {ETAG}\r\n".encode()
    whole = b"HTTP/1.1 200 OK\r\n" + head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    same = b"HTTP/1.1 304 Not Modified\r\n" + head + b"\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                request = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()
                return
            writer.write(same if b"if-none-match" in request.lower() else whole)
            await writer.drain()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        os.sched_setaffinity(0, {0})
        asyncio.run(_serve())
