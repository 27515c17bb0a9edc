"""Praise and questions: nobody owes anything, so nobody is pinged for each. Who the policy names hears at most once an
hour or a day, when they are on duty, of what came since; praise names whom it praises. Pure, but for `told`.

It quotes nobody, so that nothing of theirs outlives an erasure: the search shows it.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from escalation.notices import HOUSE, Kind, Notice
from escalation.policy import Person
from listener import durations
from listener.query import And, Field, Or, Word, fold
from listener.search import newly
from listener.settings import Settings
from listener.settings.model import Light
from listener.storage.contract import MentionRow, Question, Store

MOST = 1_000  # mentions that are counted
CREDITED = 5_000  # mentions that are looked through for names


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What one person wants to hear of: which verdicts of which brands, how often at most."""

    to: Person
    every: timedelta
    of: tuple[tuple[str, str], ...]  # (brand, verdict)


def owed(settings: Settings) -> tuple[Owed, ...]:
    wanted: dict[str, list[tuple[str, str, Light]]] = {}
    for brand in settings.brands:
        for verdict, light in settings.lights.get(brand.policy, {}).items():
            for name in light.tell:
                wanted.setdefault(name, []).append((brand.name, verdict, light))
    people = {person.name: person for person in settings.people}
    return tuple(
        Owed(to=people[name], every=min(light.every for *_, light in rows), of=tuple(row[:2] for row in rows))
        for name, rows in wanted.items()
    )


async def told(store: Store, settings: Settings, now: datetime) -> None:
    """Owes each of them their summary, when it is time. Doing it twice says nothing twice: its key is its beginning."""
    for one in owed(settings):
        name = f"told lightly: {one.to.name}"
        since = await store.mark(name) or now - one.every
        if now - since < one.every or not one.to.on_duty(now):
            continue
        rows = [row for brand, verdict in one.of for row in await _heard(store, brand, verdict, since, now)]
        if rows:
            await store.owe(summary(one, rows, settings.people, since, now), now)
        await store.set_mark(name, now)


async def _heard(store: Store, brand: str, verdict: str, since: datetime, now: datetime) -> list[MentionRow]:
    asked = And((Field("brand", ":", fold(brand)), Field("verdict", ":", verdict), *newly(since, now)))
    found = [row async for row in store.search(Question(query=asked, limit=MOST))]
    return [row for row in found if row.brand == brand and row.text]


def summary(
    one: Owed, rows: Iterable[MentionRow], people: Collection[Person], since: datetime, now: datetime
) -> Notice:
    counts, credit = Counter[tuple[str, str]](), Counter[str]()
    for row in rows:
        counts[row.brand, row.verdict] += 1
        credit.update(praised(row.text, people) if row.verdict == "praise" else ())
    said = [_counted(brand, verdict, count) for (brand, verdict), count in sorted(counts.items())]
    said += [f"{name} is praised by name, {_times(times)}." for name, times in credit.most_common()]
    span = durations.spoken(now - since)
    said.append(f"`listener search 'verdict:praise OR verdict:question' --since {since:%Y-%m-%dT%H:%M}` shows them.")
    text = f"In the last {span}: " + " ".join(said)
    return Notice(case=HOUSE, seq=int(since.timestamp() * 1_000), kind=Kind.DIRECT, to=one.to.name, text=text)


def _counted(brand: str, verdict: str, count: int) -> str:
    if verdict == "praise":
        return f"{count} {'post praises' if count == 1 else 'posts praise'} {brand}; say thank you."
    return f"{count} {'question is' if count == 1 else 'questions are'} asked of {brand}."


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def praised(text: str, people: Iterable[Person]) -> tuple[str, ...]:
    """Whom of us a text names: by the whole name, or by a first name only one of us has, written as a name is."""
    return tuple(name for name, said in _names(tuple(person.name for person in people)) if said.search(text))


@cache
def _names(people: tuple[str, ...]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    firsts = Counter(_first(name) for name in people)
    return tuple(
        (name, _says(name, first if firsts[first] == 1 and len(first) > 2 else ""))
        for name, first in ((name, _first(name)) for name in people)
    )


def _first(name: str) -> str:
    return name.split()[0]


def _says(name: str, first: str) -> re.Pattern[str]:
    alone = f"|{re.escape(first)}" if first else ""
    return re.compile(rf"(?<!\w)(?:(?i:{re.escape(name)}){alone})(?!\w)")


async def credit(
    store: Store, people: Collection[Person], heard: tuple[Field, Field], brands: Collection[str] = ()
) -> Mapping[str, tuple[MentionRow, ...]]:
    """Who of us was praised by name, and the mentions that do so, the newest first; who is praised oftenest first.
    Only what says one of our first names is read."""
    if not people:
        return {}
    names = Or(tuple(Word(fold(first)) for first in sorted({_first(person.name) for person in people})))
    asked = And((Field("verdict", ":", "praise"), *heard, names))
    found = dict[str, list[MentionRow]]()
    async for row in store.search(Question(query=asked, limit=CREDITED)):
        for name in praised(row.text, people) if not brands or row.brand in brands else ():
            found.setdefault(name, []).append(row)
    return {name: tuple(rows) for name, rows in sorted(found.items(), key=lambda one: -len(one[1]))}
