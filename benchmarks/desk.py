"""The web desk over a long mention history: every page as each kind of user, in a real browser where there is one.

Beside each stands what it does without the browser. What is counted on these pages comes from the tallies, so none of
them may feel how long the history is; plain FTS5 counts the same words on the same file. Needs Chromium at
/usr/bin/chromium and playwright for the browser's own times; with BENCH_SHOTS naming a directory, each page is kept
there as a picture, in light and dark, wide and on a phone.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import aiohttp

from benchmarks.rows import Row
from benchmarks.search import BEGUN, BRANDS, YEAR, _heard
from benchmarks.world import World, rows, telling
from connectors.http import Web
from connectors.post import Author, Reach
from escalation.events import Subject
from escalation.policy import Policy
from listener.digest import compared, everything
from listener.search import question
from listener.settings import Settings, load
from listener.storage.contract import Batch, Heard, Mention, Opening
from listener.storage.sqlite import SqliteStore
from listener.triage import Assessment, Priority, Verdict
from listener.web import access
from listener.web.serving import serving
from listener.weigh import scales

NOW = BEGUN + YEAR
EVERY = 500  # one mention in so many is a case
PAGE = 1_000
CHROMIUM = Path("/usr/bin/chromium")
BROWSER = CHROMIUM.exists() and find_spec("playwright") is not None
PEOPLE = {"Dana Fox": "agent", "Lee Park": "lead", "Sam Ortiz": "executive", "Pia Roth": "pr", "Ada Voss": "auditor"}
FILES = {
    "listener.toml": 'database = "listener.db"\n[web]\nport = 0\n',
    "brands.toml": "".join(
        f'[[brand]]\nname = "{name}"\nquery = \'"{name.lower()}"\'\npolicy = "care"\n' for name in BRANDS
    ),
    "sources.toml": '[[source]]\nname = "bench"\nkind = "feed"\nurl = "https://blog.example/feed.xml"\n',
    "people.toml": "".join(
        f'[[person]]\nname = "{name}"\nroles = ["{role}"]\nhours = "Mon-Sun 00:00-24:00"\n'
        for name, role in PEOPLE.items()
    )
    + '[policy.care]\nP1 = { acknowledge = "5m", report = "2h", ladder = ["Dana Fox", "Lee Park"] }\n',
}
PATHS = (
    "/", "/board", "/cases/1", "/search", "/search?q=verdict:complaint+severity>=60+since:7d", "/search?q={word}",
    "/search?q={word}&sort=reach", "/search?q={word}&sort=severity", "/search/picture", "/search/picture?q={word}",
    "/search/picture?q=brand:Ember+verdict:complaint", "/trends?span=365d", "/trends/unusual", "/digest?since=7d",
    "/digest?since=365d", "/api",
)  # fmt: skip
LOOKS: Mapping[str, Mapping[str, object]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}


def run() -> list[Row]:
    world, size = World(), rows()
    with TemporaryDirectory() as directory, asyncio.Runner() as loop:
        return loop.run(_measured(world, size, Path(os.environ.get("BENCH_STORE") or directory)))


async def _measured(world: World, size: int, directory: Path) -> list[Row]:
    house, word = _house(directory), world.words[0]
    store = await SqliteStore.open(house.database)
    grown = []
    for begun, full in ((0, size // 100), (size // 100, size)):
        await _fill(store, world, range(begun, full), size, house)
        grown.append(await _counted(store))
    year = await _timed(lambda: compared(store, NOW - YEAR, NOW, everything(house)))
    found = [
        Row(f"count and chart, {size:,} mentions and {size // 100:,}", grown[1], grown[0], "ms", 20),
        Row("the digest of a year, beside the year before", year / 1000, None, "s", 30),
        Row("count of the commonest word, plain FTS5", await _word(store, word), _bare(house.database, word), "ms"),
    ]
    async with _served(store, house) as address:
        found += await _asked(store, address, word)
        found += await _walked(store, address, word)
    await store.aclose()
    return found


def _house(directory: Path) -> Settings:
    config = directory / "config"
    config.mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        (config / name).write_text(text, "utf-8")
    return load(config, {})


async def _fill(store: SqliteStore, world: World, numbers: range, size: int, house: Settings) -> None:
    """A year's mentions of five brands; one in five hundred is a case, one in seven says how far it went."""
    if (await store.source("bench")).fetched >= numbers.stop:
        return
    policy = house.policies["care"]["P1"]
    for first in range(numbers.start, numbers.stop, PAGE):
        page = range(first, min(first + PAGE, numbers.stop))
        at = BEGUN + YEAR * first / size
        heard = tuple(_one(world, number, at, policy) for number in page)
        await store.keep(Batch(source="bench", at=at, cursor={"at": first}, fetched=len(heard), heard=heard))
        telling("mentions kept", page.stop, size)


