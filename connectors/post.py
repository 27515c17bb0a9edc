"""The one shape a public item has once it is ours, whatever platform it came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b


class PostKind(StrEnum):
    POST = "post"
    COMMENT = "comment"
    REVIEW = "review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who wrote it, as the platform names them. Never matched across platforms."""

    handle: str = ""
    name: str = ""
    id: str = ""  # of the account, where the platform has accounts: it never changes and is nobody else's
    url: str = ""
    followers: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far it has gone so far; None where the platform does not say."""

    replies: int | None = None
    reposts: int | None = None
    likes: int | None = None
    views: int | None = None


NOBODY = Author()
NOT_SAID = Reach()


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One public item. `source` and `id` together are its identity: dates never are."""

    source: str  # the name its source has in sources.toml
    id: str  # unique within that source, as the source gave it
    url: str
    text: str  # plain text, whole, not yet cleaned for showing
    title: str = ""
    author: Author = NOBODY
    created: datetime | None = None  # aware, UTC; None when the source gave no date
    kind: PostKind = PostKind.POST
    lang: str = ""  # BCP 47 as the source said it, else ""
    site: str = ""  # the host it can be read on
    parent: str = ""  # id of what it answers, when it answers something
    root: str = ""  # id of what began the thread, when that is known and another
    reach: Reach = NOT_SAID
    rating: float | None = None  # the stars of a review, from 0, the worst, to 1, the best; its title shows them too
    extra: Mapping[str, str] = field(default_factory=dict)  # small facts a connector wants to keep, never searched

    @property
    def seen_by(self) -> int:
        """How many may have seen it: how often it was viewed, or who follows its author; 0 when nobody says."""
        return max(self.reach.views or 0, self.author.followers or 0, 0)

    @property
    def fingerprint(self) -> str:
        """Changes when what was said changes: the way an edit is told from a second hearing.

        Who said it does not count: a source may name an author at one time and not at another, or by a new name.
        """
        said = "\x1f".join((self.title, self.text, self.url))
        return blake2b(said.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
