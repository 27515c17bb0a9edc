"""Plays recorded posts: for the demo, for tests, and for trying rules on a file.

The file is JSON Lines, one post a line: {"id", "text", "title", "url", "author", "created", "site", "kind", "parent",
"followers", "replies", "reposts", "lang"}; only id and text are needed, and an author may be an object: {"handle",
"name", "id", "url", "followers"}. The cursor is the place in the file, so lines
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

from connectors.contract import Cursor, Fix, Hearing, Page
from connectors.post import Author, Post, PostKind, Reach

PAGE = 100
REQUIRED = ("id", "text")


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
        read = [self._read_line(line) for line in lines if line.strip()]
        posts, bad = [one for one in read if isinstance(one, Post)], [one for one in read if isinstance(one, str)]
        return Page(
            cursor={"offset": after},
            posts=tuple(posts),
            more=len(lines) == PAGE,
            hearing=Hearing.TRUNCATED if bad else Hearing.HEARD,
            note=f"{len(bad)} lines of {self._file.name} are no posts, first: {bad[0]}" if bad else "",
        )

    def _read_line(self, line: bytes) -> Post | str:
        """The post, or what is wrong with the line: one bad line must not hold back those behind it."""
        try:
            return parse(json.loads(line), self.name)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as wrong:
            return f"{type(wrong).__name__} {wrong} in {line[:60]!r}"


def parse(item: Mapping[str, Any], source: str) -> Post:
    """Pure. Raises ValueError, KeyError or TypeError."""
    created = datetime.fromisoformat(item["created"]) if item.get("created") else None
    return Post(
        source=source,
        id=_text(item, "id"),
        url=_text(item, "url"),
        text=_text(item, "text"),
        title=_text(item, "title"),
        author=_author(item),
        created=(created if created.tzinfo else created.replace(tzinfo=UTC)) if created else None,
        kind=PostKind(item.get("kind", "post")),
        lang=_text(item, "lang"),
        site=_text(item, "site"),
        parent=_text(item, "parent"),
        reach=Reach(replies=item.get("replies"), reposts=item.get("reposts"), likes=item.get("likes")),
    )


def _author(item: Mapping[str, Any]) -> Author:
    said = item.get("author")
    if not isinstance(said, Mapping):
        return Author(handle=_text(item, "author"), followers=item.get("followers"))
    handle, name, id_, url = (_text({each: said.get(each)}, each) for each in ("handle", "name", "id", "url"))
    return Author(handle=handle, name=name, id=id_, url=url, followers=said.get("followers", item.get("followers")))


def _text(item: Mapping[str, Any], key: str) -> str:
    """What a person may read: an object or a list is none."""
    value = item[key] if key in REQUIRED else item.get(key)
    if isinstance(value, Mapping | list):
        raise TypeError(f'"{key}" is a text, and is given as {type(value).__name__}')
    return "" if value is None else str(value)
