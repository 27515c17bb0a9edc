"""Sites without a feed: new pages of their sitemap become posts (sitemaps.org; indexes, news sitemaps, gzip).

A page is known by its address, and read again when the map says that it changed. Of a site that was never heard only
what changed within `history` is read. Pages are asked for through the same polite client as everything else, a few at a
time, and never where robots.txt forbids it.

The cursor: {"tops": maps to begin with, "maps": {address: validators}, "children": {hash of a map: hash of its date},
"known": {hash of a page's address: hash of its date}, "since": when we began, "wanted": pages still to be read,
"failed": pages that could not be read}
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urljoin
from urllib.robotparser import RobotFileParser

from connectors.addresses import host_of
from connectors.article import read_article
from connectors.aside import aside
from connectors.charset import decode
from connectors.contract import ConnectorError, Cursor, Fix, Hearing, Page, Wait
from connectors.dates import when
from connectors.http import Answer, Web, shown
from connectors.post import Author, Post
from connectors.sitemap_known import Known, Wanted, short
from connectors.sitemap_parse import SITEMAPS, NotASitemap, Place, Sitemap, articles, read_sitemap, sitemaps_named
from connectors.window import conditions

AT_ONCE = 20  # pages read for one page of posts
MOST_MAPS = 30  # of an index, read in one poll
REMEMBERED_MAPS = 2_000  # of an index
MOST_RULES = 500 * 1024  # bytes of a robots.txt (RFC 9309, 2.5)
FULL = 5  # pages; a site that had so many does not lose them all at once
TRIES = 3  # a page that cannot be read is given up then
HISTORY = timedelta(days=7)
LIMITED = timedelta(minutes=15)  # when the server says "too many" and not for how long
AGENT = "ListeningPost"
DEAF_TO = (
    "Sitemaps: comments, and pages that the map does not list or that robots.txt forbids",
    "Sitemaps: a page that changes while its date in the map stays, but for two days after it was heard",
)


@dataclass(slots=True)
class _Look:
    """What a look at the maps gathers."""

    maps: dict[str, Any]  # address -> validators
    children: dict[str, str]  # hash of the address of a map in an index -> hash of its date
    places: list[Place] = field(default_factory=list)
    left: int = 0  # maps that wait for the next look
    trouble: str = ""
    emptied: bool = False

    def is_news(self, child: Place) -> bool:
        return not child.changed or self.children.get(short(child.url)) != short(child.changed)

    def marks(self) -> dict[str, str]:
        return dict(list(self.children.items())[-REMEMBERED_MAPS:])


@dataclass(slots=True)
class _Round:
    """What the reading of some pages came to."""

    posts: list[Post] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    trouble: str = ""  # for people
    limit: datetime | None = None  # the server wants to be left alone until then


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    url: str  # of the map, or of the site
    only: tuple[str, ...] = ()  # parts of addresses: pages with none of them are not read
    full_text: str = "auto"  # or "never": a page's own description is enough
    history: timedelta = HISTORY  # how far back the first reading goes


class SitemapConnector:
    def __init__(self, name: str, options: Options, web: Web):
        self.name = name
        self._options = options
        self._web = web

    async def aclose(self) -> None:
        """The client belongs to everybody."""

    async def fetch(self, cursor: Cursor, now: datetime) -> Page:
        """The map, when no page is wanted any more; then some of the pages."""
        state, note = dict(cursor), ""
        if not state.get("wanted"):
            note = await self._look(state, now)
        round_ = await self._read(state, now)
        return Page(
            cursor=state,
            posts=tuple(round_.posts),
            gone=tuple(round_.gone),
            more=bool(state["wanted"]) and not round_.limit,
            wait=round_.limit - now if round_.limit else None,
            hearing=Hearing.TRUNCATED if note or round_.trouble else Hearing.HEARD,
            note="; ".join(filter(None, (note, round_.trouble))),
        )

    async def reread(self, ids: Sequence[str], cursor: Cursor, now: datetime) -> Page:
        posts, gone = list[Post](), list[str]()
        for url in ids:
            try:
                answer = await self._web.get(url, now=now)
            except Fix:  # it cannot be said whether it is there
                continue
            if answer.status in (404, 410):
                gone.append(url)
            elif answer.status == 200:
                posts.append(await self._post(Wanted(url=url), answer))
        return Page(cursor=cursor, posts=tuple(posts), gone=tuple(gone))

    async def _look(self, state: dict[str, Any], now: datetime) -> str:
        """Fills "wanted"; returns what was not looked at, for people."""
        look = _Look(dict(state.get("maps", {})), dict(state.get("children", {})))
        if "tops" not in state:
            state["tops"] = await self._tops(now)
        for top in state["tops"]:
            await self._top(top, look, now)
        known = Known.load(state, now - self._options.history)
        if look.emptied and len(known.pages) >= FULL:
            look.trouble = f"the sitemap is empty, although it had {len(known.pages)} pages before"
        wanted, later = known.wanted(self._of_interest(look.places))
        again = [one for one in state.pop("failed", []) if one["tries"] < TRIES]
        state |= known.dump(learning=known.first and bool(look.left))
        state |= {"maps": {} if later else look.maps, "children": {} if later else look.marks()}
        state["wanted"] = again + [one.dump() for one in wanted]
        notes = (f"{look.left} maps of the index" if look.left else "", f"{later} new pages" if later else "")
        waiting = " and ".join(filter(None, notes))
        return "; ".join(filter(None, (f"{waiting} wait for the next poll" if waiting else "", look.trouble)))

    def _of_interest(self, places: Sequence[Place]) -> list[Place]:
        only = self._options.only
        return [one for one in articles(places) if not only or any(part in one.url for part in only)]

    async def _top(self, top: str, look: "_Look", now: datetime) -> None:
        """A map, or an index of maps; of these, those that are not as they were."""
        found = await self._map(top, look.maps, now)
        if found is None or not found.index:
            look.places += found.places if found else ()
            look.emptied = look.emptied or (found is not None and not found.places)
            return
        look.maps.pop(top, None)  # that an index is unchanged says nothing of its maps
        children = sorted(filter(look.is_news, found.places), key=_changed, reverse=True)
        look.left += max(len(children) - MOST_MAPS, 0)
        for child in children[:MOST_MAPS]:
            try:
                await self._child(child, look, now)
            except ConnectorError as error:
                if isinstance(error, Wait) and error.hearing is Hearing.RATE_LIMITED:
                    raise
                look.trouble = f"a map of the index could not be read: {error}"

    async def _child(self, child: Place, look: "_Look", now: datetime) -> None:
        """Where the index does not say when it changed, the map itself is asked."""
        found = await self._map(child.url, {} if child.changed else look.maps, now)
        look.children[short(child.url)] = short(child.changed)
        look.places += found.places if found and not found.index else ()

    async def _map(self, url: str, maps: dict[str, Any], now: datetime) -> Sitemap | None:
        """None when it has not changed. Raises ConnectorError."""
        saved = maps.get(url, {})
        answer = await self._web.get(url, headers=conditions(saved), now=now)
        if answer.status == 304:
            maps[url] = {**saved, "unchanged": saved.get("unchanged", 0) + 1}
            return None
        if answer.status == 410:
            raise Fix(f"{shown(url)}: the sitemap is gone for good (410); take this source out or give its new address")
        if answer.status == 404:
            raise Wait(f"{shown(url)}: not found (404); tried again later, check the address if this lasts")
        try:
            found = await aside(answer.body, read_sitemap, answer.body, answer.url)
        except NotASitemap as wrong:
            raise Wait(f"{shown(url)}: is {wrong}, and was a sitemap before; tried again later") from None
        if found.cut:
            raise Wait(f"{shown(url)}: the sitemap breaks off; read again later")
        headers = answer.headers
        maps[url] = {"etag": headers.get("etag", ""), "modified": headers.get("last-modified", ""), "unchanged": 0}
        return found

    async def _tops(self, now: datetime) -> list[str]:
        """The address itself, else what robots.txt names, else where sitemaps usually are. Raises ConnectorError."""
        url = self._options.url
        if _is_map(await self._web.get(url, now=now)):
            return [url]
        named = sitemaps_named(await self._robots(url, now), url)
        for places in ([*named], *([urljoin(url, path)] for path in SITEMAPS)):
            found = [place for place in places if _is_map(await self._web.get(place, now=now))]
            if found:
                return found
        raise Fix(f"{shown(url)}: is no sitemap, and none is named by robots.txt or found at {SITEMAPS[0]}")

    async def _robots(self, url: str, now: datetime) -> str:
        try:
            answer = await self._web.get(urljoin(url, "/robots.txt"), now=now)
        except Fix:
            return ""
        return decode(answer.body[:MOST_RULES], "") if answer.status == 200 else ""

    async def _read(self, state: dict[str, Any], now: datetime) -> "_Round":
        """Some of what is wanted. A page that fails is wanted again at the next look; a limit ends the round."""
        wanted, round_ = [Wanted(**one) for one in state["wanted"]], _Round()
        rules: dict[str, RobotFileParser] = {}
        for place, one in enumerate(wanted[:AT_ONCE]):
            host = host_of(one.url)
            if host not in rules:
                rules[host] = _rules(await self._robots(one.url, now))
            if not rules[host].can_fetch(AGENT, one.url):
                continue
            try:
                await self._one(one, round_, now)
            except ConnectorError as error:
                round_.trouble = f"a page could not be read: {error}"
                if isinstance(error, Wait) and error.hearing is Hearing.RATE_LIMITED:
                    if not round_.posts:
                        raise
                    round_.limit = error.until or now + LIMITED
                    state["wanted"] = [rest.dump() for rest in wanted[place:]]
                    return round_
                state["failed"] = [*state.get("failed", []), one.again().dump()]
        state["wanted"] = [rest.dump() for rest in wanted[AT_ONCE:]]
        return round_

    async def _one(self, wanted: Wanted, round_: "_Round", now: datetime) -> None:
        answer = await self._web.get(wanted.url, now=now)
        if answer.status == 200:
            round_.posts.append(await self._post(wanted, answer))
        else:
            round_.gone.append(wanted.url)

    async def _post(self, wanted: Wanted, answer: Answer) -> Post:
        page = decode(answer.body, answer.content_type)
        article = await asyncio.to_thread(read_article, page, whole=self._options.full_text != "never")
        return Post(
            source=self.name,
            id=wanted.url,
            url=wanted.url,
            title=article.title or wanted.title,
            text=article.text,
            author=Author(handle=article.author, name=article.author),
            created=when(wanted.published) or article.published or when(wanted.changed),
            lang=wanted.lang or article.lang,
            site=host_of(wanted.url),
        )


def _changed(place: Place) -> float:
    return place.at.timestamp() if place.at else 0.0


def _rules(robots: str) -> RobotFileParser:
    rules = RobotFileParser()
    rules.parse(robots.splitlines())
    return rules


def _is_map(answer: Answer) -> bool:
    try:
        return answer.status == 200 and bool(read_sitemap(answer.body, answer.url))
    except NotASitemap:
        return False
