"""What Discourse answers (https://docs.discourse.org) -> Post, and its refusals. Pure.

A post is known by its own number, which it keeps when it is moved; a topic is the thread, its first post the root.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from connectors.api import moment, reset, skipped, table, trouble, whole, words
from connectors.contract import Broken, ConnectorError, Fix, Hearing, Wait
from connectors.http import LONGEST_WAIT, Answer
from connectors.post import Author, Post, PostKind, Reach
from connectors.text import plain

LIKE = 2  # post_action_type


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """`first` is the id of the post that began it; "" when that is not known."""

    title: str
    first: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of the newest posts. `ids` are of all that was on it."""

    ids: tuple[int, ...]
    items: tuple[Mapping[str, Any], ...]  # what can be read by everybody
    note: str = ""


def refusal(answer: Answer, now: datetime, forum: str, access: str) -> ConnectorError:
    """A limit says how long under extras.wait_seconds, when it does not say so in Retry-After."""
    said = _said(answer)
    if answer.status == 429:
        seconds = whole(table(said.get("extras")).get("wait_seconds"))
        until = reset(answer.headers, now)
        if until is None and seconds:
            until = now + min(timedelta(seconds=seconds), LONGEST_WAIT)
        return Wait(f"{forum}: the limit of requests is reached", until=until, hearing=Hearing.RATE_LIMITED)
    if said.get("error_type") == "not_logged_in" or urlsplit(answer.url).path.endswith("/login"):
        return Fix(f"{forum}: this forum is open to members only; {access}")
    return trouble(answer, now, access=access)


def _said(answer: Answer) -> Mapping[str, Any]:
    try:
        return table(json.loads(answer.body))
    except (ValueError, RecursionError):
        return {}


def hidden_from_us(answer: Answer) -> bool:
    """One post that is not for everybody, on a forum that is."""
    return answer.status == 403 and _said(answer).get("error_type") == "invalid_access"


def newest_in(answer: Any, source: str) -> Found:
    """Raises Broken."""
    items = table(answer).get("latest_posts")
    if not isinstance(items, list):
        raise Broken(f"{source}: the forum answered without latest_posts; is this a Discourse?")
    known = [table(item) for item in items]
    ids = [number for item in known if (number := whole(item.get("id")))]
    read = tuple(item for item in known if whole(item.get("id")) and visible(item))
    return Found(ids=tuple(ids), items=read, note=skipped(len(known) - len(ids), known))


def visible(raw: Mapping[str, Any]) -> bool:
    """What is flagged or deleted stays for a while, as a shell."""
    return not any(raw.get(key) for key in ("hidden", "user_deleted", "deleted_at"))


def topic_in(answer: Any) -> Topic:
    stream = table(table(answer).get("post_stream")).get("stream")
    first = words(stream[0]) if isinstance(stream, list) and stream else ""
    return Topic(title=words(table(answer).get("title")), first=first)


def post_of(
    raw: Mapping[str, Any], source: str, base: str, topic: Topic, numbers: Mapping[tuple[str, int], str]
) -> Post | None:
    """`numbers`: (topic, post_number) -> id, of what is at hand; a reply names what it answers by that number."""
    id_, where, number = words(raw.get("id")), words(raw.get("topic_id")), whole(raw.get("post_number")) or 0
    if not id_:
        return None
    reply, user = number > 1, words(raw.get("username"))
    answered = numbers.get((where, whole(raw.get("reply_to_post_number")) or 1), topic.first)
    edited = words(raw.get("updated_at")) if (whole(raw.get("version")) or 1) > 1 else ""
    return Post(
        source=source,
        id=id_,
        url=f"{base}/t/{quote(where)}/{number}",
        title="" if reply else topic.title,
        text=plain(words(raw.get("cooked")) or words(raw.get("raw"))),
        author=Author(
            handle=user, name=words(raw.get("name")), id=words(raw.get("user_id")), url=f"{base}/u/{quote(user)}"
        ),
        created=moment(raw.get("created_at")),
        kind=PostKind.COMMENT if reply else PostKind.POST,
        site=urlsplit(base).hostname or "",
        parent=answered if reply else "",
        root=topic.first if reply else "",
        reach=Reach(likes=_likes(raw), replies=whole(raw.get("reply_count")), views=whole(raw.get("reads"))),
        extra={"edited": edited} if edited else {},
    )


def _likes(raw: Mapping[str, Any]) -> int | None:
    actions = raw.get("actions_summary")
    counts = [table(action) for action in actions] if isinstance(actions, list) else []
    return next((whole(one.get("count")) for one in counts if one.get("id") == LIKE), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """One page of the search, newest first: id and time of each."""

    hits: tuple[tuple[int, datetime | None], ...]
    more: bool


def hits_in(answer: Any, source: str) -> Hits:
    """Raises Broken."""
    grouped = table(answer).get("grouped_search_result")
    items = table(answer).get("posts", [] if "grouped_search_result" in table(answer) else None)
    if not isinstance(items, list):
        raise Broken(f"{source}: the forum's search answered without posts; is this a Discourse?")
    found = [(whole(table(item).get("id")), moment(table(item).get("created_at"))) for item in items]
    more = bool(table(grouped).get("more_full_page_results"))
    return Hits(hits=tuple((id_, at) for id_, at in found if id_), more=more and bool(items))
