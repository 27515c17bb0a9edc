"""The store itself fails: nothing is lost or half done, it is said once, the light is red, and it goes on by itself."""

import asyncio
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import configs
import pytest
from builders import DANA, LEE, NOW, SAM, batch, complaint
from conftest import Clock
from rich.console import Console
from slackserver import TOKEN, Slack
from webserver import Server

from escalation.courier import Courier
from escalation.slack.calls import only
from escalation.slack.messenger import SlackMessenger
from listener.audit import audit
from listener.bootstrap import build
from listener.cycle import House
from listener.health import ailments
from listener.metrics import exposed
from listener.running import run
from listener.settings import Secret, load
from listener.settings import Slack as SlackSettings
from listener.slack import client
from listener.storage.contract import StoreDown, StoreError
from listener.storage.sqlite import SqliteStore

TESTS = Path(__file__).parent
LONG = "The Acme Air charger caught fire and nobody answers me. " * 40


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(str(tmp_path / "kept" / "listener.db"))
    yield opened
    await opened.aclose()


async def pragma(store: SqliteStore, said: str) -> int:
    return int(await store._writer.hands.read(lambda db: db.execute(f"PRAGMA {said}").fetchone()[0]))


async def posts(store: SqliteStore) -> int:
    return sum(sum(states.values()) for states in (await store.balance()).posts.values())


async def filled_up(store: SqliteStore) -> int:
    """Until it is full; how many posts were kept."""
    await pragma(store, f"max_page_count = {await pragma(store, 'page_count') + 40}")
    for kept in range(500):
        try:
            await store.keep(batch(complaint(f"f{kept}", text=f"{kept} {LONG}")))
        except StoreDown as full:
            assert "full" in str(full) and "make room on its disk" in str(full)
            return kept
    raise AssertionError("it was never full")


async def test_a_full_disk_loses_nothing_and_leaves_nothing_half_done(store: SqliteStore) -> None:
    kept = await filled_up(store)
    assert 0 < kept == await posts(store)
    report = await audit(store, NOW)
    assert report.balanced and report.cases == kept
    await pragma(store, "max_page_count = 100000")
    assert (await store.keep(batch(complaint(f"f{kept}", text=f"{kept} {LONG}")))).new == 1
    assert (await audit(store, NOW)).balanced and await posts(store) == kept + 1


async def test_the_light_is_red_as_long_as_it_is_full_and_before(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load(configs.write(tmp_path / "config"), {})
    await store.awake(NOW)

    async def wrong() -> list[str]:
        return [one.why for one in ailments(await store.vitals(NOW), settings, NOW) if one.part == "store"]

    assert await wrong() == []
    with monkeypatch.context() as small:
        small.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=4 * 2**20))
        [before] = await wrong()
    assert before.startswith("4 MB are left")
    kept = await filled_up(store)
    [full] = await wrong()
    assert "full" in full
    told = exposed(await store.vitals(NOW), settings, NOW).decode()
    assert 'listener_ailing{part="store"} 1.0' in told and "listener_store_room_bytes" in told
    await pragma(store, "max_page_count = 1000000")
    await store.keep(batch(complaint(f"f{kept}", text=LONG)))
    assert await wrong() == []


def feed(number: int) -> bytes:
    items = (
        f"<item><guid>{n}</guid><title>Smoke {n}</title><description>{n} {LONG}</description></item>"
        for n in range(number)
    )
    return f"<rss><channel>{''.join(items)}</channel></rss>".encode()


