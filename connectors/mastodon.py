"""Mastodon: hashtags, which need no account, and with a token the server's own search.

A hashtag is paged forward by min_id, which leaves no holes; the search is newest first and is paged by offset, for it
cuts min_id and max_id to whole seconds. Posts that come late from other servers get an older id, so what was written
during `overlap` is read again. A place: {"marks": [[when, newest id then], …], "at": the page under way}

With `stream` it stays on the line for a while after each reading, and hears what is written, edited and deleted under
the hashtags as it happens. Nothing rests on that: what the stream leaves out the next reading brings.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from connectors.api import address, document, is_gone, table
from connectors.contract import ConnectorError, Cursor, Dialect, Fix, Hearing, Page, from_env, from_house
from connectors.http import Answer, Web
from connectors.lanes import Place, Step, take_turn
from connectors.mastodon_parse import Found, closed, event_of, found_in, post_of, streaming_in, visible
from connectors.post import Post

DIALECT = Dialect(longest=256, either="", without="")
DEAF_TO = (
    "Mastodon: without a token only hashtags are heard",
    "Mastodon: a server shows what its own people wrote, follow or answer, not the whole network",
    "Mastodon: the search finds only posts whose authors have opted in, and shows nothing when it is down",
)
PAGE = 40
DEEPEST = 10_000 - PAGE  # the search goes no deeper
MARKS = 8  # in one overlap
MOST = 1_000  # events of one listening
LONGEST = timedelta(seconds=60)  # of one listening
ASK_AGAIN = timedelta(hours=6)  # what the server's settings are
ACCESS = "set MASTODON_TOKEN to a token with read access (Preferences > Development on your server)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    searches: tuple[str, ...] = from_house()
    token: str = from_env("MASTODON_TOKEN")
    api_url: str = "https://mastodon.social"
    hashtags: tuple[str, ...] = ()  # beside the words of the queries, each of which is a hashtag too
    search: bool = True  # full text as well; needs the token
    stream: bool = False  # listen to the hashtags after each reading; needs the token
    listen: timedelta = timedelta(seconds=20)  # how long
    history: timedelta = timedelta(days=7)  # how far back the first reading goes
    overlap: timedelta = timedelta(hours=2)


class MastodonConnector:
    def __init__(self, name: str, options: Options, web: Web):
        self.name = name
        self._options = options
        self._web = web
        self._host = urlsplit(options.api_url).hostname or ""
        self._key = {"Authorization": f"Bearer {options.token}"} if options.token else {}

    async def aclose(self) -> None:
        """The client belongs to everybody."""

    async def fetch(self, cursor: Cursor, now: datetime) -> Page:
        lanes = lanes_of(self._options)
        if wrong := [name for name in self._options.hashtags if not _hashtag(name)]:
            raise Fix(f"{self.name}: {wrong[0]!r} is no hashtag: only letters, digits and _; mend hashtags")
        if not lanes:
            raise Fix(f"{self.name}: there is no hashtag to follow; add hashtags, or {ACCESS}")
        if self._options.stream and not self._key:
            raise Fix(f"{self.name}: Mastodon streams to nobody without a login; {ACCESS}, or stream = false")
        settings = await self._settings(cursor.get("settings", {}), now)

        async def read(lane: str, place: Place) -> Step:
            return await (self._tag if lane.startswith("#") else self._search)(lane, place, now)

        page = await take_turn(lanes, cursor, now, read, self._options.overlap)
        page = replace(page, cursor={**page.cursor, "settings": settings})
        if page.more:
            return page
        page = self._with_what_is_hidden(page, settings, lanes)
        return await self._streamed(page, settings, lanes, now) if self._options.stream else page

    async def _streamed(self, page: Page, settings: Mapping[str, Any], lanes: Sequence[str], now: datetime) -> Page:
        """With what is said while we listen."""
        heard = _Heard(self.name, self._host)
        try:
            await self._web.listen(
                _streams_at(self._options.api_url, settings.get("streaming", "")),
                enough=heard,
                patience=min(self._options.listen, LONGEST).total_seconds(),
                now=now,
                headers=self._key,
                say=[
                    json.dumps({"type": "subscribe", "stream": "hashtag", "tag": tag[1:]})
                    for tag in lanes
                    if tag[0] == "#"
                ],
            )
        except ConnectorError as no:
            note = "; ".join(filter(None, (page.note, f"the stream could not be heard, only the timelines: {no}")))
            return replace(page, note=note, hearing=Hearing.TRUNCATED)
        return replace(page, posts=(*page.posts, *heard.posts.values()), gone=(*page.gone, *heard.gone))

    async def _settings(self, known: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
        """What the server hides is asked for now and then; an older server does not say, and nothing is claimed."""
        if now.timestamp() - known.get("asked", 0) < ASK_AGAIN.total_seconds():
            return known
        try:
            instance = document(await self._get("v2/instance"), now, access=ACCESS)
        except ConnectorError:
            return {"hidden": "", **known, "asked": int(now.timestamp())}
        hidden = closed(instance, signed_in=bool(self._key))
        return {"asked": int(now.timestamp()), "hidden": hidden, "streaming": streaming_in(instance)}

    def _with_what_is_hidden(self, page: Page, settings: Mapping[str, Any], lanes: Sequence[str]) -> Page:
        hidden = settings.get("hidden", "") if any(lane.startswith("#") for lane in lanes) else ""
        wordless = self._options.search and not self._key and any(searches_of(self._options))
        unsearched = "words are not searched for without a login: set MASTODON_TOKEN, or search = false"
        notes = [note for note in (page.note, hidden, unsearched if wordless else "") if note]
        return replace(page, note="; ".join(notes), hearing=Hearing.TRUNCATED if notes else page.hearing)

    async def _tag(self, lane: str, place: Place, now: datetime) -> Step:
        """Forward from what was seen an overlap ago; the first time backward, to the end of `history`."""
        at = place.get("at") or {"min": floor(place, now, self._options.overlap)}
        asked = {"limit": PAGE, "min_id": at.get("min") or None, "max_id": at.get("max")}
        found = await self._found(f"v1/timelines/tag/{quote(lane[1:], safe='', errors='replace')}", asked, now)
        if not at.get("min"):
            return self._backward(place, at, found, now, {"max": found.older})
        if not found.ids or found.newer == at["min"]:
            return self._done(place, at["min"] if "at" in place else "", "", found, now)
        return Step(place={**place, "at": {"min": found.newer}}, posts=found.posts, more=True, note=found.note)

    async def _search(self, lane: str, place: Place, now: datetime) -> Step:
        at = place.get("at") or {"offset": 0, "floor": floor(place, now, self._options.overlap)}
        asked = {"q": lane, "type": "statuses", "limit": PAGE, "offset": at["offset"], "min_id": at["floor"] or None}
        found = await self._found("v2/search", asked, now)
        offset = at["offset"] + len(found.ids)
        again = found.ids[:1] == (at.get("first"),)
        if found.ids and (offset > DEEPEST or again) and at["floor"] not in found.ids:
            all_there = again and len(found.ids) < PAGE  # it knows no offset, and needs none
            deaf = "" if all_there else f"{lane}: the search shows only its newest {at['offset']} posts"
            found = replace(found, note="; ".join(filter(None, (found.note, deaf))), ids=())
        on = {"offset": offset, "floor": at["floor"], "first": found.ids[0] if found.ids else ""}
        return self._backward(place, at, found, now, on)

    def _backward(
        self, place: Place, at: Mapping[str, Any], found: Found, now: datetime, on: Mapping[str, Any]
    ) -> Step:
        """A page of a reading that goes from the newest to the oldest."""
        top = at.get("top") or next(iter(found.ids), "")
        aged = at.get("aged") or next(
            (post.id for post in found.posts if _before(post, now, self._options.overlap)), ""
        )
        known = bool(at.get("floor")) and at["floor"] in found.ids
        old = not at.get("floor") and bool(found.posts) and _before(found.posts[-1], now, self._options.history)
        if not found.ids or known or old or on.get("max", "") == at.get("max"):
            return self._done(place, top, aged, found, now)
        on = {**on, "top": top, "aged": aged}
        return Step(place={**place, "at": on}, posts=found.posts, more=True, note=found.note)

    def _done(self, place: Place, top: str, aged: str, found: Found, now: datetime) -> Step:
        marks = marked(place.get("marks", []), top, aged, now, self._options.overlap)
        return Step(place={"marks": marks}, posts=found.posts, note=found.note)

    async def _found(self, path: str, asked: Mapping[str, Any], now: datetime) -> Found:
        answer = await self._get(path, asked)
        return found_in(document(answer, now, access=ACCESS), answer.headers.get("link", ""), self.name, self._host)

    async def _get(self, path: str, asked: Mapping[str, Any] | None = None) -> Answer:
        url = address(self._options.api_url, f"api/{path}", (asked or {}).items())
        return await self._web.try_get(url, headers=self._key)

    async def reread(self, ids: Sequence[str], cursor: Cursor, now: datetime) -> Page:
        posts: list[Post] = []
        gone: list[str] = []
        for id_ in ids:
            answer = await self._get(f"v1/statuses/{quote(id_, safe='', errors='replace')}")
            status = {} if is_gone(answer) else table(document(answer, now, access=ACCESS))
            if is_gone(answer) or not visible(status):
                gone.append(id_)
            elif post := post_of(status, self.name, self._host):
                posts.append(post)
        return Page(cursor=cursor, posts=tuple(posts), gone=tuple(gone))


class _Heard:
    """What one listening gathers; it is called with each message and says when it is enough."""

    def __init__(self, source: str, host: str):
        self.posts: dict[str, Post] = {}
        self.gone: list[str] = []
        self._source, self._host = source, host

    def __call__(self, text: str) -> bool:
        event = event_of(text, self._source, self._host)
        if event and event.gone:
            self.posts.pop(event.gone, None)
            self.gone.append(event.gone)
        elif event and event.post:
            self.posts[event.post.id] = event.post
        return len(self.posts) + len(self.gone) >= MOST


def subscription(tag: str) -> str:
    return json.dumps({"type": "subscribe", "stream": "hashtag", "tag": tag[1:]})


def _streams_at(api_url: str, told: str) -> str:
    """Where the server says it streams; but a key goes over no line that is less safe than the one it came by."""
    safe = told.startswith("wss://") or (told.startswith("ws://") and not api_url.startswith("https://"))
    return f"{(told if safe else api_url).rstrip('/')}/api/v1/streaming"


def lanes_of(options: Options) -> tuple[str, ...]:
    """Each hashtag, and each search when there is a token. Pure."""
    searches = [*searches_of(options)] if options.search and options.token else []
    return tuple(dict.fromkeys([*_hashtags(options), *searches]))


def searches_of(options: Options) -> Iterator[str]:
    """A search with an @ finds people, not posts."""
    yield from (search.lstrip("@") for search in options.searches if not search.startswith("#"))


def _hashtags(options: Options) -> Iterator[str]:
    yield from filter(None, map(_hashtag, (*options.hashtags, *options.searches)))


def _hashtag(name: str) -> str:
    """ "" when it cannot be one, as a phrase or a number cannot."""
    tag = name.strip().lstrip("#@").casefold()
    return f"#{tag}" if tag.replace("_", "").isalnum() and not tag.isdecimal() else ""


def floor(place: Mapping[str, Any], now: datetime, overlap: timedelta) -> str:
    """The newest id that was known an overlap ago; "" when there was none: then all of `history` is read. Pure."""
    marks = place.get("marks", [])
    return next(
        (id_ for when, id_ in reversed(marks) if when <= (now - overlap).timestamp()), marks[0][1] if marks else ""
    )


def marked(marks: Sequence[Any], top: str, aged: str, now: datetime, overlap: timedelta) -> list[Any]:
    """With a mark for now, unless there is a recent one; those before the overlap are not needed but for one. Pure."""
    if not marks:
        return [[(now - overlap).timestamp(), aged], [now.timestamp(), top]] if top else []
    grown = [*marks]
    if top and top != marks[-1][1] and now.timestamp() - marks[-1][0] >= overlap.total_seconds() / MARKS:
        grown.append([now.timestamp(), top])
    needed = sum(when <= (now - overlap).timestamp() for when, _ in grown) - 1
    return grown[max(needed, 0) :]


def _before(post: Post, now: datetime, span: timedelta) -> bool:
    return post.created is not None and post.created <= now - span
