"""What a person can do to a case: the fields to fill in, the command they mean, the field a refusal speaks of. Pure.

Times in a form are the reader's own wall clock; what a form says is asked of the desk as any card's button is.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

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
    compensation,
)
from escalation.decide import UNDOABLE
from escalation.events import Outcome, Rating, Result

LONGEST = 4_000  # characters of a field
LONGEST_PROPOSAL = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    name: str
    label: str
    kind: str = "text"  # text, words (several lines), time, choice, number
    needed: bool = True
    value: str = ""
    options: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    action: str
    title: str
    submit: str
    fields: tuple[Field, ...] = ()
    main: bool = False  # what is most likely wanted now: shown open


def available(case: Case, by: str, names: Iterable[str], now: datetime, timezone: str) -> tuple[Form, ...]:
    """What `by` can do now, the likeliest first; whether it is granted is still decided when it is asked."""
    forms = [form for form in _forms(case, by, tuple(names), now, timezone) if form is not None]
    more = [] if case.status.ended else [STATEMENT] if case.incident else [] if case.answered else [ANSWERED]
    rating = [] if case.incident or case.status is Status.DISMISSED else [VERDICT]
    return tuple(forms + rating + more)


def pull(names: tuple[str, ...]) -> Form:
    """The case on one page, to somebody who must know."""
    to = Field(name="to", label="Who must know of it?", kind="choice", options=names)
    return Form(action="pull", title="Pull somebody in", submit="Send them the brief", fields=(to,))


def _forms(case: Case, by: str, names: tuple[str, ...], now: datetime, zone: str) -> list[Form | None]:
    if case.status.ended:
        fresh = case.dismissed_at is not None and now - case.dismissed_at <= UNDOABLE
        undo = UNDO if case.status is Status.DISMISSED and fresh else None
        return [undo, REOPEN, NOTE]
    offered = [ACCEPT, DECLINE] if case.offer and case.offer.reaches(by) else []
    if case.status is Status.OPEN:
        return [
            *offered,
            _acknowledge(case, now, zone),
            *_owners(case, by, names, now, zone),
            DISMISS,
            NOTE,
            JOIN,
            *_split(case),
        ]
    if by != case.owner:
        return [*offered, NOTE, DISMISS, JOIN, *_split(case)]
    first = FOLLOW_UP if case.status is Status.REPORTED else _report(case)
    return [*offered, first, *_owners(case, by, names, now, zone), NOTE, DISMISS, JOIN, *_split(case)]


def _owners(case: Case, by: str, names: tuple[str, ...], now: datetime, zone: str) -> list[Form | None]:
    """What only the owner can do."""
    if by != case.owner:
        return []
    promise = _promise(case, now, zone) if case.status is Status.ACKNOWLEDGED else None
    return [promise, _handover(case, names), HELP, _snooze(case, now, zone)]


REASON_FOR = "reason"
ACCEPT = Form(action="accept", title="It is offered to you", submit="Accept it", main=True)
DECLINE = Form(
    action="decline",
    title="Decline",
    submit="Decline it",
    fields=(Field(name="reason", label="Why not?", needed=False),),
)
UNDO = Form(action="undo", title="Dismissed by mistake?", submit="Take the dismissal back")
REOPEN = Form(
    action="reopen",
    title="Open it again",
    submit="Reopen it",
    fields=(Field(name="reason", label="Why must it be opened again?"),),
)
DISMISS = Form(
    action="dismiss",
    title="Not a complaint",
    submit="Dismiss it",
    fields=(Field(name="reason", label="Why does it need nothing from us?"),),
)
NOTE = Form(
    action="note",
    title="Note",
    submit="Note it",
    fields=(Field(name="text", label="What should the next reader know?", kind="words"),),
)
HELP = Form(
    action="ask",
    title="Ask for help",
    submit="Ask the next one up",
    fields=(Field(name="text", label="What do you need help with?", kind="words"),),
)
JOIN = Form(
    action="join",
    title="Same matter as another case",
    submit="Join it to that case",
    fields=(Field(name="into", label="Number of the case that answers for both", kind="number"),),
)
VERDICT = Form(
    action="verdict",
    title="Is the severity right?",
    submit="Save the verdict",
    fields=(
        Field(
            name="rating",
            label="How bad is it, beside what is said here?",
            kind="choice",
            options=tuple(Rating),
            hint="Worse raises the priority by one step, where the policy has one. Triage learns from each.",
        ),
    ),
)
ANSWERED = Form(
    action="answered",
    title="Answered in public",
    submit="Note the answer",
    fields=(Field(name="url", label="Where can it be read?", needed=False),),
)
STATEMENT = Form(
    action="statement",
    title="What may be said to all of them",
    submit="State it",
    fields=(Field(name="text", label="For every customer of this incident", kind="words"),),
)
FOLLOW_UP = Form(
    action="follow_up",
    title="Did it help?",
    submit="Save what you found",
    fields=(
        Field(name="result", label="What did you find in the thread?", kind="choice", options=tuple(Result)),
        Field(name="note", label="Note", kind="words", needed=False),
    ),
    main=True,
)


def _split(case: Case) -> list[Form | None]:
    joined = tuple(post for post in case.posts if post != case.subject.post)
    if not joined:
        return []
    field = Field(name="post", label="Which post is a matter of its own?", kind="choice", options=joined)
    return [Form(action="split", title="A post was joined wrongly", submit="Split it off", fields=(field,))]


def _acknowledge(case: Case, now: datetime, zone: str) -> Form:
    due = Field(name="due", label="By when?", kind="time", value=_proposed(case, now, zone), needed=False)
    what = Field(
        name="what",
        label="What do you promise the customer?",
        needed=False,
        hint="Empty: to report back on what was done",
    )
    return Form(action="acknowledge", title="Take this case", submit="Take it", fields=(what, due), main=True)


def _promise(case: Case, now: datetime, zone: str) -> Form:
    held = case.promise
    reason = (Field(name="reason", label="Why does the promise move?"),) if held else ()
    return Form(
        action="promise",
        title="Move the promise" if held else "Promise",
        submit="Move it" if held else "Promise it",
        fields=(
            Field(name="what", label="What do you promise the customer?", value=held.what if held else ""),
            Field(name="due", label="By when?", kind="time", value=_proposed(case, now, zone)),
            *reason,
        ),
    )


def _handover(case: Case, names: tuple[str, ...]) -> Form | None:
    others = tuple(name for name in names if name != case.owner)
    to = Field(name="to", label="Who should take it over?", kind="choice", options=others)
    note = Field(name="note", label="What should they know?", kind="words", needed=False)
    hand = Form(action="handover", title="Hand over", submit="Offer it", fields=(to, note))
    return hand if others and not case.offer else None


def _snooze(case: Case, now: datetime, zone: str) -> Form:
    later = local(min(now + timedelta(hours=1), case.clock or now + timedelta(hours=1)), zone)
    until = Field(name="until", label="Until when?", kind="time", value=later)
    return Form(action="snooze", title="Do not remind me before", submit="Snooze it", fields=(until,))


def _report(case: Case) -> Form:
    causes = case.policy.root_causes
    cause = Field(name="root_cause", label="What was the cause?", kind="choice" if causes else "text", options=causes)
    return Form(
        action="report",
        title="Report back",
        submit="Report back",
        fields=(
            Field(name="outcome", label="What became of it?", kind="choice", options=tuple(Outcome)),
            Field(
                name="done",
                label="What was done for the customer?",
                kind="words",
                hint="An apology alone is not enough",
            ),
            Field(name="remedy", label="What did they get, or why nothing?"),
            Field(name="evidence", label="A link or reference that shows it"),
            Field(name="contacted", label="Where were they answered?", needed=False, hint="In the thread, by phone"),
            Field(name="gave", label="What did it cost?", needed=False, hint="refund 80 EUR, voucher"),
            cause if causes else _optional(cause),
            Field(
                name="follow_up",
                label="When to check that it helped",
                kind="time",
                needed=False,
                hint="Empty: the policy's time",
            ),
        ),
        main=True,
    )


def _optional(field: Field) -> Field:
    return Field(name=field.name, label=field.label, needed=False)


def _proposed(case: Case, now: datetime, zone: str) -> str:
    return local(now + min(case.policy.report, LONGEST_PROPOSAL), zone)


def local(at: datetime, zone: str) -> str:
    """As a browser's field for a time wants it: the wall clock, without seconds."""
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M}"


