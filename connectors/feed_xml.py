"""XML -> feed: RSS 0.9x/1.0/2.0 and Atom (RFC 4287). Pure.

lxml reads the XML because comment feeds, paging and ttl are needed beside the items; it recovers what is broken, loads
nothing from outside and expands no entity.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from html.entities import html5
from typing import Any

from lxml import etree

from connectors import wordpress
from connectors.addresses import joined
from connectors.dates import when
from connectors.item import Feed, Item, NotAFeed, identity
from connectors.text import plain

CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
DC = "{http://purl.org/dc/elements/1.1/}"
WFW = "{http://wellformedweb.org/CommentAPI/}commentRss"
SLASH = "{http://purl.org/rss/1.0/modules/slash/}comments"
THREAD = "{http://purl.org/syndication/thread/1.0}"
ANSWERS = f"{THREAD}in-reply-to"  # RFC 4685
ATOM = "{http://www.w3.org/2005/Atom}"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_RSS = ("{http://purl.org/rss/1.0/}", "{http://my.netscape.com/")
COMMENT = "#comment-"  # in the ids that WordPress gives to comments
RDF_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>", re.IGNORECASE)
_LOOSE = re.compile(r"&(?:([A-Za-z][A-Za-z0-9]*);|(?!#?\w+;))")
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r"))  # XML 1.0 has no place for them
_XML_ENTITIES = ("amp", "lt", "gt", "quot", "apos")
_DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]*>", re.IGNORECASE)
_ROOT = re.compile(r"<(?:[A-Za-z][\w.-]*:)?[A-Za-z]")
LONGEST_NAME = 200  # characters of what made a feed
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DATES = ("published", "updated", "issued", "modified", "created")  # the last three: Atom 0.3


def xml_feed(text: str, url: str) -> Feed:
    """Raises NotAFeed."""
    root, cut = _tree(_without_prolog(text))
    name = etree.QName(root).localname.lower()
    if name == "feed":
        return _atom(root, url, cut)
    if name in ("rss", "rdf"):
        return _rss(root, url, cut)
    raise NotAFeed(f"XML, but <{name}> is not a feed")


def _without_prolog(text: str) -> str:
    """Neither the charset it claims, for this is text, nor a DTD; one that defines entities is refused."""
    begin = _ROOT.search(text)
    prolog = text[: begin.start()] if begin else text
    if "<!" not in prolog:
        return text[len(prolog) :]
    prolog = _DOCTYPE.sub("", _DECLARATION.sub("", prolog, count=1), count=1)
    if "<!entity" in prolog.lower() or "<!doctype" in prolog.lower():
        raise NotAFeed("XML with entity definitions, which are refused")
    return prolog + text[begin.start() if begin else len(text) :]


def _tree(text: str) -> tuple[Any, bool]:
    """What is well formed as it is, the rest mended as far as it goes; and did it end too early? Raises NotAFeed."""
    try:
        return etree.fromstring(text.encode("utf-8", "replace"), _parser(recover=False)), False
    except (etree.XMLSyntaxError, ValueError):
        parser = _parser(recover=True)
    text = _mended(text) if "&" in text else text
    try:
        root = etree.fromstring(text.encode("utf-8", "replace").translate(None, _CONTROL), parser)
    except (etree.XMLSyntaxError, ValueError) as wrong:
        raise NotAFeed(f"XML that cannot be read: {str(wrong)[:120]}") from None
    if root is None:
        raise NotAFeed("not XML")
    return root, re.search(rf"</(?:[\w.-]+:)?{re.escape(_local(root))}\s*>", text) is None


def _parser(*, recover: bool) -> etree.XMLParser:
    return etree.XMLParser(
        recover=recover, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )


def _mended(text: str) -> str:
    """HTML's names for characters are not XML's, and many a writer forgets that & must be escaped."""
    done, at = list[str](), 0
    while (begin := text.find("<![CDATA[", at)) >= 0 and (end := text.find("]]>", begin)) >= 0:
        done += [_LOOSE.sub(_escaped, text[at:begin]), text[begin:end]]
        at = end
    return "".join([*done, _LOOSE.sub(_escaped, text[at:])])


def _escaped(match: re.Match[str]) -> str:
    name = match[1]
    return match[0] if name in _XML_ENTITIES else html5.get(f"{name};", f"&amp;{match[0][1:]}")


def _whole(elements: list[Any], cut: bool) -> list[Any]:
    """Of a document that ended too early the last item may be half of one."""
    return elements[:-1] if cut else elements


def _rss(root: Any, url: str, cut: bool) -> Feed:
    channel = next(root.iter("{*}channel"), root)
    items = _whole(list(root.iter("{*}item")), cut)
    links = {e.get("rel", ""): joined(url, e.get("href", "")) for e in channel.findall(f"{ATOM}link")}
    head = _children(child for child in channel if _local(child) != "item")
    return Feed(
        items=tuple([_rss_item(item, url) for item in items]),
        title=plain(head.get("title", "")),
        link=joined(url, head.get("link", "")),
        generator=head.get("generator", "")[:LONGEST_NAME],
        next=links.get("next") or links.get("prev-archive", ""),
        hub=links.get("hub", ""),
        self=links.get("self", ""),
        ttl=_minutes(head.get("ttl", "")),
        skip_hours=frozenset(
            number % 24 for hour in _listed(channel, head, "skipHours", "hour") if (number := _number(hour)) is not None
        ),
        skip_days=frozenset(_DAYS.index(day) for day in _listed(channel, head, "skipDays", "day") if day in _DAYS),
        cut=cut,
    )


def _rss_item(item: Any, url: str) -> Item:
    given = _children(item)
    said = given.get
    link, guid = said("link", ""), said("guid") or item.get(RDF_ABOUT, "")
    if not link:
        link = next((e.get("href", "") for e in item.findall(f"{ATOM}link")), "")
    link = joined(url, link) if link else guid if guid.startswith(("http://", "https://")) else ""
    whole, summary, title = said(CONTENT, ""), said("description", ""), plain(said("title", ""))
    text, answers = whole or summary, said(ANSWERS, "")
    if COMMENT in guid:
        answers, text = _answering(text, answers)
    return Item(
        id=guid or link or identity(link, title, summary),
        link=link,
        title=title,
        text=plain(text),
        teaser=not whole,
        author=plain(said(f"{DC}creator") or said("author", "")),
        published=when(said("pubDate") or said(f"{DC}date", "")),
        parent=answers,
        comments_feed=joined(url, given[WFW]) if WFW in given else "",
        comments=_number(said(SLASH)),
    )


def _children(elements: Iterable[Any]) -> dict[str, str]:
    """Text by tag, the first of each; RSS's own tags without the namespace that 0.9 and 1.0 give them."""
    found: dict[str, str] = {}
    for child in elements:
        tag, text = child.tag, child.text
        if tag in found or not isinstance(tag, str):
            continue
        if tag[0] == "{" and tag.startswith(_RSS):
            tag = tag.rpartition("}")[2]
        if len(child):
            text = "".join(child.itertext())
        elif tag == ANSWERS:
            text = child.get("ref")
        if text and (text := text.strip()):
            found.setdefault(tag, text)
    return found


