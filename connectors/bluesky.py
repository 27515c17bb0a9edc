"""Bluesky: the search, with a login, or the whole network's posts from Jetstream, without one.

The search is newest first and its cursor may end early; then the span below what it showed is asked for. The stream is
read in pieces: each fetch goes on a few seconds before the last message heard, and when the stream has no such message
any more, what lies between is said to be lost. Cursors: lanes of {"heard", "at"}; or {"time_us", "seen"}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.api import address, document
from connectors.bluesky_login import ACCESS, Login
from connectors.bluesky_parse import POSTS, Event, Found, at, event_of, found_in, microseconds
from connectors.contract import Cursor, Dialect, Fix, Hearing, Page, Wait, from_env, from_house
from connectors.http import Answer, Web
from connectors.lanes import Place, Step, take_turn
from connectors.post import Post

DIALECT = Dialect(longest=256, either="", without="")
DEAF_TO = (
    "Bluesky: with the search, a post dated back further than `overlap` is not heard; with the stream it is",
    "Bluesky: the stream is kept for 36 hours; a longer silence of ours leaves a hole, which is said",
)
PAGE = 100
AT_ONCE = 25  # posts of one getPosts
MOST = 2_000  # messages of the stream in one page, beside those heard again
REWIND = 5_000_000  # microseconds heard again
LATE = 60_000_000  # microseconds that are more than a pause: a hole, or a stream that has not caught up


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    searches: tuple[str, ...] = from_house()
    handle: str = from_env("BLUESKY_HANDLE")
    password: str = from_env("BLUESKY_APP_PASSWORD")
    api_url: str = "https://bsky.social"
    public_url: str = "https://public.api.bsky.app"  # where posts are looked at again without a login
    firehose: bool = False  # every post there is, without a login
    stream_url: str = "wss://jetstream2.us-east.bsky.network/subscribe"
    listen: timedelta = timedelta(seconds=5)  # at most, for one page of the stream
    history: timedelta = timedelta(days=7)  # how far back the first search goes
    overlap: timedelta = timedelta(hours=1)


class BlueskyConnector:
    def __init__(self, name: str, options: Options, web: Web):
        self.name = name
        self._options = options
        self._web = web
        known = bool(options.handle and options.password)
        self._login = Login(options.api_url, options.handle, options.password, web) if known else None

    async def aclose(self) -> None:
        """The client belongs to everybody."""

    async def fetch(self, cursor: Cursor, now: datetime) -> Page:
        if self._options.firehose:
            return await self._stream(cursor, now)
        if not self._login:
            raise Fix(f"{self.name}: searching Bluesky needs a login; {ACCESS}, or write firehose = true")
        if not self._options.searches:
            raise Fix(f"{self.name}: no brand's query has a word Bluesky can be searched for; add one")

        async def read(search: str, place: Place) -> Step:
            return await self._search(search, place, now)

        return await take_turn(self._options.searches, cursor, now, read, self._options.overlap)

    async def _search(self, search: str, place: Place, now: datetime) -> Step:
        going = place.get("at") or self._span(place, now)
        asked = [("q", search.lstrip("@")), ("sort", "latest"), ("limit", PAGE), ("since", going["since"])]
        asked += [("until", going.get("until")), ("cursor", going.get("cursor") or None)]
        answer = await self._ask("app.bsky.feed.searchPosts", asked, now)
        found = found_in(document(answer, now, access=ACCESS), self.name)
        on, lost = span_after(found, going)
        note = "; ".join(filter(None, (found.note, lost)))
        place = {**place, "at": on} if on else {"heard": going["to"]}
        return Step(place=place, posts=found.posts, more=bool(on), note=note)

    def _span(self, place: Place, now: datetime) -> dict[str, Any]:
        heard = datetime.fromtimestamp(place["heard"], UTC) if "heard" in place else None
        since = heard - self._options.overlap if heard else now - self._options.history
        return {"since": stamp(since), "to": now.timestamp()}

    async def _ask(self, path: str, asked: Sequence[tuple[str, Any]], now: datetime) -> Answer:
        if self._login:
            return await self._login.get(path, asked, now)
        return await self._web.try_get(address(self._options.public_url, f"xrpc/{path}", asked))

    async def _stream(self, cursor: Cursor, now: datetime) -> Page:
        known = cursor.get("time_us") or microseconds(now)
        heard = Heard(known=known, source=self.name)
        try:
            await self._listen(heard, known - REWIND, now)
        except Fix:
            if not cursor.get("seen"):
                raise
            heard = Heard(known=known, source=self.name, outdated=True)  # perhaps it only does not go back that far
            await self._listen(heard, None, now)
        if heard.ended and not heard.first:
            raise Wait(f"{self.name}: the stream ended at once ({heard.ended}); tried again later")
        if cursor.get("seen") and not heard.first:
            raise Wait(f"{self.name}: the stream sent nothing, not even what we had heard before; tried again later")
        return page_of(heard, seen=bool(cursor.get("seen")), now=now)

    async def _listen(self, heard: "Heard", since: int | None, now: datetime) -> None:
        base, second = self._options.stream_url, self._options.stream_url.rstrip("/").endswith("subscribeEvents")
        wanted = [("collections", POSTS), ("kinds", "commit")] if second else [("wantedCollections", POSTS)]
        url = address(base, "", [*wanted, ("cursor", since)])
        await self._web.listen(url, enough=heard, patience=self._options.listen.total_seconds(), now=now)

    async def reread(self, ids: Sequence[str], cursor: Cursor, now: datetime) -> Page:
        posts: list[Post] = []
        gone: list[str] = []
        for first in range(0, len(ids), AT_ONCE):
            some = ids[first : first + AT_ONCE]
            answer = await self._ask("app.bsky.feed.getPosts", [("uris", id_) for id_ in some], now)
            shown = document(answer, now, access=ACCESS)
            found = found_in(shown, self.name, by_did=self._options.firehose)
            there = {post.id for post in found.posts}
            posts += found.posts
            gone += [] if found.note else [id_ for id_ in some if id_ not in there]  # what cannot be read is not gone
        return Page(cursor=cursor, posts=tuple(posts), gone=tuple(gone))


def span_after(found: Found, going: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """What of a span of time is to be asked for next, {} when nothing; and what of it cannot be shown. Pure.

    `shown` counts what the cursor has led through; a cursor that ends after a full page may have ended early.
    """
    shown, until, empty = going.get("shown", 0) + found.total, going.get("until", ""), not found.total
    inside = (time for time in map(stamp, reversed(found.times)) if time >= going["since"])
    oldest = next(inside, going.get("oldest", ""))
    if found.cursor and found.cursor != going.get("cursor") and not (empty and going.get("empty")):
        return {**going, "cursor": found.cursor, "shown": shown, "oldest": oldest, "empty": empty}, ""
    if shown < PAGE or not oldest or (until and oldest >= until):
        return {}, ""
    rest = {"since": going["since"], "to": going["to"]}
    below = _after(oldest)
    if not until or below < until:
        return {**rest, "until": below}, ""
    return {**rest, "until": oldest}, f"{shown} posts and perhaps more were written at {oldest}, and not all are shown"


def stamp(time: datetime) -> str:
    """As the search wants it; as texts they stand in the order of time. Pure."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _after(time: str) -> str:
    return stamp(datetime.fromisoformat(time) + timedelta(milliseconds=1))


