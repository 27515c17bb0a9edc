"""One item of a blog, as its feed, its sitemap or its comments gave it. Pure."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
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
        said = "\x1f".join((self.title, self.text, self.link, self.author))
        return blake2b(said.encode("utf-8", "replace"), digest_size=8).hexdigest()
