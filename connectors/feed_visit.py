"""One fetch of a blog: what it gathers, and what is done with items wherever they were found."""

import asyncio
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urldefrag

from connectors.addresses import host_of
from connectors.article import extract, teasing
from connectors.aside import aside
from connectors.charset import decode
from connectors.contract import ConnectorError, Cursor, Hearing, Page
from connectors.http import Web
from connectors.item import Item
from connectors.post import NOBODY, Author, Post, PostKind
from connectors.window import Window

AT_ONCE = 25  # articles fetched for one page of posts
SUSPECTS = 5  # vanished items asked about in one poll


@dataclass(slots=True, kw_only=True)
class Visit:
    name: str  # of the source
    site: str  # for items without an address of their own
    articles: bool  # are they fetched, where the feed holds a teaser?
    web: Web
    state: dict[str, Any]  # the cursor, as it will be
    now: datetime
    posts: list[Post] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    more: bool = False
    wait: timedelta | None = None
    hearing: Hearing = Hearing.HEARD
    facts: dict[str, str] = field(default_factory=dict)

    def page(self) -> Page:
        return Page(
            cursor=self.state,
            posts=tuple(self.posts),
            gone=tuple(self.gone),
            more=self.more,
            wait=self.wait,
            hearing=self.hearing,
            note="; ".join(dict.fromkeys(self.notes)),
            facts=self.facts,
        )

    def missed(self, note: str) -> None:
        self.hearing = Hearing.TRUNCATED
        self.notes.append(note)

    async def take(self, items: Sequence[Item], window: Window, kind: PostKind) -> int:
        """Posts of what is new or changed, and how many had to be left for the next page."""
        news = [item for item in items if window.is_news(item)]
        wanted = {item.id for item in news if self._wants_article(item, kind)}
        handled = _with_few_articles(news, wanted)
        for item in handled:
            whole = await self._whole(item) if item.id in wanted else item
            self.posts.append(self._post(whole, kind))
            window.remember(item)
        window.note_threads(items)
        return len(news) - len(handled)

    def _wants_article(self, item: Item, kind: PostKind) -> bool:
        return self.articles and item.teaser and bool(item.link) and kind is PostKind.POST and teasing(item.text)

    async def _whole(self, item: Item) -> Item:
        try:
            answer = await self.web.get(item.link, now=self.now)
        except ConnectorError as error:
            self.notes.append(f"only the teaser of an article was read: {error}")
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
            site=host_of(item.link) if item.link else self.site,
            parent=item.parent,
            root=item.root,
        )

    async def look_for(self, items: Sequence[Item], window: Window) -> None:
        """What has vanished from among these is gone when its page says so."""
        for id_, link in window.suspects(items)[:SUSPECTS]:
            verdict = await deleted(self.web, link)
            if verdict is not None:
                window.forget(id_)
            if verdict:
                self.gone.append(id_)


async def deleted(web: Web, link: str) -> bool | None:
    """Is the page gone, or the anchor in it? None when it cannot be said, or not now."""
    address, anchor = urldefrag(link)
    if not address.startswith(("http://", "https://")):
        return None
    try:
        answer = await web.try_get(address)
    except ConnectorError:
        return None
    if answer.status in (404, 410):
        return True
    if answer.status != 200:
        return None
    return bool(anchor) and not await aside(answer.body, _has_anchor, answer.body, anchor)


def _has_anchor(page: bytes, anchor: str) -> bool:
    return re.search(rb"(?<![\w-])%b(?![\w-])" % re.escape(anchor.encode()), page) is not None


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


def addresses(cursor: Cursor) -> dict[str, str]:
    """Id -> address of every post and comment that is remembered."""
    return {id_: kept[1] for window in _windows(cursor) for id_, kept in window.get("items", {}).items() if kept[1]}


def standing(cursor: Cursor) -> set[str]:
    """Ids of what the feed and its comment feeds showed when they were last read."""
    return {id_ for window in _windows(cursor) for id_ in window.get("shown", ())}


def _windows(cursor: Cursor) -> tuple[Mapping[str, Any], ...]:
    return (cursor.get("main", {}), *cursor.get("comments", {}).values())
