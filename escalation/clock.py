"""What time means for a case, and what the world outside means: a post opens one, a worse one raises it. Pure."""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from escalation import policy as ladder
from escalation.case import Case, Status, Tone
from escalation.events import (
    Escalated,
    Event,
    FollowUpDue,
    HandoverDeclined,
    Missed,
    Opened,
    ProgressAsked,
    Raised,
    Reopened,
    ReplyDue,
    StillWaiting,
    Subject,
    TakenBack,
    Warned,
)
from escalation.policy import Away, Policy

REREADING = "Reading the thread again"  # who opens a case again, when nobody did


def open_case(
    case_id: int, subject: Subject, policy: Policy, at: datetime, away: Away = (), *, known_to: str = ""
) -> Opened:
    """`known_to` had this customer's last matter."""
    chosen = ladder.first(policy, at, away, known_to=known_to)
    return Opened(
        at=at,
        case=case_id,
        subject=subject,
        policy=policy,
        owner=chosen.name,
        rung=chosen.rung,
        why=chosen.why,
        unattended=chosen.unattended,
    )


def open_incident(case_id: int, subject: Subject, policy: Policy, at: datetime, away: Away = ()) -> Opened:
    return replace(open_case(case_id, subject, policy, at, away), incident=True)


def overdue(case: Case, now: datetime, away: Away = ()) -> tuple[Event, ...]:
    """At most one step a look, stamped `now`: after an outage of ours nobody is called twice at once."""
    if case.offer and now >= case.offer.due:
        return (HandoverDeclined(at=now, by="", reason=f"{case.offer.to} did not answer in time"),)
    if case.back_at and now >= case.back_at:
        return (_taken_back(case, now, away),)
    if case.clock is None or now < case.clock:
        return _reply_due(case, now, away) or _reminded(case, now)
    if case.spoken_for:
        return (StillWaiting(at=now),)
    next_up = ladder.above(case.policy, case.rung, case.owner, now, away)
    match case.status:
        case Status.OPEN:
            nobody = next_up.unattended and next_up.name != case.owner  # said once, not at each call of the same person
            return (Escalated(at=now, to=next_up.name, rung=next_up.rung, why=next_up.why, unattended=nobody),)
        case Status.ACKNOWLEDGED:
            return (Missed(at=now, what="promise", to=next_up.name, rung=next_up.rung, why=next_up.why),)
        case Status.REPORTED if not case.asked:
            return (FollowUpDue(at=now, to=case.owner),)
        case Status.REPORTED:
            return (Missed(at=now, what="follow-up", to=next_up.name, rung=next_up.rung, why=next_up.why),)
        case Status.CLOSED | Status.DISMISSED:
            return ()
        case _:
            assert_never(case.status)


def _reply_due(case: Case, now: datetime, away: Away) -> tuple[Event, ...]:
    """The owner is told once, then the next one up, as for a missed promise."""
    if not (case.reply and case.reply_at and now >= case.reply_at):
        return ()
    if not case.reply.told:
        return (ReplyDue(at=now, to=case.owner, due=case.reply.due),)
    next_up = ladder.above(case.policy, case.reply.rung, case.owner, now, away)
    return (Missed(at=now, what="first reply", to=next_up.name, rung=next_up.rung, why=next_up.why),)


def _reminded(case: Case, now: datetime) -> tuple[Event, ...]:
    if case.warn_at and now >= case.warn_at:
        return (Warned(at=now, to=case.owner),)
    if case.ask_at and now >= case.ask_at:
        return (ProgressAsked(at=now, to=case.owner),)
    return ()


def _taken_back(case: Case, now: datetime, away: Away) -> TakenBack:
    """The ladder starts anew, with somebody else if there is anybody else."""
    chosen = ladder.first(case.policy, now, {*away, case.owner})
    if chosen.name == case.owner:
        chosen = ladder.above(case.policy, chosen.rung, case.owner, now, away)
    return TakenBack(at=now, was=case.owner, to=chosen.name, rung=chosen.rung, why=chosen.why)


def raised(case: Case, by: Subject, policy: Policy, at: datetime, away: Away = ()) -> tuple[Raised, ...]:
    """What another post of the same matter changes when it is worse; `policy` is what its priority asks for.

    A promise that was made stands: who has the case already keeps it and is told.
    """
    if case.status.ended or by.severity <= case.subject.severity:
        return ()
    higher = by.priority < case.subject.priority
    chosen = ladder.first(policy, at, away) if higher and case.status is Status.OPEN else None
    return (
        Raised(
            at=at,
            severity=by.severity,
            was=case.subject.priority,
            priority=by.priority if higher else case.subject.priority,
            policy=policy if higher else case.policy,
            owner=chosen.name if chosen else case.owner,
            rung=chosen.rung if chosen else case.rung,
            why=chosen.why if chosen else "has it already",
        ),
    )


def back_again(case: Case, at: datetime) -> tuple[Reopened, ...]:
    """What the author wrote after the report is worse than what was reported on: it did not help. `case` as that left
    it. The same owner has it, from the start."""
    if case.status is not Status.REPORTED or case.tone is not Tone.WORSE:
        return ()
    return (Reopened(at=at, by=REREADING, reason="the author wrote again, and it reads worse"),)


def answered_with(case: Case, incident: Case, at: datetime) -> tuple[Event, ...]:
    """What became of an incident, for a customer within it whom nobody took up: the same report, and a check of their
    own; all anew when the incident goes on after all."""
    report = incident.report
    if case.spoken_for and case.status is Status.OPEN and report:
        check = at + case.policy.follow_up if report.follow_up else None
        return (replace(report, at=at, follow_up=check),)
    if case.spoken_for and case.status is Status.REPORTED and not (report or incident.status.ended):
        goes_on = f"incident {incident.id} goes on"
        return (Reopened(at=at, by=incident.owner, reason=goes_on, within=incident.id),)
    return ()
