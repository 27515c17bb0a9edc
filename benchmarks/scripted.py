"""A blog and a Hacker News that show one day after the other, for benchmarks/hearing.py. Complaints are numbered."""

import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from aiohttp import web

DAY = datetime(2026, 5, 4, tzinfo=UTC)
SAID = "Acme lost my bag number {} and nobody answers the phone, third time I ask."


@dataclass(frozen=True)
class Script:
    """What happens to a source. `days` of a blog: (name, hour of its date or None); `hits` come on the second day."""

    name: str
    days: tuple[tuple[tuple[str, float | None], ...], ...] = ()
    hits: int = 0
    refused: bool = False  # the second request of that day is refused with 429

    @property
    def kind(self) -> str:
        return "hackernews" if self.hits else "rss"

    @property
    def polls(self) -> int:
        return 1 + (2 if self.hits else len(self.days))

    @property
    def written(self) -> int:
        return self.hits or len({name for day in self.days for name, _ in day})


@dataclass
class World:
    script: Script
    day: int = 0
    full: int = 0  # answers with a body
    messages: list[str] = field(default_factory=list)
    address: str = ""
    asked: int = 0  # searches of the second day
    begun: int = field(default_factory=lambda: int(time.time()))

    async def feed(self, request: web.Request) -> web.Response:
        day = min(self.day, len(self.script.days) - 1)
        headers = {"ETag": f'"{self.script.days.index(self.script.days[day])}"'}
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        self.full += 1
        items = "".join(_item(name, hour) for name, hour in self.script.days[day])
        body = f"<rss version='2.0'><channel><title>t</title>{items}</channel></rss>"
        return web.Response(text=body, content_type="application/rss+xml", headers=headers)

    async def search(self, request: web.Request) -> web.Response:
        """As Algolia does it: newest first, a page of at most a thousand, and nothing beyond the thousandth."""
        page, size = int(request.query["page"]), int(request.query["hitsPerPage"])
        self.asked += bool(self.day)
        if self.script.refused and self.asked == 2:
            return web.Response(status=429, headers={"Retry-After": "1"})
        found = sorted(filter(_wanted(request.query["numericFilters"]), self._hits()), key=_age)
        shown = found[:1000][page * size : (page + 1) * size]
        pages = -(-min(len(found), 1000) // size)
        return web.json_response({"hits": shown, "nbHits": len(found), "nbPages": pages, "page": page})

    def _hits(self) -> list[dict[str, object]]:
        return [_hit(number, self.begun - 3600 - number) for number in range(self.script.hits)] if self.day else []

    async def item(self, request: web.Request) -> web.Response:
        """What is there stays there: whoever looks again finds it as it was."""
        hit = _hit(int(request.match_info["id"]) - 100, self.begun)
        return web.json_response({"id": hit["objectID"], "type": "comment", "text": hit["comment_text"], **hit})

    async def message(self, request: web.Request) -> web.Response:
        self.messages.append((await request.json())["text"])
        return web.Response(text="ok")

    async def turn(self, _: web.Request) -> web.Response:
        self.day += 1
        return web.Response()


@asynccontextmanager
async def shown(script: Script) -> AsyncIterator[World]:
    world, app = World(script), web.Application()
    app.router.add_get("/feed", world.feed)
    app.router.add_get("/search_by_date", world.search)
    app.router.add_get("/items/{id}", world.item)
    app.router.add_post("/slack", world.message)
    app.router.add_post("/next", world.turn)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        world.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield world
    finally:
        await runner.cleanup()


def _item(name: str, hour: float | None) -> str:
    date = f"<pubDate>{format_datetime(DAY + timedelta(hours=hour))}</pubDate>" if hour is not None else ""
    link = f"<link>http://blog.example/{name}</link><title>Bag {name}</title>"
    return f"<item><guid>{name}</guid>{link}<description>{SAID.format(name)}</description>{date}</item>"


def _hit(number: int, at: int) -> dict[str, object]:
    when = datetime.fromtimestamp(at, UTC).isoformat()
    said = {"comment_text": SAID.format(number), "author": f"a{number}", "story_id": 1, "parent_id": 1}
    return {"objectID": str(100 + number), "created_at_i": at, "created_at": when, **said}


def _age(hit: dict[str, object]) -> int:
    return -int(str(hit["created_at_i"]))


def _wanted(filters: str) -> Callable[[dict[str, object]], bool]:
    bounds = [(op, int(value)) for op, value in re.findall(r"created_at_i(>=|<=|>|<)(\d+)", filters)]

    def holds(hit: dict[str, object]) -> bool:
        at = -_age(hit)
        return all({">=": at >= v, "<=": at <= v, ">": at > v, "<": at < v}[op] for op, v in bounds)

    return holds
