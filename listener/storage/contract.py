"""What every store must do. One contract suite (tests/test_store_contract.py) runs on all of them.

Every method is one transaction: what it says happens whole or not at all, whenever the process dies.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from connectors.contract import Cursor, Hearing
from connectors.post import Post
from escalation.case import Case
from escalation.events import Event, Subject
from escalation.ledger import Ledger
from escalation.notices import Kind
from escalation.policy import Policy
from listener.query import Node
from listener.surge import Surge
from listener.triage import Assessment


class State(StrEnum):
    """Where a post, or a mention, has ended up. Each is in exactly one, and the totals balance."""

    NOT_MATCHED = "not matched"  # posts only: no brand's query matched; its text is not kept
    KEPT = "kept"  # searchable, nobody was told; the reason is beside it
    ESCALATED = "escalated"
    JOINED = "joined to case"
    DISMISSED = "dismissed"
    SUPPRESSED = "suppressed by rule"
    ERASED = "erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A case to be opened for a mention."""

    subject: Subject
    policy: Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """One post about one brand, judged and routed."""

    brand: str
    assessment: Assessment
    opening: Opening | None = None
    reason: str = ""  # why nobody is told, when `opening` is None
    customer: str = ""  # the author's account on that platform; "" where names may be anybody's
    own: bool = False  # our own account wrote it: suppressed, and noted where it answers a customer


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A post that is new or changed, with what was decided about it. No mentions: no query matched."""

    post: Post
    mentions: tuple[Mention, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One page of a source, decided: what is kept together with the cursor that says it was heard."""

    source: str
    at: datetime
    cursor: Cursor
    fetched: int  # how many items the page held, known ones too
    heard: tuple[Heard, ...] = ()
    gone: tuple[str, ...] = ()
    hearing: Hearing = Hearing.HEARD
    note: str = ""
    next_poll: datetime | None = None  # None: not known yet, more pages follow
    follow: bool = False  # can the source be asked for these posts again?
    lease: str = ""  # what must still be ours, or nothing is kept (`Store.take`)
    reread: tuple[str, ...] = ()  # the posts this page was asked for again; it says nothing of how well we hear
    surge: Surge | None = None  # when many cases are an incident; None: never


