"""A hub that is asked, asks back and brings what is new: believed when signed, renewed in time, and never relied upon."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from polling import NOW, Poller, ids
from test_feed import feed, item
from webserver import Server

from connectors.contract import Call
from connectors.feed import FeedConnector, Options
from connectors.feed_parse import parse
from connectors.http import Web
from connectors.inbound import Inbound
from connectors.inbox import Inbox
from connectors.item import Feed
from connectors.websub import offered, receive, secret_of, signed

KEY, TOPIC = "a long random text", "https://blog.example/feed"


def brought(body: bytes, *, algorithm: str = "sha256", key: str = KEY, topic: str = TOPIC) -> Call:
    mark = hmac.new(secret_of(key, topic).encode(), body, algorithm).hexdigest()
    return Call(
        method="POST", headers={"x-hub-signature": f"{algorithm}={mark}", "content-type": "text/xml"}, body=body
    )


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
def test_what_is_signed_is_kept(algorithm: str) -> None:
    reply = receive(brought(b"<rss/>", algorithm=algorithm), TOPIC, KEY)
    assert reply.status == 202 and reply.keep.endswith(b"\n<rss/>")


@pytest.mark.parametrize(
    "call",
    [
        brought(b"<rss/>", key="another"),
        brought(b"<rss/>", topic="https://blog.example/other"),
        brought(b"<rss/>", algorithm="md5"),
        Call(method="POST", body=b"<rss/>"),
        Call(method="POST", headers={"x-hub-signature": "sha256="}, body=b"<rss/>"),
        Call(method="POST", headers={"x-hub-signature": "sha256=é"}, body=b"<rss/>"),
        Call(method="POST", headers={**brought(b"<rss/>").headers}, body=b"<rss>!"),
    ],
    ids=range(7),
)
def test_what_is_not_is_acknowledged_and_not_believed(call: Call) -> None:
    assert (receive(call, TOPIC, KEY).status, receive(call, TOPIC, KEY).keep) == (202, b"")


QUESTION = {"hub.mode": "subscribe", "hub.topic": TOPIC, "hub.challenge": "c4", "hub.lease_seconds": "600"}


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, 200),
        ({"hub.lease_seconds": "forever"}, 200),
        ({"hub.topic": "https://evil.example/"}, 404),
        ({"hub.mode": "unsubscribe"}, 404),
        ({"hub.challenge": ""}, 404),
        ({"hub.challenge": "x" * 1_001}, 404),
        ({"hub.mode": "denied", "hub.reason": "no"}, 200),
    ],
)
def test_a_hub_hears_yes_only_to_what_we_asked(changed: dict[str, str], status: int) -> None:
    reply = receive(Call(method="GET", query=QUESTION | changed), TOPIC, KEY)
    assert reply.status == status and reply.text in ("", "c4") and bool(reply.keep) == (status == 200)
    assert receive(Call(method="GET", query=QUESTION), "", KEY).status == 404, "nothing was asked"
    assert receive(Call(method="GET", query=QUESTION), TOPIC, "").status == 404, "we keep no secret"


@pytest.mark.parametrize(
    "body",
    [
        b'<rss xmlns:a="http://www.w3.org/2005/Atom"><channel><a:link rel="hub" href="/hub"/><a:link rel="self" href="/f"/></channel></rss>',
        b'<feed xmlns="http://www.w3.org/2005/Atom"><link rel="hub" href="https://blog.example/hub"/><link rel="self" href="/f"/></feed>',
        b'{"items": [], "hubs": [{"type": "rssCloud", "url": "x"}, {"type": "WebSub", "url": "/hub"}], "feed_url": "/f"}',
    ],
    ids=range(3),
)
def test_a_feed_names_its_hub(body: bytes) -> None:
    assert offered(parse(body, "", TOPIC), {}, TOPIC) == ("https://blog.example/hub", "https://blog.example/f")


def test_a_header_names_it_too() -> None:
    link = '<https://hub.example/>; rel="hub", </f>; rel="self"'
    assert offered(Feed(items=()), {"link": link}, TOPIC) == ("https://hub.example/", "https://blog.example/f")


class Hub:
    """Asks back at once, as some do, and signs what it brings."""

    def __init__(self, server: Server):
        self.server, self.forms = server, list[dict[str, str]]()
        self.lease, self.answers = "3600", list[int]()
        server.answers["/hub"] = self.asked

    async def asked(self, request: web.Request) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        self.forms.append(form)
        asked = {
            "hub.mode": "subscribe",
            "hub.topic": form["hub.topic"],
            "hub.challenge": "c4",
            "hub.lease_seconds": self.lease,
        }
        async with aiohttp.ClientSession() as session, session.get(form["hub.callback"], params=asked) as answer:
            self.answers.append(answer.status)
            assert answer.status != 200 or await answer.text() == "c4"
        return web.Response(status=202)

    async def bring(self, body: str) -> int:
        form = self.forms[-1]
        mark = hmac.new(form["hub.secret"].encode(), body.encode(), hashlib.sha1).hexdigest()
        headers = {"X-Hub-Signature": f"sha1={mark}", "Content-Type": "application/rss+xml"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(form["hub.callback"], data=body, headers=headers) as answer,
        ):
            return answer.status


@pytest.fixture
def hub(server: Server) -> Hub:
    return Hub(server)


@pytest.fixture
async def blog(hub: Hub, web_: Web, tmp_path: Path) -> AsyncIterator[Poller]:
    """A feed with a hub, and the door open."""
    hub.server.answers["/feed"] = feed([item("a")], '<atom:link rel="hub" href="/hub"/>')
    inbox = Inbox(tmp_path / "blog")
    options = Options(url=f"{hub.server.address}/feed", comments=False, websub_secret=KEY)
    poller = Poller(FeedConnector("blog", options, web_, inbox))
    door = Inbound({"blog": poller.ear}, {"blog": inbox}, lambda: poller.now, set[str]().add)  # type: ignore[dict-item]
    async with door.open("127.0.0.1", 0) as address:
        inbox.address, inbox.open = f"{address}/in/blog", True
        yield poller


async def test_what_a_hub_brings_is_heard_before_the_feed_shows_it_and_once(blog: Poller, hub: Hub) -> None:
    assert ids(await blog.poll()) == ["a"]
    assert hub.answers == [200] and hub.forms[0]["hub.topic"].endswith("/feed")
    assert await blog.poll() == [] and blog.last.wait is None, "a hub that never brought anything changes nothing"
    assert await hub.bring(feed([item("b")])) == 202
    assert ids(await blog.poll()) == ["b"]
    assert blog.last.wait == timedelta(minutes=30)
    hub.server.answers["/feed"] = feed([item("c"), item("b"), item("a")], '<atom:link rel="hub" href="/hub"/>')
    assert ids(await blog.poll()) == ["c"], "the feed is asked all the same"
    assert KEY not in str(blog.cursor) and hub.forms[0]["hub.secret"] not in str(blog.cursor)


async def test_what_was_brought_and_not_kept_is_read_again(blog: Poller, hub: Hub) -> None:
    await blog.poll(), await blog.poll()
    await hub.bring(feed([item("b")]))
    first = await blog.ear.fetch(blog.cursor, NOW)  # the process dies before this page is kept
    assert ids(list(first.posts)) == ids(await blog.poll()) == ["b"]


async def test_a_lease_is_renewed_in_its_last_day_and_a_dead_hub_is_asked_now_and_then(blog: Poller, hub: Hub) -> None:
    hub.lease = str(3 * 86_400)
    await blog.poll()
    for hours, asked in [(1, 1), (47, 1), (49, 2), (50, 2)]:
        blog.now = NOW + timedelta(hours=hours)
        await blog.poll()
        assert len(hub.forms) == asked, hours
    hub.server.answers["/hub"] = (500, {}, b"")
    for _ in range(20):
        blog.now += timedelta(hours=5)
        await blog.poll()
    assert hub.server.paths().count("/hub") < 10
    await hub.bring(feed([item("b")]))
    await blog.poll()
    assert blog.last.wait is None, "the lease is over: polled as often as before"


async def test_a_hub_that_brings_rubbish_or_refuses_harms_nothing(blog: Poller, hub: Hub) -> None:
    await blog.poll()
    await hub.bring("<html>sorry</html>")
    await blog.poll()
    assert "what the hub brought is" in blog.pages[0].note
    async with aiohttp.ClientSession() as session:
        refusal = {"hub.mode": "denied", "hub.topic": hub.forms[0]["hub.topic"], "hub.reason": "no"}
        async with session.get(hub.forms[0]["hub.callback"], params=refusal) as answer:
            assert answer.status == 200
    await blog.poll()
    assert "until" not in blog.cursor["hub"]


async def test_nothing_is_asked_of_a_hub_without_a_secret_or_a_door(hub: Hub, web_: Web, tmp_path: Path) -> None:
    hub.server.answers["/feed"] = feed([item("a")], '<atom:link rel="hub" href="/hub"/>')
    for secret, address, opened in (
        ("", "https://ears.example/", True),
        (KEY, "", True),
        (KEY, "https://ears.example/", False),
    ):
        options = Options(url=f"{hub.server.address}/feed", comments=False, websub_secret=secret)
        inbox = Inbox(tmp_path / "blog", address)
        inbox.open = opened
        await Poller(FeedConnector("blog", options, web_, inbox)).poll()
    assert not hub.forms


def test_a_signature_is_of_the_whole_body() -> None:
    call = brought(b"abc")
    assert signed(call, secret_of(KEY, TOPIC)) and not signed(call, secret_of("x", TOPIC))
