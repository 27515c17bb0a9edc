"""Mastodon is heard without holes: forward by min_id, late posts from other servers too, and empty lists are not believed."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from polling import NOW, Poller, ids, jsoned
from webserver import Server

from connectors.contract import START, Broken, Fix, Hearing, Rereader, Wait
from connectors.http import Web
from connectors.mastodon import MastodonConnector, Options, _streams_at, floor, lanes_of, marked
from connectors.mastodon_parse import closed, post_of

GOLDEN = json.loads((Path(__file__).parent / "data/mastodon/answers.json").read_text())


class Instance:
    """A server as Mastodon is: ids order by place, not by spelling; min_id goes forward, the search cuts to seconds."""

    def __init__(self, server: Server):
        self.server = server
        self.statuses: list[tuple[float, dict[str, object]]] = []  # by place in time
        self.timelines_access: dict[str, object] = {}
        self.needs_token = False
        self.ignores_offset = False
        server.answers |= {"/api/v2/search": self.search, "/api/v2/instance": self.instance}
        for tag in ("acme", "acmeair", "zenith"):
            server.answers[f"/api/v1/timelines/tag/{tag}"] = self.tag

    def write(
        self, id_: str, at: datetime = NOW - timedelta(minutes=5), text: str = "<p>#acme broke</p>", **more: object
    ) -> None:
        account = {"acct": "mquill", "display_name": "Marta Quill"}
        status = {
            "id": f"s-{id_}",
            "created_at": at.isoformat(),
            "content": text,
            "account": account,
            "visibility": "public",
        }
        self.statuses.append((at.timestamp() + len(self.statuses) / 1e6, status | more))
        self.statuses.sort(key=lambda placed: placed[0])

    def _place(self, id_: str, otherwise: float) -> float:
        """A deleted status has its place still."""
        return next((place for place, status in self.statuses if status["id"] == id_), otherwise)

    async def tag(self, request: web.Request) -> web.Response:
        if self.needs_token and "Authorization" not in request.headers:
            return web.json_response({"error": "This method requires an authenticated user"}, status=422)
        if self.timelines_access:
            return web.json_response([])
        asked, limit = request.query, int(request.query["limit"])
        name = f"#{request.path.rpartition('/')[2]}"
        found = [(place, status) for place, status in self.statuses if name in str(status["content"]).lower()]
        if "max_id" in asked:
            before = self._place(asked["max_id"], 0)
            found = [one for one in found if one[0] < before]
        if "min_id" in asked:
            after = self._place(asked["min_id"], 0)
            found = [one for one in found if one[0] > after][:limit]
        shown = [status for _, status in reversed(found)][:limit]
        here = f"{self.server.address}{request.path}?limit={limit}"
        link = (
            f'<{here}&max_id={shown[-1]["id"]}>; rel="next", <{here}&min_id={shown[0]["id"]}>; rel="prev"'
            if shown
            else ""
        )
        return web.json_response(shown, headers={"Link": link} if shown else {})

    async def search(self, request: web.Request) -> web.Response:
        asked = request.query
        assert asked["type"] == "statuses"
        if request.headers.get("Authorization") != "Bearer right":
            return web.json_response({"error": "The access token is invalid"}, status=401)
        words, after = asked["q"].strip('"'), int(self._place(asked.get("min_id", ""), 0))
        found = [status for place, status in self.statuses if words in str(status["content"]) and int(place) > after]
        offset = 0 if self.ignores_offset else int(asked["offset"])
        return web.json_response(
            {"statuses": found[::-1][offset : offset + int(asked["limit"])], "accounts": [], "hashtags": []}
        )

    async def instance(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "domain": "social.example",
                "configuration": {"timelines_access": {"hashtag_feeds": self.timelines_access}},
            }
        )


def ear(server: Server, web_: Web, *searches: str, **options: object) -> Poller:
    given = {
        "searches": searches or ("#acme",),
        "search": bool(options.get("token")),
        "api_url": server.address,
    } | options
    return Poller(MastodonConnector("masto", Options(**given), web_))  # type: ignore[arg-type]


@pytest.fixture
def instance(server: Server) -> Instance:
    return Instance(server)


@pytest.mark.parametrize("pair", GOLDEN, ids=lambda pair: str(pair["post"]["id"]))
def test_a_status_is_a_post_and_a_boost_is_what_it_boosts(pair: dict[str, dict[str, object]]) -> None:
    post = post_of(pair["status"], "masto", "social.example")
    assert post is not None and post.created is not None
    assert pair["post"] == {
        "id": post.id, "url": post.url, "title": post.title, "text": post.text, "author": post.author.handle, "name": post.author.name,
        "followers": post.author.followers, "created": post.created.isoformat(), "kind": post.kind, "lang": post.lang, "site": post.site,
        "parent": post.parent, "reach": [post.reach.replies, post.reach.reposts, post.reach.likes], "extra": post.extra,
    }  # fmt: skip


def test_words_are_hashtags_too_and_are_searched_for_with_a_token() -> None:
    options = Options(searches=("acme", "#AcmeAir", '"acme air"', "@acme", "2026"), hashtags=("#Zenith ", "acmeair"))
    assert lanes_of(options) == ("#zenith", "#acmeair", "#acme")
    told = Options(searches=options.searches, token="right")
    assert lanes_of(told) == ("#acme", "#acmeair", "acme", '"acme air"', "2026")
    assert "right" not in repr(told)


async def test_a_hashtag_that_is_none_is_said(server: Server, web_: Web, instance: Instance) -> None:
    with pytest.raises(Fix, match="'acme-air' is no hashtag"):
        await ear(server, web_, hashtags=("acme", "acme-air")).poll()


async def test_the_first_reading_goes_back_and_the_next_go_on(server: Server, web_: Web, instance: Instance) -> None:
    (
        instance.write("old", NOW - timedelta(days=30)),
        instance.write("aged", NOW - timedelta(days=2)),
        instance.write("new"),
    )
    masto = ear(server, web_)
    assert set(ids(await masto.poll())) == {"s-new", "s-aged", "s-old"}  # one page holds them all
    masto.now += timedelta(minutes=10)
    instance.write("newer", masto.now)
    assert set(ids(await masto.poll())) == {"s-new", "s-newer"}
    masto.now += timedelta(hours=3)
    assert ids(await masto.poll()) == ["s-newer"]  # what is new is read again until an overlap has passed
    masto.now += timedelta(hours=3)
    assert await masto.poll() == [] and masto.last.hearing is Hearing.HEARD


async def test_the_first_reading_ends_where_history_ends(server: Server, web_: Web, instance: Instance) -> None:
    for number in range(300):
        instance.write(str(number), NOW - timedelta(hours=number))
    heard = ids(await ear(server, web_).poll())
    assert len(heard) == len(set(heard)) and {f"s-{n}" for n in range(7 * 24)} <= set(heard) and len(heard) < 250


async def test_two_thousand_between_two_polls_leave_no_hole(server: Server, web_: Web, instance: Instance) -> None:
    instance.write("first")
    masto = ear(server, web_)
    await masto.poll()
    masto.now += timedelta(minutes=10)
    for number in range(2_000):
        instance.write(str(number), masto.now)  # all in the same second
    heard = ids(await masto.poll())
    assert set(heard) >= {f"s-{number}" for number in range(2_000)}
    assert len(heard) <= 2_001


async def test_what_arrives_late_from_another_server_has_an_older_id_and_is_heard(
    server: Server, web_: Web, instance: Instance
) -> None:
    instance.write("a", NOW - timedelta(hours=4)), instance.write("b")
    masto = ear(server, web_)
    await masto.poll()
    masto.now += timedelta(minutes=30)
    instance.write("late", NOW - timedelta(hours=1))
    assert "s-late" in ids(await masto.poll())


async def test_posts_that_come_or_go_while_a_timeline_is_paged(server: Server, web_: Web, instance: Instance) -> None:
    instance.write("first", NOW - timedelta(hours=5))
    masto = ear(server, web_)
    await masto.poll()
    masto.now += timedelta(hours=3)
    for number in range(200):
        instance.write(str(number), NOW + timedelta(seconds=number))
    heard: set[str] = set()
    while (page := await masto.step()).more:
        heard |= set(ids(list(page.posts)))
        instance.statuses = [one for one in instance.statuses if one[1]["id"] != "s-0"]
        if len(heard) < 100:
            instance.write(f"while-{len(heard)}", NOW + timedelta(seconds=300))
    assert heard >= {f"s-{number}" for number in range(200)} and "s-while-40" in heard


async def test_an_anchor_that_was_deleted_deafens_nobody(server: Server, web_: Web, instance: Instance) -> None:
    instance.write("anchor")
    masto = ear(server, web_)
    await masto.poll()
    instance.statuses.clear()
    masto.now += timedelta(hours=5)
    assert await masto.poll() == []
    instance.write("after", masto.now)
    assert ids(await masto.poll()) == ["s-after"]


async def test_the_search_is_paged_past_equal_seconds(server: Server, web_: Web, instance: Instance) -> None:
    instance.write("first", NOW - timedelta(hours=5), "<p>acme air</p>")
    masto = ear(server, web_, '"acme air"', token="right")
    assert ids(await masto.poll()) == ["s-first"]
    masto.now += timedelta(minutes=10)
    for number in range(150):
        instance.write(str(number), NOW, "<p>acme air again</p>")
    assert set(ids(await masto.poll())) == {f"s-{number}" for number in range(150)}
    assert masto.last.hearing is Hearing.HEARD


async def test_posts_that_come_while_a_search_is_paged_push_nothing_out(
    server: Server, web_: Web, instance: Instance
) -> None:
    for number in range(130):
        instance.write(str(number), text="<p>acme air</p>")
    masto = ear(server, web_, '"acme air"', token="right")
    heard: set[str] = set()
    while (page := await masto.step()).more:
        heard |= set(ids(list(page.posts)))
        if len(masto.pages) < 4:
            instance.write(f"while-{len(masto.pages)}", NOW, text="<p>acme air</p>")
    heard |= set(ids(await masto.poll()))
    assert heard >= {f"s-{number}" for number in range(130)} | {"s-while-1", "s-while-2", "s-while-3"}


async def test_a_search_that_cannot_be_paged_says_what_it_hides(server: Server, web_: Web, instance: Instance) -> None:
    instance.ignores_offset = True
    for number in range(60):
        instance.write(str(number), text="<p>acme air</p>")
    masto = ear(server, web_, '"acme air"', token="right")
    assert len(set(ids(await masto.poll()))) == 40
    assert masto.last.note == '"acme air": the search shows only its newest 40 posts'


async def test_an_edited_post_comes_again_and_what_only_we_may_read_does_not(
    server: Server, web_: Web, instance: Instance
) -> None:
    instance.write("a"), instance.write("b"), instance.write("mine", visibility="private")
    masto = ear(server, web_)
    assert set(ids(await masto.poll())) == {"s-a", "s-b"}
    instance.statuses[1][1].update(content="<p>#acme is fine</p>", edited_at="2026-05-04T13:05:00Z")
    masto.now += timedelta(minutes=5)
    assert [post.text for post in await masto.poll() if post.id == "s-b"] == ["#acme is fine"]


@pytest.mark.parametrize(
    ("local", "remote", "says"),
    [
        ("disabled", "disabled", "no posts at all under hashtags"),
        ("public", "disabled", "only its own under hashtags"),
        ("authenticated", "authenticated", "no posts at all .* set MASTODON_TOKEN"),
    ],
)
async def test_an_empty_list_that_means_closed_is_noticed(
    server: Server, web_: Web, instance: Instance, local: str, remote: str, says: str
) -> None:
    instance.timelines_access = {"local": local, "remote": remote}
    masto = ear(server, web_)
    assert await masto.poll() == []
    assert masto.last.hearing is Hearing.TRUNCATED
    assert re.search(says, masto.last.note)
    instance.timelines_access = {}
    masto.now += timedelta(hours=7)
    await masto.poll()
    assert masto.last.hearing is Hearing.HEARD


def test_a_server_that_does_not_say_is_not_accused() -> None:
    assert [
        closed(said, signed_in=False) for said in ({}, None, [], {"configuration": {"timelines_access": "public"}})
    ] == [""] * 4
    assert (
        closed({"configuration": {"timelines_access": {"hashtag_feeds": {"local": "authenticated"}}}}, signed_in=True)
        == ""
    )


async def test_words_without_a_token_are_said_to_be_unheard(server: Server, web_: Web, instance: Instance) -> None:
    instance.write("a")
    masto = ear(server, web_, "acme", search=True)
    assert ids(await masto.poll()) == ["s-a"]
    assert masto.last.note == "words are not searched for without a login: set MASTODON_TOKEN, or search = false"
    with pytest.raises(Fix, match="MASTODON_TOKEN"):
        await ear(server, web_, '"acme air"').poll()


async def test_a_server_that_shows_nothing_to_strangers_says_what_to_do(
    server: Server, web_: Web, instance: Instance
) -> None:
    instance.needs_token = True
    with pytest.raises(Fix, match=r"requires an authenticated user.*set MASTODON_TOKEN"):
        await ear(server, web_).poll()


async def test_a_token_that_runs_out_deafens_the_search_and_not_the_hashtags(
    server: Server, web_: Web, instance: Instance
) -> None:
    instance.write("a")
    masto = ear(server, web_, "acme", token="expired")
    assert ids(await masto.poll()) == ["s-a"]
    assert (masto.last.hearing, "MASTODON_TOKEN" in masto.last.note, "expired" in masto.last.note) == (
        Hearing.TRUNCATED,
        True,
        False,
    )


HOSTILE = (
    "<p>#acme \ud800 \0 \u202egnp.exe <script>alert(1)</script> &lt;!channel&gt; =cmd()</p>"
    + "x" * 1_000_000
    + "<b>" * 2_000
)


async def test_hostile_text_is_only_text_and_what_cannot_be_read_is_said(
    server: Server, web_: Web, instance: Instance
) -> None:
    odd = {
        "id": 7,
        "content": HOSTILE,
        "created_at": "yesterday",
        "url": "http://[bad",
        "account": None,
        "poll": {"options": [None]},
        "replies_count": 10**40,
    }
    server.answers["/api/v1/timelines/tag/acme"] = jsoned([odd, None, {"content": "no id"}])
    masto = ear(server, web_)
    page = await masto.step()
    [post] = page.posts
    assert (post.id, post.created, post.reach.replies, post.site) == ("7", None, None, "127.0.0.1")
    assert "alert" not in post.text and "<!channel>" in post.text and post.text.endswith("xxx")
    assert (page.hearing, page.note) == (Hearing.TRUNCATED, "2 of 3 items could not be read and were left out")


@pytest.mark.parametrize(
    ("answer", "error", "hearing"),
    [
        ((401, {}, b'{"error": "The access token is invalid"}'), Fix, Hearing.BLOCKED),
        ((403, {}, b""), Fix, Hearing.BLOCKED),
        ((402, {}, b""), Wait, Hearing.OUT_OF_BUDGET),
        ((404, {}, b""), Fix, Hearing.BLOCKED),
        ((410, {}, b""), Fix, Hearing.BLOCKED),
        ((429, {}, b""), Wait, Hearing.RATE_LIMITED),
        ((503, {}, b""), Wait, Hearing.NOT_REACHABLE),
        ((200, {}, b'[{"id": "1", "conte'), Wait, Hearing.NOT_REACHABLE),
        ((200, {}, b"<!doctype html><title>A blog</title>"), Broken, Hearing.BLOCKED),
        ((200, {}, b'{"error": "odd"}'), Broken, Hearing.BLOCKED),
    ],
)
async def test_trouble_is_sorted(
    server: Server, web_: Web, instance: Instance, answer: object, error: type, hearing: Hearing
) -> None:
    server.answers["/api/v1/timelines/tag/acme"] = answer
    with pytest.raises(error) as caught:
        await ear(server, web_).poll()
    assert caught.value.hearing is hearing


async def test_a_limit_ends_when_the_server_says(server: Server, web_: Web, instance: Instance) -> None:
    server.answers["/api/v1/timelines/tag/acme"] = (429, {"X-RateLimit-Reset": "2026-05-04T13:05:00.123456Z"}, b"{}")
    with pytest.raises(Wait) as caught:
        await ear(server, web_, "#acme", "#zenith").poll()
    assert caught.value.until == datetime(2026, 5, 4, 13, 5, 0, 123456, tzinfo=UTC)


async def test_looking_again_tells_edited_and_gone(server: Server, web_: Web) -> None:
    status = GOLDEN[0]["status"]
    server.answers |= {
        "/api/v1/statuses/1": jsoned({**status, "id": "1", "content": "<p>solved</p>"}),
        "/api/v1/statuses/2": (404, {}, b'{"error": "Record not found"}'),
        "/api/v1/statuses/3": jsoned({**status, "id": "3", "visibility": "private"}),
    }
    again = MastodonConnector("masto", Options(api_url=server.address), web_)
    assert isinstance(again, Rereader)
    page = await again.reread(["1", "2", "3"], {"kept": 1}, NOW)
    assert [(post.id, post.text) for post in page.posts] == [("1", "solved")]
    assert (page.gone, page.cursor) == (("2", "3"), {"kept": 1})


async def test_what_cannot_be_read_again_is_not_gone(server: Server, web_: Web) -> None:
    server.answers |= {
        "/api/v1/statuses/1": jsoned({"error": "odd"}),
        "/api/v1/statuses/2": (404, {"Content-Type": "text/html"}, b"<h1>Not found</h1>"),
    }
    again = MastodonConnector("masto", Options(api_url=server.address), web_)
    assert (await again.reread(["1"], START, NOW)).gone == ()
    with pytest.raises(Fix, match="check api_url"):
        await again.reread(["2"], START, NOW)


@given(st.lists(st.tuples(st.integers(0, 7_200), st.booleans()), max_size=60))
def test_marks_stay_few_and_the_floor_is_never_younger_than_the_overlap(polls: list[tuple[int, bool]]) -> None:
    overlap, now, newest = timedelta(hours=2), NOW, 0
    marks = marked([], "0", "aged", now, overlap)
    seen = {"aged": now - overlap, "0": now}
    for seconds, news in polls:
        now += timedelta(seconds=seconds)
        from_ = floor({"marks": marks}, now, overlap)
        assert seen[from_] <= now - overlap
        newest += news
        seen.setdefault(str(newest), now)
        marks = marked(marks, str(newest), "", now, overlap)
        assert len(marks) <= 11
        assert json.loads(json.dumps(marks)) == marks


def test_nothing_seen_leaves_no_mark() -> None:
    assert marked([], "", "", NOW, timedelta(hours=2)) == []
    assert floor(dict(START), NOW, timedelta(hours=2)) == ""


class Stream:
    """As Mastodon streams: a login first, then what was subscribed to, each event as a text with a text in it."""

    def __init__(self, server: Server, *events: tuple[str, object]):
        self.events, self.subscribed = list(events), list[object]()
        server.answers["/api/v1/streaming"] = self.answer

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != "Bearer right":
            return web.json_response({"error": "The access token is invalid"}, status=401)
        line = web.WebSocketResponse()
        await line.prepare(request)
        self.subscribed.append(json.loads((await line.receive()).data))
        for kind, payload in self.events:
            told = payload if isinstance(payload, str) else json.dumps(payload)
            await line.send_str(json.dumps({"stream": ["hashtag", "acme"], "event": kind, "payload": told}))
        await line.close()
        return line


def status(id_: str, text: str, **more: object) -> dict[str, object]:
    return {
        "id": id_,
        "content": text,
        "visibility": "public",
        "created_at": NOW.isoformat(),
        "account": {"acct": "m"},
    } | more


async def test_a_stream_brings_what_is_written_edited_and_deleted(
    server: Server, web_: Web, instance: Instance
) -> None:
    instance.write("old")
    stream = Stream(
        server,
        ("update", status("s1", "<p>#acme broke</p>")),
        ("update", status("s2", "<p>#acme is gone at once</p>")),
        ("status.update", status("s1", "<p>#acme broke twice</p>")),
        ("delete", "s2"),
        ("delete", "s-old"),
        ("update", status("s3", "<p>#acme for friends</p>", visibility="private")),
        ("filters_changed", ""),
        ("update", "no JSON"),
    )
    poller = ear(server, web_, token="right", search=False, stream=True)
    heard = {post.id: post.text for post in await poller.poll()}
    assert heard == {"s-old": "#acme broke", "s1": "#acme broke twice"}
    assert poller.last.gone == ("s2", "s-old") and poller.last.hearing is Hearing.HEARD
    assert stream.subscribed == [{"type": "subscribe", "stream": "hashtag", "tag": "acme"}]


async def test_a_stream_that_is_not_open_to_us_costs_nothing_but_a_word(
    server: Server, web_: Web, instance: Instance
) -> None:
    instance.write("a")
    poller = ear(server, web_, token="right", search=False, stream=True)
    assert ids(await poller.poll()) == ["s-a"]
    assert poller.last.hearing is Hearing.TRUNCATED and "the stream could not be heard" in poller.last.note
    with pytest.raises(Fix, match="streams to nobody"):
        await ear(server, web_, stream=True).poll()


@pytest.mark.parametrize(
    ("told", "api", "where"),
    [
        ("wss://stream.example", "https://social.example", "wss://stream.example/api/v1/streaming"),
        ("ws://stream.example", "https://social.example", "https://social.example/api/v1/streaming"),
        ("", "https://social.example/", "https://social.example/api/v1/streaming"),
        ("ftp://x", "http://127.0.0.1:1", "http://127.0.0.1:1/api/v1/streaming"),
    ],
)
def test_a_key_goes_over_no_line_that_is_less_safe(told: str, api: str, where: str) -> None:
    assert _streams_at(api, told) == where


async def test_a_search_that_knows_no_offset_and_shows_everything_hides_nothing(
    server: Server, web_: Web, instance: Instance
) -> None:
    """Learned from mastodon_mock, whose search shows the same page whatever it is asked to leave out."""
    instance.ignores_offset = True
    for number in range(3):
        instance.write(str(number), text="<p>the acme broke</p>")
    poller = ear(server, web_, "acme", token="right")
    await poller.poll()
    assert poller.last.hearing is Hearing.HEARD
