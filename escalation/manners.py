"""When somebody is told, and how much at once. Pure. It changes how things are said, never whether they are owed.

- Nobody is pinged twice about one case within fifteen minutes; what comes in between waits, and is then said in one.
- More than four new cases for one person within ten minutes are one message.
- Who is off duty is left alone until they are on duty again, except for P1 and for what a colleague asks of them.
- What makes a case theirs, breaks a promise, or is asked by a colleague does not wait for the fifteen minutes.

Whatever waits is owed as before: it has a time at which it is tried, and the audit counts it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby

from escalation import hours
from escalation.case import Case
from escalation.clean import line
from escalation.events import Escalated, Event, HandoverOffered, HelpAsked, Missed, Opened, ReplyDue, TakenBack
from escalation.notices import HOUSE, Kind, Notice
from escalation.wording import soon

CALM = timedelta(minutes=15)  # between two pings of one person about one case
WINDOW = timedelta(minutes=10)
MANY = 4  # new cases of one person in that time that are said one by one
LONGEST_NIGHT = timedelta(days=4)  # who is away for longer is told all the same
STALE = timedelta(minutes=5)  # after which it is said what has become of it since
SAID_AT_ONCE = 4  # things of one case in one message, the newest first
TOP = "P1"
YOURS = (Opened, Escalated, TakenBack)
ASKED = (HandoverOffered, HelpAsked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """Somebody was told something about a case. `kind`: the event's name."""

    to: str
    case: int
    kind: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What could be said to one person now. `case` as it stands now; both None for what concerns no case."""

    notice: Notice
    event: Event | None = None
    case: Case | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """One message, which says all these notices."""

    notice: Notice
    says: tuple[Notice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    notice: Notice
    until: datetime
    why: str


Plan = Say | Wait


def plan(due: Iterable[Due], pings: Sequence[Ping], now: datetime) -> tuple[Plan, ...]:
    """What is said now, and what waits; every notice of `due` is in exactly one of them."""
    people = groupby(sorted(due, key=_person), key=_person)
    return tuple(step for name, theirs in people for step in _of_one(list(theirs), _told(pings, name), now))


def _of_one(due: list[Due], pings: list[Ping], now: datetime) -> Iterator[Plan]:
    open_: list[Due] = []
    for one in due:
        waits = _night(one, now) or _calm(one, pings)
        if waits and waits.until > now:
            yield waits
        else:
            open_.append(one)
    new = [one for one in open_ if _is_new(one)]
    lately = {ping.case: ping.at for ping in pings if ping.kind == Opened.__name__ and now - ping.at < WINDOW}
    if len(lately) + len(new) > MANY:
        open_ = [one for one in open_ if not _is_new(one)]
        yield from _many(new, lately, now)
    for _, same in groupby(sorted(open_, key=_matter), key=_matter):
        yield _in_one([_timely(one, now) for one in same])


def _many(new: list[Due], lately: dict[int, datetime], now: datetime) -> Iterator[Plan]:
    """In one message; when most were said already, the last ones are gathered, for as long as that is no harm."""
    until = min([*(at + WINDOW for at in lately.values()), *map(_no_harm, new)], default=now)
    if len(lately) >= MANY and until > now:
        yield from (Wait(notice=one.notice, until=until, why="many new cases are said in one") for one in new)
    elif new:
        yield _in_one([_timely(one, now) for one in new])


def _no_harm(one: Due) -> datetime:
    """A third of the time to acknowledge may pass; of P1 nothing."""
    if one.case is None or one.event is None or one.case.clock is None or one.case.subject.priority <= TOP:
        return datetime.min.replace(tzinfo=UTC)
    return one.event.at + (one.case.clock - one.event.at) / 3


def _night(one: Due, now: datetime) -> Wait | None:
    person = one.case.policy.person(one.notice.to) if one.case else None
    if person is None or one.case is None or one.case.subject.priority <= TOP or isinstance(one.event, ASKED):
        return None
    if not (off := person.off(now)):
        return None
    morning = hours.later(now, timedelta(), person.works, person.timezone)
    if not now < morning <= now + LONGEST_NIGHT:
        return None
    return Wait(notice=one.notice, until=morning, why=f"{person.name} is {off}")


def _calm(one: Due, pings: list[Ping]) -> Wait | None:
    last = max((ping.at for ping in pings if ping.case == one.notice.case), default=None)
    if last is None or one.event is None or _urgent(one):
        return None
    return Wait(notice=one.notice, until=last + CALM, why=f"{one.notice.to} was told of this case at {last:%H:%M} UTC")


def _urgent(one: Due) -> bool:
    """Being called again and again about a case that is theirs already is not."""
    if isinstance(one.event, Escalated) and one.case and one.case.repeats > 1:
        return False
    return isinstance(one.event, (*YOURS, *ASKED, Missed, ReplyDue))


def _is_new(one: Due) -> bool:
    return isinstance(one.event, Opened)


def _timely(one: Due, now: datetime) -> Due:
    """What was held back, or could not be sent, says what has become of it since."""
    case, event = one.case, one.event
    if case is None or event is None or now - event.at < STALE or not isinstance(event, YOURS):
        return one
    since = f"It is {case.status} since." if case.status.ended else f"Since then {case.owner} has it."
    if case.owner == one.notice.to and not case.status.ended:
        return one
    return replace(one, notice=replace(one.notice, text=f"{one.notice.text} {since}"))


def _in_one(same: Sequence[Due]) -> Say:
    """The newest, with what the older ones said; of several cases a list, which quotes nobody."""
    newest, notices = same[-1].notice, tuple(one.notice for one in same)
    if len(same) == 1:
        return Say(notice=newest, says=notices)
    keys = tuple(notice.key for notice in notices)
    if all(notice.case == newest.case for notice in notices):
        different = list(dict.fromkeys(notice.text for notice in reversed(notices)))
        more = f" And {len(different) - SAID_AT_ONCE} more." if len(different) > SAID_AT_ONCE else ""
        text = " ".join(different[:SAID_AT_ONCE]) + more
        return Say(notice=replace(newest, text=text, says=keys), says=notices)
    listed = "\n".join(_listed(one) for one in same)
    text = f"{len(same)} new cases for you; the Home tab and `listener cases` show them:\n{listed}"
    return Say(notice=replace(newest, case=HOUSE, text=text, says=keys), says=notices)


def _listed(one: Due) -> str:
    if one.case is None:
        return one.notice.text
    person = one.case.policy.person(one.notice.to)
    zone, clock = person.timezone if person else "UTC", one.case.clock
    by = f", acknowledge by {soon(clock, zone, one.event.at if one.event else clock)}" if clock else ""
    whose = "" if one.case.owner == one.notice.to else f", {line(one.case.owner, 80)} has it"
    return f"case {one.case.id}: {line(one.case.subject.brand, 60)}, {one.case.subject.priority}{whose or by}"


def loud(timeline: Sequence[Event], notice: Notice) -> Notice:
    """The first broken promise of a case is shown in the channel itself, once; all else stays in the thread."""
    broken = [seq for seq, event in enumerate(timeline, 1) if isinstance(event, Missed)]
    return replace(notice, loud=notice.kind is Kind.THREAD and broken[:1] == [notice.seq])


def _told(pings: Iterable[Ping], name: str) -> list[Ping]:
    return [ping for ping in pings if ping.to == name]


def _person(one: Due) -> str:
    return one.notice.to


def _matter(one: Due) -> tuple[int, int]:
    """What concerns no case is never said together."""
    return one.notice.case, one.notice.seq if one.notice.case == HOUSE else 0
