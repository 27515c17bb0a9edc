"""Bytes -> feed: RSS 0.9x/1.0/2.0, Atom (RFC 4287), JSON Feed (jsonfeed.org). Pure.

lxml reads the XML because comment feeds, paging and ttl are needed beside the items; it recovers what is broken, loads
nothing from outside and expands no entity.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from html.entities import html5
from types import MappingProxyType
from typing import Any

from lxml import etree

from connectors.addresses import joined
from connectors.item import Item
from connectors.recognise import Known, slices
from connectors.text import plain

CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
DC = "{http://purl.org/dc/elements/1.1/}"
WFW = "{http://wellformedweb.org/CommentAPI/}commentRss"
SLASH = "{http://purl.org/rss/1.0/modules/slash/}comments"
THREAD = "{http://purl.org/syndication/thread/1.0}"
ANSWERS = f"{THREAD}in-reply-to"  # RFC 4685
ATOM = "{http://www.w3.org/2005/Atom}"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
RDF_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"

_DECLARED = re.compile(rb"^\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']", re.IGNORECASE)
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>", re.IGNORECASE)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._-]+)", re.IGNORECASE)
_LOOSE = re.compile(r"<!\[CDATA\[.*?\]\]>|&(?:([A-Za-z][A-Za-z0-9]*);|(?!#?\w+;))", re.DOTALL)
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r"))  # XML 1.0 has no place for them
_XML_ENTITIES = ("amp", "lt", "gt", "quot", "apos")
_DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]*>", re.IGNORECASE)
_PAGE = re.compile(r"<!doctype\s+html|<html[\s>]", re.IGNORECASE)
_HEAD = 2_000  # characters in which a document says what it is
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class NotAFeed(ValueError):
    """These bytes are no feed; the message says what they look like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    items: tuple[Item, ...]
    title: str = ""
    link: str = ""
    generator: str = ""
    next: str = ""  # RFC 5005: where older items are
    hub: str = ""  # WebSub: who tells of new items
    self: str = ""  # the address by which the hub knows it
    ttl: timedelta | None = None
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[int] = frozenset()
    cut: bool = False  # the document ended too early
    raws: Mapping[str, str] = field(default_factory=dict)  # id -> fingerprint of the item's text, where it has one


def parse(body: bytes, content_type: str, url: str, known: Known = MappingProxyType({})) -> Feed:
    """What is `known` is recognised and not read again: it comes as an Item that says so. Raises NotAFeed."""
    text = decode(body, content_type).lstrip("\ufeff \t\r\n")
    if text[:1] == "{":
        return _json_feed(text, url)
    if _PAGE.match(text[:_HEAD]):
        raise NotAFeed("a web page, not a feed")
    if cut := slices(text):
        feed = _xml_feed(cut.unread(known), url)
        if (items := cut.merged(feed.items, known)) is not None:
            distinct = _distinct(items) if known else feed.items
            raws = cut.raws if len(distinct) == len(items) else ()
            return replace(feed, items=distinct, raws={item.id: raw for item, raw in zip(distinct, raws, strict=False)})
    return _xml_feed(text, url)


def decode(body: bytes, content_type: str) -> str:
    """UTF-8 when it is UTF-8, whatever is claimed; then what the document says, then the server, then Windows-1252."""
    for mark, name in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if body.startswith(mark):
            return body.decode(name, "replace")
    declared, served = _DECLARED.search(body[:500]), _CHARSET.search(content_type)
    claims = [declared[1].decode("ascii") if declared else "", served[1] if served else ""]
    for claim in ["utf-8", *claims]:
        try:
            if claim:
                return body.decode(claim)
        except (LookupError, UnicodeDecodeError):
            continue
    return body.decode("cp1252", "replace")


