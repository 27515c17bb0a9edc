"""One small world for each kind of source, all written to in the same way: what the contract suite needs of a platform.

A new kind needs a class here and a line in WORLDS; tests/test_connectors.py then holds it to the contract.
"""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import escape
from pathlib import Path
from typing import ClassVar

import sites
import test_appstore
import test_bluesky
import test_discourse
import test_googleplay
import test_hackernews
import test_imap
import test_mastodon
import test_reddit
import test_stackexchange
import test_webhook
import test_x
import test_youtube
from aiohttp import web
from mailserver import MailServer
from polling import NOW, Poller
from redditserver import FakeReddit
from webserver import Server
from xserver import FakeX

from connectors.feed import FeedConnector
from connectors.feed import Options as FeedOptions
from connectors.http import Web
from connectors.post import Post
from connectors.replay import Options as ReplayOptions
from connectors.replay import ReplayConnector
from connectors.reviews import Options as ReviewsOptions
from connectors.reviews import ReviewsConnector
from connectors.sitemap import Options as SitemapOptions
from connectors.sitemap import SitemapConnector

SECRET = "app-pass-word"


@dataclass
class World:
    """A platform on loopback. Keys are the test's own names for what is written."""

    server: Server
    web: Web
    directory: Path
    troubles: list[object] = field(default_factory=list)  # what the next requests are answered with instead
    ids: dict[str, str] = field(default_factory=dict)  # key -> the platform's id
    online: ClassVar = True  # does it speak HTTP?
    edits: ClassVar = True  # does looking again show an edit?
    doubted: ClassVar = True  # is it noticed when it shows nothing at all any more?

    def __post_init__(self) -> None:
        self.poller = self.begin()
        self.server.answers = Troubled(self.server.answers, self.troubles)  # type: ignore[assignment]

    def begin(self) -> Poller:
        raise NotImplementedError

    def end(self) -> None:
        """What was opened for this world is shut."""

    def write(self, key: str, text: str, at: datetime = NOW) -> None:
        """Something public that says `text`; every text has the word "acme" in it."""
        raise NotImplementedError

    def edit(self, key: str, text: str) -> None:
        raise NotImplementedError

    def delete(self, key: str) -> None:
        raise NotImplementedError


async def hear(world: World, *, minutes: int = 10, polls: int = 1) -> dict[str, Post]:
    """id -> its last wording, over so many polls with some time between them."""
    heard: dict[str, Post] = {}
    for _ in range(polls):
        world.poller.now += timedelta(minutes=minutes)
        heard |= {post.id: post for post in await world.poller.poll()}
    return heard


class Troubled(dict[str, object]):
    def __init__(self, inner: dict[str, object], troubles: list[object]):
        self.inner, self.troubles = inner, troubles

    def __setitem__(self, key: str, answer: object) -> None:
        self.inner[key] = answer

    def get(self, key: str, default: object = None) -> object:
        return self.troubles.pop(0) if self.troubles else self.inner.get(key, default)


class Feed(World):
    def begin(self) -> Poller:
        self.items: dict[str, tuple[str, datetime]] = {}
        self.server.answers["/feed"] = self.answer
        options = FeedOptions(url=f"{self.server.address}/feed", comments=False, full_text="never")
        return Poller(FeedConnector("feed", options, self.web))

    async def answer(self, _: web.Request) -> web.Response:
        items = "".join(
            f"<item><guid>{self.ids[key]}</guid><link>{self.ids[key]}</link><pubDate>{at:%a, %d %b %Y %H:%M:%S} GMT</pubDate>"
            f"<description>{escape(text)}</description></item>"
            for key, (text, at) in reversed(self.items.items())
        )
        return web.Response(text=f"<rss><channel>{items}</channel></rss>", content_type="application/rss+xml")

    def write(self, key: str, text: str, at: datetime = NOW) -> None:
        self.items[key], self.ids[key] = (text, at), f"{self.server.address}/{key}"
        self.server.answers[f"/{key}"] = b"<!doctype html>"

    def edit(self, key: str, text: str) -> None:
        self.items[key] = (text, self.items[key][1])

    def delete(self, key: str) -> None:
        del self.items[key]
        self.server.answers[f"/{key}"] = None


class Replay(World):
    online, doubted = False, False  # a file may be emptied

    def begin(self) -> Poller:
        self.file = self.directory / "posts.jsonl"
        self.file.write_text("")
        return Poller(ReplayConnector("replay", ReplayOptions(file=str(self.file))))

    def write(self, key: str, text: str, at: datetime = NOW) -> None:
        self.ids[key] = key
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"id": key, "text": text, "created": at.isoformat()}) + "\n")

    def edit(self, key: str, text: str) -> None:
        self.write(key, text)

    def delete(self, key: str) -> None:
        """A recording forgets nothing."""


