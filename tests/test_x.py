"""X is heard without holes: between pages, across edits, behind its caps; and what became of a post there is so here.

What it costs: test_x_budget.py.
"""

import json
import logging
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from polling import NOW, Poller, ids
from redditserver import hung_up, late
from test_match import TREES
from webserver import Server
from xquery import search_of
from xserver import FakeX, invalid

from connectors import check_options, secrets_of
from connectors import x_api as door
from connectors.contract import START, Broken, ConnectorError, Fix, Hearing, Rereader, Tracked, Wait
from connectors.x import DIALECT, Options, XConnector
from connectors.x_lanes import LONGEST_QUERY, query
from connectors.x_parse import found_in, id_at, time_of
from listener.asking import asked
from listener.match import anchor
from listener.query import Node, parse

GOLDEN = json.loads((Path(__file__).parent / "data/x/answers.json").read_text())
ACME = Tracked(brand="Acme Air", searches=("acme",), accounts=("acmeair",))
MINUTE = timedelta(minutes=1)


def ear(server: Server, *tracked: Tracked, **options: object) -> Poller:
    given: dict[str, object] = {
        "budget": 1_000_000.0, "tracked": tracked or (ACME,), "api_url": server.address, "token": "right-secret",
    }  # fmt: skip
    return Poller(XConnector("x", Options(**(given | options))))  # type: ignore[arg-type]


@pytest.fixture
def x(server: Server) -> FakeX:
    return FakeX(server)


def listening(x: FakeX, *tracked: Tracked, **options: object) -> Poller:
    """An ear whose clock is X's."""
    poller = ear(x.server, *tracked, **options)
    x.clock = lambda: poller.now
    return poller


@pytest.mark.parametrize("pair", GOLDEN, ids=lambda pair: pair["case"])
def test_an_item_is_a_post(pair: dict[str, Any]) -> None:
    answer = {"data": [pair["item"]], "includes": {"users": pair["users"]}, "meta": {"result_count": 1}}
    found = found_in(answer, "x")
    assert not found.note
    if pair["post"] is None:
        assert not found.posts
        return
    (post,) = found.posts
    assert post.created is not None
    assert pair["post"] == {
        "id": post.id, "url": post.url, "text": post.text, "handle": post.author.handle, "name": post.author.name,
        "author_id": post.author.id, "followers": post.author.followers, "created": post.created.isoformat(),
        "kind": post.kind, "lang": post.lang, "parent": post.parent, "root": post.root, "replies": post.reach.replies,
        "reposts": post.reach.reposts, "likes": post.reach.likes, "views": post.reach.views, "extra": post.extra,
    }  # fmt: skip


@pytest.mark.parametrize("spelling", ["tweet", "post"])
async def test_both_spellings_are_heard(x: FakeX, spelling: str) -> None:
    x.spelling = spelling
    first = x.post("acme is late")
    poller = listening(x)
    (post,) = await poller.poll()
    assert (post.id, post.author.handle, post.reach.reposts) == (first, "marta", 3)
    x.edit(first, "acme is early", poller.now + MINUTE)
    poller.now += 10 * MINUTE
    (edited,) = await poller.poll()
    assert (edited.id, edited.text) == (first, "acme is early")


# Between pages


async def test_the_newest_id_counts_when_the_last_page_was_read_and_all_pages_ask_since_the_same(x: FakeX) -> None:
    before = x.post()
    poller = listening(x)
    await poller.poll()
    poller.now += 10 * MINUTE
    written = {x.post(at=poller.now - MINUTE) for _ in range(250)}  # all in one second
    x.asked.clear()
    heard = set()
    for _ in range(3):
        page = await poller.step()
        heard |= set(ids(list(page.posts)))
        x.post("acme meanwhile", at=poller.now - MINUTE)
        place = poller.cursor["lanes"]["acme"]
        assert place["since"] == (before if page.more else max(written, key=int))
    assert heard == written and not page.more
    assert {query["since_id"] for _, query in x.asked} == {before}
    assert all("start_time" not in query for _, query in x.asked)
    assert len(await poller.poll()) == 3, "what came meanwhile is the next round's"


