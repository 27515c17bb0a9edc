"""A search that has to go far finds the same as one that does not; relevance ranks as it says."""

import sqlite3
from collections.abc import Iterator
from datetime import timedelta

import pytest
from builders import NOW, assessment, batch, post
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.post import Post, Reach
from listener.query import Word, document
from listener.search import holds, question, split
from listener.storage.contract import Heard, Mention, MentionRow, Question, Sort
from listener.storage.sql import erasing, keeping, searching
from listener.storage.sql.narrowing import narrowed
from listener.storage.sql.ranking import best_first
from listener.storage.sqlite.indexing import Fts5
from listener.storage.sqlite.lanes import connect, tables, transaction
from listener.storage.sqlite.schema import facts_asked_together, house, prepare
from listener.triage import Priority, Verdict

BRANDS = ("Acme Air", "Bolt", "Zürich Rail")
POSTS = 80


def said(number: int) -> Post:
    words = [word for place, word in enumerate(("bag", "lost", "refund", "返金"), 2) if number % place == 0]
    seen = Reach(views=number * 7 % 5) if number % 2 else Reach()
    source = "blog" if number % 3 else "forum"
    return post(f"p{number}", text=" ".join((*words, "acme")), title="", source=source, reach=seen)


def mention(number: int, brand: int) -> Mention:
    verdict = list(Verdict)[number * (brand + 2) % 4]
    severity = number * 37 % 101 if verdict is Verdict.COMPLAINT or number % 17 == 0 else 0
    priority = Priority.P1 if severity > 60 else Priority.P3 if severity else None
    return Mention(brand=BRANDS[brand], assessment=assessment(verdict=verdict, severity=severity, priority=priority))


def heard(number: int) -> Heard:
    brands = [brand for brand in range(3) if (number >> brand) % 2] or [0]
    return Heard(post=said(number), mentions=tuple(mention(number, brand) for brand in brands))


@pytest.fixture(scope="module")
def shelf() -> Iterator[sqlite3.Connection]:
    """Looked at a few rows at a time, so that every search goes as far as on a shelf of a million."""
    db = connect(":memory:")
    prepare(tables(db))
    for number in range(POSTS):
        one = batch(heard(number), source=said(number).source, at=NOW + number * timedelta(hours=1))
        transaction(db, lambda db, one=one: keeping.keep(db, one))  # type: ignore[misc]
    with pytest.MonkeyPatch.context() as small:
        for name, size in {"FEW": 3, "SOME": 6, "FIRST_LOOK": 2, "LONGEST_LOOK": 5}.items():
            small.setattr(searching, name, size)
        yield db
    db.close()


LEAVES = st.sampled_from(
    [
        *("acme", "bag", '"lost refund"', "返", "bag NEAR/2 refund", "ref*", "nobody", "source:forum", "has:case"),
        *('brand:"acme air"', "brand:bolt", 'brand:"zurich rail"', "brand:nobody", "priority:P1", "priority:P3"),
        *(f"verdict:{verdict}" for verdict in Verdict),
        *("severity:0", "severity>0", "severity>=60", "severity<35", "severity<=9", "severity:37", "severity>99"),
    ]
)
QUERIES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(" ".join),
        st.tuples(inner, inner, inner).map(" ".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} OR {two[1]})"),
        inner.map(lambda one: f"NOT ({one})"),
    ),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(text=QUERIES, sort=st.sampled_from([Sort.NEWEST, Sort.SEVERITY, Sort.REACH]), limit=st.sampled_from([1, 7, 500]))
def test_however_far_it_goes_it_finds_what_the_query_means_in_the_order_asked_for(
    shelf: sqlite3.Connection, text: str, sort: Sort, limit: int
) -> None:
    asked = question(text, sort=sort, limit=limit)
    found = [(row.text, row.brand, row.severity) for row in searching.mentions(shelf, asked)]
    assert found == plainly(asked)[:limit]


@settings(max_examples=30, deadline=None)
@given(text=QUERIES, sort=st.sampled_from(list(Sort)), limit=st.sampled_from([1, 4, 13]))
def test_page_by_page_it_is_the_same_as_at_once(shelf: sqlite3.Connection, text: str, sort: Sort, limit: int) -> None:
    def page(before: int | None, limit: int) -> list[int]:
        return [row.id for row in searching.mentions(shelf, question(text, sort=sort, limit=limit, before=before))]

    seen = page(None, limit)
    while more := page(seen[-1], limit) if seen else []:
        seen += more
    assert seen == page(None, 500)


