"""A connection that is open, answers, and brings nothing: noticed by a message of our own that does not come back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from conftest import Clock
from slackroom import PEOPLE, by_http, event, eventually, settings
from slackserver import Slack

from escalation.courier import Courier
from escalation.slack.calls import only
from escalation.slack.messenger import SlackMessenger
from listener import slack as voice
from listener.health import ailments
from listener.settings import Settings
from listener.slack import hearing, links
from listener.slack.hearing import ECHOED, WORDS
from listener.storage.contract import HEARD, Store
from listener.storage.sqlite import SqliteStore


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, seconds in (
        (hearing, "LOOK", 0.01),
        (hearing, "EVERY", 0.05),
        (hearing, "ANSWER", 2.0),
        (links, "LOOK", 0.02),
    ):
        monkeypatch.setattr(module, name, seconds)


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with Slack() as running:
        yield running


def courier(slack: Slack, store: Store, clock: Callable[[], datetime]) -> Courier:
    people = {person.name: person for person in PEOPLE}
    client = voice.client(settings(slack, "socket").slack)
    return Courier(store, SlackMessenger(only(client), {"": "C0CARE"}, people, clock, spacing=0))


async def ready(slack: Slack, store: Store, clock: Clock) -> None:
    """The lead has the message that we ask with."""
    for _ in range(300):
        await courier(slack, store, clock).deliver(clock())
        if slack.direct("U0SAM"):
            break
        await asyncio.sleep(0.01)
    [message] = slack.direct("U0SAM")
    assert message["text"] == WORDS


async def once_back(store: Store) -> None:
    for _ in range(500):
        if await store.mark(ECHOED):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came back")


async def house(store: Store, clock: Clock) -> list[str]:
    return [one.notice.text for one in await store.claim(clock(), 50, timedelta()) if "slack link" in one.notice.to]


async def until_told(store: Store, clock: Clock, number: int) -> list[str]:
    for _ in range(500):
        if len(told := await house(store, clock)) >= number:
            return told
        await asyncio.sleep(0.01)
    raise AssertionError("nobody was told")


async def is_red(store: Store, given: Settings, clock: Clock, wanted: bool) -> None:
    """The mark follows the word."""
    await store.awake(clock())
    for _ in range(300):
        if wanted is ("slack" in {one.part for one in ailments(await store.vitals(clock()), given, clock())}):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"it never was {wanted}")


async def test_what_we_change_comes_back_and_nothing_happens(slack: Slack, store: Store, clock: Clock) -> None:
    slack.tells = 0
    async with voice.listening(lambda: settings(slack, "socket"), store, clock):
        await ready(slack, store, clock)
        await eventually(lambda: slack.updates >= 3)
        assert len(slack.sockets) == 1 and await house(store, clock) == []
        assert await store.mark(HEARD) == clock()
    assert len(slack.direct("U0SAM")) == 1, "one message, once"


async def test_a_socket_that_drops_everything_is_replaced_and_nobody_need_know(
    slack: Slack, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "ANSWER", 0.1)
    slack.tells, slack.dropping = -1, {0}
    async with voice.listening(lambda: settings(slack, "socket"), store, clock):
        await ready(slack, store, clock)
        await eventually(lambda: len(slack.sockets) > 1)
        monkeypatch.setattr(hearing, "ANSWER", 2.0)
        before = slack.updates
        await eventually(lambda: slack.updates > before + 2)
        assert len(slack.sockets) == 2, "the fresh one brings what is pressed, and stays"
        assert await house(store, clock) == []


async def test_deaf_whatever_we_do_is_said_once_and_red_until_it_is_over(
    slack: Slack, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, slack.tells = settings(slack, "socket"), -1
    async with voice.listening(lambda: given, store, clock):
        await ready(slack, store, clock)
        await once_back(store)
        slack.tells = None
        await asyncio.sleep(0.1)  # what is on its way arrives
        clock.forward(minutes=6)
        monkeypatch.setattr(hearing, "ANSWER", 0.1)
        [told] = await until_told(store, clock, 1)
        assert "Slack takes what we say and brings us nothing" in told and "message.im" in told
        await is_red(store, given, clock, True)
        clock.forward(minutes=10)
        asked = slack.updates
        await eventually(lambda: slack.updates > asked + 2)
        assert len(await house(store, clock)) == 1, "once"
        monkeypatch.setattr(hearing, "ANSWER", 2.0)
        slack.tells = -1
        assert any("brings us again" in one for one in await until_told(store, clock, 2))
        await is_red(store, given, clock, False)


async def test_of_two_processes_one_may_hear_what_the_other_asked(clock: Clock, slack: Slack, tmp_path: Path) -> None:
    stores = [await SqliteStore.open(str(tmp_path / "x.db")) for _ in range(2)]

    def ticking() -> datetime:
        return clock.forward(seconds=1)

    slack.tells = 1
    async with voice.listening(lambda: settings(slack, "socket"), stores[0], ticking):
        await eventually(lambda: slack.sockets)
        async with voice.listening(lambda: settings(slack, "socket"), stores[1], ticking):
            await eventually(lambda: len(slack.sockets) == 2)
            await ready(slack, stores[0], clock)
            await eventually(lambda: slack.updates > 4)
            assert len(slack.sockets) == 2 and await house(stores[0], clock) == []
    for store in stores:
        await store.aclose()


async def test_an_app_that_is_not_told_of_messages_is_not_called_deaf(
    slack: Slack, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hearing, "ANSWER", 0.1)
    given = settings(slack, "socket")
    async with voice.listening(lambda: given, store, clock):
        await ready(slack, store, clock)
        await eventually(lambda: "add message.im" in caplog.text)
        assert await house(store, clock) == []
        await is_red(store, given, clock, False)


async def test_without_a_message_to_ask_with_nothing_is_known(slack: Slack, store: Store, clock: Clock) -> None:
    async with voice.listening(lambda: settings(slack, "socket"), store, clock):
        await eventually(lambda: slack.sockets)
        await asyncio.sleep(0.2)  # the courier is not at work
        assert len(slack.sockets) == 1 and await house(store, clock) == []


async def test_over_http_nothing_can_be_replaced_and_people_are_told(
    slack: Slack, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "ANSWER", 0.1)
    async with by_http(slack, store, clock) as send:
        await ready(slack, store, clock)
        changed = {"type": "message", "subtype": "message_changed", "channel_type": "im", "channel": "DU0SAM"}
        await send(event({**changed, "message": slack.direct("U0SAM")[0]}))
        await once_back(store)
        clock.forward(minutes=6)
        assert "brings us nothing" in (await until_told(store, clock, 1))[0]
        await is_red(store, settings(slack, "http", 1), clock, True)
        clock.forward(minutes=1)
        await send(event({"type": "app_home_opened", "user": "U0SAM", "tab": "home", "channel": "DU0SAM"}))
        told = await until_told(store, clock, 2)
        assert any("brings us again" in one for one in told), "whatever comes, something comes"