async def test_pages_that_shift_show_a_post_twice_and_it_is_counted_once(x: FakeX) -> None:
    x.shifting = True
    poller = listening(x)
    await poller.poll()
    poller.now += timedelta(hours=2)
    written = {x.post() for _ in range(250)}
    heard: list[str] = []
    while True:
        page = await poller.step()
        heard += ids(list(page.posts))
        if not page.more:
            break
        for _ in range(7):
            x.post("acme meanwhile")
    assert written <= set(heard) and len(heard) > len(set(heard))
    assert sum(poller.cursor["lanes"]["acme"]["hours"].values()) == len(written)


async def test_killed_between_pages_with_posts_edited_and_deleted_meanwhile(x: FakeX) -> None:
    written = [x.post() for _ in range(350)]
    poller = listening(x)
    heard: dict[str, str] = {}
    while True:
        kept = poller.cursor
        await poller.step()  # killed before it was kept
        again = listening(x)
        again.cursor = kept
        page = await again.step()
        poller.cursor = again.cursor
        heard |= {post.id: post.text for post in page.posts}
        if not page.more:
            break
        edited = x.edit(written[5 + len(heard) // 10], "acme, edited", NOW - MINUTE)
        x.remove(written[100 + len(heard) // 10])
    poller.now = NOW + 10 * MINUTE
    heard |= {post.id: post.text for post in await listening_again(x, poller)}
    assert {id_ for id_ in written if id_ not in x.gone} <= heard.keys()
    assert edited not in heard, "an edited post keeps its first id"
    assert sum(text == "acme, edited" for text in heard.values()) == 3


async def listening_again(x: FakeX, poller: Poller) -> list[Any]:
    x.clock = lambda: poller.now
    return await poller.poll()


async def test_a_token_that_is_refused_costs_nothing_but_a_request(x: FakeX) -> None:
    written = {x.post() for _ in range(250)}
    poller = listening(x)
    heard = set(ids(list((await poller.step()).posts)))
    x.failures.append(invalid("The token is not valid", next_token="below1"))
    heard |= set(ids(await poller.poll()))
    assert heard == written and poller.last.hearing is Hearing.HEARD
    assert len(x.bill) == len(written) + 1


async def test_pages_that_go_round_in_a_circle_are_left(x: FakeX) -> None:
    written = {x.post() for _ in range(250)}
    poller = listening(x)
    heard = set(ids(list((await poller.step()).posts)))
    token = poller.cursor["lanes"]["acme"]["at"]["next"]
    x.failures.append(web.json_response({"data": [], "meta": {"result_count": 0, "next_token": token}}))
    heard |= set(ids(await poller.poll()))
    assert heard == written and "until_id" in x.asked[-1][1]


async def test_pages_that_show_the_same_again_are_left(x: FakeX) -> None:
    written = sorted({x.post() for _ in range(250)}, key=int, reverse=True)
    poller = listening(x)
    heard = set(ids(list((await poller.step()).posts)))
    again = [x.posts[id_] for id_ in written[:100]]
    meta = {"result_count": 100, "newest_id": written[0], "next_token": "another"}
    x.failures.append(web.json_response({"data": again, "meta": meta}))
    heard |= set(ids(await poller.poll()))
    assert heard == set(written) and poller.last.hearing is Hearing.HEARD


async def test_whatever_x_refuses_a_lane_begins_anew_at_the_next_poll(x: FakeX) -> None:
    x.post()
    poller = listening(x)
    await poller.poll()
    poller.now += 10 * MINUTE
    later = x.post(at=poller.now - MINUTE)
    x.failures += [invalid("'since_id' must be …", since_id="1")] * 2
    assert not await poller.poll() and poller.last.hearing is Hearing.TRUNCATED
    assert "X refuses since_id" in poller.last.note
    assert later in ids(await poller.poll())


async def test_what_was_not_asked_for_in_seven_days_is_said_to_be_lost(x: FakeX) -> None:
    x.post()
    poller = listening(x)
    await poller.poll()
    x.post(at=NOW + timedelta(days=1))
    poller.now += timedelta(days=9)
    inside = x.post(at=NOW + timedelta(days=3))
    assert ids(await poller.poll()) == [inside]
    assert poller.last.hearing is Hearing.TRUNCATED and "seven days only" in poller.last.note
    poller.now += MINUTE
    assert not await poller.poll() and poller.last.hearing is Hearing.HEARD


async def test_a_brand_nobody_speaks_of_for_a_week_is_no_trouble(x: FakeX) -> None:
    x.post()
    poller = listening(x)
    await poller.poll()
    for _ in range(9 * 24):
        poller.now += timedelta(hours=1)
        assert not await poller.poll() and poller.last.hearing is Hearing.HEARD, poller.last.note
    written = x.post(at=poller.now - MINUTE)
    assert ids(await poller.poll()) == [written]


@pytest.mark.parametrize("wrong", [timedelta(days=-3), timedelta(days=3)])
async def test_a_clock_that_is_wrong_deafens_nobody(x: FakeX, wrong: timedelta) -> None:
    poller = ear(x.server, history=timedelta(days=6))
    poller.now += wrong  # X's own is right
    written = x.post()
    assert ids(await poller.poll()) == [written]
    x.clock = lambda: NOW + 10 * MINUTE
    poller.now += 10 * MINUTE
    later = x.post(at=NOW + 5 * MINUTE)
    assert later in ids(await poller.poll())


# Mentions of our own accounts


async def test_mentions_are_read_first_and_no_search_pays_for_them_again(x: FakeX) -> None:
    x.account("acmeair", "99")
    mention, other = x.post("@acmeair acme lost my bag"), x.post("acme lost my bag")
    poller = listening(x, accounts=("@AcmeAir",))
    assert ids(await poller.poll()) == [mention, other]
    assert x.paths() == ["/2/users/by", "/2/users/99/mentions", "/2/tweets/search/recent"]
    assert x.asked[-1][1]["query"] == "acme -is:retweet -@acmeair"
    poller.now += 10 * MINUTE
    x.asked.clear()
    await poller.poll()
    assert x.paths() == ["/2/users/99/mentions", "/2/tweets/search/recent"], "who we are is asked once"


async def test_when_mentions_cannot_be_read_they_are_searched_for(x: FakeX) -> None:
    x.account("acmeair", "99")
    x.post("@acmeair acme")
    poller = listening(x, accounts=("@acmeair",))
    await poller.poll()
    poller.now += 10 * MINUTE
    later = x.post("@acmeair acme again", at=poller.now - MINUTE)
    x.failures.append(web.json_response({"title": "Forbidden", "detail": "not yours to read"}, status=403))
    assert later in ids(await poller.poll())
    assert poller.last.hearing is Hearing.TRUNCATED and "not yours to read" in poller.last.note


async def test_beyond_the_eight_hundred_mentions_that_x_shows_they_are_searched_for(x: FakeX) -> None:
    x.account("acmeair", "99")
    written = {x.post(f"@acmeair acme {n}", at=NOW - 60 * MINUTE + n * timedelta(seconds=2)) for n in range(1_000)}
    poller = listening(x, accounts=("@acmeair",))
    heard = ids(await poller.poll())
    assert set(heard) == written and len(heard) == len(written)
    poller.now += 60 * MINUTE
    more = {x.post(f"@acmeair acme {n}", at=poller.now - 30 * MINUTE) for n in range(900)}
    assert set(ids(await poller.poll())) == more


async def test_an_account_that_x_does_not_know_is_said_and_holds_nothing_up(x: FakeX) -> None:
    written = x.post()
    poller = listening(x, accounts=("@nobody",))
    assert ids(await poller.poll()) == [written]
    assert "X knows no account @nobody" in poller.last.note
    x.account("nobody", "5")
    poller.now += MINUTE
    await poller.poll()
    del x.users["5"]  # suspended
    poller.now += MINUTE
    await poller.poll()
    assert "X shows no posts" in poller.last.note, "no data and an error is no silence"


async def test_what_the_owner_writes_is_heard_for_a_fifth_and_not_searched_for(x: FakeX) -> None:
    x.account("acmeair", "99")
    asked = x.post("acme lost my bag")
    answer = x.post("We have it, Marta.", by="99", conversation_id=asked,
                    referenced_tweets=[{"type": "replied_to", "id": asked}])  # fmt: skip
    poller = listening(x, accounts=("@acmeair",), owner="@acmeair")
    heard = {post.id: post for post in await poller.poll()}
    assert (heard[answer].author.handle, heard[answer].parent, heard[answer].root) == ("acmeair", asked, asked)
    assert heard.keys() == {asked, answer}
    assert [path.split("/")[-1] for path, _ in x.asked] == ["by", "mentions", "tweets", "recent"]
    assert x.asked[-1][1]["query"] == "acme -is:retweet -@acmeair -from:acmeair"
    assert "expansions" not in x.asked[-2][1] and x.asked[-2][1]["exclude"] == "retweets"
    assert poller.cursor["spent"]["2026-05"] == {"Acme Air": 0.026}, "our account, our post; a post with its author"


async def test_our_own_account_is_known_by_its_number_when_authors_cost_too_much(x: FakeX) -> None:
    x.account("acmeair", "99")
    x.post("@acmeair acme")
    poller = listening(x, accounts=("@acmeair",), authors=False)
    await poller.poll()
    poller.now += 10 * MINUTE
    x.post("acme says sorry", by="99", at=poller.now - MINUTE), x.post("acme", at=poller.now - MINUTE)
    assert [post.author.handle for post in await poller.poll()] == ["", "acmeair"]


# Was it all?


@pytest.mark.parametrize("many", [1, 6])
async def test_a_post_that_x_shows_late_is_missed_by_the_count_and_fetched(x: FakeX, many: int) -> None:
    for hour in range(30):
        x.post(at=NOW + hour * timedelta(hours=1))
    then = NOW + timedelta(hours=5)
    late_ones = {x.post(at=then, id=str(id_at(then) + 4_000 + number)) for number in range(many)}
    x.unlisted |= late_ones
    poller = listening(x)
    heard, notes = await day(x, poller, late_ones)
    assert late_ones <= heard
    assert any(f"X counts more posts than were heard ({many})" in note for note in notes)
    assert not any("the rest was not heard" in note for note in notes)
    assert sum(path.endswith("counts/recent") for path in x.paths()) == 1, "once a day"


async def test_a_hole_that_x_does_not_fill_is_stated(x: FakeX) -> None:
    x.counted |= {x.post(at=NOW + timedelta(hours=5)) for _ in range(6)}
    _, notes = await day(x, listening(x), set())
    assert any("X counts 6 posts from 2026-05-04T18:00:00Z to 2026-05-04T19:00:00Z, and shows 0" in n for n in notes)


async def test_when_counts_are_refused_the_search_goes_on_and_says_so_once_a_day(x: FakeX) -> None:
    poller = listening(x)
    await poller.poll()
    for hours in range(1, 50):
        poller.now += timedelta(hours=1)
        written = x.post(at=poller.now - MINUTE)
        no = web.json_response({"title": "Forbidden"}, status=403)
        x.failures = [None, no] if hours % 26 == 0 else []
        assert written in ids(await poller.poll())
        assert ("does not say how many" in poller.last.note) == (hours == 26)


async def day(x: FakeX, poller: Poller, late_ones: set[str]) -> tuple[set[str], list[str]]:
    heard, notes = set(), []
    for hour in range(30):
        if hour == 20:
            x.unlisted -= late_ones
        heard |= set(ids(await poller.poll()))
        notes += [page.note for page in poller.pages if page.note]
        poller.now += timedelta(hours=1)
    return heard, notes


# What became of it


async def test_what_was_deleted_protected_suspended_or_withheld_is_gone_and_what_was_edited_has_its_new_words(
    x: FakeX,
) -> None:
    names = ["there", "deleted", "protected", "suspended", "withheld", "edited", "edited and deleted"]
    posts = {name: x.post(f"acme {name}") for name in names}
    poller = listening(x)
    await poller.poll()
    x.remove(posts["deleted"])
    x.remove(posts["protected"], "not-authorized-for-resource")
    x.remove(posts["suspended"], "resource-unavailable")
    x.posts[posts["withheld"]]["withheld"] = {"copyright": True, "country_codes": ["XX"]}
    x.edit(posts["edited"], "acme has answered", NOW)
    x.edit(posts["edited and deleted"], "acme has not", NOW)
    x.remove(posts["edited and deleted"])
    assert isinstance(poller.ear, Rereader)
    page = await poller.ear.reread(list(posts.values()), poller.cursor, NOW)
    assert [(post.id, post.text) for post in page.posts] == [(posts["edited"], "acme has answered")]
    gone = {"deleted", "protected", "suspended", "withheld", "edited and deleted"}
    assert set(page.gone) == {posts[name] for name in gone}
    assert {**page.cursor, "spent": 0} == {**poller.cursor, "spent": 0}


async def test_an_error_about_something_else_proves_nothing(x: FakeX) -> None:
    post = x.post()
    poller = listening(x)
    await poller.poll()
    about = {"resource_id": post, "parameter": "ids", "value": post}
    kind = "https://api.twitter.com/2/problems/"
    errors = [
        {**about, "resource_type": "user", "type": f"{kind}resource-not-found", "title": "Not Found Error"},
        {**about, "resource_type": "tweet", "type": f"{kind}not-authorized-for-field", "title": "Field"},
        {**about, "resource_type": "tweet", "type": "about:blank", "title": "Internal"},
        {**about, "resource_id": "1", "resource_type": "tweet", "type": f"{kind}resource-not-found", "title": "?"},
    ]
    x.failures.append(web.json_response({"errors": errors}))
    assert isinstance(poller.ear, Rereader)
    assert not (await poller.ear.reread([post], poller.cursor, NOW)).gone


# Trouble


async def test_nothing_can_be_done_without_a_token_or_words(x: FakeX) -> None:
    for options, words in [
        ({"token": ""}, "X_BEARER_TOKEN"),
        ({"shares": {"Acme Hair": 2.0}}, '"Acme Hair"'),
        ({"prices": {"like": 2.0}}, '"like"'),
        ({"tracked": (Tracked(brand="Acme Air"),)}, "nothing to search for"),
    ]:
        with pytest.raises(Fix, match=words):
            await ear(x.server, **options).poll()  # type: ignore[arg-type]
    assert not x.asked


def test_what_a_table_may_hold() -> None:
    assert check_options("x", {}) == ["budget: is missing; add budget = 10.0"]
    assert check_options("x", {"budget": 200, "shares": {"Acme Air": 2, "Larkspur": 0.5}}) == []
    assert check_options("x", {"budget": "200", "shares": {"Acme Air": "most"}}) == [
        "budget: must be a number: 10.0",
        "shares: must be a table of numbers: { … = 1.5 }",
    ]
    assert "X_BEARER_TOKEN" in check_options("x", {"budget": 1.0, "token": "x"})[0]
    assert secrets_of("x") == {"token": "X_BEARER_TOKEN"}


TYPE = "https://api.twitter.com/2/problems/"
REFUSED = [
    (401, {"title": "Unauthorized", "detail": "Unauthorized"}, Fix, Hearing.BLOCKED, "X_BEARER_TOKEN"),
    (403, {"title": "Client Forbidden", "detail": "attach a Project", "type": f"{TYPE}client-forbidden"}, Fix,
     Hearing.BLOCKED, "attach a Project"),
    (402, {"title": "CreditsDepleted", "detail": "no credits", "type": f"{TYPE}credits"}, Wait, Hearing.OUT_OF_BUDGET,
     "no credits"),
    (402, {}, Wait, Hearing.OUT_OF_BUDGET, "budget"),
    (403, {"title": "SpendCapReached", "detail": "cap reached", "type": f"{TYPE}credits"}, Wait, Hearing.OUT_OF_BUDGET,
     "cap reached"),
    (429, {"title": "UsageCapExceeded", "detail": "Monthly product cap", "type": f"{TYPE}usage-capped"}, Wait,
     Hearing.OUT_OF_BUDGET, "Monthly product cap"),
    (429, {"title": "Too Many Requests"}, Wait, Hearing.RATE_LIMITED, "limit"),
    (400, invalid("no viable alternative", query="((").body, Fix, Hearing.BLOCKED, "no viable alternative"),
    (503, {"title": "Service Unavailable"}, Wait, Hearing.NOT_REACHABLE, "503"),
    (302, {}, Fix, Hearing.BLOCKED, "302"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind", "hearing", "words"), REFUSED)
async def test_a_refusal_says_what_to_do(
    x: FakeX, status: int, body: dict[str, Any], kind: type[ConnectorError], hearing: Hearing, words: str
) -> None:
    x.failures.append(web.json_response(body, status=status, headers={"Location": "http://127.0.0.1:1/"}))
    with pytest.raises(kind, match=words) as told:
        await listening(x).poll()
    assert told.value.hearing is hearing and "right-secret" not in str(told.value)


@pytest.mark.parametrize(
    "body", [b"[]", b"{}", b'{"data": 3}', b"<html>", b'{"data": [{"id": "1", "te', b"", b"[" * 9999]
)
async def test_an_answer_that_is_none_is_no_silence(x: FakeX, body: bytes) -> None:
    x.failures.append(web.Response(body=body, content_type="application/json"))
    with pytest.raises((Broken, Wait)):
        await listening(x).poll()


async def test_items_that_cannot_be_read_are_counted_and_the_others_are_heard(x: FakeX) -> None:
    items: list[Any] = [{"id": "12", "text": "acme"}, {"id": "13"}, "what?", {"text": "acme", "id": None}]
    x.failures.append(web.json_response({"data": items, "meta": {"result_count": 4, "newest_id": 7}}))
    poller = listening(x)
    assert ids(await poller.poll()) == ["12"]
    assert "3 of 4 items could not be read" in poller.last.note


@pytest.mark.parametrize("skew", [timedelta(), timedelta(hours=5), timedelta(hours=-5)])
async def test_a_limit_is_waited_for_by_x_s_own_clock(x: FakeX, skew: timedelta) -> None:
    there = NOW + skew
    headers = {
        "x-rate-limit-reset": str(int((there + 14 * MINUTE).timestamp())),
        "Date": f"{there:%a, %d %b %Y %T GMT}",
    }
    x.failures.append(web.json_response({"title": "Too Many Requests"}, status=429, headers=headers))
    with pytest.raises(Wait) as told:
        await listening(x).poll()
    assert told.value.until == NOW + 14 * MINUTE


@pytest.mark.parametrize("reset", ["", "soon", "-3", "9" * 40])
async def test_a_limit_without_an_end_is_a_limit(x: FakeX, reset: str) -> None:
    x.failures.append(web.json_response({}, status=429, headers={"x-rate-limit-reset": reset}))
    with pytest.raises(Wait) as told:
        await listening(x).poll()
    assert told.value.hearing is Hearing.RATE_LIMITED
    assert told.value.until is None or told.value.until <= NOW + timedelta(days=1)


async def test_a_limit_in_the_middle_keeps_what_was_read(x: FakeX) -> None:
    written = {x.post() for _ in range(250)}
    poller = listening(x)
    heard = set(ids(list((await poller.step()).posts)))
    x.failures.append(web.json_response({}, status=429))
    with pytest.raises(Wait):
        await poller.step()
    poller.now += 15 * MINUTE
    assert heard | set(ids(await poller.poll())) == written


async def test_a_server_that_is_silent_or_hangs_up_is_waited_for(x: FakeX, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "TIMES", (0.1, 0.1))
    x.post()
    for trouble in (hung_up, late):
        x.failures.append(trouble)
        with pytest.raises(Wait):
            await listening(x).poll()
    nobody = ear(x.server, api_url="http://127.0.0.1:1")
    with pytest.raises(Wait, match="cannot be reached"):
        await nobody.poll()


async def test_the_token_is_written_nowhere(x: FakeX, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    x.post()
    poller = listening(x)
    await poller.poll()
    x.failures.append(web.json_response({}, status=500))
    with pytest.raises(Wait):
        await poller.poll()
    assert "right-secret" not in caplog.text + repr(poller.ear.__dict__) + json.dumps(dict(poller.cursor))


async def test_before_it_is_paid_for_it_says_what_a_month_would_cost(x: FakeX) -> None:
    x.account("acmeair", "99")
    for day in range(7):
        x.post("acme", at=NOW - timedelta(days=day, hours=1)), x.post("@acmeair", at=NOW - timedelta(days=day, hours=1))
    loud = [x.post("larkspur", at=NOW - timedelta(days=number % 7, hours=1)) for number in range(2_100)]
    lark = Tracked(brand="Larkspur", searches=("larkspur",))
    poller = listening(x, ACME, lark, budget=200.0, accounts=("@acmeair",), owner="@acmeair")
    assert isinstance(poller.ear, XConnector)
    assert (await poller.ear.examine(START, NOW)).split("; ") == [
        "X lets us in", "1,234 of 3,000,000 posts were read this month", "$0.00 of $200.00 are spent",
        "Acme Air: about 60 posts a month, $0.78 of its $80.00",
        "Larkspur: about 9,000 posts a month, $135.00 of its $80.00: narrow its query, or give it more",
    ]  # fmt: skip
    assert {kind for _, kind, _ in x.bill} == {"count"} and x.billed == 0.02 and loud
    await poller.ear.aclose()


# What is asked


@pytest.mark.parametrize(
    ("text", "search"),
    [
        ('("acme air" OR @acmeair OR acmeair.com) NOT "acme hardware"',
         '("acme air" OR @acmeair OR ("acmeair.com" OR url:"acmeair.com")) -"acme hardware"'),
        ("acme NOT (tools OR paint.example)", 'acme -tools -"paint.example"'),
        ("acme NOT (tools paint)", "acme"),
        ('acme "or" lang:en from:@marta', 'acme "or" lang:en from:marta'),
    ],
)  # fmt: skip
def test_a_tracking_query_in_x_s_words(text: str, search: str) -> None:
    assert asked({"Acme": parse(text)}, DIALECT).searches == (search,)


@given(TREES)
@settings(max_examples=300)
def test_whatever_is_tracked_x_understands_what_it_is_asked(tree: Node) -> None:
    if not anchor(tree):
        return
    for search in asked({"Acme": tree}, DIALECT).searches:
        assert len(query(search, ())) <= LONGEST_QUERY
        search_of(query(search, ["@acmeair", "from:larkspur"]))


def test_accounts_are_left_out_of_a_search_as_far_as_they_fit() -> None:
    long = "a" * DIALECT.longest
    assert query(long, ["@acmeair"]) == f"{long} -is:retweet"
    assert query("acme", ["@acmeair", "from:lark"]) == "acme -is:retweet -@acmeair -from:lark"


def test_an_id_holds_its_time() -> None:
    assert time_of(str(id_at(NOW))) == NOW
    assert time_of("1212092628029698048").isoformat(timespec="seconds") == "2019-12-31T19:26:16+00:00"


async def test_a_link_is_heard_by_what_it_stands_for(x: FakeX) -> None:
    link = {"start": 5, "end": 21, "url": "https://t.co/aB3", "expanded_url": "https://acmeair.example/sorry"}
    x.post("read https://t.co/aB3", entities={"urls": [link]})
    searches = asked({"Acme Air": parse("acmeair.example")}, DIALECT).searches
    (post,) = await listening(x, Tracked(brand="Acme Air", searches=searches)).poll()
    assert post.text == "read https://acmeair.example/sorry"


# The server of these tests


SCHEMAS = os.environ.get("X_OPENAPI", "")


@pytest.mark.parametrize("path", ["/2/tweets/search/recent", "/2/users/{id}/mentions", "/2/tweets/counts/recent",
                                  "/2/tweets", "/2/users/by", "/2/usage/tweets"])  # fmt: skip
@pytest.mark.skipif(not SCHEMAS, reason="X_OPENAPI does not name a copy of X's OpenAPI description")
def test_our_server_answers_as_x_describes_it(x: FakeX, path: str) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    described = json.loads(Path(SCHEMAS).read_text())
    x.spelling = "post" if "Post" in described["components"]["schemas"] else "tweet"
    x.account("acmeair", "99")
    posts = [x.post("@acmeair acme"), x.post("acme")]
    x.remove(x.post("acme gone"))
    x.edit(posts[1], "acme again", NOW - MINUTE)
    fields = {"expansions": "author_id", "user.fields": "name,username,public_metrics", "query": "acme",
              "tweet.fields": "author_id,conversation_id,created_at,lang,public_metrics", "ids": ",".join(x.posts),
              "usernames": "acmeair,nobody"}  # fmt: skip
    hours = {"start_time": "2026-05-04T10:00:00Z", "end_time": "2026-05-04T12:00:00Z"} if "counts" in path else {}
    answer = x._route(path.replace("{id}", "99"), {**fields, **hours})
    schema = described["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(answer, {**schema, "components": described["components"]})
    assert datetime.fromisoformat(x.posts[posts[0]]["created_at"]) == NOW - 5 * MINUTE
