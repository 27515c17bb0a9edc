"""The life of one case, as data: no clock, no network, no database. Pure.

open_case(id, subject, policy, at, away) -> event     a matter becomes somebody's (clock.py)
decide(case, command, at)                -> events    what a person's request means now (decide.py)
overdue(case, now, away)                 -> events    what the passing of time means now (clock.py)
raised(case, subject, policy, at, away)  -> events    what another, worse post of the same matter means (clock.py)
evolve(case, event)                      -> case      the only way a case changes

       acknowledge            report back            followed up
OPEN ───────────────▶ ACKNOWLEDGED ─────▶ REPORTED ───────────────▶ CLOSED
 │ ▲ nobody did: the next person       │ worse: back to OPEN
 │ └──────────────── reopen ───────────┴──────── DISMISSED ◀─ dismiss (from any open state)
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from escalation.events import (
    Acknowledged,
    Answered,
    Coordinated,
    DismissalUndone,
    Dismissed,
    Erased,
    Escalated,
    Event,
    FollowedUp,
    FollowUpDue,
    Grew,
    Grouped,
    HandoverAccepted,
    HandoverDeclined,
    HandoverOffered,
    HelpAsked,
    How,
    Joined,
    LeadTold,
    Merged,
    Missed,
    Noted,
    Opened,
    ProgressAsked,
    Promised,
    Raised,
    Rated,
    Rating,
    Reopened,
    ReplyDue,
    ReportedBack,
    Result,
    Revised,
    Snoozed,
    SplitOff,
    Stated,
    StillWaiting,
    Subject,
    TakenBack,
    Warned,
)
from escalation.policy import NEVER, Policy

LONGEST_WAIT = timedelta(days=1)  # between two calls to the same last person


class Tone(StrEnum):
    """How what the author wrote last reads beside what they wrote first."""

    BETTER = "better"
    SAME = "no better"
    WORSE = "worse"


class Status(StrEnum):
    OPEN = "open"  # somebody must acknowledge
    ACKNOWLEDGED = "acknowledged"  # the owner must keep the promise
    REPORTED = "reported"  # the owner must check that it helped
    CLOSED = "closed"
    DISMISSED = "dismissed"

    @property
    def ended(self) -> bool:
        return self in (Status.CLOSED, Status.DISMISSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    what: str
    due: datetime
    moves: int = 0
    missed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstReply:
    """The first public answer, still owed to the customer."""

    due: datetime  # counted from the post
    look_at: datetime  # when it is said that it is still owed
    told: int = 0  # how often that was said: first to the owner, then up the ladder
    rung: int = 0  # the highest place on the ladder that was told


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A hand-over that waits for its answer. Until then the giver has the case."""

    by: str
    to: str
    note: str
    due: datetime
    among: tuple[str, ...] = ()

    def reaches(self, name: str) -> bool:
        return name == self.to or name in self.among


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    id: int
    subject: Subject
    policy: Policy
    status: Status
    owner: str
    rung: int  # the highest place on the ladder that was told
    opened: datetime
    clock: datetime | None  # when the present step is overdue; None only when ended
    dismissed_at: datetime | None = None
    stood: Status = Status.OPEN  # before it was dismissed, for who takes that back
    stood_clock: datetime | None = None
    warn_at: datetime | None = None  # when the owner is told that the deadline is near
    ask_at: datetime | None = None  # when the owner is asked how it goes
    back_at: datetime | None = None  # when the case is taken from an owner who missed the promise and says nothing
    reply: FirstReply | None = None  # None: none is owed, or our account has answered
    seq: int = 1  # how many events made this case
    repeats: int = 0  # how often the same last person was called
    promise: Promise | None = None
    offer: Offer | None = None
    handovers: int = 0
    report: ReportedBack | None = None
    asked: bool = False  # the owner was asked for the follow-up
    posts: tuple[str, ...] = ()
    why: str = ""  # why this owner and nobody else
    answered: datetime | None = None  # when our own account first answered in public
    again: int = 0  # how often the author has written since it was reported back
    tone: Tone | None = None  # and how the last of that reads
    coordinated: int = 0  # accounts whose copies look arranged; 0: none do
    gone: bool = False  # the author deleted the post, or somebody had it erased
    incident: bool = False  # what many customers have in common; each of them has a case of their own within it
    customers: int = 0  # of an incident
    statement: str = ""  # of an incident: what may be said to all of them
    within: int = 0  # the incident it belongs to
    ratings: tuple[tuple[str, Rating], ...] = ()  # who has said what of the severity; each person's last word
    taken: bool = False  # somebody took it up by itself: no incident speaks for it any more

    @property
    def spoken_for(self) -> bool:
        return bool(self.within) and not self.taken

    @property
    def missed(self) -> bool:
        """A deadline of the present step has passed once already; being called again does not make it less late."""
        broken = self.promise is not None and self.promise.missed and self.status is Status.ACKNOWLEDGED
        return self.clock is not None and (self.repeats > 0 or broken)

    @property
    def reply_at(self) -> datetime | None:
        """When somebody is told that the first public answer is still owed."""
        working = self.status in (Status.OPEN, Status.ACKNOWLEDGED) and not self.spoken_for
        return self.reply.look_at if self.reply and working else None

    @property
    def due(self) -> datetime | None:
        """The next instant at which time alone changes this case."""
        if self.clock is None:
            return None
        sooner = (self.offer.due if self.offer else None, self.warn_at, self.ask_at, self.back_at, self.reply_at)
        return min([self.clock, *filter(None, sooner)])


