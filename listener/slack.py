"""The Bolt app: what people press in Slack becomes a command for the desk. Socket Mode, or HTTP with signed requests.

Slack wants an answer within three seconds. Whatever a press means is decided and written in one transaction; what must
be said about it is owed to the courier like everything else, so nothing here waits for a message to be sent.
"""

import asyncio
import logging
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from typing import Any

from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from escalation.clean import escape_mrkdwn
from escalation.commands import Handover, Refused
from escalation.desk import Desk
from escalation.ledger import Conflict, UnknownCase
from escalation.policy import Person
from escalation.slack import actions, errors, forms
from escalation.slack.calls import connect
from listener.settings import Settings
from listener.settings import Slack as SlackSettings
from listener.tables import ConfigError, Problem

log = logging.getLogger("listener")

OURS = re.compile(f"^{actions.PREFIX}")
PATH = "/slack/events"  # the Request URL of the app's page, in http mode
REMEMBERED = 5_000  # deliveries recognised when Slack repeats them
DRAIN = 10.0  # seconds given to what was pressed just before we stop
RECONNECT = 10.0  # seconds between two attempts to open the socket
SCOPES = ("chat:write", "im:write", "im:history", "channels:history", "groups:history")
STRANGER = "You are not in people.toml; ask whoever runs Listening Post to add your Slack member id."


def client(settings: SlackSettings) -> AsyncWebClient:
    return connect(settings.bot_token, settings.api_url)


@asynccontextmanager
async def listening(settings: Settings, desk: Desk, clock: Callable[[], datetime]) -> AsyncIterator[None]:
    """Hears what people press for as long as it is open; what was pressed until then is finished."""
    slack, clicks = settings.slack, Clicks(settings.people, desk, clock)
    bolt = _app(slack, clicks)
    async with _http(bolt, slack) if slack.mode == "http" else _socket(bolt, slack):
        try:
            yield
        finally:
            await clicks.drain()


def app(settings: Settings, desk: Desk, clock: Callable[[], datetime]) -> AsyncApp:
    """The app with its listeners; whoever starts it chooses the way in."""
    return _app(settings.slack, Clicks(settings.people, desk, clock))


def _app(slack: SlackSettings, clicks: "Clicks") -> AsyncApp:
    bolt = AsyncApp(client=client(slack), signing_secret=slack.signing_secret or "unused in socket mode")
    bolt.action(OURS)(clicks.pressed)
    bolt.view(OURS)(clicks.sent)
    return bolt


class Clicks:
    """Who pressed what, handed to the desk; a refusal is shown to the one who pressed and to nobody else."""

    def __init__(self, people: Sequence[Person], desk: Desk, clock: Callable[[], datetime]):
        self._people = {person.slack: person.name for person in people if person.slack}
        self._names = [person.name for person in people]
        self._desk, self._clock = desk, clock
        self._done: OrderedDict[str, None] = OrderedDict()
        self._under_way: set[asyncio.Task[Any]] = set()

    async def pressed(self, ack: Callable[..., Awaitable[Any]], body: dict[str, Any], client: AsyncWebClient) -> None:
        """Answered once it is done, so that a press that could not be kept shows its presser a warning."""
        press, said = actions.pressed(body), ""
        with self._known():
            if press and press.action != "open" and press.key not in self._done:
                said = await self._act(press, str(body.get("trigger_id", "")), client)
            await ack()
            if said:
                await _whisper(client, body, said)

    async def _act(self, press: actions.Press, trigger: str, client: AsyncWebClient) -> str:
        """Does what was pressed, or opens its form; returns what its presser should be told, if anything."""
        if press.user not in self._people:
            return STRANGER
        try:
            with self._done_once(press.key):
                case = await self._desk.case(press.case)
                if form := forms.form(press.action, case, self._names, self._clock()):
                    await _open_form(client, trigger, form)
                else:
                    await self._handle(press, {})
        except (Refused, UnknownCase, Conflict) as why:
            return str(why.args[0])
        return ""

    async def sent(self, ack: Callable[..., Awaitable[Any]], body: dict[str, Any]) -> None:
        press, given = actions.sent(body), actions.values(body)
        with self._known():
            if press is None or press.user not in self._people:
                await ack(response_action="update", view=forms.told(STRANGER))
            elif press.key in self._done:
                await ack()
            else:
                await ack(**await self._answer(press, given))

    async def _answer(self, press: actions.Press, given: Mapping[str, str]) -> dict[str, Any]:
        """Nothing, which closes the form; or the refusal, under the field it speaks of or in place of the form."""
        try:
            with self._done_once(press.key):
                await self._handle(press, given)
        except (Refused, UnknownCase, Conflict) as why:
            said = str(why.args[0])
            if field := actions.field_of(said, given):
                return {"response_action": "errors", "errors": {field: said}}
            return {"response_action": "update", "view": forms.told(said)}
        return {}

    async def _handle(self, press: actions.Press, given: Mapping[str, str]) -> None:
        asked = actions.command(press.action, self._people[press.user], given)
        if isinstance(asked, Handover) and asked.to not in self._names:
            raise Refused("choose somebody from the list")
        await self._desk.handle(press.case, asked, self._clock())

    @contextmanager
    def _done_once(self, key: str) -> Iterator[None]:
        """What failed or was refused may be pressed again."""
        self._done[key] = None
        if len(self._done) > REMEMBERED:
            self._done.popitem(last=False)
        try:
            yield
        except BaseException:
            self._done.pop(key, None)
            raise

    @contextmanager
    def _known(self) -> Iterator[None]:
        """Bolt forgets the tasks it starts; these are waited for when we stop."""
        task = asyncio.current_task()
        tasks = {task} if task else set()
        self._under_way |= tasks
        try:
            yield
        finally:
            self._under_way -= tasks

    async def drain(self) -> None:
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=DRAIN)


