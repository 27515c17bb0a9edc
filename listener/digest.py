"""What happened, what is owed and by whom, what could not be heard: for people who read one page a day."""

import math
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from statistics import median

from connectors.contract import Hearing
from escalation.case import Case, Status, replay
from escalation.clean import line
from escalation.events import Acknowledged, Answered, Dismissed, Escalated, Event, Missed, Opened, ReportedBack
from escalation.policy import Person
from listener.durations import spoken
from listener.lighter import credit
from listener.promises import endings
from listener.query import And, Field
from listener.settings import Settings
from listener.storage.contract import CaseRow, MentionRow, Question, Span, State, Store


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
class InTime:
    """How many kept to the clocks of their policy, of how many: the target."""

    kept: int = 0
    of: int = 0

    @property
    def percent(self) -> int:
        return round(100 * self.kept / self.of) if self.of else 0


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
    cases: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # what a number counts -> of which case each is
    in_time: Mapping[str, InTime] = field(default_factory=dict)  # "acknowledged", "reported" back
    before: "Digest | None" = None  # the same, of the time of the same length before
    read: tuple[Owed, ...] = ()  # what to read first: broken promises, then the worst
    advice: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # fault -> the guard's advice taken, left
    praised: Mapping[str, int] = field(default_factory=dict)  # who of us was praised by name, how often
    teams: Mapping[str, Promises] = field(default_factory=dict)  # the same promises, by the team of who owed them
    silent: tuple[str, ...] = ()  # sources that were never heard in this time
    late: int = 0  # open cases whose deadline has passed
    causes: Mapping[str, int] = field(default_factory=dict)  # of the cases that were opened, most frequent first
    praise: tuple[Thanks, ...] = ()  # the newest, at most `THANKS`
    dismissed: int = 0  # cases that people said were no complaint

    @property
    def drift(self) -> str:
        """Said when judging has got worse in the eyes of the team: it is corrected clearly more often than before."""
        was = self.before
        if was is None or self.dismissed < CORRECTED:
            return ""
        now_of, was_of = (one.dismissed + sum(one.outcomes.values()) for one in (self, was))
        share, before = self.dismissed / now_of, was.dismissed / max(1, was_of)
        both = (self.dismissed + was.dismissed) / (now_of + was_of)
        spread = math.sqrt(both * (1 - both) * (1 / now_of + 1 / max(1, was_of)))
        if not was_of or share - before < CLEARLY * spread:
            return ""
        return (
            f"Judging drifts: {share:.0%} of what was decided was dismissed as no complaint "
            f"({self.dismissed} of {now_of}), {before:.0%} before; `listener learn` learns from it"
        )

    @property
    def erased(self) -> int:
        """Mentions of this time that are gone since: they are counted, and no search finds them."""
        return sum(counts.get(State.ERASED, 0) for counts in self.verdicts.values())

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
FIRST = 3  # cases to read first
THANKS = 3
CORRECTED = 5  # dismissed cases under which nothing is said of drift
CLEARLY = 2.0  # standard errors between two shares (the two-proportion z-test)
QUOTED = 200  # characters of a praise


@dataclass(frozen=True, slots=True)
class _Standing:
    """An open case, as far as it is weighed against the others."""

    id: int
    severity: int
    late: bool


@dataclass(slots=True)
class _Tally:
    """Gathers timelines one by one, so that a year of them fits in memory."""

    since: datetime
    until: datetime
    opened: int = 0
    dismissed: int = 0
    closed: int = 0
    open: list[_Standing] = field(default_factory=list)
    read: list[_Standing] = field(default_factory=list)
    cases: dict[str, list[int]] = field(default_factory=dict)
    in_time: dict[str, list[bool]] = field(default_factory=dict)
    open_total: int = 0
    late: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    promises: dict[str, Counter[str]] = field(default_factory=dict)
    teams: dict[str, Counter[str]] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    to_acknowledge: list[timedelta] = field(default_factory=list)
    to_report: list[timedelta] = field(default_factory=list)
    to_answer: list[timedelta] = field(default_factory=list)

    def note(self, what: str, case_id: int) -> None:
        """This case is one of those that the number called `what` counts."""
        self.cases.setdefault(what, []).append(case_id)

    def still_open(self, one: _Standing, *, spoken_for: bool) -> None:
        """One that an incident speaks for is counted, and the incident is named for it."""
        self.open_total += 1
        self.note("open", one.id)
        if one.late:
            self.late += 1
            self.note("late", one.id)
        if not spoken_for:
            self.open = sorted([*self.open, one], key=_worst)[:NAMED]
            self.read = sorted([*self.read, one], key=_first)[:FIRST]


