"""The tallies say what counting anew says, whatever was kept, re-judged, edited and erased; a picture is exact."""

import sqlite3
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from builders import NOW, assessment, batch, mention, post, quiet
from hypothesis import given, settings
from hypothesis import strategies as st

from listener.search import question
from listener.storage.contract import Heard, Mention, Picture, Store
from listener.storage.sql import erasing, keeping, picturing, searching, tallies
from listener.storage.sqlite.lanes import connect, tables, transaction
from listener.storage.sqlite.schema import prepare
from listener.triage import Priority, Verdict

HOUR = timedelta(hours=1)
BRANDS = ("Acme Air", "Bolt")
CAUSES = ("", "billing", "safety")


def judged(number: int, brand: str) -> Mention:
    severity = number * 37 % 101
    verdict = list(Verdict)[number % 4]
    priority = Priority.P1 if severity > 60 else None
    one = assessment(verdict=verdict, severity=severity, priority=priority, cause=CAUSES[number % 3])
    return Mention(brand=brand, assessment=one)


STEPS = st.tuples(
    st.sampled_from(["keep", "keep", "edit", "erase"]), st.integers(0, 5), st.integers(0, 40), st.integers(-80, 80)
)


def step(db: sqlite3.Connection, what: str, number: int, seed: int, hours: int) -> None:
    """`number` names the post; `seed` says how it is judged, `hours` when it was written."""
    source = "blog" if number % 2 else "forum"
    if what == "erase":
        erasing.erase(db, source, [f"p{number}"], NOW)
        return
    mentions = tuple(judged(seed + place, brand) for place, brand in enumerate(BRANDS) if (seed >> place) % 2)
    text = "acme" if what == "keep" else f"acme {seed}"
    said = post(f"p{number}", text=text, source=source, created=NOW + hours * HOUR if hours % 3 else None)
    keeping.keep(db, batch(Heard(post=said, mentions=mentions), source=source, at=NOW + number * HOUR))


def standing(db: sqlite3.Connection) -> Counter[tuple[object, ...]]:
    rows = db.execute(f"SELECT {tallies.COLUMNS} FROM tallies WHERE mentions <> 0").fetchall()
    return Counter(map(tuple, rows))


def anew(db: sqlite3.Connection) -> Counter[tuple[object, ...]]:
    facets = (tallies.HOUR, tallies.DAY, *tallies.FACETS)
    return Counter(tuple(row) for facet in facets for row in db.execute(tallies.recount(facet)).fetchall())


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_a_tally_is_what_counting_anew_says(steps: list[tuple[str, int, int, int]]) -> None:
    db = connect(":memory:")
    prepare(tables(db))
    for one in steps:
        transaction(db, lambda db, one=one: step(db, *one))  # type: ignore[misc]
    assert standing(db) == anew(db)
    for text in ("", "brand:bolt", "verdict:complaint", "source:blog severity>=0", "severity>40", "acme"):
        assert_same(db, text)
    db.close()


@pytest.fixture(scope="module")
def shelf() -> sqlite3.Connection:
    db = connect(":memory:")
    prepare(tables(db))
    for number in range(300):
        at = NOW + number * timedelta(hours=5, minutes=17)
        said = post(f"p{number}", text="acme" if number % 4 else "acme bag", source="blog" if number % 3 else "forum")
        mentions = tuple(judged(number + place, brand) for place, brand in enumerate(BRANDS) if (number + place) % 3)
        one = batch(Heard(post=said, mentions=mentions), source=said.source, at=at)
        transaction(db, lambda db, one=one: keeping.keep(db, one))  # type: ignore[misc]
    return db


FIELDS = ("brand:bolt", "verdict:complaint", "source:forum", "cause:billing", "priority:p1", "severity>=50", "bag")
QUERIES = st.lists(st.sampled_from((*FIELDS, "severity<9")), max_size=3).map(" ".join)
MOMENTS = st.none() | st.integers(-10, 1_700).map(lambda hours: NOW + hours * HOUR + timedelta(minutes=hours % 60))


@settings(max_examples=80, deadline=None)
@given(text=QUERIES, since=MOMENTS, until=MOMENTS)
def test_a_picture_counts_what_the_search_finds(
    shelf: sqlite3.Connection, text: str, since: datetime | None, until: datetime | None
) -> None:
    assert_same(shelf, text, since, until)


def assert_same(
    db: sqlite3.Connection, text: str, since: datetime | None = None, until: datetime | None = None
) -> None:
    asked = question(text, since=since, until=until, limit=10_000)
    found, picture = list(searching.mentions(db, asked)), picturing.picture(db, asked)
    times, facts = Counter[tuple[datetime, str, str]](), {facet: Counter[str]() for facet in tallies.FACETS}
    for row in found:
        at = min(row.created or row.heard, row.heard).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        times[at if picture.hours else at.replace(hour=0), row.brand, row.verdict] += 1
        for facet, counts in facts.items():
            counts[str(getattr(row, facet))] += 1
    assert picture.total == len(found) and not picture.more
    assert {key: count for key, (count, _) in picture.times.items()} == times
    assert sum(severity for _, severity in picture.times.values()) == sum(row.severity for row in found)
    for facet, counts in picture.by.items():
        assert counts == facts[facet], facet


async def test_more_than_is_counted_is_said(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picturing, "NEWEST", 3)
    monkeypatch.setattr(picturing, "READ", 3)
    for number in range(5):
        said = Heard(post=post(f"p{number}", text="acme bag"), mentions=(quiet(),))
        await store.keep(batch(said, at=NOW + number * HOUR))
    whole: Picture = await store.picture(question('brand:"acme air"'))
    assert (whole.total, whole.more) == (5, False)
    counted = await store.picture(question("bag"))
    assert (counted.total, counted.more) == (3, True)
    read = await store.picture(question('"acme bag"'))
    assert (read.total, read.more) == (3, True)


async def test_a_thread_is_found_from_any_of_its_posts(store: Store) -> None:
    said = [
        post("root", "Acme Air, why?", created=NOW),
        post("r1", "Acme Air never answers", parent="root", created=NOW + HOUR),
        post("r2", "Acme Air did for me", parent="r1", created=NOW + 2 * HOUR),
        post("r3", "Acme Air lost mine", parent="gone", created=NOW + 3 * HOUR),
        post("r4", "Acme Air and mine", parent="gone", created=NOW + 4 * HOUR),
        post("loop", "Acme Air", parent="loop", created=NOW + 5 * HOUR),
    ]
    await store.keep(batch(*(Heard(post=one, mentions=(quiet(),)) for one in said), at=NOW + 9 * HOUR))
    ids = {row.title: row.id async for row in store.search(question(""))}

    async def thread(of: str, limit: int = 50) -> list[str]:
        return [row.title for row in await store.thread(ids[f"Post {of}"], limit)]

    for one in ("root", "r1", "r2"):
        assert await thread(one) == ["Post root", "Post r1", "Post r2"]
    assert await thread("r3") == ["Post r3", "Post r4"]  # what they answer was never kept
    assert await thread("loop") == ["Post loop"]
    assert await thread("root", 2) == ["Post root", "Post r1"]
    assert await store.thread(99, 50) == ()


async def test_a_case_joined_by_hand_changes_no_count(store: Store) -> None:
    one, other = post("p1"), post("p2", text="Acme Air charged twice.")
    await store.keep(batch(Heard(post=one, mentions=(mention(one),)), Heard(post=other, mentions=(mention(other),))))
    before = await store.picture(question(""))
    await store.merge(2, 1, "Dana Fox", NOW)
    assert await store.picture(question("")) == before
