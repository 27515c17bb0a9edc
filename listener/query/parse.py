"""Text -> tree, or an error that points at the column and says the mend. Pure; linear time.

or    := and ("OR" and)*          near  := item ("NEAR/n" item)*
and   := unary ("AND"? unary)*    item  := "(" or ")" | "phrase" | word | prefix* | field:value
unary := ("NOT" | "-") unary | near
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from listener.query.text import fold
from listener.query.tree import And, Field, Near, Node, Not, Or, Word

LONGEST = 10_000  # characters
DEEPEST = 40  # parentheses and NOTs inside each other
MOST = 2_000  # words

TRACKED = ("from", "author", "lang", "site", "title", "source", "kind", "is")
SEARCHED = ("brand", "verdict", "severity", "priority", "owner", "status", "outcome", "cause", "since", "until", "has")
IS = ("post", "comment", "review", "reply")
_ALIAS = {"from": "author"}

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<open>\() | (?P<close>\)) |
        (?P<near>NEAR(?:/(?P<n>\d{1,3}))?(?=[\s("]|$)) |
        (?P<op>(?:AND|OR|NOT)(?=[\s("]|$)) |
        (?P<minus>-(?=[^\s)])) |
        (?P<field>[A-Za-z]+(?P<cmp>:(?!//)|>=|<=|>|<|=)) (?=\S) |
        (?P<quote>["\u201c\u201d]) |
        (?P<word>[^\s()"\u201c\u201d]+)
    )""",
    re.VERBOSE,
)
_QUOTES = re.compile('["\u201c\u201d]')


class Purpose(StrEnum):
    TRACKING = "tracking"
    SEARCH = "search"


class QueryError(ValueError):
    """What is wrong, at which column (from 1), and what to write instead."""

    def __init__(self, what: str, query: str, column: int):
        self.what, self.column = what, column
        start = max(0, column - 41)
        shown = query[start : start + 80].replace("\n", " ")
        super().__init__(f"{what} (column {column})\n  {shown}\n  {' ' * (column - 1 - start)}^")


def parse(text: str, *, purpose: Purpose = Purpose.SEARCH) -> Node:
    """Raises QueryError."""
    if len(text) > LONGEST:
        raise QueryError(f"a query has at most {LONGEST:,} characters; this one has {len(text):,}", text[:80], 1)
    reader = _Reader(text, _tokens(text), purpose)
    if not reader.tokens:
        raise QueryError("the query is empty; write a word or a name", text, 1)
    tree = reader.either(0)
    if left := reader.peek():
        raise QueryError("this ) closes nothing; take it away or open it with (", text, left.column)
    return tree


def check_tracking(tree: Node, text: str = "") -> Node:
    """A tracking query must contain words to listen for. Raises QueryError."""
    if not anchored(tree):
        raise QueryError("this would match nearly everything: add a word or a name it must contain", text, 1)
    return tree


def anchored(tree: Node) -> bool:
    """True when a match is impossible without some word of the query in the text."""
    match tree:
        case Word():
            return True
        case Near(left=left, right=right):
            return anchored(left) or anchored(right)
        case And(items=items):
            return any(anchored(item) for item in items)
        case Or(items=items):
            return all(anchored(item) for item in items)
        case _:
            return False


def _fields(tree: Node) -> list[Field]:
    match tree:
        case Field():
            return [tree]
        case Near(left=left, right=right):
            return _fields(left) + _fields(right)
        case And(items=items) | Or(items=items):
            return [field for item in items for field in _fields(item)]
        case Not(item=item):
            return _fields(item)
        case _:
            return []


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # open close op near minus field word phrase
    text: str
    column: int
    op: str = ""


def _tokens(text: str) -> list[_Token]:
    found, place = [], 0
    while place < len(text) and (match := _TOKEN.match(text, place)):
        kind = match.lastgroup or ""
        kind = "near" if kind == "n" else "field" if kind == "cmp" else kind
        column = match.start(kind) + 1
        place = match.end()
        if kind == "quote":
            closing = _QUOTES.search(text, place)
            if closing is None:
                raise QueryError("this quote is never closed; add one where the phrase ends", text, column)
            found.append(_Token("phrase", text[place : closing.start()], column))
            place = closing.end()
        elif kind == "near":
            found.append(_Token("near", match["n"] or "10", column))
        elif kind == "field":
            found.append(_Token("field", match["field"][: -len(match["cmp"])].lower(), column, match["cmp"]))
        else:
            found.append(_Token(kind, match[kind], column))
    if len(found) > MOST:
        raise QueryError(f"a query has at most {MOST:,} words", text, found[MOST].column)
    return found


