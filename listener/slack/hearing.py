"""Does what people press reach us? A connection that answers and brings nothing looks like a quiet night.

So when nothing was heard for a while, we change a message of our own that one person has, which pings nobody: Slack
tells the app of it by the same way as of a press. When that does not come back, a fresh socket is taken; when it does
not come back on that one either, people are told, once, and once when it is well again.
https://docs.slack.dev/reference/events/message.im

Of several processes any one may be told. So who hears it says so in the store, and each asks for itself.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from slack_sdk.errors import SlackApiError

from escalation.notices import HOUSE, Kind, Notice
from escalation.slack import actions, errors
from escalation.slack.blocks import plain
from escalation.slack.messenger import EVENT, parted_ref
from escalation.slack.places import parted
from listener.settings.model import Member, Role
from listener.slack.office import Office
from listener.storage.contract import HEARD, UNHEARD

log = logging.getLogger("listener")

ECHOED = "slack echoed"  # mark: a message that we changed came back
LOOK = 5.0  # seconds between two looks at the clock
EVERY = 300.0  # seconds without a word from Slack, after which we ask; a call each
ANSWER = 30.0  # seconds until what we asked with must have come back
WORDS = "By this message Listening Post sees whether what is pressed in Slack reaches it. There is nothing to do."
ALL_THE_SAME = "Cards and messages still arrive, and `listener ack` and the others work."
MEND = "Is the app's Socket Mode on, and is message.im among its events? Does another installation use its token?"

Fresh = Callable[[], Awaitable[object]]


async def nothing_to_take() -> None:
    """Over HTTP there is no socket that could be replaced."""


async def passed() -> None:
    """A message in a direct message is only listened for."""


class Ear:
    def __init__(self, office: Office, fresh: Fresh = nothing_to_take):
        self._office, self.fresh = office, fresh
        self._brought, self._deaf, self._over = asyncio.Event(), False, False
        self._asked = self._last = asyncio.get_running_loop().time()

    async def heard(self, body: Mapping[str, Any], next_: Callable[[], Awaitable[None]]) -> None:
        """Before everything else that Slack brings."""
        self._last = asyncio.get_running_loop().time()
        self._brought.set()
        if is_ours(body):
            await self._office.store.set_mark(ECHOED, self._office.clock())
        if self._deaf or is_ours(body):
            self._deaf = False
            await self._well()
        await next_()

    def stop(self) -> None:
        """Beside being cancelled, which the library of the socket may take for a lost connection."""
        self._over = True

    async def watch(self) -> None:
        while not self._over:
            await asyncio.sleep(LOOK)
            if asyncio.get_running_loop().time() - max(self._last, self._asked) <= EVERY:
                continue
            try:
                await self._look()
            except Exception:  # the fence: the next look tries again
                log.exception("whether Slack brings us anything could not be asked")

    async def _look(self) -> None:
        if await self._answers():
            return
        with suppress(Exception):  # the fence: the old socket is still there
            await self.fresh()
        if not await self._answers():
            self._deaf = True
            await self._unheard()

    async def _answers(self) -> bool:
        """True as well when there is nothing to ask with, for then nothing is known."""
        store = self._office.store
        self._asked = asyncio.get_running_loop().time()
        self._brought.clear()
        before = await store.mark(HEARD)
        if not await self._ask():
            return True
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER):
                await self._brought.wait()
            return True
        return await store.mark(HEARD) != before

    async def _ask(self) -> bool:
        """Was our message changed? It is owed first, like every other, and is there from then on."""
        office, now = self._office, self._office.clock()
        if not (mine := self._message()):
            return False
        await office.store.owe(mine, now)
        place, ts = parted_ref(await office.store.said_as(mine.key))
        if not ts:
            return False
        team, channel = parted(place)
        metadata = {"event_type": EVENT, "event_payload": {"key": mine.key, "asked": int(now.timestamp())}}
        said = plain(mine)
        try:
            client = await office.lines(team)
            await client.chat_update(
                channel=channel, ts=ts, text=said.text, blocks=list(said.blocks), metadata=metadata
            )
        except (SlackApiError, *errors.UNREACHABLE) as why:
            log.info("Slack was not asked whether it hears us (%s)", type(why).__name__)
            return False
        return True

    def _message(self) -> Notice | None:
        """To a lead who has a Slack id, otherwise to the first person who has one."""
        settings = self._office.settings
        reachable = [person.name for person in settings.people if person.slack]
        leads = [name for name in reachable if Role.LEAD in settings.members.get(name, Member()).roles]
        to = next(iter((*leads, *reachable)), "")
        return Notice(case=HOUSE, seq=1, kind=Kind.DIRECT, to=to, text=WORDS) if to else None

    async def _unheard(self) -> None:
        """Two processes that find it at once say it once: both say since when."""
        store, now = self._office.store, self._office.clock()
        if await store.mark(ECHOED) is None:  # perhaps this app is not told of messages at all
            log.warning("whether Slack brings us anything is not known: add message.im to the app's events")
            return
        since, was = await store.mark(HEARD), await store.mark(UNHEARD)
        if was and (since is None or was > since):
            return
        told = f"Slack takes what we say and brings us nothing, since {now:%H:%M} UTC. {ALL_THE_SAME} {MEND}"
        await store.owe(_word(since or now, "deaf", told), now)
        await store.set_mark(UNHEARD, now)
        log.warning("Slack brings us nothing, though a fresh socket was taken")

    async def _well(self) -> None:
        store, now = self._office.store, self._office.clock()
        since, deaf = await store.mark(HEARD), await store.mark(UNHEARD)
        await store.set_mark(HEARD, now)
        if deaf and (since is None or deaf > since):
            await store.owe(_word(deaf, "heard", f"Slack brings us again what is pressed, since {now:%H:%M} UTC."), now)


def is_ours(body: Mapping[str, Any]) -> bool:
    """Is it word of a message that we changed? https://docs.slack.dev/reference/events/message/message_changed"""
    told = ("event", "message", "metadata", "event_type")
    return actions.words(body, "event", "subtype") == "message_changed" and actions.words(body, *told) == EVENT


def _word(since: datetime, what: str, text: str) -> Notice:
    return Notice(case=HOUSE, seq=int(since.timestamp()), kind=Kind.HOUSE, to=f"slack link {what}", text=text)
