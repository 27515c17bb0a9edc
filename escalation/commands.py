"""What a person may ask of a case: the same requests from a button, a form, the desk or the command line. Pure."""

from dataclasses import dataclass
from datetime import datetime

from escalation.events import Outcome, Result


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
    to: str
    note: str = ""


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
class Reopen:
    by: str
    reason: str


Command = Acknowledge | MakePromise | Handover | Accept | Decline | ReportBack | FollowUp | Dismiss | Reopen
