"""The Bolt app: which listener hears what."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, cast

from aiohttp import ClientSession
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from escalation.slack import actions
from escalation.slack.actions import PREFIX
from escalation.slack.calls import connect
from escalation.slack.errors import NotInstalled
from escalation.slack.forms import SAVE, SEARCH
from listener.settings import Settings
from listener.slack import office as offices
from listener.slack.clicks import Clicks
from listener.slack.commands import Commands
from listener.slack.hearing import Ear, passed
from listener.slack.home import HomeTab
from listener.slack.links import by_http, by_socket
from listener.slack.office import Office
from listener.slack.unfurls import Unfurls
from listener.slack.who import Who
from listener.storage.contract import Store

log = logging.getLogger("listener")

OURS = re.compile(f"^{PREFIX}")
Clock = Callable[[], datetime]


@asynccontextmanager
async def listening(current: Callable[[], Settings], store: Store, clock: Clock) -> AsyncIterator[None]:
    """Hears what people press for as long as it is open; what was pressed until then is finished. `current` are the
    settings as they are now, with the turns that calendars gave last."""
    office, slack = offices.make(current, store, clock), current().slack
    bolt, ear = _app(office), Ear(office)
    bolt.use(ear.heard)
    way = by_http(bolt, slack) if slack.mode == "http" else by_socket(bolt, office, ear)
    async with ClientSession() as office.lines.session, way:  # one for all calls, not one for each
        if slack.oauth:
            await office.lines.installations.sealed_anew()
        watching = asyncio.create_task(ear.watch())
        try:
            yield
        finally:
            ear.stop()
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await office.drain()


class Removed:
    """https://docs.slack.dev/reference/events/app_uninstalled, https://docs.slack.dev/reference/events/tokens_revoked"""

    def __init__(self, office: Office):
        self._office = office

    async def told(self, event: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        tokens = event.get("tokens")
        if event.get("type") == "app_uninstalled" or (isinstance(tokens, Mapping) and tokens.get("bot")):
            at = actions.moment(actions.words(body, "event_time")) or self._office.clock()
            with self._office.known():
                await self._office.lines.installations.removed(actions.words(body, "team_id"), at)


def app(settings: Settings, store: Store, clock: Clock, session: ClientSession | None = None) -> AsyncApp:
    """The app with its listeners; whoever starts it chooses the way in, and may give a session for all calls."""
    office = offices.make(lambda: settings, store, clock)
    office.lines.session = session
    return _app(office)


def _app(office: Office) -> AsyncApp:
    """Bolt is told by us which token is meant. Left to itself, it takes SLACK_CLIENT_ID in the environment, which lets
    people into the desk, for a wish to keep tokens of many workspaces in files of its own, and hears nobody."""
    slack = office.settings.slack
    secret = slack.signing_secret or "unused in socket mode"

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult | None:
        try:
            client = await office.lines(team_id or "")
        except NotInstalled as why:
            log.warning("%s", why)
            return None
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=client.token)

    allowed = cast(Callable[..., Awaitable[AuthorizeResult]], authorize)  # None is an answer too, and means no
    bolt = AsyncApp(client=connect(None, slack.api_url), signing_secret=secret, authorize=allowed)
    home = HomeTab(office)
    clicks, commands, removed = Clicks(office, home.refresh), Commands(office), Removed(office)
    bolt.action(OURS)(clicks.pressed)
    bolt.action("value")(clicks.typed)
    bolt.view(OURS)(clicks.sent)
    bolt.view_closed(OURS)(clicks.closed)
    bolt.action(re.compile("^home_"))(home.pressed)
    bolt.event("app_home_opened")(home.opened)
    bolt.action("find_ask")(commands.finding.asked)
    bolt.action(re.compile("^find_(?!ask$)"))(commands.turned)
    bolt.action(re.compile("^who_"))(Who(office).pressed)
    bolt.event("message")(passed)  # of what we changed ourselves: hearing.py has heard it by then
    bolt.event("app_uninstalled")(removed.told)
    bolt.event("tokens_revoked")(removed.told)
    bolt.event("link_shared")(Unfurls(office).shared)
    bolt.view(SAVE)(commands.saved)
    bolt.view(SEARCH)(commands.finding.sent)
    bolt.command(re.compile("^/(mentions|cases|oncall|digest)$"))(commands.asked)
    bolt.shortcut("raise")(commands.shortcut)
    return bolt