def replay(events: Iterable[Event]) -> Case:
    """Raises ValueError when the timeline does not begin with Opened."""
    timeline = iter(events)
    first = next(timeline, None)
    if not isinstance(first, Opened):
        raise ValueError(f"a timeline begins with Opened, not with {first!r:.80}")
    case = begin(first)
    for event in timeline:
        case = evolve(case, event)
    return case


def begin(opened: Opened) -> Case:
    wait = opened.policy.report if opened.within else opened.policy.acknowledge
    case = Case(
        id=opened.case,
        subject=opened.subject,
        policy=opened.policy,
        status=Status.OPEN,
        owner=opened.owner,
        why=opened.why,
        rung=opened.rung,
        opened=opened.at,
        clock=opened.policy.deadline(opened.at, wait, opened.owner),
        incident=opened.incident,
        within=opened.within,
        posts=(opened.subject.post,),
        reply=None if opened.incident else _first_reply(opened.subject, opened.policy, opened.owner, opened.at),
    )
    return replace(case, warn_at=_warning(case, opened.at))


def evolve(case: Case, event: Event) -> Case:
    changed = _changed(case, event)
    warn_at, ask_at, back_at = _reminders(case, changed, event)
    return replace(changed, warn_at=warn_at, ask_at=ask_at, back_at=back_at, seq=case.seq + 1)


Reminders = tuple[datetime | None, datetime | None, datetime | None]  # warn_at, ask_at, back_at


def _reminders(before: Case, case: Case, event: Event) -> Reminders:
    """What the owner is reminded of on the way to the deadline, and when it is too late for reminding."""
    if case.status not in (Status.OPEN, Status.ACKNOWLEDGED) or case.spoken_for:
        return None, None, None
    warn_at = case.warn_at if case.clock == before.clock else _warning(case, event.at)
    match event:
        case Warned():
            return None, case.ask_at, case.back_at
        case Escalated() | TakenBack() | Reopened() | FollowedUp():
            return warn_at, None, None
        case Snoozed(until=until):
            early = warn_at is not None and warn_at < until
            return None if early else warn_at, until, None
        case Acknowledged() | Promised() | HandoverAccepted() | Answered() | Noted() | DismissalUndone():
            return warn_at, _asking(case, event.at), None
        case ProgressAsked():
            return warn_at, _asking(case, event.at), case.back_at
        case Missed(what="promise") if case.policy.take_back and not before.back_at:
            return warn_at, None, event.at + case.policy.take_back
        case _:
            return warn_at, case.ask_at, case.back_at


def _first_reply(subject: Subject, policy: Policy, owner: str, at: datetime) -> FirstReply | None:
    """Due by the post's own time. Who has only just been told of an old post is given the time to take it first."""
    if policy.first_reply == NEVER:
        return None
    due = policy.deadline(subject.since, policy.first_reply, owner)
    return FirstReply(due=due, look_at=max(due, policy.deadline(at, policy.acknowledge, owner)))


