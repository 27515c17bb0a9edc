"""What YouTube's Data API answers (https://developers.google.com/youtube/v3/docs) -> Post; its refusals by name. Pure.

A video's id is its own, a comment's is "video/comment": a comment that is asked for by its id does not name its video.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from connectors.api import moment, skipped, table, trouble, whole, words
from connectors.contract import Broken, ConnectorError, Fix, Hearing, Wait
from connectors.http import Answer
from connectors.post import Author, Post, PostKind, Reach

SITE = "www.youtube.com"
ACCESS = "check YOUTUBE_API_KEY: a key of a Google Cloud project with the YouTube Data API v3 switched on"
_USED_UP = ("quotaExceeded", "dailyLimitExceeded")
_TOO_FAST = ("rateLimitExceeded", "userRateLimitExceeded")
_OF_ONE = ("commentsDisabled", "videoNotFound", "channelNotFound", "playlistNotFound", "commentNotFound")
_HIDDEN = ("Private video", "Deleted video")  # what a playlist shows in place of one


class Refused(Fix):
    """What was asked for is not to be had; everything else is."""

    def __init__(self, message: str, reason: str):
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Threads:
    """One page of comment threads, newest first. `unread`: [thread, its video, how many replies] that are not shown."""

    posts: tuple[Post, ...]
    oldest: datetime | None  # when the last thread of the page was begun
    token: str  # asks for the next page; "" at the end
    unread: tuple[tuple[str, str, int], ...] = ()
    note: str = ""


def refusal(answer: Answer, now: datetime, resets: datetime) -> ConnectorError:
    """Google says why under error.errors[0].reason."""
    reason, said = _reason(answer)
    if reason in _USED_UP:
        return Wait("YouTube: the day's quota is used up", until=resets, hearing=Hearing.OUT_OF_BUDGET)
    if reason in _TOO_FAST:
        return Wait("YouTube: too many requests at once", hearing=Hearing.RATE_LIMITED)
    if reason in _OF_ONE or reason == "invalidPageToken":
        return Refused(f"YouTube: {said or reason}", reason)
    if reason:
        return Fix(f"YouTube: access is refused ({reason}: {said}); {ACCESS}")
    return trouble(answer, now, access=ACCESS)


def _reason(answer: Answer) -> tuple[str, str]:
    try:
        error = table(table(json.loads(answer.body)).get("error"))
    except (ValueError, RecursionError):
        return "", ""
    errors = error.get("errors")
    first = table(errors[0]) if isinstance(errors, list) and errors else {}
    return words(first.get("reason")), words(error.get("message"))[:160]


def items_in(answer: Any, source: str) -> list[Mapping[str, Any]]:
    """Raises Broken. An answer without anything may leave `items` out."""
    items = table(answer).get("items", [] if "kind" in table(answer) else None)
    if not isinstance(items, list):
        raise Broken(f"{source}: YouTube answered without items; its shape has changed")
    return [table(item) for item in items]


def channel_in(raw: Mapping[str, Any], source: str) -> dict[str, str]:
    """Its id, the list of its uploads, and its @handle. Raises Broken."""
    id_ = words(raw.get("id"))
    uploads = words(table(table(raw.get("contentDetails")).get("relatedPlaylists")).get("uploads"))
    if not id_ or not uploads:
        raise Broken(f"{source}: YouTube described a channel without its uploads; its shape has changed")
    return {"id": id_, "uploads": uploads, "handle": words(table(raw.get("snippet")).get("customUrl"))}


def threads_in(answer: Any, source: str) -> Threads:
    """A page of commentThreads with the replies it shows. Raises Broken."""
    items = items_in(answer, source)
    posts: list[Post | None] = []
    unread: list[tuple[str, str, int]] = []
    for item in items:
        top = table(table(item.get("snippet")).get("topLevelComment"))
        video = words(table(item.get("snippet")).get("videoId"))
        shown = table(item.get("replies")).get("comments")
        replies = [table(reply) for reply in shown] if isinstance(shown, list) else []
        posts += [comment_of(top, video, source, _replies(item)), *(comment_of(one, video, source) for one in replies)]
        if _replies(item) > len(replies):
            unread.append((words(item.get("id")), video, _replies(item)))
    tops = [post for post in posts if post and not _is_reply(post)]
    return Threads(
        posts=tuple(post for post in posts if post),
        oldest=tops[-1].created if tops else None,
        token=words(table(answer).get("nextPageToken")),
        unread=tuple(unread),
        note=skipped(posts.count(None), posts),
    )


def replies_in(answer: Any, video: str, source: str) -> Threads:
    """A page of the replies to one comment. Raises Broken."""
    posts = [comment_of(item, video, source) for item in items_in(answer, source)]
    return Threads(
        posts=tuple(post for post in posts if post),
        oldest=None,
        token=words(table(answer).get("nextPageToken")),
        note=skipped(posts.count(None), posts),
    )


def _replies(thread: Mapping[str, Any]) -> int:
    return whole(table(thread.get("snippet")).get("totalReplyCount")) or 0


def _is_reply(post: Post) -> bool:
    return "/" in post.parent


def comment_of(raw: Mapping[str, Any], video: str, source: str, replies: int | None = None) -> Post | None:
    """None when it has no id."""
    id_, said = words(raw.get("id")), table(raw.get("snippet"))
    if not id_:
        return None
    above, author = words(said.get("parentId")), words(table(said.get("authorChannelId")).get("value"))
    edited = words(said.get("updatedAt"))
    return Post(
        source=source,
        id=f"{video}/{id_}",
        url=f"https://{SITE}/watch?v={quote(video)}&lc={quote(id_)}",
        text=words(said.get("textDisplay")) or words(said.get("textOriginal")),
        author=Author(handle=words(said.get("authorDisplayName")), id=author, url=words(said.get("authorChannelUrl"))),
        created=moment(said.get("publishedAt")),
        kind=PostKind.COMMENT,
        site=SITE,
        parent=f"{video}/{above}" if above else video,
        root=video,
        reach=Reach(likes=whole(said.get("likeCount")), replies=replies),
        extra={"edited": edited} if edited and edited != said.get("publishedAt") else {},
    )


def video_of(raw: Mapping[str, Any], source: str, handles: Mapping[str, str]) -> Post | None:
    """A video, or the place in a playlist where one stands. None when it is not there for everybody.

    `handles`: a channel's id -> its @handle, where we know it.
    """
    said, counted = table(raw.get("snippet")), table(raw.get("statistics"))
    id_ = words(table(said.get("resourceId")).get("videoId")) or words(raw.get("id"))
    title = words(said.get("title"))
    if not id_ or (title in _HIDDEN and "resourceId" in said):
        return None
    channel = words(said.get("videoOwnerChannelId")) or words(said.get("channelId"))
    name = words(said.get("videoOwnerChannelTitle")) or words(said.get("channelTitle"))
    published = table(raw.get("contentDetails")).get("videoPublishedAt") or said.get("publishedAt")
    return Post(
        source=source,
        id=id_,
        url=f"https://{SITE}/watch?v={quote(id_)}",
        title=title,
        text=words(said.get("description")),
        author=Author(
            handle=handles.get(channel) or name, name=name, id=channel, url=f"https://{SITE}/channel/{quote(channel)}"
        ),
        created=moment(published),
        lang=words(said.get("defaultAudioLanguage")),
        site=SITE,
        reach=Reach(
            views=_count(counted.get("viewCount")),
            likes=_count(counted.get("likeCount")),
            replies=_count(counted.get("commentCount")),
        ),
    )


def _count(number: Any) -> int | None:
    """Statistics are numbers written as texts."""
    text = words(number)
    return whole(int(text)) if text.isascii() and text.isdigit() and len(text) < 16 else None
