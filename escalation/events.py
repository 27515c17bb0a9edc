"""What can happen to a case: facts, each with its time. The timeline of these is the truth; all else is derived. Pure.

To add one: write its class here, add it to `Event`, say in case.py how it changes the case and in notices.py whom it
concerns. The type checker names every place that forgot it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from escalation.policy import Policy


class Outcome(StrEnum):
    """What became of the customer's matter."""

    SOLVED = "solved"
    WAITING = "waiting on customer"
    NO_ANSWER = "no answer"
    PASSED_OUTSIDE = "passed outside"
    WRONG_PERSON = "wrong person"
    NOT_OURS = "not ours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compensation:
    """What the customer got, as far as it can be counted."""

    kind: str  # refund, voucher, replacement
    amount: str = ""  # as a decimal number; "" when it cannot be counted
    currency: str = ""  # ISO 4217


class Result(StrEnum):
    """What the follow-up found."""

    VERIFIED = "verified"
    NO_ANSWER = "no answer"
    CANNOT_BE_SEEN = "cannot be seen"
    WORSE = "worse"


class Rating(StrEnum):
    """What a person makes of the severity that was given."""

    WORSE = "worse"
    RIGHT = "right"
    MILDER = "milder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """One reason for the severity: the factor, its points, and the words in the post that carried it."""

    factor: str
    points: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The customer's matter, as much of it as the people who deal with it need to know."""

    brand: str
    post: str  # the post's key, "source:id"
    thread: str  # what later posts of the same matter share; the post's address without its fragment
    url: str
    site: str
    author: str
    title: str
    text: str
    created: datetime | None  # when it was posted, if the source said
    heard: datetime
    severity: int
    priority: str
    cause: str = ""
    reasons: tuple[Why, ...] = ()
    customer: str = ""  # the author's account on that platform; "" where names may be anybody's
    proposal: str = ""  # what the playbook proposes to do
    raised_by: str = ""  # who escalated it by hand, and hears what became of it
    story: str = ""  # what copies of the same words share; "" when they are too few to tell

    @property
    def since(self) -> datetime:
        """From when the customer has been waiting."""
        return min(self.created or self.heard, self.heard)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    at: datetime
    case: int
    subject: Subject
    policy: Policy
    owner: str
    rung: int
    why: str
    incident: bool = False  # not one customer's matter, but what many of them have in common
    within: int = 0  # the incident that speaks for it; 0: none
    unattended: bool = False  # nobody on the ladder is on duty


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalated:
    """Nobody acknowledged in time: the case now belongs to `to`."""

    at: datetime
    to: str
    rung: int
    why: str
    unattended: bool = False  # nobody further up is on duty


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """The deadline is near, and `to` still has time to keep it."""

    at: datetime
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressAsked:
    """Nothing was heard of the owner for a while: they are asked how it goes."""

    at: datetime
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """A missed promise went on without a word: the case is open again and belongs to `to`."""

    at: datetime
    was: str  # who had it
    to: str
    rung: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """Something the next reader should know: an attempt to reach the customer, what they said."""

    at: datetime
    by: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snoozed:
    """The owner is not reminded before `until`. What was promised to the customer does not move."""

    at: datetime
    by: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpAsked:
    """The owner cannot do it alone: `to` is told. The case stays where it is."""

    at: datetime
    by: str
    to: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """What the customer was or will be told, by when. A second one moves the first and says why."""

    at: datetime
    by: str
    what: str
    due: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A promise, a follow-up or a first reply was not kept in time: the owner keeps the case, `to` is told."""

    at: datetime
    what: str
    to: str
    rung: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyDue:
    """Our account has not answered in public in time; `to`, who has the case, is told. Then it climbs, as Missed."""

    at: datetime
    to: str
    due: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadTold:
    at: datetime
    to: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverOffered:
    """To a person, or to a team: then any of `among` may accept it."""

    at: datetime
    by: str
    to: str
    note: str
    among: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverAccepted:
    at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverDeclined:
    """Refused by the person, or by the clock (`by` is empty): the giver still has it."""

    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedBack:
    at: datetime
    by: str
    outcome: Outcome
    done: str  # what was done, in the owner's words
    remedy: str  # what the customer got, or why nothing
    evidence: str  # a link or a reference that shows it
    follow_up: datetime | None  # when to check that it helped; None closes the case
    contacted: str = ""  # where the customer was answered: in the thread, by phone
    compensation: Compensation | None = None
    root_cause: str = ""  # of the team's own list


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpDue:
    at: datetime
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedUp:
    at: datetime
    by: str
    result: Result
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismissed:
    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DismissalUndone:
    """It was dismissed by mistake: it stands as it stood before, with every deadline where it was."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened:
    at: datetime
    by: str
    reason: str
    within: int = 0  # the incident that goes on, and still speaks for this customer's case


