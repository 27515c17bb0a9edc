"""The mention history on the desk: found, marked, folded, counted, drawn, saved, taken out, and asked for again later."""

import csv
import io
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zipfile import ZipFile

import pytest
from builders import NOW, batch, post, quiet
from conftest import Clock
from deskworld import Browser, DeskWorld, filled, opened, settings
from hypothesis import given
from hypothesis import strategies as st

from connectors.post import Author
from listener import copies
from listener.query import parse
from listener.storage.contract import Heard, Picture, Store
from listener.triage import Verdict
from listener.web import pictures, searching, words

COPY = "Acme Air sells no coffee on short flights any more and that is a pity for all of us who fly before dawn."


@pytest.fixture
async def world(store: Store, clock: Clock, tmp_path: Path) -> AsyncIterator[DeskWorld]:
    await filled(store, clock())
    for number in range(30):
        at = NOW - timedelta(days=30 - number)
        said = post(f"h{number}", COPY if number % 10 == 0 else f"Acme Air, day {number}, gate {number * 7}.", title="")
        said = replace(said, author=Author(handle=f"a{number}"), created=at)
        verdict = Verdict.PRAISE if number % 2 else Verdict.QUESTION
        await store.keep(batch(Heard(post=said, mentions=(quiet(verdict=verdict),)), at=at))
    async with opened(store, settings(tmp_path / "config"), clock) as here:
        yield here


async def test_what_is_found_is_marked_and_copies_are_folded(world: DeskWorld) -> None:
    async with await world.browser("Lee Park") as lee:
        page = (await lee.get("/search?q=coffee")).text
        assert page.count("<mark>coffee</mark>") == 1 and "2 more said the same, or nearly" in page
        assert "<mark>&lt;script&gt;" not in page


async def test_pages_follow_each_other_without_a_gap_or_a_repeat(world: DeskWorld) -> None:
    seen, path = list[str](), "/search?q=gate&sort=newest"
    async with await world.browser("Lee Park") as lee:
        while path:
            page = (await lee.get(path)).text
            seen += re.findall(r"day (\d+), <mark>", page)
            further = re.search(r'href="(/search[^"]+)" rel="next"', page)
            path = further[1].replace("&amp;", "&") if further else ""
    assert len(seen) == 27 == len(set(seen))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("colour:red", "is not a field"),
        ('"open', "quote"),
        ("severity>=many", "number"),
        ("is:answered AND", "missing"),
    ],
)
async def test_a_mistake_in_a_query_is_said_with_its_mend(world: DeskWorld, query: str, said: str) -> None:
    async with await world.browser("Dana Fox") as dana:
        page = await dana.get(f"/search?q={query}")
    assert page.status == 422 and said in page.text and 'aria-invalid="true"' in page.text


@pytest.mark.parametrize(
    "path",
    ["/search?before=x&sort=up", "/search?before=99999999999999999999", "/search?q=%00", "/digest?since=x&until=y"],
)
async def test_nonsense_in_an_address_breaks_nothing(world: DeskWorld, path: str) -> None:
    async with await world.browser("Lee Park") as lee:
        assert (await lee.get(path)).status in (200, 422)


async def test_a_picture_counts_what_was_found(world: DeskWorld) -> None:
    async with await world.browser("Dana Fox") as dana:
        page = (await dana.get("/search/picture?q=gate")).text
    assert "<b>27</b> mentions" in page and page.count("<rect") == 27
    assert "praise 15 (56 %)" in page and "Mentions by day and verdict" in page


async def test_a_search_is_saved_for_everybody_and_removed(world: DeskWorld) -> None:
    async with await world.browser("Pia Roth") as pia, await world.browser("Dana Fox") as dana:
        await pia.get("/search?q=coffee")
        await pia.send("/search/saved", name="<b>coffee</b>", q="coffee since:7d")
        page = (await dana.get("/search")).text
        assert "&lt;b&gt;coffee&lt;/b&gt;" in page and "q=coffee%20since%3A7d" in page
        assert (await dana.send("/search/saved", name="mine", q="acme")).status == 403
        await pia.get("/search")
        assert (await pia.send("/search/saved", name="broken", q="colour:red")).status == 422
        [one] = await world.store.searches()
        await pia.send(f"/search/saved/{one.id}/drop")
    assert await world.store.searches() == ()