def instant(text: str, zone: str) -> datetime:
    """Raises Refused."""
    try:
        stated = datetime.fromisoformat(text)
        return stated if stated.tzinfo else stated.replace(tzinfo=ZoneInfo(zone))
    except ValueError:
        raise Refused("pick a time in the future") from None


def command(action: str, by: str, given: Mapping[str, str], zone: str) -> Command:
    """Raises Refused with what is wrong with a field."""
    make = _COMMANDS.get(action)
    if make is None:
        raise Refused("this form is not known any more; open the case again")
    return make(by, {name: text[:LONGEST] for name, text in given.items()}, zone)


Given = Mapping[str, str]
_COMMANDS: Mapping[str, Callable[[str, Given, str], Command]] = {
    "acknowledge": lambda by, f, z: Acknowledge(by=by, what=f.get("what", ""), due=_due(f, z)),
    "promise": lambda by, f, z: MakePromise(
        by=by, what=f.get("what", ""), due=instant(f.get("due", ""), z), reason=f.get("reason", "")
    ),
    "handover": lambda by, f, z: Handover(by=by, to=f.get("to", ""), note=f.get("note", "")),
    "accept": lambda by, f, z: Accept(by=by),
    "decline": lambda by, f, z: Decline(by=by, reason=f.get("reason", "")),
    "report": lambda by, f, z: _reported(by, f, z),
    "follow_up": lambda by, f, z: FollowUp(
        by=by, result=_one_of(Result, f.get("result", ""), "what you found"), note=f.get("note", "")
    ),
    "dismiss": lambda by, f, z: Dismiss(by=by, reason=f.get("reason", "")),
    "undo": lambda by, f, z: UndoDismiss(by=by),
    "reopen": lambda by, f, z: Reopen(by=by, reason=f.get("reason", "")),
    "note": lambda by, f, z: Note(by=by, text=f.get("text", "")),
    "verdict": lambda by, f, z: Rate(by=by, rating=_one_of(Rating, f.get("rating", ""), "how bad it is")),
    "snooze": lambda by, f, z: Snooze(by=by, until=instant(f.get("until", ""), z)),
    "answered": lambda by, f, z: Answer(by=by, url=f.get("url", "")),
    "statement": lambda by, f, z: Statement(by=by, text=f.get("text", "")),
    "ask": lambda by, f, z: AskForHelp(by=by, text=f.get("text", "")),
}


