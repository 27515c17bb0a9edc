"""Blogs: RSS, Atom and JSON feeds, their comment feeds, and the articles behind a teaser.

What is new is told by the items themselves, never by their dates: the cursor remembers each item of the feed's window
with its wording, so a late item, an undated one and a changed one are all seen, and an unchanged one is never handled
again. An item that leaves the window while older ones stay has perhaps been deleted: its own page is asked.

The cursor: {"url", "main": validators and window, "older": a page under way, "hub", "taken": websub.py, inbox.py,
"comments", "counts": feed_comments.py}
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors import websub, wordpress
from connectors.addresses import host_of
from connectors.aside import aside
from connectors.contract import Call, ConnectorError, Cursor, Fix, Page, Reply, Wait, from_env
from connectors.discovery import Found, discovered
from connectors.feed_comments import read_comments
from connectors.feed_parse import parse
from connectors.feed_visit import Visit, addresses, deleted, standing
from connectors.http import Answer, Web, shown
from connectors.inbox import Inbox
from connectors.item import Feed, NotAFeed
from connectors.post import PostKind
from connectors.recognise import NOTHING, Known
from connectors.schedule import wait
from connectors.window import Window, conditions, older_than_known, reaches_known

DEAF_TO = (
    "Feeds: comments that somebody else's script draws, and articles behind a login, but for the feed's own summary",
    "Feeds: what is pushed out between two polls, where the feed has no older pages; that it happened is said",
)
MOST_PAGES = 60  # of older items followed in one go
IDLE = 10  # of them that show again what newer ones did: while they are read more is written, which moves them on
FULL = 5  # items; a feed that showed so many does not lose them all at once
HISTORY = timedelta(days=7)
LOST = "more was written than the feed shows, and its older pages end here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    url: str
    comments: bool = True
    full_text: str = "auto"  # or "never"
    history: timedelta = HISTORY  # how far back the first reading goes
    websub_secret: str = from_env("LISTENER_WEBSUB_SECRET")


class FeedConnector:
    def __init__(self, name: str, options: Options, web: Web, inbox: Inbox | None = None):
        self.name = name
        self._options = options
        self._web = web
        self._inbox = inbox
        self._topic = ""  # what a hub may speak of

    async def aclose(self) -> None:
        """The client belongs to everybody."""

    async def fetch(self, cursor: Cursor, now: datetime) -> Page:
        visit = self._visit(cursor, now)
        if await self._pushed(visit):
            visit.more = True  # and then the feed itself is asked
        elif "older" in visit.state:
            await self._older(visit)
        else:
            await self._newest(visit)
        if self._options.comments and not visit.more:
            await read_comments(visit, self._options.url, now - self._options.history)
        return visit.page()

    def _visit(self, cursor: Cursor, now: datetime) -> Visit:
        return Visit(
            name=self.name,
            site=host_of(self._options.url),
            articles=self._options.full_text != "never",
            web=self._web,
            state=dict(cursor),
            now=now,
        )

    async def reread(self, ids: Sequence[str], cursor: Cursor, now: datetime) -> Page:
        """What has left the feed may be deleted too: its own page says so. What is edited there is not seen. What the
        feed still shows stands, whatever its page answers: some pages cannot be read by a stranger."""
        links, stands = addresses(cursor), standing(cursor)
        gone = [id_ for id_ in ids if id_ not in stands and await deleted(self._web, links.get(id_, id_))]
        return Page(cursor=cursor, gone=tuple(gone))

    def receive(self, call: Call, now: datetime) -> Reply:
        """What the feed's hub asks or brings."""
        return websub.receive(call, self._topic, self._options.websub_secret)

    async def _pushed(self, visit: Visit) -> bool:
        """Reads what the hub brought. Was there anything?"""
        taken = visit.state.pop("taken", ())
        if self._inbox is None:
            return False
        hub, letters = visit.state.get("hub", {}), await self._inbox.unread(taken)
        self._topic = hub.get("topic", "")
        window = Window.load(visit.state.get("main"))
        for letter in letters:
            brought = websub.opened(letter.body)
            hub = websub.after(hub, brought, visit.now)
            if brought.word is None:
                await self._brought(brought, window, visit)
        if letters:
            taken = [letter.name for letter in letters]
            visit.state |= {"taken": taken, "hub": hub} | ({"main": window.dump()} if window.items else {})
        return bool(letters)

    async def _brought(self, brought: websub.Pushed, window: Window, visit: Visit) -> None:
        try:
            feed = parse(brought.body, brought.content_type, self._topic)
        except NotAFeed as wrong:
            visit.notes.append(f"what the hub brought is {wrong}; the feed itself is asked")
            return
        await visit.take(feed.items, window, PostKind.POST)

    async def _subscribe(self, feed: Feed | None, answer: Answer, visit: Visit) -> None:
        """Asks the feed's hub to tell us, where we can be told. It costs nothing when it fails: the feed is polled."""
        if self._inbox is None or not self._inbox.open or not self._inbox.address or not self._options.websub_secret:
            return
        hub = visit.state.get("hub", {})
        if feed:
            url, topic = websub.offered(feed, answer.headers, answer.url)
            hub = websub.noted(hub, url, topic) if url else {}
        if hub and websub.must_ask(hub, visit.now):
            self._topic = hub["topic"]
            hub = {**hub, "asked": visit.now.isoformat()}
            asked = websub.request(self._inbox.address, hub["topic"], self._options.websub_secret)
            with suppress(ConnectorError):
                await self._web.post(hub["url"], form=asked)
        if websub.proved(hub, visit.now):
            visit.wait = max(visit.wait or websub.SLOWLY, websub.SLOWLY)
        if hub or "hub" in visit.state:
            visit.state["hub"] = hub

    async def _newest(self, visit: Visit) -> None:
        url = visit.state.get("url", self._options.url)
        saved = visit.state.get("main", {})
        answer = await self._get(url, conditions(saved), visit.now)
        visit.wait = wait(answer.headers, None, visit.now)
        if answer.status == 304:
            visit.state["main"] = {**saved, "unchanged": saved.get("unchanged", 0) + 1}
            await self._subscribe(None, answer, visit)
            return
        window = Window.load(saved)
        feed = await self._read(answer, window, visit)
        if feed is None:
            return
        if answer.moved:
            visit.state["url"] = answer.moved
            visit.facts = {"url": answer.moved}
        visit.wait = wait(answer.headers, feed, visit.now)
        window.raws = feed.raws
        before = visit.state.pop("before", list(window.items)[-200:])
        left = await visit.take(feed.items, window, PostKind.POST)
        whole = not left and not self._doubted(feed, window, visit)
        if whole:
            window.validators(answer.headers)
            await visit.look_for(feed.items, window)
        visit.state |= {"main": window.dump(), "generator": feed.generator, "link": feed.link}
        if left:
            visit.state["before"] = before
            visit.more = True
        elif whole and older_than_known(feed.items, before):
            self._go_on(visit, feed, answer.url, _Below(before, first=not before))
        await self._subscribe(feed, answer, visit)

    def _doubted(self, feed: Feed, window: Window, visit: Visit) -> bool:
        """Was this not the whole feed? Then what it does not show proves nothing, and it is asked for whole again."""
        if feed.left_out:
            visit.missed(f"the feed is too large: of its items the last {feed.left_out:,} were not read")
        if feed.cut:
            visit.missed(f"the feed breaks off after {len(feed.items)} items; read again at the next poll")
        emptied = not feed.items and len(window.shown) >= FULL
        if emptied:
            visit.missed(f"the feed is empty, although it showed {len(window.shown)} items before")
        return feed.cut or emptied

    async def _read(self, answer: Answer, window: Window, visit: Visit) -> Feed | None:
        """The feed, or None when the page led to one that is read next. Raises ConnectorError."""
        try:
            return await self._parsed(answer, window.known)
        except NotAFeed as wrong:
            if "main" in visit.state or "url" in visit.state:
                raise Wait(f"{shown(answer.url)}: is {wrong}, and was a feed before; tried again later") from None
            found = await discovered(self._web, answer, visit.now)
            if found is None or found.kind != "feed":
                raise Fix(f"{shown(answer.url)}: is {wrong}; {_instead(found)}") from None
        visit.state["url"] = found.url
        visit.facts = {"url": found.url, "found": found.how}
        visit.more = True
        return None

    async def _parsed(self, answer: Answer, known: Known = NOTHING) -> Feed:
        return await aside(answer.body, parse, answer.body, answer.content_type, answer.url, known)

    async def _get(self, url: str, headers: Mapping[str, str], now: datetime) -> Answer:
        answer = await self._web.get(url, headers=headers, now=now)
        if answer.status == 410:
            raise Fix(f"{shown(url)}: the feed is gone for good (410); take this source out or give its new address")
        if answer.status == 404:
            raise Wait(f"{shown(url)}: not found (404); tried again later, check the address if this lasts")
        return answer

    def _go_on(self, visit: Visit, feed: Feed, url: str, below: "_Below") -> None:
        """More was written than one page of the feed shows: older pages follow, until one that is known."""
        visit.state.pop("older", None)
        oldest = min((item.published for item in feed.items if item.published), default=None)
        if below.first and (oldest is None or oldest < visit.now - self._options.history):
            return
        following = feed.next or wordpress.older_page(feed, url, below.page + 1, visit.state.get("generator", ""))
        if following and below.page < MOST_PAGES:
            visit.state["older"] = {"url": following, **below.dump()}
            visit.more = True
        elif following or not below.first:
            visit.missed(LOST)

    async def _older(self, visit: Visit) -> None:
        """A page of older items; trouble here is noted, and never costs the newest ones."""
        older = visit.state["older"]
        window, below = Window.load(visit.state.get("main")), _Below.load(older)
        try:
            answer = await self._web.get(older["url"], now=visit.now)
            feed = await self._parsed(answer) if answer.status == 200 else Feed(items=())
        except (ConnectorError, NotAFeed) as error:
            visit.state.pop("older")
            visit.missed(f"older items could not be read: {error}")
            return
        unknown = any(item.id not in window.items for item in feed.items)
        left = await visit.take(feed.items, window, PostKind.POST)
        visit.state["main"] = window.dump()
        below = below.after(unknown=unknown)
        if left:
            visit.more = True
        elif reaches_known(feed.items, below.before, unknown=unknown) or (below.first and below.idle):
            visit.state.pop("older")
        elif below.idle > IDLE:
            visit.state.pop("older")
            visit.missed(LOST)
        else:
            self._go_on(visit, feed, older["url"], below)


@dataclass(frozen=True, slots=True)
class _Below:
    """How far below the newest page the older ones are read."""

    before: Sequence[str]  # ids that were known before this poll
    first: bool  # is it the first reading?
    page: int = 1
    idle: int = 0  # pages in a row that showed nothing new

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> "_Below":
        return cls(saved["before"], saved["first"], saved["page"], saved.get("idle", 0))

    def dump(self) -> dict[str, Any]:
        return {"before": list(self.before), "first": self.first, "page": self.page, "idle": self.idle}

    def after(self, *, unknown: bool) -> "_Below":
        """The next page down; `unknown`: did the last one show anything new?"""
        return _Below(self.before, self.first, self.page + 1, 0 if unknown else self.idle + 1)


def _instead(found: Found | None) -> str:
    if found is None:
        return "give the address of a feed; none is named by it, or where such sites have theirs"
    return f'it can be heard with kind = "{found.kind}" and url = "{shown(found.url)}", which {found.how}'
