"""Hacker News, through the search Algolia runs for it (https://hn.algolia.com/api): stories and comments by word.

One search never shows more than a thousand hits, so its span of time is halved until each half has fewer. The index
lags behind the site: the last hours are read again at every poll, and what is known already is told by its id.
A place: {"heard": read up to here, "to": being read up to here, "slices": [[since, until, page], …] still to read}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from connectors.api import address, document, epoch, is_gone, moment, skipped, table, whole, words
from connectors.contract import Broken, Cursor, Dialect, Fix, Page, from_house
from connectors.http import Web
from connectors.lanes import Place, Step, take_turn
from connectors.post import Author, Post, PostKind, Reach
from connectors.text import plain

DIALECT = Dialect(longest=256, either="", without="")
DEAF_TO = (
    "Hacker News: what is dead or flagged is not in the search, nor are job advertisements and polls",
    "Hacker News: a post the search index takes in more than `overlap` after it was written is not heard",
)
CAP = 1000  # hits of one search that can be had (algolia/hn-search#230)
SITE = "news.ycombinator.com"
ACCESS = "Hacker News needs no key: check api_url, or whether this network is let out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    searches: tuple[str, ...] = from_house()
    api_url: str = "https://hn.algolia.com/api/v1"
    history: timedelta = timedelta(days=7)  # how far back the first reading goes
    overlap: timedelta = timedelta(hours=6)  # read again at every poll


class HackerNewsConnector:
    def __init__(self, name: str, options: Options, web: Web):
        self.name = name
        self._options = options
        self._web = web

    async def aclose(self) -> None:
        """The client belongs to everybody."""

    async def fetch(self, cursor: Cursor, now: datetime) -> Page:
        if not self._options.searches:
            raise Fix(f"{self.name}: no brand's query has a word Hacker News can be searched for; add one")

        async def read(search: str, place: Place) -> Step:
            return await self._read(search, place, now)

        return await take_turn(self._options.searches, cursor, now, read, self._options.overlap)

    async def _read(self, search: str, place: Place, now: datetime) -> Step:
        if not place.get("slices"):
            place = self._whole_span(place, now)
        *rest, (since, until, page) = place["slices"]
        found = await self._search(search, since, until, page, now)
        following, note = slices_after(found, since, until, page)
        return Step(place=_after(place, rest + following), posts=found.posts, more=bool(rest + following), note=note)

    def _whole_span(self, place: Place, now: datetime) -> Place:
        """`to` is the next second: what this one still brings is in the overlap of the next poll."""
        first = now - self._options.history
        since = place["heard"] - int(self._options.overlap.total_seconds()) if "heard" in place else first.timestamp()
        to = int(now.timestamp()) + 1
        return {**place, "to": to, "slices": [[int(since), to, 0]]}

    async def _search(self, search: str, since: int, until: int, page: int, now: datetime) -> "Found":
        asked = {
            "query": search,
            "tags": "(story,comment)",
            "numericFilters": f"created_at_i>={since},created_at_i<{until}",
            "hitsPerPage": CAP,
            "page": page,
            "advancedSyntax": "true",  # "a phrase" in quotes
            "typoTolerance": "false",
        }
        url = address(self._options.api_url, "search_by_date", asked.items())
        return found_in(document(await self._web.try_get(url), now, access=ACCESS), self.name)

    async def reread(self, ids: Sequence[str], cursor: Cursor, now: datetime) -> Page:
        posts: list[Post] = []
        gone: list[str] = []
        for id_ in ids:
            answer = await self._web.get(
                address(self._options.api_url, f"items/{quote(id_, safe='', errors='replace')}"), now=now
            )
            item = {} if is_gone(answer) else table(document(answer, now, access=ACCESS))
            if is_gone(answer) or deleted(item):
                gone.append(id_)
            elif post := post_of(item, self.name):
                posts.append(post)
        return Page(cursor=cursor, posts=tuple(posts), gone=tuple(gone))


def _after(place: Place, slices: list[list[int]]) -> Place:
    return {**place, "slices": slices} if slices else {"heard": place["to"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One answer of the search. `total` counts the hits of all pages."""

    total: int
    pages: int
    posts: tuple[Post, ...]
    note: str


def slices_after(found: Found, since: int, until: int, page: int) -> tuple[list[list[int]], str]:
    """What this slice of time still needs, the newest last for it is read first; and what it can never show. Pure."""
    if found.total >= CAP and until - since > 1:
        middle = (since + until) // 2
        return [[since, middle, 0], [middle, until, 0]], found.note
    if page + 1 < found.pages:
        return [[since, until, page + 1]], found.note
    if found.total > CAP:
        hidden = f"{found.total} hits in the one second {since}, and only {CAP} of them are shown"
        return [], "; ".join(filter(None, (found.note, hidden)))
    return [], found.note


def found_in(answer: Any, source: str) -> Found:
    """Pure. Raises Broken."""
    hits, total = table(answer).get("hits"), whole(table(answer).get("nbHits"))
    if not isinstance(hits, list) or total is None:
        raise Broken(f"{source}: the search answered without hits and nbHits; its shape has changed")
    posts = [post_of(table(hit), source) for hit in hits]
    return Found(
        total=total,
        pages=whole(answer.get("nbPages")) or 0,
        posts=tuple(post for post in posts if post),
        note=skipped(posts.count(None), posts),
    )


def deleted(item: Mapping[str, Any]) -> bool:
    """Of a deleted item only the shell is left. Pure."""
    return "id" in item and not any(item.get(key) for key in ("author", "text", "title", "url"))


def post_of(raw: Mapping[str, Any], source: str) -> Post | None:
    """A hit of the search, or an item by its id: the same Post. None when it has no id. Pure."""
    id_, parent = words(raw.get("objectID")) or words(raw.get("id")), words(raw.get("parent_id"))
    if not id_:
        return None
    author = words(raw.get("author"))
    markup = next((text for key in ("comment_text", "story_text", "text") if (text := words(raw.get(key)))), "")
    root, link = words(raw.get("story_id")), words(raw.get("url"))
    return Post(
        source=source,
        id=id_,
        url=f"https://{SITE}/item?id={id_}",
        title="" if parent else words(raw.get("title")),
        text="\n".join(filter(None, (plain(markup), "" if parent else link))),
        author=Author(handle=author, url=f"https://{SITE}/user?id={quote(author, errors='replace')}" if author else ""),
        created=epoch(raw.get("created_at_i")) or moment(raw.get("created_at")),
        kind=PostKind.COMMENT if parent else PostKind.POST,
        site=SITE,
        parent=parent,
        root="" if root == id_ else root,
        reach=Reach(likes=whole(raw.get("points")), replies=whole(raw.get("num_comments"))),
    )
