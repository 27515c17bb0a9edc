"""Does this post match? The reference meaning of a query, which the matcher and the search both agree with. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from connectors.post import Post
from listener.query.text import REST, WORD, bounded, fold, folded_with_places
from listener.query.tree import And, Field, Near, Node, Not, Or, Word

Extent = tuple[int, int]  # [start, end) in a text


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
            return bool(_meeting(node, doc.text))
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


def places(word: Word, text: str) -> Iterator[Extent]:
    """Where it stands in the folded text; a prefix as far as its word goes."""
    start = text.find(word.text)
    while start >= 0:
        end = start + len(word.text)
        if bounded(text, start, end, prefix=word.prefix):
            yield start, _word_end(text, end) if word.prefix else end
        start = text.find(word.text, start + 1)


def _word_end(text: str, end: int) -> int:
    rest = REST.match(text, end) if end and REST.fullmatch(text[end - 1]) else None
    return rest.end() if rest else end


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


def _meeting(node: Near, text: str) -> list[Extent]:
    """The places that are near enough to one of the other side; none when there is no such pair."""
    left, right = _extents(node.left, text), _extents(node.right, text)
    if not (left and right):
        return []
    starts = [found.start() for found in WORD.finditer(text)]
    met = _beside(left, right, node.distance, starts)
    return met + _beside(right, left, node.distance, starts) if met else []


def _beside(these: list[Extent], those: list[Extent], distance: int, starts: list[int]) -> list[Extent]:
    """Those of `these` with one of `those` before or behind, at most `distance` words between; n log n."""
    begins, ends = sorted(start for start, _ in those), sorted(end for _, end in those)

    def words(start: int, end: int) -> int:
        return bisect_left(starts, end) - bisect_left(starts, start)

    def beside(start: int, end: int) -> bool:
        behind, before = bisect_left(begins, end), bisect_right(ends, start) - 1
        return (behind < len(begins) and words(end, begins[behind]) <= distance) or (
            before >= 0 and words(ends[before], start) <= distance
        )

    return [extent for extent in these if beside(*extent)]


def _extents(node: Node, text: str) -> list[Extent]:
    """Where the operand of a NEAR stands."""
    match node:
        case Word():
            return list(places(node, text))
        case Near():
            return _meeting(node, text)
        case Or(items=items):
            return [extent for item in items for extent in _extents(item, text)]
        case _:
            return []  # the parser lets nothing else be near


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


def spans(node: Node, text: str) -> tuple[Extent, ...]:
    """Where the words that were asked for stand in the text as it was written: in order, apart; linear in the text."""
    folded, origin = folded_with_places(text)
    found = {extent for word in set(positive_words(node)) for extent in places(word, folded)}
    merged: list[Extent] = []
    for start, end in sorted((origin[start][0], origin[end - 1][1]) for start, end in found):
        if merged and start < merged[-1][1]:
            start, end = merged[-1][0], max(end, merged.pop()[1])
        merged.append((start, end))
    return tuple(merged)
