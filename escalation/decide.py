"""What a person's request means for a case: events, nothing (it is so already), or a refusal with a sentence. Pure."""

from datetime import datetime, timedelta
from typing import assert_never

from escalation import guard
from escalation import policy as ladder
from escalation.case import Case, Status
from escalation.commands import (
    Accept,
    Acknowledge,
    Answer,
    AskForHelp,
    Command,
    Decline,
    Dismiss,
    FollowUp,
    Handover,
    MakePromise,
    Note,
    Rate,
    Refused,
    Reopen,
    ReportBack,
    Snooze,
    Statement,
    UndoDismiss,
)
from escalation.events import (
    Acknowledged,
    Answered,
    DismissalUndone,
    Dismissed,
    Event,
    FollowedUp,
    HandoverAccepted,
    HandoverDeclined,
    HandoverOffered,
    HelpAsked,
    LeadTold,
    Noted,
    Outcome,
    Promised,
    Raised,
    Rated,
    Rating,
    Reopened,
    ReportedBack,
    Snoozed,
    Stated,
)
from escalation.wording import clock_time

NOTHING_LEFT_TO_CHECK = (Outcome.NOT_OURS, Outcome.WRONG_PERSON)
HANDOVERS_BEFORE_THE_LEAD = 3
MOVES_BEFORE_THE_LEAD = 2
FARTHEST = timedelta(days=366)  # what is due later than that is a slip of the pen, and would never be looked at
UNDOABLE = timedelta(days=1)  # a dismissal


def decide(case: Case, command: Command, at: datetime) -> tuple[Event, ...]:
    """Pressing twice is harmless: what is so already gives no event. Raises Refused."""
    if case.status.ended and not isinstance(command, Reopen | Note | Rate):
        return _after_the_end(case, command, at)
    match command:
        case Acknowledge():
            return _acknowledge(case, command, at)
        case MakePromise():
            return _promise(case, command, at)
        case Handover():
            return _hand_over(case, command, at)
        case Accept(by=by):
            return _accept(case, by, at)
        case Decline(by=by, reason=reason):
            offer = _offer_to(case, by)
            return (HandoverDeclined(at=at, by=by, reason=reason or "no reason given"),) if offer else ()
        case ReportBack():
            return _report(case, command, at)
        case FollowUp():
            return _follow_up(case, command, at)
        case Dismiss() if case.incident:
            raise Refused(f"{case.customers} customers wait within incident {case.id}: report back on it instead")
        case Dismiss(by=by, reason=reason):
            return (Dismissed(at=at, by=by, reason=_said(reason, "why this needs nothing from us")),)
        case UndoDismiss():
            return ()
        case Note(by=by, text=text):
            return (Noted(at=at, by=by, text=_said(text, "what the next reader should know")),)
        case Statement() if not case.incident:
            raise Refused(f"case {case.id} is one customer's matter; a statement belongs to an incident")
        case Statement(by=by, text=text) if text.strip() == case.statement:
            return ()
        case Statement(by=by, text=text):
            return (Stated(at=at, by=by, text=_said(text, "what may be said to the customers")),)
        case Rate():
            return _rate(case, command, at)
        case Snooze():
            return _snooze(case, command, at)
        case AskForHelp():
            return _ask_for_help(case, command, at)
        case Answer(by=by, url=url):
            return () if case.answered else (Answered(at=at, by=by, post="", url=url.strip()),)
        case Reopen(by=by, reason=reason):
            if not case.status.ended:
                raise Refused(f"case {case.id} is open already; {case.owner} has it")
            return (Reopened(at=at, by=by, reason=_said(reason, "why it must be opened again")),)
        case _:
            assert_never(command)


def _after_the_end(case: Case, command: Command, at: datetime) -> tuple[Event, ...]:
    if isinstance(command, Dismiss) and case.status is Status.DISMISSED:
        return ()
    if isinstance(command, UndoDismiss) and case.status is Status.DISMISSED and case.dismissed_at:
        if at - case.dismissed_at <= UNDOABLE:
            return (DismissalUndone(at=at, by=command.by),)
        raise Refused(f"case {case.id} was dismissed more than a day ago; reopen it")
    raise Refused(f"case {case.id} is {case.status}; reopen it first")


