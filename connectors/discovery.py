"""A web page -> the feeds it names (RSS Advisory Board: rel="alternate"). Pure."""

from urllib.parse import urljoin

from lxml import etree, html

TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json", "application/json")


def feeds_of(page: str, url: str) -> list[str]:
    """In the page's order, comment feeds last."""
    try:
        root = html.document_fromstring(page.replace("\0", "").encode("utf-8", "replace"))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError):
        return []
    links = [
        (link.get("title", ""), urljoin(url, link.get("href", "")))
        for link in root.iter("link")
        if "alternate" in link.get("rel", "").lower().split() and link.get("type", "").lower() in TYPES
    ]
    return [href for title, href in sorted(links, key=lambda found: "comment" in f"{found[0]} {found[1]}".lower())]