@dataclass(frozen=True, slots=True)
class Taken:
    """A post went to a case: it opened it, or joined it."""

    case: int
    post: str  # its key, "source:id"
    brand: str
    opened: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What keeping a batch changed."""

    new: int = 0
    edited: int = 0
    mentions: int = 0
    complaints: int = 0
    opened: tuple[int, ...] = ()
    joined: int = 0
    into: tuple[int, ...] = ()  # the cases they joined
    erased: int = 0
    again: bool = field(default=True, compare=False)  # is something of that source due to be looked at again?
    taken: tuple[Taken, ...] = field(default=(), compare=False)  # the same by post, for the log


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """What is remembered of a source. The zero value is a source that was never polled."""

    name: str
    cursor: Cursor = field(default_factory=dict)
    next_poll: datetime | None = None
    last_heard: datetime | None = None  # when a fetch last succeeded
    failures: int = 0  # in a row
    failing_since: datetime | None = None
    error: str = ""
    told_silent: bool = False  # people were told that it is silent
    fetched: int = 0  # items in all, for the audit
    hearing: Hearing = Hearing.HEARD


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A poll that did not hear, and what was decided about it (listener/coverage.py)."""

    source: str
    at: datetime
    error: str
    hearing: Hearing
    next_poll: datetime
    told_silent: bool
    lease: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One row of the coverage ledger: this source was heard like this from `since` to `until`."""

    source: str
    hearing: Hearing
    since: datetime
    until: datetime
    polls: int
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionRow:
    """A line of the mention history."""

    id: int
    brand: str
    source: str
    url: str
    author: str
    title: str
    created: datetime | None
    heard: datetime
    text: str
    verdict: str
    complaint: float
    severity: int
    priority: str  # "" when none
    cause: str
    state: State
    reason: str
    case: int | None
    reasons: tuple[Mapping[str, Any], ...] = ()
    reach: int = 0  # how many may have seen it, as far as the platform says (connectors/post.py)


class Sort(StrEnum):
    """Of two that are alike in it, the newer one comes first. Relevance may rank the newest hits only."""

    NEWEST = "newest"
    SEVERITY = "severity"
    REACH = "reach"
    RELEVANCE = "relevance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A search: the query, and what the command line adds to it."""

    query: Node | None = None  # None: everything
    since: datetime | None = None
    until: datetime | None = None
    sort: Sort = Sort.NEWEST
    limit: int = 50
    before: int | None = None  # the id of the last row of the page before: what comes after it, in the same order


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What a search came to. `times` begin with an hour or with a day, in UTC; `by` names "source", "cause",
    "priority", "severity", as far as each could be counted."""

    total: int
    more: bool  # there are more: the newest ones were counted
    hours: bool
    times: Mapping[tuple[datetime, str, str], tuple[int, int]]  # (begins, brand, verdict) -> mentions, severities added
    by: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSearch:
    """A question somebody asks again and again; everybody sees it."""

    id: int
    name: str
    query: str
    by: str
    at: datetime


class Way(StrEnum):
    """How somebody is told of what a saved search has newly found."""

    CHANNEL = "channel"  # to a Slack channel; `to` is its id
    MAIL = "mail"  # `to` is a person's name
    FEED = "feed"  # who shows the secret of its address; `to` is the secret's hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Somebody is told of what this search newly finds."""

    id: int
    search: SavedSearch
    way: Way
    to: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A program may ask in this person's name, with this person's rights or fewer. What it shows is kept as a hash
    only."""

    name: str  # what it is for
    person: str
    at: datetime
    reads: bool = False  # and does nothing else
    brands: tuple[str, ...] = ()  # and hears of no other; of all, when none is named
    id: int = 0  # until it is kept


HEARD, UNHEARD = "slack heard", "slack unheard"  # marks: the newer says whether Slack brings us what is pressed


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A workspace of Slack that the app is installed in. What it may be entered with is sealed before it comes here."""

    team: str  # "T0123456789"
    name: str
    scopes: str  # as Slack lists them, with commas
    by: str  # the member id of who installed it
    at: datetime
    sealed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """A line of the list of cases."""

    id: int
    brand: str
    status: str
    priority: str
    severity: int
    owner: str
    due: datetime | None
    opened: datetime
    promise: str
    posts: int
    title: str
    incident: bool = False  # what many customers have in common
    within: int = 0  # the incident that speaks for it
    offered: tuple[str, ...] = ()  # who may accept its hand-over, while that is open
    deadline: datetime | None = None  # when the present step must be done; `due` may be a reminder before that
    missed: bool = False  # a deadline of the present step has passed once already


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What had to be said because of a case, and when it was."""

    kind: Kind
    to: str
    owed: datetime
    sent: datetime | None
    attempts: int
    ref: str  # the message that says it
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that does not balance: what, where, and what to do."""

    check: str
    where: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The conservation statement, counted by the store over everything it holds."""

    fetched: Mapping[str, int]  # new items by source, counted as they came
    posts: Mapping[str, Mapping[str, int]]  # posts by source and state
    mentions: Mapping[str, int]  # mentions by state
    owed: int  # notices not yet delivered
    undeliverable: int
    findings: tuple[Finding, ...] = ()  # rows that contradict each other
    damaged: bool = False  # the store cannot be read as it should: the findings say where, nothing was counted


@dataclass(frozen=True, slots=True)
class OpenCases:
    brand: str
    status: str
    priority: str
    count: int
    late: int  # of them past what is due next


@dataclass(frozen=True, slots=True)
class OwedNotices:
    count: int
    failing: int  # of them tried, in vain
    late_since: datetime | None  # since when the oldest one is owed that should have arrived by now


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """How the house is, as the store knows it: the same whichever process is asked."""

    awake: datetime | None  # when the engine last said that it is at work
    open: tuple[OpenCases, ...]
    overdue_since: datetime | None  # the oldest deadline that no look has seen
    promises_at_risk: int  # due within the hour, or already missed
    owed: OwedNotices
    given_up: int  # notices that will not be tried again
    card_lags: tuple[timedelta, ...]  # from post to card, of the newest cards
    sources: tuple[SourceState, ...]
    polls: Mapping[tuple[str, str], int]  # (source, hearing) -> polls, since the first
    mentions: Mapping[tuple[str, str], int]  # (brand, verdict) -> mentions, since the first
    gauges: Mapping[str, float]  # what the engine measured of itself
    size: int  # bytes on its disk
    room: int | None  # bytes it may still grow by; None: the store's own people look after that
    unheard_since: datetime | None = None  # Slack brings us nothing that is pressed
    outage: str = ""  # why it fails in this process, as long as it does


class Store(Ledger, Protocol):
    """Everything the house remembers."""

    def engine(self) -> AbstractAsyncContextManager[None]:
        """Held by whoever turns the crank. A store for one machine lets one in at a time and frees what a killed one
        had claimed; raises StoreBusy."""
        ...

    async def aclose(self) -> None: ...

    # one of many: a store for one machine has nobody to share with, and says yes to everything
    async def take(self, what: str, lease: timedelta) -> bool:
        """From now on nobody else has it, until it is given back or the lease ends, by the store's own clock. False
        when somebody has it. What is kept with `lease=what` is refused with TakenOver once it is not ours any more."""
        ...

    async def give_back(self, what: str) -> None: ...
    async def renew(self, now: datetime, lease: timedelta) -> None:
        """Prolongs all that this process has taken, and its hold on the notices that it has claimed."""
        ...

    async def ahead(self, here: datetime) -> timedelta:
        """How far the store's clock is ahead of ours: everybody who shares a store goes by its clock."""
        ...

    async def glance(self, limit: timedelta) -> tuple[Finding, ...]:
        """Is the store sound, as far as that can be seen in so short a time? What matters most is looked at first."""
        ...

    def watch(self, stirred: Callable[[], None]) -> AbstractAsyncContextManager[None]:
        """Meanwhile `stirred` is called soon after another process has changed a case or owes a notice."""
        ...

    # hearing
    async def source(self, name: str) -> SourceState: ...
    async def sources(self) -> tuple[SourceState, ...]: ...
    async def known(self, source: str, ids: tuple[str, ...]) -> Mapping[str, str]:
        """id -> fingerprint, for those of `ids` that are in the store (erased ones with the fingerprint "")."""
        ...

    async def to_reread(self, source: str, now: datetime, limit: int) -> tuple[str, ...]:
        """Ids of matched posts that are to be looked at again by now (listener/rereading.py), longest due first."""
        ...

    async def keep(self, batch: Batch) -> Kept:
        """Posts, mentions, cases, events, notices, coverage and cursor of one page, in one transaction.

        A post already there with the same fingerprint changes nothing; with another one it is an edit: the old text is
        kept as a version, its mentions are re-judged, its case gets Revised. A post joins an open case of its brand
        when another source heard the same post, the same account wrote it, or it says the same words; when it is worse,
        the case is Raised. The first answer of our own account under a case's post is noted. Ids in `gone` are erased.
        """
        ...

    async def post(self, key: str) -> Post | None:
        """By its key, "source:id", as far as a query can ask about it or a card shows it."""
        ...

    async def merge(self, case_id: int, into: int, by: str, at: datetime) -> Case:
        """A person says that the first is the second's matter: its posts join, it ends. Raises Refused, UnknownCase."""
        ...

    async def split(self, case_id: int, post: str, opening: Opening, by: str, at: datetime) -> Case:
        """A person says that this joined post is a matter of its own; returns its case. Raises Refused, UnknownCase."""
        ...

    async def keep_failure(self, failure: Failure) -> None: ...

    async def awake(self, at: datetime) -> datetime | None:
        """Notes that the engine is at work at `at`; returns when that was noted last, None at the first time."""
        ...

    async def similar(
        self, brand: str, cause: str, severity: tuple[int, int], *, since: datetime, limit: int
    ) -> tuple[int, ...]:
        """Of this brand and cause, as severe (both ends included), opened since and reported back; newest first."""
        ...

    async def under_way(self, customer: str) -> tuple[CaseRow, ...]:
        """What somebody has acknowledged, and not yet reported back, of this account; of all brands, oldest first."""
        ...

    async def guarded(self, choices: tuple[tuple[str, bool], ...], at: datetime) -> None:
        """What a person did with the guard's findings: the fault, and whether the advice was taken."""
        ...

    async def guard_choices(self, since: datetime, until: datetime) -> Mapping[str, tuple[int, int]]:
        """fault -> how often the advice was taken, and how often not, from `since` to before `until`."""
        ...

    async def mark(self, name: str) -> datetime | None:
        """The instant that was noted last under this name; None when none was."""
        ...

    async def set_mark(self, name: str, at: datetime) -> None: ...

    async def said_as(self, key: str) -> str:
        """The reference of the message that says this notice; "" when it was not said yet."""
        ...

    async def set_gauge(self, name: str, value: float) -> None:
        """A figure of the engine's own, for whoever watches it: the last one counts (`Vitals.gauges`)."""
        ...

    async def set_away(self, person: str, until: datetime | None) -> None:
        """None: this person is back."""
        ...

    async def absences(self, now: datetime) -> Mapping[str, datetime]:
        """Who is away now, and until when."""
        ...

    # memory
    def search(self, question: Question) -> AsyncIterator[MentionRow]: ...
    def cases(self, *, ended: bool = False) -> AsyncIterator[CaseRow]:
        """Open ones most urgent first; with `ended` all, newest first."""
        ...

    async def said(self, case_id: int) -> tuple[Said, ...]:
        """Every notice this case has caused, oldest first."""
        ...

    async def notice_keys(self, case_id: int) -> frozenset[str]:
        """Keys of every notice this case has caused, delivered or not."""
        ...

    async def picture(self, question: Question) -> Picture:
        """Counted without reading the mentions where it can be; `sort`, `limit` and `before` do not matter."""
        ...

    async def thread(self, mention: int, limit: int) -> tuple[MentionRow, ...]:
        """What was kept, of the same brand, of the thread this mention stands in; itself too; oldest first."""
        ...

    async def put_off(self, until: datetime, limit: int) -> tuple[tuple[str, datetime], ...]:
        """(key, when it is tried) of notices that are owed, and not tried before `until`."""
        ...

    async def case_mentions(self, case_id: int) -> tuple[MentionRow, ...]: ...
    def histories(self, since: datetime) -> AsyncIterator[tuple[Event, ...]]:
        """Whole timelines of the cases that have changed at or after `since`, the oldest case first. Raises
        Unreadable."""
        ...

    def unmoved(self, since: datetime) -> AsyncIterator[CaseRow]:
        """Open cases in which nothing has happened at or after `since`, the oldest first: their rows say all."""
        ...

    async def erase(self, source: str, ids: tuple[str, ...], at: datetime) -> int:
        """Text and author of these posts, their versions, index entries and traces in timelines; says how many."""
        ...

    async def erase_author(self, handle: str, at: datetime) -> int: ...

    # accounts
    async def arrived(self, since: datetime) -> Mapping[str, int]:
        """source -> new posts since then, matched or not."""
        ...

    async def coverage(self, since: datetime, until: datetime) -> tuple[Span, ...]: ...
    async def balance(self) -> Balance:
        """Reads everything, without making anybody wait."""
        ...

    async def tidy(self, now: datetime) -> None:
        """Once a minute, by one of those at work: what was put off so that nobody had to wait for it."""
        ...

    async def retire(self, before: date) -> tuple[date, ...]:
        """Drops whole months of posts and mentions, older than the month of `before`; says which. Cases and their
        timelines stay, and what was dropped stays counted. Raises StoreError where months are not kept apart."""
        ...

    async def vitals(self, now: datetime) -> Vitals:
        """Cheap enough for every few seconds."""
        ...

    async def backup(self, file: Path) -> int:
        """A whole copy as of one instant, while the work goes on; its size in bytes. Raises StoreError."""
        ...

    async def counts(self, since: datetime, until: datetime) -> Mapping[tuple[str, str], int]:
        """(brand, verdict) -> mentions heard from `since` to `until`, both included; those that were erased since are
        counted under State.ERASED, whatever they said."""
        ...

    # the web desk
    async def keep_pass(self, key: str, person: str, until: datetime, now: datetime) -> None:
        """Lets in whoever shows `key`, a hash of something only they know, as `person`, until then. Old ones go."""
        ...

    async def pass_of(self, key: str, now: datetime) -> str | None:
        """Whose it is; None when there is none, or no more."""
        ...

    async def drop_passes(self, *, key: str = "", person: str = "") -> int:
        """One of them, or all of one person; how many there were. Of two who drop the same one, one is told 1."""
        ...

    async def was_done(self, what: str) -> bool: ...
    async def done(self, what: str, at: datetime) -> None:
        """Remembers that something was done once, for good; what is a year old is forgotten."""
        ...

    # forms that were closed in Slack
    async def keep_draft(self, person: str, case: int, form: str, given: Mapping[str, str], at: datetime) -> None:
        """In place of an earlier one of the same form. The fifty newest of each person are kept, for a week; those of a
        case go with what is erased in it."""
        ...

    async def draft(self, person: str, case: int, form: str, now: datetime) -> Mapping[str, str]:
        """Field -> what was filled in; {} when there is none."""
        ...

    async def drop_draft(self, person: str, case: int, form: str) -> None: ...
    async def moved(self) -> int:
        """Greater than before whenever a case has changed, whichever process changed it. Cheap enough to ask often."""
        ...

    async def searches(self) -> tuple[SavedSearch, ...]:
        """By name."""
        ...

    async def save_search(self, name: str, query: str, by: str, at: datetime) -> int: ...
    async def drop_search(self, search: int) -> bool:
        """With its subscriptions."""
        ...

    async def subscriptions(self) -> tuple[Subscription, ...]:
        """Oldest first."""
        ...

    async def subscribe(self, search: int, way: Way, to: str, by: str, at: datetime) -> Subscription | None:
        """The same again is the one there is; None when there is no such search."""
        ...

    async def unsubscribe(self, subscription: int) -> bool: ...

    # keys of programs
    async def keys(self) -> tuple[Key, ...]:
        """Oldest first."""
        ...

    async def add_key(self, hashed: str, key: Key) -> int:
        """`hashed`: of what the program shows."""
        ...

    async def key_of(self, key: str) -> Key | None: ...
    async def drop_key(self, key: int) -> bool: ...

    # workspaces of Slack
    async def installations(self) -> tuple[Installation, ...]:
        """By workspace."""
        ...

    async def installation(self, team: str) -> Installation | None: ...
    async def keep_installation(self, installation: Installation) -> None:
        """In place of an earlier one of that workspace."""
        ...

    async def drop_installation(self, team: str) -> bool: ...


class StoreError(Exception):
    """The store cannot do this; the message says why and what to do."""


class StoreDown(StoreError):
    """The store itself does not work: full, read-only, gone, damaged, out of reach. Said once by the store
    (listener/storage/sql/outage.py); whoever works in a loop tries again."""


class TakenOver(StoreError):
    """Somebody else has it now; nothing was kept."""


class StoreBusy(StoreError):
    """Another listener runs on this store."""