def _warning(case: Case, at: datetime) -> datetime | None:
    """None when the deadline is so near that it needs no word of its own, or has been missed once already."""
    warn, missed = case.policy.warn, case.promise is not None and case.promise.missed
    if case.clock is None or warn == NEVER or missed or case.spoken_for or case.clock - at < 4 * warn:
        return None
    return case.clock - warn


def _asking(case: Case, at: datetime) -> datetime | None:
    soon = at + case.policy.ask
    later = case.clock and soon < case.clock and case.policy.ask != NEVER and case.status is Status.ACKNOWLEDGED
    return soon if later else None


def _changed(case: Case, event: Event) -> Case:
    match event:
        case Opened():
            raise ValueError(f"case {case.id} is opened already")
        case Escalated(at=at, to=to, rung=rung, why=why):
            repeats = case.repeats + 1 if to == case.owner else 0
            clock = case.policy.deadline(at, _patience(case.policy, repeats), to)
            return replace(case, owner=to, why=why, rung=rung, repeats=repeats, offer=None, clock=clock)
        case Acknowledged(at=at, by=by):
            return _owned(case, by, at)
        case Warned() | ProgressAsked() | Noted() | Snoozed() | HelpAsked():
            return case
        case TakenBack(at=at, to=to, rung=rung, why=why):
            clock = case.policy.deadline(at, case.policy.acknowledge, to)
            anew = replace(case, status=Status.OPEN, owner=to, rung=rung, why=why, clock=clock)
            return replace(anew, promise=None, offer=None, repeats=0)
        case Promised(what=what, due=due):
            moves = case.promise.moves + 1 if case.promise else 0
            return replace(case, promise=Promise(what=what, due=due, moves=moves), clock=due, repeats=0)
        case ReplyDue(at=at) if case.reply:
            return replace(case, reply=_said_again(case.reply, case.rung, case.policy, at))
        case Missed(at=at, what="first reply", rung=rung) if case.reply:
            return replace(case, reply=_said_again(case.reply, rung, case.policy, at))
        case ReplyDue() | Missed(what="first reply"):
            return case
        case Missed(at=at, what=what, rung=rung):
            broken = what == "promise" or bool(case.promise and case.promise.missed)
            promise = replace(case.promise, missed=broken) if case.promise else None
            wait = _patience(case.policy, case.repeats)
            return replace(case, rung=rung, promise=promise, clock=at + wait, repeats=case.repeats + 1)
        case LeadTold():
            return case
        case HandoverOffered(at=at, by=by, to=to, note=note, among=among):
            due = at + case.policy.acknowledge
            return replace(case, offer=Offer(by=by, to=to, note=note, due=due, among=among))
        case HandoverAccepted(at=at, by=by):
            return replace(_owned(case, by, at), handovers=case.handovers + 1)
        case HandoverDeclined():
            return replace(case, offer=None)
        case ReportedBack(follow_up=follow_up):
            status = Status.REPORTED if follow_up else Status.CLOSED
            return replace(
                case,
                status=status,
                report=event,
                clock=follow_up,
                asked=False,
                offer=None,
                repeats=0,
                again=0,
                tone=None,
                handovers=0,
            )
        case FollowUpDue(at=at):
            return replace(case, asked=True, clock=at + case.policy.report)
        case FollowedUp(at=at, result=Result.WORSE):
            return _from_the_start(case, at)
        case Reopened(at=at, within=within):
            return replace(_from_the_start(case, at), taken=case.taken if within else True)
        case FollowedUp():
            return _ended(case, Status.CLOSED)
        case Dismissed(at=at):
            return replace(_ended(case, Status.DISMISSED), dismissed_at=at, stood=case.status, stood_clock=case.clock)
        case DismissalUndone():
            return replace(case, status=case.stood, clock=case.stood_clock)
        case Merged():
            return _ended(case, Status.CLOSED)
        case SplitOff(post=post):
            return replace(case, posts=tuple(each for each in case.posts if each != post))
        case Joined(post=post, how=How.AUTHOR) if case.status is Status.REPORTED:
            return replace(case, posts=(*case.posts, post), again=case.again + 1, tone=_tone(case, event))
        case Joined(post=post):
            return replace(case, posts=(*case.posts, post))
        case Coordinated(accounts=accounts):
            return replace(case, coordinated=accounts)
        case Raised():
            return _worse(case, event)
        case Rated(by=by, rating=rating):
            return replace(case, ratings=(*(said for said in case.ratings if said[0] != by), (by, rating)))
        case Grouped(at=at, within=within):
            return replace(case, within=within, offer=None, clock=at + case.policy.report)
        case Grew(by=by):
            return replace(case, customers=case.customers + by)
        case Stated(text=text):
            return replace(case, statement=text)
        case StillWaiting(at=at):
            return replace(case, clock=at + LONGEST_WAIT)
        case Answered(at=at):
            return replace(case, answered=case.answered or at, reply=None)
        case Revised(post=post, text=text, severity=severity):
            changed = replace(case.subject, text=text, severity=severity)
            return replace(case, subject=changed) if post == case.subject.post else case
        case Erased(post=post):
            return replace(case, subject=scrubbed(case.subject), gone=True) if post == case.subject.post else case
        case _:
            assert_never(event)


