"""A platform's search is asked for at least what a query means, in pieces that fit."""

import pytest
from hypothesis import given
from test_match import POSTS, TREES

from connectors.contract import Dialect
from connectors.post import Post
from listener.asking import asked
from listener.match import anchor
from listener.query import Node, document, matches, parse

LIKE_X = Dialect(longest=512, fields={"author": "from:", "lang": "lang:"})
WORDS_ONLY = Dialect(longest=200, either="", without="")


@pytest.mark.parametrize(
    ("query", "searches"),
    [
        ("acme", ("acme",)),
        ('("acme air" OR @acmeair OR acme.example) NOT "acme hardware"',
         ('("acme air" OR @acmeair OR "acme.example") -"acme hardware"',)),
        ("acme NEAR/3 refund", ("acme refund",)),
        ("acme NOT (tools OR paint)", ("acme -tools -paint",)),
        ("acme NOT (tools paint)", ("acme",)),
        ("acme refund*", ("acme",)),
        ("acme OR overheat*", ("acme",)),
        ("acme lang:en from:@marta", ("acme lang:en from:marta",)),
        ("acme title:smoke", ("acme",)),
        ("acme NOT is:reply", ("acme",)),
        ('acme "or"', ('acme "or"',)),
    ],
)  # fmt: skip
def test_what_a_platform_with_operators_is_asked(query: str, searches: tuple[str, ...]) -> None:
    assert asked({"Acme": parse(query)}, LIKE_X).searches == searches


def test_a_platform_without_operators_is_asked_for_the_words_one_by_one() -> None:
    found = asked({"Acme": parse('("acme air" OR @acmeair) refund NOT hardware')}, WORDS_ONLY)
    assert found.searches == ("@acmeair", '"acme air"')


def test_a_long_query_becomes_several_that_fit() -> None:
    names = [f'"acme branch number {number}"' for number in range(60)]
    found = asked({"Acme": parse(f"({' OR '.join(names)}) NOT hardware")}, LIKE_X)
    assert len(found.searches) > 1
    assert all(len(search) <= 512 for search in found.searches)
    assert all(any(name in search for search in found.searches) for name in names)


def test_two_brands_that_ask_the_same_ask_once() -> None:
    assert asked({"Acme": parse("acme"), "Acme again": parse("acme")}, LIKE_X).searches == ("acme",)


def test_what_cannot_be_asked_is_said() -> None:
    assert asked({"Acme": parse("acme OR overheat*")}, LIKE_X).missed == (
        "Acme: overheat* cannot be searched for there, so it is not heard there",
    )


@given(TREES, POSTS)
def test_the_searches_find_at_least_what_the_query_means(tree: Node, of: Post) -> None:
    if not anchor(tree) or not matches(tree, document(of)):
        return
    for dialect in (Dialect(longest=40, fields={"author": "author:"}), WORDS_ONLY):
        found = asked({"Acme": tree}, dialect)
        heard = any(matches(parse(search), document(of)) for search in found.searches)
        assert heard or found.missed
