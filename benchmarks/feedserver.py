"""Two thousand invented feeds on loopback, over many ports: the bare minimum of HTTP, so that the server is not what is
measured. /same/N is unchanged to whoever has its ETag; /one/N has one item more, /all/N is never known. Any other
/WORD/N is new, then unchanged, then has one item more."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.world import World

FEEDS, ITEMS, PORTS = 2_000, 30, 50
DISTINCT = 100  # feeds with words of their own; the others repeat them
ETAG = '"same"'
KINDS = ("same", "one", "all")


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


def feed(world: World, number: int) -> tuple[bytes, bytes]:
    """Some 35 kB: thirty texts of 230 words, plain as most summaries are; and the same with one item more."""
    items = "".join(
        _item(f"item-{n}", f"{number}/{n}", "blog" if n else "blog opening", world.prose(230)) for n in range(ITEMS)
    )
    news = _item("new-0", f"{number}/new-0", "blog", world.prose(230))
    head = f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>Blog {number}</title>'
    same, one = (f"{head}{first}{items}</channel></rss>".encode() for first in ("", news))
    return same, one


def _item(id_: str, path: str, words: str, text: str) -> str:
    return (
        f"<item><guid>{id_}</guid><link>https://blog.example/{path}</link><title>{id_}</title>"
        f"<pubDate>Sun, 03 May 2026 12:00:00 GMT</pubDate><description>{words} {text}.</description></item>"
    )


PASSES = ("same", None, "one")  # what a feed of another path answers to the first, the second and each later request


def _answers() -> dict[tuple[str, int], bytes]:
    """Kind and number -> a whole answer."""
    answers: dict[tuple[str, int], bytes] = {}
    world = World()
    for number in range(DISTINCT):
        same, one = feed(world, number)
        for shared in range(number, FEEDS, DISTINCT):
            answers |= {("same", shared): same, ("all", shared): same, ("one", shared): one}
    return answers


async def _serve() -> None:
    head = f"Content-Type: application/rss+xml\r\nETag: {ETAG}\r\n".encode()
    unchanged, bodies = b"HTTP/1.1 304 Not Modified\r\n" + head + b"\r\n", _answers()
    asked: Counter[str] = Counter()

    def found(path: str, *, knows: bool) -> bytes | None:
        """None when it is unchanged."""
        _, kind, number = path.split("/")
        if kind in KINDS:
            return None if kind == "same" and knows else bodies[kind, int(number)]
        asked[path] += 1
        now = PASSES[min(asked[path], len(PASSES)) - 1]
        return bodies[now, int(number)] if now else None

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                request = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()
                return
            body = found(request.split(b" ", 2)[1].decode(), knows=b"if-none-match" in request.lower())
            if body is None:
                writer.write(unchanged)
            else:
                writer.write(b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n" % (head, len(body)))
                writer.write(body)
            await writer.drain()

    servers = [await asyncio.start_server(answer, "127.0.0.1", 0) for _ in range(PORTS)]
    print(*(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in servers), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    os.sched_setaffinity(0, {0})
    asyncio.run(_serve())
