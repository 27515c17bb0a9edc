"""The text of a query -> its tokens, or an error that points at the column and says the mend. Pure; linear time."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

LONGEST = 10_000  # characters of a query
SHOWN = 80  # characters of a query that an error shows

QUOTES = '"\u201c\u201d\u201e\u201f\u00ab\u00bb'
_TOKEN = re.compile(
    rf"""\s*+(?:
        (?P<open>\() | (?P<close>\)) |
        (?P<and>AND(?=[\s()"]|$)) | (?P<or>OR(?=[\s()"]|$)) | (?P<not>NOT(?=[\s()"]|$)) |
        (?P<near>(?i:NEAR)/[^\s()"]*+ | NEAR(?=[\s("]|$)) |
        (?P<minus>[-\u2212\u2013](?=[^\s)])) |
        (?P<field>[A-Za-z]++(?:(?::(?!//)|[<>]=?|=)(?:[{QUOTES}][^{QUOTES}]*+[{QUOTES}]|[^\s(){QUOTES}]++)?)) |
        (?P<phrase>[{QUOTES}][^{QUOTES}]*+[{QUOTES}]) |
        (?P<unclosed>[{QUOTES}]) |
        (?P<word>[^\s(){QUOTES}]++)
    )""",
    re.VERBOSE,
)


class QueryError(ValueError):
    """What is wrong, at which column (from 1), in which words of the query, and what to write instead."""

    def __init__(self, what: str, query: str, column: int, offending: str = ""):
        self.what, self.column, self.offending = what, column, offending
        start = max(0, column - SHOWN // 2)
        shown = query[start : start + SHOWN]
        before, under = shown[: column - 1 - start], shown[column - 1 - start :][: len(offending)]
        caret = " " * _width(before) + "^" * max(1, _width(under))
        super().__init__(f"{what} (column {column})\n  {''.join(map(_visible, shown))}\n  {caret}")


class Kind(StrEnum):
    """Values are the names of the groups in _TOKEN."""

    OPEN = "open"
    CLOSE = "close"
    AND = "and"
    OR = "or"
    NOT = "not"
    MINUS = "minus"
    NEAR = "near"
    FIELD = "field"
    PHRASE = "phrase"
    WORD = "word"
    UNCLOSED = "unclosed"


@dataclass(frozen=True, slots=True)
class Token:
    kind: Kind
    text: str  # as written, quotes and all
    column: int  # from 1


def tokens(query: str) -> tuple[Token, ...]:
    """Raises QueryError."""
    if len(query) > LONGEST:
        what = f"a query has at most {LONGEST:,} characters and this one has {len(query):,}; make two brands of it"
        raise QueryError(what, query, LONGEST + 1)
    return tuple(_found(query))


def _found(query: str) -> Iterator[Token]:
    place = 0
    while found := _TOKEN.match(query, place):
        kind = Kind(found.lastgroup or "")
        token = Token(kind, found[kind], found.start(kind) + 1)
        if kind is Kind.UNCLOSED:
            raise QueryError(f"close the quote opened at column {token.column}", query, token.column, token.text)
        yield token
        place = found.end()


def _visible(char: str) -> str:
    """An error is shown in terminals and in Slack: nothing in a query may steer them."""
    return char if char.isprintable() else " "


def _width(text: str) -> int:
    """Columns of a terminal."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
