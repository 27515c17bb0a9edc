"""A page -> its reviews (schema.org/Review, as JSON-LD or microdata), and where the next page of them is. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lxml import html

from connectors.addresses import joined
from connectors.dates import when
from connectors.feed_parse import LONGEST_ID
from connectors.item import identity
from connectors.text import elements_of, plain

DEEPEST = 40  # levels of JSON-LD
_REVIEWS = ("Review", "UserReview", "CriticReview", "EmployerReview", "ClaimReview")


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    id: str
    text: str
    title: str = ""
    author: str = ""
    url: str = ""  # of its own page, where it has one
    about: str = ""  # what is reviewed
    rating: float | None = None
    best: float = 5
    published: datetime | None = None
    lang: str = ""


def reviews_of(page: str, url: str) -> list[Review]:
    """In the page's order; what JSON-LD and microdata both hold comes once."""
    root = elements_of(page)
    if root is None:
        return []
    found = [_from_json(one, about, url) for one, about in _in_json(root)]
    found += [_from_json(one, "", url) for one in _in_microdata(root)]
    return list({review.id: review for review in reversed(found) if review.text or review.title}.values())[::-1]


def is_closed(page: str) -> bool:
    """Has it its last tags? HTML may leave them out; a site whose pages had them and have not was cut off."""
    end = page[-2_000:].lower()
    return "</body" in end or "</html" in end


def next_page(page: str, url: str) -> str:
    """Where rel="next" leads; "" when nowhere, or to another site."""
    root = elements_of(page)
    for link in root.iter("link", "a") if root is not None else ():
        if "next" in link.get("rel", "").lower().split() and link.get("href"):
            following = joined(url, link.get("href").strip())
            return following if following.split("/")[:3] == url.split("/")[:3] and following != url else ""
    return ""


def _in_json(root: Any) -> Iterator[tuple[Mapping[str, Any], str]]:
    for script in root.iter("script"):
        if script.get("type", "").lower().split(";")[0].strip() == "application/ld+json":
            try:
                yield from _reviews(json.loads(script.text or "", strict=False), "", 0)
            except (ValueError, RecursionError):
                continue


def _reviews(node: Any, about: str, depth: int) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Each review with the name of what it stands below."""
    if depth > DEEPEST:
        return
    if isinstance(node, list):
        for one in node:
            yield from _reviews(one, about, depth + 1)
    elif isinstance(node, dict):
        if _is_review(node.get("@type")):
            yield node, _name(node.get("itemReviewed")) or about
            return
        name = _name(node) or about
        for key, value in node.items():
            if isinstance(value, dict | list):
                yield from _reviews(value, name if key in ("review", "reviews") else about, depth + 1)


def _is_review(kind: Any) -> bool:
    return any(str(one).rpartition("/")[2] in _REVIEWS for one in (kind if isinstance(kind, list) else [kind]))


def _in_microdata(root: Any) -> Iterator[Mapping[str, Any]]:
    """As JSON-LD would say it."""
    for element in root.iter():
        if isinstance(element.tag, str) and "itemscope" in element.attrib and _is_review(element.get("itemtype", "")):
            yield _properties(element, 0)


def _properties(scope: Any, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {"@id": scope.get("itemid") or scope.get("id", "")}
    for element in _own(scope):
        value: Any = _properties(element, depth + 1) if "itemscope" in element.attrib and depth < 5 else _value(element)
        for name in element.get("itemprop", "").split():
            found.setdefault(name, value)
    return found


def _own(scope: Any) -> Iterator[Any]:
    """Elements with a property of this thing, and not of a thing within it."""
    waiting = list(scope)[::-1]
    while waiting:
        element = waiting.pop()
        if not isinstance(element.tag, str):
            continue
        if element.get("itemprop"):
            yield element
        if "itemscope" not in element.attrib:
            waiting += list(element)[::-1]


def _value(element: Any) -> str:
    for name in ("content", "datetime", "href"):
        if element.get(name) is not None and (name != "href" or element.tag in ("a", "link")):
            return str(element.get(name))
    return plain(html.tostring(element, encoding="unicode", with_tail=False))


def _from_json(node: Mapping[str, Any], about: str, url: str) -> Review:
    rating = node.get("reviewRating") or node.get("ratingValue") or {}
    stars, best = (rating.get("ratingValue"), rating.get("bestRating")) if isinstance(rating, dict) else (rating, None)
    author, text = _name(node.get("author")), _text(node.get("reviewBody") or node.get("description"))
    title = _text(node.get("name") or node.get("headline"))
    about = about or _name(node.get("itemReviewed"))
    given = _first(node.get("@id"), node.get("url"), node.get("identifier"))
    return Review(
        id=_identity(given, url) or identity(about, author, title, text),
        text=text,
        title=title,
        author=author,
        url=joined(url, _first(node.get("url"))) if _first(node.get("url")) else "",
        about=about,
        rating=_number(stars),
        best=_number(best) or 5,
        published=when(_first(node.get("datePublished"), node.get("dateCreated"))),
        lang=_first(node.get("inLanguage")),
    )


def _identity(given: str, url: str) -> str:
    """What the page calls it; "" when it calls it nothing. An anchor is the same on whatever page it stands today."""
    if len(given) > LONGEST_ID:
        return identity(given)
    if given.startswith(("http://", "https://", "/")):
        return joined(url, given)
    return f"#{given.lstrip('#')}" if given else ""


def _first(*values: Any) -> str:
    return next((str(value) for value in values if isinstance(value, str | int) and str(value).strip()), "")


def _name(thing: Any) -> str:
    if isinstance(thing, list):
        return _name(thing[0]) if thing else ""
    if isinstance(thing, dict):
        return _text(thing.get("name"))
    return _text(thing)


def _text(value: Any) -> str:
    return plain(value) if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    try:
        found = float(str(value).replace(",", ".").strip())
    except ValueError:
        return None
    return found if 0 <= found <= 1_000 else None


def share(rating: float | None, best: float) -> float | None:
    """0 for the worst, 1 for the best: one star of five is the worst there is."""
    if rating is None or best <= 0:
        return None
    worst = 1.0 if best > 1 else 0.0
    return min(max((rating - worst) / (best - worst), 0.0), 1.0)


def stars(rating: float | None, best: float) -> str:
    """As people see it, in fives: "★★☆☆☆"; "" without a rating."""
    if rating is None or best <= 0:
        return ""
    full = min(max(round(rating / best * 5), 0), 5)
    return "★" * full + "☆" * (5 - full)
