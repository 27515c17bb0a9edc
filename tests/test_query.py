"""The query language: what is understood, what is refused and how, and what counts as the same word."""

import re

import pytest
from builders import post

from connectors.post import Author, PostKind
from listener.query import (
    And,
    Field,
    Near,
    Node,
    Not,
    Or,
    Purpose,
    QueryError,
    Word,
    check_tracking,
    document,
    fold,
    matches,
    parse,
    spans,
    terms,
)

A, B, C = Word("a1"), Word("b1"), Word("c1")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a1", A),
        ("a1 b1", And((A, B))),
        ("a1 AND b1", And((A, B))),
        ("a1 OR b1", Or((A, B))),
        ("a1 b1 OR c1", Or((And((A, B)), C))),
        ("a1 (b1 OR c1)", And((A, Or((B, C))))),
        ("a1 NOT b1", And((A, Not(B)))),
        ("a1 -b1", And((A, Not(B)))),
        ("a1 \u2212b1", And((A, Not(B)))),
        ("a1 -(b1 OR c1)", And((A, Not(Or((B, C)))))),
        ('a1 -"b1 c1"', And((A, Not(Word("b1 c1"))))),
        ("a1 OR b1 NOT c1", Or((A, And((B, Not(C)))))),
        ('"a1 b1"', Word("a1 b1")),
        ("\u201ca1 b1\u201d", Word("a1 b1")),
        ("\u201ea1 b1\u201c", Word("a1 b1")),
        ("\u00aba1 b1\u00bb", Word("a1 b1")),
        ("refund*", Word("refund", prefix=True)),
        ('"lost my bag*"', Word("lost my bag", prefix=True)),
        ("a1 NEAR/5 b1", Near(A, B, 5)),
        ("a1 near/5 b1", Near(A, B, 5)),
        ("a1 NEAR b1", Near(A, B, 10)),
        ("a1 NEAR/2 b1 NEAR/3 c1", Near(Near(A, B, 2), C, 3)),
        ("a1 NEAR/2 (b1 OR c1)", Near(A, Or((B, C)), 2)),
        ("a1 near b1", And((A, Word("near"), B))),
        ("a1 or b1", And((A, Word("or"), B))),
        ("@AcmeAir", Word("@acmeair")),
        ("#AcmeFail", Word("#acmefail")),
        ("acme.example", Word("acme.example")),
        ("https://acme.example/help", Word("https://acme.example/help")),
        ("from:@Marta", Field("author", ":", "@marta")),
        ("author:marta", Field("author", ":", "marta")),
        ('title:"lost bag"', Field("title", ":", "lost bag")),
        ("title:10:30", Field("title", ":", "10:30")),
        ("is:review", Field("is", ":", "review")),
        ("is:complaint", Field("verdict", ":", "complaint")),
        ("severity>=60", Field("severity", ">=", "60")),
        ("since:2026-05-01T10:00Z", Field("since", ":", "2026-05-01T10:00Z")),
        ("AND1 OR2", And((Word("and1"), Word("or2")))),
        ("CRÈME BRÛLÉE", And((Word("creme"), Word("brulee")))),
    ],
)
def test_what_is_understood(text: str, tree: Node) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("", 1, "empty"),
        ("   ", 1, "empty"),
        ("(acme", 1, "close the ( opened at column 1"),
        ("acme (refund (late)", 6, "close the ( opened at column 6"),
        ("acme) refund", 5, "closes nothing"),
        ('acme "lost bag', 6, "close the quote opened at column 6"),
        ("acme OR", 6, "missing after this OR"),
        ("OR acme", 1, "missing before this OR"),
        ("acme AND AND refund", 6, "missing after this AND"),
        ("acme NOT", 6, "missing after this NOT"),
        ("acme ()", 6, "missing after this ("),
        ("acme from: marta", 6, "needs a value right behind it"),
        ("colour:red", 1, '"colour" is not a field'),
        ("kind:postcard", 1, "post, comment, review"),
        ("site:blog.example/help", 1, "name of a host"),
        ("from>=dana", 1, "from is not a number"),
        ("author:mar*", 1, "whole words"),
        ("r*", 1, "at least two letters"),
        ("*fund", 1, "* stands at the end"),
        ("acme NEAR/1000 refund", 6, "from 0 to 100"),
        ("acme NEAR/x refund", 6, "from 0 to 100"),
        ("acme NEAR/5 (NOT refund)", 6, "NEAR stands between"),
        ("acme NEAR/5 lang:en", 6, "NEAR stands between"),
        ("acme ...", 6, "no letter, figure or emoji"),
        ('acme ""', 6, "no letter, figure or emoji"),
        ("(" * 30 + "acme" + ")" * 30, 21, "nested more than 20 deep"),
        ("-" * 30 + "acme", 21, "nested more than 20 deep"),
        ("a" * 501, 1, "at most 500 characters"),
        ("acme " * 2_001, 10_001, "at most 10,000 characters"),
    ],
)
def test_a_mistake_is_pointed_at_and_the_mend_is_said(text: str, column: int, says: str) -> None:
    with pytest.raises(QueryError, match=re.escape(says)) as caught:
        parse(text)
    assert caught.value.column == column
    *_, shown, caret = str(caught.value).split("\n")
    assert len(shown) <= 82, "a long query is shown in part"
    assert caret.strip(" ^") == ""


