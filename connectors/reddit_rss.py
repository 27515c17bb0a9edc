"""Reddit without a key: the RSS of its listings, one request a minute, which is all that Reddit allows there.

Each fetch reads one listing, in turn. Ids are those of the API, so that nothing is heard twice when a key comes later.
The cursor: {"rss": {"at": when last asked, "count": fetches, "known": {lane: [ids]}, "subs": {name: [when, why shut]},
"check": [subreddits to be asked one by one]}}
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.api import address, trouble
from connectors.contract import Cursor, Fix, Hearing, Page, Wait
from connectors.feed_parse import parse
from connectors.http import Answer, Web, shown
from connectors.item import Feed, Item, NotAFeed
from connectors.post import Author, Post, PostKind
from connectors.reddit_api import Access
from connectors.reddit_lanes import Lane, Turn
from connectors.reddit_parse import SITE, number, shut_because
from connectors.window import older_than_known

EVERY = timedelta(minutes=1)
PAGE = 100
KNOWN = 200  # ids of each lane
SHORT = 20  # a feed with fewer entries was not cut
CHECKING = 4  # every fourth request goes to a subreddit of which nothing was heard for long
NOTE = (
    "only Reddit's RSS is read, one listing a minute: scores, edits, deletions and what is pushed out of a listing's "
    "newest hundred between two readings are not heard; REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET mend that"
)
ACCESS = "Reddit does not let this network read its RSS; an approved key is needed (docs/sources/reddit.md)"
_PLACE = re.compile(r"/(?:r/([^/]+)|u(?:ser)?/([^/]+))/comments/([0-9a-z]+)/", re.IGNORECASE)
_TAIL = re.compile(r"\s*submitted by\s+/u/\S+(?:\s+to\s+r/\S+)?\s*\[link\]\s*\[comments\]\s*$")


class Rss:
    def __init__(self, name: str, lanes: Mapping[str, Lane], access: Access, web: Web):
        self._name = name
        self._lanes = {key: lane for key, lane in lanes.items() if not (lane.query and lane.subs)}  # minutes are few
        self._subs = tuple(dict.fromkeys(sub for lane in lanes.values() for sub in lane.subs))
        self._access = access
        self._web = web

    async def fetch(self, cursor: Cursor, now: datetime) -> Page:
        """Raises ConnectorError."""
        state = dict(cursor.get("rss", {}))
        if (again := datetime.fromtimestamp(state.get("at", 0), UTC) + EVERY) > now:
            raise Wait("Reddit's RSS is read once a minute", until=again, hearing=Hearing.RATE_LIMITED)
        turn = Turn.begin(state, self._subs, now)
        lane = self._choose(state, turn)
        state |= {"at": now.timestamp(), "count": state.get("count", 0) + 1}
        answer = await self._web.try_get(self._url(lane, turn), headers={"User-Agent": self._access.agent})
        if why := shut(answer):
            return self._page(cursor, self._closed(lane, why, state, turn), turn, f"{lane.key} {why}")
        return self._heard(lane, feed_of(answer, now).items, self._page(cursor, state, turn), turn)

    def _choose(self, state: dict[str, Any], turn: Turn) -> Lane:
        check = list(state.get("check", [])) or self._silent(state, turn)
        if not check:
            return self._next(state, turn)
        first, *state["check"] = check
        return Lane(subs=(first,), what="new")

    def _heard(self, lane: Lane, items: Sequence[Item], page: Page, turn: Turn) -> Page:
        posts = tuple(post for item in items if (post := post_of(item, self._name)))
        for sub in {*(post.extra["subreddit"] for post in posts), *(lane.subs if len(lane.subs) == 1 else ())}:
            if sub in self._subs:
                turn.asked(sub)
        state = page.cursor["rss"]
        known = {key: ids for key, ids in state.get("known", {}).items() if key in self._lanes}
        cut = len(items) >= SHORT and older_than_known(items, known.get(lane.key, []))
        if lane.key in self._lanes:
            ids = [item.id for item in items]
            known[lane.key] = list(dict.fromkeys([*ids, *known.get(lane.key, [])]))[:KNOWN]
        said = f"{lane.key}: more was written than its RSS shows" if cut else ""
        return replace(self._page(page.cursor, {**state, "known": known}, turn, said), posts=posts)

    def _page(self, cursor: Cursor, state: Mapping[str, Any], turn: Turn, note: str = "") -> Page:
        notes = [note for note in (note, *turn.shut(), NOTE) if note]
        return Page(
            cursor={**cursor, "rss": {**state, "subs": turn.subs}},
            wait=EVERY,
            hearing=Hearing.TRUNCATED,
            note="; ".join(notes),
        )

    def _silent(self, state: Mapping[str, Any], turn: Turn) -> list[str]:
        """A listing of many leaves out what is shut without a word, so now and then one is asked by itself."""
        turns = state.get("count", 0)
        due = turns >= len(self._lanes) and turns % CHECKING == 0
        return turn.silent(self._subs)[:1] if due or not turn.open(self._subs) else []

    def _next(self, state: dict[str, Any], turn: Turn) -> Lane:
        """The lane after the last one, of those that have an open subreddit."""
        able = [lane for lane in self._lanes.values() if turn.open(lane.subs) or not lane.subs]
        if not able:
            raise Fix("; ".join(turn.shut()))
        keys = list(self._lanes)
        after = keys.index(state["last"]) + 1 if state.get("last") in keys else 0
        lane = min(able, key=lambda one: (keys.index(one.key) - after) % len(keys))
        state["last"] = lane.key
        return lane

    def _url(self, lane: Lane, turn: Turn) -> str:
        subs = turn.open(lane.subs) or lane.subs
        path = lane.path(subs).rstrip("/") + (".rss" if lane.query else "/.rss")
        return address(self._access.reddit_url, path, {"limit": PAGE, **lane.asked}.items())

    def _closed(self, lane: Lane, why: str, state: Mapping[str, Any], turn: Turn) -> Mapping[str, Any]:
        """One that is shut is left out; of many each is asked, a minute for each."""
        open_subs = turn.open(lane.subs) or lane.subs
        if not open_subs:
            raise Fix(f"{lane.key} {why}")
        if lane.what == "new" and len(open_subs) == 1:
            turn.asked(open_subs[0], why)
            return state
        return {**state, "check": list(open_subs)}


def shut(answer: Answer) -> str:
    """Why this listing is not open to us; "" when it is, or when that is not what the answer says. Pure."""
    if "/subreddits/search" in answer.url:
        return "does not exist; check its spelling"
    return shut_because(answer.status, answer.headers, answer.body)


def feed_of(answer: Answer, now: datetime) -> Feed:
    """Raises ConnectorError. Pure."""
    if answer.status != 200:
        raise trouble(answer, now, access=ACCESS)
    try:
        return parse(answer.body, answer.content_type, answer.url)
    except NotAFeed as wrong:
        raise Fix(f"{shown(answer.url)}: is {wrong}; {ACCESS}") from None


def post_of(item: Item, source: str) -> Post | None:
    """None when it is no post or comment. Of a comment RSS says the thread, not what it answers. Pure."""
    if number(item.id) < 0:
        return None
    place = _PLACE.search(item.link)
    sub = (place[1] or f"u_{place[2]}").lower() if place else ""
    handle = item.author.removeprefix("/u/")
    comment = item.id.startswith("t1_")
    root = f"t3_{place[3].lower()}" if place and comment else ""
    return Post(
        source=source,
        id=item.id,
        url=item.link,
        title="" if comment else item.title,
        text=_TAIL.sub("", item.text),
        author=Author(handle=handle, name=handle, url=item.author_url),
        created=item.published,
        kind=PostKind.COMMENT if comment else PostKind.POST,
        lang=item.lang,
        site=SITE,
        parent=root,
        root=root,
        extra={"subreddit": sub},
    )
