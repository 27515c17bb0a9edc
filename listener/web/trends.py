"""Brands beside each other, now beside before, and what is louder than usual."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from starlette.responses import Response

from listener import spikes
from listener.query import Node, QueryError
from listener.search import question
from listener.storage.contract import Picture, Question
from listener.web import pictures
from listener.web.room import Call

SPANS = {"7d": "A week", "30d": "30 days", "90d": "90 days", "365d": "A year"}
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    text: str
    span: str
    since: datetime
    until: datetime
    query: Node | None
    problem: str = ""

    def search(self, brand: str = "", more: str = "", *, before: bool = False) -> str:
        """The search that gives a number."""
        begin = self.since - (self.until - self.since) if before else self.since
        return self.between(brand, begin, self.since if before else self.until, more)

    def between(self, brand: str, since: datetime, until: datetime, more: str = "") -> str:
        since, until = max(since, self.since), min(until, self.until)
        text = f"({self.text})" if " OR " in self.text else self.text
        of = f'brand:"{brand.replace(chr(34), " ")}"' if brand else ""
        asked = f'{text} {of} {more} since:"{since.isoformat()}" until:"{until.isoformat()}"'
        return f"/search?{urlencode({'q': ' '.join(asked.split())})}"


def wanted(call: Call) -> Wanted:
    span = call.asked("span") if call.asked("span") in SPANS else "30d"
    text, until = call.asked("q").strip()[:1_000], call.now
    since = until - timedelta(days=int(span[:-1]))
    try:
        query = question(text, now=call.now).query
    except QueryError as wrong:
        return Wanted(text=text, span=span, since=since, until=until, query=None, problem=str(wrong))
    return Wanted(text=text, span=span, since=since, until=until, query=query)


async def trends(call: Call) -> Response:
    asked = wanted(call)
    store, length = call.room.store, asked.until - asked.since
    now = await store.picture(Question(query=asked.query, since=asked.since, until=asked.until))
    before = await store.picture(Question(query=asked.query, since=asked.since - length, until=asked.since))
    names = [name for name, _, _ in pictures.shares(pictures.brands(now) + pictures.brands(before))][:6]
    return call.page(
        "trends.html",
        200 if not asked.problem else 422,
        asked=asked,
        spans=SPANS,
        rows=[Beside(brand=name, now=figures(now, name), before=figures(before, name)) for name in names],
        chart=pictures.compared(now, call.who.timezone, names),
        dot=lambda brand, begin, end: asked.between(brand, begin, end),
        capped=now.more or before.more,
        total=now.total,
    )


async def unusual(call: Call) -> Response:
    """What was louder than usual; dear to count, so asked for once the rest stands, and kept for a minute."""
    kept = call.room.memo.get("unusual")
    if kept is None or call.now - kept[0] > REMEMBERED:
        found = [await spikes.found(call.room.store, brand.name, call.now) for brand in call.room.settings.brands]
        loud = sorted((one for each in found for one in each), key=lambda one: one.since, reverse=True)
        kept = call.room.memo["unusual"] = (call.now, loud)
    return call.page("unusual.html", spikes=kept[1][:SHOWN], total=len(kept[1]), way=spike_address)


def spike_address(spike: spikes.Spike, more: str = "") -> str:
    asked = f'brand:"{spike.brand}" verdict:complaint {more} since:"{spike.since.isoformat()}"'
    return f"/search?{urlencode({'q': f'{asked} until:{chr(34)}{spike.until.isoformat()}{chr(34)}'})}"
