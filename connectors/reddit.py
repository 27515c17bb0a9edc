"""Reddit: new posts and comments of named subreddits, and posts by word, through its API or, without a key, its RSS.

Each listing is a lane (connectors/lanes.py) and is walked until it meets what is known (connectors/reddit_walk.py).
Subreddits are read together, r/a+b+c; one that is shut is said by name and left out, and the others are heard.
The cursor: that of the lanes, "subs", "watch" (connectors/reddit_lanes.py) and "rest", until when nothing is asked.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.contract import (
    Broken,
    ConnectorError,
    Cursor,
    Dialect,
    Fix,
    Hearing,
    Page,
    Wait,
    from_env,
    from_house,
)
from connectors.http import Web
from connectors.lanes import Place, Step, take_turn
from connectors.reddit_api import Access, Api, NotApproved, Shut, agent
from connectors.reddit_lanes import Lane, Turn, lanes_of, misnamed
from connectors.reddit_parse import Listing, fullname, listing_of, number
from connectors.reddit_rss import Rss
from connectors.reddit_walk import PAGE, Bounds, asked, chunk_of, due, walked

DIALECT = Dialect(longest=512, without="NOT ", fields={"author": "author:", "title": "title:"})
DEAF_TO = (
    "Reddit: private, quarantined and banned subreddits are not heard; chats and private messages are never read",
    "Reddit: the search finds posts, not comments: comments are heard in the subreddits that are named",
    "Reddit: without an approved key only its RSS is read, where edits and deletions do not show",
)
TOO_MANY = 10  # posts that are all missing at once: the answer is wrong, not the posts are gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    searches: tuple[str, ...] = from_house()
    client_id: str = from_env("REDDIT_CLIENT_ID")
    client_secret: str = from_env("REDDIT_CLIENT_SECRET")
    subreddits: tuple[str, ...] = ()
    comments: bool = True  # of these subreddits
    search: bool = True  # in these subreddits, for the words of the queries
    search_all: bool = False  # in all of Reddit instead
    rss: bool = False  # read RSS, which needs no key; so it is without one
    account: str = ""  # whom Reddit may write to about this reader: your Reddit name
    history: timedelta = timedelta(days=7)  # how far back the first reading goes
    overlap: timedelta = timedelta(hours=1)  # read again at every poll
    most_ids: int = 20_000  # that are asked for by number, when a listing was cut
    reddit_url: str = "https://www.reddit.com"
    oauth_url: str = "https://oauth.reddit.com"


class RedditConnector:
    def __init__(self, name: str, options: Options, web: Web):
        self.name = name
        self._options = options
        self._bounds = Bounds(history=options.history, overlap=options.overlap)
        self._lanes = {lane.key: lane for lane in lanes_of(options)}
        self._subs = tuple(dict.fromkeys(sub for lane in self._lanes.values() for sub in lane.subs))
        self._misnamed = [f'"{name}" is no name of a subreddit' for name in misnamed(options.subreddits)]
        access = Access(
            reddit_url=options.reddit_url,
            oauth_url=options.oauth_url,
            agent=agent(options.account),
            client_id=options.client_id,
            client_secret=options.client_secret,
        )
        self._api = Api(access)
        keyless = options.rss or not (options.client_id or options.client_secret)
        self._rss = Rss(name, self._lanes, access, web) if keyless else None

    async def aclose(self) -> None:
        self._api.close()

    async def fetch(self, cursor: Cursor, now: datetime) -> Page:
        if not self._lanes:
            problems = "; ".join([*self._misnamed, "name subreddits, or set search_all = true"])
            raise Fix(f"{self.name}: there is nothing to read on Reddit: {problems}")
        if self._rss:
            return _with_notes(await self._rss.fetch(cursor, now), self._misnamed)
        _let_rest(cursor, now)
        turn = Turn.begin(cursor, self._subs, now)
        try:
            page = await self._take_turn(cursor, turn)
        except NotApproved as no:
            raise Fix(f"{self.name}: {no}") from None
        return page if page.more else _with_notes(page, [*self._misnamed, *turn.shut(), *turn.notes])

    async def _take_turn(self, cursor: Cursor, turn: Turn) -> Page:
        async def read(key: str, place: Place) -> Step:
            return await self._read(self._lanes[key], place, turn)

        page = await take_turn(tuple(self._lanes), cursor, turn.now, read)
        if not page.more:
            await self._close_round(turn)
        return replace(
            page,
            cursor={**page.cursor, **turn.kept()},
            posts=(*page.posts, *turn.posts),
            gone=tuple(turn.gone),
            wait=turn.rest,
        )

    async def _read(self, lane: Lane, place: Place, turn: Turn) -> Step:
        if "hole" in place:
            return await self._fill(lane, place, turn)
        page = await self._listing(lane, asked(place), turn)
        turn.heard(page, lane.subs)
        went = walked(place, page, turn.now, self._bounds)
        deaf = self._unfillable(lane, went.place["hole"]) if "hole" in went.place else None
        place = went.place if deaf is None else _without_hole(went.place)
        notes = (page.note, went.note, deaf)
        return Step(
            place=place,
            posts=page.posts,
            more=went.more and deaf is None,
            note="; ".join(f"{lane.key}: {note}" for note in notes if note),
        )

    def _unfillable(self, lane: Lane, hole: Sequence[int]) -> str | None:
        """Why a hole stays one; None when it can be filled. What a search left out in a subreddit its listings have."""
        between = hole[1] - hole[0]
        if lane.query and lane.subs:
            return ""
        if lane.query:
            return "more was written than the search shows, and what lies between was not heard"
        if between > self._options.most_ids:
            return f"more was written than Reddit lists; {between:,} ids lie between, too many to ask for (most_ids)"
        return None

    async def _fill(self, lane: Lane, place: Place, turn: Turn) -> Step:
        """The next hundred ids of what a listing no longer showed."""
        numbers, left = chunk_of(place["hole"])
        try:
            found = await self._info([fullname(lane.kind, at) for at in numbers], turn)
        except (Fix, Broken) as no:
            return Step(place=_without_hole(place), note=f"{lane.key}: a hole could not be filled: {no}")
        ours = replace(found, things=tuple(thing for thing in found.things if lane.holds(thing)))
        turn.heard(ours, lane.subs)
        rest = {**place, "hole": left} if left else _without_hole(place)
        return Step(place=rest, posts=ours.posts, more=bool(left), note=found.note)

    async def _listing(self, lane: Lane, page: dict[str, Any], turn: Turn) -> Listing:
        """When Reddit shuts the door on many, each is asked, and the rest is read without those that are shut."""
        subs = turn.open(lane.subs)
        params = {**lane.asked, **page}
        while subs or not lane.subs:
            try:
                return listing_of(await self._ask(lane.path(subs), params, turn), self.name)
            except Shut as no:
                if lane.what == "new" and len(subs) == 1:
                    turn.asked(subs[0], no.why)
                else:
                    await self._probe(subs, turn)
                if turn.open(subs) == subs:
                    raise
                subs = turn.open(subs)
        raise Fix("; ".join(turn.shut()))

    async def _probe(self, subs: Iterable[str], turn: Turn) -> None:
        for sub in subs:
            try:
                await self._ask(f"r/{sub}/new", {"limit": 1}, turn)
            except Shut as no:
                turn.asked(sub, no.why)
            else:
                turn.asked(sub)

    async def _close_round(self, turn: Turn) -> None:
        """What is owed once all was read: it costs a request or two, and waits when Reddit wants to be left alone."""
        with suppress(Wait):
            ids, left = due(turn.watch, turn.now)
            try:
                await self._look_again(ids, turn)
                await self._probe(turn.silent(self._subs), turn)
            except (Fix, Broken) as no:
                turn.notes.append(f"what was heard could not be looked at again: {no}")
            turn.watch = left

    async def reread(self, ids: Sequence[str], cursor: Cursor, now: datetime) -> Page:
        if self._rss:
            return Page(cursor=cursor)  # RSS does not say what became of a post
        _let_rest(cursor, now)
        turn = Turn.begin(cursor, self._subs, now)
        try:
            await self._look_again([id_ for id_ in ids if number(id_) >= 0], turn)
        except NotApproved as no:
            raise Fix(f"{self.name}: {no}") from None
        page = Page(cursor={**cursor, **turn.kept()}, posts=tuple(turn.posts), gone=tuple(turn.gone))
        return _with_notes(page, turn.notes)

    async def _look_again(self, ids: Sequence[str], turn: Turn) -> None:
        for begin in range(0, len(ids), PAGE):
            some = ids[begin : begin + PAGE]
            found = await self._info(some, turn)
            turn.posts += found.posts
            turn.gone += found.gone
            if found.note:
                turn.notes.append(found.note)
            elif missing := sorted(set(some) - {thing.id for thing in found.things}):
                await self._missing(missing, len(some), turn)

    async def _missing(self, ids: Sequence[str], of: int, turn: Turn) -> None:
        """Gone, when Reddit does not have them a second time; but not when it has nothing, or a door was shut."""
        if len(ids) == of >= TOO_MANY:
            turn.notes.append(f"Reddit knew none of {of} posts; nothing is taken for deleted")
        elif not turn.shut():
            found = await self._info(ids, turn)
            turn.posts += found.posts
            turn.gone += [*found.gone, *sorted(set(ids) - {thing.id for thing in found.things})]

    async def _info(self, ids: Sequence[str], turn: Turn) -> Listing:
        return listing_of(await self._ask("api/info/", {"id": ",".join(ids)}, turn), self.name)

    async def _ask(self, path: str, params: dict[str, Any], turn: Turn) -> Any:
        if turn.rest:
            raise _allowance(turn.now + turn.rest)
        reply = await self._api.get(path, params.items(), turn.now)
        turn.rest = reply.rest
        return reply.found


def _without_hole(place: Place) -> Place:
    return {key: value for key, value in place.items() if key != "hole"}


def _with_notes(page: Page, notes: Sequence[str]) -> Page:
    said = [note for note in (page.note, *notes) if note]
    return replace(page, note="; ".join(said), hearing=Hearing.TRUNCATED if said else page.hearing)


def _let_rest(cursor: Cursor, now: datetime) -> None:
    if cursor.get("rest", 0) > now.timestamp():
        raise _allowance(datetime.fromtimestamp(cursor["rest"], UTC))


def _allowance(until: datetime) -> ConnectorError:
    return Wait("Reddit's allowance of requests is used up", until=until, hearing=Hearing.RATE_LIMITED)
