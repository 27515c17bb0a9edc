"""Tokens -> tree, or an error that points at the column and says the mend. Pure; linear time.

either := all ("OR" all)*                   near := item ("NEAR/n" item)*
all    := unary ("AND"? unary)*             item := "(" either ")" | "phrase" | word | prefix* | field:value
unary  := ("NOT" | "-") unary | near
"""

import re
import unicodedata
from enum import StrEnum

from listener.query.text import fold
from listener.query.tokens import QUOTES, Kind, QueryError, Token, tokens
from listener.query.tree import And, Field, Near, Node, Not, Or, Word

DEEPEST = 20  # parentheses, NOTs and NEARs inside each other; the full-text index takes no more
LONGEST_TERM = 500  # characters of a word or a phrase
FURTHEST = 100  # words between the two sides of NEAR
ROUGHLY = 10  # the same, where no number is given

TRACKED = ("from", "author", "lang", "site", "title", "source", "kind", "is")
SEARCHED = (
    *("brand", "verdict", "severity", "priority", "owner", "status", "outcome", "cause", "has"),
    *("since", "until", "heard"),
)
KINDS = ("post", "comment", "review")
VERDICTS = ("complaint", "praise", "question")
MARKS = {"answered": "answer", "coordinated": "coordination"}  # what is said of a case: is:… is has:…
TIMES = ("since", "until", "heard")  # their values stay as written
_FIELD = re.compile(f"([A-Za-z]+)(:|[<>]=?|=)[{QUOTES}]?(.*?)[{QUOTES}]?", re.DOTALL)
_OPERATORS = {Kind.AND, Kind.OR, Kind.NEAR}


class Purpose(StrEnum):
    TRACKING = "tracking"
    SEARCH = "search"


def parse(text: str, *, purpose: Purpose = Purpose.SEARCH) -> Node:
    """Raises QueryError."""
    reader = _Reader(text, tokens(text), purpose)
    if not reader.tokens:
        raise QueryError("the query is empty; write a word or a name", text, 1)
    tree = reader.either(0)
    if left := reader.peek():
        raise reader.wrong("this ) closes nothing; take it away, or open it with ( further left", left)
    return tree


def check_tracking(tree: Node, text: str = "") -> Node:
    """A tracking query must contain words to listen for. Raises QueryError."""
    if anchored(tree):
        return tree
    if isinstance(tree, Not):
        what = "NOT alone would match everything: add something it must contain"
    elif isinstance(tree, Or):
        what = "one side of this OR would match nearly everything: every side needs a word it must contain"
    else:
        what = "this would match nearly everything: add a word or a name it must contain"
    raise QueryError(what, text, 1, text)


def anchored(tree: Node) -> bool:
    """True when a match is impossible without some word of the query in the text."""
    match tree:
        case Word() | Near():
            return True
        case And(items=items):
            return any(anchored(item) for item in items)
        case Or(items=items):
            return all(anchored(item) for item in items)
        case _:
            return False


