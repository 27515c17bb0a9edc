"""Reddit is heard without holes beyond its thousand-item cap, with doors that shut, and without a key by RSS."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from polling import NOW, Poller, ids
from redditserver import FakeReddit, hung_up, late
from webserver import Server

from connectors import check_options, secrets_of
from connectors.contract import START, Broken, ConnectorError, Fix, Hearing, Rereader, Wait
from connectors.http import Web
from connectors.reddit import Options, RedditConnector
from connectors.reddit_api import agent
from connectors.reddit_lanes import lanes_of, subreddits_of
from connectors.reddit_parse import Listing, Thing, fullname, listing_of, number
from connectors.reddit_walk import Bounds, asked, chunk_of, walked

GOLDEN = json.loads((Path(__file__).parent / "data/reddit/answers.json").read_text())


def ear(server: Server, web_: Web, *subreddits: str, **options: object) -> Poller:
    given: dict[str, object] = {
        "subreddits": subreddits or ("acme",), "client_id": "right-id", "client_secret": "right-secret",
        "reddit_url": server.address, "oauth_url": server.address, "account": "u/mquill",
    }  # fmt: skip
    return Poller(RedditConnector("reddit", Options(**(given | options)), web_))  # type: ignore[arg-type]


def json_of(status: int, **headers: str) -> web.Response:
    return web.json_response({"message": "x", "error": status}, status=status, headers=headers)


@pytest.fixture
def reddit(server: Server) -> FakeReddit:
    return FakeReddit(server)


@pytest.mark.parametrize("pair", GOLDEN, ids=lambda pair: pair["case"])
def test_a_thing_is_a_post(pair: dict[str, dict[str, object]]) -> None:
    listing = listing_of({"kind": "Listing", "data": {"children": [pair["thing"]]}}, "reddit")
    (thing,) = listing.things
    if pair["post"] is None:
        assert thing.post is None and listing.gone == (thing.id,)
        return
    post = thing.post
    assert post is not None and post.created is not None
    assert pair["post"] == {
        "id": post.id, "url": post.url, "title": post.title, "text": post.text, "author": post.author.handle,
        "author_id": post.author.id, "created": post.created.isoformat(), "kind": post.kind, "parent": post.parent,
        "root": post.root, "likes": post.reach.likes, "replies": post.reach.replies, "extra": post.extra,
    }  # fmt: skip


async def test_posts_and_comments_of_many_subreddits_are_heard_together(
    server: Server, web_: Web, reddit: FakeReddit
) -> None:
    first, second = reddit.post("acme"), reddit.post("Zenith")
    said = reddit.comment(second)
    poller = ear(server, web_, "r/Acme", "/r/zenith/", "acme")
    assert set(ids(await poller.poll())) == {first, second, said}
    assert set(reddit.paths()) == {"/r/acme+zenith/new", "/r/acme+zenith/comments/"}
    assert poller.last.hearing is Hearing.HEARD and not poller.last.note
    later = reddit.comment(first, "one more")
    poller.now += timedelta(minutes=10)
    assert later in ids(await poller.poll())
    assert all(a.startswith(agent("mquill")) for a in reddit.agents)
    await poller.ear.aclose()


async def test_two_thousand_between_two_polls_leave_no_hole(server: Server, web_: Web, reddit: FakeReddit) -> None:
    reddit.post()
    poller = ear(server, web_, comments=False)
    await poller.poll()
    poller.now += timedelta(minutes=10)
    written = set()
    for place in range(2_000):
        written.add(reddit.post(at=poller.now))  # all in the same second
        if place % 2:
            reddit.post("elsewhere", at=poller.now)
    heard = ids(await poller.poll())
    assert written <= set(heard) and len(heard) <= 2_101
    assert poller.last.hearing is Hearing.HEARD
    assert not {post.extra["subreddit"] for page in poller.pages for post in page.posts} - {"acme"}
    await poller.ear.aclose()


async def test_a_hole_that_is_too_large_is_said(server: Server, web_: Web, reddit: FakeReddit) -> None:
    reddit.post()
    poller = ear(server, web_, comments=False, most_ids=500)
    await poller.poll()
    poller.now += timedelta(minutes=10)
    for _ in range(2_000):
        reddit.post(at=poller.now)
    await poller.poll()
    assert poller.last.hearing is Hearing.TRUNCATED and "1,000 ids lie between" in poller.last.note
    poller.now += timedelta(minutes=10)
    after = reddit.post(at=poller.now)
    assert after in ids(await poller.poll()) and poller.last.hearing is Hearing.HEARD
    await poller.ear.aclose()


async def test_anchors_that_were_taken_away_deafen_nobody(server: Server, web_: Web, reddit: FakeReddit) -> None:
    first = [reddit.post(at=NOW - timedelta(hours=3)) for _ in range(300)]
    poller = ear(server, web_, comments=False)
    await poller.poll()
    reddit.unlisted |= set(first[-250:])  # all that the cursor knows
    poller.now += timedelta(minutes=10)
    assert ids(await poller.poll()) == first[:50][::-1]
    after = reddit.post(at=poller.now)
    assert after in ids(await poller.poll()) and poller.last.hearing is Hearing.HEARD
    await poller.ear.aclose()


@pytest.mark.parametrize("anew", [False, True])
async def test_a_page_goes_on_although_its_last_item_was_taken_away(
    server: Server, web_: Web, reddit: FakeReddit, anew: bool
) -> None:
    written = [reddit.post() for _ in range(450)]
    reddit.anew = anew
    poller = ear(server, web_, comments=False)
    heard: set[str] = set()
    while True:
        page = await poller.step()
        heard |= set(ids(list(page.posts)))
        if not page.more:
            break
        if page.posts:
            reddit.unlisted.add(page.posts[-1].id)
            reddit.post(title="meanwhile")
    assert set(written) - reddit.unlisted <= heard and poller.last.hearing is Hearing.HEARD
    await poller.ear.aclose()


async def test_a_crash_between_two_pages_loses_nothing(server: Server, web_: Web, reddit: FakeReddit) -> None:
    reddit.post()
    poller = ear(server, web_)
    await poller.poll()
    poller.now += timedelta(minutes=10)
    written = {reddit.post(at=poller.now) for _ in range(1_250)}
    heard: set[str] = set()
    while True:
        kept = poller.cursor
        await poller.step()  # killed before it was kept
        poller.cursor = kept
        again = ear(server, web_)
        again.cursor, again.now = kept, poller.now
        page = await again.step()
        await again.ear.aclose()
        poller.cursor = again.cursor
        heard |= set(ids(list(page.posts)))
        if not page.more:
            break
    assert written <= heard
    await poller.ear.aclose()


async def test_what_a_moderator_approves_late_is_heard(server: Server, web_: Web, reddit: FakeReddit) -> None:
    held = reddit.post(at=NOW - timedelta(minutes=20))
    reddit.unlisted.add(held)
    for _ in range(150):
        reddit.post(at=NOW - timedelta(minutes=10))
    poller = ear(server, web_, comments=False)
    assert held not in ids(await poller.poll())
    reddit.unlisted.clear()
    poller.now += timedelta(minutes=5)
    assert held in ids(await poller.poll())
    await poller.ear.aclose()


async def test_the_first_reading_ends_where_history_ends_or_says_that_it_could_not(
    server: Server, web_: Web, reddit: FakeReddit
) -> None:
    for hour in range(400, 0, -1):
        reddit.post(at=NOW - timedelta(hours=hour))
    poller = ear(server, web_, comments=False)
    assert len(await poller.poll()) == 200 and poller.last.hearing is Hearing.HEARD
    for _ in range(1_100):
        reddit.post()
    fresh = ear(server, web_, comments=False)
    assert len(await fresh.poll()) == 1_000
    assert fresh.last.hearing is Hearing.TRUNCATED and "the first reading ends after 1000" in fresh.last.note
    await poller.ear.aclose(), await fresh.ear.aclose()


class Walker:
    """Walks a listing that holds these numbers and shows the newest thousand of them."""

    def __init__(self, bounds: Bounds):
        self.bounds = bounds
        self.now = NOW
        self.shown = list(range(1_000, 1_400))
        self.place: dict[str, Any] = {}
        self.heard: set[int] = set()

    def step(self) -> bool:
        if "hole" in self.place:
            numbers, left = chunk_of(self.place.pop("hole"))
            self.heard |= set(numbers).intersection(self.shown)
            self.place |= {"hole": left} if left else {}
            return bool(left)
        went = walked(self.place, self._page(asked(self.place)["after"]), self.now, self.bounds)
        self.place = json.loads(json.dumps(went.place))
        return went.more

    def _page(self, after: str | None) -> Listing:
        listed = sorted(self.shown, reverse=True)[:1000]
        begin = 0 if not after else listed.index(number(after)) + 1 if number(after) in listed else len(listed)
        page = listed[begin : begin + 100]
        self.heard |= set(page)
        things = tuple(Thing(id=fullname("t3", at), subreddit="acme", post=None, created=NOW) for at in page)
        return Listing(things=things, after=things[-1].id if page and begin + 100 < len(listed) else "")


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 1_500), st.integers(0, 300), st.integers(1, 12)), max_size=8),
    st.sampled_from([timedelta(), timedelta(hours=1)]),
)
def test_whatever_is_written_and_taken_away_while_a_listing_is_walked_the_rest_is_heard(
    changes: list[tuple[int, int, int]], overlap: timedelta
) -> None:
    walker = Walker(Bounds(history=timedelta(days=7), overlap=overlap))
    while walker.step():
        pass
    for written, taken, pages in changes:
        newest = walker.shown[-1]
        walker.now += timedelta(minutes=10)
        walker.shown = [*walker.shown[: len(walker.shown) - taken], *range(newest + 1, newest + 2 + written)]
        for _ in range(pages):
            walker.step()
    for _ in range(3):  # what was written while a round went on is the next one's
        while walker.step():
            pass
    assert set(walker.shown) <= walker.heard


@given(st.integers(0, 36**12))
def test_a_number_is_its_fullname(place: int) -> None:
    assert number(fullname("t3", place)) == place


# What becomes of what was heard


async def test_edits_and_deletions_are_followed_for_two_days(server: Server, web_: Web, reddit: FakeReddit) -> None:
    kept, edited, deleted, removed = (reddit.post() for _ in range(4))
    said = reddit.comment(kept)
    poller = ear(server, web_, history=timedelta(days=1))
    await poller.poll()
    reddit.unlisted |= {kept, edited, deleted, removed, said}  # no listing shows them any more
    poller.now += timedelta(minutes=50)
    assert await poller.poll() == [] and "/api/info/" not in reddit.paths()
    reddit.things[edited] |= {"selftext": "Acme called back", "edited": NOW.timestamp()}
    reddit.things[deleted] |= {"selftext": "[deleted]", "author": "[deleted]"}
    poller.now += timedelta(minutes=20)
    heard = {post.id: post.text for post in await poller.poll()}
    assert heard[edited] == "Acme called back" and set(poller.last.gone) == {deleted}
    reddit.things[removed] |= {"removed_by_category": "moderator"}
    reddit.things[said] |= {"body": "[removed]"}
    gone = set()
    for _ in range(60):
        poller.now += timedelta(hours=1)
        await poller.poll()
        gone |= set(poller.last.gone)
    assert gone == {deleted, removed, said}
    assert reddit.paths().count("/api/info/") == 3 and not poller.cursor["watch"]
    await poller.ear.aclose()


async def test_a_post_is_read_again_by_its_id(server: Server, web_: Web, reddit: FakeReddit) -> None:
    kept, deleted, erased = reddit.post(), reddit.post(), reddit.post()
    poller = ear(server, web_)
    assert isinstance(poller.ear, Rereader)
    reddit.things[deleted] |= {"title": "[deleted by user]", "author": "[deleted]"}
    del reddit.things[erased]
    page = await poller.ear.reread([kept, deleted, erased, "no id"], START, NOW)
    assert ids(list(page.posts)) == [kept] and set(page.gone) == {deleted, erased}
    assert [asked["id"] for path, asked in reddit.asked] == [f"{kept},{deleted},{erased}", erased]
    await poller.ear.aclose()


async def test_an_empty_answer_does_not_delete_everything(server: Server, web_: Web, reddit: FakeReddit) -> None:
    many = [reddit.post() for _ in range(30)]
    reddit.things.clear()
    poller = ear(server, web_)
    page = await poller.ear.reread(many, START, NOW)  # type: ignore[attr-defined]
    assert not page.gone and "Reddit knew none of 30 posts" in page.note
    await poller.ear.aclose()


async def test_a_list_that_turns_empty_is_not_believed(server: Server, web_: Web, reddit: FakeReddit) -> None:
    written = [reddit.post() for _ in range(20)]
    poller = ear(server, web_, comments=False)
    await poller.poll()
    reddit.unlisted |= set(written)
    assert await poller.poll() == []
    assert poller.last.hearing is Hearing.TRUNCATED and "the list is empty" in poller.last.note
    reddit.unlisted.clear()
    assert set(ids(await poller.poll())) == set(written) and poller.last.hearing is Hearing.HEARD
    await poller.ear.aclose()


# Doors that are shut

LOUD = [
    ("private", "is private"),
    ("quarantined", "is quarantined"),
    ("banned", "was banned"),
    ("nowhere", "does not exist"),
]


@pytest.mark.parametrize("silently", [False, True])
@pytest.mark.parametrize(("why", "said"), LOUD)
async def test_a_shut_subreddit_is_said_by_name_and_the_others_are_heard(
    server: Server, web_: Web, reddit: FakeReddit, why: str, said: str, silently: bool
) -> None:
    first, second = reddit.post("acme"), reddit.post("zenith")
    reddit.shut["zenith"], reddit.silently = why, silently
    poller = ear(server, web_, "acme", "zenith", "not a name")
    assert ids(await poller.poll()) == [first]
    assert poller.last.hearing is Hearing.TRUNCATED
    assert f"r/zenith {said}" in poller.last.note and '"not a name" is no name of a subreddit' in poller.last.note
    reddit.asked.clear()
    poller.now += timedelta(minutes=10)
    await poller.poll()
    assert set(reddit.paths()) == {"/r/acme/new", "/r/acme/comments/"} and f"r/zenith {said}" in poller.last.note
    reddit.shut.clear()
    poller.now += timedelta(hours=1)
    await poller.poll()
    poller.now += timedelta(minutes=10)
    assert set(ids(await poller.poll())) >= {second} and "zenith" not in poller.last.note
    await poller.ear.aclose()


async def test_when_every_door_is_shut_somebody_must_mend_it(server: Server, web_: Web, reddit: FakeReddit) -> None:
    reddit.shut |= {"acme": "private", "zenith": "banned"}
    poller = ear(server, web_, "acme", "zenith")
    with pytest.raises(Fix, match=r"r/acme is private.*r/zenith was banned"):
        await poller.poll()
    with pytest.raises(Fix, match="nothing to read"):
        await ear(server, web_, "no/name").poll()


async def test_a_listing_that_is_missing_shuts_no_subreddit(server: Server, web_: Web, reddit: FakeReddit) -> None:
    first = reddit.post(title="acme")
    poller = ear(server, web_, searches=("acme",))
    for _ in range(2):
        reddit.failures = [None, None, json_of(404)]  # the search; its subreddit is then asked itself, and is there
        assert set(ids(await poller.poll())) == {first}
        assert "r/acme/search acme: r/acme is not there" in poller.last.note
        poller.now += timedelta(minutes=10)
    assert set(ids(await poller.poll())) == {first} and poller.last.hearing is Hearing.HEARD
    await poller.ear.aclose()


async def test_trouble_after_all_was_read_costs_nothing_of_it(server: Server, web_: Web, reddit: FakeReddit) -> None:
    for answer in (json_of(400), json_of(500), web.json_response([])):
        written = reddit.post()
        poller = ear(server, web_, "acme", "zenith", comments=False)
        reddit.failures = [None, answer]
        assert written in ids(await poller.poll())
        assert len(reddit.failures) == 0
        await poller.ear.aclose()


# Searches


async def test_what_a_search_finds_is_heard_in_the_subreddits_or_everywhere(
    server: Server, web_: Web, reddit: FakeReddit
) -> None:
    here, there = reddit.post("acme", "Zenith is late"), reddit.post("elsewhere", "Zenith is late")
    within = ear(server, web_, searches=("zenith",), comments=False)
    assert set(ids(await within.poll())) == {here}
    assert ("/r/acme/search/", "new") in [(path, asked.get("sort")) for path, asked in reddit.asked]
    everywhere = ear(server, web_, searches=("zenith",), search_all=True, subreddits=())
    assert set(ids(await everywhere.poll())) == {here, there}
    reddit.next["t3"] += 10
    for _ in range(1_100):
        reddit.post("elsewhere", "zenith again")
    everywhere.now += timedelta(minutes=10)
    await everywhere.poll()
    assert (
        everywhere.last.hearing is Hearing.TRUNCATED
        and "more was written than the search shows" in everywhere.last.note
    )
    await within.ear.aclose(), await everywhere.ear.aclose()


# Keys


async def test_a_key_that_reddit_does_not_take_is_said_with_what_to_do(
    server: Server, web_: Web, reddit: FakeReddit
) -> None:
    wrong = ear(server, web_, client_secret="wrong-secret")
    with pytest.raises(Fix, match=r"does not know our key \(401\): check REDDIT_CLIENT_ID") as told:
        await wrong.poll()
    assert "wrong-secret" not in str(told.value) + repr(wrong.ear.__dict__)
    poller = ear(server, web_)
    reddit.token_answer = web.Response(status=403, text="<html>Forbidden</html>")
    with pytest.raises(Fix, match=r"has not approved our key \(403\); apply at https://.*rss = true"):
        await poller.poll()
    reddit.token_answer = web.json_response({"error": "unauthorized_client"})
    with pytest.raises(Fix, match=r"gives no token.*apply at"):
        await poller.poll()
    with pytest.raises(Fix, match="set REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET"):
        await ear(server, web_, client_secret="").poll()
    assert not reddit.asked
    await poller.ear.aclose()


async def test_a_token_that_runs_out_in_the_middle_is_renewed_once(
    server: Server, web_: Web, reddit: FakeReddit
) -> None:
    written = {reddit.post() for _ in range(250)}
    poller = ear(server, web_, comments=False)
    await poller.step()
    reddit.token = "taken back"
    assert set(ids(list(poller.pages[0].posts) + await poller.poll())) == written and reddit.tokens == 2
    denied = web.json_response({"message": "Unauthorized"}, status=401)
    reddit.failures = [denied, web.json_response({"message": "Unauthorized"}, status=401)]
    with pytest.raises(Fix, match="does not take the token"):
        await poller.poll()
    await poller.ear.aclose()


# Limits and trouble


@pytest.fixture
def nobody_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(seconds: float) -> None:
        raise AssertionError(f"the library wanted to sleep {seconds} s")

    monkeypatch.setattr("time.sleep", refuse)


@pytest.mark.usefixtures("nobody_sleeps")
async def test_when_the_allowance_is_used_up_nothing_is_asked_until_it_is_renewed(
    server: Server, web_: Web, reddit: FakeReddit
) -> None:
    written = {reddit.post() for _ in range(250)}
    reddit.limits = {"X-Ratelimit-Remaining": "1.0", "X-Ratelimit-Used": "599", "X-Ratelimit-Reset": "240"}
    poller = ear(server, web_, comments=False)
    page = await poller.step()
    assert page.more and len(page.posts) == 100
    with pytest.raises(Wait) as wait:
        await poller.step()
    assert wait.value.until == NOW + timedelta(seconds=240) and wait.value.hearing is Hearing.RATE_LIMITED
    with pytest.raises(Wait):
        await poller.ear.reread(["t3_1"], poller.cursor, poller.now)  # type: ignore[attr-defined]
    assert len(reddit.asked) == 1
    reddit.limits["X-Ratelimit-Remaining"] = "599.0"
    poller.now += timedelta(seconds=240)
    assert {*ids(list(page.posts)), *ids(await poller.poll())} == written
    await poller.ear.aclose()


TROUBLE = [
    ("429 with a reset", json_of(429, **{"x-ratelimit-reset": "90"}), Wait, Hearing.RATE_LIMITED, 90),
    ("429 with Retry-After", json_of(429, **{"Retry-After": "30"}), Wait, Hearing.RATE_LIMITED, 30),
    (
        "429 with a date",
        json_of(429, **{"Retry-After": "Mon, 04 May 2026 13:01:00 GMT"}),
        Wait,
        Hearing.RATE_LIMITED,
        60,
    ),
    ("429 alone", json_of(429), Wait, Hearing.RATE_LIMITED, None),
    ("402", json_of(402), Wait, Hearing.OUT_OF_BUDGET, None),
    ("500", json_of(500), Wait, Hearing.NOT_REACHABLE, None),
    ("503", web.Response(status=503, text="<html>You broke reddit</html>"), Wait, Hearing.NOT_REACHABLE, None),
    ("half of it", hung_up, Wait, Hearing.NOT_REACHABLE, None),
    (
        "broken off",
        web.Response(text='{"kind": "Lis', content_type="application/json"),
        Wait,
        Hearing.NOT_REACHABLE,
        None,
    ),
    ("nothing", web.Response(text=""), Wait, Hearing.NOT_REACHABLE, None),
    ("a web page", web.Response(text="<html>hello</html>", content_type="text/html"), Broken, Hearing.BLOCKED, None),
    ("no listing", web.json_response({"kind": "Listing", "data": {"children": None}}), Broken, Hearing.BLOCKED, None),
    ("a list", web.json_response([1, 2]), Broken, Hearing.BLOCKED, None),
    ("403", json_of(403), Fix, Hearing.BLOCKED, None),
    ("404", json_of(404), Fix, Hearing.BLOCKED, None),
    ("410", json_of(410), Fix, Hearing.BLOCKED, None),
    ("451", json_of(451), Fix, Hearing.BLOCKED, None),
    ("400", json_of(400), Fix, Hearing.BLOCKED, None),
    ("302 without an address", web.Response(status=302), Fix, Hearing.BLOCKED, None),
]


@pytest.mark.usefixtures("nobody_sleeps")
@pytest.mark.parametrize(("case", "answer", "error", "hearing", "seconds"), TROUBLE, ids=[row[0] for row in TROUBLE])
async def test_trouble_is_sorted_and_then_nothing_was_lost(
    server: Server,
    web_: Web,
    reddit: FakeReddit,
    case: str,
    answer: object,
    error: type[ConnectorError],
    hearing: Hearing,
    seconds: int | None,
) -> None:
    written = reddit.post()
    poller = ear(server, web_, comments=False)

    async def again(request: web.Request) -> web.StreamResponse:
        if callable(answer):
            return await answer(request)
        assert isinstance(answer, web.Response)
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    reddit.failures = [again]
    with pytest.raises(error) as told:
        await poller.poll()
    assert told.value.hearing is hearing and len(reddit.asked) == 1, "asked once, not again and again"
    if isinstance(told.value, Wait):
        assert told.value.until == (NOW + timedelta(seconds=seconds) if seconds else None)
    assert "right-secret" not in str(told.value) and "token-" not in str(told.value)
    assert ids(await poller.poll()) == [written]
    await poller.ear.aclose()


async def test_an_answer_that_does_not_come_is_not_waited_for(
    server: Server, web_: Web, reddit: FakeReddit, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = reddit.post()
    poller = ear(server, web_, comments=False)
    monkeypatch.setattr("connectors.reddit_api.PATIENCE", 0.2)
    reddit.failures = [late]
    with pytest.raises(Wait, match=r"no answer .* in time"):
        await poller.poll()
    monkeypatch.setattr("connectors.reddit_api.PATIENCE", 10.0)
    assert ids(await poller.poll()) == [written]
    await poller.ear.aclose()


async def test_a_server_that_is_not_there(web_: Web, server: Server, reddit: FakeReddit) -> None:
    poller = ear(server, web_, oauth_url="http://127.0.0.1:1", reddit_url="http://127.0.0.1:1")
    with pytest.raises(Wait, match="cannot be reached"):
        await poller.poll()


async def test_one_listing_in_trouble_holds_no_other_back(server: Server, web_: Web, reddit: FakeReddit) -> None:
    said = reddit.comment(reddit.post())
    poller = ear(server, web_)
    reddit.failures = [json_of(500)]
    assert ids(await poller.poll()) == [said]
    assert poller.last.hearing is Hearing.TRUNCATED and "r/acme/new: " in poller.last.note
    await poller.ear.aclose()


async def test_what_is_malformed_is_skipped_and_said(server: Server, web_: Web, reddit: FakeReddit) -> None:
    good = reddit.post()
    reddit.things["bad"] = {"name": None, "created_utc": "soon"}
    children = [{"kind": "t3", "data": reddit.things[good]}, {"kind": "t3", "data": {"name": 7}}, None, "x"]
    reddit.failures = [web.json_response({"kind": "Listing", "data": {"children": children}})]
    poller = ear(server, web_, comments=False)
    del reddit.things["bad"]
    assert ids(await poller.poll()) == [good]
    assert poller.last.hearing is Hearing.TRUNCATED and "3 of 4 items could not be read" in poller.last.note
    await poller.ear.aclose()


HOSTILE = "<!channel> \u202e\x00 =1+1 <script>x</script> \ud800 [a](http://evil.example) " + "A" * 1_000_000


@pytest.mark.parametrize("field", ["title", "selftext", "author", "url", "permalink", "subreddit", "body"])
def test_hostile_text_is_only_text(field: str) -> None:
    for kind in ("t3", "t1"):
        data = {"name": f"{kind}_1", "is_self": False, "title": "x", "body": "y", "created_utc": 1e300, field: HOSTILE}
        (thing,) = listing_of({"data": {"children": [{"kind": kind, "data": data}]}}, "reddit").things
        assert thing.post is not None and thing.post.created is None
        assert thing.post.url.startswith("https://www.reddit.com/")
        assert thing.post.fingerprint


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
KEYS = st.sampled_from([
    "name", "id", "title", "selftext", "body", "author", "created_utc", "edited", "score", "permalink", "url",
    "link_id", "parent_id", "subreddit", "poll_data", "removed_by_category", "crosspost_parent", "num_comments",
])  # fmt: skip


@given(st.sampled_from(["t1", "t3"]), st.dictionaries(KEYS, JSON, max_size=6))
def test_no_shape_of_a_thing_breaks_the_reading(kind: str, data: dict[str, object]) -> None:
    listing = listing_of({"data": {"children": [{"kind": kind, "data": {"name": f"{kind}_1a"} | data}]}}, "reddit")
    assert len(listing.things) + bool(listing.note) == 1


# RSS


async def test_without_a_key_rss_is_read_once_a_minute_listing_by_listing(
    server: Server, web_: Web, reddit: FakeReddit
) -> None:
    first = reddit.post("acme", "Acme broke", selftext="It melted & nobody called.")
    said = reddit.comment(first, "same here")
    poller = ear(server, web_, client_id="", client_secret="")
    (post,) = await poller.poll()
    assert (post.id, post.title, post.text, post.author.handle) == (
        first,
        "Acme broke",
        "It melted & nobody called.",
        "mquill",
    )
    assert (post.kind, post.extra["subreddit"], post.url) == (
        "post",
        "acme",
        f"https://www.reddit.com{reddit.things[first]['permalink']}",
    )
    assert poller.last.hearing is Hearing.TRUNCATED and "only Reddit's RSS is read" in poller.last.note
    assert poller.last.wait == timedelta(minutes=1)
    poller.now += timedelta(seconds=59)
    with pytest.raises(Wait) as wait:
        await poller.poll()
    assert wait.value.until == NOW + timedelta(minutes=1) and len(reddit.asked) == 1
    poller.now = NOW + timedelta(minutes=1)
    (comment,) = await poller.poll()
    assert (comment.id, comment.title, comment.text, comment.parent, comment.root) == (
        said,
        "",
        "same here",
        first,
        first,
    )
    assert reddit.paths() == ["/r/acme/new/.rss", "/r/acme/comments/.rss"] and reddit.tokens == 0
    assert (await poller.ear.reread([first], poller.cursor, poller.now)).gone == ()  # type: ignore[attr-defined]
    assert all(a.startswith(agent("mquill")) for a in reddit.agents)


async def test_rss_says_what_was_pushed_out(server: Server, web_: Web, reddit: FakeReddit) -> None:
    for _ in range(30):
        reddit.post()
    poller = ear(server, web_, rss=True, comments=False)
    await poller.poll()
    for minute, written, cut in ((1, 80, False), (2, 150, True), (3, 1, False)):
        poller.now = NOW + timedelta(minutes=minute)
        for _ in range(written):
            reddit.post(at=poller.now)
        assert len(await poller.poll()) == 100
        assert ("more was written than its RSS shows" in poller.last.note) is cut


@pytest.mark.parametrize("silently", [False, True])
@pytest.mark.parametrize(("why", "said"), LOUD)
async def test_rss_of_a_shut_subreddit_is_said_and_the_others_are_heard(
    server: Server, web_: Web, reddit: FakeReddit, why: str, said: str, silently: bool
) -> None:
    first = reddit.post("acme")
    reddit.post("zenith")
    reddit.shut["zenith"], reddit.silently = why, silently
    poller = ear(server, web_, "acme", "zenith", rss=True)
    heard: list[str] = []
    for minute in range(12):
        poller.now = NOW + timedelta(minutes=minute)
        heard += ids(await poller.poll())
    assert set(heard) == {first} and f"r/zenith {said}" in poller.last.note
    assert len(reddit.asked) <= 12 + 2  # a redirect is followed


async def test_rss_trouble_is_sorted_too(server: Server, web_: Web, reddit: FakeReddit) -> None:
    reddit.post()
    poller = ear(server, web_, rss=True, comments=False)
    reddit.failures = [
        json_of(429, **{"x-ratelimit-reset": "45"}),
        json_of(500),
        web.Response(text="<html>blocked</html>"),
    ]
    with pytest.raises(Wait) as wait:
        await poller.poll()
    assert wait.value.until == NOW + timedelta(seconds=45) and wait.value.hearing is Hearing.RATE_LIMITED
    with pytest.raises(Wait, match="500"):
        await poller.poll()
    with pytest.raises(Fix, match=r"a web page, not a feed.*an approved key is needed"):
        await poller.poll()
    assert len(await poller.poll()) == 1


async def test_a_key_that_comes_later_takes_over(server: Server, web_: Web, reddit: FakeReddit) -> None:
    first = reddit.post()
    keyless = ear(server, web_, rss=True)
    assert ids(await keyless.poll()) == [first]
    keyed = ear(server, web_)
    keyed.cursor, keyed.now = keyless.cursor, NOW + timedelta(minutes=5)
    assert ids(await keyed.poll()) == [first] and keyed.last.hearing is Hearing.HEARD
    await keyed.ear.aclose()


# Configuration


def test_its_options_are_checked_and_its_secrets_come_from_the_environment() -> None:
    assert check_options("reddit", {"subreddits": ["acme"], "search_all": True, "account": "mquill"}) == []
    assert secrets_of("reddit") == {"client_id": "REDDIT_CLIENT_ID", "client_secret": "REDDIT_CLIENT_SECRET"}
    assert "REDDIT_CLIENT_SECRET" in check_options("reddit", {"client_secret": "x"})[0]
    assert subreddits_of(["r/Acme", "/r/acme/", "ACME", "u/Some-One", "a", "x y"]) == ("acme", "u_some-one")
    assert len({lane.key for lane in lanes_of(Options(subreddits=tuple(f"sub{n}" for n in range(120))))}) == 6


async def test_praw_reads_no_configuration_of_its_own(
    server: Server, web_: Web, reddit: FakeReddit, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("site", "elsewhere"), ("username", "x"), ("password", "y"), ("client_id", "z")):
        monkeypatch.setenv(f"praw_{name}", value)
    written = reddit.post()
    poller = ear(server, web_)
    assert ids(await poller.poll()) == [written]
    await poller.ear.aclose()
