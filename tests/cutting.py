"""A way to a PostgreSQL that can be frozen or cut: TCP on loopback in front of the server's own socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path


class Way:
    """From a host to the database, for as long as it is open."""

    def __init__(self, socket: Path):
        self.socket, self.port = socket, 0
        self._there, self._back = asyncio.Event(), asyncio.Event()
        self._writers = set[asyncio.StreamWriter]()
        self.thaw()

    def freeze(self, *, only_back: bool = False) -> None:
        """Nothing arrives any more, and nobody is told; with `only_back` the server still hears us."""
        self._back.clear()
        if not only_back:
            self._there.clear()

    def thaw(self) -> None:
        self._there.set()
        self._back.set()

    def cut(self) -> None:
        """Every connection ends in the middle; a new one may be made."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        self.thaw()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, asks = await asyncio.open_unix_connection(str(self.socket))
        self._writers |= {writer, asks}
        with suppress(OSError, asyncio.IncompleteReadError):
            await asyncio.gather(_pass_on(reader, asks, self._there), _pass_on(answers, writer, self._back))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, free: asyncio.Event) -> None:
    while piece := await reader.read(65_536):
        await free.wait()
        writer.write(piece)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def way_to(address: str) -> AsyncIterator[tuple[Way, str]]:
    """The way, and the address by it."""
    host, user, name = (part.partition("=")[2] for part in address.split(" "))
    way = Way(Path(host) / ".s.PGSQL.5432")
    server = await asyncio.start_server(way.accept, "127.0.0.1", 0)
    way.port = server.sockets[0].getsockname()[1]
    try:
        yield way, f"host=127.0.0.1 port={way.port} user={user} dbname={name}"
    finally:
        way.cut()
        server.close()
