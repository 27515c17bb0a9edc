"""The configuration changes while we are at work: it is taken on whole or not at all, and no post is lost or doubled."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import configs
import pytest
from rich.console import Console
from webserver import Server

from listener import reloading
from listener.audit import audit
from listener.bootstrap import build
from listener.cycle import House
from listener.reloading import Plan, difference, fingerprint, live, mistakes
from listener.settings import Settings, load
from listener.storage.contract import Question

ITEM = "<item><guid>{0}</guid><link>https://blog.example/{0}</link><title>Post {0}</title><description>{1}</description></item>"


def feed(*said: str) -> bytes:
    items = "".join(ITEM.format(text.split()[0], text) for text in said)
    return f'<rss version="2.0"><channel><title>Trips</title>{items}</channel></rss>'.encode()


def source(name: str, server: Server) -> str:
    return f'[[source]]\nname = "{name}"\nkind = "feed"\nurl = "{server.address}/{name}"\nevery = "1s"\n'


@dataclass
class Life:
    """`listener run` without its command line."""

    directory: Path
    host: str
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    houses: list[House] = field(default_factory=list)
    said: StringIO = field(default_factory=StringIO)

    def read(self) -> Settings:
        return load(self.directory, {"LISTENER_ALLOW_PRIVATE": self.host})

    @asynccontextmanager
    async def built(self, settings: Settings) -> AsyncIterator[House]:
        async with build(settings, Console(file=self.said, width=300)) as house, house.store.engine():
            self.houses.append(house)
            yield house

    @property
    def house(self) -> House:
        return self.houses[-1]

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not true():  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def texts(self) -> list[str]:
        with suppress(Exception):  # between two houses
            return sorted([row.text async for row in self.house.store.search(Question(limit=500))])
        return []

    async def until_heard(self, *wanted: str) -> None:
        async with asyncio.timeout(20):
            while not set(wanted) <= set(await self.texts()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@asynccontextmanager
async def living(directory: Path, server: Server) -> AsyncIterator[Life]:
    life = Life(directory, server.host)
    plan = Plan(read=life.read, build=life.built, directory=directory, stop=life.stop, asked=life.asked)
    task = asyncio.create_task(live(plan))
    await life.until(lambda: bool(life.houses) or task.done())
    try:
        yield life
    finally:
        life.stop.set()
        await task


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloading, "PACE", 0.03)


@pytest.fixture
def directory(tmp_path: Path, server: Server) -> Path:
    server.answers |= {"/blog": feed("1 acme air lost my bag"), "/forum": feed("9 acme air never called back")}
    return configs.write(tmp_path / "config", sources=source("blog", server))


async def test_sources_and_queries_change_while_posts_come_in_and_each_is_kept_once(
    directory: Path, server: Server
) -> None:
    async with living(directory, server) as life:
        await life.until_heard("1 acme air lost my bag")
        server.answers["/blog"] = feed("1 acme air lost my bag", "2 acme air is late", "3 zephyr rail is late")
        both = source("blog", server) + source("forum", server)
        (directory / "sources.toml").write_text(both)
        await life.until_heard("9 acme air never called back", "2 acme air is late")
        assert len(life.houses) == 2
        brands = configs.FILES["brands.toml"]
        more = brands + '[[brand]]\nname = "Zephyr Rail"\nquery = "zephyr"\npolicy = "care"\n'
        (directory / "brands.toml").write_text(more)
        await life.until(lambda: len(life.houses) == 3)
        server.answers["/blog"] = feed("3 zephyr rail is late", "4 zephyr rail is dirty")
        await life.until_heard("4 zephyr rail is dirty")
        (directory / "sources.toml").write_text(source("forum", server))
        await life.until(lambda: len(life.houses) == 4)
        assert [one.name for one in life.house.settings.sources] == ["forum"]
        texts = await life.texts()
        assert len(texts) == len(set(texts)) == 4
        balance = await life.house.store.balance()
        assert balance.fetched == {"blog": 4, "forum": 1} and not (await audit(life.house.store, now())).findings


def now() -> datetime:
    return datetime.now(UTC)


async def test_mistakes_change_nothing_are_said_once_and_their_mend_is_taken_on(
    directory: Path, server: Server, tmp_path: Path
) -> None:
    async with living(directory, server) as life:
        good = (directory / "people.toml").read_text()
        (directory / "people.toml").write_text(
            good.replace('ladder = ["Dana Fox"]', 'ladder = ["Dona"]') + "\nodd = 1\n"
        )
        (directory / "brands.toml").write_text("")
        await life.until(lambda: "mistakes" in life.said.getvalue())
        for _ in range(3):
            life.asked.set()
            await life.until(lambda: not life.asked.is_set())
        said = " ".join(life.said.getvalue().split())
        assert said.count("the one before stays in force") == 1 and "Dona" in said and "brands.toml" in said
        assert len(life.houses) == 1 and life.house.settings.brands
        (directory / "people.toml").write_text(good)
        (directory / "brands.toml").write_text(configs.FILES["brands.toml"])
        life.asked.set()
        await life.until(lambda: len(life.houses) == 2)


async def test_an_open_case_keeps_the_policy_it_was_opened_with(directory: Path, server: Server) -> None:
    server.answers["/blog"] = feed("1 The acme air charger caught fire and burned my hand, nobody calls me back")
    async with living(directory, server) as life:
        await life.until_heard("1 The acme air charger caught fire and burned my hand, nobody calls me back")
        before = await life.house.desk.case(1)
        people = configs.FILES["people.toml"].replace('"5m"', '"1m"').replace('"15m"', '"1m"')
        (directory / "people.toml").write_text(people)
        await life.until(lambda: len(life.houses) == 2)
        after = await life.house.desk.case(1)
        assert (after.policy, after.due, after.owner) == (before.policy, before.due, before.owner)
        assert life.house.settings.policies["care"]["P1"].acknowledge.total_seconds() == 60


async def test_another_database_is_refused_while_we_are_at_work(directory: Path, server: Server) -> None:
    async with living(directory, server) as life:
        (directory / "listener.toml").write_text('database = "other.db"\n')
        await life.until(lambda: "cannot change while we are at work" in " ".join(life.said.getvalue().split()))
        assert len(life.houses) == 1 and not (directory / "other.db").exists()


async def test_what_cannot_be_built_leaves_the_old_house_in_force(directory: Path, server: Server) -> None:
    life = Life(directory, server.host)

    @asynccontextmanager
    async def built(settings: Settings) -> AsyncIterator[House]:
        if len(settings.sources) > 1:
            raise reloading.ConfigError([reloading.Problem("listener.toml", "inbound", "its port cannot be had")])
        async with life.built(settings) as house:
            yield house

    plan = Plan(read=life.read, build=built, directory=directory, stop=life.stop)
    task = asyncio.create_task(live(plan))
    await life.until(lambda: bool(life.houses))
    (directory / "sources.toml").write_text(source("blog", server) + source("forum", server))
    await life.until(lambda: "its port cannot be had" in " ".join(life.said.getvalue().split()))
    assert len(life.houses) == 2 and [one.name for one in life.house.settings.sources] == ["blog"]
    life.stop.set()
    await task


def test_the_fingerprint_is_of_the_words_and_not_of_the_time(directory: Path) -> None:
    before = fingerprint(directory)
    (directory / "sources.toml").touch()
    (directory / "listener.db").write_text("x")
    assert fingerprint(directory) == before
    (directory / "triage.toml").write_text("")
    assert fingerprint(directory) != before


def test_the_log_says_what_changed(directory: Path, tmp_path: Path) -> None:
    before = load(configs.write(tmp_path / "a"), {})
    more = configs.FILES["sources.toml"].replace('"10m"', '"5m"') + (
        '[[source]]\nname = "forum"\nkind = "feed"\nurl = "https://forum.example/f"\n'
    )
    after = load(configs.write(tmp_path / "b", sources=more), {})
    assert difference(before, after) == "sources added: forum; sources changed: blog"
    assert difference(before, before) == "nothing has changed"
    files = {"listener": configs.FILES["listener.toml"] + "[web]\nport = 9000\n", "triage": "[priority]\nP1 = 81\n"}
    other = load(configs.write(tmp_path / "c", **files), {"LISTENER_METRICS_TOKEN": "hush"})
    assert difference(before, other) == "also changed: rules, desk, metrics_token"


def test_many_mistakes_are_ten_lines_and_a_count() -> None:
    told = mistakes("\n".join(f"a.toml: {n}: wrong" for n in range(15)), now())
    assert "and 5 more" in told.text and told.text.count("\n") == 11
