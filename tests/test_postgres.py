"""What is PostgreSQL's own: values, searches that only it could get wrong, and that both stores have the same tables."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import postgresserver
import pytest
from builders import NOW, batch, complaint, mention, post, quiet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.contract import Hearing
from escalation.commands import Dismiss
from escalation.desk import Desk
from listener.query import fold, parse
from listener.storage.contract import Failure, Heard, Question, Sort, StoreError, TakenOver
from listener.storage.postgres import PostgresStore, months
from listener.storage.postgres.dialect import Postgres
from listener.storage.postgres.indexing import LONGEST, lexemes, tsquery
from listener.storage.postgres.schema import prepare as prepare_postgres
from listener.storage.postgres.session import Session
from listener.storage.sql.keeping import keep
from listener.storage.sqlite.lanes import connect, tables
from listener.storage.sqlite.schema import prepare

OURS = {
    "post_keys",
    "post_words",
    "leases",
    "moves",
    "retired",
    "strays",
    "tally_changes",
    "migrations",
}  # PostgreSQL's own
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
        each for each in embedded ^ ours if each[0] != "arrivals" and each[1] not in ("taken_until", "taken_seq")
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


async def test_a_brand_that_an_edit_brought_in_a_later_month_is_found_beside_its_post(store: PostgresStore) -> None:
    for month in (3, 4, 5):
        said = Heard(post=post(f"p{month}"), mentions=(quiet(),))
        await store.keep(batch(said, at=NOW.replace(month=month)))
    mentions = (quiet(), replace(quiet(), brand="Bolt"))
    await store.keep(batch(Heard(post=post("p3", text="Acme Air, and Bolt"), mentions=mentions), at=NOW))
    whole = [("Post p5", "Acme Air"), ("Post p4", "Acme Air"), ("Post p3", "Bolt"), ("Post p3", "Acme Air")]
    for text in ("", "acme", "heard>=2026-01-01"):
        for sort in (Sort.NEWEST, Sort.SEVERITY, Sort.REACH):
            assert await paged(store, Question(query=parse(text) if text else None, sort=sort)) == whole, (text, sort)
    assert await paged(store, Question(query=parse("brand:bolt"))) == whole[2:3]
    assert (await store.picture(Question(query=parse("acme")))).total == 4


async def test_two_hosts_at_the_turn_of_a_month_mix_their_numbers(store: PostgresStore) -> None:
    june = NOW.replace(month=6, day=1)
    for number, at in enumerate((NOW, june, NOW, NOW, june, NOW, june, june)):
        await store.keep(batch(Heard(post=post(f"p{number}"), mentions=(quiet(),)), at=at))
    for text in ("", "acme"):
        found = await paged(store, Question(query=parse(text) if text else None))
        assert [title for title, _ in found] == [f"Post p{number}" for number in reversed(range(8))], text


async def paged(store: PostgresStore, asked: Question) -> list[tuple[str, str]]:
    """Two at a time: what a page begins with is what the one before ended with."""
    found, last = list[tuple[str, str]](), None
    while page := [row async for row in store.search(replace(asked, before=last, limit=2))]:
        found += [(row.title, row.brand) for row in page]
        last = page[-1].id
    return found


async def test_months_that_are_too_old_go_and_everything_balances(store: PostgresStore) -> None:
    for month in range(1, 7):
        at = NOW.replace(month=month)
        said = [post(f"p{month}-{number}") for number in range(3)]
        heard = [Heard(post=one, mentions=(quiet(),)) for one in said]
        await store.keep(batch(*heard, Heard(post=post(f"q{month}", text="nothing")), at=at, follow=True))
    edited = post("p1-0", text="Acme Air, and Bolt too")
    mentions = (quiet(), replace(quiet(), brand="Bolt"))
    await store.keep(batch(Heard(post=edited, mentions=mentions), at=NOW.replace(month=6)))
    before = await store.balance()
    assert await store.retire(date(2026, 4, 20)) == (date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1))
    after = await store.balance()
    assert (after.posts, after.mentions, after.findings) == (before.posts, before.mentions, ())
    rows = [row async for row in store.search(Question(limit=100))]
    assert sorted({row.heard.month for row in rows}) == [4, 5, 6] and {row.brand for row in rows} == {"Acme Air"}
    again = await store.keep(batch(complaint("p1-1"), at=NOW.replace(month=7)))
    assert (again.new, again.opened) == (0, ()), "heard again it is known, and no news"
    assert await store.retire(date(2026, 4, 20)) == ()


async def test_next_months_tables_are_there_before_it_begins(store: PostgresStore) -> None:
    await store.keep(batch(complaint("p1"), at=NOW))
    await store.tidy(NOW)
    there = await store._reader.read(months.there)
    assert there == [date(2026, 5, 1), date(2026, 6, 1)]
    assert [row.title async for row in store.search(Question(query=parse("acme")))] == ["Post p1"]


async def test_a_month_stays_while_a_case_of_it_is_open(store: PostgresStore) -> None:
    await store.keep(batch(complaint("p1"), at=NOW.replace(month=1)))
    await store.keep(batch(Heard(post=post("p2"), mentions=(quiet(),)), at=NOW.replace(month=2)))
    assert await store.retire(date(2026, 6, 1)) == ()
    await Desk(store).handle(1, Dismiss(by="Dana Fox", reason="x"), NOW)
    assert len(await store.retire(date(2026, 6, 1))) == 2
    assert (await store.balance()).findings == ()


# one of many

LEASE = timedelta(seconds=60)


@pytest.fixture
async def two() -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    """Two processes on one database."""
    address = postgresserver.shelf().take()
    stores = await PostgresStore.open(address), await PostgresStore.open(address)
    yield stores
    for store in stores:
        await store.aclose()
    postgresserver.shelf().give_back(address)


async def test_what_one_has_taken_the_other_gets_when_it_is_given_back_or_its_lease_ends(
    two: tuple[PostgresStore, PostgresStore],
) -> None:
    here, there = two
    assert await here.take("source blog", LEASE) and await here.take("source blog", LEASE)
    assert not await there.take("source blog", LEASE)
    await there.give_back("source blog")
    assert not await there.take("source blog", LEASE), "nobody gives back what another has"
    await here.give_back("source blog")
    assert await there.take("source blog", timedelta(0))
    assert await here.take("source blog", LEASE)


async def test_what_has_ended_is_not_prolonged(two: tuple[PostgresStore, PostgresStore]) -> None:
    here, there = two
    await here.take("lasts", LEASE)
    await here.take("ended", timedelta(0))
    await here.renew(NOW, LEASE)
    assert not await there.take("lasts", LEASE)
    assert await there.take("ended", LEASE)


async def test_who_was_frozen_for_too_long_keeps_nothing(two: tuple[PostgresStore, PostgresStore]) -> None:
    here, there = two
    await here.take("source blog", timedelta(0))
    await there.take("source blog", LEASE)
    late = replace(batch(complaint("p1"), cursor={"page": 1}), lease="source blog")
    with pytest.raises(TakenOver):
        await here.keep(late)
    assert (await here.balance()).posts == {}
    assert (await there.keep(late)).new == 1
    failure = Failure(source="blog", at=NOW, error="x", hearing=Hearing.BLOCKED, next_poll=NOW, told_silent=False)
    with pytest.raises(TakenOver):
        await here.keep_failure(replace(failure, lease="source blog"))
    assert (await there.source("blog")).failures == 0


async def test_a_notice_that_was_taken_over_is_not_said_and_not_failed(
    two: tuple[PostgresStore, PostgresStore],
) -> None:
    here, there = two
    await here.keep(batch(complaint("p1")))
    mine = {one.notice.key for one in await here.claim(NOW, 10, LEASE)}
    assert mine and await here.hold(mine) and not await there.hold(mine)
    assert await there.claim(NOW, 10, LEASE) == ()
    theirs = {one.notice.key for one in await there.claim(NOW + LEASE, 10, LEASE)}
    assert theirs == mine and not await here.hold(mine)
    await here.failed(next(iter(mine)), "late", None)
    assert await there.hold(theirs)
    assert (await there.balance()).undeliverable == 0


async def test_a_case_that_is_due_is_stepped_by_one(two: tuple[PostgresStore, PostgresStore]) -> None:
    await two[0].keep(batch(*(complaint(f"p{number}") for number in range(20))))
    late = NOW + timedelta(minutes=5)
    taken = await asyncio.gather(*(store.take_due(late, 7) for store in two for _ in range(3)))
    assert sorted(case for some in taken for case in some) == list(range(1, 21))
    assert await two[0].take_due(late, 7) == ()
    for store in two:
        await Desk(store).look(late)
    assert {len(await two[0].timeline(case)) for case in range(1, 21)} == {1}, "they are with whoever took them"


async def test_of_two_who_hear_the_same_matter_at_once_one_opens_it_and_one_joins_it(
    two: tuple[PostgresStore, PostgresStore],
) -> None:
    for number in range(10):
        said = [post(f"p{number}", source=source) for source in ("blog", "mirror")]
        heard = [Heard(post=one, mentions=(mention(one, thread=f"blog.example/{number}"),)) for one in said]
        pages = [batch(one, source=one.post.source) for one in heard]
        kept = await asyncio.gather(*(store.keep(page) for store, page in zip(two, pages, strict=True)))
        assert sorted((len(one.opened), one.joined) for one in kept) == [(0, 1), (1, 0)]
    assert (await two[0].balance()).findings == ()


async def test_of_two_who_hear_one_post_at_once_one_keeps_it(two: tuple[PostgresStore, PostgresStore]) -> None:
    pages = [batch(*(complaint(f"p{number}") for number in order)) for order in (range(50), reversed(range(50)))]
    kept = await asyncio.gather(*(store.keep(page) for store, page in zip(two, pages, strict=True)))
    assert sorted(one.new for one in kept) == [0, 50]


async def test_who_hears_a_loud_brand_waits_for_nobody_who_hears_it_too(
    two: tuple[PostgresStore, PostgresStore],
) -> None:
    here, there = two
    first, pages = complaint("p0"), [Heard(post=post(f"p{number}"), mentions=(quiet(),)) for number in (1, 2)]
    await here.keep(batch(first))

    def begun(db: Session) -> None:
        keep(db, batch(pages[0], source="blog"))
        db.execute("SAVEPOINT here")
        asyncio.run_coroutine_threadsafe(there.keep(batch(pages[1], source="forum")), loop).result(20)

    loop = asyncio.get_running_loop()
    await here._writer.write(begun)
    assert (await here.picture(Question())).total == 3


async def test_what_was_counted_is_added_up_later_and_is_right_before_and_after(
    two: tuple[PostgresStore, PostgresStore],
) -> None:
    here, there = two
    for number in range(6):
        heard = [complaint(f"p{number}"), Heard(post=post(f"q{number}"), mentions=(quiet(),))]
        await two[number % 2].keep(batch(*heard, source=f"blog{number % 2}", at=NOW + number * timedelta(hours=7)))
    await here.keep(batch(gone=("p2",), source="blog0", at=NOW + timedelta(days=3)))
    before, judged = await here.picture(Question()), (await here.vitals(NOW)).mentions
    assert before.total == 11 and (await here.balance()).findings == ()
    await asyncio.gather(*(store.tidy(NOW + timedelta(days=9)) for store in two))
    assert await there.picture(Question()) == before and (await there.vitals(NOW)).mentions == judged
    assert (await here.balance()).findings == ()
    left = "SELECT count(*) FROM tally_changes UNION ALL SELECT count(*) FROM arrivals WHERE backend <> 0"
    assert await here._reader.read(lambda db: [count for (count,) in db.execute(left)]) == [0, 0]


async def test_nobody_waits_behind_a_month_that_goes_while_somebody_reads(
    two: tuple[PostgresStore, PostgresStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = two
    monkeypatch.setattr(months, "HURRY", "50ms")
    await here.keep(batch(Heard(post=post("p1"), mentions=(quiet(),)), at=NOW.replace(month=1)))
    loop = asyncio.get_running_loop()

    def reading(db: Session) -> None:
        db.execute("SELECT count(*) FROM posts")
        with pytest.raises(StoreError, match="lock timeout"):
            asyncio.run_coroutine_threadsafe(there.retire(date(2026, 4, 1)), loop).result(20)

    await here._writer.write(reading)
    assert await there.retire(date(2026, 4, 1)) == (date(2026, 1, 1),)


async def test_word_of_what_one_changed_reaches_the_others(two: tuple[PostgresStore, PostgresStore]) -> None:
    here, there = two
    stirred, before = asyncio.Event(), await there.moved()
    async with there.watch(stirred.set):
        while not stirred.is_set():  # LISTEN takes a moment to stand
            await here.keep(batch(complaint(f"p{await here.moved()}")))
            with suppress(TimeoutError):
                await asyncio.wait_for(stirred.wait(), 0.1)
    assert await there.moved() > before


async def test_the_clock_is_the_databases(store: PostgresStore) -> None:
    assert abs((await store.ahead(datetime.now(UTC) - timedelta(hours=2))) - timedelta(hours=2)) < timedelta(minutes=1)


async def test_a_connection_that_broke_is_opened_again(store: PostgresStore) -> None:
    sql = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
    await store._aside(lambda db: db.execute(sql).fetchall())
    assert (await store.keep(batch(complaint("p1")))).new == 1
    assert [row.title async for row in store.search(Question())] == ["Post p1"]


async def test_no_server_is_said_in_words_without_the_password() -> None:
    with pytest.raises(StoreError, match=r"postgresql://pia@127\.0\.0\.1:1/x does not answer") as wrong:
        await PostgresStore.open("postgresql://pia:s3cret@127.0.0.1:1/x")
    assert "s3cret" not in str(wrong.value)


async def test_the_version_before_survives_what_only_adds(store: PostgresStore) -> None:
    for breaks, survives in ((0, True), (1, False)):
        sql = f"INSERT INTO migrations (name, breaks) VALUES ('of the future {breaks}', {breaks})"
        await store._writer.write(lambda db, sql=sql: db.execute(sql))  # type: ignore[misc]
        if survives:
            await store._writer.write(prepare_postgres)
        else:
            with pytest.raises(StoreError, match="a newer version wrote this database"):
                await store._writer.write(prepare_postgres)
    await store._writer.write(lambda db: db.execute("DELETE FROM migrations WHERE name LIKE 'of the future%'"))
