"""Reddit's JSON -> Post (https://www.reddit.com/dev/api, "things" and "listings"). Pure.

An id is a fullname: t3_ and a base-36 number for a post, t1_ for a comment. The numbers of one kind are given out in
order over the whole site, so they tell which of two was written first, and what lies between.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from connectors.api import epoch, skipped, table, whole, words
from connectors.contract import Broken, Wait
from connectors.post import Author, Post, PostKind, Reach

SITE = "www.reddit.com"
HOME = f"https://{SITE}"
POST, COMMENT = "t3", "t1"
_FULLNAME = re.compile(r"(t[13])_([0-9a-z]{1,13})")
_ERASED = frozenset(("[deleted]", "[removed]", "[deleted by user]", "[ removed by reddit ]", "[removed by reddit]"))
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+\-.!<>~|^@])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One entry of a listing. `post` is None when its author or a moderator took it away."""

    id: str
    subreddit: str  # in lower case
    post: Post | None
    created: datetime | None = None

    @property
    def number(self) -> int:
        return number(self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One page, newest first. `after` is where the next begins, "" when there is none."""

    things: tuple[Thing, ...] = ()
    after: str = ""
    note: str = ""

    @property
    def posts(self) -> tuple[Post, ...]:
        return tuple(thing.post for thing in self.things if thing.post)

    @property
    def gone(self) -> tuple[str, ...]:
        return tuple(thing.id for thing in self.things if not thing.post)

    @property
    def oldest(self) -> datetime | None:
        return min((thing.created for thing in self.things if thing.created), default=None)


def number(id_: str) -> int:
    """t3_1abc -> 60492; -1 when it is no fullname."""
    found = _FULLNAME.fullmatch(id_)
    return int(found[2], 36) if found else -1


def fullname(kind: str, place: int) -> str:
    digits = ""
    while place:
        place, digit = divmod(place, 36)
        digits = _DIGITS[digit] + digits
    return f"{kind}_{digits or '0'}"


def listing_of(answer: Any, source: str) -> Listing:
    """Raises Wait when the answer breaks off, Broken when it is something else."""
    if answer in ("", None):
        raise Wait(f"{source}: Reddit answered with nothing; tried again later")
    data = table(table(answer).get("data"))
    children = data.get("children")
    if not isinstance(children, list):
        raise Broken(f"{source}: Reddit answered without a listing; its shape has changed")
    found = [thing_of(table(child), source) for child in children]
    return Listing(
        things=tuple(thing for thing in found if thing),
        after=words(data.get("after")),
        note=skipped(found.count(None), found),
    )


def thing_of(child: Mapping[str, Any], source: str) -> Thing | None:
    """None when it cannot be told what it is."""
    data = table(child.get("data"))
    kind = words(child.get("kind"))
    id_ = words(data.get("name")) or f"{kind}_{words(data.get('id'))}"
    if not _FULLNAME.fullmatch(id_) or not id_.startswith(kind):
        return None
    erased = is_erased(data)
    post = None if erased else (_comment if kind == COMMENT else _submission)(id_, data, source)
    created = epoch(data.get("created_utc"))
    return Thing(id=id_, subreddit=words(data.get("subreddit")).lower(), post=post, created=created)


def is_erased(data: Mapping[str, Any]) -> bool:
    """By its author, by moderators or by Reddit. Of what an account left behind when it was closed, the text stays."""
    said = (words(data.get(key)).strip().lower() for key in ("body", "selftext", "title"))
    return bool(data.get("removed_by_category")) or any(text in _ERASED for text in said)


def _submission(id_: str, data: Mapping[str, Any], source: str) -> Post:
    link = "" if data.get("is_self") else words(data.get("url"))
    link = f"{HOME}{link}" if link.startswith("/") else link
    permalink = _permalink(data) or f"/comments/{id_[3:]}/"
    text = [unescaped(words(data.get("selftext"))), *_choices(data), link]
    return Post(
        source=source,
        id=id_,
        url=f"{HOME}{permalink}",
        title=words(data.get("title")),
        text="\n".join(filter(None, text)),
        author=_author(data),
        created=epoch(data.get("created_utc")),
        site=SITE,
        reach=Reach(
            likes=_score(data), replies=whole(data.get("num_comments")), reposts=whole(data.get("num_crossposts"))
        ),
        extra=dict(_facts(data)),
    )


def _comment(id_: str, data: Mapping[str, Any], source: str) -> Post:
    root = words(data.get("link_id"))
    permalink = _permalink(data) or f"/comments/{root[3:] or '_'}/comment/{id_[3:]}/"
    return Post(
        source=source,
        id=id_,
        url=f"{HOME}{permalink}",
        text=unescaped(words(data.get("body"))),
        author=_author(data),
        created=epoch(data.get("created_utc")),
        kind=PostKind.COMMENT,
        site=SITE,
        parent=words(data.get("parent_id")) or root,
        root=root,
        reach=Reach(likes=_score(data)),
        extra=dict(_facts(data)),
    )


def _permalink(data: Mapping[str, Any]) -> str:
    path = words(data.get("permalink"))
    return quote(path, safe="/%", errors="replace") if path.startswith(("/r/", "/u")) else ""


def _author(data: Mapping[str, Any]) -> Author:
    name = words(data.get("author"))
    if name in ("", "[deleted]"):
        return Author()
    return Author(
        handle=name,
        name=name,
        id=words(data.get("author_fullname")),
        url=f"{HOME}/user/{quote(name, safe='', errors='replace')}/",
    )


def _score(data: Mapping[str, Any]) -> int | None:
    """While it is hidden Reddit answers 1 for everything."""
    return None if data.get("hide_score") or data.get("score_hidden") else whole(data.get("score"))


def _choices(data: Mapping[str, Any]) -> Iterator[str]:
    """What a poll lets people choose is part of what was said."""
    options = table(data.get("poll_data")).get("options")
    for option in options if isinstance(options, list) else []:
        yield words(table(option).get("text"))


def _facts(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if subreddit := words(data.get("subreddit")):
        yield "subreddit", subreddit
    edited = data.get("edited")  # False, or when
    if not isinstance(edited, bool) and (moment := epoch(edited)):
        yield "edited", moment.astimezone(UTC).isoformat()
    if original := words(data.get("crosspost_parent")):
        yield "crosspost", original


def unescaped(markdown: str) -> str:
    """Reddit's editor writes @acme\\_air and fills empty lines with invisible blanks: neither was meant to be read."""
    text = markdown.replace("&#x200B;", "").replace("&nbsp;", " ")
    return _ESCAPED.sub(r"\1", text).strip()


def shut_because(status: int, headers: Mapping[str, str], body: bytes) -> str:
    """Why a subreddit cannot be read, as a sentence goes on after its name; "" when the status says nothing of it."""
    if status in (301, 302, 303, 307, 308):
        found = "/subreddits/search" in headers.get("location", "")
        return "does not exist; check its spelling" if found else "has moved or wants a login; open it in a browser"
    reason = _reason(body) if status in (403, 404, 451) else ""
    known = {
        "private": "is private; ask its moderators, or take it out",
        "banned": "was banned by Reddit; take it out",
        "quarantined": "is quarantined and shown only to accounts that agreed to it; take it out",
        "gold_only": "is for paying members only; take it out",
        "suspended": "belongs to a suspended account; take it out",
    }
    plain = {
        403: "is closed to us (403): it is private, or Reddit has not approved our reading",
        404: "is not there (404); check its spelling",
        410: "is gone for good (410); take it out",
        451: "is withheld by law (451)",
    }
    return known.get(reason) or plain.get(status, "")


def _reason(body: bytes) -> str:
    try:
        return words(table(json.loads(body)).get("reason"))
    except (ValueError, RecursionError):
        return ""