async def compared(store: Store, since: datetime, until: datetime, of: Scope = ALL) -> Digest:
    """A digest beside that of the time of the same length before; the cases are read once for both."""
    earlier, this = _Tally(since - (until - since), since), _Tally(since, until)
    await _tallied(store, of, earlier, this)
    return replace(await _composed(store, this, of), before=await _composed(store, earlier, of))


async def compose(store: Store, since: datetime, until: datetime, of: Scope = ALL) -> Digest:
    """What happened after `until` changes nothing."""
    tally = _Tally(since, until)
    await _tallied(store, of, tally)
    return await _composed(store, tally, of)


async def _tallied(store: Store, of: Scope, *tallies: _Tally) -> None:
    """Where nothing has happened since, the row says what the timeline would. What moves meanwhile counts once."""
    since, seen = min(tally.since for tally in tallies), set[int]()
    async for row in store.unmoved(since):
        seen.add(row.id)
        if not of.brands or row.brand in of.brands:
            for tally in tallies:
                _stand(tally, row)
    async for whole in store.histories(since):
        opened = whole[0]
        assert isinstance(opened, Opened)
        if opened.case not in seen and (not of.brands or opened.subject.brand in of.brands):
            for tally in tallies:
                add(tally, tuple(event for event in whole if event.at <= tally.until))


def _stand(tally: _Tally, row: CaseRow) -> None:
    late = row.missed or (row.deadline is not None and row.deadline <= tally.until)
    tally.still_open(_Standing(row.id, row.severity, late), spoken_for=bool(row.within))


async def _composed(store: Store, tally: _Tally, of: Scope) -> Digest:
    since, until = tally.since, tally.until
    spans = tuple(_within(span, since, until) for span in await store.coverage(since, until))
    counts = await store.counts(since, until)
    return Digest(
        since=since,
        until=until,
        verdicts=_by_brand({key: count for key, count in counts.items() if not of.brands or key[0] in of.brands}),
        opened=tally.opened,
        closed=tally.closed,
        dismissed=tally.dismissed,
        open=tuple([await _owed(store, one.id, until) for one in tally.open]),
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
        cases={what: tuple(sorted(ids)) for what, ids in tally.cases.items()},
        in_time={what: InTime(kept=sum(kept), of=len(kept)) for what, kept in tally.in_time.items()},
        read=tuple([await _owed(store, one.id, until) for one in tally.read]),
        causes=dict(tally.causes.most_common()),
        praise=await _praise(store, since, until, of.brands),
        praised={name: len(rows) for name, rows in (await by_name(store, since, until, of)).items()},
        advice=await store.guard_choices(since, until),
    )


def heard(since: datetime, until: datetime) -> tuple[Field, Field]:
    """In a search: what reached us in that time, both ends included."""
    return Field("heard", ">=", since.isoformat()), Field("heard", "<=", until.isoformat())


async def by_name(store: Store, since: datetime, until: datetime, of: Scope) -> Mapping[str, tuple[MentionRow, ...]]:
    """Who of us was praised by name, and where."""
    return await credit(store, of.people, heard(since, until), of.brands)


def discreet(digest: Digest) -> Digest:
    """Without a word of anybody outside: for what can never be taken back, as a letter that was sent. Pure."""
    titled = tuple(replace(owed, title=f"case {owed.id}") for owed in digest.open)
    first = tuple(replace(owed, title=f"case {owed.id}") for owed in digest.read)
    return replace(digest, open=titled, read=first, praise=())


def _within(span: Span, since: datetime, until: datetime) -> Span:
    """What lasts on is told as far as this time goes, so that it is told the same again later."""
    return replace(span, since=max(span.since, since), until=min(span.until, until))


async def _praise(store: Store, since: datetime, until: datetime, brands: Collection[str]) -> tuple[Thanks, ...]:
    found = list[Thanks]()
    asked = And((Field("verdict", ":", "praise"), *heard(since, until)))
    async for row in store.search(Question(query=asked, limit=50)):
        if len(found) < THANKS and row.text and (not brands or row.brand in brands):
            text = line(row.text, QUOTED)
            found.append(Thanks(brand=row.brand, author=row.author, text=text, url=row.url))
    return tuple(found)


def add(tally: _Tally, timeline: tuple[Event, ...]) -> None:
    if not timeline:
        return
    case = replay(timeline)
    if not case.status.ended:
        late = case.missed or (case.clock is not None and case.clock <= tally.until)
        tally.still_open(_Standing(case.id, case.subject.severity, late), spoken_for=case.spoken_for)
    for event in timeline:
        if event.at >= tally.since:
            _count(tally, case, event)
    if case.status.ended and timeline[-1].at >= tally.since:
        tally.closed += 1
        tally.note("ended", case.id)
    _count_promises(tally, case, timeline)
    _count_in_time(tally, timeline)


