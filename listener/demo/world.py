"""A small invented world on loopback: three blogs whose articles come, change and go while they are read.

They answer as blogs do: validators and 304, a page for each article, and a 404 for what was deleted.
"""

import tomllib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import partial
from hashlib import blake2b
from typing import Any

from aiohttp import web

from listener.demo import config
from listener.demo.pages import Blog, Comment, Entry, Form, atom, comment_feed, json_feed, page, rss

SINCE = timedelta(minutes=40)  # how long before the demo begins the first article was written
BETWEEN = timedelta(minutes=3)
WRITERS = {Form.RSS: rss, Form.ATOM: atom, Form.JSON: json_feed}
TYPES = {Form.RSS: "application/rss+xml", Form.ATOM: "application/atom+xml", Form.JSON: "application/feed+json"}
HTML = "text/html"


@dataclass(slots=True)
class World:
    blogs: dict[str, Blog]
    address: str = ""
    answers: Counter[int] = field(default_factory=Counter)  # how often each HTTP status was given


Writer = Callable[[World, Blog, web.Request], tuple[str, str]]  # -> body and its type


def created(now: datetime) -> World:
    """The world as it stands when the demo begins."""
    told = tomllib.loads(config.text("world.toml"))
    return World({name: _blog(name, blog, now - SINCE) for name, blog in told["blog"].items()})


def _blog(name: str, told: dict[str, Any], since: datetime) -> Blog:
    entries = [_entry(post, since + number * BETWEEN) for number, post in enumerate(told["post"])]
    return Blog(
        name=name,
        title=told["title"],
        form=Form(told["form"]),
        feed=told["feed"],
        entries=entries[::-1],
        changed=entries[-1].at,
    )


def _entry(told: dict[str, Any], at: datetime) -> Entry:
    comments = [
        Comment(at=at + timedelta(minutes=number), **comment)
        for number, comment in enumerate(told.pop("comment", ()), start=1)
    ]
    return Entry(at=at, comments=comments, **told)


@asynccontextmanager
async def served(world: World) -> AsyncIterator[World]:
    """On a free port of 127.0.0.1, for as long as it is open."""
    app = web.Application()
    for blog in world.blogs.values():
        app.add_routes(_routes(world, blog))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    world.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield world
    finally:
        await runner.cleanup()


def _routes(world: World, blog: Blog) -> list[web.RouteDef]:
    """The first that fits is taken."""
    at = f"/{blog.name}"
    ways: dict[str, Writer] = {
        f"{at}/{blog.feed}": _feed,
        f"{at}/comments/feed/": _all_comments,
        f"{at}/{{id}}/feed/": _comments,
        f"{at}/{{id}}": _page,
    }
    return [web.get(path, partial(_answer, world, blog, write)) for path, write in ways.items()]


async def _answer(world: World, blog: Blog, write: Writer, request: web.Request) -> web.Response:
    """With validators (RFC 9110, 13): what did not change answers 304, and an ETag outweighs a date."""
    try:
        body, kind = write(world, blog, request)
    except web.HTTPNotFound:
        world.answers[404] += 1
        raise
    validators = {
        "ETag": f'"{blake2b(body.encode(), digest_size=8).hexdigest()}"',
        "Last-Modified": format_datetime(blog.changed, usegmt=True),
    }
    if _unchanged(request, validators):
        world.answers[304] += 1
        return web.Response(status=304, headers=validators)
    world.answers[200] += 1
    return web.Response(text=body, content_type=kind, charset="utf-8", headers=validators)


def _unchanged(request: web.Request, validators: dict[str, str]) -> bool:
    if known := request.headers.get("If-None-Match"):
        return known == validators["ETag"]
    return request.headers.get("If-Modified-Since") == validators["Last-Modified"]


def _feed(world: World, blog: Blog, request: web.Request) -> tuple[str, str]:
    if "paged" in request.query:  # there are no older pages
        raise web.HTTPNotFound
    return WRITERS[blog.form](blog, f"{world.address}/{blog.name}"), TYPES[blog.form]


def _all_comments(world: World, blog: Blog, request: web.Request) -> tuple[str, str]:
    return comment_feed(blog.entries, f"{world.address}/{blog.name}"), TYPES[Form.RSS]


def _comments(world: World, blog: Blog, request: web.Request) -> tuple[str, str]:
    return comment_feed([_found(blog, request)], f"{world.address}/{blog.name}"), TYPES[Form.RSS]


def _page(world: World, blog: Blog, request: web.Request) -> tuple[str, str]:
    return page(_found(blog, request)), HTML


def _found(blog: Blog, request: web.Request) -> Entry:
    entry = blog.entry(request.match_info["id"])
    if entry is None:
        raise web.HTTPNotFound
    return entry
