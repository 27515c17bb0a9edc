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

from connectors.api import table, words
from connectors.contract import Cursor, Dialect, Fix, Hearing, Page, from_env, from_house
from connectors.http import Web
from connectors.lanes import Place, Step, since, take_turn, tidy
from connectors.post import Post
from connectors.quota import today
from connectors.youtube_api import Api
from connectors.youtube_parse import Refused, items_in, replies_in, threads_in, video_of

DIALECT = Dialect(longest=400, either="|", without="-")
DEAF_TO = (
    "YouTube: comments cannot be searched: those under the channels and videos that are named, or found, are heard",
    "YouTube: a reply to a comment older than `overlap` is not heard, nor are live chat and what waits for approval",
)
PACIFIC = "America/Los_Angeles"  # where the day of the quota ends
DEAR = 100  # units of one search; all else costs one
KEPT = 10  # the part of the units, a tenth, that no search may touch
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
        visit = _Visit(self._api(cursor, now), self._options, cursor)
        lanes = visit.lanes()
        if not lanes:
            raise Fix(f"{self.name}: there is nothing to follow; add channels, videos, or search = true")
        page = await take_turn(lanes, cursor, now, visit.read, self._options.overlap)
        return visit.closed(page, cursor)

    def _api(self, cursor: Cursor, now: datetime) -> Api:
        known, options = cursor.get("channels", {}), self._options
        return Api(
            name=self.name,
            web=self._web,
            url=options.api_url,
            key=options.key,
            quota=today(cursor.get("quota", {}), of=options.units, unit="units", zone=PACIFIC, now=now),
            channels={name: known[name] for name in options.channels if name in known},
            now=now,
        )

    async def reread(self, ids: Sequence[str], cursor: Cursor, now: datetime) -> Page:
        api = self._api(cursor, now)
        videos, comments = [id_ for id_ in ids if "/" not in id_], [id_ for id_ in ids if "/" in id_]
        posts = [*await api.videos(videos), *await api.comments(comments)]
        there = {post.id for post in posts}
        gone = tuple(id_ for id_ in ids if id_ not in there)
        return Page(cursor={**cursor, "quota": api.quota.dump()}, posts=tuple(posts), gone=gone)


