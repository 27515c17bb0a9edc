"""Blogs: RSS, Atom and JSON feeds, their comment feeds, and the articles behind a teaser.

What is new is told by the items themselves, never by their dates: the cursor remembers each item of the feed's window
with its wording, so a late item, an undated one and a changed one are all seen, and an unchanged one is never handled
again. An item that leaves the window while older ones stay has perhaps been deleted: its own page is asked.

The cursor: {"url", "main": validators and window, "older": a page under way, "comments": {address: the same},
"counts": {item: comments when last read}, "hub", "taken": websub.py, inbox.py}
"""

import asyncio
import re
from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urldefrag

from connectors import websub, wordpress
from connectors.addresses import host_of
from connectors.article import extract, teasing
from connectors.contract import Call, ConnectorError, Cursor, Fix, Hearing, Page, Reply, Wait, from_env
from connectors.discovery import Found, discovered
from connectors.feed_parse import Feed, NotAFeed, decode, parse
from connectors.http import Answer, Web, shown
from connectors.inbox import Inbox
from connectors.item import Item
from connectors.post import NOBODY, Author, Post, PostKind
from connectors.schedule import wait
from connectors.window import Window, conditions, older_than_known, reaches_known

AT_ONCE = 25  # articles fetched for one page of posts
MOST_PAGES = 60  # of older items followed in one go
IDLE = 10  # of them that show again what newer ones did: while they are read more is written, which moves them on
COMMENT_FEEDS = 10  # read in one poll
SUSPECTS = 5  # vanished items asked about in one poll
HISTORY = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    url: str
    comments: bool = True
    full_text: str = "auto"  # or "never"
    history: timedelta = HISTORY  # how far back the first reading goes
    websub_secret: str = from_env("LISTENER_WEBSUB_SECRET")


