"""Installing the app in a workspace: Bolt's OAuth flow, from "install" to Slack's answer.

https://docs.slack.dev/authentication/installing-with-oauth
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from logging import CRITICAL, Logger, getLogger
from urllib.parse import urlencode

from slack_bolt.error import BoltError
from slack_bolt.oauth.async_callback_options import AsyncCallbackOptions, AsyncFailureArgs, AsyncSuccessArgs
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth.installation_store import Installation

from escalation.clean import line
from escalation.slack import errors
from escalation.slack.calls import connect
from listener.settings import Settings
from listener.slack.checks import SCOPES
from listener.slack.workspaces import Installations, States
from listener.storage.contract import Store

INSTALL, BACK = "/slack/install", "/slack/oauth_redirect"
AGAIN = "Begin again."
NOT_BEGUN = f"This was not begun in this browser, or too long ago, or it is done already. {AGAIN}"
SAID = {
    "access_denied": "The app was not allowed in Slack; nothing has changed.",
    "invalid_browser": NOT_BEGUN,
    "invalid_state": NOT_BEGUN,
}

log = getLogger("listener")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the browser gets: on to Slack, or a sentence."""

    status: int
    cookie: str  # a whole Set-Cookie header
    to: str = ""
    said: str = ""


class Installing:
    def __init__(self, settings: Settings, store: Store, clock: Callable[[], datetime]):
        slack = settings.slack
        given = AsyncOAuthSettings(
            client_id=slack.client_id,
            client_secret=str(slack.client_secret),
            scopes=list(SCOPES),
            user_scopes=[],
            redirect_uri=f"{settings.desk.public_url}{BACK}",
            install_page_rendering_enabled=False,
            authorization_url=f"{slack.api_url.rstrip('/').removesuffix('/api')}/oauth/v2/authorize",
            callback_options=AsyncCallbackOptions(success=_done, failure=_failed),
            installation_store=Installations(slack, store, clock),
            state_store=States(store, clock),
        )
        unheard = Logger("slack oauth", CRITICAL)  # it would say the code; what matters is said here
        self._flow = _Flow(client=connect(None, slack.api_url), logger=unheard, settings=given)

    async def begin(self, query: Mapping[str, str]) -> Reply:
        asked = AsyncBoltRequest(body="", query=urlencode({"team": query["team"]} if query.get("team") else {}))
        answer = await self._flow.handle_installation(asked)
        return Reply(status=303, cookie=_cookie(answer), to=answer.headers["location"][0])

    async def end(self, query: Mapping[str, str], cookie: str) -> Reply:
        """`cookie`: the browser's Cookie header."""
        asked = AsyncBoltRequest(body="", query=urlencode(query), headers={"cookie": cookie})
        answer = await self._flow.handle_callback(asked)
        over = self._flow.settings.state_utils.build_set_cookie_for_deletion()
        return Reply(status=answer.status, cookie=over, said=answer.body)


def _cookie(answer: BoltResponse) -> str:
    return f"{answer.headers['set-cookie'][0]}; SameSite=Lax"


class _Flow(AsyncOAuthFlow):
    async def run_installation(self, code: str) -> Installation | None:
        try:
            return await super().run_installation(code)
        except errors.UNREACHABLE as error:
            log.warning("an installation could not be finished: Slack cannot be reached (%s)", type(error).__name__)
            return None

    async def store_installation(self, request: AsyncBoltRequest, installation: Installation) -> None:
        """What is not wanted is given back: nobody keeps a token of it."""
        try:
            await super().store_installation(request, installation)
        except BoltError:
            with suppress(SlackApiError, *errors.UNREACHABLE):
                await self.client.auth_revoke(token=installation.bot_token)
            raise


async def _done(args: AsyncSuccessArgs) -> BoltResponse:
    where = line(args.installation.team_name or args.installation.team_id or "", 80)
    return BoltResponse(status=200, body=f"Listening Post is installed in {where}. You can close this window.")


async def _failed(args: AsyncFailureArgs) -> BoltResponse:
    refused = isinstance(args.error, BoltError)
    said = f"Not installed: {args.error}." if refused else SAID.get(args.reason, f"Slack did not confirm it. {AGAIN}")
    log.warning("an installation of the Slack app was refused: %s", said)
    return BoltResponse(status=403 if refused else args.suggested_status_code, body=said)
