"""The desk on a port of its own, inside the house's event loop, for as long as it is open."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime, timedelta

import uvicorn

from connectors.http import Web
from listener.settings import Settings
from listener.storage.contract import Store
from listener.tables import ConfigError, Problem
from listener.web import access
from listener.web.app import app
from listener.web.guarding import Lid
from listener.web.live import Hub
from listener.web.room import Room
from listener.weigh import Scales

MINUTE = timedelta(minutes=1)
DRAIN = 3  # seconds given to what is under way when we stop


class _Server(uvicorn.Server):
    """Signals are the house's own business."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(
    current: Callable[[], tuple[Settings, Scales]], store: Store, web: Web, clock: Callable[[], datetime]
) -> AsyncIterator[str]:
    """Yields the desk's address on this machine. Raises ConfigError with the mend when its port cannot be had."""
    hub = Hub(store)
    lid, pace = Lid(clock), Lid(clock, 240, MINUTE)
    room = Room(current=current, store=store, web=web, clock=clock, hub=hub, lid=lid, pace=pace)
    with _bound(room.settings) as bound:
        server = _server(room)
        looking = asyncio.create_task(hub.look())
        running = asyncio.create_task(server.serve(sockets=[bound]))
        try:
            yield _address(bound)
        finally:
            hub.stop()
            looking.cancel()
            server.should_exit = True
            with suppress(asyncio.CancelledError):
                await asyncio.gather(running, looking, return_exceptions=True)


def _server(room: Room) -> _Server:
    config = uvicorn.Config(
        app(room),
        log_config=None,
        access_log=False,  # what was searched for is nobody's business
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN,
        ws="none",
        http="h11",
        h11_max_incomplete_event_size=32_768,
        limit_concurrency=1_000,
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    return _Server(config)


@contextmanager
def _bound(settings: Settings) -> Iterator[socket.socket]:
    desk = settings.desk
    try:
        family = socket.AF_INET6 if ":" in desk.host else socket.AF_INET
        bound = socket.create_server((desk.host, desk.port), family=family)
    except OSError as error:
        why = error.strerror or type(error).__name__
        mend = f"the desk cannot be served at {desk.host} port {desk.port} ({why}); choose another host or port"
        raise ConfigError([Problem("listener.toml", "web", mend)]) from None
    with bound:
        yield bound


def _address(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def invitation(settings: Settings, store: Store, address: str, now: datetime, person: str = "") -> str:
    """A sentence with the way in."""
    desk = settings.desk
    if not desk.loopback:
        return f"The desk is at {desk.public_url}; people sign in with Slack."
    token = await access.new_link(store, person, now)
    whose = f" as {person}" if person else ""
    return f"The desk{whose}, for half an hour and once: {address}/enter/{token}"
