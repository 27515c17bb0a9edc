"""History of other tools, row by row into ours.

A row is taken whole or refused by its line; a batch is one transaction; taking a file in again changes nothing. The
past is judged and searchable, and wakes nobody.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from io import TextIOWrapper
from itertools import islice
from typing import BinaryIO, TextIO

from connectors.contract import START
from connectors.post import Post
from listener.columns import Unreadable, post_of
from listener.sheets import Sheet, rows_of
from listener.storage.contract import Batch, Heard, Store
from listener.weigh import Scales, weigh

ROWS_AT_ONCE = 500
REFUSALS_SHOWN = 100
NOBODY_TOLD = "imported history"
ERASED = ""  # what the store knows of a post that was erased: it does not come back


@dataclass(slots=True)
class Imported:
    """What an import came to. `refused` names the first rows that could not be read, and why."""

    rows: int = 0
    new: int = 0
    mentions: int = 0
    refused_rows: int = 0
    refused: list[str] = field(default_factory=list)

    def refuse(self, line: int, why: str) -> None:
        self.refused_rows += 1
        if len(self.refused) < REFUSALS_SHOWN:
            self.refused.append(f"line {line}: {why}")


async def bring_in(
    store: Store, scale: Scales, sheet: Sheet, now: datetime, progress: Callable[[int], None]
) -> Imported:
    """Streams the file in. `progress` is told how many bytes were read."""
    told, source = Imported(), sheet.source
    with sheet.file.open("rb") as binary:
        for batch in _batches(binary, sheet, told):
            seen = await store.known(source, tuple(batch))
            fresh = [post for post in batch.values() if seen.get(post.id) not in (post.fingerprint, ERASED)]
            heard = quietly(fresh, scale, now)
            kept = await store.keep(Batch(source=source, at=now, cursor=START, fetched=len(batch), heard=heard))
            told.new += kept.new
            told.mentions += kept.mentions
            progress(binary.tell())
    return told


def tried(sheet: Sheet) -> Imported:
    """What an import would come to, as far as the file itself tells; nothing is written."""
    told = Imported()
    with sheet.file.open("rb") as binary:
        told.new = sum(len(batch) for batch in _batches(binary, sheet, told))
    return told


def quietly(posts: Sequence[Post], scale: Scales, now: datetime) -> tuple[Heard, ...]:
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


def _batches(binary: BinaryIO, sheet: Sheet, told: Imported) -> Iterator[dict[str, Post]]:
    with TextIOWrapper(binary, sheet.encoding, "replace", newline="") as text:
        posts = _posts(text, sheet, told)
        while batch := {post.id: post for post in islice(posts, ROWS_AT_ONCE)}:
            yield batch


def _posts(text: TextIO, sheet: Sheet, told: Imported) -> Iterator[Post]:
    for line, row in rows_of(text, sheet):
        told.rows += 1
        if isinstance(row, str):
            told.refuse(line, row)
            continue
        try:
            yield post_of(row, sheet.columns, sheet.source)
        except Unreadable as wrong:
            told.refuse(line, str(wrong))
