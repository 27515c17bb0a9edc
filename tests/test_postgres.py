"""What is PostgreSQL's own: values, searches that only it could get wrong, and that both stores have the same tables."""

from collections.abc import AsyncIterator, Iterator

import postgresserver
import pytest
from builders import NOW, batch, complaint, mention, post
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from listener.query import fold, parse
from listener.storage.contract import Heard, Question
from listener.storage.postgres import PostgresStore
from listener.storage.postgres.dialect import Postgres
from listener.storage.postgres.indexing import LONGEST, lexemes, tsquery
from listener.storage.postgres.session import Session
from listener.storage.sqlite.lanes import connect, tables
from listener.storage.sqlite.schema import prepare

OURS = {"post_keys", "post_words", "leases", "moves", "retired", "migrations"}  # PostgreSQL's own
THEIRS = {"posts_fts", "_sqlite_migrations", "sqlite_sequence"}


@pytest.fixture
async def store() -> AsyncIterator[PostgresStore]:
    opened = await postgresserver.opened("")
    yield opened
    await opened.aclose()


async def test_both_stores_have_the_same_tables(store: PostgresStore) -> None:
    """Whoever adds a table or a column to one schema.py adds it to the other."""
    db = connect(":memory:")
    prepare(tables(db))
    embedded = {
        (name, column.name)
        for name in tables(db).table_names()
        if not name.startswith("posts_fts") and name not in THEIRS
        for column in tables(db)[name].columns
    }
    sql = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
    rows = await store._reader.read(lambda db: db.execute(sql).fetchall())
    ours = {(table, column) for table, column in rows if table not in OURS and not table[-2:].isdigit()}
    assert {
        each for each in embedded ^ ours if each[0] != "arrivals" and each[1] not in ("taken_until", "taken_due")
    } == set()


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    opened = Session(postgresserver.shelf().take(), Postgres())
    yield opened
    opened.conn.close()


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_a_text_comes_back_as_it_was(session: Session, text: str) -> None:
    assert session.execute("SELECT ?::text, ?::text", (text, f"\0{text}\ufdd0")).fetchone()[:] == (
        text,
        f"\0{text}\ufdd0",
    )


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("lost", "('lost')"),
        ('"lost bag"', "('lost' & 'bag')"),
        ("refund*", "('refund':*)"),
        ("a OR (b c)", "(('a') | (('b') & ('c')))"),
        ("a NOT b", "(('a') & !('b'))"),
        ('a NOT "b c"', "(('a'))"),
        ("a NEAR/3 b", "(('a') & ('b'))"),
        ("a OR lang:en", ""),
        ("返金", "('返' & '金')"),
    ],
)
def test_a_query_becomes_what_the_index_is_asked(text: str, expression: str) -> None:
    assert tsquery(parse(text)) == expression


def test_a_post_of_too_many_words_is_found_by_every_search() -> None:
    words = lexemes(" ".join(f"word{number:0300}" for number in range(5_000)), "marta", "brand_acme").split(" ")
    assert {"~", "@marta", "#brand_acme"} <= set(words)
    assert sum(len(word) for word in words) < 1_000_000
    assert max(map(len, lexemes("x" * 5_000, "", "").split())) == LONGEST


async def test_what_postgresql_cannot_index_whole_is_kept_and_found(store: PostgresStore) -> None:
    many = " ".join(f"word{number:0200}" for number in range(6_000))
    await store.keep(batch(complaint("https://blog.example/" + "x" * 9_000, text=f"Acme Air {many} last")))
    for words in ("acme", "last", f"word{5_999:0200}"):
        assert [row.title async for row in store.search(Question(query=parse(words)))], words
    assert [row async for row in store.search(Question(query=parse("nowhere")))] == []


@pytest.mark.parametrize("name", ["Zoë Straße", "İzmir Rail", "ＡＣＭＥ", "acme  air"])
async def test_names_fold_as_everywhere(store: PostgresStore, name: str) -> None:
    """Letters that SQL does not fold are compared by Python, also under NOT."""
    said = post("p1"), post("p2")
    brands = (name, "Other")
    await store.keep(batch(*(Heard(post=p, mentions=(mention(p, b),)) for p, b in zip(said, brands, strict=True))))
    for text, found in ((f'brand:"{fold(name)}"', [name]), (f'NOT brand:"{fold(name)}"', ["Other"])):
        assert [row.brand async for row in store.search(Question(query=parse(text)))] == found


async def test_a_month_begins_whenever_something_is_heard_in_it(store: PostgresStore) -> None:
    for year in (2019, 2026, 2031):
        await store.keep(batch(complaint(f"p{year}"), at=NOW.replace(year=year, month=12, day=31)))
    rows = [row.heard.year async for row in store.search(Question(query=parse("acme")))]
    assert rows == [2031, 2026, 2019]