class HackerNews(World):
    def begin(self) -> Poller:
        self.algolia = test_hackernews.Algolia(self.server)
        return test_hackernews.ear(self.server, self.web)

    def write(self, key: str, text: str, at: datetime = NOW) -> None:
        self.ids[key] = key
        self.algolia.write(key, at=int(at.timestamp()), text=text)
        self.server.answers[f"/items/{key}"] = self._one

    def _item(self, key: str) -> dict[str, object]:
        return next(item for item in self.algolia.items if item["objectID"] == key)

    async def _one(self, request: web.Request) -> web.Response:
        item = self._item(request.path.rpartition("/")[2])
        return web.json_response({**item, "id": item["objectID"], "text": item["comment_text"]})

    def edit(self, key: str, text: str) -> None:
        self._item(key)["comment_text"] = text

    def delete(self, key: str) -> None:
        self.algolia.items.remove(self._item(key))
        self.server.answers[f"/items/{key}"] = None


class Mastodon(World):
    def begin(self) -> Poller:
        self.instance = test_mastodon.Instance(self.server)
        return test_mastodon.ear(self.server, self.web, token="right", search=False)

    def write(self, key: str, text: str, at: datetime = NOW) -> None:
        self.instance.write(key, at, f"<p>#acme {escape(text)}</p>")
        self.ids[key] = f"s-{key}"
        self.server.answers[f"/api/v1/statuses/s-{key}"] = self._one

    def edit(self, key: str, text: str) -> None:
        self._status(f"s-{key}")["content"] = f"<p>#acme {escape(text)}</p>"

    def _status(self, id_: str) -> dict[str, object]:
        return next((status for _, status in self.instance.statuses if status["id"] == id_), {})

    async def _one(self, request: web.Request) -> web.Response:
        status = self._status(request.path.rpartition("/")[2])
        return web.json_response(status, status=200 if status else 404)

    def delete(self, key: str) -> None:
        self.instance.statuses = [one for one in self.instance.statuses if one[1]["id"] != f"s-{key}"]


class Bluesky(World):
    def begin(self) -> Poller:
        self.network = test_bluesky.Network(self.server)
        return test_bluesky.ear(self.server, self.web)

    def write(self, key: str, text: str, at: datetime = NOW) -> None:
        self.network.write(key, at, text)
        self.ids[key] = test_bluesky.uri(key)

    def edit(self, key: str, text: str) -> None:
        view = next(view for view in self.network.views if view["uri"] == test_bluesky.uri(key))
        view["record"] = {**view["record"], "text": text}  # type: ignore[dict-item]

    def delete(self, key: str) -> None:
        self.network.views = [view for view in self.network.views if view["uri"] != test_bluesky.uri(key)]


class Reddit(World):
    def begin(self) -> Poller:
        self.reddit = FakeReddit(self.server)
        return test_reddit.ear(self.server, self.web)

    def write(self, key: str, text: str, at: datetime = NOW) -> None:
        self.ids[key] = self.reddit.post(title="Acme", at=at, selftext=text)

    def edit(self, key: str, text: str) -> None:
        self.reddit.things[self.ids[key]]["selftext"] = text

    def delete(self, key: str) -> None:
        del self.reddit.things[self.ids[key]]


class YouTube(World):
    def begin(self) -> Poller:
        self.tube = test_youtube.Tube(self.server)
        return test_youtube.ear(self.server, self.web)

    def write(self, key: str, text: str, at: datetime = NOW) -> None:
        self.tube.write(key, text, at)
        self.ids[key] = f"{test_youtube.VIDEO}/{key}"

    def edit(self, key: str, text: str) -> None:
        next(one for one in self.tube.threads if one["id"] == key)["snippet"]["textDisplay"] = text  # type: ignore[index]

    def delete(self, key: str) -> None:
        self.tube.threads = [one for one in self.tube.threads if one["id"] != key]


class AppStore(World):
    def begin(self) -> Poller:
        self.store = test_appstore.Store(self.server)
        return test_appstore.ear(self.server, self.web)

    def write(self, key: str, text: str, at: datetime = NOW) -> None:
        self.store.write(key, text, at)
        self.ids[key] = key

    def edit(self, key: str, text: str) -> None:
        self.store.edit(key, text, self.poller.now)

    def delete(self, key: str) -> None:
        self.store.delete(key)


class GooglePlay(World):
    def begin(self) -> Poller:
        self.play = test_googleplay.Play(self.server)
        return test_googleplay.ear(self.server, self.web)

    def write(self, key: str, text: str, at: datetime = NOW) -> None:
        self.play.write(key, text, at)
        self.ids[key] = key

    def edit(self, key: str, text: str) -> None:
        self.play.write(key, text, self.poller.now)

    def delete(self, key: str) -> None:
        del self.play.reviews[key]


