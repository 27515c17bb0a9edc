"""What happened, what is owed and by whom, what could not be heard: for people who read one page a day."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from statistics import median

from connectors.contract import Hearing
from escalation.case import Case, replay
from escalation.clean import line
from escalation.events import Acknowledged, Answered, Event, Opened, ReportedBack
from escalation.policy import Person
from listener.durations import spoken
from listener.lighter import credit
from listener.promises import endings
from listener.query import Field
from listener.settings import Settings
from listener.storage.contract import Question, Span, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    kept: int = 0
    moved: int = 0
    missed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """One open case, as a digest names it."""

    id: int
    brand: str
    title: str
    priority: str
    severity: int
    owner: str
    status: str
    due: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thanks:
    """Somebody was pleased: for the people who made it so."""

    brand: str
    author: str
    text: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    since: datetime
    until: datetime
    verdicts: Mapping[str, Mapping[str, int]]  # brand -> verdict -> mentions
    opened: int
    closed: int
    open: tuple[Owed, ...]  # most severe first, at most `NAMED`
    open_total: int
    promises: Mapping[str, Promises]  # by owner
    outcomes: Mapping[str, int]
    to_acknowledge: timedelta | None  # median, measured from the post
    to_report: timedelta | None  # median, measured from the post
    to_answer: timedelta | None = None  # median until our own account answered in public, from post to post
    deaf: tuple[Span, ...] = ()  # what could not be heard
    advice: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # fault -> the guard's advice taken, left
    praised: Mapping[str, int] = field(default_factory=dict)  # who of us was praised by name, how often
    teams: Mapping[str, Promises] = field(default_factory=dict)  # the same promises, by the team of who owed them
    silent: tuple[str, ...] = ()  # sources that were never heard in this time
    late: int = 0  # open cases whose deadline has passed
    causes: Mapping[str, int] = field(default_factory=dict)  # of the cases that were opened, most frequent first
    praise: tuple[Thanks, ...] = ()  # the newest, at most `THANKS`

    @property
    def deafened(self) -> bool:
        """What was not heard may be more than what was: this digest never says that there was nothing."""
        return bool(self.deaf or self.silent)

    @property
    def empty(self) -> bool:
        """Nothing was said and nothing is owed, and we would have heard it."""
        return not (self.verdicts or self.opened or self.closed or self.open_total or self.promises or self.deafened)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a digest is of. `sources` are those that should be heard: who of them nobody listened to is told."""

    brands: Collection[str] = ()  # all, when none is named
    sources: Collection[str] = ()
    people: Collection[Person] = ()  # who of us may be praised by name


ALL = Scope()


def everything(settings: Settings, brands: Collection[str] = ()) -> Scope:
    """Of these brands, or of all."""
    return Scope(brands=brands, sources=[source.name for source in settings.sources], people=settings.people)


NAMED = 10
THANKS = 3
QUOTED = 200  # characters of a praise


@dataclass(slots=True)
class _Tally:
    """Gathers timelines one by one, so that a year of them fits in memory."""

    since: datetime
    until: datetime
    opened: int = 0
    closed: int = 0
    open: list[Owed] = field(default_factory=list)
    open_total: int = 0
    late: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    promises: dict[str, Counter[str]] = field(default_factory=dict)
    teams: dict[str, Counter[str]] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    to_acknowledge: list[timedelta] = field(default_factory=list)
    to_report: list[timedelta] = field(default_factory=list)
    to_answer: list[timedelta] = field(default_factory=list)


