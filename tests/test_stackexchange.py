"""Stack Exchange is heard by whole threads, never faster than it asks for, and not past what it grants a day."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from polling import NOW, Poller, ids, jsoned
from webserver import Server

from connectors.contract import Broken, Fix, Hearing, Rereader, Wait
from connectors.http import Web
from connectors.stackexchange import Options, StackExchangeConnector
from connectors.stackexchange_parse import INCLUDE, posts_of

GOLDEN = json.loads((Path(__file__).parent / "data/stackexchange/answers.json").read_text())
T = int(NOW.timestamp())
Raw = dict[str, object]


class Exchange:
    """What the API does and refuses: oldest activity first, `min`, pages, a quota, and `backoff` when told to."""

    def __init__(self, server: Server):
        self.questions: list[Raw] = []
        self.left, self.most, self.backoff = 9_000, 10_000, 0
        self.asked = 0
        self.server = server
        for path in ("search/advanced", "questions"):
            server.answers[f"/{path}"] = self._granted(self.page)
        server.answers["/filters/create"] = self._granted(self.filter)

    def _granted(self, answer):  # type: ignore[no-untyped-def]
        async def granted(request: web.Request) -> web.Response:
            self.asked += 1
            if not self.left:
                return refused(
                    502,
                    "throttle_violation",
                    "too many requests from this IP, more requests available in 76366 seconds",
                )
            self.left -= 1
            wrapper = {"has_more": False, "quota_max": self.most, "quota_remaining": self.left, **answer(request)}
            return web.json_response(wrapper | ({"backoff": self.backoff} if self.backoff else {}))

        return granted

    def filter(self, request: web.Request) -> Raw:
        assert request.query["include"] == INCLUDE and request.query["base"] == "default"
        return {"items": [{"filter": "!abc", "included_fields": []}]}

    def write(
        self, id_: int, text: str = "acme is down", at: datetime = NOW - timedelta(minutes=5), **more: object
    ) -> Raw:
        when = int(at.timestamp())
        question = {
            "question_id": id_, "title": "Acme", "body": f"<p>{text}</p>", "creation_date": when, "last_activity_date": when,
            "link": f"https://stackoverflow.com/questions/{id_}/acme", "owner": {"display_name": "marta", "user_id": 1},
        }  # fmt: skip
        self.questions.append(question | more)
        for kind in ("questions", "answers", "comments"):
            self.server.answers[f"/{kind}/{id_}"] = self._granted(self.one)
        return self.questions[-1]

    def answer(self, to: Raw, id_: int, text: str = "same here", at: datetime = NOW) -> None:
        answers = to.setdefault("answers", [])
        answers.append(
            {"answer_id": id_, "question_id": to["question_id"], "body": text, "creation_date": int(at.timestamp())}
        )  # type: ignore[attr-defined]
        to["last_activity_date"] = int(at.timestamp())

    def page(self, request: web.Request) -> Raw:
        asked = request.query
        assert (asked["sort"], asked["order"], asked["filter"], asked["site"]) == (
            "activity",
            "asc",
            "!abc",
            "stackoverflow",
        )
        found = [one for one in self.questions if int(one["last_activity_date"]) >= int(asked["min"])]  # type: ignore[call-overload]
        found = [one for one in found if asked.get("q", "acme") in json.dumps(one).lower()]
        found.sort(key=lambda one: one["last_activity_date"])  # type: ignore[arg-type, return-value]
        start, size = (int(asked["page"]) - 1) * int(asked["pagesize"]), int(asked["pagesize"])
        return {"items": found[start : start + size], "has_more": len(found) > start + size}

    def one(self, request: web.Request) -> Raw:
        _, kind, wanted = request.path.split("/")
        every = self.questions if kind == "questions" else [a for q in self.questions for a in q.get("answers", [])]  # type: ignore[attr-defined]
        field = f"{kind.removesuffix('s')}_id"
        return {"items": [one for one in every if str(one[field]) in wanted.split(";")]}


def refused(number: int, name: str, message: str) -> web.Response:
    return web.json_response({"error_id": number, "error_name": name, "error_message": message}, status=400)


def ear(server: Server, web_: Web, **given: object) -> Poller:
    given = {"searches": ("acme",), "api_url": server.address, **given}
    return Poller(StackExchangeConnector("stack", Options(**given), web_))  # type: ignore[arg-type]


@pytest.fixture
def exchange(server: Server) -> Exchange:
    return Exchange(server)


@pytest.mark.parametrize("pair", GOLDEN, ids=lambda pair: str(pair["post"]["id"]))
def test_an_item_is_the_post_it_means(pair: dict[str, dict[str, str]]) -> None:
    [post] = posts_of({"items": [pair["raw"]]}, str(pair["kind"]), "stack")
    assert post.created is not None
    assert pair["post"] == {
        "id": post.id, "url": post.url, "title": post.title, "text": post.text, "author": post.author.handle,
        "author_id": post.author.id, "created": post.created.isoformat(), "kind": post.kind, "parent": post.parent,
        "root": post.root, "likes": post.reach.likes, "site": post.site,
    }  # fmt: skip


async def test_a_thread_is_heard_whole_and_again_when_it_wakes(server: Server, web_: Web, exchange: Exchange) -> None:
    old = exchange.write(1, at=NOW - timedelta(days=40))
    young = exchange.write(2, comments=[{"comment_id": 9, "post_id": 2, "post_type": "question", "body": "me too"}])
    exchange.answer(young, 3, at=NOW - timedelta(minutes=90))
    stack = ear(server, web_)
    heard = {post.id: post for post in await stack.poll()}
    assert {id_: (post.parent, post.root) for id_, post in heard.items()} == {
        "q2": ("", ""), "c9": ("q2", "q2"), "a3": ("q2", "q2"),
    }  # fmt: skip
    stack.now += timedelta(hours=3)
    exchange.answer(old, 4, at=stack.now - timedelta(hours=1))
    assert ids(await stack.poll())[-2:] == ["q1", "a4"]


async def test_what_wakes_while_it_is_read_is_not_jumped_over(server: Server, web_: Web, exchange: Exchange) -> None:
    for number in range(120):
        exchange.write(number, at=NOW - timedelta(minutes=600 - number))
    stack = ear(server, web_)
    first = await stack.step()
    exchange.questions[60]["last_activity_date"] = T  # it moves to the end, all behind it move up
    rest = await stack.poll()
    assert {post.id for post in [*first.posts, *rest]} == {f"q{number}" for number in range(120)}


async def test_a_clock_of_ours_that_is_wrong_loses_nothing(server: Server, web_: Web, exchange: Exchange) -> None:
    exchange.write(1)
    stack = ear(server, web_)
    stack.now += timedelta(days=3)
    await stack.poll()
    exchange.write(2, at=NOW)
    assert "q2" in ids(await stack.poll())


async def test_more_than_a_page_within_one_second_is_turned(server: Server, web_: Web, exchange: Exchange) -> None:
    for number in range(130):
        exchange.write(number)
    assert len(set(ids(await ear(server, web_).poll()))) == 130


async def test_tags_are_read_without_the_search(server: Server, web_: Web, exchange: Exchange) -> None:
    exchange.write(1)
    stack = ear(server, web_, tags=("acme-api",), search=False)
    assert ids(await stack.poll()) == ["q1"]
    assert [request.path for request in server.asked] == ["/filters/create", "/questions"]
    assert server.asked[-1].query["tagged"] == "acme-api"
    await stack.poll()
    assert [request.path for request in server.asked].count("/filters/create") == 1, "a filter is made once"


async def test_a_backoff_is_kept_even_amid_a_round_and_by_whoever_asks_again(
    server: Server, web_: Web, exchange: Exchange
) -> None:
    for number in range(120):
        exchange.write(number, at=NOW - timedelta(minutes=600 - number))
    exchange.backoff = 30
    stack = ear(server, web_)
    page = await stack.step()
    assert (page.more, page.wait, page.hearing) == (False, timedelta(seconds=30), Hearing.HEARD)
    asked, stack.now = exchange.asked, stack.now + timedelta(seconds=20)
    with pytest.raises(Wait) as caught:
        await stack.step()
    assert (caught.value.hearing, caught.value.until, exchange.asked) == (
        Hearing.RATE_LIMITED, NOW + timedelta(seconds=30), asked,
    )  # fmt: skip
    exchange.backoff, stack.now = 0, NOW + timedelta(seconds=31)
    rest = await stack.poll()
    assert len({post.id for post in [*page.posts, *rest]}) == 120


async def test_what_is_left_of_the_day_is_shared_out_shown_and_never_overdrawn(
    server: Server, web_: Web, exchange: Exchange
) -> None:
    exchange.most, exchange.left = 300, 111
    stack = ear(server, web_)
    await stack.poll()
    assert stack.cursor["quota"]["used"] == 191 and stack.cursor["quota"]["of"] == 300
    rest = datetime(2026, 5, 5, tzinfo=UTC) - NOW
    assert stack.last.wait == rest * 2 / 109  # two requests were asked for: the filter, the search
    exchange.left = 1
    await stack.poll()
    asked = exchange.asked
    with pytest.raises(Wait, match="requests are used up") as caught:
        await stack.poll()
    assert (caught.value.hearing, caught.value.until) == (Hearing.OUT_OF_BUDGET, datetime(2026, 5, 5, tzinfo=UTC))
    assert exchange.asked == asked


async def test_a_throttle_is_waited_out_to_the_second(server: Server, web_: Web, exchange: Exchange) -> None:
    exchange.left = 0
    with pytest.raises(Wait) as caught:
        await ear(server, web_).poll()
    assert (caught.value.hearing, caught.value.until) == (Hearing.RATE_LIMITED, NOW + timedelta(seconds=76366))


@pytest.mark.parametrize(
    ("number", "name", "error"),
    [
        (400, "bad_parameter", Fix), (403, "access_denied", Fix), (404, "no_method", Fix), (405, "key_required", Fix),
        (500, "internal_error", Wait), (502, "throttle_violation", Wait), (503, "temporarily_unavailable", Wait),
    ],
)  # fmt: skip
async def test_refusals_are_sorted_by_their_number(
    server: Server, web_: Web, exchange: Exchange, number: int, name: str, error: type
) -> None:
    async def no(_: web.Request) -> web.Response:
        return refused(number, name, "No site found for name `acme`")

    server.answers["/search/advanced"] = no
    with pytest.raises(error, match=name):
        await ear(server, web_).poll()


async def test_looking_again_tells_what_was_edited_and_what_is_gone(
    server: Server, web_: Web, exchange: Exchange
) -> None:
    question = exchange.write(1)
    exchange.answer(question, 3), exchange.answer(question, 4)
    stack = ear(server, web_)
    before = {post.id: post.fingerprint for post in await stack.poll()}
    server.answers |= {
        "/answers/3;4": exchange._granted(exchange.one),
        "/questions/1;2": exchange._granted(exchange.one),
    }
    question["answers"][1]["body"] = "same here, solved"  # type: ignore[index]
    del question["answers"][0]  # type: ignore[attr-defined]
    assert isinstance(stack.ear, Rereader)
    page = await stack.ear.reread(["q1", "q2", "a3", "a4"], stack.cursor, stack.now)
    after = {post.id: post.fingerprint for post in page.posts}
    assert page.gone == ("q2", "a3") and after["q1"] == before["q1"] and after["a4"] != before["a4"]
    assert page.cursor["quota"]["used"] == stack.cursor["quota"]["used"] + 2


async def test_nothing_to_look_for_is_said(server: Server, web_: Web) -> None:
    with pytest.raises(Fix, match="nothing to look for"):
        await ear(server, web_, search=False).poll()


async def test_hostile_shapes_are_only_shapes(server: Server, web_: Web, exchange: Exchange) -> None:
    odd = [None, {"question_id": "1", "answers": {}, "comments": [None], "link": "https://[", "owner": []}]
    server.answers["/search/advanced"] = jsoned({"items": odd, "has_more": True, "quota_max": "x", "backoff": "y"})
    server.answers["/questions"] = jsoned({"items": {}})
    stack = ear(server, web_)
    page = await stack.step()
    assert ids(list(page.posts)) == ["q1"] and "2 of 3 items" in page.note
    with pytest.raises(Broken):
        await ear(server, web_, search=False, tags=("acme",)).poll()
