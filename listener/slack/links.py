"""The ways in: a socket to Slack, or an HTTP server that Slack posts to."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError

from escalation.notices import HOUSE, Kind, Notice
from escalation.slack import errors
from listener.settings import Slack
from listener.slack.hearing import ALL_THE_SAME, Ear
from listener.slack.office import Office, client
from listener.storage.contract import HEARD, UNHEARD
from listener.tables import ConfigError, Problem

log = logging.getLogger("listener")

PATH = "/slack/events"  # the Request URL of the app's page, in http mode
RECONNECT = 10.0  # seconds between two attempts to open the socket
PING = 5.0  # seconds between two pings; four without an answer, and the socket is replaced
LOOK = 5.0  # seconds between two looks at the socket
QUIET = 900.0  # seconds without a word from Slack, after which a fresh socket is taken
SILENT = timedelta(minutes=5)  # without a socket, until people are told
NO_BUTTONS = "Presses in Slack do not reach us"


@asynccontextmanager
async def by_socket(bolt: AsyncApp, office: Office, ear: Ear) -> AsyncIterator[None]:
    """A socket that cannot be opened holds back nothing else; it is tried until it can, and watched from then on."""
    slack = office.settings.slack
    handler = AsyncSocketModeHandler(bolt, slack.app_token, web_client=client(slack), ping_interval=PING)
    ear.fresh = partial(handler.client.connect_to_new_endpoint, force=True)
    tasks = [asyncio.create_task(_open(handler)), asyncio.create_task(_watch(handler, office))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await handler.close_async()  # type: ignore[no-untyped-call]


async def _open(handler: AsyncSocketModeHandler) -> None:
    said = ""
    while trouble := await _trouble(handler):
        if trouble != said:
            log.warning("nobody can press a button in Slack: %s; trying again", trouble)
        said = trouble
        await asyncio.sleep(RECONNECT)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    if said:
        log.info("buttons in Slack work again")


async def _watch(handler: AsyncSocketModeHandler, office: Office) -> None:
    """The library replaces a socket that does not answer its pings. One that answers and brings nothing looks like a
    quiet night, so it is replaced too after a while; and people are told when there is none for long."""
    heard, up, told = asyncio.Event(), office.clock(), False

    async def hear(_: object) -> None:
        heard.set()

    handler.client.on_message_listeners.append(hear)
    quiet = asyncio.get_running_loop().time()
    while True:
        await asyncio.sleep(LOOK)
        now, there = office.clock(), await handler.client.is_connected()
        if heard.is_set() or not there:
            heard.clear()
            quiet = asyncio.get_running_loop().time()
        elif asyncio.get_running_loop().time() - quiet > QUIET:
            quiet = asyncio.get_running_loop().time()
            with suppress(Exception):  # the fence: the old socket is still there, and the next look tries again
                await handler.client.connect_to_new_endpoint(force=True)
        if there and told:
            await office.store.set_mark(HEARD, now)
            await office.store.owe(_told(now, "back", f"Buttons in Slack work again since {now:%H:%M} UTC."), now)
        elif not there and not told and now - up > SILENT:
            await office.store.set_mark(UNHEARD, now)
            await office.store.owe(_told(now, "gone", f"{NO_BUTTONS} since {up:%H:%M} UTC. {ALL_THE_SAME}"), now)
        up, told = (now, False) if there else (up, told or now - up > SILENT)


def _told(now: datetime, what: str, text: str) -> Notice:
    return Notice(case=HOUSE, seq=int(now.timestamp()), kind=Kind.HOUSE, to=f"slack link {what}", text=text)


async def _trouble(handler: AsyncSocketModeHandler) -> str:
    """Why no socket can be had, or "". Asked first, for the library would fill the log with tracebacks."""
    try:
        answer = await handler.client.web_client.apps_connections_open(app_token=handler.app_token)
    except SlackApiError as error:
        return f"SLACK_APP_TOKEN is refused ({errors.code_of(error) or errors.status_of(error)})"
    except errors.UNREACHABLE as error:
        return f"Slack cannot be reached ({type(error).__name__})"
    handler.client.wss_uri = str(answer["url"])
    return ""


@asynccontextmanager
async def by_http(bolt: AsyncApp, slack: Slack) -> AsyncIterator[None]:
    async def heard(request: web.Request) -> web.StreamResponse:
        return await to_aiohttp_response(await bolt.async_dispatch(await to_bolt_request(request)))

    server = web.Application(middlewares=[_sane_timestamp])
    server.router.add_post(PATH, heard)
    runner = web.AppRunner(server)
    await runner.setup()
    try:
        await _bind(runner, slack)
        yield
    finally:
        await runner.cleanup()


async def _bind(runner: web.AppRunner, slack: Slack) -> None:
    """Raises ConfigError with the mend."""
    try:
        await web.TCPSite(runner, slack.host, slack.port).start()
    except OSError as error:
        why = error.strerror or type(error).__name__
        mend = f"presses cannot arrive at {slack.host} port {slack.port} ({why}); choose another host or port"
        raise ConfigError([Problem("listener.toml", "slack", mend)]) from None


@web.middleware
async def _sane_timestamp(
    request: web.Request, handler: Callable[..., Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Bolt answers 500, with a traceback in the log, to a timestamp that is no number."""
    if not request.headers.get("X-Slack-Request-Timestamp", "0").isdecimal():
        return web.json_response({"error": "invalid request"}, status=401)
    return await handler(request)
