"""Messenger over slack_sdk.

Every message carries its key as metadata, so that a delivery that was cut off finds what it had already said
(https://docs.slack.dev/messaging/message-metadata).
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from escalation.case import Case
from escalation.courier import Undelivered
from escalation.notices import Kind, Notice
from escalation.policy import Person
from escalation.slack.blocks import Message, card, direct, thread

EVENT = "listening_post"
SEARCHED = 200  # messages looked through for an earlier delivery
SOON = timedelta(seconds=15)
AFTER_MENDING = timedelta(minutes=10)
TIMEOUT = 15  # seconds for one call
FRESH_CARD = ("edit_window_closed", "message_not_found", "cant_update_message", "block_mismatch")
MENDS = {
    "not_in_channel": "invite the app: type /invite @Listening Post in that channel",
    "channel_not_found": "check the channel's id under [slack] in listener.toml, and invite the app to it",
    "is_archived": "the channel is archived; name another one under [slack] in listener.toml",
    "invalid_auth": "SLACK_BOT_TOKEN is not valid; copy it again from the app's page",
    "account_inactive": "SLACK_BOT_TOKEN was revoked; install the app again",
    "missing_scope": "a permission is missing; install the app again with config/slack-manifest.yaml",
    "user_not_found": "check this person's `slack` id in people.toml",
}


class SlackMessenger:
    def __init__(
        self,
        client: AsyncWebClient,
        channels: Mapping[str, str],
        people: Mapping[str, Person],
        clock: Callable[[], datetime],
    ):
        self._client, self._channels, self._people, self._clock = client, channels, people, clock
        self._direct: dict[str, str] = {}  # member id -> channel id; asked for once

    async def find(self, notice: Notice) -> str:
        channel = await self._channel(notice)
        arguments: dict[str, Any] = {"channel": channel, "limit": SEARCHED, "include_all_metadata": True}
        answer = await self._ask(lambda: self._client.conversations_history(**arguments))
        messages = answer.get("messages") or []
        if notice.kind is Kind.THREAD:
            root = next((m["ts"] for m in messages if _key(m) == f"{notice.case}/card"), "")
            if not root:
                return ""
            replies = await self._ask(lambda: self._client.conversations_replies(ts=root, **arguments))
            messages = replies.get("messages") or []
        found = next((m for m in messages if _key(m) == key(notice)), None)
        return f"{channel}:{found['ts']}" if found else ""

    async def send(self, notice: Notice, case: Case | None, under: str, now: datetime) -> str:
        channel = await self._channel(notice)
        extra: dict[str, Any] = {}
        if notice.kind is Kind.THREAD:
            if not under:
                raise Undelivered("its card is not there yet", retry=now + SOON)
            channel, _, extra["thread_ts"] = under.partition(":")
        message = drawn(notice, case, now)
        answer = await self._ask(
            lambda: self._client.chat_postMessage(
                channel=channel,
                text=message.text,
                blocks=list(message.blocks),
                metadata={"event_type": EVENT, "event_payload": {"key": key(notice)}},
                unfurl_links=False,
                unfurl_media=False,
                **extra,
            )
        )
        return f"{answer['channel']}:{answer['ts']}"

    async def redraw(self, ref: str, notice: Notice, case: Case, now: datetime) -> str:
        channel, _, ts = ref.partition(":")
        message = card(case, now)
        metadata = {"event_type": EVENT, "event_payload": {"key": key(notice)}}
        try:
            await self._client.chat_update(
                channel=channel, ts=ts, text=message.text, blocks=list(message.blocks), metadata=metadata
            )
        except SlackApiError as wrong:
            if wrong.response.get("error") in FRESH_CARD:
                return await self.send(notice, case, "", now)
            raise self._trouble(wrong) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as wrong:
            raise self._unreachable(wrong) from None
        return ref

    async def aclose(self) -> None:
        if self._client.session and not self._client.session.closed:
            await self._client.session.close()

    async def _channel(self, notice: Notice) -> str:
        """The brand's channel, or the person's own; for a person Slack does not know, the brand's channel by name."""
        if notice.kind is Kind.DIRECT:
            person = self._people.get(notice.to)
            if person and person.slack:
                return await self._direct_channel(person.slack)
        channel = self._channels.get(notice.to) or self._channels.get("") or next(iter(self._channels.values()), "")
        if not channel:
            mend = 'add channel = "C…" under [slack] in listener.toml'
            raise Undelivered(f"no Slack channel is known for {notice.to or 'this'}; {mend}", retry=self._later())
        return channel

    async def _direct_channel(self, member: str) -> str:
        if member not in self._direct:
            answer = await self._ask(lambda: self._client.conversations_open(users=member))
            self._direct[member] = answer["channel"]["id"]
        return self._direct[member]

    async def _ask(self, call: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await call()
        except SlackApiError as wrong:
            raise self._trouble(wrong) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as wrong:
            raise self._unreachable(wrong) from None

    def _trouble(self, wrong: SlackApiError) -> Undelivered:
        """When trying again can help, and what a person can do about it."""
        status, error = wrong.response.status_code, str(wrong.response.get("error", ""))
        if status == 429 or error in ("ratelimited", "rate_limited"):
            seconds = str(wrong.response.headers.get("Retry-After", "1"))
            wait = timedelta(seconds=min(int(seconds), 600) if seconds.isdigit() else 30)
            return Undelivered("Slack asks us to slow down", retry=self._clock() + wait)
        if status >= 500 or error in ("internal_error", "fatal_error", "service_unavailable", "request_timeout"):
            return Undelivered(f"Slack has trouble ({error or status})", retry=self._clock() + SOON)
        return Undelivered(
            f"Slack refuses it ({error}): {MENDS.get(error, 'see listener doctor')}", retry=self._later()
        )

    def _unreachable(self, wrong: Exception) -> Undelivered:
        return Undelivered(f"Slack cannot be reached ({type(wrong).__name__})", retry=self._clock() + SOON)

    def _later(self) -> datetime:
        return self._clock() + AFTER_MENDING


def key(notice: Notice) -> str:
    """A case has one card, whatever number of notices redraw it."""
    return f"{notice.case}/card" if notice.kind is Kind.CARD else notice.key


def drawn(notice: Notice, case: Case | None, now: datetime) -> Message:
    match notice.kind:
        case Kind.CARD if case:
            return card(case, now)
        case Kind.DIRECT:
            return direct(notice, case, now)
        case _:
            return thread(notice)


def _key(message: Mapping[str, Any]) -> str:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != EVENT:
        return ""
    return str((metadata.get("event_payload") or {}).get("key", ""))