async def _open_form(client: AsyncWebClient, trigger: str, form: dict[str, Any]) -> None:
    """Slack opens a form within three seconds of the press, or not at all."""
    try:
        await client.views_open(trigger_id=trigger, view=form)
    except (SlackApiError, *errors.UNREACHABLE):
        raise Refused("Slack did not open the form in time. Press the button again.") from None


async def _whisper(client: AsyncWebClient, body: dict[str, Any], said: str) -> None:
    """Seen by the presser alone. It is a courtesy: when it does not arrive, nothing is lost."""
    channel, thread = actions.place(body)
    more: dict[str, Any] = {"thread_ts": thread} if thread else {}
    with suppress(SlackApiError, *errors.UNREACHABLE):
        await client.chat_postEphemeral(
            channel=channel, user=body["user"]["id"], text=escape_mrkdwn(said, 2_000), **more
        )


@asynccontextmanager
async def _socket(bolt: AsyncApp, slack: SlackSettings) -> AsyncIterator[None]:
    """A socket that cannot be opened holds back nothing else; it is tried until it can."""
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
async def _http(bolt: AsyncApp, slack: SlackSettings) -> AsyncIterator[None]:
    server = bolt.web_app(PATH)
    server.middlewares.append(_sane_timestamp)
    runner = web.AppRunner(server)
    await runner.setup()
    try:
        await _bind(runner, slack)
        yield
    finally:
        await runner.cleanup()


async def _bind(runner: web.AppRunner, slack: SlackSettings) -> None:
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


async def examine(slack: SlackSettings, people: Sequence[Person]) -> AsyncIterator[tuple[str, bool, str]]:
    """(what, is it well, what was found): for `listener doctor`."""
    try:
        who = await client(slack).auth_test()
    except SlackApiError as error:
        code = errors.code_of(error)
        yield "link", False, f"SLACK_BOT_TOKEN is refused ({code}): {errors.MENDS.get(code, 'try again later')}"
        return
    except errors.UNREACHABLE as error:
        yield "link", False, f"{slack.api_url} cannot be reached ({type(error).__name__})"
        return
    yield "link", True, f"signed in as {who.get('user')} in {who.get('team')}"
    granted = who.headers.get("x-oauth-scopes")
    if granted and (missing := set(SCOPES) - {scope.strip() for scope in granted.split(",")}):
        mend = errors.MENDS["missing_scope"]
        yield "scopes", False, f"the app may not {', '.join(sorted(missing))}: {mend}"
    for person in people:
        if not person.slack:
            yield (
                person.name,
                False,
                "has no `slack` id in people.toml; what is for them is said in the brand's channel",
            )
