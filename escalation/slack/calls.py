"""One line to Slack's Web API: paced, quiet when Slack asks for it, and every failure said as Undelivered."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from escalation.courier import NotYet, Undelivered
from escalation.slack import errors

CALL_LIMIT = 8  # seconds; a look and a message fit into the courier's limit for one delivery
SPACING = (
    1.0  # seconds between two messages to one channel, after a burst: https://docs.slack.dev/apis/web-api/rate-limits
)
BURST = 15  # messages that a channel takes at once when it was quiet
PATIENCE = 1.0  # seconds; what would have to wait for longer makes room for others

POSTING = "chat_postMessage"

Method = Callable[..., Awaitable[Any]]
Line = Callable[[str], Awaitable[AsyncWebClient]]  # workspace ("": the one meant) -> client; may raise NotInstalled


class Client(AsyncWebClient):
    """What is posted stands in the body. slack_sdk puts some of it into the address, where logs on the way keep it."""

    async def api_call(self, api_method: str, **asked: Any) -> AsyncSlackResponse:
        given = asked.get("params") or {}
        alone = not asked.keys() & {"data", "json", "files"} and asked.get("http_verb", "POST") == "POST"
        if alone and not given.get("token"):  # that goes into the header
            asked |= {"params": None, "data": {name: value for name, value in given.items() if value is not None}}
        return await super().api_call(api_method, **asked)


def connect(token: str | None, api_url: str) -> AsyncWebClient:
    """A client that never sends a second time by itself: whoever tries again must first look what has arrived."""
    return Client(token=token, base_url=f"{api_url.rstrip('/')}/", timeout=CALL_LIMIT, retry_handlers=[])


def only(client: AsyncWebClient) -> Line:
    """A line for an app that lives in one workspace."""

    async def line(_: str) -> AsyncWebClient:
        return client

    return line


def by_post(client: AsyncWebClient, name: str) -> Method:
    """The same for what slack_sdk asks with GET."""

    async def ask(**arguments: Any) -> Any:
        return await client.api_call(name, data=arguments)

    ask.__name__ = name
    return ask


class Calls:
    def __init__(self, client: AsyncWebClient, clock: Callable[[], datetime], spacing: float):
        self.client = client  # another one, once the app was installed again
        self._clock, self._spacing = clock, spacing
        self._turns: dict[str, float] = {}  # channel -> when the loop's clock allows the next message
        self._quiet: dict[str, datetime] = {}  # channel, method, or "" for all -> until when nothing is tried
        self._failures = 0  # calls in a row that got no answer

    async def ask(self, method: Method, where: str, **arguments: Any) -> Any:
        """One call; `where` is the channel or person it is about. Raises Undelivered."""
        limited = where if method.__name__ == POSTING else method.__name__
        self._respect_quiet(where, limited)
        try:
            answer = await method(**arguments)
        except SlackApiError as error:
            raise self._translated(error, where, limited) from None
        except errors.UNREACHABLE as error:
            raise self._no_answer(f"Slack cannot be reached ({type(error).__name__})", quiet=True) from None
        self._failures = 0
        return answer

    async def turn(self, channel: str) -> None:
        """Waits until the channel may be written to again, if that is soon. Raises NotYet.

        GCRA, a bucket that leaks: https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
        """
        now = asyncio.get_running_loop().time()
        mine = max(now, self._turns.get(channel, 0.0))
        wait = mine - now - BURST * self._spacing
        if wait > PATIENCE:
            raise NotYet("the channel takes one message a second", retry=self._clock() + timedelta(seconds=wait))
        self._turns[channel] = mine + self._spacing
        if wait > 0:
            await asyncio.sleep(wait)

    async def aclose(self) -> None:
        if self.client.session and not self.client.session.closed:
            await self.client.session.close()

    def _respect_quiet(self, *names: str) -> None:
        for name in ("", *names):
            if (until := self._quiet.get(name)) and until > self._clock():
                raise NotYet("waiting until Slack takes messages again", retry=until)

    def _translated(self, error: SlackApiError, where: str, limited: str) -> Undelivered:
        """Messages are limited for each channel, every other method for the workspace: who else uses it waits too."""
        if pause := errors.asked_pause(error):
            until = self._quiet[limited] = self._clock() + pause
            return Undelivered(f"Slack asks us to be quiet for {pause.total_seconds():.0f} s", retry=until)
        if errors.in_trouble(error):
            return self._no_answer(f"Slack is in trouble (status {errors.status_of(error)})", quiet=False)
        self._failures = 0
        return errors.refused(errors.code_of(error), where, self._clock())

    def _no_answer(self, message: str, *, quiet: bool) -> Undelivered:
        """After the second silence in a row everything waits: an outage must not be sat out notice by notice."""
        self._failures += 1
        retry = self._clock() + errors.back_off(self._failures)
        if quiet and self._failures > 1:
            self._quiet[""] = retry
        return Undelivered(message, retry=retry)