def _rate(case: Case, command: Rate, at: datetime) -> tuple[Event, ...]:
    """One step up for each person who says that it is worse; nothing ever goes down."""
    if case.incident:
        raise Refused(f"incident {case.id} is as bad as its customers' cases: say it of one of them")
    if case.status is Status.DISMISSED:
        raise Refused(f"case {case.id} was dismissed as no complaint; reopen it first")
    if (command.by, command.rating) in case.ratings:
        return ()
    about, row = case.subject, command.policy
    stays = _stays(case, command) if command.rating is Rating.WORSE else ""
    rated = Rated(
        at=at, by=command.by, rating=command.rating, severity=about.severity, priority=about.priority, stays=stays
    )
    if stays or row is None or command.rating is not Rating.WORSE:
        return (rated,)
    held = row.rung(case.owner)
    return rated, Raised(
        at=at,
        severity=about.severity,
        was=about.priority,
        priority=row.priority,
        policy=row,
        owner=case.owner,
        rung=-1 if held is None else held,  # -1: nobody of that ladder was told yet
        why="has it already",
        by=command.by,
    )


def _stays(case: Case, command: Rate) -> str:
    """Why the priority stays; "" when it is raised."""
    if case.status not in (Status.OPEN, Status.ACKNOWLEDGED):
        return f"the case is {case.status}"
    if command.policy is None:
        return f"the policy has nothing more urgent than {case.subject.priority}"
    return "" if command.policy.priority < case.subject.priority else f"it is {case.subject.priority} already"


def _snooze(case: Case, command: Snooze, at: datetime) -> tuple[Event, ...]:
    _only_the_owner(case, command.by)
    until = _ahead(command.until, at)
    if case.clock and until > case.clock:
        instead = "acknowledge it first" if case.status is Status.OPEN else "move the promise instead"
        raise Refused(f"the deadline is {clock_time(case, case.clock)}, before that time; {instead}")
    return (Snoozed(at=at, by=command.by, until=until),)


def _ask_for_help(case: Case, command: AskForHelp, at: datetime) -> tuple[Event, ...]:
    _only_the_owner(case, command.by)
    above = ladder.above(case.policy, case.rung, command.by, at)
    if above.name == command.by:
        raise Refused("nobody stands above you on this ladder; hand the case over to somebody")
    return (HelpAsked(at=at, by=command.by, to=above.name, text=_said(command.text, "what you need help with")),)


def _acknowledge(case: Case, command: Acknowledge, at: datetime) -> tuple[Event, ...]:
    if case.status is not Status.OPEN:
        if command.by != case.owner:
            raise Refused(f"{case.owner} already has case {case.id}. Nothing to do.")
        return ()
    due = _ahead(command.due, at) if command.due else case.policy.deadline(at, case.policy.report, command.by)
    what = command.what.strip() or "report back on what was done"
    return (
        Acknowledged(at=at, by=command.by),
        Promised(at=at, by=command.by, what=what, due=due),
    )


def _promise(case: Case, command: MakePromise, at: datetime) -> tuple[Event, ...]:
    _only_the_owner(case, command.by)
    what, due = _said(command.what, "what you promise"), _ahead(command.due, at)
    if case.status is Status.OPEN:
        return _acknowledge(case, Acknowledge(by=command.by, what=what, due=due), at)
    if case.status is Status.REPORTED:
        raise Refused(f"case {case.id} is reported back; reopen it to promise something new")
    if case.promise and (case.promise.what, case.promise.due) == (what, due):
        return ()
    moved = Promised(at=at, by=command.by, what=what, due=due, reason=command.reason.strip())
    if not case.promise:
        return (moved,)
    _said(command.reason, "why the promise moves")
    if case.promise.moves + 1 < MOVES_BEFORE_THE_LEAD or case.policy.lead(at) == command.by:
        return (moved,)
    why = f"{command.by} moved the promise for the {_ordinal(case.promise.moves + 1)} time: {moved.reason}"
    return moved, LeadTold(at=at, to=case.policy.lead(at), why=why)


