"""Tree -> an expression for SQLite's FTS5, and the text that goes into the index. Pure.

The expression finds at least everything that matches (https://www.sqlite.org/fts5.html#full_text_query_syntax); whoever
uses it holds each row against `matches` afterwards unless `exact`.
"""

import re
from dataclasses import dataclass

from listener.query.text import UNSPACED, fold
from listener.query.tree import And, Near, Node, Not, Or, Word

TOKENIZER = "unicode61 remove_diacritics 0 tokenchars '_'"
_TOKENS = re.compile(rf"{UNSPACED.pattern}|(?:(?!{UNSPACED.pattern})\w)+")
_APART = re.compile(f"({UNSPACED.pattern})")


@dataclass(frozen=True, slots=True)
class FtsPlan:
    expression: str  # "" finds everything
    exact: bool


def index_text(text: str) -> str:
    """Folded, and with each character of an unspaced script a word of its own."""
    return _APART.sub(r" \1 ", fold(text))


def to_fts(node: Node) -> FtsPlan:
    expression = _expression(node)
    return FtsPlan(expression or "", exact=expression is not None and _exact(node))


def _expression(node: Node) -> str | None:
    """None when the index cannot narrow it down."""
    match node:
        case Word():
            return _phrase(node)
        case Near(left=Word() as left, right=Word() as right, distance=distance):
            both = [_phrase(left), _phrase(right)]
            return f"NEAR({both[0]} {both[1]}, {distance})" if all(both) else None
        case Near(left=left, right=right):
            return _expression(And((left, right)))
        case And(items=items):
            parts = [part for item in items if not isinstance(item, Not) and (part := _expression(item))]
            without = [part for item in items if isinstance(item, Not) and (part := _excluded(item))]
            joined = " AND ".join(f"({part})" for part in parts)
            return "".join([joined, *(f" NOT ({part})" for part in without)]) if parts else None
        case Or(items=items):
            each = [_expression(item) for item in items]
            return " OR ".join(f"({part})" for part in each) if all(each) else None
        case _:
            return None


def _phrase(word: Word) -> str | None:
    tokens = _TOKENS.findall(word.text)
    return f'"{" ".join(tokens)}"{" *" if word.prefix else ""}' if tokens else None


def _excluded(node: Not) -> str | None:
    """Only what the index finds exactly may be left out by the index."""
    return _expression(node.item) if _exact(node.item) else None


def _exact(node: Node) -> bool:
    match node:
        case Word(text=text, prefix=prefix):
            return text.isascii() and text.replace(" ", "").isalnum() and not prefix
        case Or(items=items):
            return all(_exact(item) for item in items)
        case _:
            return False
