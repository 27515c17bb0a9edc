"""What everything that answers in Slack needs at hand."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from escalation.desk import Desk
from escalation.slack import actions
from escalation.slack.calls import connect
from escalation.slack.places import joined, without
from listener.settings import Settings
from listener.settings import Slack as SlackSettings
from listener.settings.model import Member
from listener.slack.drafts import Drafts
from listener.slack.guests import Guests
from listener.slack.workspaces import Lines, lines
from listener.storage.contract import Store
from listener.web.access import ALLOWED, Act
from listener.weigh import Scales, scales, with_turns_of

DRAIN = 10.0  # seconds given to what was pressed just before we stop


def client(settings: SlackSettings) -> AsyncWebClient:
    return connect(settings.bot_token, settings.api_url)


@dataclass(frozen=True, slots=True)
class Office:
    current: Callable[[], Settings]  # whose turn it is changes while we run, where calendars say so
    store: Store
    desk: Desk
    clock: Callable[[], datetime]
    lines: Lines
    guests: Guests
    judged_by: Scales  # as they were when we started
    drafts: Drafts
    under_way: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def settings(self) -> Settings:
        return self.current()

    @property
    def scales(self) -> Scales:
        return with_turns_of(self.judged_by, self.settings)

    @contextmanager
    def known(self) -> Iterator[None]:
        """Bolt forgets the tasks it starts; these are waited for when we stop."""
        task = asyncio.current_task()
        tasks = {task} if task else set()
        self.under_way.update(tasks)
        try:
            yield
        finally:
            self.under_way.difference_update(tasks)

    async def drain(self) -> None:
        if self.under_way:
            await asyncio.wait(self.under_way, timeout=DRAIN)

    def who(self, body: Mapping[str, Any]) -> str:
        """Who did this, as guests.py calls them."""
        return self.guests.who(actions.who(body), actions.their_team(body))

    def name(self, body: Mapping[str, Any]) -> str:
        """The name in people.toml of who did this; "" for somebody who is not there."""
        return self.guests.name(self.who(body))

    async def line(self, body: Mapping[str, Any]) -> AsyncWebClient:
        """To the workspace where this was done. Raises NotInstalled."""
        return await self.lines(actions.team(body))

    def channel(self, body: Mapping[str, Any]) -> str:
        """Where this was done, for whoever is to be told there later."""
        there = actions.words(body, "channel_id") or actions.place(body)[0]
        slack = self.settings.slack
        return without(slack.workspace, joined(actions.team(body), there)) if slack.oauth and there else there

    async def refusal(self, body: Mapping[str, Any], act: Act = Act.LOOK) -> str:
        """What a person is told who may not do this; "" for one who may. Roles are those of the web desk."""
        if no := await self.guests.refusal(self.who(body), actions.their_team(body)):
            return no
        roles = self.settings.members.get(self.name(body), Member()).roles
        if roles & ALLOWED[act]:
            return ""
        return f"Your role ({', '.join(sorted(roles))}) may not {act}; people.toml says who may."

    @property
    def names(self) -> tuple[str, ...]:
        """Whom a case can be handed to: people, and teams."""
        people, teams = self.settings.people, self.settings.teams
        return (*(person.name for person in people), *(team.name for team in teams))


def make(current: Callable[[], Settings], store: Store, clock: Callable[[], datetime]) -> Office:
    settings = current()
    speak = lines(settings.slack, store, clock)
    guests = Guests(settings.people, speak, clock, settings.slack.workspace if settings.slack.oauth else "")
    return Office(current, store, Desk(store), clock, speak, guests, scales(settings), Drafts(store))
