"""What is known beside a case when it is shown: who wrote it, what they wrote before, how far it has gone. Pure.

It is looked up when a card is drawn and kept nowhere, so what was erased is on no later card.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from escalation.case import Case

MANY = 20  # earlier posts of one author that are counted; more are "20 or more"
NAMED = 5  # earlier cases that are named


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """The zero value: nothing is known. Numbers are None where the platform does not say."""

    posts: int = 0  # of this author about this brand, before this case
    cases: tuple[int, ...] = ()  # of this author with this brand, newest first
    copies: int = 0  # posts of this case, the first included
    sources: int = 0  # that heard this case's posts
    followers: int | None = None
    replies: int | None = None
    reposts: int | None = None
    likes: int | None = None
    views: int | None = None
    similar: tuple[str, ...] = ()  # what similar cases were offered, a line each; where there is room for it
    statement: str = ""  # of the incident this case is within: what may be said to its customers


NOTHING_KNOWN = Background()
Lookup = Callable[[Case], Awaitable[Background]]


async def nothing_known(case: Case) -> Background:
    return NOTHING_KNOWN


def history(known: Background) -> str:
    """ "3 posts before; cases 12, 9"; "" for an author nobody has met."""
    posts = f"{MANY} or more posts" if known.posts >= MANY else _count(known.posts, "post")
    said = [f"{posts} about this brand before"] if known.posts else []
    if known.cases:
        named = ", ".join(str(case) for case in known.cases[:NAMED])
        said.append(f"{'case' if len(known.cases) == 1 else 'cases'} {named}")
    return "; ".join(said)


def spread(known: Background) -> str:
    """ "1,200 followers, 4 replies, 12 reposts; said 3 times in 2 sources"; "" when nothing is known."""
    counted = {"follower": known.followers, "view": known.views, "reply": known.replies}
    counted |= {"repost": known.reposts, "like": known.likes}
    said = ", ".join(_count(number, name) for name, number in counted.items() if number)
    copies = f"said {known.copies} times in {_count(known.sources, 'source')}" if known.copies > 1 else ""
    return "; ".join(filter(None, (said, copies)))


def _count(number: int, name: str) -> str:
    plural = f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"
    return f"{number:,} {name if number == 1 else plural}"
