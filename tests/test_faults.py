"""Every fault, on every kind of source: what is said is heard all the same, or it is said that it was not.

The worlds are those of the contract (tests/worlds.py), the faults those of tests/faults.py. A kind that does not speak
HTTP has its own troubles in its own tests.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import faults
import pytest
from polling import NOW
from webserver import Server
from worlds import WORLDS, World, hear

import connectors.carrier
import connectors.reddit_api
import connectors.x_api
from connectors import KINDS
from connectors.contract import Broken, ConnectorError, Fix, Hearing, Wait
from connectors.http import Web

MINUTE = timedelta(minutes=1)
SAID = "acme é 東京 😡"
SPOILT = {
    "undated": faults.undated,
    "unsigned": faults.unsigned,
    "doubled": faults.doubled,
    "ids as numbers": faults.numbered,
    "another charset": faults.mislabelled,
}
TROUBLES = {
    "400": (faults.status(400), Fix),
    "401": (faults.status(401), Fix),
    "402": (faults.status(402), ConnectorError),
    "403": (faults.status(403), Fix),
    "404": (faults.status(404), ConnectorError),
    "410": (faults.status(410), Fix),
    "429": (faults.status(429), Wait),
    "451": (faults.status(451), Fix),
    "500": (faults.status(500), Wait),
    "503": (faults.status(503), Wait),
    "520 of a proxy": (faults.status(520, b"<html>Web server is returning an unknown error</html>"), Wait),
    "broken off": (faults.halved, Wait),
    "half closed": (faults.half_closed, Wait),
    "hung up": (faults.hung_up, Wait),
    "no answer": (faults.hanging, Wait),
}
AMID = {name: TROUBLES[name][0] for name in ("401", "429", "500", "broken off", "half closed")}


def among(kinds: Iterable[str]) -> Any:
    @pytest.fixture(params=list(kinds))
    def world(request: pytest.FixtureRequest, server: Server, web_: Web, tmp_path: Path) -> Iterator[World]:
        opened = WORLDS[request.param](server, web_, tmp_path)
        yield opened
        opened.end()

    return world


world = among(KINDS)
online = among(kind for kind in KINDS if WORLDS[kind].online)
doubted = among(kind for kind in KINDS if WORLDS[kind].doubted)


async def _impatient(world: World, patch: pytest.MonkeyPatch) -> None:
    """Nobody waits for long any more."""
    patch.setattr(connectors.carrier, "TIMEOUT", aiohttp.ClientTimeout(total=0.1))
    patch.setattr(connectors.x_api, "PATIENCE", 0.1)
    patch.setattr(connectors.reddit_api, "PATIENCE", 0.1)
    await world.web.aclose()  # it is opened again with the new patience


@pytest.mark.parametrize("fault", SPOILT)
async def test_what_is_spoilt_is_heard_in_its_own_words(online: World, fault: str) -> None:
    online.write("before", "acme before")
    await hear(online)
    online.server.spoil = SPOILT[fault]
    for number in range(3):
        online.write(f"k{number}", f"{SAID} {number}", NOW + 12 * MINUTE)
    heard = await hear(online, polls=3)
    for number in range(3):
        assert f"{SAID} {number}" in heard[online.ids[f"k{number}"]].text


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_trouble_is_sorted_and_costs_nothing_but_time(online: World, trouble: str) -> None:
    online.write("before", "acme before")
    await hear(online)
    online.write("after", "acme after", NOW + 12 * MINUTE)
    online.server.spoil, wanted = TROUBLES[trouble]
    online.poller.now += 5 * MINUTE
    with pytest.MonkeyPatch.context() as patch:
        if trouble == "no answer":
            await _impatient(online, patch)
        await _in_trouble(online, trouble, wanted)
    await online.web.aclose()
    online.server.spoil = None
    online.poller.now += timedelta(hours=2)
    assert online.ids["after"] in await hear(online, polls=3)


async def _in_trouble(online: World, trouble: str, wanted: type[ConnectorError]) -> None:
    try:
        page = await online.poller.step()
        assert page.hearing is not Hearing.HEARD and page.note, f"{trouble} was taken for silence"
    except ConnectorError as error:
        assert isinstance(error, wanted) and not isinstance(error, Broken), error
        if trouble == "402" and error.hearing is not Hearing.BLOCKED:
            assert error.hearing is Hearing.OUT_OF_BUDGET


async def test_what_was_written_while_nobody_could_hear_is_heard_afterwards(world: World) -> None:
    """Twelve hours of an outage, theirs or ours, are filled by themselves: nobody has to ask for it."""
    world.write("before", "acme before")
    await hear(world)
    for number in range(150):
        world.write(f"n{number}", f"acme {number}", NOW + (15 + number * 4.5) * MINUTE)
    for _ in range(3) if world.online else ():
        world.server.spoil = faults.status(500)
        world.poller.now += timedelta(hours=4)
        with suppress(Wait):
            await world.poller.step()
    world.server.spoil = None
    world.poller.now = NOW + timedelta(hours=12)
    heard = await hear(world, polls=2)
    assert {world.ids[f"n{number}"] for number in range(150)} <= heard.keys()


@pytest.mark.parametrize("trouble", AMID)
async def test_trouble_amid_a_round_loses_none_of_it(online: World, trouble: str) -> None:
    """A token that runs out, a limit, a server that falls over, after the first page and before the last."""
    for number in range(250):
        online.write(f"n{number}", f"acme {number}", NOW - number / 60 * MINUTE)
    online.poller.now += 5 * MINUTE
    heard = {post.id for post in (await online.poller.step()).posts}
    online.server.spoil = AMID[trouble]
    try:
        heard |= {post.id for post in (await online.poller.step()).posts}
    except ConnectorError as error:
        assert not isinstance(error, Broken), error
    online.server.spoil = None
    online.poller.now += timedelta(hours=2)
    heard |= (await hear(online, polls=2)).keys()
    assert heard == set(online.ids.values())


async def test_pages_that_shift_while_they_are_read(world: World) -> None:
    """Between two pages something is written, something read is deleted, first and last, something unread is edited."""
    world.write("before", "acme before", NOW - 30 * MINUTE)
    await hear(world)
    for number in range(250):
        world.write(f"n{number}", f"acme {number}", NOW + (10 + number / 60) * MINUTE)
    world.poller.now += 15 * MINUTE
    heard, deleted, edited = dict[str, str](), set[str](), set[str]()
    for page_number in range(400):
        page = await world.poller.step()
        heard |= {post.id: post.text for post in page.posts}
        if not page.more:
            break
        if page_number < 5:
            _shift(world, page_number, heard, deleted, edited)
    heard |= {id_: post.text for id_, post in (await hear(world, polls=3)).items()}
    assert {world.ids[key] for key in world.ids if key not in deleted | {"before"}} <= heard.keys()
    assert all("edited" in heard[world.ids[key]] for key in edited - deleted)


def _shift(world: World, number: int, heard: dict[str, str], deleted: set[str], edited: set[str]) -> None:
    there = [key for key in world.ids if key not in deleted | {"before"}]
    read = [key for key in there if world.ids[key] in heard]
    unread = [key for key in there if world.ids[key] not in heard]
    for key in dict.fromkeys([*read[:1], *read[-1:]]):
        world.delete(key)
        deleted.add(key)
    if unread:
        edited.add(unread[len(unread) // 2])
        world.edit(unread[len(unread) // 2], "acme edited")
    world.write(f"s{number}", f"acme while it was read {number}", NOW + (14.5 + number / 60) * MINUTE)


@pytest.mark.parametrize("wrong", [timedelta(hours=3), timedelta(hours=-3)], ids=["fast", "slow"])
async def test_a_clock_of_ours_that_is_wrong_and_then_set_right_loses_nothing(world: World, wrong: timedelta) -> None:
    world.poller.now += wrong
    world.write("a", "acme a", NOW - 5 * MINUTE)
    heard = await hear(world)
    world.write("b", "acme b", NOW + 12 * MINUTE)
    heard |= await hear(world, polls=2)
    world.poller.now -= wrong
    world.write("c", "acme c", NOW + 40 * MINUTE)
    heard |= await hear(world, minutes=20, polls=3)
    assert heard.keys() == set(world.ids.values())


async def test_an_emptiness_that_cannot_be_is_not_taken_for_silence(doubted: World) -> None:
    """A feed that was closed, an index that is down, a search that wants a login: all answer with an empty list."""
    for number in range(12):
        doubted.write(f"n{number}", f"acme {number}", NOW - number * MINUTE)
    await hear(doubted)
    for number in range(12):
        doubted.delete(f"n{number}")
    try:
        await hear(doubted)
        said = [page.note for page in doubted.poller.pages if page.hearing is Hearing.TRUNCATED]
    except ConnectorError as error:
        said = [str(error)]
    assert any(said) and not any(page.gone for page in doubted.poller.pages)
    doubted.write("back", "acme again", NOW + 25 * MINUTE)
    assert doubted.ids["back"] in await hear(doubted, polls=2)
