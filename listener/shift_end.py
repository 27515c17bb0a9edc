"""At the end of a person's day, or of their turn in a team: what is open and promised, to them and to who comes next.

Pure. Nothing is said when nothing is open. It quotes no customer, so that nothing of theirs outlives an erasure.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from escalation import hours
from escalation.case import Case
from escalation.clean import line
from escalation.notices import HOUSE, Kind, Notice
from escalation.policy import Away, Person, Team, first
from escalation.wording import soon

LATE = timedelta(hours=1)  # after which a summary is no help any more
NAMED = 12  # cases


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Somebody's shift is over. `back`: when they are on duty again."""

    name: str
    at: datetime
    back: datetime


def ended(people: Collection[Person], teams: Collection[Team], now: datetime) -> tuple[Ended, ...]:
    """Whose working day, or turn, ended within the last hour; each person once."""
    by_name = {person.name: person for person in people}
    ends = [(person.name, end) for person in people for end in _days_ended(person, now)]
    ends += [(name, end) for team in teams for name, end in _turn_ended(team, now)]
    latest = dict(sorted(ends, key=lambda each: each[1]))
    return tuple(
        Ended(name=name, at=at, back=hours.later(now, timedelta(), by_name[name].works, by_name[name].timezone))
        for name, at in latest.items()
        if name in by_name
    )


def _days_ended(person: Person, now: datetime) -> Iterator[datetime]:
    today = now.astimezone(ZoneInfo(person.timezone)).date()
    for day in (today - timedelta(days=1), today):
        yield from (end for _, end in person.works(day) if now - LATE < end <= now and person.off(end))


def _turn_ended(team: Team, now: datetime) -> Iterator[tuple[str, datetime]]:
    changed = team.changed(now)
    if changed and now - LATE < changed:
        before, after = team.turn_at(changed - timedelta(seconds=1)), team.turn_at(changed)
        yield from ((name, changed) for name in before if name not in after)


def summaries(over: Ended, cases: Iterable[Case], away: Away = ()) -> tuple[Notice, ...]:
    """One to them and one to each who comes next; `cases` are the open ones they own."""
    theirs = sorted(cases, key=lambda case: (case.clock or over.back, case.id))
    if not theirs:
        return ()
    heirs: dict[str, list[Case]] = {}
    for case in theirs:
        chosen = first(case.policy, over.at, {*away, over.name})
        if not chosen.unattended and chosen.name != over.name:
            heirs.setdefault(chosen.name, []).append(case)
    own = f"Your shift is over. {_count(theirs)} still yours; hand over what cannot wait."
    told = {over.name: f"{own}\n{_listed(theirs, over, over.name)}"}
    for name, next_ in heirs.items():
        back = f"{_local(over.back, next_[0], name, over.at)}"
        head = f"{over.name} is off until {back}. {_count(next_)} still theirs, and you are next."
        told[name] = f"{head}\n{_listed(next_, over, name)}"
    seq = int(over.at.timestamp())
    return tuple(Notice(case=HOUSE, seq=seq, kind=Kind.DIRECT, to=name, text=text) for name, text in told.items())


def _listed(cases: list[Case], over: Ended, reader: str) -> str:
    lines = [_line(case, over, reader) for case in cases[:NAMED]]
    more = len(cases) - NAMED
    return "\n".join([*lines, *([f"and {more} more; `listener cases` shows them"] if more > 0 else [])])


def _line(case: Case, over: Ended, reader: str) -> str:
    owed = f'promised "{line(case.promise.what, 80)}"' if case.promise else str(case.status)
    due = f", by {_local(case.clock, case, reader, over.at)}" if case.clock else ""
    soon = " (before the next shift)" if case.clock and case.clock < over.back else ""
    return f"case {case.id}: {line(case.subject.brand, 60)}, {case.subject.priority}, {owed}{due}{soon}"


def _count(cases: list[Case]) -> str:
    return "1 open case is" if len(cases) == 1 else f"{len(cases)} open cases are"


def _local(at: datetime, case: Case, reader: str, now: datetime) -> str:
    person = case.policy.person(reader)
    return soon(at, person.timezone if person else "UTC", now)
