"""What of Reddit is read, lane by lane, and what one fetch gathers beside them. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from connectors.post import Post
from connectors.reddit_parse import COMMENT, POST, Listing, Thing
from connectors.reddit_walk import watched

TOGETHER = 50  # subreddits in one listing: they share its thousand items
PROBES = 10  # silent subreddits asked about after one round
ASK_SILENT = timedelta(hours=6)
ASK_SHUT = timedelta(hours=1)
EVERYTHING = ("all", "popular")  # no subreddits, but listings of many
_NAME = re.compile(r"[a-z0-9][a-z0-9_]{1,20}|u_[a-z0-9_-]{3,20}")


class Wanted(Protocol):
    """The options that decide what is read."""

    @property
    def subreddits(self) -> tuple[str, ...]: ...
    @property
    def searches(self) -> tuple[str, ...]: ...
    @property
    def comments(self) -> bool: ...
    @property
    def search(self) -> bool: ...
    @property
    def search_all(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A listing: what is new in some subreddits, its comments, or what a search finds there or everywhere."""

    subs: tuple[str, ...]  # () for everywhere
    what: str  # "new", "comments/" or "search/"
    query: str = ""

    @property
    def key(self) -> str:
        where = f"r/{'+'.join(self.subs or ('all',))}"
        return f"{where}/search {self.query}" if self.query else f"{where}/{self.what.rstrip('/')}"

    @property
    def kind(self) -> str:
        return COMMENT if self.what == "comments/" else POST

    def path(self, open_subs: Sequence[str]) -> str:
        return f"r/{'+'.join(open_subs or ('all',))}/{self.what}"

    @property
    def asked(self) -> Mapping[str, Any]:
        if not self.query:
            return {}
        within = {"restrict_sr": "on"} if self.subs else {}
        return {"q": self.query, "sort": "new", "t": "all", "type": "link", "include_over_18": "on", **within}

    def holds(self, thing: Thing) -> bool:
        return thing.subreddit in self.subs or not set(EVERYTHING).isdisjoint(self.subs)


def lanes_of(wanted: Wanted) -> Iterator[Lane]:
    """What is named is read whole, and searched for what its listings no longer show."""
    subs = subreddits_of(wanted.subreddits)
    for begin in range(0, len(subs), TOGETHER):
        together = subs[begin : begin + TOGETHER]
        yield Lane(subs=together, what="new")
        if wanted.comments:
            yield Lane(subs=together, what="comments/")
        if wanted.search and not wanted.search_all:
            yield from (Lane(subs=together, what="search/", query=query) for query in wanted.searches)
    if wanted.search_all:
        yield from (Lane(subs=(), what="search/", query=query) for query in wanted.searches)


def subreddits_of(named: Sequence[str]) -> tuple[str, ...]:
    """r/Acme, /r/acme/ and acme are one: "acme". A u/name is a subreddit too: "u_name"."""
    found = (_subreddit(name) for name in named)
    return tuple(dict.fromkeys(name for name in found if _NAME.fullmatch(name)))


def misnamed(named: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in named if not _NAME.fullmatch(_subreddit(name)))


def _subreddit(name: str) -> str:
    bare = name.strip().strip("/").lower()
    return f"u_{bare[2:]}" if bare.startswith("u/") else bare.removeprefix("r/")


@dataclass(slots=True)
class Turn:
    """What one fetch gathers beside the lanes; `subs`, `watch` and `rest` are kept in the cursor."""

    now: datetime
    subs: dict[str, list[Any]]  # name -> [when it was last heard or asked about, why it is shut]
    watch: list[Any]
    rest: timedelta | None = None  # how long Reddit wants to be left alone
    posts: list[Post] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, cursor: Mapping[str, Any], subs: Sequence[str], now: datetime) -> "Turn":
        known = cursor.get("subs", {})
        return cls(now, {sub: known[sub] for sub in subs if sub in known}, list(cursor.get("watch", [])))

    def kept(self) -> dict[str, Any]:
        rest = {"rest": (self.now + self.rest).timestamp()} if self.rest else {}
        return {"subs": self.subs, "watch": self.watch, **rest}

    def heard(self, page: Listing, subs: Sequence[str]) -> None:
        """A page of a listing: whoever is in it is open, and what is new in it will be looked at again."""
        self.gone += page.gone
        self.watch = watched(self.watch, page.things, self.now)
        for sub in {thing.subreddit for thing in page.things}.intersection(subs):
            self.asked(sub)

    def asked(self, sub: str, why_shut: str = "") -> None:
        self.subs[sub] = [int(self.now.timestamp()), why_shut]

    def why_shut(self, sub: str) -> str:
        return str(self.subs.get(sub, [0, ""])[1])

    def open(self, subs: Sequence[str]) -> tuple[str, ...]:
        return tuple(sub for sub in subs if not self.why_shut(sub))

    def shut(self) -> list[str]:
        return [f"r/{sub} {why}" for sub, (_, why) in sorted(self.subs.items()) if why]

    def silent(self, subs: Sequence[str]) -> list[str]:
        """Those of which nothing was heard for long: a listing of many leaves out what is shut without a word."""
        ages = {sub: self.now.timestamp() - self.subs.get(sub, [0])[0] for sub in subs if sub not in EVERYTHING}
        limits = {sub: ASK_SHUT if self.why_shut(sub) else ASK_SILENT for sub in ages}
        stale = [sub for sub, age in ages.items() if age >= limits[sub].total_seconds()]
        return sorted(stale, key=lambda sub: -ages[sub])[:PROBES]
