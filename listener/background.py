"""What the memory knows about a case's author and its spread, for whoever draws its card."""

from collections.abc import Iterable

from connectors.post import Author
from escalation.background import MANY, Background
from escalation.case import Case, replay
from listener.query import And, Field, Node, fold
from listener.storage.contract import MentionRow, Question, Store

COPIES = 100  # posts of a case whose reach is added up
REACHED = 200  # customers of an incident whose followers are counted


async def lookup(store: Store, case: Case) -> Background:
    """A read by index for each copy, and one search for the author's newest posts."""
    post = await store.post(case.subject.post)
    if post is None or case.incident:
        return Background()
    said = [post, *filter(None, [await store.post(key) for key in case.posts[1:COPIES]])]
    own = await store.case_mentions(case.id)
    before = [row for row in await _by_author(store, case, post.author) if row.case != case.id]
    return Background(
        posts=len(before[:MANY]),
        cases=tuple(dict.fromkeys(row.case for row in before if row.case)),
        copies=len({row.id for row in own}),
        sources=len({row.source for row in own}),
        followers=together({(one.source, one.author.handle): one.author.followers for one in said}.values()),
        replies=together(one.reach.replies for one in said),
        reposts=together(one.reach.reposts for one in said),
        likes=together(one.reach.likes for one in said),
        views=together(one.reach.views for one in said),
        statement=await _statement(store, case),
    )


def together(numbers: Iterable[int | None]) -> int | None:
    """Their sum; None when none of them is known."""
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


async def _statement(store: Store, case: Case) -> str:
    return replay(await store.timeline(case.within)).statement if case.within else ""


async def _by_author(store: Store, case: Case, author: Author) -> list[MentionRow]:
    """Newest first. Of the same source only: a name elsewhere may be somebody else's."""
    shown, handle = author.name or author.handle, author.handle or author.name
    if not handle.strip():
        return []
    asked: tuple[Node, ...] = (
        Field("brand", ":", fold(case.subject.brand)),
        Field("source", ":", fold(case.subject.post.partition(":")[0])),
        Field("author", ":", fold(handle)),
    )
    question = Question(query=And(asked), limit=MANY + len(case.posts))
    return [row async for row in store.search(question) if row.author == shown]


async def reach(store: Store, incident: int) -> int:
    """How many follow the customers of an incident, as far as the platforms say; the most urgent ones are asked for."""
    followers, asked = 0, 0
    async for row in store.cases():
        if row.within == incident and asked < REACHED:
            asked += 1
            post = await store.post(replay(await store.timeline(row.id)).subject.post)
            followers += (post.author.followers or 0) if post else 0
    return followers