async def test_a_tracking_query_is_tried_before_it_tracks(world: DeskWorld) -> None:
    async with await world.browser("Lee Park") as lee:
        tried = (await lee.get("/search/preview?q=coffee")).text
        assert "would have matched <b>3</b>" in tried and "cannot be counted here" in tried
        assert (await lee.get("/search/preview?q=verdict:praise")).status == 422
        assert (await lee.get("/search/preview?q=NOT acme")).status == 422


FORMULAS = ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", " =1")


async def test_what_is_taken_out_is_whole_and_holds_no_formula(world: DeskWorld) -> None:
    for number, formula in enumerate(FORMULAS):
        evil = replace(post(f"e{number}", f"{formula} acme formula"), author=Author(handle=formula), title=formula)
        await world.store.keep(batch(Heard(post=evil, mentions=(quiet(),))))
    async with await world.browser("Pia Roth") as pia:
        sheet = await pia.get("/search/export/csv?q=formula")
        lines = await pia.get("/search/export/jsonl?q=formula")
        async with pia.http.get(f"{world.address}/search/export/xlsx?q=formula") as answer:
            book = ZipFile(io.BytesIO(await answer.read()))
        assert (await pia.get("/search/export/exe?q=formula")).status == 422
    assert 'filename="mentions-2026-05-04.csv"' in sheet.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(sheet.text.removeprefix("\ufeff"))))
    assert len(rows) == len(FORMULAS)
    assert not [cell for row in rows for cell in row.values() if cell.lstrip()[:1] in ("=", "+", "@", "\t")]
    assert {json.loads(line)["title"] for line in lines.text.splitlines()} == set(FORMULAS)
    inside = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in inside and inside.count("<row") == len(FORMULAS) + 1


async def test_a_digest_of_a_past_moment_is_the_same_whenever_it_is_asked(world: DeskWorld, clock: Clock) -> None:
    async with await world.browser("Lee Park") as lee:
        page = (await lee.get("/digest")).text
        way = re.search(r'href="(/digest\?since=[^"]+until=[^"]+)"', page)
        assert way
        first = (await lee.get(way[1].replace("&amp;", "&"))).text
        clock.forward(hours=3)
        await lee.get("/cases/3")
        await lee.send("/cases/3/dismiss", reason="a joke")
        again = (await lee.get(way[1].replace("&amp;", "&"))).text
    assert _told(first) == _told(again) and ">3</a> open</b>" in again


def _told(page: str) -> str:
    return page.partition('<div class="digest">')[2].partition("</main>")[0]


async def agreed(sam: Browser, page: str) -> int:
    """Follows every number of a digest to what it counts; how many there were."""
    ways = re.findall(r'<a href="(/search[^"]+|/digest/[^"]+)">(\d+)</a>', page)
    for way, number in ways:
        counted = (await sam.get(way.replace("/search?", "/search/picture?").replace("&amp;", "&"))).text
        wanted = f"<b>{number}</b> mentions" if way.startswith("/search") else f"<p>{number} of the digest"
        assert wanted in counted, way
    return len(ways)


async def test_every_number_of_a_digest_leads_to_a_search_that_gives_it(world: DeskWorld, clock: Clock) -> None:
    clock.forward(minutes=1)
    for number, text in enumerate(("Grazie, DANA FOX of Acme Air!", "Dana, Acme Air loves you", "dana acme air day")):
        thanks = Heard(post=post(f"t{number}", text, title=""), mentions=(quiet(verdict=Verdict.PRAISE),))
        await world.store.keep(batch(thanks, at=clock()))
    async with await world.browser("Sam Ortiz") as sam:
        page = (await sam.get("/digest?since=60d")).text
        assert await agreed(sam, page) > 6
        assert re.search(r'Dana Fox <a href="/digest/praise[^"]+">2</a>', page), "a name is written as a name is"