def _xml_feed(text: str, url: str) -> Feed:
    text = _DECLARATION.sub("", text, count=1)
    if "<!doctype" in text[:_HEAD].lower():
        text = _DOCTYPE.sub("", text, count=1)
    if "<!ENTITY" in text or "<!entity" in text or "<!doctype" in text[:_HEAD].lower():
        raise NotAFeed("XML with entity definitions, which are refused")
    root, cut = _tree(text)
    name = etree.QName(root).localname.lower()
    if name == "feed":
        return _atom(root, url, cut)
    if name in ("rss", "rdf"):
        return _rss(root, url, cut)
    raise NotAFeed(f"XML, but <{name}> is not a feed")


def _tree(text: str) -> tuple[Any, bool]:
    """What is well formed as it is, the rest mended as far as it goes; and did it end too early? Raises NotAFeed."""
    try:
        return etree.fromstring(text.encode("utf-8", "replace"), _parser(recover=False)), False
    except (etree.XMLSyntaxError, ValueError):
        parser = _parser(recover=True)
    text = _LOOSE.sub(_mended, text) if "&" in text else text
    try:
        root = etree.fromstring(text.encode("utf-8", "replace").translate(None, _CONTROL), parser)
    except (etree.XMLSyntaxError, ValueError) as wrong:
        raise NotAFeed(f"XML that cannot be read: {str(wrong)[:120]}") from None
    if root is None:
        raise NotAFeed("not XML")
    return root, any("premature end" in str(error.message).lower() for error in parser.error_log)


def _parser(*, recover: bool) -> etree.XMLParser:
    return etree.XMLParser(
        recover=recover, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )


def _mended(match: re.Match[str]) -> str:
    """HTML's names for characters are not XML's, and many a writer forgets that & must be escaped."""
    name = match[1]
    if match[0].startswith("<") or name in _XML_ENTITIES:
        return match[0]
    return html5.get(f"{name};", f"&amp;{match[0][1:]}")


def _whole(elements: list[Any], cut: bool) -> list[Any]:
    """Of a document that ended too early the last item may be half of one."""
    return elements[:-1] if cut else elements


def _rss(root: Any, url: str, cut: bool) -> Feed:
    channel = next(root.iter("{*}channel"), root)
    items = _whole(list(root.iter("{*}item")), cut)
    links = {e.get("rel", ""): joined(url, e.get("href", "")) for e in channel.findall(f"{ATOM}link")}
    head = _children(child for child in channel if _local(child) != "item")
    return Feed(
        items=_distinct([_rss_item(item, url) for item in items]),
        title=plain(head.get("title", "")),
        link=joined(url, head.get("link", "")),
        generator=head.get("generator", ""),
        next=links.get("next") or links.get("prev-archive", ""),
        hub=links.get("hub", ""),
        self=links.get("self", ""),
        ttl=_minutes(head.get("ttl", "")),
        skip_hours=frozenset(int(hour) % 24 for hour in _listed(channel, head, "skipHours", "hour") if hour.isdigit()),
        skip_days=frozenset(_DAYS.index(day) for day in _listed(channel, head, "skipDays", "day") if day in _DAYS),
        cut=cut,
    )


def _rss_item(item: Any, url: str) -> Item:
    given = _children(item)
    link = given.get("link") or next((e.get("href", "") for e in item.findall(f"{ATOM}link")), "")
    guid = given.get("guid") or item.get(RDF_ABOUT, "")
    link = joined(url, link) if link else guid if guid.startswith(("http://", "https://")) else ""
    whole, summary = given.get(CONTENT, ""), given.get("description", "")
    title = plain(given.get("title", ""))
    return Item(
        id=guid or link or _hash(link, title, summary),
        link=link,
        title=title,
        text=plain(whole or summary),
        teaser=not whole,
        author=plain(given.get(f"{DC}creator") or given.get("author", "")),
        published=when(given.get("pubDate") or given.get(f"{DC}date", "")),
        parent=given.get(ANSWERS, ""),
        comments_feed=joined(url, given[WFW]) if WFW in given else "",
        comments=_number(given.get(SLASH)),
    )


