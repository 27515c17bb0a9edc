"""Plays recorded posts: for the demo, for tests, and for trying rules on a file.

The file is JSON Lines, one post a line: {"id", "text", "title", "url", "author", "created", "site", "kind", "parent",
"followers", "replies", "reposts", "lang"}; only id and text are needed. The cursor is the place in the file, so lines
that are appended later are heard at the next poll.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from connectors.contract import Broken, Cursor, Fix, Page
from connectors.post import Author, Post, PostKind, Reach

PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    file: str


class ReplayConnector:
    def __init__(self, name: str, options: Options):
        self.name = name
        self._file = Path(options.file)

    async def aclose(self) -> None: ...

    async def fetch(self, cursor: Cursor, now: datetime) -> Page:
        return await asyncio.to_thread(self._read, int(cursor.get("offset", 0)))

    def _read(self, offset: int) -> Page:
        try:
            with self._file.open("rb") as file:
                file.seek(offset)
                lines = [line for line in islice(file, PAGE) if line.endswith(b"\n")]
        except OSError as wrong:
            raise Fix(f"{self.name}: {self._file} cannot be read: {wrong.strerror}; check `file`") from None
        after = offset + sum(map(len, lines))
        posts = tuple(self._parsed(line) for line in lines if line.strip())
        return Page(cursor={"offset": after}, posts=posts, more=len(lines) == PAGE)

    def _parsed(self, line: bytes) -> Post:
        try:
            return parse(json.loads(line), self.name)
        except (ValueError, KeyError, TypeError, AttributeError) as wrong:
            raise Broken(f"{self.name}: a line of {self._file} is not a post: {wrong}: {line[:80]!r}") from None


def parse(item: Mapping[str, Any], source: str) -> Post:
    """Pure. Raises ValueError, KeyError or TypeError."""
    created = datetime.fromisoformat(item["created"]) if item.get("created") else None
    return Post(
        source=source,
        id=str(item["id"]),
        url=str(item.get("url", "")),
        text=str(item["text"]),
        title=str(item.get("title", "")),
        author=Author(handle=str(item.get("author", "")), followers=item.get("followers")),
        created=(created if created.tzinfo else created.replace(tzinfo=UTC)) if created else None,
        kind=PostKind(item.get("kind", "post")),
        lang=str(item.get("lang", "")),
        site=str(item.get("site", "")),
        parent=str(item.get("parent", "")),
        reach=Reach(replies=item.get("replies"), reposts=item.get("reposts"), likes=item.get("likes")),
    )