class _Reader:
    """Recursive descent over the tokens; depth is limited, so hostile nesting is refused, not crashed on."""

    def __init__(self, query: str, tokens: list[_Token], purpose: Purpose):
        self.query, self.tokens, self.purpose, self.place = query, tokens, purpose, 0

    def peek(self) -> _Token | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def take(self) -> _Token | None:
        token = self.peek()
        self.place += 1
        return token

    def at(self, kind: str, text: str = "") -> bool:
        token = self.peek()
        return bool(token and token.kind == kind and text in ("", token.text))

    def wrong(self, what: str, token: _Token | None) -> QueryError:
        return QueryError(what, self.query, token.column if token else len(self.query) + 1)

    def either(self, depth: int) -> Node:
        items = [self.all(depth)]
        while self.at("op", "OR"):
            self.take()
            items.append(self.all(depth))
        return items[0] if len(items) == 1 else Or(tuple(items))

    def all(self, depth: int) -> Node:
        items = [self.unary(depth)]
        while ((token := self.peek()) and token.kind != "close" and token.text != "OR") or self.at("word", "OR"):
            if self.at("op", "AND"):
                self.take()
            items.append(self.unary(depth))
        return items[0] if len(items) == 1 else And(tuple(items))

    def unary(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise self.wrong(f"this is nested deeper than {DEEPEST}; write it flatter", self.peek())
        if self.at("op", "NOT") or self.at("minus"):
            self.take()
            return Not(self.unary(depth + 1))
        return self.near(depth)

    def near(self, depth: int) -> Node:
        left = self.item(depth)
        while self.at("near"):
            token = self.take()
            left = Near(left, self.item(depth), int(token.text) if token else 0)
            if _fields(left):
                raise self.wrong("NEAR stands between words, not fields", token)
        return left

    def item(self, depth: int) -> Node:
        token = self.take()
        match token:
            case _Token(kind="open"):
                inner = self.either(depth + 1)
                if not self.at("close"):
                    raise self.wrong("this ( is never closed; add )", token)
                self.take()
                return inner
            case _Token(kind="phrase" | "word"):
                return self.word(token)
            case _Token(kind="field"):
                return self.field(token)
            case None:
                raise self.wrong("something is missing at the end; add a word or take the last operator away", None)
            case _:
                raise self.wrong(f"a word is missing before this {token.text}", token)

    def word(self, token: _Token) -> Node:
        prefix = token.kind == "word" and token.text.endswith("*")
        text = fold(token.text.rstrip("*") if prefix else token.text)
        if not any(character.isalnum() or ord(character) > 0x2000 for character in text):
            raise self.wrong("there are no letters to look for here", token)
        if prefix and len(text) < 2:
            raise self.wrong("a prefix needs at least two letters before its *", token)
        return Word(text, prefix)

    def field(self, token: _Token) -> Node:
        name = _ALIAS.get(token.text, token.text)
        if name not in TRACKED + SEARCHED:
            known = ", ".join(TRACKED + SEARCHED if self.purpose is Purpose.SEARCH else TRACKED)
            raise self.wrong(f'"{name}" is not a field; put the text in quotes, or use one of {known}', token)
        if self.purpose is Purpose.TRACKING and name in SEARCHED:
            raise self.wrong(f"{name}: can only be searched for, not tracked; take it away", token)
        value = self.take()
        if value is None or value.kind not in ("word", "phrase", "minus", "field"):
            raise self.wrong(f"{name}{token.op} needs a value right behind it", token)
        text = value.text if value.kind in ("word", "phrase") else value.text + value.op
        if name == "is" and fold(text) not in IS:
            raise self.wrong(f"is: knows {', '.join(IS)}", value)
        return Field(name, token.op, text if name in ("since", "until") else fold(text))
