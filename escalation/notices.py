"""What must be said to whom because of an event, each with a key that makes it one thing to say once. Pure.

The one who acted is never pinged about their own act. A direct message is the only ping; the channel's card and its
thread are there to be looked at.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import ceil, log
from typing import assert_never

from escalation.brief import brief
from escalation.case import Case, Status
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
    TakenBack,
    Warned,
)
from escalation.telling import coordination
from escalation.wording import soon

TELLING = 8  # posts of one case that have a line each
HOUSE = 0  # the case number of what concerns no case: a source gone quiet, and the like


class Kind(StrEnum):
    CARD = "card"  # one per case in its brand's channel, redrawn at each change
    THREAD = "thread"  # a line under that card
    DIRECT = "direct"  # to one person
    HOUSE = "house"  # to everybody who runs this
    CHANNEL = "channel"  # of no case, to a channel that somebody chose; `to` is its id


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that must be said. `to` is a person's name for DIRECT, a brand otherwise ("" for all brands)."""

    case: int
    seq: int  # the event it speaks of, or for the house the instant in seconds
    kind: Kind
    to: str
    text: str
    says: tuple[str, ...] = ()  # keys of all that one message says, when that is more than this
    loud: bool = False  # THREAD: shown in the channel too; decided when it is said (manners.py)

    @property
    def key(self) -> str:
        """The same for every attempt to say it."""
        return f"{self.case}/{self.seq}/{self.kind}/{self.to}"


def notices(case: Case, event: Event) -> tuple[Notice, ...]:
    """What is owed because of `event`; `case` is as it was left by it. Within an incident the incident speaks."""
    if case.spoken_for and not isinstance(event, Grouped):
        return ()
    said = {(kind, to): text for kind, to, text in _said(case, event)}
    return tuple(Notice(case=case.id, seq=case.seq, kind=kind, to=to, text=text) for (kind, to), text in said.items())


