"""Brands beside each other, now beside before, and what is louder than usual."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.responses import Response

from listener import spikes
from listener.query import Node, QueryError
from listener.search import of_brands, question
from listener.storage.contract import Picture, Question, Store
from listener.web import pictures
from listener.web.room import Call

SPANS = {"7d": "A week", "30d": "30 days", "90d": "90 days", "365d": "A year"}
FIELDS = ("since", "until", "was_since", "was_until")  # of times that are chosen freely
MOST_BRANDS = 6
DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)
SHOWN = 9  # spikes, the newest
REMEMBERED = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one brand in one stretch of time."""

    mentions: int
    share: int  # percent of all brands' mentions
    complaints: int
    severity: int | None  # mean of the complaints

    @property
    def complaining(self) -> int:
        """Percent of its mentions."""
        return round(100 * self.complaints / self.mentions) if self.mentions else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """One brand, now and in the stretch of the same length before."""

    brand: str
    now: Figures
    before: Figures


def figures(picture: Picture, brand: str) -> Figures:
    """Pure."""
    counts = {verdict: count for (_, of, verdict), (count, _) in _added(picture).items() if of == brand}
    mentions = sum(counts.values())
    return Figures(
        mentions=mentions,
        share=round(100 * mentions / picture.total) if picture.total else 0,
        complaints=counts.get("complaint", 0),
        severity=pictures.severity(picture, brand),
    )


def _added(picture: Picture) -> dict[tuple[str, str, str], tuple[int, int]]:
    found = dict[tuple[str, str, str], tuple[int, int]]()
    for (_, brand, verdict), (count, severity) in picture.times.items():
        had = found.get(("", brand, verdict), (0, 0))
        found["", brand, verdict] = (had[0] + count, had[1] + severity)
    return found


Period = tuple[datetime, datetime]  # its beginning, and its end, which is not part of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Two stretches of time, to be held beside each other."""

    text: str
    span: str  # one of SPANS; "" for what was chosen freely
    now: Period
    before: Period
    query: Node | None
    problem: str = ""

    def search(self, brand: str = "", more: str = "", *, before: bool = False) -> str:
        """The search that gives a number."""
        return self._search(brand, self.before if before else self.now, more)

    def between(self, brand: str, since: datetime, until: datetime, more: str = "") -> str:
        """Of a part of the first."""
        return self._search(brand, (max(since, self.now[0]), min(until, self.now[1])), more)

    def days(self, zone: str) -> dict[str, str]:
        """What the fields of the form hold: the last day is part of what is asked for."""
        whole = dict(zip(FIELDS, (*self.now, *self.before), strict=True))
        return {
            name: (at - INSTANT if name.endswith("until") else at).astimezone(ZoneInfo(zone)).date().isoformat()
            for name, at in whole.items()
        }

    def _search(self, brand: str, period: Period, more: str) -> str:
        since, until = period
        text = f"({self.text})" if " OR " in self.text else self.text
        of = f'brand:"{brand.replace(chr(34), " ")}"' if brand else ""
        asked = f'{text} {of} {more} since:"{since.isoformat()}" until:"{until.isoformat()}"'
        return f"/search?{urlencode({'q': ' '.join(asked.split())})}"


def wanted(call: Call) -> Wanted:
    """Raises nothing: what is wrong is said in `problem`."""
    text, span = call.asked("q").strip()[:1_000], call.asked("span") if call.asked("span") in SPANS else ""
    usual = _spanned(call.now, span or "30d")
    free = not span and any(call.asked(name) for name in FIELDS)
    try:
        now, before = _chosen(call) if free else usual
        query = of_brands(question(text, now=call.now).query, call.who.brands)
    except (QueryError, ValueError) as wrong:
        return Wanted(text=text, span=span, now=usual[0], before=usual[1], query=None, problem=str(wrong))
    return Wanted(text=text, span=span if free else span or "30d", now=now, before=before, query=query)


def _spanned(until: datetime, span: str) -> tuple[Period, Period]:
    """So long back from now, and as long before that."""
    length = timedelta(days=int(span[:-1]))
    return (until - length, until), (until - 2 * length, until - length)


def _chosen(call: Call) -> tuple[Period, Period]:
    """Two that were chosen freely; what is left out of the second is as long, right before the first. Raises
    ValueError that says what to write."""
    since, until, was_since, was_until = (_moment(call, name) for name in FIELDS)
    until = min(until or call.now, call.now)
    since = since or until - timedelta(days=30)
    was_until = was_until or (was_since + (until - since) if was_since else since)
    was_since = was_since or was_until - (until - since)
    if since >= until or was_since >= was_until:
        raise ValueError("each of the two times must begin before it ends, and before now")
    return (since, until), (was_since, was_until)


def _moment(call: Call, name: str) -> datetime | None:
    """A day is one of the reader's own, and the last one is meant to its end."""
    text = call.asked(name).strip()
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(call.who.timezone))
        ends = name.endswith("until") and len(text) == len("2026-05-01")
        return (at + DAY if ends else at).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{name} takes a day, 2026-05-01, or a time") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What the two stretches came to."""

    asked: Wanted
    now: Picture
    before: Picture

    @property
    def names(self) -> list[str]:
        """Brands, the loudest first."""
        both = pictures.brands(self.now) + pictures.brands(self.before)
        return [name for name, _, _ in pictures.shares(both)][:MOST_BRANDS]

    @property
    def rows(self) -> list[Beside]:
        return [
            Beside(brand=name, now=figures(self.now, name), before=figures(self.before, name)) for name in self.names
        ]


async def compare(store: Store, asked: Wanted) -> Compared:
    now, before = [
        await store.picture(Question(query=asked.query, since=since, until=until))
        for since, until in (asked.now, asked.before)
    ]
    return Compared(asked=asked, now=now, before=before)


async def trends(call: Call) -> Response:
    asked, zone = wanted(call), call.who.timezone
    told = await compare(call.room.store, asked)
    return call.page(
        "trends.html",
        200 if not asked.problem else 422,
        asked=asked,
        spans=SPANS,
        days=asked.days(zone),
        rows=told.rows,
        chart=pictures.compared(told.now, zone, told.names),
        severities=pictures.severities(told.now, zone, told.names),
        dot=lambda brand, begin, end: asked.between(brand, begin, end),
        complained=lambda brand, begin, end: asked.between(brand, begin, end, "verdict:complaint"),
        capped=told.now.more or told.before.more,
        total=told.now.total,
    )


async def unusual(call: Call) -> Response:
    """What was louder than usual; dear to count, so asked for once the rest stands, and kept for a minute."""
    loud = await remembered(call)
    return call.page("unusual.html", spikes=loud[:SHOWN], total=len(loud), way=spike_address)


async def remembered(call: Call) -> list[spikes.Spike]:
    """The newest first."""
    kept = call.room.memo.get("unusual")
    if kept is None or call.now - kept[0] > REMEMBERED:
        found = [await spikes.found(call.room.store, brand.name, call.now) for brand in call.room.settings.brands]
        loud = sorted((one for each in found for one in each), key=lambda one: one.since, reverse=True)
        kept = call.room.memo["unusual"] = (call.now, loud)
    return list(kept[1])


def spike_address(spike: spikes.Spike, more: str = "") -> str:
    asked = f'brand:"{spike.brand}" verdict:complaint {more} since:"{spike.since.isoformat()}"'
    return f"/search?{urlencode({'q': f'{asked} until:{chr(34)}{spike.until.isoformat()}{chr(34)}'})}"
