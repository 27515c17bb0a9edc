"""What a blog says: one item, as its feed, its sitemap or its comments gave it, and a feed of them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b, sha1


class NotAFeed(ValueError):
    """These bytes are no feed; the message says what they look like."""


@dataclass(slots=True, kw_only=True)
class Item:
    """Never changed once it is made; it is not frozen because that triples its cost, and each reading makes thirty."""

    id: str
    link: str = ""
    title: str = ""
    text: str = ""
    teaser: bool = False  # the feed holds only a summary
    author: str = ""
    author_url: str = ""
    published: datetime | None = None
    parent: str = ""  # id of what it answers
    root: str = ""  # id of what began the thread, when that is another
    comments_feed: str = ""
    comments: int | None = None
    lang: str = ""
    known: bool = False  # it is as it was when it was read before: nothing is filled in but id and link

    @property
    def fingerprint(self) -> str:
        return fingerprint("\x1f".join((self.title, self.text, self.link, self.author)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    items: tuple[Item, ...]
    title: str = ""
    link: str = ""
    generator: str = ""
    next: str = ""  # RFC 5005: where older items are
    hub: str = ""  # WebSub: who tells of new items
    self: str = ""  # the address by which the hub knows it
    ttl: timedelta | None = None
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[int] = frozenset()
    cut: bool = False  # the document ended too early
    left_out: int = 0  # items beyond what is read of one document
    raws: Mapping[str, str] = field(default_factory=dict)  # id -> fingerprint of the item's text, where it has one


def fingerprint(said: str) -> str:
    """SHA-1 is the quickest at hand; nobody gains by a collision with an earlier wording of their own."""
    return sha1(said.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()[:16]


def identity(*said: str) -> str:
    """The id of what was given none: its own words."""
    return blake2b("\x1f".join(said).encode("utf-8", "replace"), digest_size=12).hexdigest()