def _hand_over(case: Case, command: Handover, at: datetime) -> tuple[Event, ...]:
    _only_the_owner(case, command.by)
    if command.to == case.owner:
        raise Refused(f"{command.to} has case {case.id} already")
    if case.offer and case.offer.to == command.to:
        return ()
    if case.offer:
        raise Refused(f"case {case.id} is offered to {case.offer.to}; wait for the answer")
    among = tuple(name for name in command.among if name != command.by)
    if command.among and not among:
        raise Refused(f"nobody of {command.to} but you is there")
    return (HandoverOffered(at=at, by=command.by, to=command.to, note=command.note.strip(), among=among),)


def _accept(case: Case, by: str, at: datetime) -> tuple[Event, ...]:
    if case.owner == by:
        return ()
    _offer_to(case, by)
    accepted = HandoverAccepted(at=at, by=by)
    if (case.handovers + 1) % HANDOVERS_BEFORE_THE_LEAD or case.policy.lead(at) == by:
        return (accepted,)
    why = f"handed over for the {_ordinal(case.handovers + 1)} time without a result"
    return accepted, LeadTold(at=at, to=case.policy.lead(at), why=why)


def _report(case: Case, command: ReportBack, at: datetime) -> tuple[Event, ...]:
    _only_the_owner(case, command.by)
    if case.status is Status.REPORTED:
        raise Refused(f"case {case.id} is reported back already; the follow-up is what is left")
    done = _said(command.done, "what was done")
    if guard.only_an_apology(done):
        raise Refused("an apology alone does not close a case: say what was done for the customer")
    report = ReportedBack(
        at=at,
        by=command.by,
        outcome=command.outcome,
        done=done,
        remedy=_said(command.remedy, "what the customer got, or why nothing"),
        evidence=_said(command.evidence, "a link or reference that shows it"),
        follow_up=_check_on(case, command, at),
        contacted=command.contacted.strip(),
        compensation=command.compensation,
        root_cause=_root_cause(case, command.root_cause),
    )
    if case.status is Status.OPEN:  # reporting back implies having it
        return Acknowledged(at=at, by=command.by), report
    return (report,)


def _root_cause(case: Case, given: str) -> str:
    known = {each.casefold(): each for each in case.policy.root_causes}
    if known and given.strip().casefold() not in known:
        raise Refused(f"choose the root cause: {', '.join(case.policy.root_causes)}")
    return known.get(given.strip().casefold(), given.strip())


def _check_on(case: Case, command: ReportBack, at: datetime) -> datetime | None:
    if command.follow_up:
        return _ahead(command.follow_up, at)
    return None if command.outcome in NOTHING_LEFT_TO_CHECK else at + case.policy.follow_up


def _follow_up(case: Case, command: FollowUp, at: datetime) -> tuple[Event, ...]:
    if not case.spoken_for:  # of an incident's customers anybody may check how they are
        _only_the_owner(case, command.by)
    if case.status is not Status.REPORTED:
        raise Refused(f"case {case.id} is not reported back yet")
    return (FollowedUp(at=at, by=command.by, result=command.result, note=command.note.strip()),)


def _only_the_owner(case: Case, by: str) -> None:
    if by != case.owner:
        raise Refused(f"{case.owner} has case {case.id}; ask for a hand-over")


def _offer_to(case: Case, by: str) -> bool:
    if case.offer is None or not case.offer.reaches(by):
        raise Refused(f"case {case.id} is not offered to {by}")
    return True


def _said(text: str, what: str) -> str:
    if not text.strip():
        raise Refused(f"say {what}")
    return text.strip()


def _ahead(due: datetime, at: datetime) -> datetime:
    if due <= at:
        raise Refused("pick a time in the future")
    if due - at > FARTHEST:
        raise Refused(f"{due:%d %b %Y} is too far away to be kept; pick a nearer step, within a year")
    return due


def _ordinal(number: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(number, f"{number}th")
