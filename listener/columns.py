"""Which column of another tool's export is what, and what a row of it says. Pure.

The names are guessed from those that listening tools, help desks and app stores write; whoever imports is shown what
was guessed and can say otherwise.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from hashlib import blake2b
from typing import Any

from dateutil import parser

from connectors.post import Author, Post, PostKind, Reach

FIELDS = {  # our field -> the names other tools give it, the best first
    "text": "full text|text|content|message|post message|message text|body|review text|comment|hit sentence"
    "|mention content|tweet text|post text|description|snippet|opening text|summary|content snippet",
    "title": "title|headline|subject|review title|post title|title snippet",
    "id": "id|post id|mention id|resource id|document id|tweet id|message id|review id|ticket id|external id|guid",
    "url": "url|link|permalink|post url|post link|mention url|message url|post permalink|tweet permalink"
    "|review link|web url",
    "author": "author|author handle|username|user name|handle|screen name|author username|user screen name"
    "|author name|user|from|influencer|requester|author user name|profile",
    "name": "full name|author full name|display name|user name display",
    "created": "created|created at|date|published|published at|publish date|date (gmt)|date (utc)|date (et)"
    "|timestamp|time stamp|timestamp (et)|post date|created time|tweet time"
    "|review submit date and time|review submit millis since epoch|posted at|time",
    "clock": "time|hour|time (gmt)|time (utc)",  # beside a date that has none
    "lang": "lang|language|reviewer language|language code",
    "site": "site|domain|source domain|source name|source|network|platform|media type",
    "kind": "kind",
    "parent": "parent|parent id|in reply to|in reply to id|reply to",
    "followers": "followers|author followers|followers count|twitter followers|x followers|follower count",
    "likes": "likes|like count|favorites|favourites|x likes|twitter likes",
    "reposts": "reposts|shares|retweets|share count|x reposts|twitter retweets",
    "replies": "replies|comments|comment count|reply count|x replies|twitter replies",
}
NEEDED = ("text", "title")  # one of them
LANGUAGES = {
    "english": "en", "french": "fr", "german": "de", "spanish": "es", "portuguese": "pt", "italian": "it",
    "dutch": "nl", "japanese": "ja", "chinese": "zh", "korean": "ko", "arabic": "ar", "russian": "ru", "turkish": "tr",
    "polish": "pl", "swedish": "sv", "danish": "da", "norwegian": "no", "finnish": "fi", "hindi": "hi", "thai": "th",
}  # fmt: skip
ZONES = {
    "UTC": 0, "GMT": 0, "Z": 0, "BST": 1, "CET": 1, "CEST": 2, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7,
    "MDT": -6, "PST": -8, "PDT": -7,
}  # fmt: skip
_NAMES = {ours: tuple(theirs.split("|")) for ours, theirs in FIELDS.items()}
_EPOCH, _MILLIS = 10**8, 10**11  # numbers above are seconds since 1970, and thousandths of them
_REST = (datetime(1, 1, 1), datetime(2, 2, 2))  # noqa: DTZ001  two ways to fill what a date leaves out: they must agree
_SMALL = re.compile(r"[0-9]{1,2}")
_DOTTED, _YEAR = re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}"), re.compile(r"\d{4}\D")


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """`of`: our field -> the column it is read from. `unused`: the columns nothing is read from."""

    of: Mapping[str, str]
    unused: tuple[str, ...] = ()
    day_first: bool | None = None  # 05/04 is the fifth of April; None: nothing in the file tells
    zone: tzinfo = field(default=UTC)  # of dates that name none


class Unreadable(ValueError):
    """Why a file, or a row of it, cannot be taken."""


def guess(header: Sequence[str], said: Mapping[str, str]) -> Columns:
    """`said`: our field -> their column, as somebody told us. Raises Unreadable, with the mend."""
    there = {plain_name(column): column for column in reversed(header) if column.strip()}
    of: dict[str, str] = {}
    for ours, theirs in said.items():
        if ours not in FIELDS:
            raise Unreadable(f'"{ours}" is not a field of ours; known are {", ".join(FIELDS)}')
        if plain_name(theirs) not in there:
            raise Unreadable(f'there is no column "{theirs}"; the file has {_listed(header)}')
        of[ours] = there[plain_name(theirs)]
    for ours, names in _NAMES.items():
        free = [there[name] for name in names if name in there and there[name] not in of.values()]
        if ours not in of and free:
            of[ours] = free[0]
    if not any(ours in of for ours in NEEDED):
        raise Unreadable(f'no column looks like a text; the file has {_listed(header)}. Say which: --map "text=…"')
    return Columns(of=of, unused=tuple(column for column in header if column.strip() and column not in of.values()))


def known(header: Iterable[str], said: Iterable[str] = ()) -> int:
    """How many columns have a name we know or were told: a header has several, a row of posts hardly one."""
    names = {plain_name(column) for column in header}
    told = sum(plain_name(column) in names for column in said)
    return told + sum(bool(names.intersection(theirs)) for theirs in _NAMES.values())


def plain_name(column: str) -> str:
    return " ".join(column.replace("_", " ").replace(".", " ").replace("-", " ").casefold().split())


def _listed(header: Sequence[str]) -> str:
    return ", ".join(f'"{column}"' for column in header if column.strip())[:600] or "no columns"


def day_first(dates: Iterable[str]) -> bool | None:
    """What 05/04/2026 means in this file: told by a date that can be read in one way only. 05.04.2026 is always the
    fifth of April. Raises Unreadable when the dates contradict each other.
    """
    found: set[bool] = set()
    for date in dates:
        first, _, rest = date.strip().partition("/")
        second = rest.partition("/")[0]
        if _SMALL.fullmatch(first) and _SMALL.fullmatch(second) and max(int(first), int(second)) > 12:
            found.add(int(first) > 12)
    if len(found) == 2:
        raise Unreadable("its dates are both day/month and month/day; say which: --dates day-first or month-first")
    return found.pop() if found else None


def post_of(row: Mapping[str, str], columns: Columns, source: str) -> Post:
    """Raises Unreadable when there is nothing to read, or a date that is none."""
    said = {ours: row.get(theirs, "").strip() for ours, theirs in columns.of.items()}
    text, title, url = said.get("text", ""), said.get("title", ""), said.get("url", "")
    if not text and not title:
        raise Unreadable("has no text")
    created = when(" ".join(filter(None, (said.get("created", ""), _clock(said)))), columns)
    author = said.get("author", "")
    return Post(
        source=source,
        id=_identity(said.get("id", ""), url, f"{author}\x1f{created}", text or title),
        url=url if url.startswith(("http://", "https://")) else "",
        text=text or title,
        title=title if text else "",
        author=Author(handle=author, name=said.get("name", ""), followers=_count(said.get("followers", ""))),
        created=created,
        kind=PostKind(said["kind"]) if said.get("kind") in set(PostKind) else PostKind.POST,
        lang=language(said.get("lang", "")),
        site=said.get("site", ""),
        parent=said.get("parent", ""),
        reach=Reach(
            likes=_count(said.get("likes", "")),
            reposts=_count(said.get("reposts", "")),
            replies=_count(said.get("replies", "")),
        ),
    )


def _clock(said: Mapping[str, str]) -> str:
    return said.get("clock", "") if said.get("created") and ":" not in said["created"] else ""


def _identity(id_: str, url: str, who: str, text: str) -> str:
    """The same in every export of a tool, and no other tool's: small numbers are in all of them."""
    if url:
        return f"{id_} {url}".strip()
    return f"{id_} {_short(who)}" if id_ else _short(f"{who}\x1f{text}")