@settings(max_examples=30, deadline=None)
@given(text=QUERIES)
def test_relevance_leaves_nothing_out(shelf: sqlite3.Connection, text: str) -> None:
    rows = searching.mentions(shelf, question(text, sort=Sort.RELEVANCE, limit=500))
    assert sorted(map(key, rows)) == sorted(plainly(question(text)))


def key(row: MentionRow) -> tuple[str, str, int]:
    return row.text, row.brand, row.severity


def plainly(asked: Question) -> list[tuple[str, str, int]]:
    """Every mention held against the query, sorted: slow and surely right."""
    found = [
        (said(number).text, each.brand, each.assessment.severity, said(number).seen_by)
        for number in reversed(range(POSTS))
        for each in reversed(heard(number).mentions)
        if asked.query is None or holds(asked.query, document(said(number)), facts(each))
    ]
    if asked.sort in (Sort.SEVERITY, Sort.REACH):
        found.sort(key=lambda row: -row[2 if asked.sort is Sort.SEVERITY else 3])
    return [row[:3] for row in found]


def facts(one: Mention) -> dict[str, object]:
    judged = one.assessment
    return {
        "brand": one.brand,
        "verdict": judged.verdict,
        "severity": judged.severity,
        "priority": judged.priority or "",
        "cause": judged.cause,
        "case": None,
        "owner": "",
        "status": "",
    }


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("brand:bolt", "(tags : (brand_bolt))"),
        ("brand:bolt verdict:praise", "(tags : (brand_bolt_verdict_praise))"),
        ("brand:bolt severity>=90", "(tags : (brand_bolt_band_9 OR brand_bolt_band_10))"),
        ("verdict:complaint severity>95", "(tags : (band_9 OR band_10))"),
        ("verdict:complaint severity>=0", "(tags : (verdict_complaint))"),
        ("brand:bolt severity:37", "(tags : ((brand_bolt_band_3 AND severity_37)))"),
        ("severity<50", ""),
        ("verdict:other OR severity:7", "(tags : (verdict_other OR severity_7))"),
        ("verdict:other OR kind:post", ""),
    ],
)
def test_what_is_asked_together_is_one_list_of_the_index(text: str, tags: str) -> None:
    assert Fts5().expression(narrowed(split(question(text).query).columns)).replace('"', "") == tags


# relevance


@pytest.mark.parametrize(
    ("words", "texts", "order"),
    [
        ("bag", ["a bag", "bag bag", "no"], [1, 0, 2]),
        ("bag", ["bag and a great many other words", "a bag"], [1, 0]),
        ("the gate", ["the the the", "the gate", "the the"], [1, 0, 2]),
        ("bag", ["bag one", "bag two"], [0, 1]),
        ("", ["one", "two"], [0, 1]),
        ("bag", [], []),
        ("bag", ["", ""], [0, 1]),
    ],
)
def test_a_rare_word_said_often_in_a_short_text_comes_first(words: str, texts: list[str], order: list[int]) -> None:
    assert best_first([Word(word) for word in words.split()], enumerate(texts)) == order


# a store of the version before


OLD_TAGS = "band_3 brand_bolt priority_p3 severity_37 source_blog verdict_complaint"
OLD_ROWS = f"""
INSERT INTO posts VALUES (1, 'blog', 'p1', 'f', 'kept', '2026-05-01T09:00:00.000000+00:00', NULL, 'u', '', 'lost bag',
  'marta', '', 'post', '', '', '', '');
INSERT INTO mentions VALUES (1, 1, 'Bolt', 'complaint', 0.9, 37, 'P3', '', 'kept', '', NULL,
  '2026-05-01T09:00:00.000000+00:00', '[]');
INSERT INTO posts_fts (rowid, body, author, tags) VALUES (1, 'lost bag', 'marta ', '{OLD_TAGS}');
"""


def test_a_store_of_the_first_version_is_carried_over_and_found_and_forgotten_as_any_other() -> None:
    db = connect(":memory:")
    house.apply(tables(db), stop_before=facts_asked_together.__name__)
    db.executescript(OLD_ROWS)
    prepare(tables(db))
    for text in ("bag", "brand:bolt severity>=30", "brand:bolt verdict:complaint bag"):
        assert [row.text for row in searching.mentions(db, question(text, sort=Sort.SEVERITY))] == ["lost bag"]
    assert transaction(db, lambda db: erasing.erase(db, "blog", ["p1"], NOW)) == 1
    db.execute("INSERT INTO posts_fts (posts_fts) VALUES ('integrity-check')")
    assert list(searching.mentions(db, question("bag"))) == []
    assert db.execute("SELECT count(*) FROM posts_fts_docsize").fetchone()[0] == 0
    db.close()
