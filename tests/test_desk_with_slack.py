"""Slack and the desk at the same instant, through both real ways in: one owner, and both are told."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from conftest import Clock
from deskworld import DeskWorld, opened, settings
from slackroom import Room, a_room, by_http, by_socket


@pytest.fixture(params=[by_http, by_socket], ids=["http", "socket"])
async def room(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[Room]:
    async with a_room(request.param, clock) as made:
        yield made


@pytest.fixture
async def world(room: Room, clock: Clock, tmp_path: Path) -> AsyncIterator[DeskWorld]:
    async with opened(room.store, settings(tmp_path / "config"), clock) as here:
        yield here


async def test_who_acknowledges_in_slack_and_who_on_the_desk_at_once(room: Room, world: DeskWorld) -> None:
    form = await room.press("Acknowledge", "U0DANA", room.card())
    async with await world.browser("Lee Park") as lee:
        await lee.get("/cases/1")
        in_slack, on_desk = await asyncio.gather(
            room.fill(form, "U0DANA", what="call her"), lee.send("/cases/1/acknowledge", what="write to her")
        )
        case = await room.desk.case(1)
        already = f"{case.owner} already has case 1"
        if case.owner == "Lee Park":
            assert "It is yours." in on_desk.text and already in json.dumps(in_slack["view"])
        else:
            assert case.owner == "Dana Fox" and in_slack is None
            assert on_desk.status == 422 and already in on_desk.text
        assert case.promise and case.promise.what == ("call her" if case.owner == "Dana Fox" else "write to her")
        await room.deliver()
        assert case.owner in room.card()["text"]
        assert case.owner in (await lee.get("/cases/1")).text