def _atom(root: Any, url: str, cut: bool) -> Feed:
    links, head = _atom_links(root, url), _named(root)
    entries = _whole([e for e in root if _local(e) == "entry"], cut)
    lang = root.get(XML_LANG, "")
    return Feed(
        items=tuple([_atom_entry(entry, url, lang) for entry in entries]),
        title=plain(_said(head.get("title"))),
        link=links.get("alternate", ""),
        generator=_said(head.get("generator"))[:LONGEST_NAME],
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
    title, id_ = plain(_markup(given.get("title"))), _said(given.get("id"))
    answers, text = next((e.get("ref", "") for e in entry if e.tag == ANSWERS), ""), content or summary
    if COMMENT in id_:
        answers, text = _answering(text, answers)
    return Item(
        id=id_ or link or identity(link, title, content or summary),
        link=link,
        title=title,
        text=plain(text),
        teaser=not content,
        author=plain(_said(author.get("name"))),
        author_url=_said(author.get("uri")),
        published=when(next((said for name in _DATES if (said := _said(given.get(name)))), "")),
        parent=answers,
        comments_feed=links.get("replies", "") if links.get("replies-type", "").endswith("+xml") else "",
        comments=_number(entry.findtext(f"{THREAD}total")),
        lang=entry.get(XML_LANG, lang),
    )


def _answering(markup: str, answers: str) -> tuple[str, str]:
    said, own = wordpress.answering(markup)
    return answers or said, own


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


def _local(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _number(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _listed(channel: Any, head: Mapping[str, str], name: str, part: str) -> list[str]:
    return ["".join(one.itertext()).strip().lower() for one in channel.iter(f"{{*}}{part}")] if name in head else []


def _minutes(text: str) -> timedelta | None:
    return timedelta(minutes=min(number, 1440)) if (number := _number(text)) else None
