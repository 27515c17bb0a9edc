"""Calendars that say whose turn it is: iCal -> shifts. Pure; the one door to the iCal libraries (RFC 5545).

An event is the turn of the first person of the team it names: by an attendee's mail address or name, or in its summary.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from escalation.policy import Policy, Shift, Team

AHEAD = timedelta(weeks=2)  # how much of a calendar a case is given when it opens
BEHIND = timedelta(days=1)
MOST = 200  # shifts


@dataclass(frozen=True, slots=True, kw_only=True)
class Rota:
    team: str
    place: str = field(repr=False)  # a file beside the configuration, or an https address
    names: Mapping[str, str]  # what the calendar may call people by, folded -> name

    @property
    def on_the_web(self) -> bool:
        return self.place.startswith("https://")


def shifts(text: str, rota: Rota, zone: str, now: datetime) -> tuple[Shift, ...]:
    """Of the coming weeks, in order. Whole days are days in `zone`. Raises ValueError when it is no calendar."""
    import icalendar  # a tenth of a second: only for who has such a calendar
    import recurring_ical_events  # type: ignore[import-untyped]

    if "BEGIN:VCALENDAR" not in text.upper():
        raise ValueError("it is no iCal file")
    try:
        coming = recurring_ical_events.of(icalendar.Calendar.from_ical(text)).between(now - BEHIND, now + AHEAD)
        found = tuple(filter(None, (_shift(event, rota, ZoneInfo(zone)) for event in coming)))
    except Exception as wrong:  # the fence: the libraries raise whatever an odd file makes them stumble over
        raise ValueError(f"it cannot be understood ({type(wrong).__name__})") from wrong
    return tuple(sorted(found, key=lambda shift: (shift.start, shift.name))[:MOST])


def _shift(event: Any, rota: Rota, zone: ZoneInfo) -> Shift | None:
    name = next((rota.names[called] for called in _named(event, rota) if called in rota.names), "")
    if not name or str(event.get("STATUS", "")).upper() == "CANCELLED":
        return None
    return Shift(name=name, start=_instant(event.start, zone), end=_instant(event.end, zone))


def _named(event: Any, rota: Rota) -> Iterator[str]:
    attendees = event.get("ATTENDEE", [])
    for one in attendees if isinstance(attendees, list) else [attendees]:
        yield str(one).casefold().removeprefix("mailto:")
        yield str(one.params.get("CN", "")).strip().casefold()
    summary = " ".join(str(event.get("SUMMARY", "")).casefold().split())
    yield from (called for called in rota.names if re.search(rf"(?<!\w){re.escape(called)}(?!\w)", summary))


def _instant(at: date | datetime, zone: ZoneInfo) -> datetime:
    if not isinstance(at, datetime):
        at = datetime.combine(at, time())
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(ZoneInfo("UTC"))


def with_turns(policy: Policy, teams: Mapping[str, Team]) -> Policy:
    return replace(policy, teams=tuple(teams.get(team.name, team) for team in policy.teams))