async def until(true: Any) -> None:
    async with asyncio.timeout(20):
        while not await true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_the_engine_says_it_once_and_goes_on_by_itself(
    tmp_path: Path, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers["/feed"] = feed(30)
    sources = f'[[source]]\nname = "blog"\nkind = "feed"\nurl = "{server.address}/feed"\n'
    settings = load(configs.write(tmp_path, sources=sources), {"LISTENER_ALLOW_PRIVATE": server.host})
    async with build(settings, Console(file=StringIO())) as house:
        store = house.store
        assert isinstance(store, SqliteStore)
        await pragma(store, f"max_page_count = {await pragma(store, 'page_count') + 5}")
        stop = asyncio.Event()
        working = asyncio.create_task(run(house, stop))
        await until(lambda: _failing(house))
        for _ in range(3):  # it is asked again, and fails again
            house.called.add("blog")
            await until(lambda: _polled(house))
        assert await posts(store) == 0
        await pragma(store, "max_page_count = 1000000")
        house.called.add("blog")
        await until(lambda: _kept(store, 30))
        await until(lambda: _well(house))
        stop.set()
        await working
        assert (await audit(store, house.clock())).balanced
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert [line for line in said if "make room on its disk" in line] == [said[0]]
    assert said[1:] == ["the database works again; what waited is done now"]
    assert not any(record.exc_info for record in caplog.records)


async def _failing(house: House) -> bool:
    return bool((await house.store.vitals(house.clock())).outage)


async def _well(house: House) -> bool:
    return not await _failing(house)


async def _polled(house: House) -> bool:
    return not house.called


async def _kept(store: SqliteStore, number: int) -> bool:
    return await posts(store) == number


async def test_what_was_said_while_it_could_not_be_noted_is_shown_once(store: SqliteStore, clock: Clock) -> None:
    await store.keep(batch(complaint()))
    async with Slack() as slack:
        api = client(SlackSettings(api_url=slack.api_url, bot_token=Secret(TOKEN)))
        people = {person.name: person for person in (DANA, LEE, SAM)}
        courier = Courier(store, ReadOnlyAfter(only(api), {"": "C0CARE"}, people, clock, store))
        with pytest.raises(StoreDown, match="who may write to the file"):
            await courier.deliver(clock())
        await store._writer.hands.read(lambda db: db.execute("PRAGMA query_only = 0"))
        plain = Courier(store, SlackMessenger(only(api), {"": "C0CARE"}, people, clock))
        for _ in range(5):
            await plain.deliver(clock.forward(minutes=2))
        assert len(slack.cards()) == 1 and len(slack.direct("U0DANA")) == 1
    assert (await store.balance()).owed == 0


class ReadOnlyAfter(SlackMessenger):
    """Its disk turns read-only the moment that something was said."""

    def __init__(self, *given: Any):
        *rest, self._store = given
        super().__init__(*rest)

    async def send(self, *given: Any) -> str:
        ref = await super().send(*given)
        await self._store._writer.hands.read(lambda db: db.execute("PRAGMA query_only = 1"))
        return ref


async def test_a_directory_that_is_gone_is_not_written_into_the_void(store: SqliteStore, tmp_path: Path) -> None:
    await store.keep(batch(complaint("p1")))
    (tmp_path / "kept").rename(tmp_path / "elsewhere")
    with pytest.raises(StoreDown, match="not where it was opened"):
        await store.keep(batch(complaint("p2")))
    assert "put it back" in (await store.vitals(NOW)).outage and (await store.vitals(NOW)).room == 0
    (tmp_path / "elsewhere").rename(tmp_path / "kept")
    assert (await store.keep(batch(complaint("p2")))).new == 1
    assert (await store.vitals(NOW)).outage == "" and await posts(store) == 2


QUOTA = """
import asyncio, json, resource, sys
from builders import NOW, batch, complaint
from listener.audit import audit
from listener.storage.contract import StoreDown
from listener.storage.sqlite import SqliteStore
from test_outage import LONG, posts

async def main():
    store = await SqliteStore.open(sys.argv[1])
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, hard))
    kept, said = 0, ""
    while not said:
        try:
            await store.keep(batch(complaint(f"f{kept}", text=f"{kept} {LONG}")))
            kept += 1
        except StoreDown as wrong:
            said = str(wrong)
    full = (await audit(store, NOW)).balanced, await posts(store)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    for each in range(kept + 5):
        await store.keep(batch(complaint(f"f{each}", text=f"{each} {LONG}")))
    after = (await audit(store, NOW)).balanced, await posts(store)
    await store.aclose()
    print(json.dumps({"kept": kept, "said": said, "full": full, "after": after}))

asyncio.run(main())
"""


def in_a_process(script: str, *given: str, **how: Any) -> str:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(TESTS.parent), str(TESTS)))}
    done = subprocess.run([sys.executable, "-c", script, *given], capture_output=True, text=True, env=env, **how)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_operating_system_that_takes_no_more_bytes(tmp_path: Path) -> None:
    """A limit of the kernel's, in a process of its own: half of a page may reach the log, and none of it is believed."""
    told = json.loads(in_a_process(QUOTA, str(tmp_path / "listener.db")))
    assert told["kept"] > 5 and "nothing was half written" in told["said"]
    assert told["full"] == [True, told["kept"]] and told["after"] == [True, told["kept"] + 5]


async def opened_and_closed(file: Path) -> None:
    await (await SqliteStore.open(str(file))).aclose()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to everything")
def test_a_file_that_may_not_be_written_is_named_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "listener.db"
    asyncio.run(opened_and_closed(file))
    file.chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StoreError, match="who may write to the file and its directory"):
            asyncio.run(opened_and_closed(file))
    finally:
        tmp_path.chmod(0o700)
