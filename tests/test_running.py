"""The engine: it gives signs of life while it is alive, audits itself, and says what does not balance once."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import configs
from aiohttp import web
from builders import NOW, batch, complaint
from conftest import Clock
from rich.console import Console
from webserver import Server

from escalation.notices import Kind
from listener.bootstrap import build
from listener.cycle import House
from listener.running import DEAD, alive, audited, measured, run, wake
from listener.settings import load
from listener.storage.contract import Store


def test_no_sign_of_life_without_looks_or_without_deliveries() -> None:
    assert not alive({}, NOW)
    assert not alive({"look": NOW}, NOW)
    assert alive({"look": NOW, "deliver": NOW}, NOW)
    assert not alive({"look": NOW, "deliver": NOW - DEAD}, NOW)


async def test_the_outside_hears_that_we_are_alive(tmp_path: Path, server: Server) -> None:
    heard = asyncio.Event()

    async def beat(_: web.Request) -> web.Response:
        heard.set()
        return web.Response()

    server.answers |= {"/feed": b"<rss><channel/></rss>", "/beat": beat}
    sources = f'[[source]]\nname = "blog"\nkind = "feed"\nurl = "{server.address}/feed"\n'
    env = {"LISTENER_ALLOW_PRIVATE": server.host, "LISTENER_HEARTBEAT": f"{server.address}/beat"}
    stop = asyncio.Event()
    async with build(load(configs.write(tmp_path, sources=sources), env), Console(file=StringIO())) as house:
        engine = asyncio.create_task(run(house, stop))
        await heard.wait()
        stop.set()
        await engine
        await measured(house)
        vitals = await house.store.vitals(house.clock())
        assert 0 < vitals.gauges["look"] < 30 and 0 < vitals.gauges["deliver"] < 30 and not house.took


async def test_what_does_not_balance_is_said_once_a_day(tmp_path: Path, store: Store, clock: Clock) -> None:
    async with build(load(configs.write(tmp_path), {}), Console(file=StringIO()), clock=clock) as built:
        await unbalanced(replace(built, store=store), clock)


async def unbalanced(house: House, clock: Clock) -> None:
    proofs = list[datetime]()

    async def proof() -> None:
        proofs.append(clock())

    house = replace(house, proof=proof)
    await house.store.keep(batch(complaint()))
    assert await audited(house) == 0
    assert proofs == [clock()], "whoever watches from outside hears of an audit that balances, and of no other"
    clock.forward(hours=2)
    assert await audited(house) == await audited(house) == 1
    clock.forward(days=1)
    await audited(house)
    said = [
        one.notice.text for one in await house.store.claim(clock(), 25, timedelta(minutes=1)) if not one.notice.case
    ]
    assert len(said) == 2 and "deadlines, case 1" in said[0]
    assert len(proofs) == 1


async def test_after_a_silence_of_our_own_people_are_told_once(tmp_path: Path, store: Store, clock: Clock) -> None:
    async with build(load(configs.write(tmp_path), {}), Console(file=StringIO()), clock=clock) as built:
        house = replace(built, store=store)
        await wake(house)
        await store.keep(batch(complaint(), at=clock.now))
        clock.now += timedelta(minutes=9)
        await wake(house)
        assert await said_by_the_house(store) == []
        clock.now += timedelta(hours=30)
        for _ in range(2):
            await wake(house)
    [text] = await said_by_the_house(store)
    assert text.startswith("Nobody was listening from 2026-05-04 13:09 to 2026-05-05 19:09 UTC")
    assert "1 deadline passed meanwhile" in text


async def said_by_the_house(store: Store) -> list[str]:
    owed = await store.claim(NOW + timedelta(days=3), 100, timedelta(0))
    return [one.notice.text for one in owed if one.notice.kind is Kind.HOUSE]
