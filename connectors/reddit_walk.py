"""How far one of Reddit's listings was read. Pure.

A listing is newest first and shows a thousand items at most. It is walked page by page until it shows what is known
already: any of the newest ids of the last walk, or what is older than all of them, so that posts that were taken away
leave no hole and no deafness. What a listing no longer shows is left to be asked for by id.

A place: {"known": [newest ids], "at": the walk under way, "anew": how often it began again, "hole": [first, end] still
to be asked for by number}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.lanes import Place
from connectors.reddit_parse import Listing, Thing, number

PAGE = 100  # the most a page can hold
KNOWN = 200  # ids kept to tell what is known
CUT = 200  # a listing that ends after fewer than this was not cut: there is no more
QUICK = timedelta(minutes=2)  # a walk that nothing held up
FULL = 900  # a first reading of fewer was not cut
ANEW = 10  # times a walk begins again before it is given up
MANY = 5  # posts do not all vanish at once
FURTHEST = 10_000  # a listing that goes on and on
_SPARES = (-2, -10, -30, -60)  # where to go on from when the last item of a page is taken away meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    history: timedelta  # how far back the first walk goes
    overlap: timedelta  # what was written meanwhile is walked again, for what moderators approve late


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    place: Place
    more: bool = False
    note: str = ""


def asked(place: Mapping[str, Any]) -> dict[str, Any]:
    return {"limit": PAGE, "after": place.get("at", {}).get("after")}


def walked(place: Mapping[str, Any], page: Listing, now: datetime, bounds: Bounds) -> Walked:
    """The place after this page, which `asked(place)` was answered with."""
    at, known = place.get("at", {}), place.get("known", [])
    if at and _lost(at, page):
        return _again(place, at)
    if not at and not page.things and len(known) >= MANY:
        return Walked(place={**place}, note="the list is empty, although posts were there before")
    at = _further(at, page, known, now)
    span = bounds.overlap if known else bounds.history
    reached = page.oldest is not None and page.oldest <= now - span
    if not page.after or at["count"] >= FURTHEST:
        return _ended(place, at, reached, cut=_cut(at, known, now))
    if (at["met"] or not known) and (reached or (page.oldest is None and bool(known))):
        return _done(place, at)
    return Walked(place={**place, "at": at}, more=True)


def _lost(at: Mapping[str, Any], page: Listing) -> bool:
    """What the page should go on from is gone: it is empty, or begins anew."""
    return not page.things or not {thing.id for thing in page.things}.isdisjoint(at["top"][:10])


def _again(place: Mapping[str, Any], at: Mapping[str, Any]) -> Walked:
    """From a little further up, else from the top."""
    if at["spare"]:
        first, *rest = at["spare"]
        return Walked(place={**place, "at": {**at, "after": first, "spare": rest, "lost": True}}, more=True)
    if not at["met"] and place.get("anew", 0) < ANEW:
        return Walked(place={"known": place.get("known", []), "anew": place.get("anew", 0) + 1}, more=True)
    return _ended(place, at, reached=False, cut=True)


def _further(at: Mapping[str, Any], page: Listing, known: Sequence[str], now: datetime) -> dict[str, Any]:
    ids = [thing.id for thing in page.things]
    numbers = [thing.number for thing in page.things]
    low = min([*numbers, *([at["low"]] if at else [])], default=0)
    return {
        "after": page.after,
        "spare": [ids[place] for place in _SPARES if len(ids) >= -place],
        "count": at.get("count", 0) + len(ids),
        "top": [*at.get("top", []), *ids][:KNOWN],
        "low": low,
        "met": _met(at, ids, low, known),
        "began": at.get("began", now.timestamp()),
        "lost": at.get("lost", False),
    }


def _met(at: Mapping[str, Any], ids: Sequence[str], low: int, known: Sequence[str]) -> bool:
    """Any of the known ids, or everything down to below them all."""
    if at.get("met") or not set(known).isdisjoint(ids):
        return True
    return bool(known) and low <= min(map(number, known))


def _cut(at: Mapping[str, Any], known: Sequence[str], now: datetime) -> bool:
    """May the listing have ended too early? While a walk is held up, what it has not reached is pushed out."""
    if not known:
        return bool(at["count"] >= FULL)
    return bool(at["count"] >= CUT or at["lost"]) or now.timestamp() - at["began"] > QUICK.total_seconds()


def _ended(place: Mapping[str, Any], at: Mapping[str, Any], reached: bool, *, cut: bool) -> Walked:
    """The listing shows no more. That is all there is, unless it was cut."""
    done = _done(place, at)
    if not cut or at["met"]:
        return done
    begin = max((number(id_) + 1 for id_ in place.get("known", []) if number(id_) < at["low"]), default=at["low"])
    if begin < at["low"]:
        return Walked(place={**done.place, "hole": [begin, at["low"]]}, more=True)
    if reached or place.get("known"):
        return done
    return Walked(place=done.place, note=f"the first reading ends after {at['count']} items: Reddit shows no more")


def _done(place: Mapping[str, Any], at: Mapping[str, Any]) -> Walked:
    return Walked(place={"known": list(dict.fromkeys([*at["top"], *place.get("known", [])]))[:KNOWN]})


def chunk_of(hole: Sequence[int]) -> tuple[range, list[int]]:
    """The newest hundred numbers of a hole, and what then is left of it."""
    first, end = hole
    begin = max(first, end - PAGE)
    return range(begin, end), [first, begin] if begin > first else []


# What was heard in the last two days is looked at again: [[when heard, looks so far, [ids]], …]

LOOKS = (timedelta(hours=1), timedelta(hours=12), timedelta(hours=47))
WATCHED = 3_000  # ids; beyond that the oldest are left to the house, which looks again at what it kept


def watched(watch: Sequence[Any], things: Sequence[Thing], now: datetime) -> list[Any]:
    """With what is new in these."""
    already = {id_ for _, _, ids in watch for id_ in ids}
    fresh = [t.id for t in things if t.post and t.created and t.created > now - LOOKS[-1] and t.id not in already]
    grown = [*watch, [int(now.timestamp()), 0, fresh]] if fresh else [*watch]
    while sum(len(ids) for _, _, ids in grown) > WATCHED:
        grown.pop(0)
    return grown


def due(watch: Sequence[Any], now: datetime) -> tuple[list[str], list[Any]]:
    """The ids to look at now, at most a page of them, and the watch once that is done."""
    taken: list[str] = []
    left: list[Any] = []
    for heard, looks, ids in watch:
        if heard + LOOKS[looks].total_seconds() > now.timestamp() or len(taken) + len(ids) > PAGE:
            left.append([heard, looks, ids])
            continue
        taken += ids
        if looks + 1 < len(LOOKS):
            left.append([heard, looks + 1, ids])
    return taken, left
