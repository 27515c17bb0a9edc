"""Who may press: a colleague whom people.toml names, in a workspace the app is installed in. Nobody else may.

Slack lets everybody press who sees a message, guests and people of other companies too. Slack is asked who somebody is
and believed for ten minutes; while it cannot be asked, nobody may press whom it has not vouched for.
https://docs.slack.dev/reference/objects/user-object
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.errors import SlackApiError

from escalation.policy import Person
from escalation.slack import errors
from escalation.slack.calls import Line, by_post
from escalation.slack.places import joined, parted, without

BELIEVED = timedelta(minutes=10)
REMEMBERED = 2_000  # people
STRANGER = "You are not in people.toml; ask whoever runs Listening Post to add your Slack member id."
NOT_HERE = "Only colleagues of this workspace may do that."
KINDS = {
    "is_restricted": "Guests may not do that; a full member of the team must.",
    "is_ultra_restricted": "Guests may not do that; a full member of the team must.",
    "is_bot": "An app may not do that; a person must.",
    "is_stranger": NOT_HERE,
    "deleted": NOT_HERE,
}


class Guests:
    def __init__(self, people: Sequence[Person], line: Line, clock: Callable[[], datetime], workspace: str = ""):
        """With a `workspace`, others beside it are known: people are told apart by theirs (escalation/slack/places.py).
        Without one there is only that of the app, whatever its name."""
        self._people = {without(workspace, person.slack): person.name for person in people if person.slack}
        self._line, self._clock, self._workspace = line, clock, workspace
        self._asked: OrderedDict[str, tuple[datetime, asyncio.Task[str]]] = OrderedDict()
        self._team: asyncio.Task[str] | None = None

    def who(self, user: str, team: str) -> str:
        """How this person is called here; `team`: the workspace Slack says they are of."""
        return without(self._workspace, joined(team, user)) if self._workspace else user

    def name(self, who: str) -> str:
        """In people.toml; "" for somebody who is not there."""
        return self._people.get(who, "")

    async def refusal(self, user: str, team: str) -> str:
        """What a person is told who may not press; "" for one who may. `user` is what `who` calls them."""
        if user not in self._people:
            return STRANGER
        try:
            if team and not self._workspace and team != await self._home():
                return NOT_HERE
            return await self._found(user)
        except SlackApiError as error:
            return f"Slack does not say who you are ({errors.code_of(error)}); `listener doctor` says what to mend."
        except errors.UNREACHABLE:
            return "Slack could not be asked who you are. Press again in a moment."

    async def _home(self) -> str:
        """The workspace of the app. Asked once; a question that failed is asked again."""
        if self._team is None or (self._team.done() and (self._team.cancelled() or self._team.exception())):
            self._team = asyncio.create_task(self._ask_home())
        return await asyncio.shield(self._team)

    async def _ask_home(self) -> str:
        return str((await (await self._line("")).auth_test()).get("team_id"))

    async def _found(self, user: str) -> str:
        """However many press at once, Slack is asked once about each."""
        at, asked = self._asked.get(user, (None, None))
        failed = asked is not None and asked.done() and (asked.cancelled() or asked.exception() is not None)
        if asked is None or at is None or failed or self._clock() - at > BELIEVED:
            asked = asyncio.create_task(self._ask(user))
            self._asked[user] = (self._clock(), asked)
            if len(self._asked) > REMEMBERED:
                self._asked.popitem(last=False)
        return await asyncio.shield(asked)

    async def _ask(self, user: str) -> str:
        team, id_ = parted(user)
        return judged((await by_post(await self._line(team), "users.info")(user=id_)).get("user") or {})


def judged(user: Mapping[str, Any]) -> str:
    """Why this user of Slack may not press; "" for a colleague. Pure."""
    return next((why for kind, why in KINDS.items() if user.get(kind)), "")
