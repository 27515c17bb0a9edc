"""Working hours: is this person on duty at this instant, in their own time zone? Pure.

"Mon-Fri 09:00-17:00", "Mon-Fri 09:00-12:00, Mon-Fri 13:00-17:00", "Fri-Sun 22:00-06:00", "Mon-Sun 00:00-24:00".
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

ALWAYS = "Mon-Sun 00:00-24:00"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = 1440  # minutes
_LOOKED_AHEAD = 400  # days
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


def later(at: datetime, wait: timedelta, windows: Callable[[date], list["Window"]], zone: str) -> datetime:
    """When `wait` of working time is over. Who does not work for a year is waited for by the calendar."""
    day = at.astimezone(ZoneInfo(zone)).date()
    for ahead in range(_LOOKED_AHEAD):
        for start, end in windows(day + timedelta(days=ahead)):
            begin = max(start, at)
            if begin < end and wait <= end - begin:
                return begin + wait
            wait -= max(end - begin, timedelta())
    return at + wait


Window = tuple[datetime, datetime]  # aware, UTC


def windows(hours: str, timezone: str, day: date) -> list[Window]:
    """When this day is worked, in order and without overlap; a night shift's end belongs to the day it ends on."""
    found = list[tuple[int, int]]()
    for start, end in sorted(_minutes_of(parse(hours), day)):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return [(_instant(day, start, timezone), _instant(day, end, timezone)) for start, end in found]


def _minutes_of(spans: tuple[Span, ...], day: date) -> Iterator[tuple[int, int]]:
    for span in spans:
        if day.weekday() in span.days:
            yield span.start, min(span.end, _DAY)
        if (day - timedelta(days=1)).weekday() in span.days and span.end > _DAY:
            yield 0, span.end - _DAY


def _instant(day: date, minute: int, timezone: str) -> datetime:
    local = datetime.combine(day, time()) + timedelta(minutes=minute)
    return local.replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)