def _short(text: str) -> str:
    return blake2b(text.encode("utf-8", "replace"), digest_size=12).hexdigest()


def when(text: str, columns: Columns) -> datetime | None:
    """Aware UTC; None when nothing is said. Raises Unreadable when what is said is no date."""
    if not text:
        return None
    try:
        stated = _numbered(text) or _iso(text) or _spoken(text, columns.day_first)
        return (stated if stated.tzinfo else stated.replace(tzinfo=columns.zone)).astimezone(UTC)
    except (ValueError, OverflowError, OSError, TypeError, AttributeError):
        raise Unreadable(f'the date "{text[:60]}" is not understood') from None


def _numbered(text: str) -> datetime | None:
    if not (text.isascii() and text.isdigit() and int(text[:15]) > _EPOCH):
        return None
    return datetime.fromtimestamp(int(text[:15]) / (1_000 if int(text[:15]) > _MILLIS else 1), UTC)


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _spoken(text: str, day_first_: bool | None) -> datetime:
    """A year, a month and a day must be there: nothing is filled in."""
    year_first = bool(_YEAR.match(text))
    day = not year_first and (bool(_DOTTED.match(text)) or bool(day_first_))
    stated, again = (
        parser.parse(text[:80], default=rest, tzinfos=_zone, dayfirst=day, yearfirst=year_first) for rest in _REST
    )
    if stated.replace(tzinfo=None) != again.replace(tzinfo=None) or stated.year < 1970:
        raise ValueError("a date with a hole")
    return stated


def _zone(name: str | None, offset: int | None) -> Any:
    return offset if offset is not None else (ZONES[name] * 3_600 if name in ZONES else None)


def language(said: str) -> str:
    """BCP 47, where a tool writes the name of the language."""
    low = said.strip().casefold()
    if low in LANGUAGES:
        return LANGUAGES[low]
    head = low.replace("_", "-").partition("-")[0]
    return low.replace("_", "-") if 2 <= len(head) <= 3 and head.isalpha() else ""


def _count(text: str) -> int | None:
    digits = text.replace(",", "").replace(" ", "").removesuffix(".0")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 13 else None
