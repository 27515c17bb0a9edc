"""Two thousand invented feeds on loopback, over many ports: the bare minimum of HTTP, so that the server is not what is
measured. /same/N is unchanged to whoever has its ETag; /one/N has one item more, /all/N is never known."""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.world import SYLLABLES

FEEDS, ITEMS, PORTS = 2_000, 30, 50
DISTINCT = 100  # feeds with words of their own; the others repeat them
ETAG = '"same"'


@contextmanager
def served() -> Iterator[list[str]]:
    """Its addresses, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.feedserver"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            yield server.stdout.readline().split()
        finally:
            server.kill()


def feed(number: int, *, more: int = 0) -> bytes:
    """46 kB: thirty texts of 230 words, plain as most summaries are."""
    chance = random.Random(number)
    items = "".join(
        _item(f"item-{n}", f"{number}/{n}", "blog" if n else "blog opening", _text(chance)) for n in range(ITEMS)
    )
    text = _text(chance)
    news = "".join(_item(f"new-{n}", f"{number}/new-{n}", "blog", text) for n in range(more))
    head = f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>Blog {number}</title>'
    return f"{head}{news}{items}</channel></rss>".encode()


def _item(id_: str, path: str, words: str, text: str) -> str:
    return (
        f"<item><guid>{id_}</guid><link>https://blog.example/{path}</link><title>{id_}</title>"
        f"<pubDate>Sun, 03 May 2026 12:00:00 GMT</pubDate><description>{words} {text}.</description></item>"
    )


def _text(chance: random.Random) -> str:
    return " ".join("".join(chance.choices(SYLLABLES, k=chance.randint(1, 4))) for _ in range(230))


def _answers() -> dict[bytes, bytes]:
    """Path -> a whole answer."""
    answers: dict[bytes, bytes] = {}
    for number in range(DISTINCT):
        same, one = feed(number), feed(number, more=1)
        for shared in range(number, FEEDS, DISTINCT):
            answers |= {b"/same/%d" % shared: same, b"/all/%d" % shared: same, b"/one/%d" % shared: one}
    return answers


async def _serve() -> None:
    head = f"Content-Type: application/rss+xml\r\nETag: {ETAG}\r\n".encode()
    unchanged, bodies = b"HTTP/1.1 304 Not Modified\r\n" + head + b"\r\n", _answers()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                request = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()
                return
            path = request.split(b" ", 2)[1]
            if path.startswith(b"/same") and b"if-none-match" in request.lower():
                writer.write(unchanged)
            else:
                writer.write(b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n" % (head, len(bodies[path])))
                writer.write(bodies[path])
            await writer.drain()

    servers = [await asyncio.start_server(answer, "127.0.0.1", 0) for _ in range(PORTS)]
    print(*(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in servers), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    os.sched_setaffinity(0, {0})
    asyncio.run(_serve())
