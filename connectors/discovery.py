"""A page's address -> what can be heard there: a feed that it names or that its software is known to have, a sitemap,
reviews.

Named: link rel="alternate" (RSS Advisory Board, jsonfeed.org), a Link header (RFC 8288), a link that says RSS. Known:
WordPress /feed/, Blogger /feeds/posts/default, Medium /feed/@name, and the file names of common site builders.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from connectors.addresses import host_of, joined
from connectors.charset import decode
from connectors.contract import ConnectorError, Fix
from connectors.feed_parse import parse
from connectors.http import Answer, Web, shown
from connectors.item import NotAFeed
from connectors.review_parse import reviews_of
from connectors.sitemap_parse import SITEMAPS, NotASitemap, read_sitemap, sitemaps_named
from connectors.text import elements_of

TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json", "application/json")
LONGEST = 1_000_000  # bytes of a page in which something is looked for
MOST_TRIED = 12  # addresses asked for one page
_LINK = re.compile(r"<([^<>]*)>\s*;([^<]*)")
_FEEDY = re.compile(r"(^|[/.?=_-])(rss|atom|feed|feeds)([/.?=&_-]|\d|$)|index\.xml$", re.IGNORECASE)
_USUAL = ("/feed/", "/feed.xml", "/rss.xml", "/atom.xml", "/index.xml", "/feed.json", "/rss", "/feeds/posts/default")
_OF_BUILDER = {  # what a page says in its meta generator -> where such sites have their feed
    "wordpress": "/feed/",
    "blogger": "/feeds/posts/default",
    "ghost": "/rss/",
    "hugo": "/index.xml",
    "jekyll": "/feed.xml",
    "pelican": "/feeds/all.atom.xml",
    "nikola": "/rss.xml",
    "drupal": "/rss.xml",
    "squarespace": "/?format=rss",
    "tumblr": "/rss",
}


@dataclass(frozen=True, slots=True)
class Found:
    kind: str  # the source kind that can hear it: feed, sitemap, reviews
    url: str
    how: str  # for people


def feeds_of(page: str, url: str) -> list[str]:
    """The feeds that a page names, in its order, comment feeds last. Pure."""
    root = elements_of(page)
    links = [] if root is None else list(_alternates(root)) + list(_anchors(root, url))
    found = [(title, joined(url, href)) for title, href in links if href]
    ordered = sorted(found, key=lambda one: "comment" in f"{one[0]} {one[1]}".lower())
    return list(dict.fromkeys(href for _, href in ordered if href.startswith(("http://", "https://"))))


def _alternates(root: Any) -> Iterable[tuple[str, str]]:
    for link in root.iter("link"):
        if "alternate" in link.get("rel", "").lower().split() and link.get("type", "").lower().strip() in TYPES:
            yield link.get("title", ""), link.get("href", "").strip()


def _anchors(root: Any, url: str) -> Iterable[tuple[str, str]]:
    """Links of this site that say RSS."""
    for link in root.iter("a"):
        href = link.get("href", "").strip()
        if _FEEDY.search(href) and host_of(joined(url, href)) == host_of(url):
            yield link.text or "", href


def named_by_header(headers: Mapping[str, str], url: str) -> list[str]:
    """Pure."""
    found = []
    for href, rest in _LINK.findall(headers.get("link", "")):
        if re.search(r"rel\s*=\s*\"?alternate", rest, re.IGNORECASE) and any(kind in rest.lower() for kind in TYPES):
            found.append(joined(url, href))
    return found


def usual(page: str, url: str) -> list[str]:
    """Where such a site has its feed, if it has one; the likeliest first. Pure."""
    parts = urlsplit(url)
    top = f"{parts.scheme}://{parts.netloc}"
    path = parts.path if parts.path.endswith("/") else parts.path.rpartition("/")[0] + "/"
    found = [f"{top}{where}" for name, where in _OF_BUILDER.items() if name in _generator(page)]
    if (parts.hostname or "").endswith(("medium.com", "blogspot.com")):
        found.insert(0, f"{top}/feeds/posts/default" if "blogspot" in parts.netloc else f"{top}/feed{parts.path}")
    below = [f"{top}{path}{name.lstrip('/')}" for name in _USUAL[:5]] if path != "/" else []
    return list(dict.fromkeys([*found, *below, *(f"{top}{name}" for name in _USUAL)]))


def _generator(page: str) -> str:
    root = elements_of(page)
    metas = root.iter("meta") if root is not None else ()
    return " ".join(m.get("content", "") for m in metas if m.get("name", "").lower() == "generator").lower()


async def discover(web: Web, url: str, now: datetime) -> Found:
    """What can be heard at this address. Raises ConnectorError, with a word on what was tried when there is nothing."""
    answer = await web.get(url, now=now)
    if answer.status != 200:
        raise Fix(f"{shown(url)}: answered {answer.status}; check the address in a browser")
    if found := await discovered(web, answer, now):
        return found
    raise Fix(
        f"{shown(url)}: names no feed, and none was found where such sites have theirs; give the address of a feed"
    )


async def discovered(web: Web, answer: Answer, now: datetime) -> Found | None:
    """The same of an answer that is here already; None when there is nothing. Raises nothing."""
    if _is_feed(answer):
        return Found("feed", answer.url, "is a feed")
    if _is_sitemap(answer):
        return Found("sitemap", answer.url, "is a sitemap")
    page = decode(answer.body[:LONGEST], answer.content_type)
    told = [*named_by_header(answer.headers, answer.url), *feeds_of(page, answer.url)]
    if url := await _first_feed(web, told, now):
        return Found("feed", url, "is named by the page")
    if reviews_of(page, answer.url):
        return Found("reviews", answer.url, "is a page with reviews")
    if url := await _first_feed(web, [one for one in usual(page, answer.url) if one not in told], now):
        return Found("feed", url, "is where such sites have their feed")
    return await _sitemap(web, answer.url, now)


async def _first_feed(web: Web, urls: list[str], now: datetime) -> str:
    for url in urls[:MOST_TRIED]:
        if _is_feed(await _ask(web, url, now)):
            return url
    return ""


async def _sitemap(web: Web, url: str, now: datetime) -> Found | None:
    robots = await _ask(web, joined(url, "/robots.txt"), now)
    told = sitemaps_named(decode(robots.body, ""), url) if robots else []
    for place in [*told, *(joined(url, path) for path in SITEMAPS)]:
        if _is_sitemap(await _ask(web, place, now)):
            return Found("sitemap", place, "is named by robots.txt" if place in told else "is where sitemaps are")
    return None


async def _ask(web: Web, url: str, now: datetime) -> Answer | None:
    try:
        answer = await web.get(url, now=now)
    except ConnectorError:
        return None
    return answer if answer.status == 200 else None


def _is_feed(answer: Answer | None) -> bool:
    try:
        return bool(answer and parse(answer.body, answer.content_type, answer.url))
    except NotAFeed:
        return False


def _is_sitemap(answer: Answer | None) -> bool:
    try:
        return bool(answer and read_sitemap(answer.body, answer.url))
    except NotASitemap:
        return False
