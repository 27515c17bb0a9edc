"""A source that is read in lanes (a search, a hashtag), each with its own place: one page of one lane a fetch.

A lane that fails is said and holds no other lane back; a lane that is new starts at its own beginning. The cursor:
{"lanes": {name: its place}, "todo": what this round has still to read, "trouble": {name: why}, "began": the round}
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.contract import ConnectorError, Cursor, Hearing, Page, Wait
from connectors.post import Post

Place = dict[str, Any]  # JSON: how far a lane was read
LONG_AGO = timedelta(minutes=10)  # a round that began before that was interrupted: its first lanes have news


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One page of one lane."""

    place: Place
    posts: tuple[Post, ...] = ()
    more: bool = False  # of this lane
    note: str = ""  # what was missed, when something was


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    todo: tuple[str, ...]
    trouble: dict[str, str]
    began: float
    under_way: bool


async def take_turn(
    lanes: Sequence[str], cursor: Cursor, now: datetime, read: Callable[[str, Place], Awaitable[Step]]
) -> Page:
    """The next page. Raises ConnectorError when no lane could be read, or the server wants to be left alone."""
    round_ = _round(lanes, cursor, now)
    places = {lane: dict(cursor.get("lanes", {}).get(lane, {})) for lane in lanes}
    failed: list[ConnectorError] = []
    for number, lane in enumerate(round_.todo):
        try:
            step = await read(lane, places[lane])
        except ConnectorError as error:
            failed.append(error)
            if _hopeless(failed):
                raise
            round_.trouble[lane] = str(error)
        else:
            places[lane] = step.place
            round_ = replace(round_, todo=round_.todo[number + (not step.more) :])
            return _page(places, round_, step, now)
    if not round_.under_way:
        raise failed[0]
    return _page(places, replace(round_, todo=()), Step(place={}), now)


def since(place: Place, now: datetime, history: timedelta, overlap: timedelta) -> float:
    """From when a lane is read: an overlap before it was "heard", the first time as far back as `history`. Pure."""
    return (place["heard"] - overlap.total_seconds()) if place.get("heard") else (now - history).timestamp()


def tidy(place: Mapping[str, Any]) -> Place:
    """Without what is empty. Pure."""
    return {key: value for key, value in place.items() if value}


def _round(lanes: Sequence[str], cursor: Cursor, now: datetime) -> _Round:
    """The one under way, else a new one."""
    if todo := tuple(lane for lane in cursor.get("todo", ()) if lane in lanes):
        return _Round(todo=todo, trouble=dict(cursor["trouble"]), began=cursor["began"], under_way=True)
    return _Round(todo=tuple(lanes), trouble={}, began=now.timestamp(), under_way=False)


def _hopeless(failed: Sequence[ConnectorError]) -> bool:
    """Asking on would be rude or vain: a limit is reached, or two lanes in a row got no answer."""
    limits = (Hearing.RATE_LIMITED, Hearing.OUT_OF_BUDGET)
    return failed[-1].hearing in limits or sum(isinstance(error, Wait) for error in failed) > 1


def _page(places: dict[str, Place], round_: _Round, step: Step, now: datetime) -> Page:
    cursor: dict[str, Any] = {"lanes": places}
    if round_.todo:
        cursor |= {"todo": list(round_.todo), "trouble": round_.trouble, "began": round_.began}
    notes = [step.note] if step.note else []
    if not round_.todo:
        notes += [f"{lane}: {why}" for lane, why in round_.trouble.items()]
    return Page(
        cursor=cursor,
        posts=step.posts,
        more=bool(round_.todo) or now.timestamp() - round_.began > LONG_AGO.total_seconds(),
        hearing=Hearing.TRUNCATED if notes else Hearing.HEARD,
        note="; ".join(notes),
    )