class _Visit:
    """One fetch. `searched` are the units that went into searches: they do not set the pace of the polls."""

    def __init__(self, api: Api, options: Options, cursor: Cursor):
        self.api, self.options, self.now = api, options, api.now
        self.before, self.searched = api.quota.used, 0
        self.found = {video: until for video, until in cursor.get("found", {}).items() if until > api.now.timestamp()}

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
        where = "videoId" if kind == "video" else "allThreadsRelatedToChannelId"
        of = {where: name if kind == "video" else (await self.api.channel(name))["id"]}
        asked = {"part": "snippet,replies", "order": "time", "textFormat": "plainText", "maxResults": 100}
        try:
            answer = await self.api.ask("commentThreads", {**asked, **of, "pageToken": at.get("token")})
        except Refused as refused:
            return self._refused(refused, lane, place)
        found = threads_in(answer, self.api.name)
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
            return Step(place={**tidy({**place, "at": None}), "closed": True}, asked=False)
        raise refused

    async def _replies(self, place: Place) -> Step:
        posts: list[Post] = []
        now, later = place["owed"][:REPLIES_AT_ONCE], place["owed"][REPLIES_AT_ONCE:]
        for thread, video, token in now:
            asked = {"part": "snippet", "parentId": thread, "textFormat": "plainText", "maxResults": 100}
            try:
                answer = await self.api.ask("comments", {**asked, "pageToken": token or None})
            except Refused:
                continue  # the thread was deleted
            found = replies_in(answer, video, self.api.name)
            posts += found.posts
            later += [[thread, video, found.token]] if found.token else []
        return Step(place=tidy({**place, "owed": later}), posts=tuple(posts), more=bool(later) or "at" in place)

    async def _uploads(self, name: str, place: Place) -> Step:
        """Newest first, fifty at a time."""
        at = place.get("at") or self._beginning(place)
        asked = {
            "part": "snippet,contentDetails",
            "playlistId": (await self.api.channel(name))["uploads"],
            "maxResults": 50,
        }
        try:
            answer = await self.api.ask("playlistItems", {**asked, "pageToken": at.get("token")})
        except Refused as refused:
            if refused.reason == "playlistNotFound":  # a channel that has never shown anything
                return Step(place={"heard": at["began"]})
            return self._refused(refused, f"uploads {name}", place)
        found = (video_of(item, self.api.name, self.api.handles()) for item in items_in(answer, self.api.name))
        posts = [post for post in found if post]
        token = words(answer.get("nextPageToken"))
        old = bool(posts) and posts[-1].created is not None and posts[-1].created.timestamp() < at["floor"]
        if old or not token:
            return Step(place={"heard": at["began"]}, posts=tuple(posts))
        return Step(place={**place, "at": {**at, "token": token}}, posts=tuple(posts), more=True)

    async def _search(self, search: str, place: Place) -> Step:
        heard = place.get("heard")
        if heard and self.now.timestamp() - heard < self.options.search_every.total_seconds():
            return Step(place=place, asked=False)
        if self.api.quota.left < DEAR + self.options.units // KEPT:
            left = f"{self.api.quota.left} units are left of the day and kept for comments"
            return Step(place=place, note=f"search {search}: put off, since {left}", asked=False)
        after = datetime.fromtimestamp(self._beginning(place)["floor"], self.now.tzinfo)
        asked = {"part": "id", "type": "video", "order": "date", "maxResults": 50, "q": search}
        answer = await self.api.ask("search", {**asked, "publishedAfter": f"{after:%Y-%m-%dT%H:%M:%SZ}"}, DEAR)
        ids = [words(table(item.get("id")).get("videoId")) for item in items_in(answer, self.api.name)]
        posts = await self.api.videos([id_ for id_ in ids if id_])
        until = (self.now + self.options.follow).timestamp()
        self.searched += DEAR
        self.found = dict([*self.found.items(), *((post.id, until) for post in posts)][-MOST_FOUND:])
        note = f"search {search}: more than 50 new videos, and only these were looked at"
        return Step(
            place={"heard": self.now.timestamp()}, posts=tuple(posts), note=note if answer.get("nextPageToken") else ""
        )

    def closed(self, page: Page, cursor: Cursor) -> Page:
        """With what was spent, when there is enough for the next round, and whose comments are closed."""
        spent = cursor.get("round", 0) + self.api.quota.used - self.before - self.searched
        kept = {"quota": self.api.quota.dump(), "channels": self.api.channels, "found": self.found}
        if page.more:
            return replace(page, cursor={**page.cursor, **kept, "round": spent})
        lanes: Mapping[str, Place] = page.cursor["lanes"]
        closed = [lane for lane, place in lanes.items() if place.get("closed")]
        wait = self.api.quota.pace(spent, self.now, self._for_searches())
        page = replace(page, cursor={**page.cursor, **kept}, wait=wait)
        if not closed:
            return page
        note = "; ".join(filter(None, (page.note, f"comments are disabled: {', '.join(closed)}")))
        listened = [lane for lane in lanes if lane.startswith(("comments ", "video "))]
        hearing = Hearing.BLOCKED if len(closed) == len(listened) else Hearing.TRUNCATED
        return replace(page, hearing=hearing, note=note)

    def _for_searches(self) -> int:
        """Units the day's further searches will take; half of what is left at most."""
        searches = len(self.options.searches) if self.options.search else 0
        rounds = (self.api.quota.resets - self.now) // self.options.search_every
        return min(searches * rounds * DEAR, self.api.quota.left // 2)


def _unread(unread: Sequence[tuple[str, str, int]], known: Mapping[str, int]) -> tuple[list[list[str]], dict[str, int]]:
    """Threads with more replies than shown, where their number has changed since; and the numbers to remember. Pure."""
    owed = [[thread, video, ""] for thread, video, count in unread if known.get(thread) != count]
    counts = {**known, **{thread: count for thread, _, count in unread}}
    return owed, dict(list(counts.items())[-COUNTED:])
