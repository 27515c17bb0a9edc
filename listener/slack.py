"""The Bolt app: what people press in Slack becomes a command for the desk. Socket Mode, or HTTP with signed requests.

Slack wants its answer within three seconds, so a press is acknowledged first; whatever it means is decided and written
in one transaction, and what must be said about it is owed to the courier like everything else.
"""

import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import aiohttp
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from escalation.commands import Refused
from escalation.desk import Desk
from escalation.ledger import Conflict, UnknownCase
from escalation.policy import Person
from escalation.slack import actions
from listener.settings import Settings
from listener.settings import Slack as SlackSettings

OURS = re.compile("^case_")
REMEMBERED = 5_000  # deliveries recognised when Slack repeats them
STRANGER = "You are not in people.toml; ask whoever runs Listening Post to add your Slack member id."


def client(settings: SlackSettings) -> AsyncWebClient:
    return AsyncWebClient(token=settings.bot_token, base_url=settings.api_url, timeout=15)


def app(settings: Settings, desk: Desk, clock: Callable[[], datetime]) -> AsyncApp:
    """The app with its listeners; whoever starts it chooses the way in."""
    slack = settings.slack
    bolt = AsyncApp(
        client=client(slack),
        signing_secret=slack.signing_secret or "unused in socket mode",
        process_before_response=False,
        ignoring_self_events_enabled=False,
    )
    clicks = _Clicks(settings, desk, clock)
    bolt.action(OURS)(clicks.pressed)
    bolt.view(OURS)(clicks.sent)
    return bolt


class _Clicks:
    def __init__(self, settings: Settings, desk: Desk, clock: Callable[[], datetime]):
        self._people = {person.slack: person for person in settings.people if person.slack}
        self._desk, self._clock = desk, clock
        self._seen: OrderedDict[str, None] = OrderedDict()

    async def pressed(self, ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        press = actions.pressed(body)
        if press is None or press.action == "open" or self._repeated(press.key):
            return
        person = self._people.get(press.user)
        if person is None:
            await _whisper(client, body, STRANGER)
            return
        try:
            case = await self._desk.case(press.case)
            if form := actions.form(press.action, case, self._clock()):
                await client.views_open(trigger_id=body.get("trigger_id", ""), view=form)
            else:
                await self._desk.handle(press.case, actions.command(press.action, person.name, {}), self._clock())
        except (Refused, UnknownCase, Conflict) as why:
            await _whisper(client, body, str(why.args[0]))
        except SlackApiError:
            await _whisper(client, body, "Slack did not open the form in time. Press the button again.")

    async def sent(self, ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        press = actions.sent(body)
        person = self._people.get(press.user) if press else None
        if press is None or person is None:
            await ack(response_action="update", view=_told(STRANGER))
            return
        if self._repeated(press.key):
            await ack()
            return
        try:
            asked = actions.command(press.action, person.name, actions.values(body))
            await self._desk.handle(press.case, asked, self._clock())
        except (Refused, UnknownCase, Conflict) as why:
            self._seen.pop(press.key, None)  # what was refused may be corrected and sent again
            await ack(**_refusal(body, str(why.args[0])))
        else:
            await ack()

    def _repeated(self, key: str) -> bool:
        """Slack delivers again what it believes was lost; the desk would bear it, the person need not see it twice."""
        if key in self._seen:
            return True
        self._seen[key] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return False


def _refusal(body: dict[str, Any], why: str) -> dict[str, Any]:
    """Under the field it speaks of, or in place of the form."""
    field = actions.field_of(why)
    if field and field in actions.values(body):
        return {"response_action": "errors", "errors": {field: why[:150]}}
    return {"response_action": "update", "view": _told(why)}


def _told(why: str) -> dict[str, Any]:
    section = {"type": "section", "text": {"type": "plain_text", "text": why[:2_900], "emoji": False}}
    title = {"type": "plain_text", "text": "Listening Post"}
    return {"type": "modal", "title": title, "close": {"type": "plain_text", "text": "Close"}, "blocks": [section]}


async def _whisper(client: AsyncWebClient, body: dict[str, Any], why: str) -> None:
    channel = (body.get("channel") or {}).get("id") or (body.get("container") or {}).get("channel_id")
    user = (body.get("user") or {}).get("id")
    if channel and user:
        await client.chat_postEphemeral(channel=channel, user=user, text=why[:3_000])


@asynccontextmanager
async def listening(settings: Settings, desk: Desk, clock: Callable[[], datetime]) -> AsyncIterator[None]:
    """Hears presses for as long as it is open."""
    bolt = app(settings, desk, clock)
    way_in = _http(bolt, settings.slack.port) if settings.slack.mode == "http" else _socket(bolt, settings.slack)
    async with way_in:
        yield


@asynccontextmanager
async def _socket(bolt: AsyncApp, slack: SlackSettings) -> AsyncIterator[None]:
    handler = AsyncSocketModeHandler(bolt, slack.app_token, web_client=client(slack))
    await handler.connect_async()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def _http(bolt: AsyncApp, port: int) -> AsyncIterator[None]:
    runner = web.AppRunner(bolt.web_app("/slack/events"))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


async def examine(slack: SlackSettings, people: Sequence[Person]) -> AsyncIterator[tuple[str, bool, str]]:
    """(what, is it well, what was found): for `listener doctor`."""
    api = client(slack)
    try:
        who = await api.auth_test()
        yield "link", True, f"signed in as {who.get('user')} in {who.get('team')}"
    except SlackApiError as wrong:
        yield (
            "link",
            False,
            f"SLACK_BOT_TOKEN is refused ({wrong.response.get('error')}); copy it again from the app's page",
        )
        return
    except (aiohttp.ClientError, TimeoutError, OSError) as wrong:
        yield "link", False, f"{slack.api_url} cannot be reached ({type(wrong).__name__})"
        return
    for person in people:
        if not person.slack:
            found = "has no `slack` id in people.toml; notices for them go to the channel"
            yield person.name, False, found
