"""The ways in: a socket to Slack, or an HTTP server that Slack posts to."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError

from escalation.slack import errors
from listener.settings import Slack
from listener.slack.office import Office, client
from listener.tables import ConfigError, Problem

log = logging.getLogger("listener")

PATH = "/slack/events"  # the Request URL of the app's page, in http mode
RECONNECT = 10.0  # seconds between two attempts to open the socket


@asynccontextmanager
async def by_socket(bolt: AsyncApp, office: Office) -> AsyncIterator[None]:
    """A socket that cannot be opened holds back nothing else; it is tried until it can."""
    slack = office.settings.slack
    handler = AsyncSocketModeHandler(bolt, slack.app_token, web_client=client(slack))
    opening = asyncio.create_task(_open(handler))
    try:
        yield
    finally:
        opening.cancel()
        with suppress(asyncio.CancelledError):
            await opening
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
    server = bolt.web_app(PATH)
    server.middlewares.append(_sane_timestamp)
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
