"""The digest as a page, and as the HTML of a mail: the same words, every number a way to the search that gives it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from starlette.responses import Response

from escalation.case import replay
from escalation.events import Event
from listener import durations
from listener.digest import Digest, by_name, compared, compose, everything, trends, waits
from listener.web import searching
from listener.web.room import TEMPLATES, Call

SPANS = ("1d", "7d", "30d")
WEEK = timedelta(days=7)
SHOWN = 500  # cases


@dataclass(frozen=True, slots=True)
class Links:
    """Ways to the searches behind the numbers, on a desk at `base`; without one there are none."""

    base: str
    digest: Digest
    here: bool = False  # on the desk itself

    def search(self, query: str) -> str:
        """What was heard in the digest's time and fits."""
        window = f'heard>="{self.digest.since.isoformat()}" heard<="{self.digest.until.isoformat()}"'
        return self._at(f"/search?{urlencode({'q': f'{query} {window}'}, errors='replace')}")

    def mentions(self, brand: str, verdict: str) -> str:
        name = brand.replace('"', "")
        return self.search(f'brand:"{name}" verdict:{verdict}')

    def counted(self, what: str) -> str:
        """The cases that a number counts."""
        return self._of("/digest/cases", what)

    def thanked(self, name: str) -> str:
        """The mentions that praise one of us."""
        return self._of("/digest/praise", name)

    def _of(self, path: str, what: str) -> str:
        window = {"since": self.digest.since.isoformat(), "until": self.digest.until.isoformat()}
        return self._at(f"{path}?{urlencode({'of': what, **window}, errors='replace')}")

    def case(self, case_id: int) -> str:
        return self._at(f"/cases/{case_id}")

    def _at(self, path: str) -> str:
        return f"{self.base}{path}" if self.base or self.here else ""


def as_html(digest: Digest, base: str = "", zone: str = "UTC") -> str:
    """A whole document that needs nothing from elsewhere: for a mail, or a file."""
    template = TEMPLATES.get_template("digest_mail.html")
    said = {"zone": zone, "now": digest.until, "waits": waits, "trends": trends}
    return template.render(digest=digest, links=Links(base, digest), **said)


async def digest(call: Call) -> Response:
    """`until` asks for the same page as of a past moment: the same numbers, whenever it is asked."""
    now = call.now
    until = until_of(call, now)
    since = since_of(call, until)
    composed = await compared(call.room.store, since, until, everything(call.room.settings))
    return call.page(
        "digest.html",
        digest=composed,
        links=Links("", composed, here=True),
        spans=SPANS,
        waits=waits,
        trends=trends,
        as_of=until != now,
    )


async def counted(call: Call) -> Response:
    """The cases that one number of a digest counts, as of that digest's moment."""
    until = until_of(call, call.now)
    since, what = since_of(call, until), call.asked("of")[:100]
    told = await compose(call.room.store, since, until, everything(call.room.settings))
    ids = told.cases.get(what, ())
    named = tuple(dict.fromkeys(ids))
    found = [replay(_until(await call.room.store.timeline(id_), until)) for id_ in named[:SHOWN]]
    return call.page("counted.html", what=what, cases=found, total=len(ids), of=len(named), digest=told)


async def thanked(call: Call) -> Response:
    """The mentions that praise one of us by name."""
    until = until_of(call, call.now)
    since, name = since_of(call, until), call.asked("of")[:100]
    rows = (await by_name(call.room.store, since, until, everything(call.room.settings))).get(name, ())
    hits = searching.hits([[row] for row in rows[:SHOWN]], None)
    return call.page("thanked.html", name=name, hits=hits, total=len(rows), since=since, until=until)


def _until(timeline: tuple[Event, ...], until: datetime) -> tuple[Event, ...]:
    return tuple(event for event in timeline if event.at <= until)


def until_of(call: Call, now: datetime) -> datetime:
    try:
        return min(durations.moment(call.asked("until"), now, past=True), now)
    except ValueError:
        return now


def since_of(call: Call, until: datetime) -> datetime:
    try:
        return min(durations.moment(call.asked("since") or "7d", until, past=True), until)
    except ValueError:
        return until - WEEK
