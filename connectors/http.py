"""The one door to the web: polite, bounded and guarded. All connectors share one client.

aiohttp carries the requests: an unchanged feed (304) costs it a twentieth of what httpx's own transport takes. Whose
address may be asked is decided in guard.py, for each redirect and each connection anew.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urljoin, urlsplit, urlunsplit

import aiohttp

from connectors.contract import Fix, Hearing, Wait
from connectors.guard import Guard, Private

MOST_BYTES = 15 * 1024 * 1024  # of a body, decompressed
MOST_REDIRECTS = 5
TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=10, sock_read=30)
HANG_UP = 1.0  # seconds for a good-bye
LONGEST_WAIT = timedelta(days=1)
KEYS = ("authorization", "x-goog-api-key", "api-key", "api-username")  # headers that are for one server only
ACCEPT = "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"


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
        self._agent = agent
        self._guard = Guard(frozenset(host.lower() for host in allow_private))
        self._session: aiohttp.ClientSession | None = None

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
        to = self._guard.check(url)
        with _translated(url):
            async with self._client().request(method, to, headers=headers, allow_redirects=False, **sent) as response:
                body = await _body(response, url)
                return Answer(response.status, _headers(response), body, url)

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
        url = f"http{url[2:]}" if url[:2].lower() == "ws" else url
        to = self._guard.check(url)
        with _translated(url):
            try:
                line = await self._client().ws_connect(to, max_msg_size=MOST_BYTES, headers=headers)
            except aiohttp.WSServerHandshakeError as no:
                raise refusal(Answer(no.status, dict(no.headers or {}), b"", url), now) from None
            try:
                with suppress(TimeoutError):
                    async with asyncio.timeout(patience):
                        for text in say:
                            await line.send_str(text)
                        await _hear(line, enough)
            finally:  # a server in full flow may not hear us say good-bye
                with suppress(TimeoutError):
                    async with asyncio.timeout(HANG_UP):
                        await line.close()

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=100, limit_per_host=2, resolver=self._guard, ttl_dns_cache=60, socket_factory=self._guard.socket
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=TIMEOUT,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": self._agent, "Accept": ACCEPT, "Accept-Encoding": "gzip, deflate, br"},
                max_field_size=16_384,
            )
        return self._session

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            await self._guard.close()
            self._session = None


async def _hear(line: aiohttp.ClientWebSocketResponse, enough: Callable[[str], bool]) -> None:
    async for message in line:
        if message.type is aiohttp.WSMsgType.TEXT and enough(message.data):
            return
        await asyncio.sleep(0)  # what is buffered already comes without a pause, and others want their turn


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """The client's troubles, in our words."""
    try:
        yield
    except Private as refused:
        raise Fix(str(refused)) from None
    except TimeoutError:
        raise Wait(f"{shown(url)}: no answer in time; tried again later") from None
    except aiohttp.InvalidURL:
        raise Fix(f"{shown(url)}: is not an address; write it with http:// or https://") from None
    except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as wrong:
        raise Fix(f"{shown(url)}: its certificate is not valid ({type(wrong).__name__})") from None
    except (aiohttp.ClientError, OSError, ValueError) as wrong:
        if isinstance(wrong.__cause__, Private) or isinstance(getattr(wrong, "os_error", None), Private):
            raise Fix(str(getattr(wrong, "os_error", wrong.__cause__))) from None
        raise Wait(f"{shown(url)}: cannot be reached ({_plain(wrong)}); tried again later") from None


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


def _headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


async def _body(response: aiohttp.ClientResponse, url: str) -> bytes:
    """Counted as it is decompressed, so that a small bomb stays small."""
    if response.status == 304:
        return b""
    pieces, size = [], 0
    async for piece in response.content.iter_chunked(65_536):
        size += len(piece)
        if size > MOST_BYTES:
            raise Fix(f"{shown(url)}: is larger than {MOST_BYTES // 2**20} MB; is this really a feed?")
        pieces.append(piece)
    return b"".join(pieces)


def _plain(wrong: Exception) -> str:
    reason = getattr(wrong, "strerror", "") or getattr(wrong, "message", "") or type(wrong).__name__
    return str(reason)[:120]


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