def _tone(case: Case, event: Joined) -> Tone:
    if event.severity == 0:
        return Tone.BETTER
    return Tone.WORSE if (event.severity or 0) > case.subject.severity else Tone.SAME


def _ended(case: Case, status: Status) -> Case:
    return replace(case, status=status, clock=None, offer=None)


def _worse(case: Case, event: Raised) -> Case:
    subject = replace(case.subject, severity=event.severity, priority=event.priority)
    why = case.why if event.owner == case.owner else event.why
    worse = replace(case, subject=subject, policy=event.policy, owner=event.owner, why=why, rung=event.rung)
    if not event.by:
        worse = replace(worse, ratings=())  # what was said was said of less
    if event.priority == case.subject.priority:
        return worse
    if not (case.incident or case.answered or (case.reply and case.reply.told)):
        worse = replace(worse, reply=_first_reply(subject, event.policy, event.owner, event.at))
    if case.status is not Status.OPEN or case.spoken_for:
        return worse
    clock = event.policy.deadline(event.at, event.policy.acknowledge, event.owner)
    if event.by and case.clock:
        return replace(worse, clock=min(clock, case.clock))  # the same owner: sooner, never later
    return replace(worse, clock=clock, repeats=0, offer=None)


def _owned(case: Case, by: str, at: datetime) -> Case:
    """Whoever takes a case takes its promise too; without one, a report is owed within the policy's time."""
    new = case.status is Status.OPEN
    return replace(
        case,
        status=Status.ACKNOWLEDGED if new else case.status,
        owner=by,
        why=case.why if by == case.owner else "took it over",
        rung=_rung(case, by),
        clock=case.policy.deadline(at, case.policy.report, by) if new else case.clock,
        offer=None,
        repeats=0,
        taken=True,
    )


def _said_again(reply: FirstReply, rung: int, policy: Policy, at: datetime) -> FirstReply:
    return replace(reply, look_at=at + _patience(policy, reply.told), told=reply.told + 1, rung=rung)


def _from_the_start(case: Case, at: datetime) -> Case:
    return replace(
        case,
        status=Status.OPEN,
        rung=_rung(case, case.owner),
        clock=case.policy.deadline(at, case.policy.acknowledge, case.owner),
        repeats=0,
        promise=None,
        report=None,
        asked=False,
        taken=True,
    )


def _rung(case: Case, name: str) -> int:
    held = case.policy.rung(name)
    return case.rung if held is None else held


def _patience(policy: Policy, repeats: int) -> timedelta:
    """Calls to the same last person come at doubling distances, so a night does not become a hundred calls."""
    return min(policy.acknowledge * (1 << min(repeats, 20)), max(LONGEST_WAIT, policy.acknowledge))


def scrubbed(subject: Subject) -> Subject:
    """What may stay of a post that was deleted: where and when it was, and how it was judged, not what it said."""
    reasons = tuple(replace(reason, words="") for reason in subject.reasons)
    return replace(subject, author="", title="", text="", url="", thread="", customer="", story="", reasons=reasons)
