"""The digest as a page, and as the HTML of a mail: the same words, every number a way to the search that gives it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from starlette.responses import Response

from listener import durations
from listener.digest import Digest, compose, everything
from listener.durations import spoken
from listener.web.room import TEMPLATES, Call

SPANS = ("1d", "7d", "30d")
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Links:
    """Ways to the searches behind the numbers, on a desk at `base`; without one there are none."""

    base: str
    digest: Digest
    here: bool = False  # on the desk itself

    def search(self, query: str) -> str:
        """What was posted in the digest's time and fits."""
        window = f'since:"{self.digest.since.isoformat()}" until:"{self.digest.until.isoformat()}"'
        return self._at(f"/search?{urlencode({'q': f'{query} {window}'})}")

    def mentions(self, brand: str, verdict: str) -> str:
        name = brand.replace('"', "")
        return self.search(f'brand:"{name}" verdict:{verdict}')

    def case(self, case_id: int) -> str:
        return self._at(f"/cases/{case_id}")

    def _at(self, path: str) -> str:
        return f"{self.base}{path}" if self.base or self.here else ""


def as_html(digest: Digest, base: str = "", zone: str = "UTC") -> str:
    """A whole document that needs nothing from elsewhere: for a mail, or a file."""
    template = TEMPLATES.get_template("digest_mail.html")
    return template.render(digest=digest, links=Links(base, digest), zone=zone, spoken=spoken, now=digest.until)


async def digest(call: Call) -> Response:
    """`until` asks for the same page as of a past moment: the same numbers, whenever it is asked."""
    now = call.now
    until = until_of(call, now)
    since = since_of(call, until)
    composed = await compose(call.room.store, since, until, everything(call.room.settings))
    return call.page(
        "digest.html",
        digest=composed,
        links=Links("", composed, here=True),
        spans=SPANS,
        spoken=spoken,
        as_of=until != now,
    )


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
