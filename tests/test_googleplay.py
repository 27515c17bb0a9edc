"""Reviews of Google Play, through app-reviews: what it cannot read is no silence, and nothing is asked behind our back."""

import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from polling import NOW, Poller, ids
from webserver import Server

from connectors.contract import Broken, Fix, Hearing, Wait
from connectors.googleplay import ACCESS, GooglePlayConnector, Options
from connectors.http import Web

pytest.importorskip("app_reviews", reason="the extra googleplay is not installed")
APP, PATH, PAGE = "com.acme.air", "/_/PlayStoreUi/data/batchexecute", 200


class Play:
    """The store as its own page asks it: newest first, two hundred a page, a token for the next."""

    def __init__(self, server: Server):
        self.reviews: dict[str, list[Any]] = {}
        self.stale = False  # does it refuse the tokens it gave?
        server.answers[PATH] = self.answer

    def write(self, id_: str, text: str = "it forgets me", at: datetime = NOW, stars: int = 1) -> None:
        person, when = ["M. Quill", []], [int(at.timestamp()), 500_000_000]
        self.reviews[id_] = [id_, person, stars, None, text, when, 0, None, None, [], "7.2.1"]

    async def answer(self, request: web.Request) -> web.Response:
        [asked] = parse_qs((await request.read()).decode())["f.req"]
        argument = json.loads(json.loads(asked)[0][0][1])
        (size, *rest), app = argument[1][2], argument[2][0]
        if self.stale and rest:
            return web.Response(text=")]}'\n\n" + json.dumps([["er", None, None, None, None, 400]]))
        begin = int(rest[1]) if rest else 0
        found = sorted(self.reviews.values(), key=lambda one: -one[5][0]) if app == APP else []
        more = [None, str(begin + size)] if begin + size < len(found) else None
        rows = [["wrb.fr", "oCPfdb", json.dumps([found[begin : begin + size], more])]]
        return web.Response(text=")]}'\n\n" + json.dumps(rows), content_type="application/json")


def ear(server: Server, web_: Web, **given: Any) -> Poller:
    return Poller(GooglePlayConnector("play", Options(**{"app": APP, "api_url": server.address, **given}), web_))


@pytest.fixture
def play(server: Server) -> Play:
    return Play(server)


async def test_a_review_is_a_post_with_its_stars(server: Server, web_: Web, play: Play) -> None:
    play.write("r1", "返事が来ない 😡 <b>", stars=2)
    [post] = await ear(server, web_).poll()
    assert (post.id, post.title, post.text, post.author.name) == ("r1", "★★☆☆☆", "返事が来ない 😡 <b>", "M. Quill")
    assert (post.kind, post.rating, post.created) == ("review", 0.25, NOW + timedelta(milliseconds=500))
    assert post.url.endswith(f"?id={APP}&reviewId=r1") and post.extra == {"rating": "2/5", "version": "7.2.1"}


async def test_older_pages_are_read_down_to_what_was_heard(server: Server, web_: Web, play: Play) -> None:
    for number in range(450):
        play.write(f"r{number}", at=NOW - number * timedelta(minutes=1))
    poller = ear(server, web_, overlap=timedelta(hours=1))
    assert len(await poller.poll()) == 450 and len(poller.pages) == 3
    poller.now += timedelta(hours=2)
    play.write("new", at=poller.now)
    assert "new" in ids(await poller.poll()) and len(poller.pages) == 1


async def test_a_token_that_is_no_more_begins_the_reading_again(server: Server, web_: Web, play: Play) -> None:
    for number in range(450):
        play.write(f"r{number}", at=NOW - number * timedelta(minutes=1))
    poller, play.stale = ear(server, web_), True
    await poller.poll()
    assert poller.last.hearing is Hearing.TRUNCATED and "begun anew" in poller.last.note
    play.stale = False
    assert len(await poller.poll()) == 450


async def test_a_review_that_cannot_be_read_is_said(server: Server, web_: Web, play: Play) -> None:
    play.write("good")
    play.reviews["odd"] = ["odd", ["x"], 9, None, "text", [int(NOW.timestamp())]]
    poller = ear(server, web_)
    assert ids(await poller.poll()) == ["good"]
    assert "1 reviews could not be read" in poller.last.note


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ((200, {}, b')]}\'\n\n[["wrb.fr","oCPf'), Wait, "breaks off"),
        ((200, {}, b')]}\'\n\n[["wrb.fr","another","[]"]]'), Broken, "another shape"),
        ((200, {"Content-Type": "text/html"}, b"<html>consent</html>"), Broken, "another shape"),
        ((302, {"Location": "https://consent.example/"}, b""), Fix, "302"),
        ((429, {"Retry-After": "60"}, b""), Wait, "limit"),
        ((404, {}, b""), Fix, "not there"),
    ],
    ids=range(6),
)
async def test_refusals_are_sorted_and_asked_once(
    server: Server, web_: Web, answer: object, error: type[Exception], said: str
) -> None:
    server.answers[PATH] = answer
    with pytest.raises(error, match=said):
        await ear(server, web_).poll()
    assert len(server.asked) == 1


@pytest.mark.parametrize("app", ["", "acme", "com.acme/../x", "1234567"])
async def test_what_is_no_app_is_said(server: Server, web_: Web, app: str) -> None:
    with pytest.raises(Fix, match=r"com\.acme\.air"):
        await ear(server, web_, app=app).poll()
    assert server.asked == [] and "no key" in ACCESS
