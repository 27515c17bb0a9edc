"""History of other tools: their exports, CSV in any dress or JSON Lines, read row by row into the history.

What a file is (letters, separator, where its header stands, which column is what) is found out before anything is
written. A row is taken whole or refused by its line; a batch is one transaction; taking the file in again changes
nothing. The past is judged and searchable, and wakes nobody.
"""

import codecs
import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from io import StringIO, TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from connectors.contract import START
from connectors.post import Post
from listener.columns import Columns, Unreadable, day_first, guess, known, post_of
from listener.storage.contract import Batch, Heard, Store
from listener.weigh import Scales, weigh

ROWS_AT_ONCE = 500
SAMPLE = 256 * 1024  # bytes from which a file is made out
HEADER_WITHIN = 30  # rows: some tools put a report's title above it
REFUSALS_SHOWN = 100
LONGEST_CELL = 8 * 1024 * 1024
NOBODY_TOLD = "imported history"
ERASED = ""  # what the store knows of a post that was erased: it does not come back
SOURCE = "import"  # of every file, so that two exports that overlap double nothing
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What whoever imports has said. `said`: our field -> their column."""

    said: Mapping[str, str] = field(default_factory=dict)
    day_first: bool | None = None
    zone: tzinfo = UTC  # of dates that name none
    source: str = SOURCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A file, and what it was made out to be."""

    file: Path
    source: str  # the name it is kept under
    encoding: str
    separator: str  # "" for JSON Lines
    header: int  # its row, counted from 0
    columns: Columns
    doubtful: str = ""  # a date that can be read in two ways, where no date of the file tells which


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


def made_out(file: Path, wish: Wish) -> Sheet | None:
    """None when the file is empty. Raises Unreadable with the mend; nothing has been written then."""
    with file.open("rb") as binary:
        sample = binary.read(SAMPLE)
    encoding = _encoding(sample)
    text = _clean(sample.decode(encoding, "replace"), len(sample) < SAMPLE)
    if not text.strip():
        return None
    table = _table(text, wish)
    columns = guess(table.rows[table.header], wish.said)
    dates = table.column(columns.of.get("created", ""))
    order = wish.day_first if wish.day_first is not None else day_first(dates)
    return Sheet(
        file=file,
        source=wish.source,
        encoding=encoding,
        separator=table.separator,
        header=table.header,
        columns=replace(columns, day_first=order, zone=wish.zone),
        doubtful=next((date for date in dates if "/" in date), "") if order is None else "",
    )


def _encoding(sample: bytes) -> str:
    """By its mark, else UTF-8 when it can be that (the sample may end amid a letter), else Western European."""
    for mark, name in _BOMS:
        if sample.startswith(mark):
            return name
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _clean(text: str, whole: bool) -> str:
    """Without the last line when it was cut."""
    text = text.removeprefix("\ufeff")
    return text if whole else text[: text.rfind("\n") + 1] or text


@dataclass(frozen=True, slots=True)
class _Table:
    """One way to read the beginning of a file."""

    separator: str
    header: int
    rows: list[list[str]]

    def likeness(self, said: Sequence[str]) -> int:
        """Under a header stand columns with names we know; failing that, the first row with the most cells is one."""
        header = self.rows[self.header]
        return known(header, said) * 100 + min(len(header), 99) * (self.header == 0)

    def column(self, name: str) -> list[str]:
        header = self.rows[self.header]
        place = header.index(name) if name in header else len(header)
        return [row[place] for row in self.rows[self.header + 1 :] if place < len(row)]


def _table(text: str, wish: Wish) -> _Table:
    """The likeliest; the first of equals. Raises Unreadable."""
    begun = text.lstrip()[:1]
    if begun == "[":
        raise Unreadable("is one JSON list; write it line by line first: jq -c '.[]' FILE > lines.jsonl")
    if begun == "{":
        rows = [flat(row) for row in map(_object, text.splitlines()) if row]
        header = list(dict.fromkeys(key for row in rows for key in row))
        return _Table("", 0, [header, *([row.get(key, "") for key in header] for row in rows)])
    tables = [
        _Table(separator, place, rows)
        for separator in (",", ";", "\t", "|")
        for rows in [_read_ahead(text, separator)]
        for place in range(min(len(rows), HEADER_WITHIN))
    ]
    said = tuple(wish.said.values())
    return max(tables, key=lambda table: table.likeness(said), default=_Table(",", 0, [[]]))


def _read_ahead(text: str, separator: str) -> list[list[str]]:
    rows: list[list[str]] = []
    csv.field_size_limit(LONGEST_CELL)
    with suppress(csv.Error):  # it is said with its line when the file is read
        rows += csv.reader(StringIO(text, newline=""), delimiter=separator)
    return rows


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
    rows = _cells(text, sheet, told) if sheet.separator else _lines(text, told)
    for line, row in rows:
        told.rows += 1
        try:
            yield post_of(row, sheet.columns, sheet.source)
        except Unreadable as wrong:
            told.refuse(line, str(wrong))


def _cells(text: TextIO, sheet: Sheet, told: Imported) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row by its header, with the line it begins in. A row that is too long has lost a quote somewhere."""
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(text, delimiter=sheet.separator)
    header: list[str] = []
    place = -1
    while True:
        line, place = reader.line_num + 1, place + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            told.rows += 1
            told.refuse(line, f"a quote is opened here and not closed; nothing up to line {reader.line_num} was read")
            continue
        if place <= sheet.header:
            header = [column.removeprefix("\ufeff") for column in row]
        elif len(row) > len(header) and any(row[len(header) :]):
            told.rows += 1
            told.refuse(line, f"has {len(row)} cells, and the header {len(header)}; a quote is missing")
        elif any(row):
            yield line, dict(zip(header, row, strict=False))


def _lines(text: TextIO, told: Imported) -> Iterator[tuple[int, dict[str, str]]]:
    for number, line in enumerate(text, 1):
        if not line.strip():
            continue
        row = _object(line)
        if row is None:
            told.rows += 1
            told.refuse(number, "not a JSON object")
        else:
            yield number, flat(row)


def _object(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def flat(row: Mapping[str, Any], above: str = "", depth: int = 3) -> dict[str, str]:
    """{"user": {"name": "x"}} -> {"user.name": "x"}; lists and what lies deeper stay as JSON."""
    found: dict[str, str] = {}
    for key, value in row.items():
        if isinstance(value, Mapping) and depth:
            found |= flat(value, f"{above}{key}.", depth - 1)
        elif value is not None:
            found[f"{above}{key}"] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return found
