"""Bytes -> feed: RSS and Atom (feed_xml.py), JSON Feed (jsonfeed.org). Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors.addresses import joined
from connectors.charset import decode
from connectors.dates import when
from connectors.feed_xml import xml_feed
from connectors.item import Feed, Item, NotAFeed, fingerprint, identity
from connectors.recognise import NOTHING, Known, slices
from connectors.text import plain

MOST = 20_000  # items of one document; a feed shows tens
LONGEST_ID = 500  # characters; ids are kept, and a stranger chose them
_PAGE = re.compile(r"<!doctype\s+html|<html[\s>]", re.IGNORECASE)
_HEAD = 2_000  # characters in which a document says what it is


def parse(body: bytes, content_type: str, url: str, known: Known = NOTHING) -> Feed:
    """What is `known` is recognised and not read again: it comes as an Item that says so. Raises NotAFeed."""
    text = decode(body, content_type).lstrip("\ufeff \t\r\n")
    if text[:1] == "{":
        return _sound(_json_feed(text, url))
    if _PAGE.match(text[:_HEAD]):
        raise NotAFeed("a web page, not a feed")
    cut = slices(text)
    if cut is None:
        return _sound(xml_feed(text, url))
    feed = xml_feed(cut.unread(known) if known else text, url)
    items = cut.merged(feed.items, known)
    if items is None:
        return _sound(feed if not known else xml_feed(text, url))
    sound = _sound(replace(feed, items=tuple(items)))
    raws = cut.raws if len(sound.items) == len(items) else ()
    return replace(sound, raws={item.id: raw for item, raw in zip(sound.items, raws, strict=False)})


def _sound(feed: Feed) -> Feed:
    """Items that share an id but not an address are different: the address makes them so. The known keep theirs."""
    taken = {item.id: item.link for item in feed.items if item.known}
    found: dict[str, Item] = {}
    for item in feed.items[:MOST]:
        if len(item.id) > LONGEST_ID:
            item = replace(item, id=fingerprint(item.id))
        if not item.known and taken.setdefault(item.id, item.link) != item.link:
            item = _renamed(item)
        found[item.id] = item
    return replace(feed, items=tuple(found.values()), left_out=max(len(feed.items) - MOST, 0))


def _renamed(item: Item) -> Item:
    return replace(item, id=f"{item.id}#{item.link or item.fingerprint}")


def _json_feed(text: str, url: str) -> Feed:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise NotAFeed("JSON that cannot be read") from None
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        raise NotAFeed("JSON, but not a feed: it has no list of items")
    items = [item for item in document["items"] if isinstance(item, dict)]
    return Feed(
        items=tuple(_json_item(item, url, document) for item in items),
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
    link = joined(url, _string(item, "url")) if item.get("url") else joined(url, _string(item, "external_url"))
    text = _string(item, "content_text")
    html, summary = _string(item, "content_html"), _string(item, "summary")
    title = _string(item, "title").strip()
    authors = item.get("authors") or feed.get("authors") or [item.get("author")]
    author = authors[0] if isinstance(authors, list) and authors and isinstance(authors[0], dict) else {}
    return Item(
        id=_string(item, "id") or link or identity(link, title, text or html or summary),
        link=link,
        title=title,
        text=text or plain(html) or summary,
        teaser=not (text or html),
        author=_string(author, "name"),
        author_url=_string(author, "url"),
        published=when(_string(item, "date_published") or _string(item, "date_modified")),
        lang=_string(item, "language") or _string(feed, "language"),
    )


def _string(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    return str(value) if isinstance(value, (str, int)) else ""
