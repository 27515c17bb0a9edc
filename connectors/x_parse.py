"""What X answers -> posts, counts, what is gone. Pure. Its API has two spellings, tweet and post: both are read.

(https://docs.x.com/x-api/posts/search-recent-posts; edits: fundamentals/edit-posts; ids: resources/fundamentals/x-ids)
"""

import html
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.api import moment, skipped, table, whole, words
from connectors.contract import Broken
from connectors.post import Author, Post, PostKind, Reach

SITE = "x.com"
FIELDS = {
    "expansions": "author_id",
    "tweet_fields": "author_id,conversation_id,created_at,edit_history_tweet_ids,entities,lang,note_tweet,"
    "public_metrics,referenced_tweets,withheld",
    "user_fields": "name,username,public_metrics",
}
STATE = {"tweet_fields": "edit_history_tweet_ids,withheld"}  # enough to see what became of a post
GONE = ("resource-not-found", "not-authorized-for-resource", "resource-unavailable", "disallowed-resource")
_BEGAN = datetime(2010, 11, 4, 1, 42, 54, 657_000, UTC)  # ids hold the milliseconds since then

Users = Mapping[str, Mapping[str, Any]]  # id -> the account


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of posts."""

    posts: tuple[Post, ...]
    ids: tuple[str, ...]  # of all that was read, and paid for, whatever became of it
    times: tuple[datetime, ...]  # of the same
    users: int
    newest: str  # id
    following: str  # what to ask the next page with
    note: str
    versions: Mapping[str, str]  # our id -> the id of its newest wording
    withheld: tuple[str, ...]  # our ids


def found_in(document: Mapping[str, Any], source: str, known: Mapping[str, str] | None = None) -> Found:
    """`known`: handle -> id of accounts that need not be asked for. Raises Broken when it is no page."""
    items, meta = _items(document), table(document.get("meta"))
    given = _listed(table(document.get("includes")).get("users"))
    users: dict[str, Mapping[str, Any]] = {id_: {"username": handle} for handle, id_ in (known or {}).items()}
    users |= {words(user.get("id")): user for user in map(table, given)}
    ids = tuple(words(item.get("id")) for item in items)
    read = [None if _withheld(item) or _is_copy(item) else post_of(item, users, source) for item in items]
    unread = [item for item, post in zip(items, read, strict=True) if not (post or _withheld(item) or _is_copy(item))]
    return Found(
        posts=tuple(post for post in read if post),
        ids=ids,
        times=tuple(moment(item.get("created_at")) or time_of(id_) for item, id_ in zip(items, ids, strict=True)),
        users=len(given),
        newest=max((words(meta.get("newest_id")), *ids), key=number),
        following=words(meta.get("next_token")),
        note=skipped(len(unread), items),
        versions={history[0]: history[-1] for history in map(_history, items) if history},
        withheld=tuple(_history(item)[0] for item in items if _withheld(item) and _history(item)),
    )


def _items(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    data = document.get("data")
    if not isinstance(data, list) and not ("meta" in document or "errors" in document):
        raise Broken("X's answer holds no posts, and does not say that there are none")
    return [table(item) for item in _listed(data)]


def post_of(item: Mapping[str, Any], users: Users, source: str) -> Post | None:
    """None when it has no id or no text. An edited post keeps the id of its first wording."""
    history, text = _history(item), _text(item)
    if not history or not text:
        return None
    user = users.get(words(item.get("author_id")), {})
    name, root, parent = (
        words(user.get("username")),
        words(item.get("conversation_id")),
        _referenced(item, "replied_to"),
    )
    return Post(
        source=source,
        id=history[0],
        url=f"https://{SITE}/i/web/status/{words(item.get('id'))}",
        text=text,
        author=Author(
            handle=name,
            name=words(user.get("name")),
            id=words(item.get("author_id")),
            url=f"https://{SITE}/{name}" if name else "",
            followers=whole(table(user.get("public_metrics")).get("followers_count")),
        ),
        created=moment(item.get("created_at")) or (time_of(history[0]) if number(history[0]) else None),
        kind=PostKind.COMMENT if parent else PostKind.POST,
        lang=lang if len(lang := words(item.get("lang"))) == 2 else "",
        site=SITE,
        parent=parent,
        root=root if root != history[0] else "",
        reach=_reach(table(item.get("public_metrics"))),
        extra={"quotes": quoted} if (quoted := _referenced(item, "quoted")) else {},
    )


def _reach(metrics: Mapping[str, Any]) -> Reach:
    reposts = whole(metrics.get("repost_count"))
    return Reach(
        replies=whole(metrics.get("reply_count")),
        reposts=reposts if reposts is not None else whole(metrics.get("retweet_count")),
        likes=whole(metrics.get("like_count")),
        views=whole(metrics.get("impression_count")),
    )


def gone_in(document: Mapping[str, Any], asked: Collection[str]) -> tuple[str, ...]:
    """Which of these ids may no longer be shown: deleted, protected, suspended. Another error proves nothing."""
    said = map(table, _listed(document.get("errors")))
    gone = (
        words(error.get("resource_id")) or words(error.get("value"))
        for error in said
        if words(error.get("type")).rpartition("/")[2] in GONE
        and words(error.get("resource_type")) in ("", "tweet", "post")
    )
    return tuple(dict.fromkeys(id_ for id_ in gone if id_ in asked))


def refusals_in(document: Mapping[str, Any]) -> str:
    """What X says instead of data; "" when it said nothing."""
    if "data" in document or "meta" in document:
        return ""
    said = (table(error) for error in _listed(document.get("errors")))
    return "; ".join(words(error.get("detail")) or words(error.get("title")) or "an error" for error in said)[:200]


def accounts_in(document: Mapping[str, Any]) -> dict[str, str]:
    """Handle, in small letters -> id."""
    users = map(table, _listed(document.get("data")))
    return {words(user.get("username")).lower(): words(user.get("id")) for user in users if words(user.get("id"))}


def counts_in(document: Mapping[str, Any]) -> dict[datetime, int]:
    """The beginning of each hour -> posts."""
    hours = map(table, _listed(document.get("data")))
    said = ((moment(hour.get("start")), hour.get("post_count", hour.get("tweet_count"))) for hour in hours)
    return {start: count for start, number in said if start and (count := whole(number)) is not None}


def number(id_: str) -> int:
    """0 when it is none."""
    return int(id_) if id_.isascii() and id_.isdigit() and len(id_) < 20 else 0


def time_of(id_: str) -> datetime:
    """When a post with this id was written."""
    return _BEGAN + timedelta(milliseconds=number(id_) >> 22)


def id_at(when: datetime) -> int:
    """The first id of this moment."""
    return max((when - _BEGAN) // timedelta(milliseconds=1), 0) << 22


def _text(item: Mapping[str, Any]) -> str:
    """The whole of a long post, with the addresses its t.co links stand for; X escapes &, < and >."""
    long = table(item.get("note_post") or item.get("note_tweet"))
    text = words(long.get("text")) or words(item.get("text"))
    for holder in (long, item):
        for link in map(table, _listed(table(holder.get("entities")).get("urls"))):
            short, full = words(link.get("url")), words(link.get("expanded_url"))
            text = text.replace(short, full) if short and full else text
    return html.unescape(text)


def _withheld(item: Mapping[str, Any]) -> bool:
    withheld = table(item.get("withheld"))
    return withheld.get("copyright") is True or bool(_listed(withheld.get("country_codes")))


def _is_copy(item: Mapping[str, Any]) -> bool:
    """A repost says nothing of its own."""
    return bool(_referenced(item, "retweeted") or _referenced(item, "reposted"))


def _history(item: Mapping[str, Any]) -> list[str]:
    """Ids of its wordings, the first first."""
    named = item.get("edit_history_post_ids") or item.get("edit_history_tweet_ids")
    ids = (words(id_) for id_ in (*_listed(named), item.get("id")))
    return sorted({id_ for id_ in ids if id_}, key=lambda id_: (len(id_), id_))


def _referenced(item: Mapping[str, Any], kind: str) -> str:
    named = map(table, _listed(item.get("referenced_posts") or item.get("referenced_tweets")))
    return next((words(one.get("id")) for one in named if one.get("type") == kind), "")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