def _said(case: Case, event: Event) -> Iterator[tuple[Kind, str, str]]:
    brand, at = case.subject.brand, event.at
    yield Kind.CARD, brand, ""
    match event:
        case Opened(owner=owner, why=why):
            yield Kind.DIRECT, owner, f"You have this one: {why}. " + _acknowledge_by(case, owner, at)
            if event.incident:
                yield from _executive(case, at)
            if event.unattended:
                yield Kind.HOUSE, "", _unattended(case)
        case Escalated(to=to, why=why):
            yield Kind.THREAD, brand, f"Not acknowledged in time. {to} has it now."
            yours = f"Nobody acknowledged in time, so it is yours: {why}."
            yield Kind.DIRECT, to, f"{yours} {_acknowledge_by(case, to, at)}"
            if event.unattended:
                yield Kind.HOUSE, "", _unattended(case)
        case Acknowledged(by=by):
            yield Kind.THREAD, brand, f"{by} has it."
        case Warned(to=to):
            yield Kind.DIRECT, to, f"{_owed(case)} by {_by(case, case.clock, to, at)}."
        case ProgressAsked(to=to):
            yield (
                Kind.DIRECT,
                to,
                "No news of this for a while. How does it go? Report back, move the promise, or hand it over.",
            )
        case TakenBack(was=was, to=to, why=why):
            yield Kind.THREAD, brand, f"Taken back from {was}, who missed the promise. {to} has it now."
            yield Kind.DIRECT, to, f"{was} missed the promise, so it is yours: {why}. " + _acknowledge_by(case, to, at)
            if was != to:
                yield (
                    Kind.DIRECT,
                    was,
                    f"Taken back from you: the promise was missed, and no news. {to} has it now.",
                )
        case Promised(by=by, what=what, due=due, reason=reason):
            moved = f" Moved: {reason}." if reason else ""
            yield Kind.THREAD, brand, f"{by} promises: {what}, by {_by(case, due, by, at)}.{moved}"
        case Missed(what=what, to=to):
            yield Kind.THREAD, brand, f"The {what} of {case.owner} is overdue. {to} was told."
            of_what, mend = _missed(case, what)
            yield Kind.DIRECT, to, f"{case.owner} missed the {what}{of_what}. Make sure the customer hears."
            yield Kind.DIRECT, case.owner, f"Your {what} is overdue{of_what}. {mend}"
        case ReplyDue(to=to, due=due):
            was_due = f"it was due by {_by(case, due, to, at)}"
            yield Kind.DIRECT, to, f"Nobody has answered in public yet; {was_due}. {_ANSWER}"
        case LeadTold(to=to, why=why):
            yield Kind.DIRECT, to, f"For your eyes: {why}."
        case HandoverOffered(by=by, to=to, note=note, among=among):
            whom = f"you of {to}" if among else "you"
            for name in among or (to,):
                yield Kind.DIRECT, name, f"{by} asks {whom} to take this one over. " + (note or "No note was left.")
        case HandoverAccepted(by=by):
            yield Kind.THREAD, brand, f"{by} took it over."
        case HandoverDeclined(by=by, reason=reason):
            yield Kind.DIRECT, case.owner, f"The hand-over did not happen: {reason}. You still have it."
        case ReportedBack(by=by, outcome=outcome, done=done):
            yield Kind.THREAD, brand, f"{by} reports back, {outcome}: {done}"
            if case.subject.raised_by not in ("", by):
                yield Kind.DIRECT, case.subject.raised_by, f"You raised this. {by} reports back, {outcome}: {done}"
        case FollowUpDue(to=to):
            yield Kind.DIRECT, to, f"Time to check that it really helped. {seen(case)}"
        case FollowedUp(by=by, result=result, note=note):
            yield Kind.THREAD, brand, f"{by} followed up: {result}. {note}".strip()
            if result is Result.WORSE and by != case.owner:
                yield Kind.DIRECT, case.owner, f"{by} found it worse. " + _acknowledge_by(case, case.owner, at)
        case Dismissed(by=by, reason=reason):
            yield Kind.THREAD, brand, f"{by} dismissed it: {reason}"
        case DismissalUndone(by=by):
            yield Kind.THREAD, brand, f"{by} takes the dismissal back."
            if by != case.owner:
                yield Kind.DIRECT, case.owner, f"{by} takes the dismissal back. It is yours as before."
        case Noted(by=by, text=text):
            yield Kind.THREAD, brand, f"{by} notes: {text}"
        case Snoozed(by=by, until=until):
            then = _by(case, until, by, at)
            yield Kind.THREAD, brand, f"{by} is not reminded before {then}. What was promised stands."
        case HelpAsked(by=by, to=to, text=text):
            yield Kind.THREAD, brand, f"{by} asks {to} for help: {text}"
            yield Kind.DIRECT, to, f"{by} asks you for help: {text}"
        case Merged(by=by, into=into):
            yield Kind.THREAD, brand, f"{by} says that this is the matter of case {into}, which answers for it."
        case SplitOff(by=by, to=to):
            yield Kind.THREAD, brand, f"{by} says that one post is a matter of its own: case {to}."
        case Reopened(by=by, reason=reason):
            yield Kind.THREAD, brand, f"{by} opened it again: {reason}"
            if by != case.owner:
                yield Kind.DIRECT, case.owner, f"Open again: {reason}. " + _acknowledge_by(case, case.owner, at)
        case Joined(url=url, how=how):
            if _worth_a_line(len(case.posts)):
                times = f" {len(case.posts)} posts by now." if len(case.posts) > TELLING else ""
                yield Kind.THREAD, brand, (f"Said again ({how}): {url}" if url else f"Said again ({how}).") + times
            if how is How.AUTHOR:
                reads = " It reads like thanks." if event.severity == 0 else ""
                yield Kind.DIRECT, case.owner, f"The author wrote again.{reads} Read it before you answer. {url}"
        case Coordinated():
            yield Kind.THREAD, brand, coordination(event)
        case Raised(was=was, priority=priority) if was == priority:
            return
        case Raised(priority=priority, owner=owner, why=why):
            says = f"{event.by} says that it is worse than that. " if event.by else ""
            yield Kind.THREAD, brand, f"{says}Now {priority}, severity {event.severity}."
            if event.by == owner:
                return
            if case.status is Status.OPEN:
                yield Kind.DIRECT, owner, f"{says}Now {priority}, and yours: {why}. " + _acknowledge_by(case, owner, at)
            else:
                yield Kind.DIRECT, owner, f"{says}Now {priority}. Your promise stands; see whether it is still enough."
        case Rated(by=by, rating=Rating.WORSE, stays=stays) if stays:
            yield Kind.THREAD, brand, f"{by} says that it is worse than that. It stays {event.priority}: {stays}."
        case Rated():
            return
        case Grouped(within=within):
            yield Kind.THREAD, brand, f"Part of incident {within}, which speaks for it until somebody takes it up."
        case Stated(by=by, text=text):
            yield Kind.THREAD, brand, f"{by} states, for every customer of this: {text}"
        case Grew() | StillWaiting():
            return
        case Answered(by=by, url=url):
            yield Kind.THREAD, brand, f"{by} answered in public: {url}" if url else f"{by} answered in public."
        case Revised():
            yield Kind.DIRECT, case.owner, "The author changed the post. Read it again before you answer."
        case Erased():
            yield Kind.DIRECT, case.owner, "The author deleted the post. Its text and name are gone here too."
        case _:
            assert_never(event)


