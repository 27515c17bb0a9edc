"""Messenger over slack_sdk: cards in a brand's channel, lines under them, and direct messages.

Every message carries its key as metadata, so a delivery that was cut off finds what it had already said
(https://docs.slack.dev/messaging/message-metadata). A reference is "channel:ts", or "workspace/channel:ts".
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from escalation.background import NOTHING_KNOWN, Lookup, nothing_known
from escalation.case import Case
from escalation.courier import Undelivered
from escalation.notices import Kind, Notice
from escalation.policy import Person
from escalation.slack import errors
from escalation.slack.blocks import Message, card, direct, plain
from escalation.slack.calls import POSTING, SPACING, Calls, Line, by_post
from escalation.slack.pictures import Dresses
from escalation.slack.places import joined, parted

EVENT = "listening_post"
SEVERAL = " for several"  # after the reference of a message about several cases: it is not drawn anew for one
PAGE, PAGES = 200, 5  # how far back an earlier delivery is looked for

Page = Callable[[Notice, Case | None, datetime], Awaitable[Message | None]]
"""What one person is told that is more than a line, a digest for one; None for what is a line."""

_REF = re.compile(r"((?:[TE][A-Z0-9]+/)?[A-Z][A-Z0-9]+):(\d+\.\d+)")


async def no_page(notice: Notice, case: Case | None, now: datetime) -> None:
    return None


class SlackMessenger:
    """`channels` is brand -> channel with "" for all others; `people` is name -> person, as configured now. They may be
    of several workspaces, each with its own line (places.py)."""

    def __init__(
        self,
        line: Line,
        channels: Mapping[str, str],
        people: Mapping[str, Person],
        clock: Callable[[], datetime],
        *,
        spacing: float = SPACING,
        lookup: Lookup = nothing_known,
        page: Page = no_page,
        charts: bool = True,
    ):
        """`charts` is whether Slack is asked to draw charts itself, before pictures of them are sent."""
        self._line, self._spacing = line, spacing
        self._calls: dict[str, Calls] = {}  # workspace -> what goes there: limits and outages are its own
        self._channels, self._people, self._clock = channels, people, clock
        self._lookup, self._page = lookup, page
        self._dresses = Dresses(clock, native=charts)
        self._direct: dict[str, str] = {}  # member id -> channel of their direct messages

    async def find(self, notice: Notice) -> str:
        if notice.kind is Kind.DIRECT and not self._member(notice.to):
            places = self._all_channels()  # it may have been said in any brand's channel instead
        else:
            places = await self._places(notice, None)
        found = [await self._find_in(place, notice) for place in places]
        if notice.kind is Kind.HOUSE and not all(found):  # owed to each of them
            return ""
        return next(filter(None, found), "")

    async def send(self, notice: Notice, case: Case | None, under: str, now: datetime) -> str:
        if notice.kind is Kind.THREAD:
            channel, ts = parted_ref(under)
            if not ts:
                raise Undelivered("its card is not in Slack yet", retry=now + errors.SOON)
            return await self._post(channel, notice, plain(notice), thread_ts=ts)
        places = await self._places(notice, case)
        message = await self._drawn(notice, case, now)
        if len(places) == 1:
            ref = await self._post(places[0], notice, message)
            return f"{ref}{SEVERAL}" if _several(notice.says) else ref
        said = [await self._find_in(place, notice) or await self._post(place, notice, message) for place in places]
        return said[-1]

    async def redraw(self, ref: str, notice: Notice, case: Case, now: datetime) -> str:
        channel, ts = parted_ref(ref)
        if not ts:  # drawn by another voice, before Slack was connected
            return ref if notice.kind is not Kind.CARD else await self.send(notice, case, "", now)
        try:
            return await self._update(channel, ts, notice, await self._drawn(notice, case, now))
        except errors.SlackRefused as refusal:
            if notice.kind is not Kind.CARD:
                return await self._withdraw(ref, refusal)
            moved = channel not in self._channels_for(case.subject.brand)
            if refusal.code not in errors.FRESH_CARD and not moved:
                raise
        newest = await self.find(notice)  # an earlier attempt may have made the fresh card already
        if newest not in ("", ref):
            return await self._update(*parted_ref(newest), notice, await self._drawn(notice, case, now))
        return await self.send(notice, case, "", now)

    async def _withdraw(self, ref: str, refusal: errors.SlackRefused) -> str:
        """What cannot be changed any more is taken away: it must not be said again."""
        if refusal.code not in errors.FRESH_CARD:
            raise refusal
        if refusal.code != errors.GONE:
            channel, ts = parted_ref(ref)
            await self._ask("chat.delete", channel, ts=ts)
        return ref

    async def aclose(self) -> None:
        for calls in self._calls.values():
            await calls.aclose()

    async def _to(self, place: str) -> tuple[Calls, str]:
        """What goes to this place's workspace, and the place's name there. Raises Undelivered."""
        team, there = parted(place)
        try:
            client = await self._line(team)
        except errors.NotInstalled as why:
            raise errors.not_installed(str(why), self._clock()) from None
        calls = self._calls.setdefault(team, Calls(client, self._clock, self._spacing))
        calls.client = client
        return calls, there

    async def _ask(self, name: str, place: str, **about: Any) -> Any:
        """A method of Slack's about this channel. Raises Undelivered."""
        calls, channel = await self._to(place)
        return await calls.ask(by_post(calls.client, name), channel, channel=channel, **about)

    async def _drawn(self, notice: Notice, case: Case | None, now: datetime) -> Message:
        if notice.kind is Kind.CARD and case:
            return card(case, now, await self._lookup(case))
        if notice.kind is Kind.DIRECT:
            if page := await self._page(notice, case, now):
                return page
            known = await self._lookup(case) if case else NOTHING_KNOWN
            return direct(case, notice, now, known, self._aside(notice.to))
        return plain(notice)

    def _aside(self, name: str) -> str:
        """Why what is for one person is said in the channel; "" when it is not."""
        return "" if self._member(name) else f"For {name}, who has no Slack id in people.toml:"

    async def _places(self, notice: Notice, case: Case | None) -> list[str]:
        """Where it belongs: one channel; for word from the house perhaps several."""
        if notice.kind is Kind.CHANNEL:
            return [notice.to]
        if notice.kind is not Kind.DIRECT:
            return self._channels_for(notice.to)
        if member := self._member(notice.to):
            return [await self._direct_channel(member)]
        return self._channels_for(case.subject.brand if case else "")

    def _channels_for(self, brand: str) -> list[str]:
        if channel := self._channels.get(brand) or self._channels.get(""):
            return [channel]
        if brand or not self._channels:
            mend = f'add "{brand}" = "C…" under [slack.channels], or channel = "C…" under [slack], in listener.toml'
            retry = self._clock() + errors.AFTER_MENDING
            raise Undelivered(f"no Slack channel is known for {brand or 'the house'}: {mend}", retry=retry)
        return self._all_channels()

    def _all_channels(self) -> list[str]:
        return list(dict.fromkeys(self._channels.values()))

    def _member(self, name: str) -> str:
        person = self._people.get(name)
        return person.slack if person else ""

    async def _direct_channel(self, member: str) -> str:
        if member not in self._direct:
            calls, user = await self._to(member)
            answer = await calls.ask(by_post(calls.client, "conversations.open"), user, users=user)
            self._direct[member] = joined(parted(member)[0], str(answer["channel"]["id"]))
        return self._direct[member]

    async def _find_in(self, channel: str, notice: Notice) -> str:
        history, replies = "conversations.history", "conversations.replies"
        if notice.kind is not Kind.THREAD:
            return await self._seek(history, channel, key(notice))
        _, root = parted_ref(await self._seek(history, channel, f"{notice.case}/card"))
        return await self._seek(replies, channel, key(notice), ts=root) if root else ""

    async def _seek(self, method: str, channel: str, wanted: str, **where: str) -> str:
        async for message in self._messages(method, channel, **where):
            if wanted in (keys := _keys(message)):
                return f"{channel}:{message['ts']}{SEVERAL if _several(keys) else ''}"
        return ""

    async def _messages(self, method: str, channel: str, **where: str) -> AsyncIterator[Mapping[str, Any]]:
        asked: dict[str, Any] = {"limit": PAGE, "include_all_metadata": True, **where}
        for _ in range(PAGES):
            answer = await self._ask(method, channel, **asked)
            for message in answer.get("messages") or ():
                yield message
            asked["cursor"] = (answer.get("response_metadata") or {}).get("next_cursor")
            if not asked["cursor"]:
                return

    async def _post(self, channel: str, notice: Notice, message: Message, **under: str) -> str:
        calls, there = await self._to(channel)
        await calls.turn(there)
        quietly: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False, **under}
        if notice.loud:
            quietly["reply_broadcast"] = True
        answer = await self._say(POSTING, channel, notice, message, **quietly)
        return f"{joined(parted(channel)[0], str(answer['channel']))}:{answer['ts']}"

    async def _update(self, channel: str, ts: str, notice: Notice, message: Message) -> str:
        await self._say("chat_update", channel, notice, message, ts=ts)
        return f"{channel}:{ts}"

    async def _say(self, method: str, channel: str, notice: Notice, message: Message, **more: Any) -> Any:
        """When Slack does not take the blocks, words without their dress are better than nothing."""
        payload = {"key": key(notice)} | ({"says": list(notice.says)} if notice.says else {})
        metadata = {"event_type": EVENT, "event_payload": payload}
        calls, there = await self._to(channel)
        said = {"channel": there, "text": message.text, "metadata": metadata, **more}
        ask = getattr(calls.client, method)
        async for blocks in self._dresses.of(parted(channel)[0], calls.client).ways(message.blocks):
            try:
                return await calls.ask(ask, there, blocks=blocks, **said)
            except errors.SlackRefused as refusal:
                if refusal.code not in errors.UNSHOWABLE:
                    raise
        return await calls.ask(ask, there, blocks=[], **said)


def key(notice: Notice) -> str:
    """A case has one card, however many notices redraw it."""
    if notice.kind is Kind.CARD:
        return f"{notice.case}/card"
    return notice.says[-1] if notice.says else notice.key


def _several(keys: Sequence[str]) -> bool:
    """Do they speak of more than one case?"""
    return len({each.partition("/")[0] for each in keys}) > 1


def _keys(message: Mapping[str, Any]) -> list[str]:
    """All that a message says."""
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    if metadata.get("event_type") != EVENT:
        return []
    return [*map(str, payload.get("says") or [payload.get("key", "")])]


def parted_ref(ref: str) -> tuple[str, str]:
    """(channel, ts); both "" for a reference that is not Slack's."""
    found = _REF.fullmatch(ref)
    return (found[1], found[2]) if found else ("", "")
