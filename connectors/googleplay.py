"""Reviews in Google Play, newest first, through app-reviews, which knows how the store's own page asks for them.

The library builds the question and reads the answer; the asking is ours (connectors/http.py): guarded, bounded,
and never done again behind our back. It is an extra: `pip install 'listening-post[googleplay]'`.
A place: {"heard": when, "at": {"floor", "began", "next": token, "pages"} the reading under way}
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.util import find_spec
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from connectors.api import trouble, words
from connectors.contract import Broken, ConnectorError, Cursor, Fix, Page, Wait
from connectors.http import Web
from connectors.lanes import Place, Step, since, take_turn
from connectors.post import Author, Post, PostKind
from connectors.review_parse import share, stars

if TYPE_CHECKING:
    from app_reviews import PageResult, Review

DEAF_TO = (
    "Google Play: ratings without words are not shown, nor whether a review was taken down",
    "Google Play: it is read as the store's own page reads it, which Google may change on any day; that is said then",
)
DEEPEST = 50  # pages of one reading
BEST = 5  # stars
SITE = "play.google.com"
ACCESS = "Google Play needs no key: check app, or whether this network is let out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    app: str  # its package name, "com.acme.air": what stands after "id=" in its address
    history: timedelta = timedelta(days=30)  # how far back the first reading goes
    overlap: timedelta = timedelta(days=3)  # read again at every poll
    api_url: str = "https://play.google.com"


class GooglePlayConnector:
    def __init__(self, name: str, options: Options, web: Web):
        self.name = name
        self._options = options
        self._web = web

    async def aclose(self) -> None:
        """The client belongs to everybody."""

    async def fetch(self, cursor: Cursor, now: datetime) -> Page:
        if not re.fullmatch(r"[A-Za-z]\w*(\.\w+)+", self._options.app):
            raise Fix(f'{self.name}: app must be what stands after "id=" in its address, as in com.acme.air')
        if not find_spec("app_reviews"):
            raise Fix(f"{self.name}: a library is missing; pip install 'listening-post[googleplay]'")

        async def read(app: str, place: Place) -> Step:
            return await self._read(app, place, now)

        return await take_turn((self._options.app,), cursor, now, read, self._options.overlap)

    async def _read(self, app: str, place: Place, now: datetime) -> Step:
        at = place.get("at") or self._beginning(place, now)
        try:
            page = await self._page(app, at.get("next"), now)
        except (Fix, Broken) as no:
            if "next" not in at:
                raise
            return Step(place=_heard(place), note=f"the reading broke off and is begun anew: {no}")  # a stale token
        posts = tuple(post_of(review, self.name, app) for review in page.reviews)
        return after(place, at, posts, page.next_cursor, page.skipped_reviews)

    def _beginning(self, place: Place, now: datetime) -> Mapping[str, Any]:
        floor = since(place, now, self._options.history, self._options.overlap)
        return {"floor": floor, "began": now.timestamp(), "pages": 0}

    async def _page(self, app: str, token: str | None, now: datetime) -> "PageResult":
        """Raises ConnectorError."""
        from app_reviews.googleplay import GooglePlayScraperProvider

        door: Any = SimpleNamespace(apost=_Asking(self._web, self._options.api_url, now))
        page = await GooglePlayScraperProvider(http=door).afetch_page(app, "", token)
        if page.error:
            raise _not_understood(door.apost.body, self.name)
        return page


class _Asking:
    """What the library asks with. It sees nothing but good answers; the last is kept, for what cannot be read."""

    def __init__(self, web: Web, address: str, now: datetime):
        self._web, self._to, self._now = web, urlsplit(address), now
        self.body = ""

    async def __call__(self, url: str, *, body: str, headers: Mapping[str, str]) -> Any:
        here = urlsplit(url)
        to = urlunsplit((self._to.scheme, self._to.netloc, here.path, here.query, ""))
        answer = await self._web.post(to, form=dict(parse_qsl(body)))
        if answer.status != 200:
            raise trouble(answer, self._now, access=ACCESS)
        self.body = answer.body.decode("utf-8", "replace")
        return SimpleNamespace(
            status=200, body=self.body, ok=True, transport_error=None, retry_after=None, json=lambda: None
        )


def _not_understood(body: str, source: str) -> ConnectorError:
    if not body.strip() or (body.lstrip().startswith(")]}'") and not body.rstrip().endswith("]")):
        return Wait(f"{source}: Google Play's answer breaks off; tried again later")
    return Broken(f"{source}: Google Play answered in another shape than app-reviews knows; look for a newer version")


def _heard(place: Place) -> Place:
    return {"heard": place["heard"]} if "heard" in place else {}


def after(place: Place, at: Mapping[str, Any], posts: tuple[Post, ...], token: str | None, skipped: int) -> Step:
    """What is still to be read, and what was not shown. Pure."""
    dated = [post.created for post in posts if post.created]
    old = bool(dated) and min(dated).timestamp() < at["floor"]
    note = f"{skipped} reviews could not be read and were left out" if skipped else ""
    if token and not old and at["pages"] + 1 < DEEPEST:
        on = {**_heard(place), "at": {**at, "next": token, "pages": at["pages"] + 1}}
        return Step(place=on, posts=posts, more=True, note=note)
    deep = f"only the newest {DEEPEST} pages were read" if token and not old else ""
    return Step(place={"heard": at["began"]}, posts=posts, note="; ".join(filter(None, (note, deep))))


def post_of(review: "Review", source: str, app: str) -> Post:
    """The stars stand for the title, which Google Play has none of. Pure."""
    return Post(
        source=source,
        id=review.id,
        url=f"https://{SITE}/store/apps/details?id={app}&reviewId={review.id}",
        title=stars(review.rating, BEST),
        text=words(review.body),
        author=Author(name=words(review.author_name), handle=words(review.author_name)),
        created=review.dated_at,
        kind=PostKind.REVIEW,
        lang=review.language or "",
        site=SITE,
        rating=share(review.rating, BEST),
        extra={"rating": f"{review.rating}/{BEST}", "version": review.app_version or ""},
    )
