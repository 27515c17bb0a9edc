"""Hacker News is heard whole although a search shows a thousand hits at most and its index lags behind."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from polling import NOW, Poller, ids, jsoned
from webserver import Server

from connectors.contract import START, Broken, Fix, Hearing, Rereader, Wait
from connectors.hackernews import CAP, Found, HackerNewsConnector, Options, post_of, slices_after
from connectors.http import Web

GOLDEN = json.loads((Path(__file__).parent / "data/hackernews/answers.json").read_text())
T = int(NOW.timestamp())


class Algolia:
    """What the search does and refuses: newest first, a thousand hits and no more, pages by number."""

    def __init__(self, server: Server):
        self.items: list[dict[str, object]] = []
        self.server = server
        server.answers["/search_by_date"] = self.answer

    def write(self, id_: object, at: int = T - 600, text: str = "the acme charger melted", **more: object) -> None:
        self.items.append({"objectID": str(id_), "created_at_i": at, "author": "mquill", "comment_text": text, **more})

    async def answer(self, request: web.Request) -> web.Response:
        asked = request.query
        assert asked["tags"] == "(story,comment)" and asked["advancedSyntax"] == "true"
        since, until = (
            int(part.removeprefix("created_at_i").lstrip("<>=")) for part in asked["numericFilters"].split(",")
        )
        words = asked["query"].strip('"')
        found = [
            item for item in self.items if since <= item["created_at_i"] < until and words in str(item["comment_text"])
        ]
        found.sort(key=lambda item: -item["created_at_i"])
        size, page = min(int(asked["hitsPerPage"]), CAP), int(asked["page"])
        shown = found[:CAP][page * size : (page + 1) * size]
        pages = -(-min(len(found), CAP) // size)
        return web.json_response(
            {"hits": shown, "nbHits": len(found), "page": page, "nbPages": pages, "hitsPerPage": size}
        )


def ear(server: Server, web_: Web, *searches: str) -> Poller:
    options = Options(searches=searches or ("acme",), api_url=f"{server.address}/")
    return Poller(HackerNewsConnector("hn", options, web_))


@pytest.fixture
def algolia(server: Server) -> Algolia:
    return Algolia(server)


@pytest.mark.parametrize("pair", GOLDEN, ids=lambda pair: str(pair["post"]["id"]))
@pytest.mark.parametrize("shape", ["hit", "item"])
def test_a_hit_and_an_item_are_the_same_post(pair: dict[str, dict[str, str]], shape: str) -> None:
    post = post_of(pair[shape], "hn")  # type: ignore[arg-type]
    assert post is not None and post.created is not None
    assert pair["post"] == {
        "id": post.id, "url": post.url, "title": post.title, "text": post.text, "author": post.author.handle,
        "created": post.created.isoformat(), "kind": post.kind, "parent": post.parent, "root": post.root,
    }  # fmt: skip


async def test_each_search_is_asked_and_each_post_heard_once_more_until_it_leaves_the_overlap(
    server: Server, web_: Web, algolia: Algolia
) -> None:
    algolia.write(1, text="acme"), algolia.write(2, text="acme air is late"), algolia.write(3, text="nothing")
    hn = ear(server, web_, "acme", '"acme air"')
    assert sorted(ids(await hn.poll())) == ["1", "2", "2"]
    hn.now += timedelta(hours=5)
    assert sorted(ids(await hn.poll())) == ["1", "2", "2"]
    hn.now += timedelta(hours=2)
    assert await hn.poll() != []  # what was just heard is read again: the index may lag
    assert await hn.poll() == [] and hn.last.hearing is Hearing.HEARD


async def test_what_the_index_takes_in_late_is_heard(server: Server, web_: Web, algolia: Algolia) -> None:
    hn = ear(server, web_)
    await hn.poll()
    hn.now += timedelta(hours=1)
    algolia.write("late", at=T - 3 * 3600)
    assert ids(await hn.poll()) == ["late"]


async def test_the_first_reading_goes_back_as_far_as_it_was_told(server: Server, web_: Web, algolia: Algolia) -> None:
    algolia.write("young", at=T - 6 * 86400), algolia.write("old", at=T - 8 * 86400)
    assert ids(await ear(server, web_).poll()) == ["young"]


async def test_a_search_that_is_new_starts_at_its_own_beginning(server: Server, web_: Web, algolia: Algolia) -> None:
    algolia.write(1, at=T - 86400, text="acme"), algolia.write(2, at=T - 86400, text="zenith")
    before = ear(server, web_, "acme")
    await before.poll()
    after = ear(server, web_, "acme", "zenith")
    after.cursor = before.cursor
    assert ids(await after.poll()) == ["2"]


async def test_two_thousand_five_hundred_between_two_polls_some_in_the_same_second(
    server: Server, web_: Web, algolia: Algolia
) -> None:
    hn = ear(server, web_)
    await hn.poll()
    hn.now += timedelta(hours=1)
    for number in range(2_500):
        algolia.write(number, at=T + min(number, 1_700))  # the last 800 share a second
    assert set(ids(await hn.poll())) == {str(number) for number in range(2_500)}
    assert all(page.hearing is Hearing.HEARD for page in hn.pages)
    assert all(len(page.posts) <= CAP for page in hn.pages)


async def test_more_than_the_cap_in_one_second_is_said(server: Server, web_: Web, algolia: Algolia) -> None:
    for number in range(CAP + 5):
        algolia.write(number, at=T - 60)
    hn = ear(server, web_)
    assert len(set(ids(await hn.poll()))) == CAP
    [truncated] = [page for page in hn.pages if page.hearing is Hearing.TRUNCATED]
    assert truncated.note == f"1005 hits in the one second {T - 60}, and only 1000 of them are shown"


async def test_a_server_that_gives_smaller_pages_is_paged(server: Server, web_: Web, algolia: Algolia) -> None:
    whole = algolia.answer

    async def smaller(request: web.Request) -> web.Response:
        return await whole(request.clone(rel_url=request.rel_url.update_query(hitsPerPage="100")))

    server.answers["/search_by_date"] = smaller
    for number in range(350):
        algolia.write(number, at=T - 60)
    assert set(ids(await ear(server, web_).poll())) == {str(number) for number in range(350)}


async def test_a_crash_between_pages_loses_nothing(server: Server, web_: Web, algolia: Algolia) -> None:
    for number in range(1_500):
        algolia.write(number, at=T - number)
    hn = ear(server, web_)
    heard: set[str] = set()
    while True:
        kept = hn.cursor
        page = await hn.step()
        hn.cursor = kept  # it died before this page was kept
        again = await hn.step()
        assert again == page
        heard |= set(ids(list(again.posts)))
        if not again.more:
            break
    assert len(heard) == 1_500


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(2, 9))
def test_slices_cover_the_whole_span_and_end(times: list[int], cap: int) -> None:
    todo, heard = [[0, 41, 0]], 0
    for _ in range(10_000):
        if not todo:
            break
        since, until, page = todo.pop()
        inside = [time for time in times if since <= time < until]
        found = Found(total=CAP if len(inside) >= cap else len(inside), pages=1, posts=(), note="")
        following, _note = slices_after(found, since, until, page)
        heard += 0 if following else len(inside)
        todo += following
    assert not todo and heard == len(times)


async def test_an_edited_post_comes_again_and_an_item_that_cannot_be_read_is_said(
    server: Server, web_: Web, algolia: Algolia
) -> None:
    algolia.write(1, text="acme is slow")
    hn = ear(server, web_)
    await hn.poll()
    algolia.items[0]["comment_text"] = "acme is slow. Edit: fixed"
    algolia.items.append({"created_at_i": T - 5, "comment_text": "acme without an id"})
    [post] = await hn.poll()
    assert post.text == "acme is slow. Edit: fixed"
    assert (hn.last.hearing, hn.last.note) == (Hearing.TRUNCATED, "1 of 2 items could not be read and were left out")


HOSTILE = "acme \ud800 \0 \u202egnp.exe <script>alert(1)</script> <!channel> =cmd() " + "x" * 1_000_000 + "<b>" * 2_000


async def test_hostile_text_is_only_text(server: Server, web_: Web) -> None:
    odd = {"objectID": "1", "created_at_i": 10**30, "author": "a/../b\ud800", "comment_text": HOSTILE, "points": 10**40}
    server.answers["/search_by_date"] = jsoned({"hits": [odd, None, [], {"objectID": {}}], "nbHits": 4, "nbPages": 1})
    [post] = await ear(server, web_).poll()
    assert "alert" not in post.text and post.text.endswith("xxx")
    assert (post.created, post.reach.likes) == (None, None)
    assert post.author.url == "https://news.ycombinator.com/user?id=a/../b%EF%BF%BD"


@pytest.mark.parametrize(
    ("answer", "error", "hearing"),
    [
        ((401, {}, b""), Fix, Hearing.BLOCKED),
        ((403, {}, b'{"message": "Invalid key"}'), Fix, Hearing.BLOCKED),
        ((402, {}, b""), Wait, Hearing.OUT_OF_BUDGET),
        ((404, {}, b""), Fix, Hearing.BLOCKED),
        ((410, {}, b""), Fix, Hearing.BLOCKED),
        ((429, {}, b""), Wait, Hearing.RATE_LIMITED),
        ((500, {}, b""), Wait, Hearing.NOT_REACHABLE),
        ((200, {}, b'{"hits": ['), Wait, Hearing.NOT_REACHABLE),
        ((200, {}, b""), Wait, Hearing.NOT_REACHABLE),
        ((200, {}, b"<html>sign in to the hotel network"), Broken, Hearing.BLOCKED),
        ((200, {}, b'{"results": []}'), Broken, Hearing.BLOCKED),
        ((200, {}, b"[]"), Broken, Hearing.BLOCKED),
    ],
)
async def test_trouble_is_sorted(server: Server, web_: Web, answer: object, error: type, hearing: Hearing) -> None:
    server.answers["/search_by_date"] = answer
    with pytest.raises(error) as caught:
        await ear(server, web_, "acme", "zenith", "third").poll()
    assert caught.value.hearing is hearing


async def test_a_limit_with_a_date_is_kept(server: Server, web_: Web) -> None:
    server.answers["/search_by_date"] = (429, {"Retry-After": "90"}, b"")
    with pytest.raises(Wait) as caught:
        await ear(server, web_).poll()
    assert caught.value.until == NOW + timedelta(seconds=90)
    assert len(server.asked) == 1


async def test_a_server_that_hangs_up_is_waited_for(server: Server, web_: Web, algolia: Algolia) -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"hits": [')
        request.transport.close()  # type: ignore[union-attr]
        return response

    server.answers["/search_by_date"] = hang_up
    hn = ear(server, web_)
    with pytest.raises(Wait):
        await hn.poll()
    algolia.write(1)
    server.answers["/search_by_date"] = algolia.answer
    assert ids(await hn.poll()) == ["1"]


async def test_looking_again_tells_edited_and_deleted(server: Server, web_: Web) -> None:
    story = GOLDEN[0]["item"]
    server.answers |= {
        "/items/1": jsoned({**story, "id": 1, "title": "Acme Air let me in"}),
        "/items/2": (404, {}, b'{"status": 404, "error": "Not Found"}'),
        "/items/3": jsoned({"id": 3, "type": "comment", "author": None, "text": None, "children": [story]}),
    }
    again = HackerNewsConnector("hn", Options(api_url=server.address), web_)
    assert isinstance(again, Rereader)
    page = await again.reread(["1", "2", "3"], {"kept": 1}, NOW)
    assert [(post.id, post.title) for post in page.posts] == [("1", "Acme Air let me in")]
    assert (page.gone, page.cursor) == (("2", "3"), {"kept": 1})


async def test_what_cannot_be_read_again_is_not_gone(server: Server, web_: Web) -> None:
    server.answers |= {"/items/1": jsoned({}), "/items/2": (404, {"Content-Type": "text/html"}, b"<h1>Not found</h1>")}
    again = HackerNewsConnector("hn", Options(api_url=server.address), web_)
    assert (await again.reread(["1"], START, NOW)).gone == ()
    with pytest.raises(Fix, match="check api_url"):
        await again.reread(["2"], START, NOW)


async def test_nothing_to_search_for_is_said(web_: Web) -> None:
    with pytest.raises(Fix, match="no brand's query"):
        await HackerNewsConnector("hn", Options(), web_).fetch(START, NOW)
