"""Tree -> an expression for SQLite's FTS5, and the text that goes into the index. Pure.

The expression finds at least everything that matches (https://www.sqlite.org/fts5.html#full_text_query_syntax); whoever
uses it holds each row against `matches` afterwards unless `exact`. That holds because both sides are cut into the same
words by text.WORD, and the tokenizer only parts them at the blanks put between them.
"""

from dataclasses import dataclass

from listener.query.text import JOINED, WORD, fold
from listener.query.tree import And, Near, Node, Not, Or, Word

TOKENIZER = "unicode61 remove_diacritics 0 categories 'L* M* N* P* S* C*'"  # everything but separators


@dataclass(frozen=True, slots=True)
class FtsPlan:
    """Conditions on fields are not in it; they make it inexact."""

    expression: str  # "" finds everything
    exact: bool


class _Apart(dict[int, str]):
    """For `str.translate`: what becomes of a character when words are parted by blanks. Looked up once, then known."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        parted = char if JOINED.match(char) else f" {char} " if WORD.match(char) else " "
        if len(self) < KNOWN:
            self[code] = parted
        return parted


KNOWN = 20_000  # characters that are remembered, whatever strangers write
_APART = _Apart()


def index_text(text: str) -> str:
    """Folded, its words apart: each character of an unspaced script and each emoji is one."""
    return fold(text).translate(_APART)


def to_fts(node: Node) -> FtsPlan:
    return FtsPlan(_expression(node), exact=_exact(node))


def _expression(node: Node) -> str:
    """ "" when the index cannot narrow it down."""
    match node:
        case Word():
            return _phrase(node)
        case Near(left=Word() as left, right=Word() as right, distance=distance):
            both = [_phrase(left), _phrase(right)]
            return f"NEAR({' '.join(both)}, {distance})" if all(both) else ""
        case Near(left=left, right=right):
            return _expression(And((left, right)))
        case And(items=items):
            parts = [part for item in items if (part := _grouped(item))]
            without = [_grouped(item.item) for item in items if isinstance(item, Not) and _exact(item.item)]
            return " NOT ".join([_group(" AND ".join(parts), among=len(parts)), *without]) if parts else ""
        case Or(items=items):
            each = [_grouped(item) for item in items]
            return " OR ".join(each) if all(each) else ""
        case _:
            return ""


def _grouped(node: Node) -> str:
    return _group(_expression(node), among=0 if isinstance(node, Word) else 2)


def _group(expression: str, *, among: int) -> str:
    return f"({expression})" if expression and among > 1 else expression


def _phrase(word: Word) -> str:
    """In quotes nothing is an operator, and a word has no quote in it."""
    tokens = WORD.findall(word.text)
    return f'"{" ".join(tokens)}"{" *" if word.prefix else ""}' if tokens else ""


def _exact(node: Node) -> bool:
    """Only one whole word is surely found as it stands: the index does not know what is between two."""
    match node:
        case Word(text=text):
            return WORD.fullmatch(text) is not None
        case Or(items=items):
            return all(_exact(item) for item in items)
        case And(items=items):
            positive = [item for item in items if not isinstance(item, Not)]
            negative = [item.item for item in items if isinstance(item, Not)]
            return bool(positive) and all(_exact(item) for item in positive + negative)
        case _:
            return False