def _children(elements: Iterable[Any]) -> dict[str, str]:
    """Text by tag, the first of each; RSS's own tags without the namespace that 0.9 and 1.0 give them."""
    found: dict[str, str] = {}
    for child in elements:
        tag = child.tag
        if isinstance(tag, str):
            if tag[0] == "{" and tag.startswith(("{http://purl.org/rss/1.0/}", "{http://my.netscape.com/")):
                tag = tag.rpartition("}")[2]
            text = (child.text or "") if not len(child) else "".join(child.itertext())
            if tag == ANSWERS:
                text = child.get("ref", "")
            if text.strip():
                found.setdefault(tag, text.strip())
    return found


def _atom(root: Any, url: str, cut: bool) -> Feed:
    links, head = _atom_links(root, url), _named(root)
    entries = _whole([e for e in root if _local(e) == "entry"], cut)
    lang = root.get(XML_LANG, "")
    return Feed(
        items=_distinct([_atom_entry(entry, url, lang) for entry in entries]),
        title=plain(_said(head.get("title"))),
        link=links.get("alternate", ""),
        generator=_said(head.get("generator")),
        next=links.get("next") or links.get("prev-archive", ""),
        hub=links.get("hub", ""),
        self=links.get("self", ""),
        cut=cut,
    )


def _atom_entry(entry: Any, url: str, lang: str) -> Item:
    given, links = _named(entry), _atom_links(entry, url)
    link = links.get("alternate", "")
    content, summary = _markup(given.get("content")), _markup(given.get("summary"))
    author = _named(given["author"]) if "author" in given else {}
    title = plain(_markup(given.get("title")))
    return Item(
        id=_said(given.get("id")) or link or _hash(link, title, content or summary),
        link=link,
        title=title,
        text=plain(content or summary),
        teaser=not content,
        author=plain(_said(author.get("name"))),
        author_url=_said(author.get("uri")),
        published=when(next((said for name in _DATES if (said := _said(given.get(name)))), "")),
        parent=next((e.get("ref", "") for e in entry if e.tag == ANSWERS), ""),
        comments_feed=links.get("replies", "") if links.get("replies-type", "").endswith("+xml") else "",
        comments=_number(entry.findtext(f"{THREAD}total")),
        lang=entry.get(XML_LANG, lang),
    )


def _named(element: Any) -> dict[str, Any]:
    """Name -> the first child of that name in the element's own namespace, be it Atom 0.3, 1.0 or none."""
    space = element.tag[: element.tag.rfind("}") + 1]
    found: dict[str, Any] = {}
    for child in element:
        if isinstance(child.tag, str) and child.tag.startswith(space):
            found.setdefault(child.tag[len(space) :], child)
    return found


