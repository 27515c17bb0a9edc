"""What Bluesky answers and streams -> Post. Pure.

Views come from the search (https://docs.bsky.app/docs/api/app-bsky-feed-search-posts), records from Jetstream, of its
first wire and of subscribeEvents (https://github.com/bluesky-social/jetstream). An id is the at:// address.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.api import moment, skipped, table, whole, words
from connectors.contract import Broken
from connectors.post import Author, Post, PostKind, Reach

POSTS = "app.bsky.feed.post"
SITE = "bsky.app"
_1970 = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of a search, newest first."""

    posts: tuple[Post, ...]
    total: int  # on the page, with those that could not be read
    cursor: str
    times: tuple[datetime, ...]  # that the search sorts by
    note: str


def found_in(answer: Any, source: str, *, by_did: bool = False) -> Found:
    """Raises Broken."""
    views = table(answer).get("posts")
    if not isinstance(views, list):
        raise Broken(f"{source}: Bluesky answered without a list of posts; its shape has changed")
    posts = [post_of(table(view), source, by_did=by_did) for view in views]
    times = (sorted_at(table(view)) for view in views)
    return Found(
        posts=tuple(post for post in posts if post),
        total=len(views),
        cursor=words(answer.get("cursor")),
        times=tuple(time for time in times if time),
        note=skipped(posts.count(None), views),
    )


def sorted_at(view: Mapping[str, Any]) -> datetime | None:
    """The `sortAt` that since and until speak of: the earlier of when it was written and when it was taken in."""
    return _earlier(table(view.get("record")).get("createdAt"), moment(view.get("indexedAt")))


def post_of(view: Mapping[str, Any], source: str, *, by_did: bool = False) -> Post | None:
    """None without an address. `by_did`: the author is called as the stream calls them, which knows no handles."""
    author = table(view.get("author"))
    handle = words(author.get("handle"))
    post = _post(words(view.get("uri")), table(view.get("record")), moment(view.get("indexedAt")), source)
    if post is None:
        return None
    reach = Reach(
        replies=whole(view.get("replyCount")),
        reposts=whole(view.get("repostCount")),
        likes=whole(view.get("likeCount")),
    )
    name = words(author.get("displayName")) or handle
    unnamed = by_did or not handle or handle == "handle.invalid"
    return replace(
        post, reach=reach, author=replace(post.author, handle=post.author.handle if unnamed else handle, name=name)
    )


def _post(uri: str, record: Mapping[str, Any], seen: datetime | None, source: str) -> Post | None:
    did, _, rkey = uri.removeprefix("at://").partition(f"/{POSTS}/")
    if not (did and rkey and uri.startswith("at://")):
        return None
    reply = table(record.get("reply"))
    parent, root = (words(table(reply.get(which)).get("uri")) for which in ("parent", "root"))
    langs = record.get("langs")
    return Post(
        source=source,
        id=uri,
        url=f"https://{SITE}/profile/{did}/post/{rkey}",  # the did stays when a handle changes
        text=_text(record),
        author=Author(handle=did, url=f"https://{SITE}/profile/{did}"),
        created=_earlier(record.get("createdAt"), seen),
        kind=PostKind.COMMENT if parent else PostKind.POST,
        lang=words(langs[0]) if isinstance(langs, list) and langs else "",
        site=SITE,
        parent=parent,
        root=root,
    )


def _text(record: Mapping[str, Any]) -> str:
    """With the links, which its text only shortens or leaves to a card below it."""
    text = words(record.get("text"))
    links = [link for link in dict.fromkeys(_links(record)) if link and link not in text]
    return "\n".join([text, *links])


def _links(record: Mapping[str, Any]) -> Iterator[str]:
    facets = record.get("facets")
    for facet in facets if isinstance(facets, list) else ():
        features = table(facet).get("features")
        for feature in features if isinstance(features, list) else ():
            yield words(table(feature).get("uri"))
    embed = table(record.get("embed"))
    yield words(table((table(embed.get("media")) or embed).get("external")).get("uri"))


def _earlier(created: Any, seen: datetime | None) -> datetime | None:
    """What an author says of the time, unless it lies ahead."""
    times = [time for time in (moment(created), seen) if time]
    return min(times, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One message of the stream: of a post (with `post` None when it was deleted), or only of how far we are."""

    time_us: int = 0  # microseconds since 1970
    id: str = ""
    post: Post | None = None
    outdated: bool = False  # the stream says that it cannot go back as far as we asked
    ended: str = ""  # why the stream ends here


def event_of(text: str, source: str) -> Event | None:
    """None when it cannot be read."""
    try:
        message = table(json.loads(text))
    except (ValueError, RecursionError):
        return None
    if message.get("$type") == "error":
        return Event(ended=words(message.get("error")) or "error")
    if isinstance(payload := message.get("payload"), Mapping):
        return _second_wire(payload, source)
    return _commit(words(message.get("did")), whole(message.get("time_us")), table(message.get("commit")), source)


def _second_wire(payload: Mapping[str, Any], source: str) -> Event | None:
    if words(payload.get("$type")).endswith("#info"):
        return Event(outdated=payload.get("name") == "OutdatedCursor")
    time = moment(payload.get("time"))
    commit = payload if words(payload.get("$type")).endswith("#commit") else {}
    return _commit(words(payload.get("did")), microseconds(time) if time else None, commit, source)


def _commit(did: str, time_us: int | None, commit: Mapping[str, Any], source: str) -> Event | None:
    if time_us is None:
        return None
    if commit.get("collection") != POSTS:
        return Event(time_us=time_us)
    uri = f"at://{did}/{POSTS}/{words(commit.get('rkey'))}"
    if commit.get("operation") == "delete":
        return Event(time_us=time_us, id=uri)
    post = _post(uri, table(commit.get("record")), at(time_us), source)
    return Event(time_us=time_us, id=uri, post=post) if post and commit.get("record") else None


def microseconds(time: datetime) -> int:
    return (time - _1970) // timedelta(microseconds=1)


def at(time_us: int) -> datetime | None:
    try:
        return _1970 + timedelta(microseconds=time_us)
    except OverflowError:
        return None
