"""Review pages: whatever shop, guide or portal marks its reviews with schema.org/Review.

Pages are read from the first on, along rel="next", until one shows nothing new. A review is known by the name its page
gives it, else by its words and its author; never by its date. Its stars stand in front of its title, as people see
them.

The cursor: {"main": validators and window of the first page, "page": the page that is next, "count": pages read in this
round, "news": was anything new in it, "before": had anything been heard before it, "closes": do its pages have their
last tags}
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.addresses import host_of
from connectors.aside import aside
from connectors.charset import decode
from connectors.contract import Cursor, Fix, Hearing, Page, Wait
from connectors.http import Answer, Web, shown
from connectors.item import Item
from connectors.post import Author, Post, PostKind
from connectors.review_parse import Review, is_closed, next_page, reviews_of, share, stars
from connectors.schedule import wait
from connectors.window import Window, conditions

MOST_PAGES = 20  # read in one round when all of them hold something new
SHOWN = 1_000  # reviews remembered of a round, the newest of them
DEAF_TO = (
    "Review pages: reviews that a script loads, or that are not marked with schema.org/Review",
    "Review pages: that a review was deleted",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    url: str
    pages: int = 5  # read at the first reading


class ReviewsConnector:
    def __init__(self, name: str, options: Options, web: Web):
        self.name = name
        self._options = options
        self._web = web

    async def aclose(self) -> None:
        """The client belongs to everybody."""

    async def fetch(self, cursor: Cursor, now: datetime) -> Page:
        """One page of reviews."""
        state, window = dict(cursor), Window.load(cursor.get("main"))
        url, count = state.pop("page", self._options.url), state.pop("count", 0) + 1
        before = state.pop("before", bool(window.items))
        answer = await self._get(url, conditions(cursor.get("main", {})) if count == 1 else {}, now)
        if answer.status == 304:
            main = {**cursor["main"], "unchanged": window.unchanged + 1}
            return Page(cursor={**state, "main": main}, wait=wait(answer.headers, None, now))
        page = decode(answer.body, answer.content_type)
        found = await aside(page, reviews_of, page, answer.url)
        closes = is_closed(page)
        if (state.get("closes") and not closes) or (count == 1 and not found and window.items):
            raise Wait(f"{shown(url)}: breaks off, or shows no review any more; read again later")
        if not found and count == 1:
            raise Fix(f"{shown(url)}: holds no review marked with schema.org/Review; check the address")
        state["closes"] = closes
        news = [review for review in found if window.is_news(_item(review))]
        window.remember_all([_item(review) for review in news])
        window.shown = ([] if count == 1 else window.shown)[:SHOWN] + [review.id for review in found]
        if count == 1:
            window.validators(answer.headers)
        following = next_page(page, answer.url) if news else ""
        state["main"] = window.dump()
        posts = tuple(self._post(review) for review in news)
        if following and count < (MOST_PAGES if before else self._options.pages):
            return Page(cursor={**state, "page": following, "count": count, "before": before}, posts=posts, more=True)
        if following and before:
            note = "more reviews were written than are read in one round; older ones were not heard"
            return Page(cursor=state, posts=posts, hearing=Hearing.TRUNCATED, note=note)
        return Page(cursor=state, posts=posts, wait=wait(answer.headers, None, now))

    async def _get(self, url: str, headers: dict[str, str], now: datetime) -> Answer:
        answer = await self._web.get(url, headers=headers, now=now)
        if answer.status == 410:
            raise Fix(f"{shown(url)}: the page is gone for good (410); take this source out or give its new address")
        if answer.status == 404:
            raise Wait(f"{shown(url)}: not found (404); tried again later, check the address if this lasts")
        return answer

    def _post(self, review: Review) -> Post:
        return Post(
            source=self.name,
            id=review.id,
            url=review.url or self._options.url,
            title=f"{stars(review.rating, review.best)} {review.title}".strip(),
            text=review.text,
            author=Author(handle=review.author, name=review.author),
            created=review.published,
            kind=PostKind.REVIEW,
            lang=review.lang,
            site=host_of(review.url or self._options.url),
            rating=share(review.rating, review.best),
            extra=_facts(review),
        )


def _facts(review: Review) -> dict[str, str]:
    rating: dict[str, Any] = {} if review.rating is None else {"rating": f"{review.rating:g}/{review.best:g}"}
    return rating | ({"about": review.about} if review.about else {})


def _item(review: Review) -> Item:
    """What the window needs to know of it."""
    title = f"{stars(review.rating, review.best)} {review.title}"
    return Item(id=review.id, link=review.url, title=title, text=review.text, author=review.author)
