"""Mentions as files, streamed: CSV and XLSX in which nothing is a formula, and JSON Lines."""

import asyncio
import csv
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, fields
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]
from starlette.responses import Response, StreamingResponse

from escalation.clean import clean
from listener.history import cells
from listener.plain import json_text, plain
from listener.storage.contract import MentionRow

COLUMNS = tuple(field.name for field in fields(MentionRow))
MOST = 1_000_000  # rows; a sheet has 1,048,576
PIECE = 64 * 1024
LONGEST_CELL = 32_000  # a cell holds 32,767

Rows = AsyncIterator[MentionRow]


@dataclass(frozen=True, slots=True)
class Form:
    suffix: str
    type: str
    write: Callable[[Rows], AsyncIterator[bytes]]

    def answer(self, rows: Rows, name: str) -> Response:
        headers = {"Content-Disposition": f'attachment; filename="{name}.{self.suffix}"'}
        return StreamingResponse(self.write(rows), media_type=self.type, headers=headers)


async def as_csv(rows: Rows) -> AsyncIterator[bytes]:
    """With a byte order mark: without it a spreadsheet takes the file for another alphabet."""
    out = StringIO("\ufeff", newline="")
    writer = csv.writer(out)
    out.seek(0, 2)
    writer.writerow(COLUMNS)
    async for row in rows:
        writer.writerow(cells(plain(row), COLUMNS))
        if out.tell() > PIECE:
            yield out.getvalue().encode("utf-8", "replace")
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode("utf-8", "replace")


async def as_jsonl(rows: Rows) -> AsyncIterator[bytes]:
    async for row in rows:
        yield json_text(row).encode("utf-8", "replace") + b"\n"


async def as_xlsx(rows: Rows) -> AsyncIterator[bytes]:
    """Row by row through a file of its own; every cell is a text or a number, whatever it looks like."""
    with TemporaryDirectory() as directory:
        file = Path(directory) / "mentions.xlsx"
        book = xlsxwriter.Workbook(str(file), {"constant_memory": True, "tmpdir": directory})
        sheet = book.add_worksheet("mentions")
        _line(sheet, 0, COLUMNS)
        number = 0
        async for row in rows:
            number += 1
            told = plain(row)
            _line(sheet, number, tuple(told[name] for name in COLUMNS))
        await asyncio.to_thread(book.close)
        with file.open("rb") as whole:
            while piece := await asyncio.to_thread(whole.read, PIECE):
                yield piece


def _line(sheet: Any, number: int, values: tuple[Any, ...]) -> None:
    for place, value in enumerate(values):
        if isinstance(value, int | float) and not isinstance(value, bool):
            sheet.write_number(number, place, value)
        elif value not in (None, ""):
            text = json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)
            sheet.write_string(number, place, clean(text)[:LONGEST_CELL])


FORMS: Mapping[str, Form] = {
    "csv": Form("csv", "text/csv; charset=utf-8", as_csv),
    "jsonl": Form("jsonl", "application/jsonl; charset=utf-8", as_jsonl),
    "xlsx": Form("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", as_xlsx),
}