def _worst(one: _Standing) -> tuple[int, int]:
    return -one.severity, one.id


def _first(one: _Standing) -> tuple[bool, int, int]:
    return not one.late, -one.severity, one.id


def _count(tally: _Tally, case: Case, event: Event) -> None:
    waited = event.at - case.subject.since
    match event:
        case Opened():
            tally.opened += 1
            tally.note("opened", case.id)
            tally.causes[case.subject.cause or "other"] += 1
            tally.note(f"cause {case.subject.cause or 'other'}", case.id)
        case Dismissed() if case.status is Status.DISMISSED:
            tally.dismissed += 1
            tally.note("dismissed", case.id)
        case Acknowledged():
            tally.to_acknowledge.append(waited)
            tally.note("acknowledged", case.id)
        case Answered(at=at, posted=posted):
            tally.to_answer.append(min(posted or at, at) - case.subject.since)
            tally.note("answered", case.id)
        case ReportedBack(outcome=outcome):
            tally.to_report.append(waited)
            tally.note("reported", case.id)
            tally.note(f"outcome {outcome}", case.id)
            tally.outcomes[outcome] += 1


def _count_in_time(tally: _Tally, timeline: tuple[Event, ...]) -> None:
    """Nobody had to be told that a clock had run out: the policy's own clocks, which know working hours and leave."""
    late = False
    for event in timeline:
        match event:
            case Escalated():
                late = True
            case Missed(what="promise" | "report"):
                late = True
            case Acknowledged() | ReportedBack():
                if event.at >= tally.since:
                    what = "acknowledged" if isinstance(event, Acknowledged) else "reported"
                    tally.in_time.setdefault(what, []).append(not late)
                late = False


def _count_promises(tally: _Tally, case: Case, timeline: tuple[Event, ...]) -> None:
    for ending in endings(timeline):
        if ending.at >= tally.since:
            tally.promises.setdefault(ending.owner, Counter())[ending.fate] += 1
            tally.note(f"{ending.fate} {ending.owner}", case.id)
            if ending.team:
                tally.teams.setdefault(ending.team, Counter())[ending.fate] += 1
                tally.note(f"{ending.fate} team {ending.team}", case.id)


async def _owed(store: Store, case_id: int, until: datetime) -> Owed:
    case = replay(event for event in await store.timeline(case_id) if event.at <= until)
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
    lines += [f"Median from the post to {what}: {waited}" for what, waited in waits(digest)]
    if digest.causes:
        lines.append("Causes: " + ", ".join(f"{cause} {count}{trend}" for cause, count, trend in trends(digest)))
    lines += [digest.drift] if digest.drift else []
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


def waits(digest: Digest) -> list[tuple[str, str]]:
    """How long customers wait, beside the target and the time before."""
    found, before = list[tuple[str, str]](), digest.before
    for what, name, in_time in (
        ("acknowledged", "to_acknowledge", "acknowledged"),
        ("our first public answer", "to_answer", ""),
        ("reported back", "to_report", "reported"),
    ):
        median_ = getattr(digest, name)
        if median_ is None:
            continue
        parts = [spoken(median_)]
        if (kept := digest.in_time.get(in_time)) and kept.of:
            parts.append(f"{kept.percent} % in time")
        was = getattr(before, name) if before else None
        parts += [f"before: {spoken(was)}"] if was is not None else []
        found.append((what, ", ".join(parts)))
    return found


def trends(digest: Digest) -> list[tuple[str, int, str]]:
    """(cause, cases, how many there were before), the most frequent first; "" where nothing is known of before."""
    if digest.before is None:
        return [(cause, count, "") for cause, count in digest.causes.items()]
    had = digest.before.causes
    return [(cause, count, f" (was {had.get(cause, 0)})") for cause, count in digest.causes.items()]


def _mentions(digest: Digest) -> list[str]:
    if not digest.verdicts:
        return ["No mentions." if not digest.deafened else "No mentions were heard, but not everything could be heard."]
    return [
        f"{brand}: " + ", ".join(_counted(count, verdict) for verdict, count in sorted(verdicts.items()))
        for brand, verdicts in sorted(digest.verdicts.items())
    ]


def _counted(count: int, verdict: str) -> str:
    if verdict == State.ERASED:
        return f"{count} deleted since"
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
