"""A page -> its article: for feeds that hold only a teaser, and for sites without a feed. trafilatura finds the text;
the feed's own words stay when it does not."""

import re
import string
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lxml import html

from connectors.dates import when
from connectors.text import elements_of, plain

SHORT = 600  # a summary below this many characters is taken for a teaser
INVITATION = 60  # characters at its end in which it may invite to read on
LONGEST = 1_000_000  # characters of a page in which an article is looked for
CONTAINED = 0.8  # of the teaser's words
_WORD = re.compile(r"\w+")
_MORE = re.compile(r"(\[?(…|\.\.\.)\]?|read more|continue reading|weiterlesen|lire la suite)\W*$", re.IGNORECASE)
_INVITES = ("read more", "continue reading", "weiterlesen", "lire la suite")
_MARKS = string.punctuation + string.whitespace + "…»›→\u00a0"


def teasing(text: str) -> bool:
    """Does this summary look as if there was more on the page? Pure."""
    if len(text) < SHORT:
        return True
    end = text[-INVITATION:].lower()
    words = end.rstrip(_MARKS)
    after = end[len(words) :]
    return "…" in after or "..." in after or words.endswith(_INVITES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """What a page says, and what it says of itself."""

    text: str
    title: str = ""
    author: str = ""
    published: datetime | None = None
    lang: str = ""


def read_article(page: str, *, whole: bool = True) -> Article:
    """A page of which nothing else is known. Slow: tens of milliseconds; without the `whole` text a tenth of that."""
    page = page[:LONGEST]
    if (root := elements_of(page)) is None:
        return Article(text=plain(page))
    said = _said_of_itself(root)
    heading = next((plain(html.tostring(h, encoding="unicode", with_tail=False)) for h in root.iter("h1")), "")
    description = plain(said.get("og:description") or said.get("description", ""))
    return Article(
        text=extract(page, description) if whole else description,
        title=plain(said.get("og:title", "")) or heading or plain(root.findtext(".//title") or ""),
        author=plain(said.get("author") or said.get("article:author", "")),
        published=when(said.get("article:published_time", "") or _dated(root)),
        lang=root.get("lang", ""),
    )


def _dated(root: Any) -> str:
    """Its first <time>: most themes put the date of the article there."""
    return next((str(time.get("datetime")) for time in root.iter("time") if time.get("datetime")), "")


def _said_of_itself(root: Any) -> dict[str, str]:
    """Its meta elements, Open Graph (ogp.me) among them; the first of each."""
    said: dict[str, str] = {}
    for meta in root.iter("meta"):
        name = (meta.get("property") or meta.get("name") or "").lower()
        said.setdefault(name, meta.get("content", ""))
    return said


def extract(page: str, teaser: str) -> str:
    """What the page says, and never less than the feed says. Slow: tens of milliseconds."""
    import trafilatura  # half a second to import, and most feeds never need it

    try:
        body = _without_menus(page[:LONGEST])
        found = trafilatura.extract(body, include_comments=False, include_tables=False, favor_recall=True) or ""
    except (ValueError, RecursionError, AttributeError, TypeError):  # what it raises on pages it cannot make sense of
        found = ""
    return whole(teaser, found)


def _without_menus(page: str) -> Any:
    """On a short page trafilatura takes whatever there is, menus too."""
    root = elements_of(page)
    for menu in [] if root is None else list(root.iter("nav", "footer")):
        if menu.getparent() is not None:
            menu.drop_tree()
    return page if root is None else root


def whole(teaser: str, article: str) -> str:
    """An extraction that lost the teaser's words took the wrong part of the page, or an article that begins otherwise:
    then both stand. Pure."""
    body, end = teaser[:-INVITATION], _MORE.sub("", teaser[-INVITATION:])
    said, found = set(_WORD.findall(f"{body}{end}".lower())), set(_WORD.findall(article.lower()))
    if len(article) <= len(teaser):
        return teaser
    return article if len(said & found) >= CONTAINED * len(said) else f"{teaser}\n\n{article}"
