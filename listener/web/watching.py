"""For machines that watch the house: /healthz, /readyz, /metrics. Strangers learn whether it is well, and no more."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from listener.health import Ailment, ailments, silent, working
from listener.metrics import CONTENT_TYPE, exposed
from listener.storage.contract import StoreError, Vitals
from listener.web.guarding import bare_host
from listener.web.room import Room

HERE = ("127.0.0.1", "::1")
LEAST, SELDOM = 5.0, 20  # seconds that an answer is good for; how often what it took, when that is more
NAMES_HERE = ("127.0.0.1", "localhost", "[::1]")
PATHS = frozenset({"/healthz", "/readyz", "/metrics"})  # asked for by address, not by the desk's name

Watcher = Callable[[Room, Request], Awaitable[Response]]


async def healthz(room: Room, request: Request) -> Response:
    """Red when a restart may help: the store cannot be written, or the engine is not at work."""
    try:
        ill = working(await _vitals(room), room.clock())
    except StoreError as wrong:
        ill = (_store(wrong),)
    return _told(room, request, ill)


async def readyz(room: Room, request: Request) -> Response:
    """Red when a complaint would go unheard or untold."""
    try:
        vitals = await _vitals(room)
    except StoreError as wrong:
        return _told(room, request, (_store(wrong),))
    ill = ailments(vitals, room.settings, room.clock())
    return _told(room, request, ill, silent(vitals, room.settings))


async def metrics(room: Room, request: Request) -> Response:
    if not _may(room, request):
        need = "Metrics are for this machine, or for who shows LISTENER_METRICS_TOKEN as a bearer token."
        return PlainTextResponse(need, 403)
    told = exposed(await _vitals(room), room.settings, room.clock())
    return Response(told, media_type=CONTENT_TYPE)


async def _vitals(room: Room) -> Vitals:
    """Raises StoreError when the store can be neither read nor written.

    At most once in five seconds, whoever asks; with so many open cases that it takes long, so seldom that it takes no
    more than a twentieth of the time.
    """
    now, ticks = room.clock(), asyncio.get_running_loop().time
    at, (good, told) = room.memo.get("vitals", (None, (0.0, None)))
    if at is None or not 0 <= (now - at).total_seconds() < good:
        begun = ticks()
        await room.store.set_mark("health", now)
        told = await room.store.vitals(now)
        room.memo["vitals"] = (now, (max(LEAST, (ticks() - begun) * SELDOM), told))
    assert isinstance(told, Vitals)
    return told


def _store(wrong: StoreError) -> Ailment:
    why = f"it can be neither read nor written ({type(wrong).__name__}); `listener doctor` says more"
    return Ailment(part="store", why=why)


def _told(room: Room, request: Request, ill: tuple[Ailment, ...], quiet: tuple[str, ...] = ()) -> Response:
    said: dict[str, object] = {"ok": not ill}
    if _may(room, request):
        said["wrong"] = [{"part": one.part, "why": one.why} for one in ill]
        said["silent"] = quiet
    return JSONResponse(said, 503 if ill else 200)


def _may(room: Room, request: Request) -> bool:
    """From this machine, by a name of this machine: a proxy in front of us calls us by another. Or with the token."""
    token = room.settings.metrics_token
    shown = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token and hmac.compare_digest(shown.encode(), token.encode()):
        return True
    client = request.client.host if request.client else ""
    public = {bare_host(room.settings.desk.public_url.partition("://")[2].partition("/")[0])}
    return client in HERE and bare_host(request.headers.get("host", "")) in set(NAMES_HERE) - public


def routes(room: Room) -> tuple[Route, ...]:
    watchers: dict[str, Watcher] = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}
    return tuple(Route(path, partial(watcher, room)) for path, watcher in watchers.items())