async def compose(store: Store, since: datetime, until: datetime, of: Scope = ALL) -> Digest:
    """What happened after `until` changes nothing."""
    tally = _Tally(since, until)
    async for case_id in store.timelines(since):
        timeline = tuple(event for event in await store.timeline(case_id) if event.at <= until)
        if not of.brands or replay(timeline or await store.timeline(case_id)).subject.brand in of.brands:
            add(tally, timeline)
    spans = tuple(_within(span, since, until) for span in await store.coverage(since, until))
    counts = await store.counts(since, until)
    return Digest(
        since=since,
        until=until,
        verdicts=_by_brand({key: count for key, count in counts.items() if not of.brands or key[0] in of.brands}),
        opened=tally.opened,
        closed=tally.closed,
        open=tuple(tally.open),
        open_total=tally.open_total,
        promises={owner: Promises(**counts) for owner, counts in sorted(tally.promises.items())},
        teams={team: Promises(**counts) for team, counts in sorted(tally.teams.items())},
        outcomes=dict(tally.outcomes.most_common()),
        to_acknowledge=_median(tally.to_acknowledge),
        to_report=_median(tally.to_report),
        to_answer=_median(tally.to_answer),
        deaf=tuple(span for span in spans if span.hearing is not Hearing.HEARD),
        silent=_never_heard(spans, of.sources),
        late=tally.late,
        causes=dict(tally.causes.most_common()),
        praise=await _praise(store, since, until, of.brands),
        praised=await credit(store, of.people, since, until) if of.people else {},
        advice=await store.guard_choices(since, until),
    )


def discreet(digest: Digest) -> Digest:
    """Without a word of anybody outside: for what can never be taken back, as a letter that was sent. Pure."""
    titled = tuple(replace(owed, title=f"case {owed.id}") for owed in digest.open)
    return replace(digest, open=titled, praise=())


def _within(span: Span, since: datetime, until: datetime) -> Span:
    """What lasts on is told as far as this time goes, so that it is told the same again later."""
    return replace(span, since=max(span.since, since), until=min(span.until, until))


async def _praise(store: Store, since: datetime, until: datetime, brands: Collection[str]) -> tuple[Thanks, ...]:
    found = list[Thanks]()
    async for row in store.search(Question(query=Field("verdict", ":", "praise"), since=since, until=until, limit=50)):
        if len(found) < THANKS and row.text and (not brands or row.brand in brands):
            text = " ".join(row.text.split())[:QUOTED]
            found.append(Thanks(brand=row.brand, author=row.author, text=text, url=row.url))
    return tuple(found)


def add(tally: _Tally, timeline: tuple[Event, ...]) -> None:
    if not timeline:
        return
    case = replay(timeline)
    if not case.status.ended:
        tally.open_total += 1
        tally.late += case.missed or (case.clock is not None and case.clock <= tally.until)
        if not case.spoken_for:  # its incident is named for it
            tally.open = sorted([*tally.open, _owed(case)], key=lambda owed: -owed.severity)[:NAMED]
    for event in timeline:
        if event.at >= tally.since:
            _count(tally, case, event)
    if case.status.ended and timeline[-1].at >= tally.since:
        tally.closed += 1
    _count_promises(tally, timeline)


def _count(tally: _Tally, case: Case, event: Event) -> None:
    waited = event.at - case.subject.since
    match event:
        case Opened():
            tally.opened += 1
            tally.causes[case.subject.cause or "other"] += 1
        case Acknowledged():
            tally.to_acknowledge.append(waited)
        case Answered(at=at, posted=posted):
            tally.to_answer.append(min(posted or at, at) - case.subject.since)
        case ReportedBack(outcome=outcome):
            tally.to_report.append(waited)
            tally.outcomes[outcome] += 1


def _count_promises(tally: _Tally, timeline: tuple[Event, ...]) -> None:
    for ending in endings(timeline):
        if ending.at >= tally.since:
            tally.promises.setdefault(ending.owner, Counter())[ending.fate] += 1
            if ending.team:
                tally.teams.setdefault(ending.team, Counter())[ending.fate] += 1


def _owed(case: Case) -> Owed:
    return Owed(
        id=case.id,
        brand=case.subject.brand,
        title=line(case.subject.title or case.subject.text, 80),
        priority=case.subject.priority,
        severity=case.subject.severity,
        owner=case.owner,
        status=case.status,
        due=case.clock,
    )


