"""A person pastes a blog's address, and it works; or is told what can be heard there instead."""

import asyncio
from pathlib import Path

import pytest
import sites
from aiohttp import web
from click.testing import CliRunner
from polling import NOW, Poller, ids
from webserver import Server

from connectors.contract import Fix, Wait
from connectors.discovery import discover, feeds_of, named_by_header, usual
from connectors.feed import FeedConnector, Options
from connectors.http import Web
from listener.cli import main

BLOG = "https://blog.example/2026/"
RSS = b"<rss><channel><title>B</title><item><guid>a</guid><description>acme</description></item></channel></rss>"
JSON = b'{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "a", "content_text": "acme"}]}'


def page(head: str = "", body: str = "") -> str:
    return f"<!doctype html><html><head>{head}</head><body>{body}</body></html>"


@pytest.mark.parametrize(
    ("head", "body", "found"),
    [
        ('<link rel="alternate" type="application/rss+xml" href="/feed">', "", ["https://blog.example/feed"]),
        (
            '<link rel="ALTERNATE home" type="Application/Atom+XML" href="a.xml">',
            "",
            ["https://blog.example/2026/a.xml"],
        ),
        (
            '<link rel="alternate" type="application/feed+json" href="https://f.example/f.json">',
            "",
            ["https://f.example/f.json"],
        ),
        (
            '<link rel="alternate" type="application/rss+xml" title="Comments" href="/comments/feed/"><link rel="alternate" type="application/rss+xml" href="/feed/">',
            "",
            ["https://blog.example/feed/", "https://blog.example/comments/feed/"],
        ),
        (
            '<link rel="alternate" type="text/html" hreflang="de" href="/de"><link rel="stylesheet" href="/feed.css">',
            "",
            [],
        ),
        (
            "",
            '<a href="/rss.xml">RSS</a><a href="https://elsewhere.example/feed">x</a><a href="/feedback">y</a>',
            ["https://blog.example/rss.xml"],
        ),
        (
            '<link rel="alternate" type="application/rss+xml" href="feed:nothing"><link rel="alternate" type="application/rss+xml">',
            "",
            [],
        ),
    ],
    ids=range(7),
)
def test_what_a_page_names(head: str, body: str, found: list[str]) -> None:
    assert feeds_of(page(head, body), BLOG) == found


def test_what_a_header_names() -> None:
    link = '</feed.xml>; rel="alternate"; type="application/rss+xml", <https://hub.example/>; rel="hub"'
    assert named_by_header({"link": link}, BLOG) == ["https://blog.example/feed.xml"]


@pytest.mark.parametrize(
    ("head", "url", "first"),
    [
        ('<meta name="generator" content="WordPress 6.1">', BLOG, "https://blog.example/feed/"),
        ('<meta name="generator" content="blogger">', BLOG, "https://blog.example/feeds/posts/default"),
        ('<meta name="generator" content="Hugo 0.111">', BLOG, "https://blog.example/index.xml"),
        ("", "https://kim.blogspot.com/2026/05/", "https://kim.blogspot.com/feeds/posts/default"),
        ("", "https://medium.com/@kim", "https://medium.com/feed/@kim"),
        ("", BLOG, "https://blog.example/2026/feed/"),
    ],
)
def test_where_such_sites_have_their_feed(head: str, url: str, first: str) -> None:
    assert usual(page(head), url)[0] == first


@pytest.mark.parametrize(
    "text", ["", "\0", "<", "<html", "<link rel=alternate type=application/rss+xml href='http://[::1'>"]
)
def test_any_page_is_looked_through(text: str) -> None:
    feeds_of(text, BLOG), usual(text, BLOG)


@pytest.mark.parametrize(
    ("answers", "kind", "path"),
    [
        ({"/": RSS}, "feed", "/"),
        (
            {
                "/": page(
                    '<link rel="alternate" type="application/rss+xml" href="/gone"><link rel="alternate" type="application/feed+json" href="/f.json">'
                ),
                "/f.json": JSON,
            },
            "feed",
            "/f.json",
        ),
        ({"/": page(), "/feed/": RSS}, "feed", "/feed/"),
        ({"/": page(), "/feeds/posts/default": RSS}, "feed", "/feeds/posts/default"),
        ({"/": page(), "/feed/": page(), "/sitemap.xml": sites.sitemap([("/1", "")])}, "sitemap", "/sitemap.xml"),
        (
            {"/": page(), "/robots.txt": "Sitemap: /map.xml", "/map.xml": sites.sitemap([("/1", "")])},
            "sitemap",
            "/map.xml",
        ),
        ({"/": page(body=sites.review("a", "It leaks.")), "/feed/": RSS}, "reviews", "/"),
    ],
    ids=range(7),
)
async def test_what_is_found(server: Server, web_: Web, answers: dict[str, object], kind: str, path: str) -> None:
    server.answers |= answers
    found = await discover(web_, f"{server.address}/", NOW)
    assert (found.kind, found.url) == (kind, f"{server.address}{path}")
    assert len(server.asked) < 20


