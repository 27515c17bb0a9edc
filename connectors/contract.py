"""What every ear must offer the house, and how it says that it could not hear.

ConnectorError
├── Wait      nobody needs to do anything: try again, not before `until`
├── Fix       somebody must change something: configuration, access, an address
└── Broken    the source answered something this connector does not understand: tell a developer
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from connectors.post import Post

Cursor = Mapping[str, Any]  # JSON: belongs to the connector alone, kept by the store beside the posts
START: Cursor = {}  # the cursor of a source that was never heard


class Hearing(StrEnum):
    """What a fetch can say about how well it heard."""

    HEARD = "heard"
    TRUNCATED = "truncated"
    BLOCKED = "blocked"
    RATE_LIMITED = "rate-limited"
    OUT_OF_BUDGET = "out of budget"
    NOT_REACHABLE = "not reachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One step of reading a source. Posts and cursor are committed together, or not at all.

    Posts may repeat what earlier pages held: the store tells new from known and from edited.
    """

    cursor: Cursor
    posts: tuple[Post, ...] = ()
    gone: tuple[str, ...] = ()  # ids the source has deleted: text and author are erased here too
    more: bool = False  # fetch again at once with the new cursor
    wait: timedelta | None = None  # what the source asked for; the house polls no sooner
    hearing: Hearing = Hearing.HEARD
    note: str = ""  # for people: what was missed and why, when `hearing` is not HEARD
    facts: Mapping[str, str] = field(default_factory=dict)  # {"url": "where the feed has moved to"}; what people
    # are told of at once, and once as long as the words are the same: {"budget": "whose money is used up, until when"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What a platform's own search understands. The house writes its tracking queries in it, so that an ear need not
    know what a brand is; a search may find too much, for every post is held against the query again here.
    """

    longest: int  # characters of one search
    either: str = (
        " OR "  # between alternatives in ( ); "" where there is no such thing: each word is searched for alone
    )
    without: str = "-"  # in front of what must not be there; "" where the platform has no such sign
    fields: Mapping[str, str] = field(default_factory=dict)  # ours -> theirs, {"author": "from:", "lang": "lang:"}
    links: str = ""  # in front of an address, "url:"; "" where links are searched as any other words


def from_env(variable: str) -> Any:
    """An option that is a secret: it comes from this environment variable and may not stand in sources.toml."""
    return field(default="", repr=False, metadata={"env": variable})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """What is searched for on behalf of one brand."""

    brand: str
    searches: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()  # handles that speak for it, in small letters, without @


def from_house() -> Any:
    """An option that the house fills: `searches` with those of all brands, written in the module's DIALECT, or
    `tracked` with the same brand by brand, for an ear that must keep their money apart.
    """
    return field(default=(), metadata={"house": True})


class Connector(Protocol):
    """An ear. One instance belongs to one [[source]] table of sources.toml."""

    @property
    def name(self) -> str: ...

    async def fetch(self, cursor: Cursor, now: datetime) -> Page:
        """Reads one page after `cursor`. Raises ConnectorError and nothing else; never sleeps out a limit."""
        ...

    async def aclose(self) -> None: ...


@runtime_checkable
class Rereader(Protocol):
    """An ear that can look at posts again, to learn what was edited or deleted."""

    async def reread(self, ids: Sequence[str], cursor: Cursor, now: datetime) -> Page:
        """These posts as they are now, and under `gone` those that are no more.

        The page's cursor is `cursor`, but for what looking again changed in it (money spent). Raises ConnectorError.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What somebody brought to a source's own address (connectors/inbound.py)."""

    method: str  # GET or POST
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What it is answered. `keep` lies in the source's inbox, on disk, before the answer goes out; when there is no
    room the sender is asked to come again instead.
    """

    status: int
    text: str = ""
    keep: bytes = b""


@runtime_checkable
class Receiver(Protocol):
    """An ear that things are brought to, at /in/NAME, beside what it fetches."""

    def receive(self, call: Call, now: datetime) -> Reply:
        """Decides and does nothing else. What a stranger brought must be proved (a signature) before it is kept."""
        ...


@runtime_checkable
class Examinable(Protocol):
    """An ear that costs money to read, and can say whether it would hear without being read."""

    async def examine(self, cursor: Cursor, now: datetime) -> str:
        """What was found, for people. Raises ConnectorError."""
        ...


class ConnectorError(Exception):
    """A fetch that did not hear. The message says what happened, where, and what to do."""

    hearing = Hearing.NOT_REACHABLE


class Wait(ConnectorError):
    """Trouble that passes by itself. `until` is aware UTC, None when the source did not say."""

    def __init__(self, message: str, *, until: datetime | None = None, hearing: Hearing = Hearing.NOT_REACHABLE):
        super().__init__(message)
        self.until = until
        self.hearing = hearing


class Fix(ConnectorError):
    """Trouble that stays until a person changes something."""

    hearing = Hearing.BLOCKED


class Broken(ConnectorError):
    """An answer this connector does not understand."""

    hearing = Hearing.BLOCKED
