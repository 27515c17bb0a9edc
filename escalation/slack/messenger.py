"""Messenger over slack_sdk: cards in a brand's channel, lines under them, and direct messages.

Every message carries its key as metadata, so a delivery that was cut off finds what it had already said
(https://docs.slack.dev/messaging/message-metadata). A reference is "channel:ts".
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from escalation.case import Case
from escalation.courier import Undelivered
from escalation.notices import Kind, Notice
from escalation.policy import Person
from escalation.slack import errors
from escalation.slack.blocks import Message, card, direct, plain

EVENT = "listening_post"
PAGE, PAGES = 200, 5  # how far back an earlier delivery is looked for
CALL_LIMIT = 8.0  # seconds; a look and a message fit into the courier's limit for one delivery
SPACING = 0.3  # seconds between two messages to one channel: Slack bears short bursts over its one a second

_REF = re.compile(r"([A-Z][A-Z0-9]+):(\d+\.\d+)")
_Call = Callable[..., Awaitable[Any]]


def connect(token: str, api_url: str) -> AsyncWebClient:
    """A client that never sends a second time by itself: whoever tries again must first look what has arrived."""
    return AsyncWebClient(
        token=token, base_url=f"{api_url.rstrip('/')}/", timeout=int(CALL_LIMIT), retry_handlers=[]
    )


class SlackMessenger:
    """`channels` is brand -> channel id with "" for all others; `people` is name -> person, as configured now."""

    def __init__(
        self,
        client: AsyncWebClient,
        channels: Mapping[str, str],
        people: Mapping[str, Person],
        clock: Callable[[], datetime],
        *,
        spacing: float = SPACING,
    ):
        self._client, self._channels, self._people, self._clock = client, channels, people, clock
        self._spacing = spacing
        self._direct: dict[str, str] = {}  # member id -> channel of their direct messages
        self._turns: dict[str, float] = {}  # channel -> when the loop's clock allows the next message
        self._quiet: dict[str, datetime] = {}  # channel, or "" for all of Slack -> until when nothing is tried
        self._failures = 0  # calls in a row that got no answer

    async def find(self, notice: Notice) -> str:
        found = [await self._find_in(channel, notice) for channel in await self._places(notice, "")]
        if notice.kind is Kind.HOUSE:  # owed to every channel, so said only when said in all
            return found[-1] if all(found) else ""
        return next(filter(None, found), "")

    async def send(self, notice: Notice, case: Case | None, under: str, now: datetime) -> str:
        if notice.kind is Kind.THREAD:
            channel, ts = _parts(under)
            if not ts:
                raise Undelivered("its card is not in Slack yet", retry=now + errors.SOON)
            return await self._post(channel, notice, plain(notice), thread_ts=ts)
        places = await self._places(notice, case.subject.brand if case else notice.to)
        message = self._drawn(notice, case, now)
        if len(places) == 1:
            return await self._post(places[0], notice, message)
        said = [await self._find_in(place, notice) or await self._post(place, notice, message) for place in places]
        return said[-1]

    async def redraw(self, ref: str, notice: Notice, case: Case, now: datetime) -> str:
        channel, ts = _parts(ref)
        if not ts:  # drawn by another voice, before Slack was connected
            return await self.send(notice, case, "", now)
        try:
            return await self._update(channel, ts, notice, card(case, now))
        except errors.SlackRefused as refusal:
            moved = channel not in await self._places(notice, case.subject.brand)
            if refusal.code not in errors.FRESH_CARD and not moved:
                raise
        newest = await self.find(notice)  # an earlier attempt may have made the fresh card already
        if newest not in ("", ref):
            return await self._update(*_parts(newest), notice, card(case, now))
        return await self.send(notice, case, "", now)

    async def aclose(self) -> None:
        if self._client.session and not self._client.session.closed:
            await self._client.session.close()

    def _drawn(self, notice: Notice, case: Case | None, now: datetime) -> Message:
        if notice.kind is Kind.CARD and case:
            return card(case, now)
        if notice.kind is Kind.DIRECT:
            return direct(case, notice, now, self._aside(notice.to))
        return plain(notice)

    def _aside(self, name: str) -> str:
        """Why a direct message is said in the channel; "" when it is not."""
        person = self._people.get(name)
        if person and person.slack in self._direct:
            return ""
        known = "Slack does not know their member id" if person and person.slack else "no Slack id in people.toml"
        return f"For {name} ({known}):"

    async def _places(self, notice: Notice, brand: str) -> list[str]:
        """Where it belongs. Without a brand at hand, the channels where a direct message may have been said instead."""
        if notice.kind is Kind.DIRECT:
            if own := await self._direct_channel(notice.to):
                return [own]
        else:
            brand = notice.to
        if channel := self._channels.get(brand) or self._channels.get(""):
            return [channel] if brand or notice.kind is not Kind.DIRECT else self._all_channels()
        if brand or not self._channels:
            mend = f'add "{brand}" = "C…" under [slack.channels], or channel = "C…" under [slack], in listener.toml'
            raise Undelivered(f"no Slack channel is known for {brand or 'the house'}: {mend}", retry=self._later())
        return self._all_channels()

    def _all_channels(self) -> list[str]:
        return list(dict.fromkeys(self._channels.values()))

    async def _direct_channel(self, name: str) -> str:
        """"" for whom no direct message reaches."""
        person = self._people.get(name)
        if person is None or not person.slack:
            return ""
        if person.slack not in self._direct:
            try:
                answer = await self._ask(self._client.conversations_open, name, users=person.slack)
            except errors.SlackRefused as refusal:
                if refusal.code in errors.NO_SUCH_PERSON:
                    return ""
                raise
            self._direct[person.slack] = str(answer["channel"]["id"])
        return self._direct[person.slack]

    async def _find_in(self, channel: str, notice: Notice) -> str:
        wanted = key(notice)
        if notice.kind is not Kind.THREAD:
            return await self._seek(self._client.conversations_history, channel, wanted)
        _, root = _parts(await self._seek(self._client.conversations_history, channel, f"{notice.case}/card"))
        return await self._seek(self._client.conversations_replies, channel, wanted, ts=root) if root else ""

    async def _seek(self, method: _Call, channel: str, wanted: str, **where: str) -> str:
        async for message in self._messages(method, channel, **where):
            if _key(message) == wanted:
                return f"{channel}:{message['ts']}"
        return ""

    async def _messages(self, method: _Call, channel: str, **where: str) -> AsyncIterator[Mapping[str, Any]]:
        cursor = ""
        for _ in range(PAGES):
            answer = await self._ask(
                method, channel, channel=channel, limit=PAGE, include_all_metadata=True, cursor=cursor, **where
            )
            for message in answer.get("messages") or ():
                yield message
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    async def _post(self, channel: str, notice: Notice, message: Message, **under: str) -> str:
        await self._turn(channel)
        said = {"channel": channel, "unfurl_links": False, "unfurl_media": False, **under}
        answer = await self._say(self._client.chat_postMessage, channel, notice, message, said)
        return f"{answer['channel']}:{answer['ts']}"

    async def _update(self, channel: str, ts: str, notice: Notice, message: Message) -> str:
        await self._say(self._client.chat_update, channel, notice, message, {"channel": channel, "ts": ts})
        return f"{channel}:{ts}"

    async def _say(
        self, method: _Call, channel: str, notice: Notice, message: Message, arguments: Mapping[str, Any]
    ) -> Any:
        """Words without their dress are better than nothing, when Slack does not take the blocks."""
        metadata = {"event_type": EVENT, "event_payload": {"key": key(notice)}}
        said = {"text": message.text, "metadata": metadata, **arguments}
        try:
            return await self._ask(method, channel, blocks=list(message.blocks), **said)
        except errors.SlackRefused as refusal:
            if refusal.code not in errors.UNSHOWABLE:
                raise
        return await self._ask(method, channel, blocks=[], **said)

    async def _turn(self, channel: str) -> None:
        loop = asyncio.get_running_loop()
        wait = self._turns.get(channel, 0.0) - loop.time()
        self._turns[channel] = max(loop.time(), self._turns.get(channel, 0.0)) + self._spacing
        if wait > 0:
            await asyncio.sleep(wait)

    async def _ask(self, method: _Call, where: str, **arguments: Any) -> Any:
        """One call; `where` is the channel or person it is about. Raises Undelivered."""
        self._respect_quiet(where)
        if self._client.session is None:
            self._client.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CALL_LIMIT))
        try:
            answer = await method(**arguments)
        except SlackApiError as error:
            raise self._translated(error, where) from None
        except errors.UNREACHABLE as error:
            raise self._no_answer(f"Slack cannot be reached ({type(error).__name__})", quiet=True) from None
        self._failures = 0
        return answer

    def _respect_quiet(self, where: str) -> None:
        for name in ("", where):
            if (until := self._quiet.get(name)) and until > self._clock():
                raise Undelivered("waiting until Slack takes messages again", retry=until)

    def _translated(self, error: SlackApiError, where: str) -> Undelivered:
        if pause := errors.asked_pause(error):
            self._quiet[where] = self._clock() + pause
            return Undelivered(f"Slack asks us to be quiet for {pause.total_seconds():.0f} s", retry=self._quiet[where])
        if errors.in_trouble(error):
            return self._no_answer(f"Slack is in trouble (status {errors.status_of(error)})", quiet=False)
        self._failures = 0
        return errors.refused(errors.code_of(error), where, self._clock())

    def _no_answer(self, message: str, *, quiet: bool) -> Undelivered:
        """After the second failure in a row everything waits: an outage must not be awaited notice by notice."""
        self._failures += 1
        retry = self._clock() + errors.back_off(self._failures)
        if quiet and self._failures > 1:
            self._quiet[""] = retry
        return Undelivered(message, retry=retry)

    def _later(self) -> datetime:
        return self._clock() + errors.AFTER_MENDING


def key(notice: Notice) -> str:
    """A case has one card, however many notices redraw it."""
    return f"{notice.case}/card" if notice.kind is Kind.CARD else notice.key


def _key(message: Mapping[str, Any]) -> str:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != EVENT:
        return ""
    return str((metadata.get("event_payload") or {}).get("key", ""))


def _parts(ref: str) -> tuple[str, str]:
    """(channel, ts); both "" for a reference that is not Slack's."""
    found = _REF.fullmatch(ref)
    return (found[1], found[2]) if found else ("", "")