def test_the_caret_stands_under_the_mistake() -> None:
    with pytest.raises(QueryError) as caught:
        parse("東京 AND colour:red")
    _, shown, caret = str(caught.value).split("\n")
    assert shown == "  東京 AND colour:red"
    assert caret == "  " + " " * len("xxxx AND ") + "^" * len("colour:red"), "東京 is four columns wide"


def test_an_error_carries_nothing_that_steers_a_terminal() -> None:
    with pytest.raises(QueryError) as caught:
        parse("\x1b[31macme \u202e OR")
    assert "\x1b" not in str(caught.value)
    assert "\u202e" not in str(caught.value)


@pytest.mark.parametrize("text", ["severity>=60 acme", "acme brand:x", "acme has:promise", "acme is:complaint"])
def test_what_is_known_only_later_is_not_tracked(text: str) -> None:
    assert parse(text)
    with pytest.raises(QueryError, match="searched for but not tracked"):
        parse(text, purpose=Purpose.TRACKING)


@pytest.mark.parametrize("text", ["NOT acme", "lang:en", "acme OR NOT refund", "acme OR lang:en", "-acme -refund"])
def test_a_tracking_query_must_contain_a_word(text: str) -> None:
    with pytest.raises(QueryError, match=r"nearly everything|match everything"):
        check_tracking(parse(text, purpose=Purpose.TRACKING), text)


