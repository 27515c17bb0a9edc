"""History in and out: files of other tools, spreadsheets, and what other rules would have made of the past."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import blake2b
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from connectors.contract import START
from connectors.post import Author, Post
from listener.settings import Settings
from listener.storage.contract import Batch, Heard, Store
from listener.weigh import Scales, scales, weigh

ROWS_AT_ONCE = 500
NOBODY_TOLD = "imported history"
WORDS = {  # our field -> the column names other tools use for it
    "id": ("id", "post_id", "mention_id", "guid", "resource id"),
    "url": ("url", "link", "permalink", "mention url"),
    "text": ("text", "full text", "content", "body", "snippet", "mention content"),
    "title": ("title", "headline", "subject"),
    "author": ("author", "author name", "user", "username", "handle"),
    "created": ("created", "created_at", "date", "published", "published_at", "time"),
    "lang": ("lang", "language"),
}


@dataclass(slots=True)
class Imported:
    """What an import came to. `refused` names rows that could not be read, and why."""

    rows: int = 0
    new: int = 0
    mentions: int = 0
    refused: list[str] = field(default_factory=list)


async def bring_in(
    store: Store, settings: Settings, file: Path, now: datetime, progress: Callable[[int], None]
) -> Imported:
    """Streams the file in; importing it again changes nothing. `progress` is told how many bytes were read."""
    told, scale, source = Imported(), scales(settings), f"import {file.name}"
    with file.open("rb") as binary, TextIOWrapper(binary, "utf-8-sig", "replace", newline="") as text:
        rows = _rows(text, file.suffix.lower() == ".csv", source, told)
        while posts := {post.id: post for post in islice(rows, ROWS_AT_ONCE)}:
            known = await store.known(source, tuple(posts))
            fresh = [post for post in posts.values() if known.get(post.id) != post.fingerprint]
            kept = await store.keep(
                Batch(source=source, at=now, cursor=START, fetched=len(posts), heard=_quietly(fresh, scale, now))
            )
            told.new += kept.new
            told.mentions += kept.mentions
            progress(binary.tell())
    return told


def _quietly(posts: list[Post], scale: Scales, now: datetime) -> tuple[Heard, ...]:
    """Judged and searchable, but the past wakes nobody."""
    return tuple(
        replace(
            heard,
            mentions=tuple(
                replace(mention, opening=None, reason=NOBODY_TOLD if mention.opening else mention.reason)
                for mention in heard.mentions
            ),
        )
        for heard in weigh(posts, scale, now)
    )


def _rows(text: TextIO, is_csv: bool, source: str, told: Imported) -> Iterator[Post]:
    for number, row in enumerate(csv.DictReader(text) if is_csv else _json_lines(text, told), 2 if is_csv else 1):
        told.rows += 1
        try:
            yield parse_row({str(key).strip().casefold(): value for key, value in row.items()}, source)
        except ValueError as wrong:
            told.refused.append(f"row {number}: {wrong}")


def _json_lines(text: TextIO, told: Imported) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(text, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            yield row
        else:
            told.rows += 1
            told.refused.append(f"line {number}: not a JSON object")


def parse_row(row: Mapping[str, Any], source: str) -> Post:
    """One row of somebody's export, keys in lower case. Raises ValueError when there is nothing to read. Pure."""
    text, url = _field(row, "text"), _field(row, "url")
    if not text.strip():
        raise ValueError(f"has no text; a column may be called {', '.join(WORDS['text'])}")
    return Post(
        source=source,
        id=_field(row, "id") or url or blake2b(text.encode("utf-8", "replace"), digest_size=12).hexdigest(),
        url=url,
        text=text,
        title=_field(row, "title"),
        author=Author(handle=_field(row, "author")),
        created=_time(_field(row, "created")),
        lang=_field(row, "lang"),
        site=str(row.get("site") or row.get("source") or ""),
    )


def _field(row: Mapping[str, Any], name: str) -> str:
    return next((str(row[word]) for word in WORDS[name] if row.get(word) not in (None, "")), "")


def _time(text: str) -> datetime | None:
    try:
        stated = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (stated if stated.tzinfo else stated.replace(tzinfo=UTC)).astimezone(UTC)


def cells(row: Mapping[str, Any], columns: tuple[str, ...]) -> list[str]:
    """A CSV row that no spreadsheet takes for formulas (OWASP: CSV injection). Pure."""
    return [_cell(row[column]) for column in columns]


def _cell(value: Any) -> str:
    if isinstance(value, (list, dict)):
        value = json.dumps(value, ensure_ascii=False)
    text = "" if value is None else str(value).replace("\0", "")
    return f"'{text}" if isinstance(value, str) and text.lstrip()[:1] in ("=", "+", "-", "@", "\t", "\r") else text