@dataclass(slots=True)
class _Reading:
    """What one fetch gathers."""

    state: dict[str, Any]
    now: datetime
    posts: list[Post]
    gone: list[str]
    notes: list[str]
    more: bool = False
    wait: timedelta | None = None
    hearing: Hearing = Hearing.HEARD
    facts: dict[str, str] | None = None


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
        reading = _Reading(dict(cursor), now, [], [], [])
        if await self._pushed(reading):
            reading.more = True  # and then the feed itself is asked
        elif "older" in reading.state:
            await self._older(reading)
        else:
            await self._newest(reading)
        if self._options.comments and not reading.more:
            await self._comments(reading)
        return Page(
            cursor=reading.state,
            posts=tuple(reading.posts),
            gone=tuple(reading.gone),
            more=reading.more,
            wait=reading.wait,
            hearing=reading.hearing,
            note="; ".join(dict.fromkeys(reading.notes)),
            facts=reading.facts or {},
        )

    def receive(self, call: Call, now: datetime) -> Reply:
        """What the feed's hub asks or brings."""
        return websub.receive(call, self._topic, self._options.websub_secret)

    async def _pushed(self, reading: _Reading) -> bool:
        """Reads what the hub brought. Was there anything?"""
        taken = reading.state.pop("taken", ())
        if self._inbox is None:
            return False
        hub, letters = reading.state.get("hub", {}), await self._inbox.unread(taken)
        self._topic = hub.get("topic", "")
        window = Window.load(reading.state.get("main"))
        for letter in letters:
            brought = websub.opened(letter.body)
            hub = websub.after(hub, brought, reading.now)
            if brought.word is None:
                await self._brought(brought, window, reading)
        if letters:
            taken = [letter.name for letter in letters]
            reading.state |= {"taken": taken, "hub": hub} | ({"main": window.dump()} if window.items else {})
        return bool(letters)

    async def _brought(self, brought: websub.Pushed, window: Window, reading: _Reading) -> None:
        try:
            feed = parse(brought.body, brought.content_type, self._topic)
        except NotAFeed as wrong:
            reading.notes.append(f"what the hub brought is {wrong}; the feed itself is asked")
            return
        await self._take(reading, feed.items, window, PostKind.POST)

    async def _subscribe(self, feed: Feed | None, answer: Answer, reading: _Reading) -> None:
        """Asks the feed's hub to tell us, where we can be told. It costs nothing when it fails: the feed is polled."""
        if self._inbox is None or not self._inbox.open or not self._inbox.address or not self._options.websub_secret:
            return
        hub = reading.state.get("hub", {})
        if feed:
            url, topic = websub.offered(feed, answer.headers, answer.url)
            hub = websub.noted(hub, url, topic) if url else {}
        if hub and websub.must_ask(hub, reading.now):
            self._topic = hub["topic"]
            hub = {**hub, "asked": reading.now.isoformat()}
            asked = websub.request(self._inbox.address, hub["topic"], self._options.websub_secret)
            with suppress(ConnectorError):
                await self._web.post(hub["url"], form=asked)
        if websub.proved(hub, reading.now):
            reading.wait = max(reading.wait or websub.SLOWLY, websub.SLOWLY)
        if hub or "hub" in reading.state:
            reading.state["hub"] = hub

    async def _newest(self, reading: _Reading) -> None:
        url = reading.state.get("url", self._options.url)
        saved = reading.state.get("main", {})
        answer = await self._get(url, conditions(saved), reading.now)
        reading.wait = wait(answer.headers, None, reading.now)
        if answer.status == 304:
            reading.state["main"] = {**saved, "unchanged": saved.get("unchanged", 0) + 1}
            await self._subscribe(None, answer, reading)
            return
        window = Window.load(saved)
        feed = await self._read(answer, window, reading)
        if feed is None:
            return
        if answer.moved:
            reading.state["url"] = answer.moved
            reading.facts = {"url": answer.moved}
        reading.wait = wait(answer.headers, feed, reading.now)
        window.raws = feed.raws
        before = reading.state.pop("before", list(window.items)[-200:])
        left = await self._take(reading, feed.items, window, PostKind.POST)
        if not left:
            window.validators(answer.headers)
            reading.gone += await self._vanished(feed.items, window, reading.now)
        reading.state |= {"main": window.dump(), "generator": feed.generator, "link": feed.link}
        if left:
            reading.state["before"] = before
            reading.more = True
        elif older_than_known(feed.items, before):
            self._go_on(reading, feed, answer.url, before, 1, first=not before)
        await self._subscribe(feed, answer, reading)

    async def _read(self, answer: Answer, window: Window, reading: _Reading) -> Feed | None:
        """The feed, or None when the page led to one that is read next. Raises Fix."""
        try:
            return parse(answer.body, answer.content_type, answer.url, window.known)
        except NotAFeed as wrong:
            if "main" in reading.state or "url" in reading.state:  # it was a feed before: this is trouble
                raise Fix(f"{shown(answer.url)}: is {wrong}; give the address of a feed") from None
            found = await discovered(self._web, answer, reading.now)
            if found is None or found.kind != "feed":
                raise Fix(f"{shown(answer.url)}: is {wrong}; {_instead(found)}") from None
        reading.state["url"] = found.url
        reading.facts = {"url": found.url, "found": found.how}
        reading.more = True
        return None

    async def _get(self, url: str, headers: Mapping[str, str], now: datetime) -> Answer:
        answer = await self._web.get(url, headers=headers, now=now)
        if answer.status == 410:
            raise Fix(f"{shown(url)}: the feed is gone for good (410); take this source out or give its new address")
        if answer.status == 404:
            raise Wait(f"{shown(url)}: not found (404); tried again later, check the address if this lasts")
        return answer

    async def _take(self, reading: _Reading, items: Sequence[Item], window: Window, kind: PostKind) -> int:
        """Posts of what is new or changed, and how many had to be left for the next page."""
        news = [item for item in items if window.is_news(item)]
        wanted = {item.id for item in news if self._wants_article(item, kind)}
        handled = _with_few_articles(news, wanted)
        for item in handled:
            whole = await self._whole(item, reading) if item.id in wanted else item
            reading.posts.append(self._post(whole, kind))
            window.remember(item)
        window.note_threads(items)
        return len(news) - len(handled)

    def _wants_article(self, item: Item, kind: PostKind) -> bool:
        if not item.teaser or not item.link or kind is not PostKind.POST or self._options.full_text == "never":
            return False
        return teasing(item.text)

    async def _whole(self, item: Item, reading: _Reading) -> Item:
        try:
            answer = await self._web.get(item.link, now=reading.now)
        except ConnectorError as error:
            reading.notes.append(f"only the teaser of an article was read: {error}")
            return item
        if answer.status != 200 or "html" not in answer.content_type:
            return item
        page = decode(answer.body, answer.content_type)
        return replace(item, text=await asyncio.to_thread(extract, page, item.text))

    def _post(self, item: Item, kind: PostKind) -> Post:
        return Post(
            source=self.name,
            id=item.id,
            url=item.link,
            text=item.text,
            title="" if kind is PostKind.COMMENT else item.title,
            author=Author(handle=item.author, name=item.author, url=item.author_url) if item.author else NOBODY,
            created=item.published,
            kind=kind,
            lang=item.lang,
            site=host_of(item.link or self._options.url),
            parent=item.parent,
            root=item.root,
        )

    async def _vanished(self, items: Sequence[Item], window: Window, now: datetime) -> list[str]:
        gone = []
        for id_, link in window.suspects(items)[:SUSPECTS]:
            verdict = await self._deleted(link, now)
            if verdict is not None:
                window.forget(id_)
            if verdict:
                gone.append(id_)
        return gone

    async def reread(self, ids: Sequence[str], cursor: Cursor, now: datetime) -> Page:
        """What has left the feed may be deleted too: its own page says so. What is edited there is not seen. What the
        feed still shows stands, whatever its page answers: some pages cannot be read by a stranger."""
        links, standing = _addresses(cursor), _standing(cursor)
        gone = [id_ for id_ in ids if id_ not in standing and await self._deleted(links.get(id_, id_), now)]
        return Page(cursor=cursor, gone=tuple(gone))

    async def _deleted(self, link: str, now: datetime) -> bool | None:
        """Is the page gone, or the anchor in it? None when it cannot be said, or not now."""
        address, anchor = urldefrag(link)
        if not address.startswith(("http://", "https://")):
            return None
        try:
            answer = await self._web.try_get(address)
        except ConnectorError:
            return None
        if answer.status in (404, 410):
            return True
        if answer.status != 200:
            return None
        return bool(anchor) and not re.search(rb"(?<![\w-])%b(?![\w-])" % re.escape(anchor.encode()), answer.body)

    def _go_on(
        self, reading: _Reading, feed: Feed, url: str, before: Sequence[str], number: int, *, first: bool
    ) -> None:
        """More was written than one page of the feed shows: older pages follow, until one that is known."""
        oldest = min((item.published for item in feed.items if item.published), default=None)
        if first and (oldest is None or oldest < reading.now - self._options.history):
            reading.state.pop("older", None)
            return
        following = feed.next or wordpress.older_page(feed, url, number + 1, reading.state.get("generator", ""))
        if following and number < MOST_PAGES:
            reading.state["older"] = {"url": following, "page": number, "before": list(before), "first": first}
            reading.more = True
            return
        if following or not first:
            self._lost_its_way(reading)
        reading.state.pop("older", None)

    def _lost_its_way(self, reading: _Reading) -> None:
        reading.state.pop("older", None)
        reading.hearing = Hearing.TRUNCATED
        reading.notes.append("more was written than the feed shows, and its older pages end here")

    async def _older(self, reading: _Reading) -> None:
        """A page of older items; trouble here is noted, and never costs the newest ones."""
        older = reading.state["older"]
        window = Window.load(reading.state.get("main"))
        try:
            answer = await self._web.get(older["url"], now=reading.now)
            feed = parse(answer.body, answer.content_type, answer.url) if answer.status == 200 else Feed(items=())
        except (ConnectorError, NotAFeed) as error:
            reading.state.pop("older")
            reading.hearing = Hearing.TRUNCATED
            reading.notes.append(f"older items could not be read: {error}")
            return
        unknown = any(item.id not in window.items for item in feed.items)
        left = await self._take(reading, feed.items, window, PostKind.POST)
        reading.state["main"] = window.dump()
        idle = 0 if unknown else older.get("idle", 0) + 1
        if left:
            reading.more = True
        elif reaches_known(feed.items, older["before"], unknown=unknown) or (older["first"] and idle):
            reading.state.pop("older")
        elif idle > IDLE:
            self._lost_its_way(reading)
        else:
            self._go_on(reading, feed, older["url"], older["before"], older["page"] + 1, first=older["first"])
            if "older" in reading.state:
                reading.state["older"]["idle"] = idle

    async def _comments(self, reading: _Reading) -> None:
        """Comment feeds fail by themselves: the blog is heard all the same, and the note says what was not."""
        feeds = dict(reading.state.get("comments", {}))
        counts = dict(reading.state.get("counts", {}))
        for address, parent, count in self._comment_feeds(reading, feeds, counts):
            window = Window.load(feeds.get(address))
            try:
                answer = await self._web.get(address, headers=conditions(feeds.get(address, {})), now=reading.now)
                if answer.status == 200:
                    await self._read_comments(answer, parent, window, reading)
            except (ConnectorError, NotAFeed) as error:
                reading.notes.append(f"comments could not be read: {error}")
                continue
            feeds[address] = window.dump()
            reading.state["comments"] = feeds  # what this one held is known when the next one is read
            if parent:
                counts[parent] = count
        reading.state |= {"comments": dict(list(feeds.items())[-100:]), "counts": dict(list(counts.items())[-500:])}

    async def _read_comments(self, answer: Answer, parent: str, window: Window, reading: _Reading) -> None:
        feed = parse(answer.body, answer.content_type, answer.url)
        posts = Window.load(reading.state.get("main")).items
        links = {link: id_ for id_, (_, link, *_raw) in posts.items() if link}

        def threaded(items: Sequence[Item]) -> list[Item]:
            return [_threaded(item, parent or links.get(urldefrag(item.link)[0], "")) for item in items]

        shown = threaded(feed.items)
        items = list(shown)
        if older_than_known(items, list(window.items)):
            here = {item.id for item in items}
            further = await self._comments_no_feed_shows(answer, parent, window, reading)
            items += [item for item in threaded(further) if item.id not in here]
        known = {id_ for other in reading.state.get("comments", {}).values() for id_ in other.get("items", {})}
        news = [item for item in items if item.id not in known or window.knows(item)]
        await self._take(reading, news, window, PostKind.COMMENT)
        window.remember_all(items)
        window.validators(answer.headers)
        reading.gone += await self._vanished(shown, window, reading.now)

    async def _comments_no_feed_shows(
        self, answer: Answer, parent: str, window: Window, reading: _Reading
    ) -> list[Item]:
        """None of these was there before, so others may lie between: WordPress's API has them."""
        api, found = wordpress.api_of(answer.headers, answer.url), list[Item]()
        if not api or parent:
            if window.items and not parent:
                reading.notes.append("more comments were written than their feed shows")
                reading.hearing = Hearing.TRUNCATED
            return []
        posts = Window.load(reading.state.get("main")).items
        for number in range(1, MOST_PAGES):
            url = wordpress.comments_page(api, number, reading.now - self._options.history)
            page = await self._web.try_get(url)
            if page.status != 200:  # past the last page WordPress answers 400
                break
            items = wordpress.comments(page.body, posts)
            found += [item for item in items if not window.knows(item)]
            if len(items) < wordpress.PAGE or any(window.knows(item) for item in items):
                break
        return found

    def _comment_feeds(
        self, reading: _Reading, feeds: Mapping[str, Any], counts: Mapping[str, int]
    ) -> list[tuple[str, str, int]]:
        """The whole site's comment feed, and those of posts whose number of comments has changed."""
        found: list[tuple[str, str, int]] = []
        if wordpress.is_wordpress(reading.state.get("generator", "")):
            found.append((wordpress.site_comments(reading.state.get("url", self._options.url)), "", 0))
        threads = Window.load(reading.state.get("main")).threads
        busy = [(address, id_, count) for id_, (address, count) in threads.items() if count != counts.get(id_, 0)]
        if wordpress.is_wordpress(reading.state.get("generator", "")):
            busy = [(wordpress.as_atom(address), id_, count) for address, id_, count in busy]
        return (found + busy)[:COMMENT_FEEDS]


