"""A source that is read in lanes (a search, a hashtag), each with its own place: one page of one lane a fetch.

A lane that fails is said and holds no other lane back; a lane that is new starts at its own beginning. The cursor:
{"lanes": {name: its place}, "todo": what this round has still to read, "trouble": {name: why}, "began": the round,
"spoke": lanes that showed a post in this round, "shown": {name: when the newest posts it showed were written}}

A lane that reads its last hours again must show again what it showed: one that shows nothing at all is not believed.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.contract import ConnectorError, Cursor, Hearing, Page, Wait
from connectors.post import Post

Place = dict[str, Any]  # JSON: how far a lane was read
MANY = 5  # posts do not all vanish at once
NONE = timedelta()
LONG_AGO = timedelta(minutes=10)  # a round that began before that was interrupted: its first lanes have news


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One page of one lane."""

    place: Place
    posts: tuple[Post, ...] = ()
    more: bool = False  # of this lane
    note: str = ""  # what was missed, when something was
    asked: bool = True  # False when the lane was passed over this time, so that its silence says nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    todo: tuple[str, ...]
    trouble: dict[str, str]
    began: float
    under_way: bool
    spoke: tuple[str, ...]


async def take_turn(
    lanes: Sequence[str],
    cursor: Cursor,
    now: datetime,
    read: Callable[[str, Place], Awaitable[Step]],
    overlap: timedelta = NONE,
) -> Page:
    """The next page; `overlap` is the time that each lane reads again at every poll.

    Raises ConnectorError when no lane could be read, or the server wants to be left alone.
    """
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
            spoke = (*round_.spoke, lane) if step.posts and lane not in round_.spoke else round_.spoke
            round_ = replace(round_, todo=round_.todo[number + (not step.more) :], spoke=spoke)
            shown, step = _remembered(cursor, lane, step, lane in spoke, now - overlap)
            return _page(places, round_, step, now, {**cursor.get("shown", {}), lane: shown} if overlap else {})
    if not round_.under_way:
        raise failed[0]
    return _page(places, replace(round_, todo=()), Step(place={}), now, cursor.get("shown", {}))


def since(place: Place, now: datetime, history: timedelta, overlap: timedelta) -> float:
    """From when a lane is read: an overlap before it was "heard", the first time as far back as `history`. Pure."""
    return (place["heard"] - overlap.total_seconds()) if place.get("heard") else (now - history).timestamp()


def tidy(place: Mapping[str, Any]) -> Place:
    """Without what is empty. Pure."""
    return {key: value for key, value in place.items() if value}


def _round(lanes: Sequence[str], cursor: Cursor, now: datetime) -> _Round:
    """The one under way, else a new one."""
    if todo := tuple(lane for lane in cursor.get("todo", ()) if lane in lanes):
        spoke = tuple(cursor.get("spoke", ()))
        return _Round(todo=todo, trouble=dict(cursor["trouble"]), began=cursor["began"], under_way=True, spoke=spoke)
    return _Round(todo=tuple(lanes), trouble={}, began=now.timestamp(), under_way=False, spoke=())


def _remembered(cursor: Cursor, lane: str, step: Step, spoke: bool, since: datetime) -> tuple[list[int], Step]:
    """When the newest of what the lane showed was written; and the step, with a doubt when all of that is not shown."""
    before = cursor.get("shown", {}).get(lane, [])
    times = sorted({*before, *(int(post.created.timestamp()) for post in step.posts if post.created)})[-MANY:]
    recent = [time for time in times if time > since.timestamp()]
    if len(recent) < MANY or spoke or step.more or not step.asked:
        return times, step
    doubt = f"{lane}: nothing is shown, not even what was shown before: has it been closed to us?"
    return times, replace(step, note="; ".join(filter(None, (step.note, doubt))))


def _hopeless(failed: Sequence[ConnectorError]) -> bool:
    """Asking on would be rude or vain: a limit is reached, or two lanes in a row got no answer."""
    limits = (Hearing.RATE_LIMITED, Hearing.OUT_OF_BUDGET)
    return failed[-1].hearing in limits or sum(isinstance(error, Wait) for error in failed) > 1


def _page(places: dict[str, Place], round_: _Round, step: Step, now: datetime, shown: Mapping[str, list[int]]) -> Page:
    cursor: dict[str, Any] = {"lanes": places}
    if kept := {lane: times for lane, times in shown.items() if lane in places and times}:
        cursor["shown"] = kept
    if round_.todo:
        cursor |= {"todo": list(round_.todo), "trouble": round_.trouble, "began": round_.began}
        cursor |= {"spoke": list(round_.spoke)} if round_.spoke else {}
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
