"""Which pages of a sitemap are wanted: those that are new there, or changed. Pure.

Addresses and dates are kept as short hashes, so that a site of thousands of pages fits into a cursor.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any

from connectors.dates import when
from connectors.sitemap_parse import Place

REMEMBERED = 6_000  # pages; of a larger site, those that were met last
AT_ONCE = 500  # wanted from one look; a site is not read empty in one go


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A page to be read. Dates are as the map says them."""

    url: str
    changed: str = ""
    title: str = ""
    published: str = ""
    lang: str = ""
    tries: int = 0

    def dump(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if value}

    def again(self) -> "Wanted":
        return replace(self, tries=self.tries + 1)


@dataclass(slots=True)
class Known:
    since: datetime  # what changed before that was there before us
    pages: dict[str, str] = field(default_factory=dict)
    first: bool = False

    @classmethod
    def load(cls, saved: Mapping[str, Any], since: datetime) -> "Known":
        pages = saved.get("known")
        first = pages is None or bool(saved.get("learning"))
        return cls(when(saved.get("since", "")) or since, dict(pages or {}), first)

    def dump(self, *, learning: bool = False) -> dict[str, Any]:
        """`learning`: the site was not seen whole yet, so that what is met at the next look need not be new."""
        kept = self.pages if len(self.pages) <= REMEMBERED else dict(list(self.pages.items())[-REMEMBERED:])
        return {"known": kept, "since": self.since.isoformat(), "learning": learning}

    def wanted(self, places: Sequence[Place]) -> tuple[list[Wanted], int]:
        """The newest first, and how many others must wait for the next look."""
        latest = _latest(places)
        news = [place for place in latest if self._is_news(place)]
        later = {place.url for place in news[AT_ONCE:]}
        for place in reversed(latest):  # the newest last: they are forgotten last
            if place.url not in later:
                self.pages[short(place.url)] = short(place.changed)
        return [_wanted(place) for place in news[:AT_ONCE]], max(len(news) - AT_ONCE, 0)

    def _is_news(self, place: Place) -> bool:
        mark = self.pages.get(short(place.url))
        if mark is not None:
            return bool(place.changed) and mark != short(place.changed)
        if self.first:  # without a date it may have been there for years
            return place.at is not None and place.at >= self.since
        forgotten = len(self.pages) >= REMEMBERED and (place.at is None or place.at < self.since)
        return not forgotten


def _latest(places: Iterable[Place]) -> list[Place]:
    """Each address once; those that changed last first, as many as can be remembered."""
    distinct = {place.url: place for place in places}.values()
    return sorted(distinct, key=lambda place: place.at.timestamp() if place.at else 0, reverse=True)[:REMEMBERED]


def _wanted(place: Place) -> Wanted:
    published = place.published.isoformat() if place.published else ""
    return Wanted(url=place.url, changed=place.changed, title=place.title, published=published, lang=place.lang)


def short(text: str) -> str:
    return blake2b(text.encode("utf-8", "replace"), digest_size=6).hexdigest() if text else ""
