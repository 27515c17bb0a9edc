"""Reviews in Apple's App Store, from its public feed of customer reviews: per country, the newest five hundred.

The feed is newest first by the day a review was last changed, fifty a page, ten pages and no more. It is known to
answer with nothing now and then; that is no silence of the customers, so the place it had reached is kept. The last
days are read again at every poll: pages come from different caches, and reviews are let through late.
A place: {"heard": when, "some": has it ever shown a review, "at": {"page", "floor", "began"} the reading under way}
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.api import address, document, moment, skipped, table, words
from connectors.contract import Broken, Cursor, Fix, Page
from connectors.http import Web
from connectors.lanes import Place, Step, since, take_turn
from connectors.post import Author, Post, PostKind, Reach
from connectors.review_parse import share, stars

DEAF_TO = (
    "App Store: only the newest 500 reviews of a country are shown, and ratings without words are not",
    "App Store: a review that its author or Apple takes down is not told from one that has grown old",
)
DEEPEST, PAGE = 10, 50
BEST = 5  # stars
SITE = "apps.apple.com"
ACCESS = "the App Store's feed needs no key: check app and countries, or whether this network is let out"
_ACCOUNT = re.compile(r"/id(\d+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    app: str  # its number: the digits after "id" in its address
    countries: tuple[str, ...] = ("us",)
    history: timedelta = timedelta(days=30)  # how far back the first reading goes
    overlap: timedelta = timedelta(days=3)  # read again at every poll
    api_url: str = "https://itunes.apple.com"


class AppStoreConnector:
    def __init__(self, name: str, options: Options, web: Web):
        self.name = name
        self._options = options
        self._web = web

    async def aclose(self) -> None:
        """The client belongs to everybody."""

    async def fetch(self, cursor: Cursor, now: datetime) -> Page:
        countries = tuple(dict.fromkeys(country.lower() for country in self._options.countries))
        if wrong := [country for country in countries if not re.fullmatch("[a-z]{2}", country)]:
            raise Fix(f'{self.name}: "{wrong[0]}" is no country; write two letters, as in countries = ["us", "ca"]')
        if not re.fullmatch("[0-9]+", self._options.app) or not countries:
            raise Fix(f'{self.name}: app must be the digits after "id" in its address, and countries not empty')

        async def read(country: str, place: Place) -> Step:
            return await self._read(country, place, now)

        return await take_turn(countries, cursor, now, read)

    async def _read(self, country: str, place: Place, now: datetime) -> Step:
        at = place.get("at") or self._beginning(place, now)
        path = f"{country}/rss/customerreviews/page={at['page']}/id={self._options.app}/sortby=mostrecent/json"
        answer = await self._web.try_get(address(self._options.api_url, path))
        found = reviews_in(document(answer, now, access=ACCESS), self.name, country, self._options.app)
        return after(place, at, found, country)

    def _beginning(self, place: Place, now: datetime) -> Mapping[str, Any]:
        floor = since(place, now, self._options.history, self._options.overlap)
        return {"page": 1, "floor": floor, "began": now.timestamp()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of the feed, newest first. `shown` counts what could not be read too."""

    posts: tuple[Post, ...]
    shown: int
    note: str = ""


def after(place: Place, at: Mapping[str, Any], found: Found, country: str) -> Step:
    """What is still to be read, and what was not shown. Pure."""
    known = {"heard": place["heard"]} if "heard" in place else {}
    if not found.shown and (at["page"] == 1 or known):
        return Step(place=known | ({"some": True} if place.get("some") else {}), note=_empty(country, at, place))
    dated = [post.created for post in found.posts if post.created]
    old = bool(dated) and dated[-1].timestamp() < at["floor"]
    hidden = found.shown >= PAGE and not old
    if hidden and at["page"] < DEEPEST:
        on = {**place, "some": True, "at": {**at, "page": at["page"] + 1}}
        return Step(place=on, posts=found.posts, more=True, note=found.note)
    deep = f"{country}: of the reviews since {_day(at['floor'])} only the newest {DEEPEST * PAGE} are shown"
    note = "; ".join(filter(None, (found.note, deep if hidden else "")))
    return Step(place={"heard": at["began"], "some": True}, posts=found.posts, note=note)


def _empty(country: str, at: Mapping[str, Any], place: Place) -> str:
    if not place.get("some"):
        return f"{country}: the feed shows no review; there is none yet, or app or country is wrong"
    return f"{country}: the feed broke off at page {at['page']}, as it does at times; read again at the next poll"


def _day(moment_: float) -> str:
    return f"{datetime.fromtimestamp(moment_, UTC):%Y-%m-%d}"


def reviews_in(answer: Any, source: str, country: str, app: str) -> Found:
    """A page of the feed; its first entry may be the app itself. Raises Broken."""
    feed = table(answer).get("feed")
    if not isinstance(feed, Mapping):
        raise Broken(f"{source}: the App Store answered without a feed; its shape has changed")
    entries = feed.get("entry", [])
    listed = [table(entry) for entry in (entries if isinstance(entries, list) else [entries])]
    reviews = [entry for entry in listed if "im:rating" in entry or "im:name" not in entry]
    posts = [review_of(entry, source, country, app) for entry in reviews]
    return Found(
        posts=tuple(post for post in posts if post),
        shown=len(listed),
        note=skipped(posts.count(None), posts),
    )


def review_of(raw: Mapping[str, Any], source: str, country: str, app: str) -> Post | None:
    """None when it has no id. The stars stand in front of the title, as people see them. Pure."""
    id_, author = _label(raw, "id"), table(raw.get("author"))
    if not id_:
        return None
    rating, address_ = _number(raw, "im:rating"), _label(author, "uri")
    account = _ACCOUNT.search(address_)
    return Post(
        source=source,
        id=id_,
        url=f"https://{SITE}/{country}/app/id{app}?see-all=reviews#{id_}",
        title=f"{stars(rating, BEST)} {_label(raw, 'title')}".strip(),
        text=_label(raw, "content"),
        author=Author(handle=_label(author, "name"), id=account[1] if account else "", url=address_),
        created=moment(_label(raw, "updated")),
        kind=PostKind.REVIEW,
        site=SITE,
        reach=Reach(likes=_number(raw, "im:voteSum")),
        rating=share(rating, BEST),
        extra={
            **({"rating": f"{rating}/{BEST}"} if rating else {}),
            "version": _label(raw, "im:version"),
            "country": country,
        },
    )


def _label(raw: Mapping[str, Any], key: str) -> str:
    return words(table(raw.get(key)).get("label"))


def _number(raw: Mapping[str, Any], key: str) -> int | None:
    text = _label(raw, key)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
