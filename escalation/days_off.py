"""Public holidays by country and region, from the `holidays` library. Pure: a calendar is a fact, not a clock."""

from datetime import date
from functools import cache


@cache
def _calendar(where: str) -> frozenset[date] | object:
    """Raises ValueError with the mend. The library counts years as they are asked for."""
    import holidays  # a tenth of a second: only for who needs it

    country, _, region = where.upper().partition("-")
    try:
        return holidays.country_holidays(country, subdiv=region or None)
    except NotImplementedError:
        raise ValueError(f'"{where}" has no public holidays here; write a country or a region: "DE", "CA-ON"') from None


def check(where: str) -> str:
    """Raises ValueError with the mend."""
    _calendar(where)
    return where


def is_holiday(where: str, day: date) -> bool:
    return bool(where) and day in _calendar(where)  # type: ignore[operator]