def _one(world: World, number: int, at: datetime, policy: Policy) -> Heard:
    heard = _heard(world, number)
    post = replace(heard.post, created=at - timedelta(minutes=number % 50), author=Author(handle=f"a{number % 9_000}"))
    if not number % 7:
        post = replace(post, reach=Reach(views=number * 7_919 % 100_000))
    if number % EVERY:
        return Heard(post=post, mentions=heard.mentions)
    [kept] = heard.mentions
    judged = Assessment(
        verdict=Verdict.COMPLAINT, complaint=0.9, severity=60 + number // EVERY % 40, priority=Priority.P1,
        cause="safety", reasons=(),
    )  # fmt: skip
    about = Subject(
        brand=kept.brand, post=f"bench:{post.id}", thread="", url=post.url, site="blog.example",
        author=post.author.handle, title=post.title, text=post.text,
        created=post.created, heard=at, severity=judged.severity, priority="P1",
        cause="safety", reasons=(),
    )  # fmt: skip
    opening = Opening(subject=about, policy=policy)
    return Heard(post=post, mentions=(Mention(brand=kept.brand, assessment=judged, opening=opening),))


async def _timed(work: object) -> float:
    """Milliseconds of wall time, the median of three."""
    spent = []
    for _ in range(3):
        begun = time.perf_counter()
        await work()  # type: ignore[operator]
        spent.append((time.perf_counter() - begun) * 1000)
    return median(spent)


async def _counted(store: SqliteStore) -> float:
    return await _timed(lambda: store.picture(question("brand:Ember verdict:complaint")))


async def _word(store: SqliteStore, word: str) -> float:
    return await _timed(lambda: store.picture(question(word)))


def _bare(path: str, word: str) -> float:
    with closing(sqlite3.connect(path)) as db:
        begun = time.perf_counter()
        db.execute("SELECT count(*) FROM posts_fts WHERE posts_fts MATCH ?", (f'body : "{word}"',)).fetchone()
        return (time.perf_counter() - begun) * 1000


@asynccontextmanager
async def _served(store: SqliteStore, house: Settings) -> AsyncIterator[str]:
    web, fixed = Web("ListeningPost/bench", frozenset()), (house, scales(house))
    async with serving(lambda: fixed, store, web, lambda: NOW) as address:
        yield address
    await web.aclose()


async def _asked(store: SqliteStore, address: str, word: str) -> list[Row]:
    """Each page as the lead asks for it, the second time of two."""
    token, found = await access.new_session(store, "Lee Park", NOW), []
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookies={"desk": token}, cookie_jar=jar) as http:
        for path in PATHS:
            spent = []
            for _ in range(3):
                begun = time.perf_counter()
                async with http.get(f"{address}{path.format(word=word)}") as answer:
                    await answer.read()
                    assert answer.status == 200, path
                spent.append((time.perf_counter() - begun) * 1000)
            slow = 15_000 if "365d" in path else 1_000
            found.append(Row(f"{path.format(word='…')}", median(spent), None, "ms", slow))
    return found


async def _walked(store: SqliteStore, address: str, word: str) -> list[Row]:
    """In a real browser, as each kind of user, until nothing more is asked for."""
    if not BROWSER:
        return []
    from playwright.async_api import async_playwright, expect

    shots, found = os.environ.get("BENCH_SHOTS"), []
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        for name, role in PEOPLE.items():
            worst, where = 0.0, ""
            for look, how in LOOKS.items() if role == "lead" and shots else [("light", LOOKS["light"])]:
                context = await browser.new_context(**how)
                token = await access.new_session(store, name, NOW)
                await context.add_cookies([{"name": "desk", "value": token, "url": address}])
                page = await context.new_page()
                for number, path in enumerate(PATHS):
                    begun = time.perf_counter()
                    await page.goto(f"{address}{path.format(word=word)}")
                    await expect(page.locator("[data-from]")).to_have_count(0, timeout=60_000)
                    spent = (time.perf_counter() - begun) * 1000
                    if spent > worst and "365d" not in path:
                        worst, where = spent, path
                    if shots:
                        await page.screenshot(path=f"{shots}/{role}-{look}-{number:02}.png", full_page=True)
                await context.close()
            found.append(
                Row(f"as {role}, in the browser, the slowest page ({where.format(word='…')})", worst, None, "ms", 3_000)
            )
        await browser.close()
    return found