class How(StrEnum):
    """Why a post belongs to a case that is there already."""

    ELSEWHERE = "the same post, heard elsewhere"
    AUTHOR = "the same author"
    COPY = "the same words"
    HAND = "joined by hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Another post of the same matter."""

    at: datetime
    post: str
    url: str
    how: How = How.ELSEWHERE
    severity: int | None = None  # 0: no complaint, but thanks; None: neither


@dataclass(frozen=True, slots=True, kw_only=True)
class Coordinated:
    """Many accounts that hardly anybody follows said nearly the same within minutes. The case stands."""

    at: datetime
    accounts: int
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A person says that this is the matter of another case, which answers for it from now on."""

    at: datetime
    by: str
    into: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitOff:
    """A post that was joined is a matter of its own after all: case `to`."""

    at: datetime
    by: str
    post: str
    to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """It is worse than it was. A higher priority brings its own policy; the ladder starts anew if nobody has it yet."""

    at: datetime
    severity: int
    was: str  # the priority so far
    priority: str
    policy: Policy
    owner: str
    rung: int
    why: str
    by: str = ""  # the person who says so; "" when a post did


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """A person says whether the severity fits: a label to learn from. It moves neither owner nor deadline."""

    at: datetime
    by: str
    rating: Rating
    severity: int  # that it speaks of
    priority: str
    stays: str = ""  # why the priority is not raised, though it is said to be worse


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouped:
    """Many complain of the same: from now on the incident speaks for this customer's case, until somebody takes it."""

    at: datetime
    within: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grew:
    """The incident has so many customers more."""

    at: datetime
    by: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What may be said to everybody within the incident; a second one takes the place of the first."""

    at: datetime
    by: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StillWaiting:
    """A customer within an incident is still not answered; who has the incident answers for it."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Our own account has answered the customer in public, for the first time; heard by us, or said by a person."""

    at: datetime
    by: str
    post: str
    url: str
    posted: datetime | None = None  # when the platform says it was written; we may have heard of it later


@dataclass(frozen=True, slots=True, kw_only=True)
class Revised:
    """The author changed a post of this case."""

    at: datetime
    post: str
    text: str
    severity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """A post of this case was deleted by its author or on request; its text and name are gone here too."""

    at: datetime
    post: str


Event = (
    Opened
    | Escalated
    | Acknowledged
    | Warned
    | ProgressAsked
    | TakenBack
    | Noted
    | Snoozed
    | HelpAsked
    | Promised
    | Missed
    | ReplyDue
    | LeadTold
    | HandoverOffered
    | HandoverAccepted
    | HandoverDeclined
    | ReportedBack
    | FollowUpDue
    | FollowedUp
    | Dismissed
    | DismissalUndone
    | Reopened
    | Joined
    | Coordinated
    | Merged
    | SplitOff
    | Raised
    | Rated
    | Grouped
    | Grew
    | Stated
    | StillWaiting
    | Answered
    | Revised
    | Erased
)
