"""Stack Overflow and its sisters, through the Stack Exchange API 2.3: questions by word or tag, with all said to them.

Questions are read forward by their last activity, whole threads at a time: what is written meanwhile moves to the end,
so nothing is jumped over. The API says how many requests are left of the day and when it wants to be left alone
(`backoff`); both are kept. A place: {"heard": the last activity that was seen, by the site's own clock, "at": {"min",
"page"} the reading under way}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.api import address, words
from connectors.contract import Cursor, Dialect, Fix, Hearing, Page, Wait, from_env, from_house
from connectors.http import Web
from connectors.lanes import Place, Step, since, take_turn
from connectors.post import Post
from connectors.quota import Quota, loaded, midnight
from connectors.stackexchange_parse import INCLUDE, Found, found_in, posts_of, wrapper

DIALECT = Dialect(longest=200, either="", without="")
DEAF_TO = (
    "Stack Exchange: the search finds questions; an answer that names a brand under one that does not is not heard",
    "Stack Exchange: a comment is heard when something else happens in its thread, for it wakes no question",
)
PAGE = 50  # whole threads
KINDS = {"q": "questions", "a": "answers", "c": "comments"}  # what an id begins with -> where it is asked for
ACCESS = "check site, tags and STACKEXCHANGE_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    searches: tuple[str, ...] = from_house()
    key: str = from_env("STACKEXCHANGE_KEY")
    site: str = "stackoverflow"
    tags: tuple[str, ...] = ()  # every question with one of them
    search: bool = True  # the words of the queries as well
    history: timedelta = timedelta(days=7)  # how far back the first reading goes
    overlap: timedelta = timedelta(hours=1)  # read again at every poll
    api_url: str = "https://api.stackexchange.com/2.3"


class StackExchangeConnector:
    def __init__(self, name: str, options: Options, web: Web):
        self.name = name
        self._options = options
        self._web = web

    async def aclose(self) -> None:
        """The client belongs to everybody."""

    async def fetch(self, cursor: Cursor, now: datetime) -> Page:
        searches = self._options.searches if self._options.search else ()
        lanes = [*dict.fromkeys((*(f"[{tag}]" for tag in self._options.tags), *searches))]
        if not lanes:
            raise Fix(f"{self.name}: there is nothing to look for; add tags, or a word to a brand's query")
        visit = _Visit(self.name, self._options, self._web, cursor, now)
        page = await take_turn(lanes, cursor, now, visit.read, self._options.overlap)
        return visit.closed(page, cursor)

    async def reread(self, ids: Sequence[str], cursor: Cursor, now: datetime) -> Page:
        visit = _Visit(self.name, self._options, self._web, cursor, now)
        posts: list[Post] = []
        for first, kind in KINDS.items():
            if wanted := [id_[1:] for id_ in ids if id_[0] == first]:
                found = await visit.ask(f"{kind}/{';'.join(wanted)}", {"pagesize": 100})
                posts += posts_of(found, kind, self.name)
        there = {post.id for post in posts}
        wanted_again = tuple(post for post in posts if post.id in ids)
        gone = tuple(id_ for id_ in ids if id_ not in there)
        return Page(cursor={**cursor, **visit.kept()}, posts=wanted_again, gone=gone)


class _Visit:
    """One fetch: what the API says about itself on the way is gathered here and goes into the cursor."""

    def __init__(self, name: str, options: Options, web: Web, cursor: Cursor, now: datetime):
        self.name, self.options, self.web, self.now = name, options, web, now
        self.filter: str = cursor.get("filter", "")
        self.quota = loaded(cursor.get("quota", {}), now)
        self.until: float = cursor.get("until", 0)  # it wants to be left alone up to then
        self.asked = 0

    async def read(self, lane: str, place: Place) -> Step:
        at = place.get("at") or self._beginning(place)
        asked = {"order": "asc", "sort": "activity", "min": at["min"], "page": at["page"], "pagesize": PAGE}
        if lane.startswith("["):
            answer = await self.ask("questions", {**asked, "tagged": lane[1:-1]})
        else:
            answer = await self.ask("search/advanced", {**asked, "q": lane})
        found = found_in(answer, self.name)
        if found.more:
            return Step(place={**place, "at": _on(at, found)}, posts=found.posts, more=True, note=found.note)
        heard = found.last or place.get("heard")
        return Step(place={"heard": heard} if heard else {}, posts=found.posts, note=found.note)

    def _beginning(self, place: Place) -> Mapping[str, Any]:
        floor = since(place, self.now, self.options.history, self.options.overlap)
        return {"min": int(floor), "page": 1}

    async def ask(self, path: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if not self.filter:
            made = await self._ask("filters/create", {"base": "default", "include": INCLUDE, "unsafe": "false"})
            self.filter = words(made["items"][0].get("filter")) if made["items"] else ""
        return await self._ask(path, {**asked, "site": self.options.site, "filter": self.filter})

    async def _ask(self, path: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if self.until > self.now.timestamp() and not self.asked:
            until = datetime.fromtimestamp(self.until, self.now.tzinfo)
            raise Wait(f"{self.name}: it asked to be left alone for a while", until=until, hearing=Hearing.RATE_LIMITED)
        if self.quota and not self.quota.left:
            said = (
                f"{self.name}: the day's {self.quota.of} requests are used up; STACKEXCHANGE_KEY raises them to 10,000"
            )
            raise Wait(said, until=self.quota.resets, hearing=Hearing.OUT_OF_BUDGET)
        self.asked += 1
        query = {**asked, "key": self.options.key or None}
        answer = await self.web.try_get(address(self.options.api_url, path, query.items()))
        found = wrapper(answer, self.now, access=ACCESS, source=self.name)
        self._note(found)
        return found

    def _note(self, found: Mapping[str, Any]) -> None:
        most, left = found.get("quota_max"), found.get("quota_remaining")
        if isinstance(most, int) and isinstance(left, int):
            self.quota = Quota(used=most - left, of=most, unit="requests", resets=midnight("UTC", self.now))
        if isinstance(backoff := found.get("backoff"), int):
            self.until = max(self.until, self.now.timestamp() + backoff)

    def kept(self) -> dict[str, Any]:
        until = {"until": self.until} if self.until > self.now.timestamp() else {}
        return {"filter": self.filter, **({"quota": self.quota.dump()} if self.quota else {}), **until}

    def closed(self, page: Page, cursor: Cursor) -> Page:
        """With a pause: as long as it asked for, even amid a round, and after one so that the day's requests last."""
        spent = cursor.get("round", 0) + self.asked
        page = replace(page, cursor={**page.cursor, **self.kept(), **({"round": spent} if page.more else {})})
        if self.until > self.now.timestamp():
            return replace(page, more=False, wait=timedelta(seconds=self.until - self.now.timestamp()))
        return page if page.more or not self.quota else replace(page, wait=self.quota.pace(spent, self.now))


def _on(at: Mapping[str, Any], found: Found) -> Mapping[str, Any]:
    """From the second before the last activity that was seen; where a page brings no later one, it is turned."""
    before = found.last - 1
    return {**at, "min": before, "page": 1} if before > at["min"] else {**at, "page": at["page"] + 1}