class StackExchange(World):
    def begin(self) -> Poller:
        self.exchange = test_stackexchange.Exchange(self.server)
        return test_stackexchange.ear(self.server, self.web)

    def write(self, key: str, text: str, at: datetime = NOW) -> None:
        number = len(self.ids) + 1
        self.exchange.write(number, escape(text), at)
        self.ids[key] = f"q{number}"

    def edit(self, key: str, text: str) -> None:
        question = next(one for one in self.exchange.questions if f"q{one['question_id']}" == self.ids[key])
        question |= {"body": f"<p>{escape(text)}</p>", "last_activity_date": int(self.poller.now.timestamp())}

    def delete(self, key: str) -> None:
        found = self.exchange.questions
        self.exchange.questions = [one for one in found if f"q{one['question_id']}" != self.ids[key]]


class X(World):
    """Searches and mentions; ids are given in the order in which posts are published, whatever their date."""

    doubted = False  # nothing is read twice there; what is missing is missed by X's own counts, once a day

    def begin(self) -> Poller:
        self.x = FakeX(self.server)
        self.x.account("acmeair", "99")
        poller = test_x.ear(self.server, accounts=("@acmeair",))
        self.x.clock = lambda: poller.now
        return poller

    def write(self, key: str, text: str, at: datetime = NOW) -> None:
        self.ids[key] = self.x.post(text, at)

    def edit(self, key: str, text: str) -> None:
        self.x.edit(self.ids[key], text, self.poller.now)

    def delete(self, key: str) -> None:
        self.x.remove(self.ids[key])


class Discourse(World):
    def begin(self) -> Poller:
        self.forum = test_discourse.Forum(self.server)
        return test_discourse.ear(self.server, self.web)

    def write(self, key: str, text: str, at: datetime = NOW) -> None:
        self.ids[key] = str(self.forum.write(escape(text), at))

    def edit(self, key: str, text: str) -> None:
        self.forum.posts[int(self.ids[key])]["cooked"] = f"<p>{escape(text)}</p>"

    def delete(self, key: str) -> None:
        del self.forum.posts[int(self.ids[key])]


class Webhook(World):
    online, doubted = False, False  # silence is what `expect` is for

    def begin(self) -> Poller:
        self.bringing = test_webhook.ear(self.directory)
        return self.bringing

    def write(self, key: str, text: str, at: datetime = NOW) -> None:
        self.ids[key] = key
        self.bringing.pending.append({"id": key, "text": text, "created": at.isoformat()})

    def edit(self, key: str, text: str) -> None:
        self.write(key, text)

    def delete(self, key: str) -> None:
        """A letter that has come says nothing of what becomes of it."""


class Imap(World):
    online = False  # its own troubles are in tests/test_imap.py
    doubted = False  # a box may be tidied

    def begin(self) -> Poller:
        self.opened = ExitStack()
        self.box = self.opened.enter_context(MailServer().open())
        return test_imap.ear(self.box)

    def end(self) -> None:
        self.opened.close()

    def write(self, key: str, text: str, at: datetime = NOW) -> None:
        self.ids[key] = f"{key}@mail.example"
        self.box.put(test_imap.letter(text, Message_ID=f"<{key}@mail.example>"), at)

    def edit(self, key: str, text: str) -> None:
        """Nobody edits a mail; a second one with the same name takes its place."""
        self.write(key, text, self.poller.now)

    def delete(self, key: str) -> None:
        self.box.mails = [mail for mail in self.box.mails if f"<{key}@".encode() not in mail.raw]


class Sitemap(World):
    def begin(self) -> Poller:
        self.site = sites.Site(self.server)
        options = SitemapOptions(url=f"{self.server.address}/sitemap.xml", full_text="never")
        return Poller(SitemapConnector("sitemap", options, self.web))

    def write(self, key: str, text: str, at: datetime = NOW) -> None:
        self.site.write(key, text, at)
        self.ids[key] = self.site.url(key)

    def edit(self, key: str, text: str) -> None:
        self.write(key, text, NOW + timedelta(minutes=11))

    def delete(self, key: str) -> None:
        self.site.delete(key)


class Reviews(World):
    def begin(self) -> Poller:
        self.shop = sites.Shop(self.server)
        options = ReviewsOptions(url=f"{self.server.address}/reviews", pages=20)
        return Poller(ReviewsConnector("reviews", options, self.web))

    def write(self, key: str, text: str, at: datetime = NOW) -> None:
        self.shop.reviews[key] = sites.review(key, text, at=at)
        self.ids[key] = f"#review-{key}"

    def edit(self, key: str, text: str) -> None:
        self.write(key, text)

    def delete(self, key: str) -> None:
        del self.shop.reviews[key]


WORLDS: dict[str, Callable[[Server, Web, Path], World]] = {
    "feed": Feed,
    "sitemap": Sitemap,
    "reviews": Reviews,
    "replay": Replay,
    "hackernews": HackerNews,
    "mastodon": Mastodon,
    "bluesky": Bluesky,
    "reddit": Reddit,
    "youtube": YouTube,
    "appstore": AppStore,
    "googleplay": GooglePlay,
    "stackexchange": StackExchange,
    "x": X,
    "discourse": Discourse,
    "webhook": Webhook,
    "imap": Imap,
}
