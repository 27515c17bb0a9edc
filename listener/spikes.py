"""Hours that are louder than a brand's own usual, and what drives them.

The usual is learned: for each hour of the week, what that hour brought in the weeks before, with the hours beside it,
so that Monday morning is held against Monday mornings. An hour is loud when it has more than chance allows, for counts
that vary more than a Poisson process's do (Farrington et al., "A Statistical Algorithm for the Early Detection of
Outbreaks", 1996, in its simplest form). Loud hours that follow each other are one spike.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import sqrt

from listener import talk
from listener.query import And, Field, Node, fold
from listener.storage.contract import MentionRow, Picture, Question, Store
from listener.triage import Verdict

WEEKS = 8  # from which the usual is learned
LEAST_WEEKS = 2  # with less there is no usual
LATELY = timedelta(days=7)
FEWEST = 5  # mentions of a loud hour
STRICT = 4.0  # standard deviations above the usual
READ = 500  # mentions whose words are looked at, here and before
NAMED = 4  # of what drives it
HOUR, WEEK = timedelta(hours=1), timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """Something there was more of: a source, a cause, a word."""

    what: str
    value: str
    count: int
    expected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spike:
    brand: str
    since: datetime
    until: datetime  # its last hour is over
    count: int  # complaints
    usual: float  # of these hours
    drivers: tuple[Driver, ...] = ()

    @property
    def times(self) -> float:
        """How many times the usual."""
        return self.count / max(self.usual, 0.5)


async def found(store: Store, brand: str, now: datetime) -> tuple[Spike, ...]:
    """Of the last seven days, the newest first, each with what drives it."""
    asked = complaints(brand)
    since = _hour(now) - WEEKS * WEEK - LATELY
    picture = await store.picture(Question(query=asked, since=since, until=now))
    loud = spikes(by_hour(picture), brand, now)
    return tuple([await driven(store, one) for one in reversed(loud)])


def complaints(brand: str) -> Node:
    return And((Field("brand", ":", fold(brand)), Field("verdict", ":", Verdict.COMPLAINT)))


def by_hour(picture: Picture) -> Counter[datetime]:
    counts = Counter[datetime]()
    for (at, _, _), (count, _) in picture.times.items():
        counts[at] += count
    return counts


def spikes(counts: Mapping[datetime, int], brand: str, now: datetime) -> tuple[Spike, ...]:
    """Oldest first. Pure; hours are whole hours in UTC."""
    first, hours = min(counts, default=now), list[tuple[datetime, int, float]]()
    at = _hour(now) - LATELY
    while at <= now:
        usual, spread = learned(counts, at, first)
        count = counts.get(at, 0)
        if usual is not None and count >= max(FEWEST, usual + STRICT * spread):
            hours.append((at, count, usual))
        at += HOUR
    return tuple(_joined(hours, brand))


def learned(counts: Mapping[datetime, int], at: datetime, first: datetime) -> tuple[float | None, float]:
    """What this hour of the week usually brings, and by how much that varies; None when too little is known."""
    seen = list[int]()
    weeks = 0
    for week in range(1, WEEKS + 1):
        then = at - week * WEEK
        if then - HOUR < first:
            break
        weeks += 1
        seen += [counts.get(then + beside * HOUR, 0) for beside in (-1, 0, 1)]
    if weeks < LEAST_WEEKS:
        return None, 0.0
    seen.remove(max(seen))  # one loud hour long ago is no usual
    mean = sum(seen) / len(seen)
    variance = sum((one - mean) ** 2 for one in seen) / len(seen)
    return mean, sqrt(max(variance, mean, 0.25))


def _joined(hours: list[tuple[datetime, int, float]], brand: str) -> list[Spike]:
    spans = list[Spike]()
    for at, count, usual in hours:
        if spans and at - spans[-1].until <= HOUR:
            last = spans.pop()
            whole = last.count + count, last.usual + usual
            spans.append(Spike(brand=brand, since=last.since, until=at + HOUR, count=whole[0], usual=whole[1]))
        else:
            spans.append(Spike(brand=brand, since=at, until=at + HOUR, count=count, usual=usual))
    return spans


async def driven(store: Store, spike: Spike) -> Spike:
    """The same, with what there was more of than in the four weeks before."""
    query, before = complaints(spike.brand), spike.since - 4 * WEEK
    here = await store.picture(Question(query=query, since=spike.since, until=spike.until))
    there = await store.picture(Question(query=query, since=before, until=spike.since))
    drivers = [
        Driver(what=what, value=value, count=count, expected=expected)
        for what in ("source", "cause")
        for value, count, expected in _more(here, there, what)
    ]
    said = await _rows(store, Question(query=query, since=spike.since, until=spike.until, limit=READ))
    usual = await _rows(store, Question(query=query, since=before, until=spike.since, limit=READ))
    mine, theirs = talk.words(said, fold(spike.brand).split()), talk.words(usual)
    told = talk.telling(mine, len(said), theirs, len(usual))[:NAMED]
    drivers += [Driver(what="word", value=value, count=count, expected=expected) for value, count, expected in told]
    return replace(spike, drivers=tuple(drivers))


def _more(here: Picture, there: Picture, facet: str) -> list[talk.Telling]:
    found = talk.telling(here.by.get(facet, {}), here.total, there.by.get(facet, {}), there.total)
    return [one for one in found if one[0]][:2]


async def _rows(store: Store, question: Question) -> list[MentionRow]:
    return [row async for row in store.search(question)]


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
