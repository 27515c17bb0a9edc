"""Forums that run on Discourse: every new post of the forum, or, where that is too much, what its search finds.

Posts are read from the newest back to the number that was reached, by their numbers and never by their dates. An older
Discourse shows a window of fifty numbers, which may be empty, a newer one the next fifty posts; both are walked.
A place of the posts: {"top": highest number read, "topics": {topic: its first post}, "at": the reading under way};
of a search: {"heard": when, "seen": [numbers], "at": the reading under way, "pending": [numbers still to be read]}
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from connectors.api import address, document, is_gone, table, whole, words
from connectors.contract import ConnectorError, Cursor, Dialect, Fix, Page, from_env, from_house
from connectors.discourse_parse import (
    Found,
    Topic,
    hidden_from_us,
    hits_in,
    newest_in,
    post_of,
    refusal,
    topic_in,
    visible,
)
from connectors.http import Answer, Web
from connectors.lanes import Place, Step, since, take_turn, tidy
from connectors.post import Post

DIALECT = Dialect(longest=200, either="", without="")
DEAF_TO = (
    "Discourse: private messages and categories the public cannot see are not heard, nor chat",
    "Discourse: which post a reply answers is known only when both are near each other; else it hangs under its topic",
)
EVERYTHING = "posts"  # the lane that reads all
WINDOW = 50  # posts of a page, and numbers of a window
DEEPEST = 10  # pages of one search
EMPTIES = 20  # windows without a post, after which nothing older is expected
PENDING = 20  # posts read one by one in a step
TOPICS = 500  # whose first post is remembered
BURST, PAUSE = 10, 0.3  # requests at full speed, then seconds between two: a forum allows 200 a minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    url: str  # of the forum
    searches: tuple[str, ...] = from_house()
    key: str = from_env("DISCOURSE_API_KEY")
    user: str = ""  # whose key it is
    search: bool = False  # only what the words of the queries find, instead of every post
    history: timedelta = timedelta(days=7)  # how far back the first reading goes
    overlap: timedelta = timedelta(hours=1)  # of a search: read again at every poll


class DiscourseConnector:
    def __init__(self, name: str, options: Options, web: Web):
        self.name = name
        self._options = options
        self._web = web
        self._base = options.url.rstrip("/")
        self._key = {"Api-Key": options.key, "Api-Username": options.user or "system"} if options.key else {}

    async def aclose(self) -> None:
        """The client belongs to everybody."""

    async def fetch(self, cursor: Cursor, now: datetime) -> Page:
        lanes = self._options.searches if self._options.search else (EVERYTHING,)
        if not lanes:
            raise Fix(f"{self.name}: no brand's query has a word the forum can be searched for; set search = false")

        async def read(lane: str, place: Place) -> Step:
            return await (self._search(lane, place, now) if self._options.search else self._posts(place, now))

        return await take_turn(lanes, cursor, now, read)

    async def _posts(self, place: Place, now: datetime) -> Step:
        at = place.get("at") or {"floor": max(place["top"] - WINDOW + 1, 0) if "top" in place else 0}
        found = newest_in(await self._ask("posts.json", {"before": at.get("before")}, now), self.name)
        if not found.ids and "before" not in at and place.get("top"):
            return Step(place=place, note="the forum shows no post any more: was it closed to visitors?")
        firsts = await self._firsts(found.items, place.get("topics", {}), now)
        posts = tuple(self._read(found.items, topics_of(found.items, firsts)))
        known = {"topics": dict(list(firsts.items())[-TOPICS:])}
        on = following(at, found)
        if self._read_down(place, on, posts, now):
            top = max(on["top"], place.get("top", 0))
            return Step(place={"top": top, **known}, posts=posts, note=found.note)
        return Step(place={**place, **known, "at": on}, posts=posts, more=True, note=found.note)

    def _read_down(self, place: Place, on: Mapping[str, Any], posts: Sequence[Post], now: datetime) -> bool:
        """To what is known, or the first time to the end of `history` or of what there is."""
        if on["before"] <= max(on["floor"], 1):
            return True
        oldest = posts[-1].created if posts else None
        old = oldest is not None and oldest < now - self._options.history
        return "top" not in place and (old or on["empty"] > EMPTIES)

    async def _firsts(
        self, items: Sequence[Mapping[str, Any]], known: Mapping[str, str], now: datetime
    ) -> dict[str, str]:
        """Topic -> the post that began it; of an older topic it is asked for, once."""
        begun = {words(item.get("topic_id")): words(item.get("id")) for item in items if item.get("post_number") == 1}
        firsts = {**known, **begun}
        unknown = dict.fromkeys(topic for item in items if (topic := words(item.get("topic_id"))) not in firsts)
        for count, topic in enumerate(filter(None, unknown)):
            await _unhurried(count)
            firsts[topic] = (await self._topic(topic, now)).first
        return firsts

    async def _topic(self, id_: str, now: datetime) -> Topic:
        """A topic that is not shown leaves its posts without a root, and nothing worse."""
        answer = await self._get(f"t/{quote(id_, safe='')}.json", {})
        if answer.status in (403, 404, 410):
            return Topic(title="", first="")
        return topic_in(self._document(answer, now))

    def _read(self, items: Sequence[Mapping[str, Any]], topics: Mapping[str, Topic]) -> Iterable[Post]:
        numbers = {
            (words(item.get("topic_id")), whole(item.get("post_number")) or 0): words(item.get("id")) for item in items
        }
        for item in items:
            topic = topics.get(words(item.get("topic_id")), Topic(title="", first=""))
            if post := post_of(item, self.name, self._base, topic, numbers):
                yield post

    async def _search(self, search: str, place: Place, now: datetime) -> Step:
        if pending := place.get("pending"):
            posts, _ = await self._by_number(pending[:PENDING], now)
            on = {**place, "pending": pending[PENDING:]}
            return Step(place=tidy(on), posts=tuple(posts), more=bool(on["pending"]) or "at" in place)
        at = place.get("at") or self._beginning(place, now)
        hits = hits_in(
            await self._ask("search.json", {"q": f"{search} order:latest", "page": at["page"]}, now), self.name
        )
        seen = set(place.get("seen", []))
        fresh = [id_ for id_, _ in hits.hits if id_ not in seen]
        old = any(when and when.timestamp() < at["floor"] for _, when in hits.hits)
        kept = {"seen": [*place.get("seen", []), *fresh][-WINDOW * DEEPEST :], "pending": fresh}
        if not old and hits.more and at["page"] < DEEPEST:
            on = {**place, **kept, "at": {**at, "page": at["page"] + 1}}
            return Step(place=tidy(on), more=True)
        deaf = f"{search}: the forum's search shows only its newest {DEEPEST * WINDOW} posts"
        on = tidy({**kept, "heard": at["began"]})
        return Step(place=on, more=bool(fresh), note=deaf if not old and hits.more else "")

    def _beginning(self, place: Place, now: datetime) -> Mapping[str, Any]:
        floor = since(place, now, self._options.history, self._options.overlap)
        return {"page": 1, "floor": floor, "began": now.timestamp()}

    async def reread(self, ids: Sequence[str], cursor: Cursor, now: datetime) -> Page:
        posts, gone = await self._by_number(ids, now)
        return Page(cursor=cursor, posts=tuple(posts), gone=tuple(gone))

    async def _by_number(self, ids: Sequence[str | int], now: datetime) -> tuple[list[Post], list[str]]:
        """One by one, unhurried; a post does not say what its topic is called, so that is asked too."""
        posts: list[Post] = []
        gone: list[str] = []
        topics: dict[str, Topic] = {}
        for count, id_ in enumerate(ids):
            await _unhurried(count + len(topics))
            answer = await self._get(f"posts/{quote(str(id_), safe='')}.json", {})
            raw = {} if is_gone(answer) or hidden_from_us(answer) else table(self._document(answer, now))
            if not raw or not visible(raw):
                gone.append(str(id_))
                continue
            topic = words(raw.get("topic_id"))
            if topic not in topics:
                topics[topic] = await self._topic(topic, now)
            posts += self._read([raw], topics)
        return posts, gone

    async def _ask(self, path: str, asked: Mapping[str, Any], now: datetime) -> Any:
        return self._document(await self._get(path, asked), now)

    async def _get(self, path: str, asked: Mapping[str, Any]) -> Answer:
        return await self._web.try_get(address(self._base, path, asked.items()), headers=self._key)

    def _document(self, answer: Answer, now: datetime) -> Any:
        if answer.status != 200 or answer.url.endswith("/login"):
            raise self._refusal(answer, now)
        return document(answer, now, access="")

    def _refusal(self, answer: Answer, now: datetime) -> ConnectorError:
        access = "set DISCOURSE_API_KEY to a key its owner gives you, and user to whose it is"
        return refusal(answer, now, self._base, access)


async def _unhurried(count: int) -> None:
    if count >= BURST:
        await asyncio.sleep(PAUSE)


def topics_of(items: Sequence[Mapping[str, Any]], firsts: Mapping[str, str]) -> dict[str, Topic]:
    """Of the posts of a page, which name their topic's title. Pure."""
    titles = {words(item.get("topic_id")): words(item.get("topic_title")) for item in items}
    return {topic: Topic(title=title, first=firsts.get(topic, "")) for topic, title in titles.items()}


def following(at: Mapping[str, Any], found: Found) -> dict[str, Any]:
    """Below the lowest number of this page or, where that brings nothing new, a window further down. Pure."""
    before, lowest = at.get("before"), min(found.ids, default=0)
    top = max(at.get("top", 0), *found.ids) if found.ids else at.get("top", 0)
    if found.ids and (before is None or lowest < before):
        return {**at, "before": lowest, "top": top, "empty": 0}
    return {**at, "before": max((before or 0) - WINDOW, 0), "top": top, "empty": at.get("empty", 0) + 1}
