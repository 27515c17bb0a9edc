"""Bluesky is heard whole by search or by stream: cursors that end early, sessions that expire, streams that forget."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from polling import NOW, Poller, ids, jsoned
from webserver import Server

from connectors.bluesky import MOST, BlueskyConnector, Options, span_after, stamp
from connectors.bluesky_parse import Found, event_of, microseconds, post_of
from connectors.contract import START, Broken, Fix, Hearing, Rereader, Wait
from connectors.http import Web

GOLDEN = json.loads((Path(__file__).parent / "data/bluesky/answers.json").read_text())


def uri(rkey: object, did: str = "did:plc:marta") -> str:
    return f"at://{did}/app.bsky.feed.post/{rkey}"


def view(
    rkey: object, at: datetime = NOW - timedelta(minutes=5), text: str = "acme is late", **more: object
) -> dict[str, object]:
    record = {"text": text, "createdAt": stamp(at)}
    return {
        "uri": uri(rkey),
        "author": {"did": "did:plc:marta", "handle": "marta.example"},
        "record": record,
        "indexedAt": stamp(at),
    } | more


class Network:
    """The service: a session to open and renew, a search whose cursor ends early, posts by their address."""

    def __init__(self, server: Server):
        self.views: list[dict[str, object]] = []
        self.ceiling = 10_000  # what a cursor leads through
        self.logins = self.renewals = 0
        self.valid = self.renewable = ""
        xrpc = {
            "com.atproto.server.createSession": self.open, "com.atproto.server.refreshSession": self.renew,
            "app.bsky.feed.searchPosts": self.search, "app.bsky.feed.getPosts": self.posts,
        }  # fmt: skip
        server.answers |= {f"/xrpc/{name}": answer for name, answer in xrpc.items()}

    def write(self, *args: object, **more: object) -> None:
        self.views.append(view(*args, **more))  # type: ignore[arg-type]

    async def open(self, request: web.Request) -> web.Response:
        self.logins += 1
        if await request.json() != {"identifier": "care.example", "password": "app-pass-word"}:
            said = {"error": "AuthenticationRequired", "message": "Invalid identifier or password"}
            return web.json_response(said, status=401)
        return self._session()

    def _session(self) -> web.Response:
        self.valid, self.renewable = f"access-{self.logins}-{self.renewals}", f"refresh-{self.logins}-{self.renewals}"
        return web.json_response(
            {"accessJwt": self.valid, "refreshJwt": self.renewable, "did": "did:plc:care", "handle": "care.example"}
        )

    async def renew(self, request: web.Request) -> web.Response:
        if request.headers["Authorization"] != f"Bearer {self.renewable}":
            return web.json_response({"error": "ExpiredToken", "message": "Token has been revoked"}, status=400)
        self.renewals += 1
        return self._session()

    async def search(self, request: web.Request) -> web.Response:
        if not self.valid or request.headers.get("Authorization") != f"Bearer {self.valid}":
            return web.json_response({"error": "ExpiredToken", "message": "Token has expired"}, status=400)
        asked = request.query
        assert asked["sort"] == "latest"
        words, since, until = asked["q"].strip('"'), asked["since"], asked.get("until", "9")
        found = [one for one in self.views if words in str(one["record"]) and since <= self._sorted(one) < until]
        found.sort(key=self._sorted, reverse=True)
        first, limit = int(asked.get("cursor", 0)), int(asked["limit"])
        answer: dict[str, object] = {"posts": found[: self.ceiling][first : first + limit]}
        if first + limit < min(len(found), self.ceiling):
            answer["cursor"] = str(first + limit)
        return web.json_response(answer)

    @staticmethod
    def _sorted(one: dict[str, object]) -> str:
        return min(str(one["record"]["createdAt"]), str(one["indexedAt"]))  # type: ignore[index]

    async def posts(self, request: web.Request) -> web.Response:
        asked = request.query.getall("uris")
        assert len(asked) <= 25
        return web.json_response({"posts": [one for one in self.views if one["uri"] in asked]})


def ear(server: Server, web_: Web, *searches: str, **options: object) -> Poller:
    given = {"searches": searches or ("acme",), "handle": "@care.example", "password": "app-pass-word"} | options
    places = {
        "api_url": server.address,
        "public_url": server.address,
        "stream_url": f"{server.address.replace('http', 'ws')}/subscribe",
    }
    return Poller(BlueskyConnector("bsky", Options(**places | given), web_))  # type: ignore[arg-type]


@pytest.fixture
def network(server: Server) -> Network:
    return Network(server)


@pytest.mark.parametrize("pair", GOLDEN, ids=lambda pair: str(pair["post"]["id"][-5:]))
@pytest.mark.parametrize("shape", ["search", "first wire", "second wire"])
def test_what_is_found_and_what_is_streamed_is_the_same_post(pair: dict[str, dict[str, object]], shape: str) -> None:
    event = {**pair["event"], "commit": {**pair["event"]["commit"], "record": pair["view"]["record"]}}  # type: ignore[dict-item]
    if shape == "search":
        post = post_of(pair["view"], "bsky")
    elif shape == "first wire":
        post = event_of(json.dumps(event), "bsky").post  # type: ignore[union-attr]
    else:
        time = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=event["time_us"])).isoformat()  # type: ignore[arg-type]
        payload = {
            "$type": "network.bsky.jetstream.subscribeEvents#commit",
            "seq": 7,
            "did": event["did"],
            "time": time,
            **event["commit"],
        }  # type: ignore[dict-item]
        post = event_of(json.dumps({"$type": "message", "payload": payload}), "bsky").post  # type: ignore[union-attr]
    assert post is not None and post.created is not None
    handle = pair["post"]["handle"] if shape == "search" else pair["event"]["did"]
    assert {**pair["post"], "handle": handle} == {
        "id": post.id, "url": post.url, "text": post.text, "handle": post.author.handle, "created": post.created.isoformat(),
        "kind": post.kind, "lang": post.lang, "parent": post.parent, "root": post.root,
    }  # fmt: skip


def test_a_post_of_the_stream_looks_the_same_when_looked_at_again() -> None:
    for pair in GOLDEN:
        event = {**pair["event"], "commit": {**pair["event"]["commit"], "record": pair["view"]["record"]}}
        streamed, again = event_of(json.dumps(event), "bsky"), post_of(pair["view"], "bsky", by_did=True)
        assert streamed and streamed.post and again
        assert streamed.post.fingerprint == again.fingerprint


async def test_one_session_serves_all_and_is_renewed_not_reopened(server: Server, web_: Web, network: Network) -> None:
    network.write("a")
    bsky = ear(server, web_, "acme", '"acme is"', "@acme")
    assert ids(await bsky.poll()) == [uri("a")] * 3
    assert (network.logins, network.renewals) == (1, 0)
    network.valid = "expired meanwhile"
    bsky.now += timedelta(hours=3)
    await bsky.poll()
    assert (network.logins, network.renewals) == (1, 1)
    network.valid = network.renewable = "all revoked"
    await bsky.poll()
    assert (network.logins, network.renewals) == (2, 1)


async def test_a_login_that_is_refused_is_not_tried_at_every_poll(server: Server, web_: Web, network: Network) -> None:
    bsky = ear(server, web_, "acme", "zenith", password="wrong-pass")
    for _ in range(5):
        with pytest.raises(Fix, match=r"Invalid identifier or password.*BLUESKY_APP_PASSWORD") as caught:
            await bsky.poll()
        assert "wrong-pass" not in str(caught.value) + repr(bsky.ear._options)  # type: ignore[attr-defined]
    assert network.logins == 1
    bsky.now += timedelta(hours=2)
    with pytest.raises(Fix):
        await bsky.poll()
    assert network.logins == 2


async def test_the_days_logins_may_be_used_up(server: Server, web_: Web, network: Network) -> None:
    until = NOW + timedelta(hours=4)
    headers = {"RateLimit-Reset": str(int(until.timestamp())), "RateLimit-Remaining": "0"}
    server.answers["/xrpc/com.atproto.server.createSession"] = (429, headers, b'{"error": "RateLimitExceeded"}')
    with pytest.raises(Wait) as caught:
        await ear(server, web_).poll()
    assert (caught.value.until, caught.value.hearing) == (until, Hearing.RATE_LIMITED)


async def test_without_a_login_the_mend_is_said(web_: Web) -> None:
    with pytest.raises(Fix, match=r"BLUESKY_HANDLE.*firehose = true"):
        await BlueskyConnector("bsky", Options(searches=("acme",)), web_).fetch(START, NOW)


async def test_what_comes_late_or_was_edited_is_heard_within_the_overlap(
    server: Server, web_: Web, network: Network
) -> None:
    network.write("a"), network.write("old", NOW - timedelta(days=9))
    bsky = ear(server, web_)
    assert ids(await bsky.poll()) == [uri("a")]
    bsky.now += timedelta(minutes=10)
    network.write("late", NOW - timedelta(minutes=30))
    network.views[0]["record"]["text"] = "acme is fine"  # type: ignore[index]
    assert {(post.id, post.text) for post in await bsky.poll()} == {
        (uri("a"), "acme is fine"),
        (uri("late"), "acme is late"),
    }
    bsky.now += timedelta(hours=2)
    await bsky.poll()
    assert await bsky.poll() == [] and bsky.last.hearing is Hearing.HEARD


@pytest.mark.parametrize("ceiling", [100, 250, 10_000])
async def test_two_thousand_between_two_polls_though_the_cursor_ends_early(
    server: Server, web_: Web, network: Network, ceiling: int
) -> None:
    network.ceiling = ceiling
    bsky = ear(server, web_)
    await bsky.poll()
    bsky.now += timedelta(hours=1)
    for number in range(2_000):
        network.write(number, NOW + timedelta(milliseconds=number // 50))  # fifty at each moment
    assert set(ids(await bsky.poll())) == {uri(number) for number in range(2_000)}
    assert all(page.hearing is Hearing.HEARD for page in bsky.pages)


async def test_posts_that_come_while_a_search_is_paged_push_nothing_out(
    server: Server, web_: Web, network: Network
) -> None:
    for number in range(250):
        network.write(number, NOW - timedelta(minutes=5, seconds=number))
    bsky = ear(server, web_)
    heard: set[str] = set()
    while True:
        page = await bsky.step()
        heard |= set(ids(list(page.posts)))
        if not page.more:
            break
        network.write(f"while-{len(bsky.pages)}", NOW + timedelta(seconds=len(bsky.pages)))
    assert heard >= {uri(number) for number in range(250)}
    assert {uri("while-1"), uri("while-2")} <= heard | set(ids(await bsky.poll()))


async def test_more_in_one_moment_than_the_cursor_shows_is_said(server: Server, web_: Web, network: Network) -> None:
    network.ceiling = 100
    for number in range(130):
        network.write(number, NOW - timedelta(minutes=5))
    network.write("below", NOW - timedelta(minutes=6))
    bsky = ear(server, web_)
    assert uri("below") in ids(await bsky.poll())
    [note] = [page.note for page in bsky.pages if page.hearing is Hearing.TRUNCATED]
    assert note == "100 posts and perhaps more were written at 2026-05-04T12:55:00.000Z, and not all are shown"


async def test_a_page_without_posts_is_not_the_end_but_two_are(server: Server, web_: Web, network: Network) -> None:
    pages = [
        {"posts": [], "cursor": "1"},
        {"posts": [view("a")], "cursor": "2"},
        {"posts": [], "cursor": "3"},
        {"posts": [], "cursor": "4"},
    ]

    async def search(request: web.Request) -> web.Response:
        return web.json_response(pages[int(request.query.get("cursor", 0))])

    server.answers["/xrpc/app.bsky.feed.searchPosts"] = search
    assert ids(await ear(server, web_).poll()) == [uri("a")]


@given(st.lists(st.integers(0, 30), max_size=400), st.integers(100, 140))
def test_the_spans_of_a_search_end_and_miss_nothing_unsaid(moments: list[int], ceiling: int) -> None:
    times = sorted((NOW + timedelta(milliseconds=moment) for moment in moments), reverse=True)
    going: dict[str, object] = {"since": stamp(NOW), "to": 0}
    heard: set[datetime] = set()
    lost = False
    for _ in range(2_000):
        inside = [time for time in times if stamp(time) < str(going.get("until") or "9")][:ceiling]
        first = int(str(going.get("cursor") or 0))
        shown = inside[first : first + 100]
        heard |= set(shown)
        cursor = str(first + 100) if first + 100 < len(inside) else ""
        found = Found(posts=(), total=len(shown), cursor=cursor, times=tuple(shown), note="")
        going, note = span_after(found, going)
        lost = lost or bool(note)
        if not going:
            break
    assert not going and heard == set(times)
    assert lost or max(map(times.count, heard), default=0) <= ceiling


async def test_hostile_text_is_only_text_and_what_cannot_be_read_is_said(
    server: Server, web_: Web, network: Network
) -> None:
    text = "acme \ud800 \0 \u202egnp.exe <script>alert(1)</script> <!channel> =cmd()" + "x" * 1_000_000
    odd = {
        "uri": uri("odd"),
        "author": [],
        "record": {
            "text": text,
            "createdAt": "0001-01-01",
            "facets": [None],
            "langs": [None],
            "embed": "no",
            "reply": 3,
        },
    }
    answer = {
        "posts": [odd, None, {"uri": "https://not.example"}, {"uri": "at://did:plc:x/app.bsky.feed.like/1"}],
        "cursor": {"a": 1},
    }
    server.answers["/xrpc/app.bsky.feed.searchPosts"] = jsoned(answer)
    bsky = ear(server, web_)
    [post] = await bsky.poll()
    assert post.text.startswith("acme \ufffd \0 \u202egnp.exe <script>") and post.author.handle == "did:plc:marta"
    assert (bsky.last.hearing, bsky.last.note) == (
        Hearing.TRUNCATED,
        "3 of 4 items could not be read and were left out",
    )


@pytest.mark.parametrize(
    ("answer", "error", "hearing"),
    [
        ((401, {}, b'{"error": "AuthMissing"}'), Fix, Hearing.BLOCKED),
        ((403, {}, b""), Fix, Hearing.BLOCKED),
        ((400, {}, b'{"error": "InvalidRequest", "message": "bad query"}'), Fix, Hearing.BLOCKED),
        ((402, {}, b""), Wait, Hearing.OUT_OF_BUDGET),
        ((404, {}, b""), Fix, Hearing.BLOCKED),
        ((410, {}, b""), Fix, Hearing.BLOCKED),
        ((429, {}, b""), Wait, Hearing.RATE_LIMITED),
        ((500, {}, b'{"error": "InternalServerError"}'), Wait, Hearing.NOT_REACHABLE),
        ((502, {}, b"<html>"), Wait, Hearing.NOT_REACHABLE),
        ((200, {}, b'{"posts": [{"uri'), Wait, Hearing.NOT_REACHABLE),
        ((200, {}, b"<html>"), Broken, Hearing.BLOCKED),
        ((200, {}, b'{"feed": []}'), Broken, Hearing.BLOCKED),
    ],
)
async def test_trouble_is_sorted(
    server: Server, web_: Web, network: Network, answer: object, error: type, hearing: Hearing
) -> None:
    server.answers["/xrpc/app.bsky.feed.searchPosts"] = answer
    with pytest.raises(error) as caught:
        await ear(server, web_).poll()
    assert caught.value.hearing is hearing
    assert network.logins <= 2


async def test_looking_again_tells_edited_and_gone(server: Server, web_: Web, network: Network) -> None:
    for number in range(60):
        network.write(number, text=f"now {number}")
    asked = [uri(number) for number in range(60)] + [uri("deleted")]
    for again in (ear(server, web_).ear, ear(server, web_, handle="", password="", firehose=True).ear):
        assert isinstance(again, Rereader)
        page = await again.reread(asked, {"kept": 1}, NOW)
        assert [post.text for post in page.posts] == [f"now {number}" for number in range(60)]
        assert (page.gone, page.cursor) == ((uri("deleted"),), {"kept": 1})


async def test_what_cannot_be_read_again_is_not_gone(server: Server, web_: Web, network: Network) -> None:
    network.views = [view("a"), {"uri": "odd"}]
    server.answers["/xrpc/app.bsky.feed.getPosts"] = jsoned({"posts": network.views})
    page = await ear(server, web_).ear.reread([uri("a"), uri("b")], START, NOW)  # type: ignore[attr-defined]
    assert (ids(list(page.posts)), page.gone) == ([uri("a")], ())


class Jetstream:
    """The stream: what it still has from the cursor on, then silence; on its first wire an old cursor is clamped silently."""

    def __init__(self, server: Server, path: str = "/subscribe"):
        self.messages: list[tuple[int, str]] = []
        self.forgotten = 0  # microseconds: what is older is gone
        self.asked: list[dict[str, str]] = []
        self.second = path.endswith("subscribeEvents")
        self.refuses_old = False
        server.answers[path] = self.answer

    def post(
        self, rkey: object, at: datetime = NOW, operation: str = "create", text: str = "acme is late", **record: object
    ) -> None:
        commit = {"operation": operation, "collection": "app.bsky.feed.post", "rkey": str(rkey)}
        if operation != "delete":
            commit["record"] = {"text": text, "createdAt": stamp(at)} | record  # type: ignore[assignment]
        if self.second:
            message = {
                "$type": "message",
                "payload": {
                    "$type": "network.bsky.jetstream.subscribeEvents#commit",
                    "did": "did:plc:marta",
                    "time": at.isoformat(),
                    **commit,
                },
            }
        else:
            message = {"did": "did:plc:marta", "time_us": microseconds(at), "kind": "commit", "commit": commit}
        self.messages.append((microseconds(at), json.dumps(message)))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(dict(request.query))
        since = int(request.query.get("cursor", microseconds(NOW) * 2))
        if self.refuses_old and since < self.forgotten:
            return web.json_response({"error": "CursorTooOld", "message": "below the floor"}, status=400)
        line = web.WebSocketResponse()
        await line.prepare(request)
        if self.second and since < self.forgotten:
            await line.send_str(
                json.dumps(
                    {
                        "$type": "message",
                        "payload": {"$type": "network.bsky.jetstream.subscribeEvents#info", "name": "OutdatedCursor"},
                    }
                )
            )
        for time, text in self.messages:
            if time >= max(since, self.forgotten):
                await line.send_str(text)
        await line.receive()
        return line


def stream(server: Server, web_: Web, **options: object) -> Poller:
    quick = {"firehose": True, "handle": "", "password": "", "listen": timedelta(seconds=0.2)}
    return ear(server, web_, **quick | options)


async def test_the_stream_goes_on_where_it_was_left(server: Server, web_: Web) -> None:
    jet = Jetstream(server)
    jet.post("a", NOW - timedelta(seconds=3))
    bsky = stream(server, web_)
    assert ids(await bsky.poll()) == [uri("a")]
    assert jet.asked[0]["wantedCollections"] == "app.bsky.feed.post"
    jet.post("b", NOW + timedelta(minutes=9)), jet.post("c", NOW + timedelta(minutes=9))
    bsky.now += timedelta(minutes=10)
    assert ids(await bsky.poll()) == [uri("a"), uri("b"), uri("c")]
    assert int(jet.asked[1]["cursor"]) == microseconds(NOW - timedelta(seconds=8))
    assert bsky.last.hearing is Hearing.HEARD


async def test_a_long_backlog_comes_in_bounded_pages_and_a_crash_loses_none(server: Server, web_: Web) -> None:
    jet = Jetstream(server)
    jet.post("first")
    bsky = stream(server, web_)
    await bsky.poll()
    bsky.now += timedelta(hours=1)
    for number in range(5_000):
        jet.post(number, NOW + timedelta(milliseconds=100 * number))
    heard, written = set[str](), {uri("first"), *(uri(number) for number in range(5_000))}
    for _ in range(100):  # a busy machine hears less in one listening
        kept = bsky.cursor
        await bsky.step()
        bsky.cursor = kept  # it died before this page was kept
        page = await bsky.step()
        assert len(page.posts) < MOST + 100
        heard |= set(ids(list(page.posts)))
        if heard >= written:
            break
    assert heard == written


async def test_what_is_deleted_is_gone_and_what_is_edited_comes_again(server: Server, web_: Web) -> None:
    jet = Jetstream(server)
    jet.post("a"), jet.post("b"), jet.post("c")
    bsky = stream(server, web_)
    await bsky.poll()
    later = NOW + timedelta(seconds=1)
    (
        jet.post("a", later, "delete"),
        jet.post("b", later, "update", "acme is fine"),
        jet.post("d", later),
        jet.post("d", later, "delete"),
    )
    page = await bsky.step()
    assert {post.id: post.text for post in page.posts} == {uri("b"): "acme is fine", uri("c"): "acme is late"}
    assert set(page.gone) == {uri("a"), uri("d")}


@pytest.mark.parametrize(
    ("path", "refuses"),
    [
        ("/subscribe", False),
        ("/xrpc/network.bsky.jetstream.subscribeEvents", False),
        ("/xrpc/network.bsky.jetstream.subscribeEvents", True),
    ],
)
async def test_a_cursor_that_is_too_old_leaves_a_hole_that_is_said(
    server: Server, web_: Web, path: str, refuses: bool
) -> None:
    jet = Jetstream(server, path)
    jet.refuses_old = refuses
    jet.post("a")
    bsky = stream(server, web_, stream_url=f"{server.address}{path}")
    await bsky.poll()
    bsky.now += timedelta(hours=48)
    jet.forgotten = microseconds(NOW + timedelta(hours=12))
    jet.post("lost", NOW + timedelta(hours=6)), jet.post("kept", NOW + timedelta(hours=13))
    if refuses:  # then only what is written from now on
        jet.post("kept", NOW + timedelta(hours=13) + (NOW - datetime(1970, 1, 1, tzinfo=UTC)))
    page = await bsky.step()
    assert ids(list(page.posts)) == [uri("kept")]
    assert page.hearing is Hearing.TRUNCATED
    assert page.note.startswith("the stream no longer had what was written from 2026-05-04 13:00:00 UTC to ")


async def test_a_quiet_hour_is_no_hole(server: Server, web_: Web) -> None:
    jet = Jetstream(server)
    jet.post("a")
    bsky = stream(server, web_)
    await bsky.poll()
    bsky.now += timedelta(hours=20)
    jet.post("b", bsky.now)
    assert ids(await bsky.poll()) == [uri("a"), uri("b")]
    assert bsky.last.hearing is Hearing.HEARD


async def test_a_stream_that_sends_nothing_is_not_taken_for_silence(server: Server, web_: Web) -> None:
    jet = Jetstream(server)
    bsky = stream(server, web_)
    assert await bsky.poll() == []  # nothing was ever heard: perhaps there is nothing
    jet.post("a", NOW)
    assert ids(await bsky.poll()) == [uri("a")]
    jet.messages.clear()
    with pytest.raises(Wait, match="sent nothing"):
        await bsky.poll()


async def test_messages_that_cannot_be_read_are_said_and_others_pass(server: Server, web_: Web) -> None:
    jet = Jetstream(server)
    now = microseconds(NOW)
    jet.messages += [(now, text) for text in ("{", "[]", '{"time_us": "soon"}', "[" * 100_000)]
    jet.messages.append(
        (now, json.dumps({"did": "did:plc:x", "time_us": now, "kind": "account", "account": {"active": False}}))
    )
    jet.messages.append(
        (now, json.dumps({"did": "did:plc:x", "time_us": 2**52, "kind": "identity"}))
    )  # a clock gone mad
    jet.post("a")
    bsky = stream(server, web_)
    assert ids(await bsky.poll()) == [uri("a")]
    assert (bsky.last.hearing, bsky.last.note) == (Hearing.TRUNCATED, "4 messages could not be read and were left out")
    assert bsky.cursor["time_us"] <= microseconds(NOW + timedelta(minutes=1))


@pytest.mark.parametrize(
    ("answer", "error"),
    [((404, {}, b""), Fix), ((400, {}, b""), Fix), ((429, {}, b""), Wait), ((503, {}, b""), Wait), (b"hello", Fix)],
)
async def test_a_stream_that_does_not_begin_is_an_error(server: Server, web_: Web, answer: object, error: type) -> None:
    server.answers["/subscribe"] = answer
    with pytest.raises(error):
        await stream(server, web_).poll()


async def test_a_stream_that_ends_with_an_error_is_waited_for(server: Server, web_: Web) -> None:
    jet = Jetstream(server)
    jet.messages.append(
        (microseconds(NOW), json.dumps({"$type": "error", "error": "ConsumerTooSlow", "message": "slow"}))
    )
    with pytest.raises(Wait, match="ConsumerTooSlow"):
        await stream(server, web_).poll()
