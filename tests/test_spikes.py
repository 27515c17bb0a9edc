"""An hour that is louder than its own usual is found, with what drives it; what is always loud is not."""

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from builders import NOW, assessment, batch, post
from conftest import Clock
from deskworld import DeskWorld, opened, settings
from hypothesis import given
from hypothesis import settings as settings_
from hypothesis import strategies as st

from connectors.post import Author
from listener import spikes, talk
from listener.storage.contract import Heard, Mention, Store
from listener.triage import Verdict

HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
NOON = NOW.replace(hour=12)


def weekly(at: datetime, count: int, weeks: int = 9) -> dict[datetime, int]:
    """The same hour of so many weeks before, and an hour a day of hardly anything."""
    quiet = {at - day * timedelta(days=1) + 9 * HOUR: 1 for day in range(1, weeks * 7 + 1)}
    return quiet | {at - week * WEEK: count for week in range(1, weeks)}


def test_a_loud_hour_is_found_and_says_what_was_usual() -> None:
    counts = weekly(NOON, 2) | {NOON: 30, NOON - HOUR: 20}
    [spike] = spikes.spikes(counts, "Acme Air", NOON + 40 * timedelta(minutes=1))
    assert (spike.since, spike.until, spike.count) == (NOON - HOUR, NOON + HOUR, 50)
    assert 0 < spike.usual < 3


def test_what_every_week_brings_at_that_hour_is_usual() -> None:
    assert spikes.spikes(weekly(NOON, 40) | {NOON: 45}, "Acme Air", NOON) == ()


def test_a_few_are_no_spike_and_without_a_past_nothing_is_said() -> None:
    assert spikes.spikes(weekly(NOON, 0) | {NOON: 4}, "Acme Air", NOON) == ()
    assert spikes.spikes({NOON: 500}, "Acme Air", NOON) == ()


@settings_(max_examples=30)
@given(st.integers(0, 60), st.integers(0, 200), st.integers(1, 50))
def test_louder_than_a_spike_is_a_spike(usual: int, count: int, more: int) -> None:
    def loud(count: int) -> bool:
        return bool(spikes.spikes(weekly(NOON, usual) | {NOON: count}, "Acme Air", NOON))

    assert not loud(count) or (count >= spikes.FEWEST and loud(count + more))


@pytest.mark.parametrize(
    ("here", "there", "told"),
    [
        ({"outage": 20, "app": 5}, {"app": 50}, ["outage"]),
        ({"app": 5}, {"app": 50}, []),
        ({"once": 1}, {}, []),
        ({}, {}, []),
    ],
)
def test_what_is_said_oftener_than_elsewhere_tells(
    here: dict[str, int], there: dict[str, int], told: list[str]
) -> None:
    assert [value for value, _, _ in talk.telling(here, 25, there, 100)] == told


def complaint(number: int, at: datetime, text: str, source: str) -> Heard:
    judged = assessment(verdict=Verdict.COMPLAINT, severity=40, priority=None, cause="app")
    said = post(f"p{number}", text, title="", source=source, created=at, author=Author(handle=f"a{number}"))
    return Heard(post=said, mentions=(Mention(brand="Acme Air", assessment=judged),))


@pytest.fixture
async def world(store: Store, clock: Clock, tmp_path: Path) -> AsyncIterator[DeskWorld]:
    days = [
        complaint(day, NOON - day * timedelta(days=1), "Acme Air: the seat was dirty", "blog") for day in range(1, 61)
    ]
    await store.keep(batch(*days, at=NOON))
    loud = [complaint(100 + place, NOON, "Acme Air: check-in outage, the app is down", "forum") for place in range(20)]
    await store.keep(batch(*loud, source="forum", at=NOON))
    async with opened(store, settings(tmp_path / "config"), clock) as here:
        yield here


async def test_a_spike_names_the_source_and_the_words_that_drive_it(world: DeskWorld) -> None:
    [spike] = await spikes.found(world.store, "Acme Air", world.clock())
    assert spike.count == 20
    drivers = {(one.what, one.value) for one in spike.drivers}
    assert ("source", "forum") in drivers and ("word", "outage") in drivers and ("word", "seat") not in drivers
    async with await world.browser("Pia Roth") as pia:
        page = (await pia.get("/trends/unusual")).text
        assert "<b>20</b> complaints" in page and ">outage</a>" in page


async def test_brands_and_times_stand_beside_each_other_and_each_number_leads_to_its_search(world: DeskWorld) -> None:
    async with await world.browser("Pia Roth") as pia:
        page = (await pia.get("/trends?span=30d")).text
        assert "100 %" in page and ">49</a>" in page and "+63 %" in page  # 29 and 20, after 30
        way = page.partition(">49</a>")[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
        assert "<b>49</b> mentions" in (await pia.get(way.replace("/search", "/search/picture"))).text
        assert (await pia.get("/trends?q=colour:red")).status == 422 == (await pia.get("/trends?since=soon")).status
        assert (await pia.get("/trends?q=nobody&span=nonsense")).status == 200


async def test_two_times_that_are_chosen_freely_stand_beside_each_other(world: DeskWorld) -> None:
    """The last day is meant to its end, by the reader's own calendar; every number leads to the search that gives it."""
    days = "since=2026-04-20&until=2026-04-24&was_since=2026-03-10&was_until=2026-03-12"
    async with await world.browser("Pia Roth") as pia:
        page = (await pia.get(f"/trends?{days}")).text
        assert 'name="until" value="2026-04-24"' in page and 'name="was_since" value="2026-03-10"' in page
        ways = re.findall(r'<a href="(/search[^"]+)">(\d+)</a>', page.partition("<figure")[0])
        assert [number for _, number in ways] == ["5", "3", "5", "3"], "now and then, mentions and complaints"
        for way, number in ways:
            counted = await pia.get(way.replace("/search?", "/search/picture?").replace("&amp;", "&"))
            assert f"<b>{number}</b> mentions" in counted.text
        assert (await pia.get("/trends?since=2026-04-24&until=2026-04-20")).status == 422


async def test_severity_is_drawn_over_time_with_its_table(world: DeskWorld) -> None:
    async with await world.browser("Pia Roth") as pia:
        page = (await pia.get("/trends?span=30d")).text
    drawn = page.partition("How severe the complaints were")[2]
    assert "complaints of Acme Air, of severity 40" in drawn and "The severities, by day" in drawn
    assert drawn.count('<small class="change">of 1</small>') == 29 and "of 20</small>" in drawn
