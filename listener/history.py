"""A line of the mention history as a spreadsheet may hold it. Pure."""

import json
from collections.abc import Mapping
from typing import Any


def cells(row: Mapping[str, Any], columns: tuple[str, ...]) -> list[str]:
    """Cells that no spreadsheet takes for formulas (OWASP: CSV injection)."""
    return [_cell(row[column]) for column in columns]


def _cell(value: Any) -> str:
    if isinstance(value, (list, dict)):
        value = json.dumps(value, ensure_ascii=False)
    text = "" if value is None else str(value).replace("\0", "")
    return f"'{text}" if isinstance(value, str) and text.lstrip()[:1] in ("=", "+", "-", "@", "\t", "\r") else text
