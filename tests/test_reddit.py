"""Reddit is heard without holes beyond its thousand-item cap, with doors that shut, and without a key by RSS."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from polling import Poller, ids
from redditserver import FakeReddit
from webserver import Server

from connectors.contract import Hearing
from connectors.http import Web
from connectors.reddit import Options, RedditConnector
from connectors.reddit_api import agent
from connectors.reddit_parse import listing_of

GOLDEN = json.loads((Path(__file__).parent / "data/reddit/answers.json").read_text())


def ear(server: Server, web_: Web, *subreddits: str, **options: object) -> Poller:
    given: dict[str, object] = {
        "subreddits": subreddits or ("acme",), "client_id": "right-id", "client_secret": "right-secret",
        "reddit_url": server.address, "oauth_url": server.address, "account": "u/mquill",
    }  # fmt: skip
    return Poller(RedditConnector("reddit", Options(**(given | options)), web_))  # type: ignore[arg-type]


@pytest.fixture
def reddit(server: Server) -> FakeReddit:
    return FakeReddit(server)


@pytest.mark.parametrize("pair", GOLDEN, ids=lambda pair: pair["case"])
def test_a_thing_is_a_post(pair: dict[str, dict[str, object]]) -> None:
    listing = listing_of({"kind": "Listing", "data": {"children": [pair["thing"]]}}, "reddit")
    (thing,) = listing.things
    if pair["post"] is None:
        assert thing.post is None and listing.gone == (thing.id,)
        return
    post = thing.post
    assert post is not None and post.created is not None
    assert pair["post"] == {
        "id": post.id, "url": post.url, "title": post.title, "text": post.text, "author": post.author.handle,
        "author_id": post.author.id, "created": post.created.isoformat(), "kind": post.kind, "parent": post.parent,
        "root": post.root, "likes": post.reach.likes, "replies": post.reach.replies, "extra": post.extra,
    }  # fmt: skip


async def test_posts_and_comments_of_many_subreddits_are_heard_together(
    server: Server, web_: Web, reddit: FakeReddit
) -> None:
    first, second = reddit.post("acme"), reddit.post("Zenith")
    said = reddit.comment(second)
    poller = ear(server, web_, "r/Acme", "/r/zenith/", "acme")
    assert set(ids(await poller.poll())) == {first, second, said}
    assert set(reddit.paths()) == {"/r/acme+zenith/new", "/r/acme+zenith/comments/"}
    assert poller.last.hearing is Hearing.HEARD and not poller.last.note
    later = reddit.comment(first, "one more")
    poller.now += timedelta(minutes=10)
    assert later in ids(await poller.poll())
    assert all(a.startswith(agent("mquill")) for a in reddit.agents)
    await poller.ear.aclose()


async def test_two_thousand_between_two_polls_leave_no_hole(server: Server, web_: Web, reddit: FakeReddit) -> None:
    reddit.post()
    poller = ear(server, web_, comments=False)
    await poller.poll()
    poller.now += timedelta(minutes=10)
    written = set()
    for place in range(2_000):
        written.add(reddit.post(at=poller.now))  # all in the same second
        if place % 2:
            reddit.post("elsewhere", at=poller.now)
    heard = ids(await poller.poll())
    assert written <= set(heard) and len(heard) <= 2_101
    assert poller.last.hearing is Hearing.HEARD
    assert not {post.extra["subreddit"] for page in poller.pages for post in page.posts} - {"acme"}
    await poller.ear.aclose()


async def test_a_hole_that_is_too_large_is_said(server: Server, web_: Web, reddit: FakeReddit) -> None:
    reddit.post()
    poller = ear(server, web_, comments=False, most_ids=500)
    await poller.poll()
    poller.now += timedelta(minutes=10)
    for _ in range(2_000):
        reddit.post(at=poller.now)
    await poller.poll()
    assert poller.last.hearing is Hearing.TRUNCATED and "1,000 ids lie between" in poller.last.note
    poller.now += timedelta(minutes=10)
    after = reddit.post(at=poller.now)
    assert after in ids(await poller.poll()) and poller.last.hearing is Hearing.HEARD
    await poller.ear.aclose()
