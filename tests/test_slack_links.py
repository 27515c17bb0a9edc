"""A socket that brings nothing any more is noticed and replaced, and people hear of it when there is none for long."""

import asyncio
from datetime import timedelta

import pytest
from conftest import Clock
from slackroom import a_room, by_socket, eventually, settings
from slackserver import Slack

from listener import slack as voice
from listener.slack import links
from listener.storage.contract import Store


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("LOOK", 0.02), ("QUIET", 30.0), ("RECONNECT", 0.02)):
        monkeypatch.setattr(links, name, seconds)


async def test_a_socket_that_answers_no_ping_is_replaced(
    clock: Clock, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "PING", 0.02)
    async with Slack() as slack:
        slack.deaf = True
        async with voice.listening(lambda: settings(slack, "socket"), store, clock):
            await eventually(lambda: len(slack.sockets) == 1)
            slack.deaf = False
            await eventually(lambda: len(slack.sockets) > 1)


async def test_a_socket_that_answers_and_brings_nothing_is_replaced_and_presses_go_on(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_room(by_socket, clock) as room:
        monkeypatch.setattr(links, "QUIET", 0.05)
        await eventually(lambda: len(room.slack.sockets) > 1)
        monkeypatch.setattr(links, "QUIET", 30.0)
        form = await room.press("Acknowledge", "U0DANA", room.card())
        assert await room.fill(form, "U0DANA", what="call") is None


async def test_a_socket_that_slack_closes_is_replaced(clock: Clock) -> None:
    async with a_room(by_socket, clock) as room:
        await room.slack.sockets[0].send_json({"type": "disconnect", "reason": "refresh_requested"})
        await eventually(lambda: len(room.slack.sockets) > 1)
        assert await room.press("Acknowledge", "U0DANA", room.card())


async def test_without_a_socket_for_long_people_are_told_once_and_once_when_it_is_back(
    clock: Clock, store: Store
) -> None:
    async with Slack() as slack:
        slack.trouble["apps.connections.open"] = ["invalid_auth"] * 10_000
        async with voice.listening(lambda: settings(slack, "socket"), store, clock):
            await eventually(lambda: "apps.connections.open" in slack.calls)
            clock.forward(minutes=6)
            await eventually(lambda: len(slack.calls) > 5)
            await said(store, clock, 1)
            clock.forward(minutes=60)
            assert len(await house(store, clock)) == 1, "once"
            slack.trouble.clear()
            await eventually(lambda: slack.sockets)
            told = await said(store, clock, 2)
    assert "do not reach us since 13:00 UTC" in told[0] and "work again" in told[1]


async def house(store: Store, clock: Clock) -> list[str]:
    return [one.notice.text for one in await store.claim(clock(), 50, timedelta())]


async def said(store: Store, clock: Clock, number: int) -> list[str]:
    found: list[str] = []
    for _ in range(300):
        found = await house(store, clock)
        if len(found) == number:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(found)
