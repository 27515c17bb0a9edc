"""Bytes -> sitemap (sitemaps.org/protocol): pages and when they changed, indexes of maps, news sitemaps. Pure."""

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

from connectors.addresses import host_of, joined
from connectors.dates import when

MOST_BYTES = 50 * 1024 * 1024  # unpacked: the protocol's own limit
LONGEST = 300  # characters of a title or a date: they are kept until the page is read
MOST_PLACES = 50_000  # the protocol's own limit
SITEMAPS = ("/sitemap.xml", "/sitemap_index.xml", "/wp-sitemap.xml", "/sitemap-index.xml")  # where sites have theirs
_ENDED = re.compile(rb"</([\w.-]+:)?(urlset|sitemapindex)\s*>|<([\w.-]+:)?(urlset|sitemapindex)[^<>]*/>", re.IGNORECASE)
_NAMED = re.compile(r"^\s*sitemap\s*:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_LISTS = re.compile(
    r"/(tags?|categor(y|ies)|topics?|authors?|page/\d+|archives?|search|feed)(/|$)|/(posts?|blog|news|articles?)/?$",
    re.IGNORECASE,
)


class NotASitemap(ValueError):
    """These bytes are no sitemap; the message says what they look like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A page, or another map when it stands in an index."""

    url: str
    changed: str = ""  # as the map says it; only to be compared
    at: datetime | None = None  # the same, understood
    title: str = ""  # a news sitemap has these
    published: datetime | None = None
    lang: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitemap:
    places: tuple[Place, ...]
    index: bool = False  # its places are maps
    cut: bool = False  # it ended too early


def read_sitemap(body: bytes, url: str) -> Sitemap:
    """Raises NotASitemap."""
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    whole = unpacked(body)
    try:
        root = etree.fromstring(whole, parser)
    except (etree.XMLSyntaxError, ValueError) as wrong:
        raise NotASitemap(f"not XML ({str(wrong)[:120]})") from None
    name = etree.QName(root).localname.lower() if root is not None else ""
    if name not in ("urlset", "sitemapindex"):
        raise NotASitemap(f"<{name[:40]}>, which is no sitemap")
    places = [_place(element, url) for element in root if isinstance(element.tag, str)]
    cut = not _ENDED.search(whole)
    sound = [one for one in places[: len(places) - cut] if one.url]
    return Sitemap(places=tuple(sound)[:MOST_PLACES], index=name == "sitemapindex", cut=cut)


def _place(element: Any, url: str) -> Place:
    given: dict[str, str] = {}
    for part in element.iter():
        if isinstance(part.tag, str) and part.text and part.text.strip():
            given.setdefault(etree.QName(part).localname, part.text.strip())
    changed = given.get("lastmod", "")
    published = when(given.get("publication_date", ""))
    return Place(
        url=_address(url, given.get("loc", "")),
        changed=(changed or given.get("publication_date", ""))[:LONGEST],
        at=when(changed) or published,
        title=given.get("title", "")[:LONGEST] if "publication_date" in given else "",
        published=published,
        lang=given.get("language", "")[:LONGEST],
    )


def _address(base: str, loc: str) -> str:
    found = joined(base, loc) if loc else ""
    return found if found.startswith(("https://", "http://")) and host_of(found) else ""


def unpacked(body: bytes) -> bytes:
    """Of a .gz file; a bomb stays small. Raises NotASitemap."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        unpacker = zlib.decompressobj(wbits=31)
        whole = unpacker.decompress(body, MOST_BYTES)
    except zlib.error as wrong:
        raise NotASitemap(f"a file that cannot be unpacked ({wrong})") from None
    if unpacker.unconsumed_tail:
        raise NotASitemap(f"larger than {MOST_BYTES // 2**20} MB when unpacked")
    return whole


def sitemaps_named(robots: str, url: str) -> list[str]:
    """By a robots.txt, in its order."""
    return [found for loc in dict.fromkeys(_NAMED.findall(robots)) if (found := _address(url, loc))]


def articles(places: Sequence[Place]) -> list[Place]:
    """Without the front page and the lists of other pages: by their names, or because others lie below them."""
    above = Counter(parent for place in places if (parent := place.url.rstrip("/").rpartition("/")[0]))
    return [place for place in places if is_article(place.url) and above[place.url.rstrip("/")] < 2]


def is_article(url: str) -> bool:
    """As far as its address alone can say."""
    path = urlsplit(url).path
    return path.strip("/") not in ("", "index.html", "index.php") and not _LISTS.search(path)
