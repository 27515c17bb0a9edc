"""Carries the requests of connectors/http.py: bounded, guarded, troubles in our words. Made with the first of them.

aiohttp carries them: an unchanged feed (304) costs it a twentieth of what httpx's own transport takes. Whose address
may be asked is decided in guard.py, for each redirect and each connection anew.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

import aiohttp

from connectors.contract import Fix, Wait
from connectors.guard import Guard, Private
from connectors.http import Answer, refusal, shown

MOST_BYTES = 15 * 1024 * 1024  # of a body, decompressed
TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=10, sock_read=30)
HANG_UP = 1.0  # seconds for a good-bye
ACCEPT = "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"


class Carrier:
    """`allow_private`: connectors.http.Web. Raises Wait or Fix."""

    def __init__(self, agent: str, allow_private: frozenset[str]):
        self._agent = agent
        self._guard = Guard(frozenset(host.lower() for host in allow_private))
        self._session: aiohttp.ClientSession | None = None

    async def request(self, method: str, url: str, headers: Mapping[str, str], **sent: Any) -> Answer:
        to = self._guard.check(url)
        with _translated(url):
            async with self._client().request(method, to, headers=headers, allow_redirects=False, **sent) as response:
                body = await _body(response, url)
                return Answer(response.status, _headers(response), body, url)

    async def listen(
        self,
        url: str,
        enough: Callable[[str], bool],
        patience: float,
        now: datetime,
        headers: Mapping[str, str] | None,
        say: Sequence[str],
    ) -> None:
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
