"""What Mastodon answers (https://docs.joinmastodon.org/entities/Status) -> Post, and where a timeline goes on. Pure.

Ids are opaque texts: they are never compared, only repeated. Where a timeline goes on is said in the Link header.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connectors.api import moment, skipped, table, whole, words
from connectors.contract import Broken
from connectors.post import Author, Post, PostKind, Reach
from connectors.text import plain

_LINK = re.compile(r'<([^<>]*)>\s*;\s*rel="?(prev|next)"?')
_OPEN = ("public", "unlisted", "")  # the token's owner may be shown what is nobody else's to read


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page, newest first."""

    ids: tuple[str, ...]  # of all that was on it
    posts: tuple[Post, ...]
    newer: str = ""  # the min_id that asks for what was written after it
    older: str = ""  # the max_id that asks for what was written before it
    note: str = ""


def found_in(answer: Any, link: str, source: str, host: str) -> Found:
    """A timeline, or the `statuses` of a search. Raises Broken."""
    statuses = answer.get("statuses") if isinstance(answer, Mapping) else answer
    if not isinstance(statuses, list):
        raise Broken(f"{source}: {host} answered without a list of posts; is this a Mastodon server?")
    ids = tuple(id_ for status in statuses if (id_ := words(table(status).get("id"))))
    posts = [post_of(table(status), source, host) for status in statuses if visible(table(status))]
    asked = {which: parse_qs(urlsplit(url).query) for url, which in _links(link)}
    return Found(
        ids=ids,
        posts=tuple(post for post in posts if post),
        newer=asked.get("prev", {}).get("min_id", ids[:1] or ("",))[0],
        older=asked.get("next", {}).get("max_id", ids[-1:] or ("",))[0],
        note=skipped(posts.count(None), statuses),
    )


def _links(link: str) -> Sequence[tuple[str, str]]:
    return [(url, which) for url, which in _LINK.findall(link) if url.startswith(("http://", "https://"))]


def visible(status: Mapping[str, Any]) -> bool:
    return words(status.get("visibility")) in _OPEN


def post_of(status: Mapping[str, Any], source: str, host: str) -> Post | None:
    """A boost is the post it boosts. None when it has no id."""
    status = table(status.get("reblog")) or status
    id_, account = words(status.get("id")), table(status.get("account"))
    if not id_:
        return None
    acct, parent = words(account.get("acct")), words(status.get("in_reply_to_id"))
    url = words(status.get("url")) or words(status.get("uri"))
    edited = words(status.get("edited_at"))
    return Post(
        source=source,
        id=id_,
        url=url,
        title=words(status.get("spoiler_text")),
        text="\n".join(filter(None, (plain(words(status.get("content"))), *_choices(status)))),
        author=Author(
            handle=acct if "@" in acct or not acct else f"{acct}@{host}",
            name=words(account.get("display_name")),
            url=words(account.get("url")),
            followers=whole(account.get("followers_count")),
        ),
        created=moment(status.get("created_at")),
        kind=PostKind.COMMENT if parent else PostKind.POST,
        lang=words(status.get("language")),
        site=_host(url) or host,
        parent=parent,
        reach=Reach(
            replies=whole(status.get("replies_count")),
            reposts=whole(status.get("reblogs_count")),
            likes=whole(status.get("favourites_count")),
        ),
        extra={"edited": edited} if edited else {},
    )


@dataclass(frozen=True, slots=True)
class Event:
    """What a stream says (https://docs.joinmastodon.org/methods/streaming): a post, or an edit of one, or its end."""

    post: Post | None = None
    gone: str = ""


def event_of(text: str, source: str, host: str) -> Event | None:
    """None when it is something else, or cannot be read: what is missed is heard by polling."""
    try:
        said = table(json.loads(text))
        kind, payload = said.get("event"), said.get("payload")
        if kind == "delete":
            return Event(gone=words(payload)) if words(payload) else None
        status = table(json.loads(words(payload))) if kind in ("update", "status.update") else {}
    except (ValueError, RecursionError):
        return None
    post = post_of(status, source, host) if visible(status) else None
    return Event(post=post) if post else None


def streaming_in(instance: Any) -> str:
    """Where the server streams, which may be another host; "" when it does not say."""
    urls = table(table(table(instance).get("configuration")).get("urls"))
    return words(urls.get("streaming"))


def _choices(status: Mapping[str, Any]) -> list[str]:
    """What a poll lets people choose is part of what was said."""
    options = table(status.get("poll")).get("options")
    return [words(table(option).get("title")) for option in options] if isinstance(options, list) else []


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def closed(instance: Any, *, signed_in: bool) -> str:
    """What this server does not show under hashtags, although it answers with an empty list; "" when it shows all.

    Since 4.5: configuration.timelines_access.hashtag_feeds of /api/v2/instance.
    """
    feeds = table(table(table(table(instance).get("configuration")).get("timelines_access")).get("hashtag_feeds"))
    shut = ("disabled",) if signed_in else ("disabled", "authenticated")
    hidden = [which for which in ("local", "remote") if feeds.get(which) in shut]
    if not hidden:
        return ""
    whose = "no posts at all" if len(hidden) == 2 else {"local": "none of its own", "remote": "only its own"}[hidden[0]]
    needs_key = any(feeds.get(which) == "authenticated" for which in hidden)
    mend = "set MASTODON_TOKEN" if needs_key else "its owner has closed them: listen on another server (api_url)"
    return f"the server shows {whose} under hashtags and says so only in its settings; {mend}"