def _atom_links(element: Any, url: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for link in (e for e in element if _local(e) == "link"):
        rel = link.get("rel", "alternate")
        if rel == "replies" and "xml" not in link.get("type", ""):
            continue
        found.setdefault(rel, joined(url, link.get("href", "")))
        found.setdefault(f"{rel}-type", link.get("type", ""))
    return found


def _said(element: Any) -> str:
    return "" if element is None else "".join(element.itertext()).strip()


def _markup(element: Any) -> str:
    """Text, escaped HTML, or XHTML given as elements: as HTML."""
    if element is None:
        return ""
    if element.get("type") == "xhtml" or len(element):
        return "".join(etree.tostring(part, encoding="unicode") for part in element)
    text = element.text or ""
    return text if element.get("type", "text") != "text" else text.replace("&", "&amp;").replace("<", "&lt;")


def _json_feed(text: str, url: str) -> Feed:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise NotAFeed("JSON that cannot be read") from None
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        raise NotAFeed("JSON, but not a feed: it has no list of items")
    items = [item for item in document["items"] if isinstance(item, dict)]
    return Feed(
        items=_distinct([_json_item(item, url, document) for item in items]),
        title=plain(_string(document, "title")),
        link=_string(document, "home_page_url"),
        next=joined(url, _string(document, "next_url")) if document.get("next_url") else "",
        hub=_hub(document.get("hubs"), url),
        self=joined(url, _string(document, "feed_url")) if document.get("feed_url") else "",
    )


def _hub(hubs: Any, url: str) -> str:
    found = [hub for hub in hubs if isinstance(hub, dict)] if isinstance(hubs, list) else []
    return next((joined(url, _string(hub, "url")) for hub in found if _string(hub, "type").lower() == "websub"), "")


def _json_item(item: Mapping[str, Any], url: str, feed: Mapping[str, Any]) -> Item:
    link = joined(url, _string(item, "url")) if item.get("url") else _string(item, "external_url")
    text = _string(item, "content_text")
    html, summary = _string(item, "content_html"), _string(item, "summary")
    title = _string(item, "title").strip()
    authors = item.get("authors") or feed.get("authors") or [item.get("author")]
    author = authors[0] if isinstance(authors, list) and authors and isinstance(authors[0], dict) else {}
    return Item(
        id=_string(item, "id") or link or _hash(link, title, text or html or summary),
        link=link,
        title=title,
        text=text or plain(html) or summary,
        teaser=not (text or html),
        author=_string(author, "name"),
        author_url=_string(author, "url"),
        published=when(_string(item, "date_published") or _string(item, "date_modified")),
        lang=_string(item, "language") or _string(feed, "language"),
    )


def _distinct(items: Sequence[Item]) -> tuple[Item, ...]:
    """Items that share an id but not an address are different: the address makes them so. The known keep theirs."""
    taken = {item.id: item.link for item in items if item.known}
    found: dict[str, Item] = {}
    for item in items:
        if not item.known and taken.setdefault(item.id, item.link) != item.link:
            item = _renamed(item)
        found[item.id] = item
    return tuple(found.values())


def _renamed(item: Item) -> Item:
    return replace(item, id=f"{item.id}#{item.link or _hash(item.link, item.title, item.text)}")


def _hash(*parts: str) -> str:
    return blake2b("\x1f".join(parts).encode("utf-8", "replace"), digest_size=12).hexdigest()


_READERS = (datetime.fromisoformat, parsedate_to_datetime)
_DATES = ("published", "updated", "issued", "modified", "created")  # the last three: Atom 0.3
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_USUAL = re.compile(r"(?:[A-Z][a-z]{2}, )?(\d\d?) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) (?:GMT|UTC?|[+-]0000)")


def when(text: str) -> datetime | None:
    """RFC 822 or ISO 8601, aware; None when it is neither."""
    text = text.strip()
    if usual := _USUAL.fullmatch(text):
        return _usual(*usual.groups())
    for read in (parsedate_to_datetime, datetime.fromisoformat) if text[:1].isalpha() else _READERS:
        try:
            stated = read(text)
            return (stated if stated.tzinfo else stated.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None


def _usual(day: str, month: str, year: str, hour: str, minute: str, second: str) -> datetime | None:
    """What nine feeds of ten write, at a third of the library's cost."""
    try:
        number = _MONTHS.index(month) + 1
        return datetime(int(year), number, int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError:
        return None


def _local(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _number(text: str | None) -> int | None:
    return int(text) if text and text.strip().isdigit() else None


def _listed(channel: Any, head: Mapping[str, str], name: str, part: str) -> list[str]:
    return ["".join(one.itertext()).strip().lower() for one in channel.iter(f"{{*}}{part}")] if name in head else []


def _minutes(text: str) -> timedelta | None:
    return timedelta(minutes=min(int(text), 1440)) if text.isdigit() and int(text) else None


def _string(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    return str(value) if isinstance(value, (str, int)) else ""