async def test_a_brand_that_is_new_and_a_post_that_is_gone_leave_a_digest_right(world: DeskWorld, clock: Clock) -> None:
    """Posts that were here before speak of the new brand once they are edited; of what was deleted a number stays."""
    clock.forward(days=1)
    both = replace(post("h3", "Acme Air and Bolt Rail, day 3, gate 21."), created=NOW - timedelta(days=27))
    await world.store.keep(batch(Heard(post=both, mentions=(quiet(), quiet("Bolt Rail"))), at=clock()))
    async with await world.browser("Sam Ortiz") as sam:
        clock.forward(minutes=1)
        today = (await sam.get("/digest?since=1h")).text
        assert "Bolt Rail" in today and await agreed(sam, today) >= 2
        week = re.search(r'href="(/digest\?since=[^"]+until=[^"]+)"', (await sam.get("/digest?since=60d")).text)
        assert week and await world.store.erase("blog", ("h4", "p4"), clock()) == 2
        after = (await sam.get(week[1].replace("&amp;", "&"))).text
        assert "Deleted since" in after and await agreed(sam, after) > 5


# Pure

TEXTS = st.text(st.sampled_from("aAbß <>&\"'İ\u202e\n"), max_size=40)


@given(TEXTS, st.lists(TEXTS, max_size=3))
def test_marking_loses_nothing_and_lets_no_markup_through(text: str, sought: list[str]) -> None:
    assert "".join(piece for piece, _ in words.pieces(text, sought)) == text
    shown = str(words.marked(text, sought))
    assert not re.search(r"<(?!/?mark>)", shown)


TIMES = st.integers(0, 700 * 24).map(lambda hours: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=hours))


@given(
    st.dictionaries(TIMES, st.integers(1, 50), min_size=1, max_size=40),
    st.sampled_from(["America/Toronto", "Asia/Kolkata", "UTC"]),
    st.booleans(),
)
def test_a_chart_counts_every_mention_and_stays_within_its_frame(
    counts: dict[datetime, int], zone: str, hours: bool
) -> None:
    times = {
        (at, brand, verdict): (count, count * 10)
        for at, count in counts.items()
        for brand, verdict in (("Acme Air", "complaint"), ("Bolt", "praise"))
    }
    total = sum(count for count, _ in times.values())
    picture = Picture(total=total, more=False, hours=hours, times=times, by={})
    bars, lines = pictures.stacked(picture, zone), pictures.compared(picture, zone, ["Acme Air", "Bolt"])
    assert bars and lines and len(bars.columns) <= 900
    assert sum(column.total for column in bars.columns) == sum(column.total for column in lines.columns) == total
    assert all(one.end == other.begin for one, other in pairwise(bars.columns))
    assert all(0 <= bar.y <= bars.top and 0 <= bar.x <= bars.width and bar.height > 0 for bar in bars.bars)
    assert all(0 <= y <= lines.top for line in lines.lines for _, y, _, _ in line.dots)


COPIED = "I flew with Acme Air to Lisbon in March and my bag never came; nobody at the desk could say where it was."


@pytest.mark.parametrize(
    ("other", "folded"),
    [
        (COPIED.upper() + " https://blog.example/p/9", True),
        (COPIED.replace("March", "April").replace("Lisbon", "Porto").replace("desk", "gate"), False),
        (COPIED.replace("March", "April"), True),
        (f"RT @jo: {COPIED}", True),
        ("Acme Air has a fine lounge in Lisbon and the coffee there is worth the walk from the gate in March.", False),
        ("my bag never came", False),
    ],
)
def test_what_is_nearly_the_same_is_folded(other: str, folded: bool) -> None:
    assert copies.alike(copies.shingles(COPIED), copies.shingles(other)) is folded


def test_a_text_that_two_strangers_may_write_is_like_nothing() -> None:
    assert not copies.alike(copies.shingles("worst airline ever"), copies.shingles("worst airline ever"))


def test_a_piece_of_a_long_text_shows_what_was_asked_for() -> None:
    text = f"{'word ' * 400}needle {'word ' * 400}"
    assert "<mark>needle</mark>" in searching.found(text, parse("needle"), 700)
