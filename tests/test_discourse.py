"""Forums are heard by the numbers of their posts, old and new versions alike; closed ones are named."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from polling import NOW, Poller, ids, jsoned
from webserver import Server

from connectors import discourse
from connectors.contract import Broken, Fix, Hearing, Rereader, Wait
from connectors.discourse import DiscourseConnector, Options, following
from connectors.discourse_parse import Found, Topic, post_of
from connectors.http import Web

GOLDEN = json.loads((Path(__file__).parent / "data/discourse/answers.json").read_text())
Raw = dict[str, object]


class Forum:
    """What Discourse shows: posts by number, newest first; `windows` as older versions do it, fifty numbers at a time."""

    def __init__(self, server: Server):
        self.server = server
        self.posts: dict[int, Raw] = {}
        self.last = 1_000  # numbers are shared with what nobody sees
        self.windows = False
        self.key = ""  # members only, with this key
        server.answers |= {"/posts.json": self.latest, "/search.json": self.search}

    def write(
        self, text: str = "acme melted", at: datetime = NOW - timedelta(minutes=5), topic: int = 0, **more: object
    ) -> int:
        self.last += 1
        topic = topic or self.last + 500_000
        number = 1 + sum(one["topic_id"] == topic for one in self.posts.values())
        self.posts[self.last] = {
            "id": self.last, "username": "mquill", "cooked": f"<p>{text}</p>", "created_at": at.isoformat(), "topic_id": topic,
            "post_number": number, "topic_title": f"Topic {topic}", "version": 1,
        } | more  # fmt: skip
        self.server.answers[f"/posts/{self.last}.json"] = self.one
        self.server.answers[f"/t/{topic}.json"] = self.topic
        return self.last

    def _barred(self, request: web.Request) -> web.Response | None:
        if self.key and request.headers.get("Api-Key") != self.key:
            return web.json_response(
                {"errors": ["You need to be logged in."], "error_type": "not_logged_in"}, status=403
            )
        return None

    async def latest(self, request: web.Request) -> web.Response:
        if barred := self._barred(request):
            return barred
        before = int(request.query.get("before", 0))
        shown = [
            one
            for id_, one in sorted(self.posts.items(), reverse=True)
            if not before or id_ <= before - (not self.windows)
        ]
        if self.windows and before:
            shown = [one for one in shown if int(str(one["id"])) > before - 50]
        return web.json_response({"latest_posts": shown[:50]})

    async def search(self, request: web.Request) -> web.Response:
        words, page = request.query["q"].removesuffix(" order:latest").strip('"'), int(request.query["page"])
        found = [one for _, one in sorted(self.posts.items(), reverse=True) if words in str(one["cooked"])]
        hits = [{"id": one["id"], "created_at": one["created_at"], "blurb": "…"} for one in found]
        more = {"more_full_page_results": True if hits[page * 50 :] else None}
        return web.json_response({"posts": hits[(page - 1) * 50 : page * 50], "grouped_search_result": more})

    async def one(self, request: web.Request) -> web.Response:
        found = self.posts.get(int(request.path.split("/")[2].partition(".")[0]))
        if found is None:
            return web.json_response({"errors": ["Not found"], "error_type": "not_found"}, status=404)
        return web.json_response({key: value for key, value in found.items() if key != "topic_title"})

    async def topic(self, request: web.Request) -> web.Response:
        id_ = int(request.path.split("/")[2].partition(".")[0])
        stream = [one["id"] for one in self.posts.values() if one["topic_id"] == id_]
        return web.json_response({"id": id_, "title": f"Topic {id_}", "post_stream": {"stream": stream}})


def ear(server: Server, web_: Web, **given: object) -> Poller:
    given = {"url": f"{server.address}/", **given}
    return Poller(DiscourseConnector("forum", Options(**given), web_))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discourse, "PAUSE", 0.0)


@pytest.fixture
def forum(server: Server) -> Forum:
    return Forum(server)


@pytest.mark.parametrize("pair", GOLDEN, ids=lambda pair: str(pair["post"]["id"]))
def test_an_answer_is_the_post_it_means(pair: dict[str, dict[str, str]]) -> None:
    post = post_of(pair["raw"], "forum", "https://forum.example", Topic(**pair["topic"]), {})
    assert post is not None and post.created is not None
    assert pair["post"] == {
        "id": post.id, "url": post.url, "title": post.title, "text": post.text, "author": post.author.handle,
        "created": post.created.isoformat(), "kind": post.kind, "parent": post.parent, "root": post.root,
        "likes": post.reach.likes, "extra": post.extra,
    }  # fmt: skip


@pytest.mark.parametrize("windows", [False, True], ids=["new", "old"])
async def test_all_is_heard_across_gaps_in_the_numbers_and_nothing_is_read_twice_over(
    server: Server, web_: Web, forum: Forum, windows: bool
) -> None:
    forum.windows = windows
    written = []
    for number in range(180):
        forum.last += 130 if number == 90 else number % 3  # private messages take numbers too
        written.append(str(forum.write(at=NOW - timedelta(minutes=180 - number))))
    poller = ear(server, web_)
    assert set(ids(await poller.poll())) == set(written)
    asked = len(server.asked)
    await poller.poll()
    assert len(server.asked) - asked <= 2
    forum.last += 700
    new = [str(forum.write(at=NOW)) for _ in range(120)]
    assert set(new) <= set(ids(await poller.poll()))


@given(st.sets(st.integers(1, 400), max_size=60), st.booleans(), st.integers(0, 300))
def test_walking_down_meets_every_number_and_ends(numbers: set[int], windows: bool, floor: int) -> None:
    at: dict[str, object] = {"floor": floor}
    met: set[int] = set()
    for _ in range(500):
        before = at.get("before")
        below = [n for n in sorted(numbers, reverse=True) if before is None or n <= before - (not windows)]  # type: ignore[operator]
        shown = [n for n in below if not windows or before is None or n > before - 50][:5]  # type: ignore[operator]
        at = following(at, Found(ids=tuple(shown), items=()))
        met |= set(shown)
        if at["before"] <= max(floor, 1):  # type: ignore[operator]
            break
    else:
        raise AssertionError("it never ends")
    assert {n for n in numbers if n > floor} <= met and at["top"] == max(numbers, default=0)


async def test_a_reply_hangs_under_what_it_answers_and_under_its_topic(server: Server, web_: Web, forum: Forum) -> None:
    old = forum.write(topic=7, at=NOW - timedelta(days=30))
    for _ in range(60):
        forum.write(at=NOW - timedelta(days=20))
    second = forum.write(topic=7)
    third = forum.write(topic=7, reply_to_post_number=2)
    poller = ear(server, web_)
    heard = {post.id: post for post in await poller.poll()}
    assert (heard[str(second)].parent, heard[str(second)].root) == (str(old), str(old))
    assert (heard[str(third)].parent, heard[str(third)].root) == (str(second), str(old))
    assert heard[str(third)].title == "" and str(old) not in heard
    asked = [request.path for request in server.asked].count("/t/7.json")
    forum.write(topic=7, at=NOW)
    await poller.poll()
    assert asked == 1 == [request.path for request in server.asked].count("/t/7.json")


async def test_every_reply_is_hung_up_when_it_is_first_heard(server: Server, web_: Web, forum: Forum) -> None:
    """Afterwards it is known, and nobody looks at it again."""
    olds = [forum.write(topic=topic, at=NOW - timedelta(days=30)) for topic in range(1, 31)]
    for _ in range(50):
        forum.write(at=NOW - timedelta(days=20))
    for topic in range(1, 31):
        forum.write(topic=topic)
    replies = [post for post in await ear(server, web_).poll() if post.parent]
    assert sorted(int(post.root) for post in replies) == olds


async def test_a_search_reads_each_post_it_finds_whole_and_once(server: Server, web_: Web, forum: Forum) -> None:
    for number in range(70):
        forum.write("acme, at length" if number % 2 else "nothing", at=NOW - timedelta(hours=70 - number))
    poller = ear(server, web_, search=True, searches=("acme",))
    heard = await poller.poll()
    assert len(heard) == 35 == len(set(ids(heard))) and {post.text for post in heard} == {"acme, at length"}
    assert all(post.title.startswith("Topic ") for post in heard)
    before = len(server.asked)
    assert await poller.poll() == [] and len(server.asked) - before == 1
    new = forum.write("acme once more", at=NOW)
    assert ids(await poller.poll()) == [str(new)]


async def test_more_than_the_search_shows_is_said(server: Server, web_: Web, forum: Forum) -> None:
    for _ in range(510):
        forum.write()
    poller = ear(server, web_, search=True, searches=("acme",))
    assert len(await poller.poll()) == 500
    said = [page.note for page in poller.pages if page.hearing is Hearing.TRUNCATED]
    assert said == ["acme: the forum's search shows only its newest 500 posts"]


async def test_a_members_only_forum_is_named_and_a_key_opens_it(server: Server, web_: Web, forum: Forum) -> None:
    forum.write()
    forum.key = "right-secret"
    with pytest.raises(Fix, match="members only; set DISCOURSE_API_KEY") as caught:
        await ear(server, web_).poll()
    assert caught.value.hearing is Hearing.BLOCKED
    assert len(await ear(server, web_, key="right-secret", user="listener").poll()) == 1
    assert server.asked[-1].headers["Api-Username"] == "listener"


async def test_a_forum_that_shows_nothing_any_more_is_doubted(server: Server, web_: Web, forum: Forum) -> None:
    forum.write()
    poller = ear(server, web_)
    await poller.poll()
    posts, forum.posts = forum.posts, {}
    await poller.poll()
    assert poller.last.hearing is Hearing.TRUNCATED and "closed to visitors" in poller.last.note
    forum.posts = posts
    forum.write()
    await poller.poll()
    assert poller.last.hearing is Hearing.HEARD


async def test_a_sign_in_page_in_its_place_is_known_for_one(server: Server, web_: Web) -> None:
    server.answers |= {"/posts.json": (302, {"Location": "/login"}, b""), "/login": "<!doctype html>Log in"}
    with pytest.raises(Fix, match="members only"):
        await ear(server, web_).poll()


@pytest.mark.parametrize("headers", [{"Retry-After": "12"}, {}])
async def test_a_limit_is_kept_wherever_it_is_said(server: Server, web_: Web, headers: dict[str, str]) -> None:
    body = b'{"errors": ["Slow down"], "error_type": "rate_limit", "extras": {"wait_seconds": 12}}'
    server.answers["/posts.json"] = (429, {**headers, "Content-Type": "application/json"}, body)
    with pytest.raises(Wait) as caught:
        await ear(server, web_).poll()
    assert (caught.value.hearing, caught.value.until) == (Hearing.RATE_LIMITED, NOW + timedelta(seconds=12))


async def test_looking_again_tells_moved_edited_flagged_and_gone(server: Server, web_: Web, forum: Forum) -> None:
    moved, edited, flagged, gone, private = (forum.write() for _ in range(5))
    poller = ear(server, web_)
    before = {post.id: post.fingerprint for post in await poller.poll()}
    same = before[str(moved)]
    forum.posts[edited]["cooked"] = "<p>acme fixed it</p>"
    forum.posts[flagged]["hidden"] = True
    del forum.posts[gone]
    server.answers[f"/posts/{private}.json"] = (
        403,
        {"Content-Type": "application/json"},
        b'{"error_type": "invalid_access"}',
    )
    assert isinstance(poller.ear, Rereader)
    page = await poller.ear.reread([str(id_) for id_ in (moved, edited, flagged, gone, private)], {"kept": 1}, NOW)
    assert {post.id: post.fingerprint for post in page.posts}[str(moved)] == same
    assert [post.text for post in page.posts] == ["acme melted", "acme fixed it"]
    assert (page.gone, page.cursor) == ((str(flagged), str(gone), str(private)), {"kept": 1})


async def test_shells_of_deleted_posts_are_not_heard_and_odd_shapes_are_said(
    server: Server, web_: Web, forum: Forum
) -> None:
    forum.write(hidden=True), forum.write(user_deleted=True)
    assert await ear(server, web_).poll() == []
    server.answers["/posts.json"] = jsoned(
        {"latest_posts": [None, {"id": "x"}, {"id": 1, "topic_id": {}, "actions_summary": {}}]}
    )
    poller = ear(server, web_)
    assert ids(await poller.poll()) == ["1"] and poller.last.note.startswith("2 of 3 items")
    server.answers["/posts.json"] = jsoned({"topics": []})
    with pytest.raises(Broken):
        await ear(server, web_).poll()