def dead_letter(notice: Notice, case: Case | None, why: str) -> Notice | None:
    """What cannot be said is said to somebody else, once for each case and person: of a person to the house, of a card
    to the case's owner. A line hangs under its card, and the house has nobody above it."""
    of = f"case {notice.case}" if notice.case else "several cases"
    if notice.kind is Kind.DIRECT:
        text = f"{notice.to} cannot be told of {of}: {why}."
        return Notice(case=HOUSE, seq=notice.case, kind=Kind.HOUSE, to=f"undelivered to {notice.to}", text=text)
    if notice.kind is Kind.CHANNEL:
        text = f"The channel {notice.to} cannot be told of what a saved search found: {why}."
        return Notice(case=HOUSE, seq=0, kind=Kind.HOUSE, to=f"undelivered to {notice.to}", text=text)
    if notice.kind is Kind.CARD and case:
        text = f"The card of {of} cannot be shown in its channel: {why}."
        return Notice(case=HOUSE, seq=notice.case, kind=Kind.DIRECT, to=case.owner, text=text)
    return None


def unchecked(incident: Case, now: datetime) -> tuple[Notice, ...]:
    """An incident has ended, and customers of it wait for their check: one word a day for all, on Mondays to the lead
    too. While it goes on its own clock speaks for them."""
    if not incident.status.ended:
        return ()
    lead = {incident.policy.lead(now)} if now.weekday() == 0 else set()
    text = (
        f"Incident {incident.id} is {incident.status}, and customers within it are not checked on yet: `listener cases`"
        " lists them. Say of each whether it helped; who is worse is a case again."
    )
    seq = _midnight(now) + incident.id  # several incidents may end on one day
    told = sorted({incident.owner, *lead})
    return tuple(Notice(case=HOUSE, seq=seq, kind=Kind.DIRECT, to=name, text=text) for name in told)


def _midnight(now: datetime) -> int:
    return int(now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp())


def unreadable(case_id: int, why: str, now: datetime) -> Notice:
    """Said once a day for each such case."""
    text = f"{why[:300]}. Nobody is reminded of it until that is mended; see docs/operating.md."
    return Notice(case=HOUSE, seq=_midnight(now), kind=Kind.HOUSE, to=f"case {case_id} unreadable", text=text)


def _executive(case: Case, at: datetime) -> Iterator[tuple[Kind, str, str]]:
    """The lead has the whole on one page when it begins."""
    lead = case.policy.lead(at)
    page = "An incident has begun. " + " ".join(brief(case))
    yours = f"You have this one. {page}" if lead == case.owner else page
    yield Kind.DIRECT, lead, yours


def _unattended(case: Case) -> str:
    about = f"{case.subject.brand}, {case.subject.priority}"
    return f"Nobody on the ladder of {about}, is on duty: case {case.id} waits with {case.owner}."


def _worth_a_line(posts: int) -> bool:
    """The first few, then each time they are half as many again: a story told ten thousand times is thirty lines."""
    return posts <= TELLING or posts == int(TELLING * 1.5 ** ceil(log(posts / TELLING, 1.5) - 1e-9))


def _owed(case: Case) -> str:
    if case.status is Status.OPEN:
        return "Not acknowledged yet: due"
    return f'Your promise "{case.promise.what}" is due' if case.promise else "Your report is due"


def seen(case: Case) -> str:
    """What we saw of the thread ourselves. It proves nothing: whether it helped, a person says."""
    if case.gone:
        return "The post was deleted, so it cannot be seen there any more; say what you know of the customer."
    ours = f"Our answer of {case.answered:%d %b} stands there." if case.answered else "We saw no answer of ours there."
    reads = f", and the last of it reads {case.tone}" if case.tone else ""
    theirs = f"The author has {'written ' + _times(case.again) if case.again else 'not written'} since{reads}."
    return f"{ours} {theirs} Read it again and say what you found."


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def _acknowledge_by(case: Case, name: str, at: datetime) -> str:
    return f"Acknowledge by {_by(case, case.clock, name, at)}."


_ANSWER = "Answer there, or say where you did."


def _missed(case: Case, what: str) -> tuple[str, str]:
    if what == "first reply":
        return " in public", _ANSWER
    if what != "promise":  # it was reported back, so the promise itself was kept
        return "", "Read the thread again and say what you found."
    promised = f' "{case.promise.what}"' if case.promise else ""
    return promised, "Report back, or move it and say why."


def _by(case: Case, due: datetime | None, name: str, at: datetime) -> str:
    """In the reader's own time, as it is understood at `at`."""
    person = case.policy.person(name)
    return soon(due, person.timezone if person else "UTC", at) if due else "no set time"
