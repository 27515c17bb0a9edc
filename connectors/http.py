"""The one door to the web: polite, bounded and guarded. All connectors share one client.

What redirects, refusals and waits mean is decided here; carrier.py carries the requests.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote_plus, urljoin, urlsplit, urlunsplit

from connectors.contract import Fix, Hearing, Wait

if TYPE_CHECKING:
    from connectors.carrier import Carrier

MOST_REDIRECTS = 5
LONGEST_WAIT = timedelta(days=1)
KEYS = ("authorization", "x-goog-api-key", "api-key", "api-username")  # headers that are for one server only


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `moved` is where it lives now, when the server said so for good."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    url: str
    moved: str = ""

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").lower()


class Web:
    """`allow_private` opens hosts ("blog.intranet", "127.0.0.1:8080") that would otherwise be refused."""

    def __init__(self, agent: str, allow_private: frozenset[str] = frozenset()):
        self._agent, self._allow_private = agent, allow_private
        self._carrier: Carrier | None = None

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None, now: datetime) -> Answer:
        """Answers 200, 304 and the 4xx that speak of the page itself (404, 410); the rest is an error.

        Raises Wait or Fix.
        """
        answer = await self.try_get(url, headers=headers)
        if answer.status in (200, 304, 404, 410):
            return answer
        raise refusal(answer, now)

    async def try_get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Any answer but a redirect; those are followed, elsewhere without our key. Raises Wait or Fix."""
        moved, permanent = "", True
        here = url
        for _ in range(MOST_REDIRECTS + 1):
            answer = await self._one("GET", here, _for_host(headers or {}, url, here))
            target = answer.headers.get("location", "")
            if answer.status not in (301, 302, 303, 307, 308) or not target:
                return Answer(answer.status, answer.headers, answer.body, here, moved)
            permanent = permanent and answer.status in (301, 308)
            here = urljoin(here, target)
            moved = here if permanent else moved
        raise Fix(f"{shown(url)}: more than {MOST_REDIRECTS} redirects; check the address in a browser")

    async def post(
        self,
        url: str,
        *,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Any answer, a redirect too: what is sent goes nowhere else. Raises Wait or Fix."""
        return await self._one("POST", url, headers or {}, json=json, data=form)

    async def _one(self, method: str, url: str, headers: Mapping[str, str], **sent: Any) -> Answer:
        return await self._carried().request(method, url, headers, **sent)

    async def listen(
        self,
        url: str,
        *,
        enough: Callable[[str], bool],
        patience: float,
        now: datetime,
        headers: Mapping[str, str] | None = None,
        say: Sequence[str] = (),
    ) -> None:
        """Hands over each text of a WebSocket until it is `enough`, the server ends, or `patience` seconds are over.

        What there is to `say` is said first.

        Raises Wait or Fix when the server did not let us listen.
        """
        await self._carried().listen(url, enough, patience, now, headers, say)

    def _carried(self) -> "Carrier":
        """With the first request: a fifth of a second to import, and most commands ask nobody."""
        if self._carrier is None:
            from connectors.carrier import Carrier

            self._carrier = Carrier(self._agent, self._allow_private)
        return self._carrier

    async def aclose(self) -> None:
        if self._carrier is not None:
            await self._carrier.aclose()
            self._carrier = None


def _for_host(headers: Mapping[str, str], asked: str, here: str) -> Mapping[str, str]:
    """A key is for the server it was meant for, not for where that sends us."""
    if here == asked or not headers or _server(here) == _server(asked):
        return headers
    return {name: value for name, value in headers.items() if name.lower() not in KEYS}


def _server(url: str) -> tuple[str, str]:
    try:
        return urlsplit(url)[:2]
    except ValueError:
        return "", ""  # the guard will say so


def refusal(answer: Answer, now: datetime) -> Wait | Fix:
    """What a status that is no answer means for the next try. Pure."""
    where, status = shown(answer.url), answer.status
    if status in (429, 503):
        until = retry_after(answer.headers.get("retry-after", ""), now)
        hearing = Hearing.RATE_LIMITED if status == 429 or until else Hearing.NOT_REACHABLE
        return Wait(f"{where}: the server asks us to wait ({status})", until=until, hearing=hearing)
    if status in (401, 403, 407):
        return Fix(f"{where}: access is refused ({status}); check the address, or ask its owner to let us in")
    if status >= 500:
        return Wait(f"{where}: the server has trouble ({status}); tried again later")
    return Fix(f"{where}: answered {status}; check the address in a browser")


def retry_after(value: str, now: datetime) -> datetime | None:
    """Seconds or an HTTP date (RFC 9110, 10.2.3); never further than a day. Pure."""
    try:
        until = now + timedelta(seconds=int(value)) if value.strip().isdigit() else parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    if until.tzinfo is None:
        return None
    return min(max(until, now), now + LONGEST_WAIT)


def shown(url: str) -> str:
    """An address as it may stand in a log: without user, password and the values of its query. Pure."""
    try:
        parts = urlsplit(url)
        query = "&".join(f"{quote_plus(key)}=…" for key, _ in parse_qsl(parts.query, keep_blank_values=True))
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, query, ""))
    except ValueError:
        return "(an address that cannot be read)"
