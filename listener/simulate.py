"""What other rules, thresholds, ladders or clocks would have made of the past. Reads, and changes nothing.

A case is lived again by the core itself, with people who answer as quickly as they did then: the next one up is told
when its time comes, until somebody acknowledges; then the first reply is waited for. Who had no case then is taken to
be answered by the first who is told.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from connectors.post import Post
from escalation.case import Case, begin, evolve
from escalation.clock import open_case, overdue
from escalation.commands import Acknowledge
from escalation.decide import decide
from escalation.events import Acknowledged, Answered, Event, ReportedBack
from escalation.manners import Due, Wait, plan
from escalation.notices import Kind, Notice, notices
from listener.settings import Settings
from listener.storage.contract import MentionRow, Opening, Store
from listener.weigh import Scales, scales, weighed

NIGHT_ENDS, NIGHT_BEGINS = 7, 22  # hours of the day, where the person is
ONE_MATTER = timedelta(days=3)  # in which the same author is told of once
LONGEST = timedelta(days=1)  # that a case nobody answered then is followed
AT_ONCE = timedelta()
NAMED = 20  # wakings that are named one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    brand: str
    title: str
    before: str  # the priority that would be escalated, "" for nobody
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Woken:
    """Somebody who would have been told at night, on their own clock."""

    name: str
    at: datetime
    brand: str
    priority: str


@dataclass(slots=True)
class Calls:
    """Who would have been told, how often, at which hours of their own day, and woken how often."""

    times: Counter[str] = field(default_factory=Counter)
    woken: Counter[str] = field(default_factory=Counter)
    off_duty: Counter[str] = field(default_factory=Counter)
    hours: Counter[int] = field(default_factory=Counter)
    wakings: list[Woken] = field(default_factory=list)


@dataclass(slots=True)
class Simulated:
    mentions: int = 0
    before: int = 0
    after: int = 0
    changes: list[Change] = field(default_factory=list)
    calls_before: Calls = field(default_factory=Calls)
    calls_after: Calls = field(default_factory=Calls)


@dataclass(frozen=True, slots=True)
class Pace:
    """How quickly people were, from when a case was opened. None: they never did."""

    acknowledged: timedelta | None = AT_ONCE
    answered: timedelta | None = AT_ONCE


async def simulate(
    store: Store, rows: AsyncIterator[MentionRow], present: Settings, changed: Settings, now: datetime
) -> Simulated:
    """Judges and routes the past, up to `now`, twice. Mentions of brands that are tracked no more are passed over."""
    told = Simulated()
    old, new = (
        _Past(scales(settings), calls, now)
        for settings, calls in ((present, told.calls_before), (changed, told.calls_after))
    )
    async for row in rows:
        if row.brand not in old.scales.targets:
            continue
        pace = paced(await store.timeline(row.case)) if row.case else Pace()
        before, after = old.priority(row, pace), new.priority(row, pace)
        told.mentions += 1
        told.before += bool(before)
        told.after += bool(after)
        if before != after:
            told.changes.append(Change(brand=row.brand, title=row.title or row.text[:80], before=before, after=after))
    return told


def paced(timeline: tuple[Event, ...]) -> Pace:
    """Pure."""
    began, acknowledged, answered = timeline[0].at, None, None
    for event in timeline:
        if isinstance(event, Acknowledged) and acknowledged is None:
            acknowledged = event.at - began
        if isinstance(event, Answered | ReportedBack) and answered is None:
            answered = event.at - began
    return Pace(acknowledged, answered)


@dataclass(slots=True)
class _Past:
    scales: Scales
    calls: Calls
    now: datetime
    known: dict[tuple[str, str], datetime] = field(default_factory=dict)  # (brand, author) -> last told of

    def priority(self, row: MentionRow, pace: Pace) -> str:
        """The priority it would be escalated with, "" for nobody; who is told of it is counted."""
        at = row.created or row.heard
        post = Post(source=row.source, id=str(row.id), url=row.url, text=row.text, title=row.title, created=row.created)
        opening = weighed(post, row.brand, self.scales, at).opening
        if opening is None:
            return ""
        if not self._same_matter(row, at):
            for notice, event, case in lived(opening, at, pace, self.now):
                self._told(notice, event, case)
        return opening.subject.priority

    def _same_matter(self, row: MentionRow, at: datetime) -> bool:
        earlier = self.known.get((row.brand, row.author)) if row.author else None
        if earlier and abs(at - earlier) < ONE_MATTER:
            return True
        self.known[row.brand, row.author] = at
        return False

    def _told(self, notice: Notice, event: Event, case: Case) -> None:
        (step,) = plan([Due(notice=notice, event=event, case=case)], (), event.at)
        at = step.until if isinstance(step, Wait) else event.at
        person = case.policy.person(notice.to)
        hour = at.astimezone(ZoneInfo(person.timezone if person else "UTC")).hour
        night, calls = not NIGHT_ENDS <= hour < NIGHT_BEGINS, self.calls
        calls.times[notice.to] += 1
        calls.hours[hour] += 1
        calls.woken[notice.to] += night
        calls.off_duty[notice.to] += bool(person and person.off(at))
        if night and len(calls.wakings) < NAMED:
            about = case.subject
            calls.wakings.append(Woken(name=notice.to, at=at, brand=about.brand, priority=about.priority))


def lived(opening: Opening, at: datetime, pace: Pace, now: datetime) -> Iterator[tuple[Notice, Event, Case]]:
    """What people are told until the customer is answered, with the event and the case as it was then. Pure."""
    first = open_case(1, opening.subject, opening.policy, at)
    case = begin(first)
    yield from _direct(case, first)
    taken = min(at + (LONGEST if pace.acknowledged is None else pace.acknowledged), now)
    while case.due and case.due < taken:
        (event,) = overdue(case, case.due)
        case = evolve(case, event)
        yield from _direct(case, event)
    for event in decide(case, Acknowledge(by=case.owner), taken):
        case = evolve(case, event)
    answered = min(at + (LONGEST if pace.answered is None else pace.answered), now)
    case = replace(case, clock=at + 2 * LONGEST, warn_at=None, ask_at=None)  # of the promise nothing is known
    while case.reply_at and case.reply_at < answered:
        (event,) = overdue(case, case.reply_at)
        case = evolve(case, event)
        yield from _direct(case, event)


def _direct(case: Case, event: Event) -> Iterator[tuple[Notice, Event, Case]]:
    yield from ((notice, event, case) for notice in notices(case, event) if notice.kind is Kind.DIRECT)
