"""Working hours: is this person on duty at this instant, in their own time zone? Pure.

"Mon-Fri 09:00-17:00", "Mon-Fri 09:00-12:00, Mon-Fri 13:00-17:00", "Fri-Sun 22:00-06:00", "Mon-Sun 00:00-24:00".
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

ALWAYS = "Mon-Sun 00:00-24:00"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"([a-z]{3})(?:-([a-z]{3}))? (\d\d):(\d\d)-(\d\d):(\d\d)")


@dataclass(frozen=True, slots=True)
class Span:
    """Minutes of the day on some weekdays (Monday is 0). `end` passes 1440 when the shift runs over midnight."""

    days: frozenset[int]
    start: int
    end: int


@cache
def parse(text: str) -> tuple[Span, ...]:
    """Raises ValueError with the mend when the text is not hours."""
    return tuple(_span(part.strip()) for part in text.split(","))


def _span(text: str) -> Span:
    found = _SPAN.fullmatch(text.lower())
    if not found or any(day and day not in _DAYS for day in found.group(1, 2)):
        raise ValueError(f'"{text}" is not hours; write for example "Mon-Fri 09:00-17:00"')
    first, last = _DAYS.index(found[1]), _DAYS.index(found[2] or found[1])
    start, end = _minutes(found[3], found[4]), _minutes(found[5], found[6])
    days = frozenset((first + step) % 7 for step in range((last - first) % 7 + 1))
    return Span(days, start, end if end > start else end + 1440)


def _minutes(hours: str, minutes: str) -> int:
    total = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or total > 1440:
        raise ValueError(f'"{hours}:{minutes}" is not a time of day')
    return total


def on_duty(hours: str, timezone: str, at: datetime) -> bool:
    """Wall-clock time decides, so a shift keeps its hours through a change of daylight saving."""
    local = at.astimezone(ZoneInfo(timezone))
    return any(_covers(span, local) for span in parse(hours))


def _covers(span: Span, local: datetime) -> bool:
    minute = local.hour * 60 + local.minute
    yesterday = (local - timedelta(days=1)).weekday()
    today = local.weekday() in span.days and span.start <= minute < span.end
    return today or (yesterday in span.days and minute + 1440 < span.end)
