"""Was everything heard? Once a day X is asked how many posts there were in each hour. Pure.

What is counted in a place: {"hours": {hour: posts heard}, "counted": the hour up to which X was asked, "holes": [[from,
to, posts that X counts]]}. A post that X shows late, or has lost from its pages, makes a hole, and is asked for again.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.lanes import Place
from connectors.x_lanes import written

HOUR = timedelta(hours=1)
EVERY = timedelta(hours=24)
SETTLED = timedelta(hours=1)  # X counts what is newer later
LOOKS_BACK = timedelta(days=6)  # as far as hours are kept
MOST_HOLES = 8  # the largest; they cost what the posts in them cost


def tallied(place: Place, times: Iterable[datetime], now: datetime) -> Place:
    """With these posts added to the hours in which they were written."""
    hours = dict(place.get("hours", {}))
    for when in times:
        hours[_hour(when)] = hours.get(_hour(when), 0) + 1
    oldest = max(place.get("counted", ""), _hour(now - LOOKS_BACK))
    kept = {hour: count for hour, count in hours.items() if hour >= oldest}
    return {**place, "hours": kept, "counted": place.get("counted") or _hour(now + HOUR)}


def due(place: Place, now: datetime) -> tuple[str, str] | None:
    """From which to which hour X is to be asked; None when it is too soon."""
    if not (begin := place.get("counted")):
        return None
    end = _moment(_hour(now - SETTLED))
    start = max(_moment(begin), end - LOOKS_BACK + 2 * HOUR)
    return (written(start), written(end)) if end - start >= EVERY else None


def compared(place: Place, counts: Mapping[datetime, int], end: str) -> tuple[Place, str]:
    """With the holes that X's counts show, and a sentence about them."""
    heard = place.get("hours", {})
    missing = {when: count - heard.get(_hour(when), 0) for when, count in counts.items()}
    short = {
        when: counts[when] for when, lack in missing.items() if lack > min(counts[when] // 5, _deleted(counts[when]))
    }
    holes = sorted(_joined(short), key=lambda hole: -hole[2])[:MOST_HOLES]
    until = _hour(_moment(end))
    place = {**place, "counted": until, "hours": {hour: count for hour, count in heard.items() if hour >= until}}
    if not short:
        return place, ""
    number = sum(missing[when] for when in short)
    where = f"between {holes[0][0]} and {holes[0][1]}"
    note = f"X counts more posts than were heard ({number}), the most of them {where}; they are asked for again"
    return {**place, "holes": holes}, note


def uncompared(place: Place, end: str) -> Place:
    """When X does not let us count: it is asked again tomorrow."""
    return compared(place, {}, end)[0]


def still_short(round_: Mapping[str, Any]) -> str:
    """What is left of a hole after it was read again."""
    if round_["counted"] - round_["read"] <= _deleted(round_["counted"]):
        return ""
    span = round_["span"]
    where = f"from {span['start_time']} to {span['end_time']}" if "end_time" in span else "in a hole"
    return f"X counts {round_['counted']} posts {where}, and shows {round_['read']}: the rest was not heard"


def _deleted(counted: int) -> int:
    """How many of these may be missing for another reason: what was deleted since is counted still."""
    return max(2, counted // 20)


def _joined(short: Mapping[datetime, int]) -> list[list[Any]]:
    """Hours that touch are one hole."""
    holes: list[list[Any]] = []
    for when in sorted(short):
        if holes and holes[-1][1] == written(when):
            holes[-1] = [holes[-1][0], written(when + HOUR), holes[-1][2] + short[when]]
        else:
            holes.append([written(when), written(when + HOUR), short[when]])
    return holes


def _hour(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%dT%H}"


def _moment(hour: str) -> datetime:
    return datetime.fromisoformat(hour if hour.endswith("Z") else f"{hour}:00:00+00:00")
