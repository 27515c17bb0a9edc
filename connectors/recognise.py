"""What of a feed was read before, told by its text alone, before any of it is parsed. Pure.

Most readings of a changed feed bring one new item among thirty. Each item is cut out as text; what is the same to the
last letter as at an earlier reading is left out of what is parsed. Where the text cannot be cut beyond doubt (an item's
tag inside a text, comments between items, a document cut short) the whole is parsed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from connectors.item import Item, fingerprint

Known = Mapping[str, tuple[str, str]]  # fingerprint of an item's text -> its id and link
NOTHING: Known = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Slices:
    head: str
    items: Sequence[str]
    raws: Sequence[str]  # the fingerprint of each
    tail: str

    def unread(self, known: Known) -> str:
        """The document without what is known."""
        news = (item for item, raw in zip(self.items, self.raws, strict=True) if raw not in known)
        return "".join((self.head, *news, self.tail))

    def merged(self, read: Sequence[Item], known: Known) -> list[Item] | None:
        """All items in their order; None when what was read does not answer to what was cut out."""
        if len(read) != sum(raw not in known for raw in self.raws):
            return None
        if len(read) == len(self.raws):
            return list(read)
        news = iter(read)
        return [
            Item(id=known[raw][0], link=known[raw][1], known=True) if raw in known else next(news) for raw in self.raws
        ]


def slices(text: str) -> Slices | None:
    """Of RSS or Atom; None when it cannot be cut beyond doubt."""
    name = "item" if "</item>" in text else "entry"
    begin, end = f"<{name}", f"</{name}>"
    first, *others = text.split(end)
    at = first.rfind(begin)
    if not others or at < 0 or first.count(begin, 0, at) != first.count(f"{begin}s>", 0, at):
        return None
    tail = others.pop()
    items = [first[at:], *(piece.lstrip() for piece in others)]
    if begin in tail or any(not piece.startswith(begin) or piece.count(begin) > 1 for piece in items[1:]):
        return None
    return Slices(first[:at], [piece + end for piece in items], [fingerprint(piece) for piece in items], tail)
