"""A line of the mention history as a spreadsheet may hold it. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any

_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # by a terminal; not tab and line feed


def cells(row: Mapping[str, Any], columns: tuple[str, ...]) -> list[str]:
    """Cells that no spreadsheet takes for formulas (OWASP: CSV injection), and no terminal for orders."""
    return [_cell(row[column]) for column in columns]


def _cell(value: Any) -> str:
    if isinstance(value, (list, dict)):
        value = json.dumps(value, ensure_ascii=False)
    text = "" if value is None else _OBEYED.sub("", str(value).replace("\r\n", "\n").replace("\r", "\n"))
    return f"'{text}" if isinstance(value, str) and text.lstrip()[:1] in ("=", "+", "-", "@", "\t") else text
