"""Dates as feeds, pages and maps write them: RFC 822 and ISO 8601, in all their spellings. Pure."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_READERS = (datetime.fromisoformat, parsedate_to_datetime)
_MONTHS = {name: number for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_USUAL = re.compile(r"(?:[A-Z][a-z]{2}, )?(\d\d?) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) (?:GMT|UTC?|[+-]0000)")
_LONGEST = 100  # characters; what is longer is no date, and costs time


def when(text: str) -> datetime | None:
    """Aware, UTC; None when it is no date."""
    if not text or len(text) > _LONGEST:
        return None
    text = text.strip()
    if usual := _USUAL.fullmatch(text):
        return _usual(*usual.groups())
    for read in (parsedate_to_datetime, datetime.fromisoformat) if text[:1].isalpha() else _READERS:
        try:
            stated = read(text)
            return (stated if stated.tzinfo else stated.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, OverflowError, IndexError, RecursionError):
            continue
    return None


def _usual(day: str, month: str, year: str, hour: str, minute: str, second: str) -> datetime | None:
    """What nine feeds of ten write, at a third of the library's cost."""
    try:
        return datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except (ValueError, KeyError):
        return None
