"""What everything that answers in Slack needs at hand."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from escalation.desk import Desk
from escalation.slack.calls import connect
from listener.settings import Settings
from listener.settings import Slack as SlackSettings
from listener.settings.model import Member
from listener.slack.drafts import Drafts
from listener.slack.guests import Guests
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
    client: AsyncWebClient
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

    async def refusal(self, user: str, team: str, act: Act = Act.LOOK) -> str:
        """What a person is told who may not do this; "" for one who may. Roles are those of the web desk."""
        if no := await self.guests.refusal(user, team):
            return no
        roles = self.settings.members.get(self.guests.name(user), Member()).roles
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
    line = client(settings.slack)
    guests = Guests(settings.people, line, clock)
    return Office(current, store, Desk(store), clock, line, guests, scales(settings), Drafts(store))
