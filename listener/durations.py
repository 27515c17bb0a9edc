"""Durations as people write them: 90s, 5m, 2h, 3d. Pure."""

import re
from datetime import datetime, timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(\d{1,6})([smhdw])")


def parse(text: str) -> timedelta:
    """Raises ValueError with the mend. Never zero: a wait of nothing is a mistake."""
    found = _DURATION.fullmatch(text.strip().lower())
    if not found or int(found[1]) == 0:
        raise ValueError(f'"{text}" is not a duration; write for example 90s, 5m, 2h or 3d')
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def moment(text: str, now: datetime, *, past: bool) -> datetime:
    """A duration from `now`, back or ahead, or an ISO 8601 time; aware, in UTC unless it says otherwise."""
    try:
        return now - parse(text) if past else now + parse(text)
    except (ValueError, OverflowError):
        pass
    try:
        stated = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f'"{text}" is neither a duration (2h, 3d) nor a time (2026-05-01T16:00)') from None
    return stated if stated.tzinfo else stated.replace(tzinfo=now.tzinfo)


def spoken(span: timedelta) -> str:
    """The largest two units: "2 h 5 min", "45 s", "3 d"."""
    seconds = int(abs(span.total_seconds()))
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
