"""YouTube, through its Data API (https://developers.google.com/youtube/v3): comments, and the videos they are under.

Comments cannot be searched, so channels and videos are followed: all comments a channel's videos get are one list,
newest first, a hundred for one of the day's 10,000 units. Searching for videos costs a hundred units; it is done only
when asked for. What is left of the day's units is spread over the rest of the day, and none is spent beyond.
A place: {"heard": when, "at": the page under way, "owed": [[thread, video, token], …] replies to read, "counts": …}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.api import address, document, table, words
from connectors.contract import Cursor, Dialect, Fix, Hearing, Page, Wait, from_env, from_house
from connectors.http import Web
from connectors.lanes import Place, Step, since, take_turn, tidy
from connectors.post import Post
from connectors.quota import today
from connectors.youtube_parse import (
    Refused,
    channel_in,
    comment_of,
    items_in,
    refusal,
    replies_in,
    threads_in,
    video_of,
)

DIALECT = Dialect(longest=400, either="|", without="-")
DEAF_TO = (
    "YouTube: comments cannot be searched: those under the channels and videos that are named, or found, are heard",
    "YouTube: a reply to a comment older than `overlap` is not heard, nor are live chat and what waits for approval",
)
PACIFIC = "America/Los_Angeles"  # where the day of the quota ends
DEAR = 100  # units of one search; all else costs one
REPLIES_AT_ONCE = 10
MOST_FOUND = 100  # videos found by searching that are followed at the same time
COUNTED = 300  # threads whose number of replies is remembered


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    searches: tuple[str, ...] = from_house()
    key: str = from_env("YOUTUBE_API_KEY")
    channels: tuple[str, ...] = ()  # @handles or ids (UC…)
    videos: tuple[str, ...] = ()  # ids
    search: bool = False  # look for videos by the words of the queries as well
    search_every: timedelta = timedelta(hours=6)
    follow: timedelta = timedelta(days=7)  # how long the comments of a found video are read
    units: int = 10_000  # of the quota, a day
    history: timedelta = timedelta(days=7)  # how far back the first reading goes
    overlap: timedelta = timedelta(hours=6)  # read again at every poll
    api_url: str = "https://www.googleapis.com/youtube/v3"


class YouTubeConnector:
    def __init__(self, name: str, options: Options, web: Web):
        self.name = name
        self._options = options
        self._web = web

    async def aclose(self) -> None:
        """The client belongs to everybody."""

    async def fetch(self, cursor: Cursor, now: datetime) -> Page:
        if not self._options.key:
            raise Fix(f"{self.name}: YouTube answers nobody without a key; set YOUTUBE_API_KEY")
        visit = self._visit(cursor, now)
        lanes = visit.lanes()
        if not lanes:
            raise Fix(f"{self.name}: there is nothing to follow; add channels, videos, or search = true")
        page = await take_turn(lanes, cursor, now, visit.read)
        return visit.closed(page, cursor)

    def _visit(self, cursor: Cursor, now: datetime) -> "_Visit":
        return _Visit(self.name, self._options, self._web, cursor, now)

    async def reread(self, ids: Sequence[str], cursor: Cursor, now: datetime) -> Page:
        visit = self._visit(cursor, now)
        videos, comments = [id_ for id_ in ids if "/" not in id_], [id_ for id_ in ids if "/" in id_]
        posts = [*await visit.videos(videos), *await visit.comments(comments)]
        there = {post.id for post in posts}
        gone = tuple(id_ for id_ in ids if id_ not in there)
        return Page(cursor={**cursor, "quota": visit.quota.dump()}, posts=tuple(posts), gone=gone)


class _Visit:
    """One fetch: what it spends is counted here and goes into the cursor."""

    def __init__(self, name: str, options: Options, web: Web, cursor: Cursor, now: datetime):
        self.name, self.options, self.web, self.now = name, options, web, now
        saved = cursor.get("quota", {})
        self.quota = today(saved, of=options.units, unit="units", zone=PACIFIC, now=now)
        self.before = self.quota.used
        known = cursor.get("channels", {})
        self.channels: dict[str, dict[str, str]] = {name: known[name] for name in options.channels if name in known}
        self.found = {video: until for video, until in cursor.get("found", {}).items() if until > now.timestamp()}

    async def ask(self, path: str, asked: Mapping[str, Any], cost: int = 1) -> Any:
        if self.quota.left < cost:
            said = f"{self.name}: {self.quota.used} of the day's {self.quota.of} units are used, which is all it may"
            raise Wait(said, until=self.quota.resets, hearing=Hearing.OUT_OF_BUDGET)
        self.quota = self.quota.spent(cost)
        url = address(self.options.api_url, path, asked.items())
        answer = await self.web.try_get(url, headers={"X-Goog-Api-Key": self.options.key})
        if answer.status != 200:
            raise refusal(answer, self.now, self.quota.resets)
        return document(answer, self.now, access="")

    async def _channel(self, name: str) -> Mapping[str, str]:
        """Its id, its list of uploads and its @handle are asked for once."""
        if name not in self.channels:
            which = {"forHandle": name} if name.startswith("@") else {"id": name}
            found = items_in(await self.ask("channels", {"part": "snippet,contentDetails", **which}), self.name)
            if not found:
                raise Fix(f"{self.name}: YouTube knows no channel {name}; write its @handle or its id (UC…)")
            self.channels[name] = channel_in(found[0], self.name)
        return self.channels[name]

    def lanes(self) -> list[str]:
        followed = [f"{what} {name}" for name in self.options.channels for what in ("comments", "uploads")]
        videos = dict.fromkeys((*self.options.videos, *self.found))
        searches = [f"search {words_}" for words_ in self.options.searches if self.options.search]
        return [*followed, *(f"video {video}" for video in videos), *searches]

    async def read(self, lane: str, place: Place) -> Step:
        kind, _, name = lane.partition(" ")
        if kind == "search":
            return await self._search(name, place)
        if kind == "uploads":
            return await self._uploads(name, place)
        if place.get("owed"):
            return await self._replies(place)
        return await self._threads(lane, place)

    async def _threads(self, lane: str, place: Place) -> Step:
        at = place.get("at") or self._beginning(place)
        kind, _, name = lane.partition(" ")
        of = (
            {"videoId": name}
            if kind == "video"
            else {"allThreadsRelatedToChannelId": (await self._channel(name))["id"]}
        )
        asked = {"part": "snippet,replies", "order": "time", "textFormat": "plainText", "maxResults": 100}
        try:
            answer = await self.ask("commentThreads", {**asked, **of, "pageToken": at.get("token")})
        except Refused as refused:
            return self._refused(refused, lane, place)
        found = threads_in(answer, self.name)
        owed, counts = _unread(found.unread, place.get("counts", {}))
        old = found.oldest is not None and found.oldest.timestamp() < at["floor"]
        done = old or not found.token
        on = {"heard": at["began"]} if done else {"heard": place.get("heard"), "at": {**at, "token": found.token}}
        on |= {"counts": counts, "owed": owed}
        return Step(place=tidy(on), posts=found.posts, more=not done or bool(owed), note=found.note)

    def _beginning(self, place: Place) -> Mapping[str, Any]:
        floor = since(place, self.now, self.options.history, self.options.overlap)
        return {"floor": floor, "began": self.now.timestamp()}

    def _refused(self, refused: Refused, lane: str, place: Place) -> Step:
        """A list that has moved under us is begun again; closed comments are said each time, of a found video once."""
        if refused.reason == "invalidPageToken" and "at" in place:
            return Step(place=tidy({**place, "at": None}), more=True)
        video = lane.removeprefix("video ")
        if video in self.found and video not in self.options.videos:
            del self.found[video]
            return Step(place={})
        if refused.reason == "commentsDisabled":
            return Step(place={**tidy({**place, "at": None}), "closed": True})
        raise refused

    async def _replies(self, place: Place) -> Step:
        posts: list[Post] = []
        now, later = place["owed"][:REPLIES_AT_ONCE], place["owed"][REPLIES_AT_ONCE:]
        for thread, video, token in now:
            asked = {"part": "snippet", "parentId": thread, "textFormat": "plainText", "maxResults": 100}
            try:
                answer = await self.ask("comments", {**asked, "pageToken": token or None})
            except Refused:
                continue  # the thread was deleted
            found = replies_in(answer, video, self.name)
            posts += found.posts
            later += [[thread, video, found.token]] if found.token else []
        return Step(place=tidy({**place, "owed": later}), posts=tuple(posts), more=bool(later) or "at" in place)

    async def _uploads(self, name: str, place: Place) -> Step:
        """Newest first, fifty at a time."""
        at = place.get("at") or self._beginning(place)
        asked = {
            "part": "snippet,contentDetails",
            "playlistId": (await self._channel(name))["uploads"],
            "maxResults": 50,
        }
        try:
            answer = await self.ask("playlistItems", {**asked, "pageToken": at.get("token")})
        except Refused as refused:
            if refused.reason == "playlistNotFound":  # a channel that has never shown anything
                return Step(place={"heard": at["began"]})
            return self._refused(refused, f"uploads {name}", place)
        posts = [post for item in items_in(answer, self.name) if (post := video_of(item, self.name, self._handles()))]
        token = words(answer.get("nextPageToken"))
        old = bool(posts) and posts[-1].created is not None and posts[-1].created.timestamp() < at["floor"]
        if old or not token:
            return Step(place={"heard": at["began"]}, posts=tuple(posts))
        return Step(place={**place, "at": {**at, "token": token}}, posts=tuple(posts), more=True)

    def _handles(self) -> dict[str, str]:
        return {known["id"]: known["handle"] for known in self.channels.values() if known["handle"]}

    async def _search(self, search: str, place: Place) -> Step:
        heard = place.get("heard")
        if heard and self.now.timestamp() - heard < self.options.search_every.total_seconds():
            return Step(place=place)
        after = datetime.fromtimestamp(self._beginning(place)["floor"], self.now.tzinfo)
        asked = {"part": "id", "type": "video", "order": "date", "maxResults": 50, "q": search}
        answer = await self.ask("search", {**asked, "publishedAfter": f"{after:%Y-%m-%dT%H:%M:%SZ}"}, DEAR)
        ids = [words(table(item.get("id")).get("videoId")) for item in items_in(answer, self.name)]
        posts = await self.videos([id_ for id_ in ids if id_])
        until = (self.now + self.options.follow).timestamp()
        self.found = dict([*self.found.items(), *((post.id, until) for post in posts)][-MOST_FOUND:])
        note = f"search {search}: more than 50 new videos, and only these were looked at"
        return Step(
            place={"heard": self.now.timestamp()}, posts=tuple(posts), note=note if answer.get("nextPageToken") else ""
        )

    async def videos(self, ids: Sequence[str]) -> list[Post]:
        """Those that are there."""
        found: list[Post] = []
        for start in range(0, len(ids), 50):
            asked = {"part": "snippet,statistics", "id": ",".join(ids[start : start + 50])}
            items = items_in(await self.ask("videos", asked), self.name)
            found += [post for item in items if (post := video_of(item, self.name, self._handles()))]
        return found

    async def comments(self, ids: Sequence[str]) -> list[Post]:
        """Those that are there."""
        found: list[Post] = []
        videos = {comment: video for video, _, comment in (id_.partition("/") for id_ in ids)}
        wanted = list(videos)
        for start in range(0, len(wanted), 50):
            asked = {"part": "snippet", "textFormat": "plainText", "id": ",".join(wanted[start : start + 50])}
            items = items_in(await self.ask("comments", asked), self.name)
            for item in items:
                post = comment_of(item, videos.get(words(item.get("id")), ""), self.name)
                found += [post] if post else []
        return found

    def closed(self, page: Page, cursor: Cursor) -> Page:
        """With what was spent, when there is enough for the next round, and whose comments are closed."""
        spent = cursor.get("round", 0) + self.quota.used - self.before
        kept = {"quota": self.quota.dump(), "channels": self.channels, "found": self.found}
        if page.more:
            return replace(page, cursor={**page.cursor, **kept, "round": spent})
        lanes: Mapping[str, Place] = page.cursor["lanes"]
        closed = [lane for lane, place in lanes.items() if place.get("closed")]
        page = replace(page, cursor={**page.cursor, **kept}, wait=self.quota.pace(spent, self.now))
        if not closed:
            return page
        note = "; ".join(filter(None, (page.note, f"comments are disabled: {', '.join(closed)}")))
        listened = [lane for lane in lanes if lane.startswith(("comments ", "video "))]
        hearing = Hearing.BLOCKED if len(closed) == len(listened) else Hearing.TRUNCATED
        return replace(page, hearing=hearing, note=note)


def _unread(unread: Sequence[tuple[str, str, int]], known: Mapping[str, int]) -> tuple[list[list[str]], dict[str, int]]:
    """Threads with more replies than shown, where their number has changed since; and the numbers to remember. Pure."""
    owed = [[thread, video, ""] for thread, video, count in unread if known.get(thread) != count]
    counts = {**known, **{thread: count for thread, _, count in unread}}
    return owed, dict(list(counts.items())[-COUNTED:])