@dataclass(slots=True)
class Heard:
    """What one listening gathers; it is called with each message and says when it is enough."""

    known: int  # microseconds: how far was heard before
    source: str
    outdated: bool = False
    ended: str = ""
    first: int = 0
    last: int = 0
    news: int = 0  # messages after `known`
    unreadable: int = 0
    events: list[Event] = field(default_factory=list)  # those of posts

    def __call__(self, text: str) -> bool:
        event = event_of(text, self.source)
        if event is None:
            self.unreadable += 1
        elif event.time_us:
            self.first, self.last = self.first or event.time_us, max(self.last, event.time_us)
            self.news += event.time_us > self.known
            self.events += [event] if event.id else []
        else:
            self.outdated, self.ended = self.outdated or event.outdated, event.ended
        return bool(self.ended) or self.news >= MOST or len(self.events) + self.unreadable >= 10 * MOST


def page_of(heard: Heard, *, seen: bool, now: datetime) -> Page:
    """`seen`: a message at `known` was heard, so the stream should have sent it again. Pure."""
    reached = max(heard.last, heard.known) if seen else heard.last or heard.known
    latest = {event.id: event.post for event in heard.events}
    notes = [_hole(heard)] if seen else []
    notes += [f"{heard.unreadable} messages could not be read and were left out"] if heard.unreadable else []
    notes = [note for note in notes if note]
    behind = heard.last > heard.known and microseconds(now) - heard.last > LATE
    return Page(
        cursor={"time_us": min(reached, microseconds(now) + LATE), "seen": seen or bool(heard.first)},
        posts=tuple(post for post in latest.values() if post),
        gone=tuple(id_ for id_, post in latest.items() if post is None),
        more=heard.news >= MOST or behind,
        hearing=Hearing.TRUNCATED if notes else Hearing.HEARD,
        note="; ".join(notes),
    )


def _hole(heard: Heard) -> str:
    """The first wire goes back as far as it can and says nothing: then its first message is far too young."""
    pause = heard.first - heard.known
    if pause <= 0 or (pause <= LATE and not heard.outdated):
        return ""
    return f"the stream no longer had what was written from {_shown(heard.known)} to {_shown(heard.first)}"


def _shown(time_us: int) -> str:
    time = at(time_us)
    return f"{time:%Y-%m-%d %H:%M:%S} UTC" if time else "an unknown time"
