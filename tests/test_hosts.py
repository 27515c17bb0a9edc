"""Hosts that share one PostgreSQL: cut off from it, frozen, with clocks that are wrong, of two versions, many at once."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import configs
import postgresserver
import pytest
from builders import NOW, batch, complaint, post, quiet
from click.testing import CliRunner
from cutting import Way, way_to
from rich.console import Console

from connectors.contract import Page
from listener import running
from listener.bootstrap import build
from listener.cli import main
from listener.commands import shared
from listener.query import parse
from listener.settings import load
from listener.storage.contract import Heard, Question, StoreError, TakenOver
from listener.storage.postgres import PostgresStore
from listener.storage.postgres.session import Session
from listener.storage.sql.keeping import keep

LEASE = timedelta(seconds=60)


@pytest.fixture
def address() -> Iterator[str]:
    taken = postgresserver.shelf().take()
    yield taken
    postgresserver.shelf().give_back(taken)


@pytest.fixture
async def far(address: str) -> AsyncIterator[tuple[PostgresStore, Way]]:
    """A host whose way to the database can be cut."""
    async with way_to(address) as (way, by_it):
        store = await PostgresStore.open(by_it)
        yield store, way
        way.cut()
        await store.aclose()


@pytest.fixture
async def near(address: str) -> AsyncIterator[PostgresStore]:
    store = await PostgresStore.open(address)
    yield store
    await store.aclose()


async def test_a_host_that_was_frozen_for_longer_than_its_lease_doubles_nothing(
    far: tuple[PostgresStore, Way], near: PostgresStore
) -> None:
    store, way = far
    await store.take("source blog", timedelta(seconds=0.1))
    way.freeze()
    late = asyncio.create_task(store.keep(replace(batch(complaint("p1")), lease="source blog")))
    await asyncio.sleep(0.12)
    assert await near.take("source blog", LEASE)
    assert (await near.keep(replace(batch(complaint("p1")), lease="source blog"))).new == 1
    way.thaw()
    with pytest.raises(TakenOver):
        await late
    await balanced(near, posts=1)


async def test_a_host_that_was_cut_off_in_the_middle_has_kept_nothing_and_goes_on(
    far: tuple[PostgresStore, Way], near: PostgresStore
) -> None:
    store, way = far
    way.freeze()
    page = asyncio.create_task(store.keep(batch(complaint("p1"))))
    await asyncio.sleep(0.05)
    way.cut()
    with pytest.raises(StoreError, match="does not answer"):
        await page
    assert (await near.balance()).posts == {}
    assert (await store.keep(batch(complaint("p1")))).new == 1
    await balanced(near, posts=1)


async def test_a_host_that_never_hears_that_its_page_was_kept_keeps_it_once(
    far: tuple[PostgresStore, Way], near: PostgresStore
) -> None:
    store, way = far
    kept = asyncio.Event()
    async with near.watch(kept.set):
        await asyncio.sleep(0.1)  # LISTEN takes a moment to stand
        page = asyncio.create_task(until_committed(store, way))
        await kept.wait()
    way.cut()
    with pytest.raises(StoreError, match="does not answer"):
        await page
    again = await store.keep(batch(complaint("p1")))
    assert (again.new, again.opened) == (0, ())
    await balanced(near, posts=1)


async def until_committed(store: PostgresStore, way: Way) -> None:
    """Its last question is answered, but the answer to COMMIT does not arrive."""
    loop = asyncio.get_running_loop()

    async def freeze() -> None:
        way.freeze(only_back=True)

    def work(db: Session) -> None:
        keep(db, batch(complaint("p1")))
        asyncio.run_coroutine_threadsafe(freeze(), loop).result(5)

    await store._writer.write(work)


async def balanced(store: PostgresStore, *, posts: int) -> None:
    balance = await store.balance()
    assert balance.findings == ()
    assert sum(sum(states.values()) for states in balance.posts.values()) == posts
    assert len([row async for row in store.cases()]) == posts


@pytest.mark.parametrize("wrong", [timedelta(hours=-3), timedelta(hours=3)])
def test_what_is_typed_on_a_host_whose_clock_is_wrong_counts_by_the_databases(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: timedelta
) -> None:
    async def prepared() -> None:
        store = await PostgresStore.open(address)
        await store.keep(batch(complaint("p1"), at=datetime.now(UTC)))
        await store.aclose()

    asyncio.run(prepared())
    config = configs.write(tmp_path, listener=f'database = "{postgresserver.url(address)}"')
    monkeypatch.setattr(shared, "system_clock", lambda: datetime.now(UTC) + wrong)
    for command in (["ack"], ["promise", "call her", "--by", "2h", "--reason", "x"], ["snooze", "--until", "90m"]):
        name, *rest = command
        typed = [name, "1", *rest, "--as", "Dana Fox", "--config", str(config)]
        said = CliRunner().invoke(main, typed)
        assert said.exit_code == 0, said.output
    told = json.loads(CliRunner().invoke(main, ["case", "1", "--json", "--config", str(config)]).stdout)
    events = {event["kind"]: event for event in told["timeline"]}
    assert all(abs(ago(event["at"])) < timedelta(minutes=1) for event in told["timeline"])
    assert abs(ago(events["Promised"]["due"]) + timedelta(hours=2)) < timedelta(minutes=1)
    assert abs(ago(events["Snoozed"]["until"]) + timedelta(minutes=90)) < timedelta(minutes=1)


def ago(text: str) -> timedelta:
    return datetime.now(UTC) - datetime.fromisoformat(text)


SOURCES, HOSTS = 300, 3


class Ear:
    """A source with nothing new, which notes who asks; all stop when all were asked."""

    def __init__(self, host: int, name: str, asked: list[tuple[int, str]], stop: asyncio.Event):
        self._who, self._asked, self._stop = (host, name), asked, stop

    async def fetch(self, cursor: object, now: datetime) -> Page:
        self._asked.append(self._who)
        if len(self._asked) == SOURCES:
            self._stop.set()
        await asyncio.sleep(0.005)
        return Page(cursor={})


async def test_many_sources_are_shared_out_evenly_and_each_is_polled_by_one(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "TICK", 0.05)
    names, asked, stop = [f"blog{number}" for number in range(SOURCES)], list[tuple[int, str]](), asyncio.Event()
    sources = "".join(
        f'[[source]]\nname = "{name}"\nkind = "feed"\nurl = "https://{name}.example/feed"\n' for name in names
    )
    config = configs.write(tmp_path, listener=f'database = "{postgresserver.url(address)}"', sources=sources)
    async with AsyncExitStack() as stack:
        houses = [
            await stack.enter_async_context(build(load(config, {}), Console(file=StringIO()))) for _ in range(HOSTS)
        ]
        ears: list[dict[str, Any]] = [{name: Ear(host, name, asked, stop) for name in names} for host in range(HOSTS)]
        heard = (replace(house, ears=its) for house, its in zip(houses, ears, strict=True))
        await asyncio.gather(*(running.run(house, stop, ("listen",)) for house in heard))
    assert sorted(name for _, name in asked) == sorted(names)
    shares = Counter(host for host, _ in asked)
    assert all(SOURCES / HOSTS / 2 < shares[host] < SOURCES / HOSTS * 2 for host in range(HOSTS)), shares


ADDED_BEFORE = (  # what the version before writes for each change of a count
    "INSERT INTO tallies (facet, value, brand, verdict, at, mentions, severity) VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (facet, value, brand, verdict, at) DO UPDATE SET mentions = tallies.mentions + excluded.mentions,"
    " severity = tallies.severity + excluded.severity"
)


async def test_what_the_version_before_writes_beside_us_is_found_and_counted(
    near: PostgresStore, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await PostgresStore.open(address)
    monkeypatch.setattr(before._driver.dialect, "count", ADDED_BEFORE, raising=False)
    monkeypatch.setattr(before._driver.dialect, "late", lambda db, at, post: None, raising=False)
    for number, store in enumerate((before, near, before, near)):
        said = Heard(post=post(f"p{number}"), mentions=(quiet(),))
        await store.keep(batch(said, at=NOW.replace(month=4)))
    mentions = (quiet(), replace(quiet(), brand="Bolt"))
    await before.keep(batch(Heard(post=post("p1", text="Acme Air, and Bolt"), mentions=mentions), at=NOW))
    assert (await near.picture(Question())).total == 5 and (await near.balance()).findings == ()
    await near.tidy(NOW)
    assert [row.title async for row in near.search(Question(query=parse("brand:bolt")))] == ["Post p1"]
    assert (await near.picture(Question())).total == 5 and (await near.balance()).findings == ()
    await before.aclose()
