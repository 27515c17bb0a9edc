"""Lanes take turns: one that fails holds no other back, and nothing is passed over or read as heard when it was not."""

import pytest
from polling import NOW

from connectors.contract import START, ConnectorError, Cursor, Fix, Hearing, Page, Wait
from connectors.lanes import Place, Step, take_turn


class Platform:
    """Lanes with so many pages each; those in `broken` raise."""

    def __init__(self, **pages: int):
        self.pages = pages
        self.broken: dict[str, ConnectorError] = {}
        self.read: list[str] = []

    async def __call__(self, lane: str, place: Place) -> Step:
        self.read.append(lane)
        if lane in self.broken:
            raise self.broken[lane]
        done = place.get("done", 0) + 1
        more = done < self.pages[lane]
        return Step(place={"done": done if more else 0, "rounds": place.get("rounds", 0) + (not more)}, more=more)

    async def poll(self, cursor: Cursor) -> Page:
        while (page := await take_turn(tuple(self.pages), cursor, NOW, self)).more:
            cursor = page.cursor
        return page


async def test_every_lane_is_read_to_its_end() -> None:
    platform = Platform(a=2, b=1, c=3)
    page = await platform.poll(START)
    assert platform.read == ["a", "a", "b", "c", "c", "c"]
    assert page.cursor == {"lanes": {lane: {"done": 0, "rounds": 1} for lane in "abc"}}


@pytest.mark.parametrize("error", [Fix("say it differently"), Wait("no answer")])
@pytest.mark.parametrize("broken", ["a", "b", "c"])
async def test_a_lane_that_fails_is_said_and_holds_no_other_back(broken: str, error: ConnectorError) -> None:
    platform = Platform(a=1, b=2, c=1)
    platform.broken[broken] = error
    cursor: Cursor = START
    for _ in range(3):
        page = await platform.poll(cursor)
        cursor = page.cursor
        assert (page.hearing, page.note) == (Hearing.TRUNCATED, f"{broken}: {error}")
    rounds = {lane: place.get("rounds", 0) for lane, place in cursor["lanes"].items()}
    assert rounds == {lane: 0 if lane == broken else 3 for lane in "abc"}
    platform.broken.clear()
    assert (await platform.poll(cursor)).hearing is Hearing.HEARD


async def test_a_source_that_is_not_let_in_at_all_says_so_and_never_seems_to_hear() -> None:
    platform = Platform(a=1, b=1)
    platform.broken = {lane: Fix(f"{lane}: get a key") for lane in "ab"}
    with pytest.raises(Fix, match="a: get a key"):
        await platform.poll(START)


async def test_a_server_that_is_down_or_wants_rest_is_not_asked_for_every_lane() -> None:
    platform = Platform(**dict.fromkeys("abcdefgh", 1))
    platform.broken = {lane: Wait("down") for lane in platform.pages}
    with pytest.raises(Wait):
        await platform.poll(START)
    assert platform.read == ["a", "b"]
    platform.broken = {"a": Wait("slowly", hearing=Hearing.RATE_LIMITED)}
    with pytest.raises(Wait, match="slowly"):
        await platform.poll(START)
    assert platform.read == ["a", "b", "a"]


async def test_a_round_that_was_interrupted_for_long_is_followed_by_another() -> None:
    platform = Platform(a=1, b=1)
    half = await take_turn(("a", "b"), START, NOW, platform)
    stale: Cursor = {**half.cursor, "began": NOW.timestamp() - 3600}
    page = await take_turn(("a", "b"), stale, NOW, platform)
    assert page.more and platform.read == ["a", "b"]
    assert (await platform.poll(page.cursor)).cursor["lanes"]["a"]["rounds"] == 2


async def test_lanes_that_are_no_longer_wanted_are_forgotten() -> None:
    platform = Platform(a=1, b=1)
    half = await take_turn(("a", "b"), START, NOW, platform)
    page = await take_turn(("a", "c"), half.cursor, NOW, Platform(a=1, c=1))
    assert set(page.cursor["lanes"]) == {"a", "c"}
