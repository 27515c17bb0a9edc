"""The one door to the web: what it refuses, what it follows, and what it says."""

import asyncio
import gzip
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from webserver import Handler, Server

from connectors.carrier import MOST_BYTES
from connectors.contract import ConnectorError, Fix, Hearing, Wait
from connectors.http import Web, retry_after, shown

NOW = datetime(2026, 5, 4, 13, 0, tzinfo=UTC)


async def test_a_permanent_move_is_told_and_a_passing_one_is_not(server: Server, web_: Web) -> None:
    server.answers |= {
        "/old": (301, {"Location": "/new"}, b""),
        "/away": (302, {"Location": "/new"}, b""),
        "/mixed": (308, {"Location": "/away"}, b""),
        "/new": b"here",
    }
    assert (await web_.get(f"{server.address}/old", now=NOW)).moved == f"{server.address}/new"
    assert (await web_.get(f"{server.address}/away", now=NOW)).moved == ""
    mixed = await web_.get(f"{server.address}/mixed", now=NOW)
    assert (mixed.body, mixed.moved) == (b"here", f"{server.address}/away")


async def test_a_circle_of_redirects_ends(server: Server, web_: Web) -> None:
    server.answers["/round"] = (302, {"Location": "/round"}, b"")
    with pytest.raises(Fix, match="redirects"):
        await web_.get(f"{server.address}/round", now=NOW)


async def test_a_small_bomb_stays_small(server: Server, web_: Web) -> None:
    bomb = gzip.compress(b"\0" * (MOST_BYTES + 1))
    server.answers["/"] = (200, {"Content-Encoding": "gzip"}, bomb)
    with pytest.raises(Fix, match="larger than"):
        await web_.get(f"{server.address}/", now=NOW)


@pytest.mark.parametrize(
    ("status", "headers", "kind", "hearing"),
    [
        (429, {"Retry-After": "120"}, Wait, Hearing.RATE_LIMITED),
        (503, {"Retry-After": "120"}, Wait, Hearing.RATE_LIMITED),
        (503, {}, Wait, Hearing.NOT_REACHABLE),
        (500, {}, Wait, Hearing.NOT_REACHABLE),
        (403, {}, Fix, Hearing.BLOCKED),
        (402, {}, Fix, Hearing.BLOCKED),
    ],
)
async def test_refusals_say_who_must_do_what(
    server: Server, web_: Web, status: int, headers: dict[str, str], kind: type[ConnectorError], hearing: Hearing
) -> None:
    server.answers["/"] = (status, headers, b"")
    with pytest.raises(kind) as refused:
        await web_.get(f"{server.address}/", now=NOW)
    assert refused.value.hearing is hearing
    if headers:
        assert refused.value.until == NOW + timedelta(minutes=2)  # type: ignore[attr-defined]


async def test_a_server_that_hangs_up_is_waited_for(server: Server, web_: Web) -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return response

    server.answers["/"] = hang_up
    with pytest.raises(Wait):
        await web_.get(f"{server.address}/", now=NOW)


@pytest.mark.parametrize(
    "url",
    ["ftp://blog.example/", "file:///etc/passwd", "blog.example/feed", "http://", "http://[bad", "http://exa mple/"],
)
async def test_what_is_no_web_address_is_refused(web_: Web, url: str) -> None:
    with pytest.raises(ConnectorError):
        await web_.get(url, now=NOW)


def test_retry_after_is_seconds_or_a_date_and_never_beyond_a_day() -> None:
    assert retry_after("60", NOW) == NOW + timedelta(seconds=60)
    assert retry_after("Mon, 04 May 2026 14:00:00 GMT", NOW) == NOW + timedelta(hours=1)
    assert retry_after("Mon, 04 May 2020 14:00:00 GMT", NOW) == NOW
    assert retry_after("9999999", NOW) == NOW + timedelta(days=1)
    assert retry_after("soon", NOW) is None


def test_secrets_in_an_address_are_not_shown() -> None:
    told = shown("https://user:word@blog.example/feed?token=abc123&page=2")
    assert told == "https://blog.example/feed?token=…&page=…"


@given(st.text())
def test_any_address_can_be_shown(url: str) -> None:
    assert isinstance(shown(url), str)


@pytest.mark.parametrize("name", ["Authorization", "X-Goog-Api-Key", "Api-Key", "Api-Username"])
async def test_a_key_stays_with_the_server_it_is_for(server: Server, web_: Web, name: str) -> None:
    async with Server() as other:
        visitor = Web("test", frozenset({server.host, other.host}))
        server.answers |= {
            "/near": (302, {"Location": "/here"}, b""),
            "/far": (302, {"Location": f"{other.address}/there"}, b""),
        }
        for path in ("/near", "/far"):
            await visitor.try_get(f"{server.address}{path}", headers={name: "Bearer secret", "X-Plain": "yes"})
        await visitor.aclose()
        assert [asked.headers.get(name) for asked in server.asked] == ["Bearer secret"] * 3
        [elsewhere] = other.asked
        assert name not in elsewhere.headers and elsewhere.headers["X-Plain"] == "yes"


async def test_what_is_posted_goes_nowhere_else(server: Server, web_: Web) -> None:
    server.answers["/login"] = (307, {"Location": "/elsewhere"}, b"")
    answer = await web_.post(f"{server.address}/login", json={"password": "secret"})
    assert (answer.status, server.paths()) == (307, ["/login"])


def talking(*texts: str, endless: bool = False) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        line = web.WebSocketResponse()
        await line.prepare(request)
        for text in texts:
            await line.send_str(text)
        while endless:
            await line.send_str("again")
            await asyncio.sleep(0)
        await line.receive()
        return line

    return answer


async def test_a_stream_is_heard_until_it_is_enough(server: Server, web_: Web) -> None:
    server.answers["/stream"] = talking("a", "b", "c")
    heard: list[str] = []
    await web_.listen(
        f"{server.address}/stream", enough=lambda text: heard.append(text) or text == "b", patience=30, now=NOW
    )
    assert heard == ["a", "b"]


async def test_a_stream_that_falls_silent_or_never_ends_holds_nobody_up(server: Server, web_: Web) -> None:
    server.answers |= {"/quiet": talking("a"), "/flood": talking(endless=True)}
    heard: list[str] = []
    ws = server.address.replace("http", "ws")
    await web_.listen(f"{ws}/quiet", enough=lambda text: bool(heard.append(text)), patience=0.2, now=NOW)
    assert heard == ["a"]
    await web_.listen(f"{ws}/flood", enough=lambda text: bool(heard.append(text)), patience=0.2, now=NOW)
    assert len(heard) > 1


@pytest.mark.parametrize(
    ("status", "error"), [(400, Fix), (403, Fix), (404, Fix), (429, Wait), (500, Wait), (200, Fix)]
)
async def test_a_stream_that_does_not_begin_is_an_error(
    server: Server, web_: Web, status: int, error: type[ConnectorError]
) -> None:
    server.answers["/stream"] = (status, {}, b"no")
    with pytest.raises(error):
        await web_.listen(f"{server.address}/stream", enough=lambda _: True, patience=5, now=NOW)


async def test_no_cookie_is_taken_and_none_is_given(server: Server, web_: Web) -> None:
    server.answers |= {"/a": (302, {"Location": "/b", "Set-Cookie": "who=we; Path=/"}, b""), "/b": b"here"}
    for _ in range(2):
        await web_.get(f"{server.address}/a", now=NOW)
    assert all("Cookie" not in request.headers for request in server.asked)