def _due(given: Given, zone: str) -> datetime | None:
    return instant(given["due"], zone) if given.get("due") else None


def _reported(by: str, given: Given, zone: str) -> ReportBack:
    return ReportBack(
        by=by,
        outcome=_one_of(Outcome, given.get("outcome", ""), "what became of it"),
        done=given.get("done", ""),
        remedy=given.get("remedy", ""),
        evidence=given.get("evidence", ""),
        follow_up=instant(given["follow_up"], zone) if given.get("follow_up") else None,
        contacted=given.get("contacted", ""),
        compensation=compensation(given.get("gave", "")),
        root_cause=given.get("root_cause", ""),
    )


E = TypeVar("E", Outcome, Result, Rating)


def _one_of(kind: type[E], text: str, what: str) -> E:
    try:
        return kind(text)
    except ValueError:
        raise Refused(f"say {what}") from None


# Words of a refusal -> the fields it may speak of; the first that the form has.
FIELDS = {
    "in the future": ("due", "until", "follow_up"),
    "deadline is": ("until",),
    "what you promise": ("what",),
    "why the promise moves": ("reason",),
    "apology": ("done",),
    "what was done": ("done",),
    "the customer got": ("remedy",),
    "link or reference": ("evidence",),
    "no compensation": ("gave",),
    "root cause": ("root_cause",),
    "needs nothing": ("reason",),
    "opened again": ("reason",),
    "what became of it": ("outcome",),
    "what you found": ("result",),
    "how bad it is": ("rating",),
    "next reader": ("text",),
    "help with": ("text",),
    "choose somebody": ("to",),
    "already": ("to",),
    "case": ("into",),
    "is not there": ("post",),
    "is not a brand": ("brand",),
    "words of the customer": ("text",),
}


def field_of(refusal: str, given: Iterable[str]) -> str:
    """The field of the form that a refusal speaks of; "" when it speaks of the whole case."""
    fields = set(given)
    return next((name for words, names in FIELDS.items() for name in names if words in refusal and name in fields), "")