async def test_a_header_is_enough(server: Server, web_: Web) -> None:
    async def front(_: web.Request) -> web.Response:
        return web.Response(text="hello", headers={"Link": '</real>; rel="alternate"; type="application/atom+xml"'})

    server.answers |= {"/": front, "/real": RSS}
    assert (await discover(web_, f"{server.address}/", NOW)).url == f"{server.address}/real"


async def test_nothing_is_said_to_be_nothing(server: Server, web_: Web) -> None:
    server.answers["/"] = page()
    with pytest.raises(Fix, match="give the address of a feed"):
        await discover(web_, f"{server.address}/", NOW)


def ear(server: Server, client: Web, path: str = "/") -> Poller:
    return Poller(
        FeedConnector("blog", Options(url=f"{server.address}{path}", comments=False, full_text="never"), client)
    )


async def test_a_pasted_address_is_heard_and_what_was_found_is_remembered(server: Server, web_: Web) -> None:
    server.answers |= {"/": page('<meta name="generator" content="WordPress 6.1">'), "/feed/": RSS}
    poller = ear(server, web_)
    assert ids(await poller.poll()) == ["a"]
    assert poller.pages[0].facts == {"url": f"{server.address}/feed/", "found": "is where such sites have their feed"}
    server.asked.clear()
    assert await poller.poll() == [] and server.paths() == ["/feed/"]


async def test_a_page_that_another_kind_can_hear_names_it(server: Server, web_: Web) -> None:
    server.answers |= {"/": page(), "/sitemap.xml": sites.sitemap([("/1", "")])}
    with pytest.raises(Fix, match='with kind = "sitemap"'):
        await ear(server, web_).poll()


async def test_a_page_in_the_place_of_a_feed_that_was_heard_starts_no_search(server: Server, web_: Web) -> None:
    """A hotel's sign-in page answers everything."""
    server.answers["/feed"] = RSS
    poller = ear(server, web_, "/feed")
    await poller.poll()
    server.answers |= {"/feed": page("Sign in"), "/feed/": RSS}
    server.asked.clear()
    with pytest.raises(Wait, match="was a feed before"):
        await poller.poll()
    assert server.paths() == ["/feed"]


async def run(server: Server, *arguments: str) -> str:
    """A command, while the server answers."""

    def invoke() -> str:
        result = CliRunner().invoke(main, arguments, env={"LISTENER_ALLOW_PRIVATE": server.host})
        assert result.exit_code == 0, result.output
        return result.output.replace("\n", " ")

    return await asyncio.to_thread(invoke)


async def test_init_writes_what_was_found_and_doctor_says_it(server: Server, tmp_path: Path) -> None:
    server.answers |= {"/": page('<link rel="alternate" type="application/rss+xml" href="/real">'), "/real": RSS}
    asked = ("init", "--config", str(tmp_path), "--brand", "Acme", "--person", "Dana", "--timezone", "UTC", "--feed")
    told = await run(server, *asked, f"{server.address}/")
    assert f"{server.address}/real is named by the page" in told
    sources = tmp_path / "sources.toml"
    assert f'url = "{server.address}/real"' in sources.read_text()
    sources.write_text(sources.read_text().replace("/real", "/"))
    assert f"1 items at {server.address}/real, which is named by the page" in await run(
        server, "doctor", "--config", str(tmp_path)
    )


async def test_init_goes_on_when_the_address_cannot_be_reached(server: Server, tmp_path: Path) -> None:
    asked = ("init", "--config", str(tmp_path), "--brand", "Acme", "--person", "Dana", "--timezone", "UTC", "--feed")
    told = await run(server, *asked, f"{server.address}/nothing")
    assert "could not be heard now" in told and 'kind = "feed"' in (tmp_path / "sources.toml").read_text()