def _windows(cursor: Cursor) -> tuple[Mapping[str, Any], ...]:
    return (cursor.get("main", {}), *cursor.get("comments", {}).values())


def _addresses(cursor: Cursor) -> dict[str, str]:
    """Id -> address of every post and comment that is remembered."""
    return {id_: kept[1] for window in _windows(cursor) for id_, kept in window.get("items", {}).items() if kept[1]}


def _standing(cursor: Cursor) -> set[str]:
    """Ids of what the feed and its comment feeds showed when they were last read."""
    return {id_ for window in _windows(cursor) for id_ in window.get("shown", ())}


def _instead(found: Found | None) -> str:
    if found is None:
        return "give the address of a feed; none is named by it, or where such sites have theirs"
    return f'it can be heard with kind = "{found.kind}" and url = "{shown(found.url)}", which {found.how}'


def _threaded(item: Item, post: str) -> Item:
    """A comment below the `post`, "" when that is not known: what it answers is another comment, or the post."""
    id_, parent = wordpress.comment_id(item.id), wordpress.comment_id(item.parent) or post
    root = post or item.root
    return replace(item, id=id_, parent=parent, root=root if root != parent else "")


def _with_few_articles(items: Sequence[Item], wanted: Container[str]) -> list[Item]:
    """As many as can be had without fetching more than AT_ONCE articles."""
    taken: list[Item] = []
    articles = 0
    for item in items:
        articles += item.id in wanted
        if articles > AT_ONCE:
            break
        taken.append(item)
    return taken