class _Reader:
    """Recursive descent; depth is limited, so hostile nesting is refused, not crashed on."""

    def __init__(self, query: str, tokens: tuple[Token, ...], purpose: Purpose):
        self.query, self.tokens, self.purpose, self.place = query, tokens, purpose, 0

    def peek(self) -> Token | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def take(self, *kinds: Kind) -> Token | None:
        """The next token, if it is one of these."""
        token = self.peek()
        if token is None or token.kind not in kinds:
            return None
        self.place += 1
        return token

    def wrong(self, what: str, at: Token) -> QueryError:
        return QueryError(what, self.query, at.column, at.text)

    def either(self, depth: int) -> Node:
        items = [self.all(depth)]
        while self.take(Kind.OR):
            items.append(self.all(depth))
        return items[0] if len(items) == 1 else Or(tuple(items))

    def all(self, depth: int) -> Node:
        items = [self.unary(depth)]
        while (token := self.peek()) and token.kind not in (Kind.CLOSE, Kind.OR):
            self.take(Kind.AND)
            items.append(self.unary(depth))
        return items[0] if len(items) == 1 else And(tuple(items))

    def unary(self, depth: int) -> Node:
        if token := self.take(Kind.NOT, Kind.MINUS):
            return Not(self.unary(self.deeper(depth, token)))
        return self.near(depth)

    def near(self, depth: int) -> Node:
        left = self.item(depth)
        while token := self.take(Kind.NEAR):
            depth = self.deeper(depth, token)
            left = Near(left, self.item(depth), self.distance(token))
            if not _placed(left):
                raise self.wrong(
                    "NEAR stands between words, phrases and groups of them joined by OR; write NOT, AND and fields"
                    " outside of it",
                    token,
                )
        return left

    def distance(self, token: Token) -> int:
        number = token.text[len("NEAR/") :] if "/" in token.text else str(ROUGHLY)
        if not (number.isascii() and number.isdigit() and len(number) <= 3 and int(number) <= FURTHEST):
            raise self.wrong(f"NEAR/ takes a number of words from 0 to {FURTHEST}; write for example NEAR/5", token)
        return int(number)

    def deeper(self, depth: int, token: Token) -> int:
        if depth >= DEEPEST:
            raise self.wrong(f"this is nested more than {DEEPEST} deep; write it flatter", token)
        return depth + 1

    def item(self, depth: int) -> Node:
        if token := self.take(Kind.OPEN):
            inner = self.either(self.deeper(depth, token))
            if not self.take(Kind.CLOSE):
                raise self.wrong(f"close the ( opened at column {token.column}", token)
            return inner
        if token := self.take(Kind.WORD, Kind.PHRASE):
            return self.word(token)
        if token := self.take(Kind.FIELD):
            return self.field(token)
        raise self.missing()

    def missing(self) -> QueryError:
        before = self.tokens[self.place - 1] if self.place else None
        if before and (before.kind in _OPERATORS or before.kind in (Kind.NOT, Kind.OPEN, Kind.MINUS)):
            what = f"a word is missing after this {before.text}; add it, or take the {before.text} away"
            return self.wrong(what, before)
        token = self.tokens[self.place]
        return self.wrong(f"a word is missing before this {token.text}; add it, or take the {token.text} away", token)

    def word(self, token: Token) -> Word:
        said = token.text[1:-1] if token.kind is Kind.PHRASE else token.text
        stem = said.rstrip().removesuffix("*")
        prefix = stem != said.rstrip() and bool(stem) and not stem[-1].isspace()
        text = fold(stem if prefix else said)
        if not any(map(_sought, text)):
            raise self.wrong("there is no letter, figure or emoji to look for here; add one or take this away", token)
        if said.startswith("*"):
            raise self.wrong("* stands at the end of a word, where the word may go on; take it away here", token)
        if prefix and len(text) < 2:
            raise self.wrong("a word needs at least two letters before its *", token)
        if len(text) > LONGEST_TERM:
            raise self.wrong(f"a word or phrase has at most {LONGEST_TERM} characters; shorten it", token)
        return Word(text, prefix)

    def field(self, token: Token) -> Field:
        found = _FIELD.fullmatch(token.text)
        assert found is not None  # the tokens are cut that way
        name, op, value = found[1].lower(), found[2], found[3]
        self.check_name(name, token)
        if not value:
            raise self.wrong(f"{name}{op} needs a value right behind it, without a blank: {name}{op}acme", token)
        if name == "is" and fold(value) in VERDICTS and self.purpose is Purpose.SEARCH:
            return Field("verdict", op, fold(value))
        if (name, op) == ("is", ":") and fold(value) in MARKS and self.purpose is Purpose.SEARCH:
            return Field("has", op, MARKS[fold(value)])
        if wrong := _wrong_value(name, op, fold(value)):
            raise self.wrong(wrong, token)
        return Field("author" if name == "from" else name, op, value if name in TIMES else fold(value))

    def check_name(self, name: str, token: Token) -> None:
        searching = self.purpose is Purpose.SEARCH
        if name in SEARCHED and not searching:
            what = (
                f"{name}: is known only after a post was heard, so it can be searched for but not tracked; take it away"
            )
            raise self.wrong(what, token)
        if name not in TRACKED + SEARCHED:
            known = ", ".join(TRACKED + SEARCHED if searching else TRACKED)
            raise self.wrong(f'"{name}" is not a field; put the text in quotes, or use one of {known}', token)


def _placed(node: Node) -> bool:
    """Does it stand at some place in the text? NEAR needs that of both its sides."""
    match node:
        case Word():
            return True
        case Near(left=left, right=right):
            return _placed(left) and _placed(right)
        case Or(items=items):
            return all(_placed(item) for item in items)
        case _:
            return False


def _sought(char: str) -> bool:
    return char.isalnum() or (not char.isascii() and unicodedata.category(char) in ("So", "Sc"))


def _wrong_value(name: str, op: str, value: str) -> str:
    """What to write instead; "" when it is well."""
    if name not in TRACKED:
        return ""
    if op != ":":
        return f"{name} is not a number; write {name}:{value}"
    if name == "kind" and value not in KINDS:
        return f"kind: knows {', '.join(KINDS)}"
    if name == "is" and value in (*VERDICTS, *MARKS):
        return f"is:{value} is known only after a post was heard, so it can be searched for but not tracked"
    if name == "is" and value not in (*KINDS, "reply"):
        return f"is: knows {', '.join((*KINDS, 'reply'))}, and in a search {', '.join((*MARKS, *VERDICTS))}"
    if not any(char.isalnum() for char in value):
        return f"{name}: needs a name, for example {name}:acme"
    if value.endswith("*"):
        return f"{name}: takes whole words; take the * away"
    if name == "site" and "/" in value:
        return "site: takes the name of a host, for example site:blog.example"
    return ""
