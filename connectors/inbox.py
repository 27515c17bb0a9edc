"""What was brought to a source, on disk until its posts are kept.

Each letter is a file: written, flushed to the disk and only then named, so that a letter that was acknowledged is there
after a crash. It is thrown away when the cursor that names it comes back, which says that its posts were committed; a
crash between the two reads it again, and the store knows what it has.
"""

import asyncio
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from urllib.parse import quote

MOST_LETTERS = 10_000
MOST_BYTES = 64 * 1024 * 1024
A_PAGE = 100  # letters read at once
_UNFINISHED = ".part"


@dataclass(frozen=True, slots=True)
class Letter:
    name: str  # into the cursor, under "taken", of the page that holds its posts
    body: bytes


class Inbox:
    """The letters of one source, in the order in which they came. `address` is where the world can bring some; "" when
    it cannot. One process writes.
    """

    def __init__(self, directory: Path, address: str = ""):
        self.address = address
        self.open = False  # is the door open in this process? `listener once` and `doctor` do not open it
        self._directory = directory
        self._sizes: dict[str, int] | None = None  # of what lies there; None: not looked yet
        self._writing = asyncio.Lock()

    def waiting(self) -> bool:
        """Lies anything here?"""
        return self._directory.is_dir() and any(self._directory.iterdir())

    async def put(self, body: bytes, now: datetime) -> bool:
        """True once it is safe on the disk; False when there is no room, and the sender must try again."""
        async with self._writing:
            return await asyncio.to_thread(self._put, body, now)

    async def unread(self, taken: Iterable[str]) -> tuple[Letter, ...]:
        """The oldest A_PAGE letters, after `taken` (of the cursor that was committed) were thrown away."""
        if not self._directory.is_dir():
            return ()
        async with self._writing:
            return await asyncio.to_thread(self._unread, tuple(taken))

    def _put(self, body: bytes, now: datetime) -> bool:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        sizes = self._lying()
        if len(sizes) >= MOST_LETTERS or sum(sizes.values()) + len(body) > MOST_BYTES:
            return False
        path = self._directory / f"{now:%Y%m%dT%H%M%S%f}-{token_hex(4)}"
        _write_whole(path, body)
        sizes[path.name] = len(body)
        return True

    def _lying(self) -> dict[str, int]:
        if self._sizes is None:
            for half in self._directory.glob(f"*{_UNFINISHED}"):  # a crash while writing: nobody was told it is here
                half.unlink()
            self._sizes = {path.name: path.stat().st_size for path in self._directory.iterdir()}
        return self._sizes

    def _unread(self, taken: tuple[str, ...]) -> tuple[Letter, ...]:
        for name in taken:
            (self._directory / Path(name).name).unlink(missing_ok=True)
            if self._sizes:
                self._sizes.pop(name, None)
        names = sorted(path.name for path in self._directory.iterdir() if path.suffix != _UNFINISHED)
        return tuple(Letter(name, (self._directory / name).read_bytes()) for name in names[:A_PAGE])


def _write_whole(path: Path, body: bytes) -> None:
    half = path.with_name(path.name + _UNFINISHED)
    with half.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    half.rename(path)
    with suppress(OSError):  # not every system lets a directory be flushed
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def directory_of(spool: Path, source: str) -> Path:
    """Of one source below the spool, whatever its name is made of."""
    return spool / quote(source, safe="").replace(".", "%2E")
