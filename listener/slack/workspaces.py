"""The workspaces that the app is installed in: kept, found, forgotten, and the line to each.

Bolt's own interfaces over our store: https://docs.slack.dev/tools/bolt-python/concepts/authenticating-oauth
A token is nowhere but sealed in the store and, opened, in the memory of who speaks with it.
"""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from logging import Logger, getLogger
from typing import Any

from aiohttp import ClientSession
from slack_bolt.error import BoltError
from slack_sdk.oauth.installation_store import Bot, Installation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient

from escalation.slack.calls import connect
from escalation.slack.errors import NotInstalled
from listener.settings import Slack
from listener.slack.sealing import Seal, Unreadable
from listener.storage.contract import Installation as Kept
from listener.storage.contract import Store
from listener.web.access import hashed

UNDER_WAY = timedelta(minutes=10)  # from "install" to Slack's answer

log = getLogger("listener")


class Installations(AsyncInstallationStore):
    """One token for each workspace: the bot's. We ask for no person's."""

    def __init__(self, slack: Slack, store: Store, clock: Callable[[], datetime]):
        self._slack, self._store, self._clock = slack, store, clock
        self.seal = Seal(slack.keys)

    @property
    def logger(self) -> Logger:
        return log

    async def async_save(self, installation: Installation) -> None:
        """Raises BoltError for a workspace that the configuration does not name."""
        team = installation.team_id or ""
        if installation.is_enterprise_install or team not in self._slack.workspaces:
            raise BoltError(f"{team or 'a whole organisation'} is not named in listener.toml or people.toml")
        if installation.bot_refresh_token or not installation.bot_token:
            raise BoltError("its tokens would expire: token rotation must be off for this app")
        bot = installation.to_bot()
        kept = Kept(
            team=team,
            name=bot.team_name or "",
            scopes=",".join(bot.bot_scopes),
            by=installation.user_id,
            at=self._clock(),
            sealed=self.seal.close(team, {"bot_token": bot.bot_token, "bot_id": bot.bot_id, "user": bot.bot_user_id}),
        )
        await self._store.keep_installation(kept)
        log.info("the app is installed in the Slack workspace %s (%s)", kept.team, kept.name)

    async def async_find_bot(
        self, *, enterprise_id: str | None, team_id: str | None, is_enterprise_install: bool | None = False
    ) -> Bot | None:
        kept = await self._store.installation(team_id or "")
        if kept is None:
            return None
        what = self.opened(kept)
        return Bot(
            team_id=kept.team,
            team_name=kept.name,
            bot_token=what["bot_token"],
            bot_id=what["bot_id"],
            bot_user_id=what["user"],
            bot_scopes=kept.scopes,
            installed_at=kept.at.timestamp(),
        )

    def opened(self, kept: Kept) -> Any:
        """Raises NotInstalled with the mend."""
        try:
            return self.seal.open(kept.team, kept.sealed)
        except Unreadable as why:
            mend = "put the key it was sealed with back behind the new one in LISTENER_SLACK_KEY, or install again"
            raise NotInstalled(f"the token of Slack workspace {kept.team} cannot be read ({why}): {mend}") from None

    async def async_delete_bot(self, *, enterprise_id: str | None, team_id: str | None) -> None:
        if await self._store.drop_installation(team_id or ""):
            log.warning("the app is not installed in the Slack workspace %s any more", team_id)

    async def async_delete_installation(
        self, *, enterprise_id: str | None, team_id: str | None, user_id: str | None = None
    ) -> None:
        """We keep nothing of single people."""

    async def removed(self, team: str, at: datetime) -> None:
        """Word that arrives late, after the app was installed again, is of the one before."""
        kept = await self._store.installation(team)
        if kept and at >= kept.at.replace(microsecond=0):
            await self.async_delete_bot(enterprise_id=None, team_id=team)

    async def sealed_anew(self) -> int:
        """What an older key had sealed is sealed with the first; how many those were."""
        old = [kept for kept in await self._store.installations() if not self.seal.newest(kept.sealed)]
        done = 0
        for kept in old:
            try:
                sealed = self.seal.close(kept.team, self.seal.open(kept.team, kept.sealed))
            except Unreadable as why:
                log.warning("the token of Slack workspace %s cannot be read: %s", kept.team, why)
                continue
            await self._store.keep_installation(replace(kept, sealed=sealed))
            done += 1
        return done


class States(AsyncOAuthStateStore):
    """What a browser that went to Slack must bring back: once, and soon. The store keeps its hash."""

    def __init__(self, store: Store, clock: Callable[[], datetime]):
        self._store, self._clock = store, clock

    @property
    def logger(self) -> Logger:
        return log

    async def async_issue(self, *args: Any, **kwargs: Any) -> str:
        state, now = secrets.token_urlsafe(32), self._clock()
        await self._store.keep_pass(hashed(state, "install"), "", now + UNDER_WAY, now)
        return state

    async def async_consume(self, state: str) -> bool:
        """Of two who bring it at once, one is believed."""
        key = hashed(state, "install")
        begun = await self._store.pass_of(key, self._clock())
        return begun is not None and bool(await self._store.drop_passes(key=key))


class Lines:
    """The client that speaks to a workspace; "" is the one that is meant when none is named."""

    def __init__(self, slack: Slack, installations: Installations):
        self._slack, self.installations = slack, installations
        self.session: ClientSession | None = None  # one for all calls, where there is one
        self._known: dict[str, AsyncWebClient] = {}

    async def __call__(self, team: str) -> AsyncWebClient:
        """Raises NotInstalled with the mend."""
        if not self._slack.oauth:
            return self._client("", self._slack.bot_token)
        team = team or self._slack.workspace
        bot = await self.installations.async_find_bot(enterprise_id=None, team_id=team)
        if bot is None:
            raise NotInstalled(f"the app is not installed in Slack workspace {team}: open /slack/install on the desk")
        return self._client(team, bot.bot_token)

    def _client(self, team: str, token: str) -> AsyncWebClient:
        """A new one when the app was installed again."""
        known = self._known.get(team)
        if known is None or known.token != token:
            known = self._known[team] = connect(token, self._slack.api_url)
        known.session = self.session
        return known


def lines(slack: Slack, store: Store, clock: Callable[[], datetime]) -> Lines:
    return Lines(slack, Installations(slack, store, clock))