def _median(spans: list[timedelta]) -> timedelta | None:
    return timedelta(seconds=median(span.total_seconds() for span in spans)) if spans else None


def _by_brand(counts: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    grouped: dict[str, dict[str, int]] = {}
    for (brand, verdict), count in counts.items():
        grouped.setdefault(brand, {})[verdict] = count
    return grouped


def _never_heard(spans: tuple[Span, ...], sources: Collection[str]) -> tuple[str, ...]:
    heard = {span.source for span in spans if span.hearing in (Hearing.HEARD, Hearing.TRUNCATED)}
    return tuple(sorted({*sources, *(span.source for span in spans)} - heard))


def as_text(digest: Digest) -> str:
    if digest.empty:
        return f"From {_at(digest.since)} to {_at(digest.until)}: nothing to report, and everything was heard.\n"
    lines = [f"From {_at(digest.since)} to {_at(digest.until)}", ""]
    lines += _mentions(digest)
    lines += ["", f"Cases: {digest.opened} opened, {digest.closed} ended, {digest.open_total} open, {digest.late} late"]
    lines += [_line(owed) for owed in digest.open]
    if digest.to_acknowledge is not None:
        lines.append(f"Median from the post to acknowledged: {spoken(digest.to_acknowledge)}")
    if digest.to_answer is not None:
        lines.append(f"Median from the post to our first public answer: {spoken(digest.to_answer)}")
    if digest.to_report is not None:
        lines.append(f"Median from the post to reported back: {spoken(digest.to_report)}")
    if digest.causes:
        lines.append("Causes: " + ", ".join(f"{cause} {count}" for cause, count in digest.causes.items()))
    lines += [f"Outcome {outcome}: {count}" for outcome, count in digest.outcomes.items()]
    lines += ["", "Promises:" if digest.promises else "No promise fell due."]
    for owner, told in digest.promises.items():
        lines.append(f"  {owner}: {_fates(told)}")
    lines += [f"  team {team}: {_fates(told)}" for team, told in digest.teams.items()]
    lines += [f"Praised by name: {name}, {count}" for name, count in digest.praised.items()]
    lines += ["", "Praise:"] if digest.praise else []
    lines += [f"  {thanks.author or 'somebody'}, of {thanks.brand}: {thanks.text}" for thanks in digest.praise]
    return "\n".join([*lines, "", *_coverage(digest)]) + "\n"


def _fates(told: Promises) -> str:
    return f"{told.kept} kept, {told.moved} moved, {told.missed} missed"


def _mentions(digest: Digest) -> list[str]:
    if not digest.verdicts:
        return ["No mentions." if not digest.deafened else "No mentions were heard, but not everything could be heard."]
    return [
        f"{brand}: " + ", ".join(_counted(count, verdict) for verdict, count in sorted(verdicts.items()))
        for brand, verdicts in sorted(digest.verdicts.items())
    ]


def _counted(count: int, verdict: str) -> str:
    return f"{count} {verdict}s" if count != 1 and verdict in ("complaint", "question") else f"{count} {verdict}"


def _line(owed: Owed) -> str:
    due = f", due {_at(owed.due)}" if owed.due else ""
    who = f"{owed.owner}, {owed.status}{due}"
    return f"  {owed.id:>4}  {owed.priority} {owed.severity:>3}  {owed.brand}: {owed.title} ({who})"


def _coverage(digest: Digest) -> list[str]:
    if not digest.deafened:
        return ["Everything that is listened to was heard."]
    lines = ["What could not be heard:"]
    for span in digest.deaf:
        lines.append(f"  {span.source}: {span.hearing}, {_at(span.since)} to {_at(span.until)}. {span.note}".rstrip())
    return lines + [f"  {source}: not heard at all in this time" for source in digest.silent]


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
