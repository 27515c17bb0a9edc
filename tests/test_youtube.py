"""YouTube is heard without searching it to ruin: what a day grants is counted, spread, and never overdrawn."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import configs
import pytest
from aiohttp import web
from conftest import Clock
from polling import NOW, Poller, ids, jsoned
from rich.console import Console
from webserver import Server

from connectors.contract import START, Fix, Hearing, Rereader, Wait
from connectors.http import Web
from connectors.post import Post
from connectors.quota import midnight, today
from connectors.youtube import DEAR, Options, YouTubeConnector
from connectors.youtube_parse import comment_of, video_of
from listener.bootstrap import build
from listener.cycle import turn
from listener.ears import ears
from listener.settings import load

GOLDEN = json.loads((Path(__file__).parent / "data/youtube/answers.json").read_text())
KEY = "right-secret-key"
VIDEO = "vidAcme0001"
Raw = dict[str, object]


class Tube:
    """What the API does and refuses: newest first, a hundred a page, five replies shown, units counted by their day."""

    def __init__(self, server: Server):
        self.threads: list[Raw] = []  # newest last
        self.replies: dict[str, list[Raw]] = {}
        self.videos: dict[str, Raw] = {}
        self.closed: set[str] = set()  # videos, or channels, whose comments are disabled
        self.spent = 0
        self.granted = 10_000
        paths = {
            "channels": self.channel, "commentThreads": self.page, "comments": self.comments,
            "playlistItems": self.uploads, "videos": self.some_videos, "search": self.found,
        }  # fmt: skip
        for path, answer in paths.items():
            server.answers[f"/{path}"] = self._counted(answer, DEAR if path == "search" else 1)

    def _counted(self, answer, cost: int):  # type: ignore[no-untyped-def]
        async def counted(request: web.Request) -> web.Response:
            if request.headers.get("X-Goog-Api-Key") != KEY:
                return refused(400, "keyInvalid", "API key not valid.")
            if self.spent + cost > self.granted:
                return refused(403, "quotaExceeded", "The request cannot be completed.")
            self.spent += cost
            return answer(request.query)

        return counted

    def write(
        self, id_: str, text: str = "acme lost my bag", at: datetime = NOW - timedelta(minutes=5), video: str = VIDEO
    ) -> None:
        self.threads.append(comment(id_, text, at, video))
        self.threads.sort(key=lambda thread: str(thread["snippet"]["publishedAt"]))  # type: ignore[index]

    def reply(self, thread: str, id_: str, at: datetime = NOW - timedelta(minutes=4)) -> None:
        self.replies.setdefault(thread, []).append(comment(f"{thread}.{id_}", f"acme {id_}", at, VIDEO, thread))

    def film(self, id_: str = VIDEO, title: str = "acme, unboxed", at: datetime = NOW - timedelta(hours=1)) -> None:
        snippet = {"title": title, "description": "", "publishedAt": f"{at:%Y-%m-%dT%H:%M:%SZ}", "channelId": "UCacme"}
        self.videos[id_] = {"id": id_, "snippet": {**snippet, "channelTitle": "Acme"}, "statistics": {}}

    def channel(self, asked: dict[str, str]) -> web.Response:
        if asked.get("forHandle", "@acmeair") != "@acmeair" or asked.get("id", "UCacme") != "UCacme":
            return web.json_response({"kind": "youtube#channelListResponse"})
        lists = {"relatedPlaylists": {"uploads": "UUacme"}}
        return answered([{"id": "UCacme", "snippet": {"customUrl": "@acmeair"}, "contentDetails": lists}])

    def page(self, asked: dict[str, str]) -> web.Response:
        assert asked["order"] == "time" and asked["textFormat"] == "plainText"
        where = asked.get("videoId") or asked["allThreadsRelatedToChannelId"]
        if where in self.closed:
            return refused(403, "commentsDisabled", "The video has disabled comments.")
        if asked.get("videoId") and where not in self.videos:
            return refused(404, "videoNotFound", "The video cannot be found.")
        newest = [one for one in reversed(self.threads) if "videoId" not in asked or one["video"] == where]
        start = int(asked.get("pageToken", 0))
        shown = newest[start : start + int(asked["maxResults"])]
        return answered([self.thread(one) for one in shown], start + len(shown) if newest[start + len(shown) :] else 0)

    def thread(self, top: Raw) -> Raw:
        replies = self.replies.get(str(top["id"]), [])
        snippet = {"videoId": top["video"], "topLevelComment": top, "totalReplyCount": len(replies)}
        return {"id": top["id"], "snippet": snippet, **({"replies": {"comments": replies[:5]}} if replies else {})}

    def comments(self, asked: dict[str, str]) -> web.Response:
        if parent := asked.get("parentId"):
            start, all_ = int(asked.get("pageToken", 0)), self.replies[parent]
            shown = all_[start : start + 100]
            return answered(shown, start + 100 if all_[start + 100 :] else 0)
        every = [*self.threads, *(reply for replies in self.replies.values() for reply in replies)]
        return answered([one for one in every if one["id"] in asked["id"].split(",")])

    def uploads(self, asked: dict[str, str]) -> web.Response:
        assert asked["playlistId"] == "UUacme"
        items = [
            {"id": f"PL{id_}", "snippet": {**video["snippet"], "resourceId": {"videoId": id_}}}  # type: ignore[dict-item]
            for id_, video in reversed(self.videos.items())
        ]
        start = int(asked.get("pageToken", 0))
        return answered(items[start : start + 50], start + 50 if items[start + 50 :] else 0)

    def some_videos(self, asked: dict[str, str]) -> web.Response:
        return answered([self.videos[id_] for id_ in asked["id"].split(",") if id_ in self.videos])

    def found(self, asked: dict[str, str]) -> web.Response:
        assert asked["type"] == "video" and asked["publishedAfter"].endswith("Z")
        after = [
            id_ for id_, video in self.videos.items() if str(video["snippet"]["publishedAt"]) > asked["publishedAfter"]
        ]  # type: ignore[index]
        return answered([{"id": {"kind": "youtube#video", "videoId": id_}} for id_ in after])


def comment(id_: str, text: str, at: datetime, video: str, parent: str = "") -> Raw:
    when = f"{at:%Y-%m-%dT%H:%M:%SZ}"
    said = {"textDisplay": text, "authorDisplayName": "@mquill", "publishedAt": when, "updatedAt": when}
    return {"id": id_, "video": video, "snippet": said | ({"parentId": parent} if parent else {})}


def answered(items: list[Raw], following: int = 0) -> web.Response:
    return web.json_response(
        {"kind": "youtube#listResponse", "items": items} | ({"nextPageToken": str(following)} if following else {})
    )


def refused(status: int, reason: str, message: str) -> web.Response:
    error = {"code": status, "message": message, "errors": [{"domain": "youtube", "reason": reason}]}
    return web.json_response({"error": error}, status=status)


def ear(server: Server, web_: Web, **given: object) -> Poller:
    given = {"channels": ("@acmeair",), "key": KEY, **given}
    return Poller(YouTubeConnector("tube", Options(**{"api_url": server.address, **given}), web_))  # type: ignore[arg-type]


@pytest.fixture
def tube(server: Server) -> Tube:
    return Tube(server)


def fields_of(post: Post) -> dict[str, object]:
    assert post.created is not None
    return {
        "id": post.id, "url": post.url, "title": post.title, "text": post.text, "author": post.author.handle,
        "created": post.created.isoformat(), "kind": post.kind, "parent": post.parent, "root": post.root,
        "likes": post.reach.likes, "extra": post.extra,
    }  # fmt: skip


@pytest.mark.parametrize("pair", GOLDEN, ids=lambda pair: str(pair["raw"]["id"]))
def test_an_answer_is_the_post_it_means(pair: dict[str, dict[str, str]]) -> None:
    if pair["what"] == "video":
        post = video_of(pair["raw"], "tube", {"UCtrips": "@trips"})
    else:
        post = comment_of(pair["raw"], str(pair["video"]), "tube")
    assert post and fields_of(post) == pair["post"]


async def test_videos_comments_and_all_replies_are_heard_each_under_what_it_answers(
    server: Server, web_: Web, tube: Tube
) -> None:
    tube.film(), tube.write("t1")
    for number in range(230):
        tube.reply("t1", f"r{number}")
    heard = {post.id: post for post in await ear(server, web_).poll()}
    assert len(heard) == 1 + 1 + 230
    assert heard[VIDEO].author.handle == "@acmeair" and heard[f"{VIDEO}/t1"].parent == VIDEO
    last = heard[f"{VIDEO}/t1.r229"]
    assert (last.parent, last.root) == (f"{VIDEO}/t1", VIDEO)


async def test_replies_that_were_read_are_read_again_only_when_there_are_more(
    server: Server, web_: Web, tube: Tube
) -> None:
    tube.film(), tube.write("t1")
    for number in range(7):
        tube.reply("t1", f"r{number}")
    poller = ear(server, web_)
    await poller.poll()
    before = tube.spent
    await poller.poll()
    assert tube.spent - before == 2  # the comments, the uploads
    tube.reply("t1", "new")
    assert f"{VIDEO}/t1.new" in ids(await poller.poll())


async def test_a_poll_that_finds_nothing_new_costs_one_unit_a_list(server: Server, web_: Web, tube: Tube) -> None:
    for number in range(500):
        tube.write(f"t{number}", at=NOW - timedelta(hours=number / 4))
    poller = ear(server, web_)
    assert len(await poller.poll()) == 500
    before, poller.now = tube.spent, NOW + timedelta(hours=12)
    tube.write("new", at=NOW + timedelta(hours=11))
    assert "vidAcme0001/new" in ids(await poller.poll())
    assert tube.spent - before == 2


async def test_what_the_day_grants_is_counted_as_the_platform_counts_it(server: Server, web_: Web, tube: Tube) -> None:
    tube.film(), tube.write("t1")
    poller = ear(server, web_, search=True, searches=("acme",))
    for _ in range(3):
        await poller.poll()
    assert poller.cursor["quota"]["used"] == tube.spent and tube.spent > DEAR
    assert poller.cursor["quota"] | {"used": 0} == {
        "used": 0, "of": 10_000, "unit": "units", "resets": datetime(2026, 5, 5, 7, tzinfo=UTC).timestamp(),
    }  # fmt: skip


async def test_the_rest_of_the_day_is_shared_out_and_never_overdrawn(server: Server, web_: Web, tube: Tube) -> None:
    tube.film()
    poller = ear(server, web_, units=100)
    polls, end = 0, midnight("America/Los_Angeles", NOW)
    while poller.now < end:
        await poller.poll()
        polls += 1
        assert poller.last.wait is not None
        poller.now += max(poller.last.wait, timedelta(minutes=10))
    assert 40 <= polls <= 50 and tube.spent <= 100  # two units a poll: as often as they allow, to the end of the day
    assert all(page.hearing is Hearing.HEARD for page in poller.pages)
    before = tube.spent
    await poller.poll()
    assert poller.cursor["quota"]["used"] == tube.spent - before  # a new day


async def test_out_of_units_is_said_with_its_end_before_anything_is_asked(
    server: Server, web_: Web, tube: Tube
) -> None:
    poller = ear(server, web_, units=1)
    with pytest.raises(Wait, match="units are used") as caught:
        await poller.poll()
    assert (caught.value.hearing, caught.value.until) == (
        Hearing.OUT_OF_BUDGET,
        datetime(2026, 5, 5, 7, tzinfo=UTC),  # midnight in California
    )
    assert tube.spent == 1


async def test_somebody_elses_use_of_the_key_is_seen_too(server: Server, web_: Web, tube: Tube) -> None:
    tube.granted = 0
    with pytest.raises(Wait) as caught:
        await ear(server, web_).poll()
    assert caught.value.hearing is Hearing.OUT_OF_BUDGET and caught.value.until == datetime(2026, 5, 5, 7, tzinfo=UTC)


async def test_disabled_comments_are_named_and_hold_nothing_else_back(server: Server, web_: Web, tube: Tube) -> None:
    tube.film(), tube.film("vidOther002"), tube.write("t1")
    tube.closed = {"vidOther002"}
    poller = ear(server, web_, channels=(), videos=("vidOther002", VIDEO))
    assert ids(await poller.poll()) == [f"{VIDEO}/t1"]
    assert (poller.last.hearing, poller.last.note) == (
        Hearing.TRUNCATED, "comments are disabled: video vidOther002",
    )  # fmt: skip
    tube.closed.add(VIDEO)
    await poller.poll()
    assert poller.last.hearing is Hearing.BLOCKED
    tube.closed.clear()
    await poller.poll()
    assert poller.last.hearing is Hearing.HEARD


async def test_searching_is_done_when_asked_for_and_as_often_as_told_and_what_is_found_is_followed(
    server: Server, web_: Web, tube: Tube
) -> None:
    tube.film("vidStranger"), tube.write("t1", video="vidStranger")
    poller = ear(server, web_, channels=(), search=True, searches=("acme|larkspur",))
    assert ids(await poller.poll()) == ["vidStranger"]
    assert ids(await poller.poll()) == ["vidStranger/t1"]
    assert [path.partition("?")[0] for path in server.paths()].count("/search") == 1
    poller.now += timedelta(hours=7)
    await poller.poll()
    assert [path.partition("?")[0] for path in server.paths()].count("/search") == 2
    del tube.videos["vidStranger"]
    poller.now += timedelta(hours=1)
    await poller.poll()
    assert poller.last.hearing is Hearing.HEARD and poller.cursor["found"] == {}


async def test_when_units_are_scarce_searching_is_put_off_first_and_that_is_said(
    server: Server, web_: Web, tube: Tube
) -> None:
    tube.write("t1")
    poller = ear(server, web_, units=105, search=True, searches=("acme",))
    assert ids(await poller.poll()) == [f"{VIDEO}/t1"] and tube.spent == 3
    assert poller.last.hearing is Hearing.TRUNCATED
    assert poller.last.note == "search acme: put off, since 102 units are left of the day and kept for comments"


async def test_a_dear_search_slows_no_cheap_poll_down(server: Server, web_: Web, tube: Tube) -> None:
    poller = ear(server, web_, search=True, searches=("acme", "larkspur", "acmeair"))
    await poller.poll()
    assert tube.spent == 3 * DEAR + 3
    assert poller.last.wait is not None and poller.last.wait < timedelta(minutes=1)


async def test_a_channel_nobody_knows_is_named_and_the_others_are_heard(server: Server, web_: Web, tube: Tube) -> None:
    tube.write("t1")
    poller = ear(server, web_, channels=("@acmeair", "@nobody"))
    assert f"{VIDEO}/t1" in ids(await poller.poll())
    assert poller.last.hearing is Hearing.TRUNCATED and "no channel @nobody" in poller.last.note


async def test_a_page_that_is_no_more_begins_its_list_again(server: Server, web_: Web, tube: Tube) -> None:
    for number in range(250):
        tube.write(f"t{number}", at=NOW - timedelta(minutes=number))
    poller = ear(server, web_)
    await poller.step()
    tokens = poller.cursor["lanes"]["comments @acmeair"]["at"]
    whole = server.answers["/commentThreads"]

    async def gone(request: web.Request) -> web.Response:
        server.answers["/commentThreads"] = whole
        return refused(400, "invalidPageToken", "The page token is invalid.")

    server.answers["/commentThreads"] = gone
    assert tokens["token"] == "100" and len(set(ids(await poller.poll()))) == 250


async def test_looking_again_tells_what_is_gone_and_what_was_edited_for_a_unit_each_fifty(
    server: Server, web_: Web, tube: Tube
) -> None:
    tube.film(), tube.film("vidOther002"), tube.write("t1"), tube.write("t2"), tube.reply("t1", "r1")
    poller = ear(server, web_)
    before = {post.id: post for post in await poller.poll()}
    tube.threads[1]["snippet"]["textDisplay"] = "acme, edited"  # type: ignore[index]
    del tube.videos["vidOther002"]
    assert isinstance(poller.ear, Rereader)
    wanted = [VIDEO, "vidOther002", f"{VIDEO}/t1", f"{VIDEO}/t2", f"{VIDEO}/t1.r1", f"{VIDEO}/never"]
    page = await poller.ear.reread(wanted, poller.cursor, poller.now)
    now = {post.id: post.fingerprint for post in page.posts}
    assert page.gone == ("vidOther002", f"{VIDEO}/never")
    assert {id_ for id_ in now if now[id_] != before[id_].fingerprint} == {f"{VIDEO}/t2"}
    assert page.cursor["quota"]["used"] == poller.cursor["quota"]["used"] + 2 == tube.spent


@pytest.mark.parametrize(
    ("reason", "error"), [("keyInvalid", Fix), ("accessNotConfigured", Fix), ("rateLimitExceeded", Wait)]
)
async def test_refusals_say_what_to_do(server: Server, web_: Web, tube: Tube, reason: str, error: type) -> None:
    async def no(_: web.Request) -> web.Response:
        return refused(403, reason, "No.")

    server.answers["/channels"] = no
    with pytest.raises(error) as caught:
        await ear(server, web_).poll()
    assert error is Wait or "YOUTUBE_API_KEY" in str(caught.value)
    assert KEY not in str(caught.value)


async def test_nothing_to_follow_and_no_key_are_said(server: Server, web_: Web) -> None:
    with pytest.raises(Fix, match="add channels"):
        await ear(server, web_, channels=()).poll()
    with pytest.raises(Fix, match="set YOUTUBE_API_KEY"):
        await ear(server, web_, key="").poll()
    assert server.asked == []


async def test_hostile_shapes_are_only_shapes(server: Server, web_: Web, tube: Tube) -> None:
    odd = [None, {"id": {}}, {"id": "x", "snippet": []}, {"snippet": {"topLevelComment": {"id": "t&lc=\ud800"}}}]
    server.answers["/commentThreads"] = jsoned({"items": odd, "nextPageToken": []})
    [post] = await ear(server, web_).poll()
    assert post.url == "https://www.youtube.com/watch?v=&lc=t%26lc%3D%EF%BF%BD"


def test_a_day_of_the_quota_ends_at_midnight_in_california_in_summer_and_winter() -> None:
    assert midnight("America/Los_Angeles", datetime(2026, 1, 15, 7, 59, tzinfo=UTC)) == datetime(
        2026, 1, 15, 8, tzinfo=UTC
    )
    assert midnight("America/Los_Angeles", datetime(2026, 7, 15, 7, 0, tzinfo=UTC)) == datetime(
        2026, 7, 16, 7, tzinfo=UTC
    )
    saved = today(START, of=100, unit="units", zone="UTC", now=NOW).spent(40).dump()
    assert today(saved, of=100, unit="units", zone="UTC", now=NOW + timedelta(hours=10)).left == 60
    assert today(saved, of=100, unit="units", zone="UTC", now=NOW + timedelta(hours=11)).left == 100


async def test_the_house_says_what_was_not_heard_and_waits_for_the_new_day(
    server: Server, tube: Tube, tmp_path: Path
) -> None:
    source = f'[[source]]\nname = "tube"\nkind = "youtube"\nchannels = ["@acmeair"]\nunits = 4\napi_url = "{server.address}"\n'
    source += 'about = "Acme Air"\n'
    env = {"LISTENER_ALLOW_PRIVATE": server.host, "YOUTUBE_API_KEY": KEY}
    settings = load(configs.write(tmp_path, sources=source), env)
    clock = Clock()
    tube.write("t1", "My bag never came and nobody calls me back")
    async with build(settings, Console(file=StringIO()), clock=clock) as house, house.store.engine():
        first = await turn(house)
        assert first.polls[0].kept[0].mentions == 1, "it need not name the brand"
        clock.forward(minutes=10)
        await turn(house)
        [state] = await house.store.sources()
        assert (state.hearing, state.next_poll) == (Hearing.OUT_OF_BUDGET, datetime(2026, 5, 5, 7, tzinfo=UTC))
        [ear_] = ears(settings, [state], {}, clock.now)
        assert (ear_.state, ear_.quota) == ("out of budget", "4 of 4 units today")
        spans = await house.store.coverage(NOW - timedelta(days=1), clock.now)
        assert [span.hearing for span in spans] == [Hearing.HEARD, Hearing.OUT_OF_BUDGET]
        clock.now = datetime(2026, 5, 5, 7, 1, tzinfo=UTC)
        assert [poll.state for poll in (await turn(house)).polls] == ["heard"]
