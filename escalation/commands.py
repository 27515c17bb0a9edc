"""What a person may ask of a case: the same requests from a button, a form, the desk or the command line. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime

from escalation.events import Compensation, Outcome, Rating, Result
from escalation.policy import Policy


class Refused(Exception):
    """The request cannot be granted now; the message says why, to the person who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge:
    """Takes the case. Without a promise of its own it promises a report within the policy's time."""

    by: str
    what: str = ""
    due: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MakePromise:
    by: str
    what: str
    due: datetime
    reason: str = ""  # needed when it moves an earlier promise


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    by: str
    to: str  # a person, or a team
    note: str = ""
    among: tuple[str, ...] = ()  # who of the team may accept it


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline:
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportBack:
    by: str
    outcome: Outcome
    done: str
    remedy: str
    evidence: str
    follow_up: datetime | None = None  # None: the policy's own time
    contacted: str = ""
    compensation: Compensation | None = None
    root_cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    by: str
    result: Result
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismiss:
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoDismiss:
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopen:
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    by: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snooze:
    by: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AskForHelp:
    """Of the next one up who is on duty."""

    by: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Says that the customer was answered in public, where our own account's answer is not heard of by itself."""

    by: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What may be said to every customer of an incident."""

    by: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Says whether the severity fits. `policy` is the brand's next more urgent row, None when it has none."""

    by: str
    rating: Rating
    policy: Policy | None = None


def compensation(text: str) -> Compensation | None:
    """ "refund 80 EUR", "voucher": a kind, and what it comes to where that can be counted. Raises Refused."""
    found = _COMPENSATION.fullmatch(text.strip())
    if not text.strip():
        return None
    if not found:
        raise Refused(f'"{text}" is no compensation; write "refund 80 EUR" or "voucher"')
    kind, amount, currency = (part or "" for part in found.groups())
    return Compensation(kind=kind.strip(), amount=amount.replace(",", "."), currency=currency.upper())


_COMPENSATION = re.compile(r"([^\d]*[^\d\s])(?:\s+(\d{1,9}(?:[.,]\d{1,2})?)\s*([A-Za-z]{3}))?")

Command = (
    Acknowledge
    | MakePromise
    | Handover
    | Accept
    | Decline
    | ReportBack
    | FollowUp
    | Dismiss
    | UndoDismiss
    | Reopen
    | Note
    | Snooze
    | AskForHelp
    | Answer
    | Statement
    | Rate
)
