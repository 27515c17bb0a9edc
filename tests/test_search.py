"""What a search asks: which part the store answers, which the index, and what is said about a mistake."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.post import Post
from listener.query import And, Field, Not, Or, QueryError, Word, document, parse
from listener.search import holds, question, split
from listener.storage.contract import Question, Sort

NOW = datetime(2026, 5, 4, 13, 0, tzinfo=UTC)
DOC = document(Post(source="blog", id="1", url="", text="Acme lost my bag"))


def test_nothing_asks_for_everything() -> None:
    assert question("  ") == Question()


def test_flags_are_kept() -> None:
    asked = question("bag", since=NOW, until=NOW, sort=Sort.SEVERITY, limit=7, before=9)
    assert asked == Question(query=Word("bag"), since=NOW, until=NOW, sort=Sort.SEVERITY, limit=7, before=9)


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("since:2026-05-01", datetime(2026, 5, 1, tzinfo=UTC), None),
        ("until:2026-05-01T06:00+02:00", None, datetime(2026, 5, 1, 4, tzinfo=UTC)),
        ("since:7d until:1d", NOW - timedelta(days=7), NOW - timedelta(days=1)),
        ("since:7d since:2d", NOW - timedelta(days=2), None),
    ],
)
def test_times_in_the_query_are_the_same_as_the_flags(
    text: str, since: datetime | None, until: datetime | None
) -> None:
    assert question(text, now=NOW) == Question(since=since, until=until)
    assert question(f"bag {text}", now=NOW) == Question(query=Word("bag"), since=since, until=until)


def test_the_narrower_of_flag_and_query_counts() -> None:
    assert question("since:2026-05-02", since=NOW).since == NOW
    assert question("since:2026-05-06", since=NOW).since == datetime(2026, 5, 6, tzinfo=UTC)


def test_a_time_inside_or_and_not_stays_there_and_no_longer_moves() -> None:
    fixed = Field("since", ":", (NOW - timedelta(days=7)).isoformat())
    assert question("bag OR since:7d", now=NOW).query == Or((Word("bag"), fixed))
    assert question("NOT since:7d", now=NOW).query == Not(fixed)


def test_what_the_store_knows_is_split_from_what_was_said() -> None:
    parts = split(parse("brand:acme (bag OR lost) (severity>=60 OR verdict:praise) NOT status:open -late author:x"))
    assert parts.columns == (
        Field("brand", ":", "acme"),
        Or((Field("severity", ">=", "60"), Field("verdict", ":", "praise"))),
        Not(Field("status", ":", "open")),
    )
    assert parts.text == And((Or((Word("bag"), Word("lost"))), Not(Word("late")), Field("author", ":", "x")))


def test_words_and_columns_in_one_or_are_held_against_each_row() -> None:
    parts = split(parse("bag OR severity>=60"))
    assert parts.columns == () and isinstance(parts.text, Or)


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("bag severity:high", 5, "severity is a number from 0 to 100; write for example severity>=60"),
        ("severity>=101", 1, "from 0 to 100"),
        ("verdict:angry", 1, "verdict: knows complaint, praise, question, other"),
        ('"verdict:angry" (a OR verdict:angry)', 23, "verdict: knows"),
        ("priority:P9", 1, "knows p1, p2, p3, p4"),
        ("status:lost", 1, "knows open"),
        ("has:luck", 1, "knows case"),
        ("bag since:yesterday", 5, "since: takes a day, since:2026-05-01"),
        ("until:2026-99-01", 1, "until: takes a day"),
        ("owner>Dana", 1, "owner is not a number; write owner:dana"),
        ("from>=dana", 1, "from is not a number"),
    ],
)
def test_a_mistake_is_pointed_at_and_the_mend_is_said(text: str, column: int, says: str) -> None:
    with pytest.raises(QueryError, match=says.replace("(", "\\(")) as wrong:
        question(text)
    assert wrong.value.column == column


def test_a_duration_needs_to_know_the_time() -> None:
    with pytest.raises(QueryError, match="or a duration, 7d"):
        question("since:soon", now=NOW)
    with pytest.raises(QueryError, match="takes a day"):
        question("since:7d")
    with pytest.raises(QueryError, match="takes a day"):
        question("since:999999w", now=NOW)


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("severity>=60", True),
        ("severity>60", False),
        ("severity<=60", True),
        ("severity<60", False),
        ("severity=60", True),
        ("severity:60", True),
        ('owner:"dana fox"', True),
        ("owner:dana", False),
        ("has:case", True),
        ("has:promise", False),
        ("NOT has:promise lost", True),
        ("lost OR has:promise", True),
        ("found OR has:promise", False),
        ("(until:2026-05-05 OR x)", True),
        ("(since:2026-05-05 OR x)", False),
    ],
)
def test_what_a_query_means_of_one_mention(text: str, met: bool) -> None:
    facts = {"severity": 60, "owner": "Dana Fox", "case": 7, "promise": "", "posted": NOW}
    assert holds(parse(text), DOC, facts) is met


@given(st.text(alphabet='ab "()-:<>=*ORNT severitysince2026', max_size=40))
def test_whatever_is_typed_is_a_question_or_a_mistake_with_its_place(text: str) -> None:
    try:
        question(text, now=NOW)
    except QueryError as wrong:
        assert 1 <= wrong.column <= len(text) + 1
