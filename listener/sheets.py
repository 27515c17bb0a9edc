"""What a file of another tool is (CSV in any dress, JSON a line or a list at a time), and its rows as they come.

Letters, separator, where the header stands and which column is what are made out from the beginning of the file. Memory
holds a row, however long the file is.
"""

import codecs
import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from io import StringIO
from pathlib import Path
from typing import Any, TextIO

from listener.columns import Columns, Unreadable, day_first, guess, known

SAMPLE = 256 * 1024  # bytes from which a file is made out
HEADER_WITHIN = 30  # rows: some tools put a report's title above it
CHUNK = 64 * 1024  # characters
LONGEST_CELL = 8 * 1024 * 1024  # characters; of an object in a list as well
LINES, LIST = "", "["  # in place of a separator: JSON, an object a line or one list of them
SOURCE = "import"  # of every file, so that two exports that overlap double nothing
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

Row = tuple[int, dict[str, str] | str]  # the line it begins in; its cells by their columns, or why it has none


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
    separator: str  # between cells, or LINES, or LIST
    header: int  # its row, counted from 0
    columns: Columns
    doubtful: str = ""  # a date that can be read in two ways, where no date of the file tells which


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
    if begun and begun in "{[":
        return _json_table(LIST if begun == "[" else LINES, text)
    tables = [
        _Table(separator, place, rows)
        for separator in (",", ";", "\t", "|")
        for rows in [_read_ahead(text, separator)]
        for place in range(min(len(rows), HEADER_WITHIN))
    ]
    said = tuple(wish.said.values())
    return max(tables, key=lambda table: table.likeness(said), default=_Table(",", 0, [[]]))


def _json_table(kind: str, text: str) -> _Table:
    """The sample may end amid an object."""
    rows: list[dict[str, str]] = []
    with suppress(Unreadable):
        for _, row in listed(StringIO(text)) if kind == LIST else enumerate(map(_object, text.splitlines())):
            rows += [flat(row)] if isinstance(row, dict) else []
    header = list(dict.fromkeys(key for row in rows for key in row))
    return _Table(kind, 0, [header, *([row.get(key, "") for key in header] for row in rows)])


def _read_ahead(text: str, separator: str) -> list[list[str]]:
    rows: list[list[str]] = []
    csv.field_size_limit(LONGEST_CELL)
    with suppress(csv.Error):  # it is said with its line when the file is read
        rows += csv.reader(StringIO(text, newline=""), delimiter=separator)
    return rows


def rows_of(text: TextIO, sheet: Sheet) -> Iterator[Row]:
    if sheet.separator == LINES:
        return _lines(text)
    return _items(text) if sheet.separator == LIST else _cells(text, sheet)


def _cells(text: TextIO, sheet: Sheet) -> Iterator[Row]:
    """Each row by its header. A row that is too long has lost a quote somewhere."""
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
            yield line, f"a quote is opened here and not closed; nothing up to line {reader.line_num} was read"
            continue
        if place <= sheet.header:
            header = [column.removeprefix("\ufeff") for column in row]
        elif len(row) > len(header) and any(row[len(header) :]):
            yield line, f"has {len(row)} cells, and the header {len(header)}; a quote is missing"
        elif any(row):
            yield line, dict(zip(header, row, strict=False))


def _lines(text: TextIO) -> Iterator[Row]:
    for number, line in enumerate(text, 1):
        if line.strip():
            yield number, _flat(_object(line))


def _items(text: TextIO) -> Iterator[Row]:
    try:
        for line, item in listed(text):
            yield line, _flat(item)
    except Unreadable as wrong:
        yield wrong.args[1], wrong.args[0]


def _flat(item: Any) -> dict[str, str] | str:
    return flat(item) if isinstance(item, dict) else "not a JSON object"


def listed(text: TextIO) -> Iterator[tuple[int, Any]]:
    """The items of one JSON list, each with the line it begins in, however long the list is.

    Raises Unreadable(why, line) where it is no JSON any more: behind that nothing can be told apart.
    """
    decoder, held, line, wanted = json.JSONDecoder(), "", 1, CHUNK
    while True:
        between = len(held) - len(held.lstrip(" \t\r\n,[\ufeff"))
        line, held = line + held.count("\n", 0, between), held[between:]
        if held.startswith("]"):
            return
        try:
            item, end = decoder.raw_decode(held)
        except (ValueError, RecursionError):
            more = text.read(wanted) if len(held) < LONGEST_CELL else ""
            if not more:
                raise Unreadable("the list breaks off, or is no JSON from here on", line) from None
            held, wanted = held + more, wanted * 2  # an object that is longer than a chunk is not tried at each
        else:
            yield line, item
            line, held, wanted = line + held.count("\n", 0, end), held[end:], CHUNK


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
