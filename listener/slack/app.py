"""The Bolt app: which listener hears what."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from aiohttp import ClientSession
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from escalation.slack.actions import PREFIX
from escalation.slack.calls import connect
from escalation.slack.forms import SAVE
from listener.settings import Settings
from listener.slack import office as offices
from listener.slack.clicks import Clicks
from listener.slack.commands import Commands
from listener.slack.home import HomeTab
from listener.slack.links import by_http, by_socket
from listener.slack.office import Office
from listener.slack.unfurls import Unfurls
from listener.slack.who import Who
from listener.storage.contract import Store

OURS = re.compile(f"^{PREFIX}")
Clock = Callable[[], datetime]


@asynccontextmanager
async def listening(current: Callable[[], Settings], store: Store, clock: Clock) -> AsyncIterator[None]:
    """Hears what people press for as long as it is open; what was pressed until then is finished. `current` are the
    settings as they are now, with the turns that calendars gave last."""
    office, slack = offices.make(current, store, clock), current().slack
    bolt = _app(office)
    way = by_http(bolt, slack) if slack.mode == "http" else by_socket(bolt, office)
    async with ClientSession() as office.client.session, way:  # one for all calls, not one for each
        try:
            yield
        finally:
            await office.drain()


def app(settings: Settings, store: Store, clock: Clock) -> AsyncApp:
    """The app with its listeners; whoever starts it chooses the way in."""
    return _app(offices.make(lambda: settings, store, clock))


def _app(office: Office) -> AsyncApp:
    """Bolt is told by us which token is meant. Left to itself, it takes SLACK_CLIENT_ID in the environment, which lets
    people into the desk, for a wish to keep tokens of many workspaces in files of its own, and hears nobody."""
    slack = office.settings.slack
    secret = slack.signing_secret or "unused in socket mode"

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=slack.bot_token)

    bolt = AsyncApp(client=connect(None, slack.api_url), signing_secret=secret, authorize=authorize)
    home = HomeTab(office)
    clicks, commands = Clicks(office, home.refresh), Commands(office)
    bolt.action(OURS)(clicks.pressed)
    bolt.action("value")(clicks.typed)
    bolt.view(OURS)(clicks.sent)
    bolt.view_closed(OURS)(clicks.closed)
    bolt.action(re.compile("^home_"))(home.pressed)
    bolt.event("app_home_opened")(home.opened)
    bolt.action(re.compile("^find_"))(commands.turned)
    bolt.action(re.compile("^who_"))(Who(office).pressed)
    bolt.event("link_shared")(Unfurls(office).shared)
    bolt.view(SAVE)(commands.saved)
    bolt.command(re.compile("^/(mentions|cases|oncall|digest)$"))(commands.asked)
    bolt.shortcut("raise")(commands.shortcut)
    return bolt
