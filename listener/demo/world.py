"""A small invented world on loopback: three blogs with real feeds, comments and pages, which can be written to."""

import json
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from hashlib import blake2b
from html import escape
from importlib.resources import files

from aiohttp import web

SINCE = timedelta(minutes=40)  # how long before the demo begins the first post was written


@dataclass(slots=True)
class Comment:
    id: str
    author: str
    text: str


@dataclass(slots=True)
class Entry:
    id: str
    title: str
    author: str
    text: str
    at: datetime
    teaser: str = ""
    comments: list[Comment] = field(default_factory=list)


@dataclass(slots=True)
class Blog:
    name: str
    title: str
    form: str  # rss, atom or json
    entries: list[Entry]  # newest first

    def write(self, entry: Entry) -> None:
        self.entries.insert(0, entry)

    def delete(self, id_: str) -> None:
        self.entries = [entry for entry in self.entries if entry.id != id_]

    def edit(self, id_: str, text: str) -> None:
        for entry in self.entries:
            if entry.id == id_:
                entry.text = text


@dataclass(slots=True)
class World:
    blogs: dict[str, Blog]
    address: str = ""


def created(now: datetime) -> World:
    """The world as it stands when the demo begins."""
    told = tomllib.loads(files("listener.demo").joinpath("data", "world.toml").read_text("utf-8"))
    return World({name: _blog(name, blog, now - SINCE) for name, blog in told["blog"].items()})


def _blog(name: str, told: dict[str, object], since: datetime) -> Blog:
    posts: list[dict[str, object]] = told["post"]  # type: ignore[assignment]
    entries = [_entry(post, since + timedelta(minutes=3 * number)) for number, post in enumerate(posts)]
    return Blog(name=name, title=str(told["title"]), form=str(told["form"]), entries=entries[::-1])


def _entry(told: dict[str, object], at: datetime) -> Entry:
    comments: list[dict[str, str]] = told.get("comment", [])  # type: ignore[assignment]
    words = {key: str(told.get(key, "")) for key in ("id", "title", "author", "text", "teaser")}
    return Entry(at=at, comments=[Comment(**comment) for comment in comments], **words)


@asynccontextmanager
async def served(world: World) -> AsyncIterator[World]:
    """On a free port of 127.0.0.1, for as long as it is open."""
    app = web.Application()
    app.add_routes(
        [
            web.get("/{blog}/feed.xml", lambda request: _feed(world, request)),
            web.get("/{blog}/feed.json", lambda request: _feed(world, request)),
            web.get("/{blog}/{id}/comments.xml", lambda request: _comments(world, request)),
            web.get("/{blog}/{id}", lambda request: _page(world, request)),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    world.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield world
    finally:
        await runner.cleanup()


async def _feed(world: World, request: web.Request) -> web.Response:
    blog = world.blogs.get(request.match_info["blog"])
    if blog is None:
        raise web.HTTPNotFound
    write = {"rss": rss, "atom": atom, "json": json_feed}[blog.form]
    return _answer(request, write(blog, f"{world.address}/{blog.name}"), _TYPES[blog.form])


async def _comments(world: World, request: web.Request) -> web.Response:
    entry, address = _found(world, request)
    return _answer(request, comment_feed(entry, address), _TYPES["rss"])


async def _page(world: World, request: web.Request) -> web.Response:
    entry, _ = _found(world, request)
    return _answer(request, page(entry), "text/html")


def _found(world: World, request: web.Request) -> tuple[Entry, str]:
    blog = world.blogs.get(request.match_info["blog"])
    entry = next((entry for entry in blog.entries if entry.id == request.match_info["id"]), None) if blog else None
    if blog is None or entry is None:
        raise web.HTTPNotFound
    return entry, f"{world.address}/{blog.name}/{entry.id}"


def _answer(request: web.Request, body: str, kind: str) -> web.Response:
    """With a validator, so that what did not change answers 304."""
    etag = f'"{blake2b(body.encode(), digest_size=8).hexdigest()}"'
    if request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers={"ETag": etag})
    return web.Response(text=body, content_type=kind, charset="utf-8", headers={"ETag": etag})


_TYPES = {"rss": "application/rss+xml", "atom": "application/atom+xml", "json": "application/feed+json"}


def rss(blog: Blog, address: str) -> str:
    items = "".join(
        f"<item><title>{escape(entry.title)}</title><link>{address}/{entry.id}</link>"
        f'<guid isPermaLink="false">{blog.name}-{entry.id}</guid><dc:creator>{escape(entry.author)}</dc:creator>'
        f"<pubDate>{format_datetime(entry.at)}</pubDate><description>{escape(entry.text[:60])}</description>"
        f"<content:encoded><![CDATA[<p>{escape(entry.text)}</p>]]></content:encoded>"
        f"<wfw:commentRss>{address}/{entry.id}/comments.xml</wfw:commentRss>"
        f"<slash:comments>{len(entry.comments)}</slash:comments></item>"
        for entry in blog.entries
    )
    return f"{_RSS}<channel><title>{escape(blog.title)}</title><link>{address}</link>{items}</channel></rss>"


def comment_feed(entry: Entry, address: str) -> str:
    items = "".join(
        f"<item><title>By {escape(comment.author)}</title><link>{address}#{comment.id}</link>"
        f"<guid>{address}#{comment.id}</guid><dc:creator>{escape(comment.author)}</dc:creator>"
        f"<content:encoded><![CDATA[<p>{escape(comment.text)}</p>]]></content:encoded></item>"
        for comment in entry.comments
    )
    return f"{_RSS}<channel><title>Comments</title><link>{address}</link>{items}</channel></rss>"


def atom(blog: Blog, address: str) -> str:
    entries = "".join(
        f"<entry><id>tag:example.com,2026:{blog.name}/{entry.id}</id><title>{escape(entry.title)}</title>"
        f'<link rel="alternate" href="{address}/{entry.id}"/><published>{entry.at.isoformat()}</published>'
        f"<author><name>{escape(entry.author)}</name></author>"
        f"<summary>{escape(entry.teaser or entry.text)}</summary></entry>"
        for entry in blog.entries
    )
    head = '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom">'
    return f"{head}<title>{escape(blog.title)}</title>{entries}</feed>"


def json_feed(blog: Blog, address: str) -> str:
    items = [
        {
            "id": f"{blog.name}-{entry.id}",
            "url": f"{address}/{entry.id}",
            "title": entry.title,
            "content_text": entry.text,
            "date_published": entry.at.isoformat(),
            "authors": [{"name": entry.author}],
        }
        for entry in blog.entries
    ]
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": blog.title, "items": items})


def page(entry: Entry) -> str:
    comments = "".join(f'<div id="{comment.id}"><p>{escape(comment.text)}</p></div>' for comment in entry.comments)
    return (
        f"<!doctype html><html><head><title>{escape(entry.title)}</title></head><body><nav>Home About</nav><article>"
        f"<h1>{escape(entry.title)}</h1><p>{escape(entry.text)}</p></article><aside>{comments}</aside></body></html>"
    )


_RSS = (
    '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:wfw="http://wellformedweb.org/CommentAPI/"'
    ' xmlns:slash="http://purl.org/rss/1.0/modules/slash/">'
)
