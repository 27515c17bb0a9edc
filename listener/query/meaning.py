"""Does this post match? The reference meaning of a query, which the matcher and the search both agree with. Pure."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from connectors.post import Post
from listener.query.text import UNSPACED, bounded, fold, folded_with_places
from listener.query.tree import And, Field, Near, Node, Not, Or, Word

_WORD_START = re.compile(rf"{UNSPACED.pattern}|(?:(?!{UNSPACED.pattern})\w)+")


@dataclass(frozen=True, slots=True)
class Document:
    """A post, folded for comparing. `text` is title and text; the others are what fields ask for."""

    text: str
    title: str = ""
    author: str = ""
    lang: str = ""
    site: str = ""
    source: str = ""
    kind: str = ""
    reply: bool = False


def said(post: Post) -> str:
    """What a query is held against."""
    return fold(f"{post.title}\n{post.text}" if post.title else post.text)


def document(post: Post, text: str | None = None) -> Document:
    """`text` is said(post) when the caller has it already."""
    return Document(
        text=said(post) if text is None else text,
        title=fold(post.title),
        author=fold(f"{post.author.handle} {post.author.name}"),
        lang=post.lang.lower(),
        site=post.site.lower(),
        source=fold(post.source),
        kind=post.kind,
        reply=bool(post.parent),
    )


def matches(node: Node, doc: Document) -> bool:
    """Fields that only a search knows (brand, verdict …) count as met here: the store answers them."""
    match node:
        case Word():
            return next(places(node, doc.text), None) is not None
        case Near():
            return near(node, doc.text)
        case Field():
            return field_holds(node, doc)
        case And(items=items):
            return all(matches(item, doc) for item in items)
        case Or(items=items):
            return any(matches(item, doc) for item in items)
        case Not(item=Field(name=name)) if name not in FIELDS:
            return True
        case Not(item=item):
            return not matches(item, doc)
        case _:
            assert_never(node)


def places(word: Word, text: str) -> Iterator[tuple[int, int]]:
    """Where it stands in the folded text."""
    start = text.find(word.text)
    while start >= 0:
        end = start + len(word.text)
        if bounded(text, start, end, prefix=word.prefix):
            yield start, end
        start = text.find(word.text, start + 1)


FIELDS = ("author", "lang", "site", "title", "source", "kind", "is")


def field_holds(field: Field, doc: Document) -> bool:
    value = field.value
    match field.name:
        case "author":
            return any(True for _ in places(Word(value.lstrip("@")), doc.author))
        case "title":
            return any(True for _ in places(Word(value), doc.title))
        case "lang":
            return doc.lang == value or doc.lang.startswith(f"{value}-")
        case "site":
            return doc.site == value or doc.site.endswith(f".{value}")
        case "source":
            return doc.source == value
        case "kind":
            return doc.kind == value
        case "is":
            return doc.reply if value == "reply" else doc.kind == value
        case _:
            return True


def near(node: Near, text: str) -> bool:
    starts = [match.start() for match in _WORD_START.finditer(text)]
    left, right = _extents(node.left, text), _extents(node.right, text)
    return any(_apart(a, b, starts) <= node.distance for a in left for b in right)


def _apart(a: tuple[int, int], b: tuple[int, int], starts: list[int]) -> int:
    """Words between two places; they may not overlap."""
    first, second = sorted((a, b))
    if second[0] < first[1]:
        return len(starts) + 1
    return bisect_left(starts, second[0]) - bisect_left(starts, first[1])


def _extents(node: Node, text: str) -> list[tuple[int, int]]:
    """Where the operand of a NEAR stands."""
    match node:
        case Word():
            return list(places(node, text))
        case Or(items=items):
            return [extent for item in items for extent in _extents(item, text)]
        case Near(left=left, right=right) if near(node, text):
            return _extents(left, text) + _extents(right, text)
        case And(items=items):
            found = [_extents(item, text) for item in items]
            return [extent for extents in found for extent in extents] if all(found) else []
        case _:
            return []


def positive_words(node: Node) -> Iterator[Word]:
    match node:
        case Word():
            yield node
        case Near(left=left, right=right):
            yield from positive_words(left)
            yield from positive_words(right)
        case And(items=items) | Or(items=items):
            for item in items:
                yield from positive_words(item)
        case _:
            return


def terms(node: Node) -> tuple[str, ...]:
    """The words that mean the brand: what stands first in its query, with all its alternatives."""
    match node:
        case Word(text=text):
            return (text,)
        case Or(items=items):
            return tuple(dict.fromkeys(term for item in items for term in terms(item)))
        case And(items=items):
            return next((found for item in items if (found := terms(item))), ())
        case Near(left=left):
            return terms(left)
        case _:
            return ()


def spans(node: Node, text: str) -> tuple[tuple[int, int], ...]:
    """Where the words that were asked for stand in the text as it was written; linear in the text."""
    folded, origin = folded_with_places(text)
    origin.append(len(text))
    found = {place for word in set(positive_words(node)) for place in places(word, folded)}
    return tuple(sorted({(origin[start], origin[end - 1] + 1) for start, end in found}))
