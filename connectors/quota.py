"""What a platform grants a day, in its own units: counted, shown by `listener sources`, and spread over the day. Pure.

A cursor keeps it as {"quota": {"used": 12, "of": 10000, "unit": "units", "resets": seconds since 1970}}.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """`resets` is aware UTC: from then on nothing is used."""

    used: int
    of: int
    unit: str
    resets: datetime

    @property
    def left(self) -> int:
        return max(self.of - self.used, 0)

    def spent(self, cost: int) -> "Quota":
        return replace(self, used=self.used + cost)

    def pace(self, cost: int, now: datetime, reserved: int = 0) -> timedelta:
        """The pause after a round of this cost with which what is left, but for `reserved`, lasts to the day's end."""
        rest = self.resets - now
        return min(max(rest * cost / max(self.left - reserved, 1), timedelta()), rest)

    def dump(self) -> dict[str, Any]:
        return {"used": self.used, "of": self.of, "unit": self.unit, "resets": self.resets.timestamp()}


def loaded(saved: Mapping[str, Any], now: datetime) -> Quota | None:
    """What was known of the day that has not ended yet, where the platform itself says how much is left."""
    if not saved or saved["resets"] <= now.timestamp():
        return None
    return Quota(**{**saved, "resets": datetime.fromtimestamp(saved["resets"], UTC)})


def today(saved: Mapping[str, Any], *, of: int, unit: str, zone: str, now: datetime) -> Quota:
    """What was used of this day, which ends at midnight in `zone`."""
    known = loaded(saved, now)
    return Quota(used=known.used if known else 0, of=of, unit=unit, resets=midnight(zone, now))


def midnight(zone: str, now: datetime) -> datetime:
    """The next one there, aware UTC."""
    there = now.astimezone(ZoneInfo(zone))
    return (there.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)).astimezone(UTC)
