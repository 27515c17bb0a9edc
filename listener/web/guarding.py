"""What stands in front of every page: the name we are called by, what a page may do, a lid on sign-ins."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Frame-Options": "DENY",
}
MOST_BYTES = 64 * 1024  # of a form


class Guarded:
    """Refuses who calls us by another name: a page of a stranger whose host name suddenly means this machine.

    `nameless`: paths that guard themselves, and are asked for by address."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str], nameless: frozenset[str] = frozenset()):
        self._app, self._hosts, self._nameless = app, hosts, nameless

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] in self._nameless:
            await self._app(scope, receive, _adorned(scope, send))
        elif bare_host(Headers(scope=scope).get("host", "")) not in self._hosts:
            await PlainTextResponse("This is not the name of this desk.", 421)(scope, receive, _adorned(scope, send))
        else:
            await self._app(scope, receive, _adorned(scope, send))


def bare_host(name: str) -> str:
    """A host's name without its port."""
    return name.rpartition("]")[0] + "]" if name.startswith("[") else name.partition(":")[0].lower()


def _adorned(scope: Scope, send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            if not scope["path"].startswith("/static/"):
                headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sent


async def body_of(request: Request) -> bytes:
    """Nothing at all when it is longer than anything that is asked for, or breaks off."""
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > MOST_BYTES:
                return b""
    except ClientDisconnect:
        return b""
    return body


class Lid:
    """At most so many tries from one address within a while; remembers a bounded number of addresses."""

    def __init__(self, clock: Callable[[], datetime], most: int = 10, within: timedelta = timedelta(minutes=5)):
        self._clock, self._most, self.within = clock, most, within
        self._tries: OrderedDict[str, list[datetime]] = OrderedDict()

    def shut(self, address: str) -> bool:
        """Counts this try, and says whether it is one too many."""
        now = self._clock()
        tries = [at for at in self._tries.pop(address, []) if now - at < self.within]
        self._tries[address] = [*tries, now][-self._most - 1 :]
        if len(self._tries) > 10_000:
            self._tries.popitem(last=False)
        return len(tries) >= self._most
