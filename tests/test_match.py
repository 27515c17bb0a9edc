"""Ten thousand queries over a post in one pass give what each of them gives alone, and the index misses none of it."""

import sqlite3
from collections.abc import Iterator
from itertools import pairwise

import pytest
from builders import post
from hypothesis import given
from hypothesis import strategies as st

from connectors.post import Author, Post
from listener.match import Matcher, anchor
from listener.query import (
    And,
    Field,
    Near,
    Node,
    Not,
    Or,
    QueryError,
    Word,
    document,
    fold,
    index_text,
    matches,
    parse,
    said,
    spans,
    to_fts,
)
from listener.query.fts import TOKENIZER

PIECES = (
    "acme air ACME acme's refund refunds never bag café cafe\u0301 @acme #acme acme.example 東京 東京電話 電話 हिन्दी हिन्द 😡 İ ß"
    " don\u2019t e-mail - . , ( 10:30 \u200b \0 \ud800 ﾈｯﾄ ﬁne AND"
).split(" ")  # the middle pieces hold every kind of script, sign and trap
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=12).map(" ".join)


def word(text: str, *, prefix: bool = False) -> Node:
    """As the parser would make it."""
    try:
        return parse(f'"{text}{"*" * prefix}"')
    except QueryError:
        return Word("acme")


WORDS: st.SearchStrategy[Node] = st.builds(
    word, st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map(" ".join)
) | (st.builds(word, st.sampled_from(PIECES), prefix=st.just(True)))
NEARS = st.builds(Near, WORDS, WORDS | st.tuples(WORDS, WORDS).map(Or), st.integers(0, 4))
FIELDS = st.sampled_from([Field("author", ":", "marta"), Field("title", ":", "acme"), Field("is", ":", "reply")])
TREES: st.SearchStrategy[Node] = st.recursive(
    WORDS | NEARS | FIELDS,
    lambda inner: (
        st.lists(inner, min_size=2, max_size=3).map(lambda items: And(tuple(items)))
        | st.lists(inner, min_size=2, max_size=3).map(lambda items: Or(tuple(items)))
        | inner.map(Not)
    ),
    max_leaves=8,
)
POSTS = st.builds(
    lambda text, title, handle: post(text=text, title=title, author=Author(handle=handle)),
    TEXTS,
    TEXTS,
    st.sampled_from(["marta", "lee", ""]),
)


@given(st.lists(TREES, max_size=6), POSTS)
def test_one_pass_finds_what_each_query_finds_alone(trees: list[Node], of: Post) -> None:
    tracked = {str(number): tree for number, tree in enumerate(trees) if anchor(tree)}
    alone = tuple(name for name, tree in tracked.items() if matches(tree, document(of)))
    assert Matcher(tracked).match(of) == alone


@given(TREES, POSTS)
def test_without_a_word_of_its_anchor_nothing_matches(tree: Node, of: Post) -> None:
    if matches(tree, document(of)) and (words := anchor(tree)):
        assert any(matches(word, document(of)) for word in words)


@pytest.fixture(scope="module")
def index() -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(":memory:")
    db.execute(f'CREATE VIRTUAL TABLE t USING fts5(body, tokenize="{TOKENIZER}")')
    yield db
    db.close()


@given(TREES, POSTS)
def test_the_full_text_index_misses_nothing_and_is_exact_where_it_says_so(
    index: sqlite3.Connection, tree: Node, of: Post
) -> None:
    index.execute("DELETE FROM t")
    index.execute("INSERT INTO t VALUES (?)", (index_text(said(of)),))
    plan = to_fts(tree)
    if not plan.expression:
        assert not plan.exact
        return
    found = bool(index.execute("SELECT 1 FROM t WHERE t MATCH ?", (plan.expression,)).fetchall())
    wanted = matches(tree, document(of))
    assert found or not wanted
    assert not plan.exact or found == wanted


def test_an_excluded_phrase_hides_no_post_that_only_has_its_words(index: sqlite3.Connection) -> None:
    index.execute("DELETE FROM t")
    index.execute("INSERT INTO t VALUES (?)", (index_text("acme lost-bag"),))
    expression = to_fts(parse('acme NOT "lost bag"')).expression
    assert index.execute("SELECT 1 FROM t WHERE t MATCH ?", (expression,)).fetchall()


@pytest.mark.parametrize(
    "query",
    [
        "acme " + " ".join(f"-w{number}" for number in range(1_000)),
        " OR ".join(f"w{number}" for number in range(1_000)),
        "(" * 20 + "acme bag OR refund" + ")" * 20,
        "acme" + "".join(f" NEAR/3 w{number}" for number in range(20)),
        "(" * 19 + "acme NEAR bag" + " OR refund)" * 19,
    ],
)
def test_whatever_the_parser_takes_the_index_takes(index: sqlite3.Connection, query: str) -> None:
    index.execute("SELECT 1 FROM t WHERE t MATCH ?", (f"(body : ({to_fts(parse(query)).expression}))",)).fetchall()


@given(st.text())
def test_whatever_is_typed_is_a_query_or_a_mistake_with_its_place(text: str) -> None:
    try:
        parse(text)
    except QueryError as wrong:
        assert 1 <= wrong.column <= len(text) + 1
        assert "\n" in str(wrong)


@given(TREES)
def test_what_is_understood_can_be_written_and_read_again(tree: Node) -> None:
    try:
        again = parse(written(tree))
    except QueryError as wrong:
        assert "nested" in str(wrong)
        return
    assert parse(written(again)) == again


def written(node: Node) -> str:
    match node:
        case Word(text=text, prefix=prefix):
            return f'"{text}{"*" * prefix}"'
        case Near(left=left, right=right, distance=distance):
            return f"({written(left)} NEAR/{distance} {written(right)})"
        case Field(name=name, op=op, value=value):
            return f'{name}{op}"{value}"'
        case And(items=items):
            return f"({' AND '.join(map(written, items))})"
        case Or(items=items):
            return f"({' OR '.join(map(written, items))})"
        case Not(item=item):
            return f"NOT {written(item)}"


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(WORDS, TEXTS)
def test_what_is_marked_is_what_was_asked_for(tree: Node, text: str) -> None:
    """Where the whole text has a match, marked stretches exist, in order, apart, and inside the text."""
    found = spans(tree, text)
    assert bool(found) == matches(tree, document(post(text=text)))
    assert all(0 <= start < end <= len(text) for start, end in found)
    assert all(before[1] <= after[0] for before, after in pairwise(found))


def test_queries_are_named_in_the_order_they_were_given() -> None:
    queries = {name: parse(query) for name, query in {"b": "acme", "a": "refund", "c": "larkspur"}.items()}
    assert Matcher(queries).match(post(text="a refund from acme")) == ("b", "a")


def test_no_queries_match_nothing() -> None:
    assert Matcher({}).match(post()) == ()
