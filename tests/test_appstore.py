"""Reviews of the App Store are heard from a feed that shows five hundred, and at times nothing; both are said."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from polling import NOW, Poller, ids, jsoned
from webserver import Server

from connectors.appstore import DEEPEST, PAGE, AppStoreConnector, Options, review_of
from connectors.contract import Broken, Fix, Hearing
from connectors.http import Web

GOLDEN = json.loads((Path(__file__).parent / "data/appstore/answers.json").read_text())
APP = "4242"


class Store:
    """The feed as Apple gives it: newest change first, fifty a page, ten pages, one review as an object, none as nothing."""

    def __init__(self, server: Server, *countries: str):
        self.reviews: list[dict[str, object]] = []
        self.empty_from = 0  # the page from which a bad cache shows nothing
        for country in countries or ("us", "ca"):
            for page in range(1, DEEPEST + 1):
                path = f"/{country}/rss/customerreviews/page={page}/id={APP}/sortby=mostrecent/json"
                server.answers[path] = self._page(country, page)

    def write(
        self, id_: str, text: str = "it forgets me", at: datetime = NOW, country: str = "us", stars: int = 1
    ) -> None:
        self.reviews.append(
            {
                "country": country,
                "id": {"label": id_},
                "title": {"label": "Acme"},
                "content": {"label": text},
                "im:rating": {"label": str(stars)},
                "updated": {"label": at.isoformat()},
                "author": {"name": {"label": "mquill"}},
            }
        )

    def edit(self, id_: str, text: str, at: datetime) -> None:
        next(one for one in self.reviews if one["id"] == {"label": id_}).update(
            content={"label": text}, updated={"label": at.isoformat()}
        )

    def delete(self, id_: str) -> None:
        self.reviews = [one for one in self.reviews if one["id"] != {"label": id_}]

    def _page(self, country: str, page: int):  # type: ignore[no-untyped-def]
        async def answer(_: web.Request) -> web.Response:
            found = sorted(
                (one for one in self.reviews if one["country"] == country),
                key=lambda one: str(one["updated"]),
                reverse=True,
            )
            shown = [] if 0 < self.empty_from <= page else found[(page - 1) * PAGE : page * PAGE]
            entry = {"entry": shown[0] if len(shown) == 1 else shown} if shown else {}
            return web.json_response({"feed": {"title": {"label": "iTunes Store: Customer Reviews"}, **entry}})

        return answer


def ear(server: Server, web_: Web, **given: object) -> Poller:
    given = {"app": APP, "api_url": server.address, **given}
    return Poller(AppStoreConnector("reviews", Options(**given), web_))  # type: ignore[arg-type]


@pytest.fixture
def store_(server: Server) -> Store:
    return Store(server)


@pytest.mark.parametrize("pair", GOLDEN, ids=lambda pair: str(pair["post"]["id"]))
def test_an_entry_is_the_review_it_means(pair: dict[str, dict[str, str]]) -> None:
    post = review_of(pair["raw"], "reviews", "us", APP)
    assert post is not None
    assert pair["post"] == {
        "id": post.id, "url": post.url, "title": post.title, "text": post.text, "author": post.author.handle,
        "author_id": post.author.id, "created": post.created.isoformat() if post.created else None, "kind": post.kind,
        "likes": post.reach.likes, "extra": post.extra,
    }  # fmt: skip


async def test_each_country_is_read_and_one_that_fails_holds_back_no_other(
    server: Server, web_: Web, store_: Store
) -> None:
    store_.write("1"), store_.write("2", country="ca")
    assert sorted(ids(await ear(server, web_, countries=("US", "ca")).poll())) == ["1", "2"]
    poller = ear(server, web_, countries=("zz", "ca"))
    assert ids(await poller.poll()) == ["2"]
    assert poller.last.hearing is Hearing.TRUNCATED and poller.last.note.startswith("zz: ")


async def test_a_review_that_was_changed_is_heard_again_from_the_top(server: Server, web_: Web, store_: Store) -> None:
    for number in range(120):
        store_.write(str(number), at=NOW - timedelta(days=number / 10))
    poller = ear(server, web_)
    await poller.poll()
    poller.now += timedelta(days=1)
    store_.edit("119", "now it is fixed", poller.now)
    heard = {post.id: post for post in await poller.poll()}
    assert heard["119"].text == "now it is fixed" and len(poller.pages) == 1


async def test_more_than_five_hundred_since_the_last_reading_are_said(server: Server, web_: Web, store_: Store) -> None:
    store_.write("first", at=NOW - timedelta(hours=1))
    poller = ear(server, web_)
    await poller.poll()
    assert poller.last.hearing is Hearing.HEARD
    for number in range(600):
        store_.write(str(number), at=NOW + timedelta(seconds=number))
    poller.now += timedelta(hours=1)
    assert len(await poller.poll()) == 500
    assert (poller.last.hearing, poller.last.note) == (
        Hearing.TRUNCATED, "us: of the reviews since 2026-05-01 only the newest 500 are shown",
    )  # fmt: skip


@pytest.mark.parametrize("page", [1, 3])
async def test_a_feed_that_shows_nothing_for_a_while_is_not_taken_for_silence(
    server: Server, web_: Web, store_: Store, page: int
) -> None:
    store_.write("first", at=NOW - timedelta(hours=1))
    poller = ear(server, web_)
    await poller.poll()
    for number in range(200):
        store_.write(str(number), at=NOW + timedelta(seconds=number))
    store_.empty_from = page
    poller.now += timedelta(days=9)
    await poller.poll()
    assert poller.last.hearing is Hearing.TRUNCATED and f"broke off at page {page}" in poller.last.note
    store_.empty_from, poller.now = 0, poller.now + timedelta(days=9)
    assert {str(number) for number in range(200)} <= set(ids(await poller.poll()))
    assert poller.last.hearing is Hearing.HEARD


async def test_an_app_that_never_had_a_review_is_doubted(server: Server, web_: Web, store_: Store) -> None:
    poller = ear(server, web_)
    for _ in range(2):
        assert await poller.poll() == []
        assert poller.last.hearing is Hearing.TRUNCATED and "app or country is wrong" in poller.last.note


async def test_the_app_itself_is_no_review_and_odd_entries_are_said(server: Server, web_: Web) -> None:
    entries = [
        {"im:name": {"label": "Acme"}, "id": {"label": "4242"}},
        {"im:rating": {"label": "5"}},
        None,
        GOLDEN[0]["raw"],
    ]
    path = f"/us/rss/customerreviews/page=1/id={APP}/sortby=mostrecent/json"
    server.answers[path] = jsoned({"feed": {"entry": entries}})
    poller = ear(server, web_)
    assert ids(await poller.poll()) == ["12900411"]
    assert poller.last.note == "2 of 3 items could not be read and were left out"
    server.answers[path] = jsoned({"food": {}})
    with pytest.raises(Broken):
        await ear(server, web_).poll()


@pytest.mark.parametrize("wrong", [{"app": "acme"}, {"app": "4242/../x"}, {"countries": ("usa",)}, {"countries": ()}])
async def test_what_cannot_be_an_address_is_said_and_not_asked(
    server: Server, web_: Web, wrong: dict[str, object]
) -> None:
    with pytest.raises(Fix):
        await ear(server, web_, **wrong).poll()
    assert server.asked == []