@pytest.mark.parametrize("text", ["acme", "acme NOT hardware", "lang:en acme", "(acme OR larkspur) -is:reply"])
def test_a_tracking_query_with_a_word_is_well(text: str) -> None:
    assert check_tracking(parse(text, purpose=Purpose.TRACKING), text)


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("refund", "A REFUND, please!", True),
        ("refund", "non-refundable", False),
        ("refund", "@refund and #refund", True),
        ("@refund", "refund", False),
        ("@acme", "dana@acme.example", False),
        ("acme.example", "see https://www.acme.example/help", True),
        ("acme", "acme's fault", True),
        ("acme", "acme_air", False),
        ("cafe", "Café Nimbus", True),
        ("café", "cafe\u0301 nimbus", True),
        ("strasse", "Nimbusstraße, Straße", True),
        ("istanbul", "İSTANBUL", True),
        ("acme", "ＡＣＭＥ", True),
        ("acme", "ac\u200bme and a\u00adcme", True),
        ("don't", "I don\u2019t", True),
        ("e-mail", "e\u2011mail", True),
        ("東京電話", "昨日東京電話が切れた", True),
        ("ネット", "ﾈｯﾄが遅い", True),
        ("서울전자", "서울전자는 대답이 없다", True),
        ("हिन्दी", "हिन्दी में", True),
        ("हिन्द", "हिन्दी में", False),
        ("كتاب", "كِتَاب", True),
        ("😡", "late again😡😡", True),
        ('"lost my bag"', "You LOST  my\nbag", True),
        ('"lost my bag"', "lost all my bags", False),
        ("overheat*", "it overheated", True),
        ("a1 NEAR/1 b1", "a1 x b1", True),
        ("a1 NEAR/1 b1", "b1 x a1", True),
        ("a1 NEAR/1 b1", "a1 x y b1", False),
        ("a1 NEAR/0 b1", "a1, b1", True),
        ("a1 NEAR/1 b1 NEAR/1 c1", "a1 b1 c1", True),
        ("a1 NEAR/1 (b1 OR c1)", "a1 x c1", True),
        ("a1 NOT b1", "a1 b1", False),
        ('a1 NOT "b1 c1"', "a1 b1 d1 c1", True),
        ("acme", "", False),
        ("acme", "acme\0\ud800", True),
    ],
)
def test_what_a_query_finds(query: str, text: str, found: bool) -> None:
    assert matches(parse(query), document(post(text=text))) is found


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("from:marta", True),
        ("from:@Marta", True),
        ('author:"marta quill"', True),
        ("author:mart", False),
        ("title:smoke", True),
        ("title:charger", False),
        ("smoke charger", True),
        ("lang:en", True),
        ("lang:en-ca", True),
        ("lang:fr", False),
        ("site:blog.example", True),
        ("site:example", True),
        ("site:og.example", False),
        ("source:travel-blogs", True),
        ("kind:comment", True),
        ("is:comment", True),
        ("is:review", False),
        ("is:reply", True),
        ("NOT is:reply", False),
    ],
)
def test_fields(query: str, holds: bool) -> None:
    of = post(
        source="travel-blogs",
        title="Smoke at row 14",
        text="The charger",
        author=Author(handle="marta", name="Marta Quill"),
        lang="en-CA",
        site="blog.example",
        kind=PostKind.COMMENT,
        parent="p0",
    )
    assert matches(parse(query), document(of)) is holds


def test_what_was_asked_for_is_shown_where_it_stands() -> None:
    text = "Café  NIMBUS\u200b lost my bag; cafe again. #Nimbus overheated 東京電話"
    found = spans(parse('cafe nimbus "my bag" overheat* 東京 NOT lost'), text)
    assert [text[start:end].strip("\u200b") for start, end in found] == [
        "Café", "NIMBUS", "my bag", "cafe", "Nimbus", "overheated", "東京",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ('("acme air" OR @acmeair) NOT "acme hardware"', ("acme air", "@acmeair")),
        ("lang:en acme", ("acme",)),
        ("acme NEAR/3 refund", ("acme",)),
        ("lang:en", ()),
    ],
)
def test_the_words_that_mean_the_brand(query: str, names: tuple[str, ...]) -> None:
    assert terms(parse(query)) == names


def test_a_long_text_with_many_hits_is_held_against_near_in_good_time() -> None:
    """Both sides stand thousands of times, never near enough: all pairs would be forty-nine million."""
    text = "a1 " * 7_000 + "x " * 50 + "b1 " * 7_000
    assert not matches(parse("a1 NEAR/40 b1"), document(post(text=text)))
    assert matches(parse("a1 NEAR/50 b1"), document(post(text=text)))


@pytest.mark.parametrize("text", ["Ａcme  ÀÉ", "ﬁne İI", "\u1e9e", "한국", "a\u0301\u0328", "\u0958", "2⁄3", "\ufdfa"])
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
