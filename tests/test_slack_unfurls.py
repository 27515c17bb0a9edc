"""Links to our own pages say how a case stands, to colleagues only, and quote nobody."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from conftest import Clock
from slackroom import DESK, Room, a_room, by_http, by_socket, event, eventually


@pytest.fixture(params=[by_http, by_socket], ids=["http", "socket"])
async def room(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[Room]:
    async with a_room(request.param, clock) as made:
        yield made


async def share(room: Room, *urls: str, user: str = "U0DANA") -> dict[str, dict[str, Any]]:
    """https://docs.slack.dev/reference/events/link_shared"""
    links = [{"domain": "desk.example.com", "url": url} for url in urls]
    inner = {"type": "link_shared", "user": user, "channel": "C0CARE", "message_ts": room.card()["ts"], "links": links}
    more = {"unfurl_id": "U1", "source": "conversations_history", "is_bot_user_member": True, "event_ts": "1.1"}
    calls = room.slack.calls.count("chat.unfurl")
    await room.send(event({**inner, **more}))
    if urls and urls[0].startswith(DESK) and user == "U0DANA":
        await eventually(lambda: room.slack.calls.count("chat.unfurl") > calls)
    return room.slack.unfurled


async def test_a_case_says_who_has_it_until_when_and_quotes_nobody(room: Room) -> None:
    shown = await share(room, f"{DESK}/cases/1", f"{DESK}/cases/99", "https://elsewhere.example.com/cases/1")
    assert list(shown) == [f"{DESK}/cases/1"]
    said = str(shown[f"{DESK}/cases/1"])
    assert "Dana Fox" in said and "*Acknowledge by*" in said
    assert "caught fire" not in said and "marta" not in said.lower()


async def test_a_search_says_how_many_it_finds(room: Room) -> None:
    shown = await share(room, f"{DESK}/search?q=charger")
    assert "Mentions for charger: 1" in str(shown)


async def test_to_a_guest_nothing_is_said(room: Room) -> None:
    room.slack.kinds["U0LEE"] = {"is_restricted": True}
    assert await share(room, f"{DESK}/cases/1", user="U0LEE") == {}
    await room.home("U0DANA")  # by now it would have been
    assert room.slack.calls.count("chat.unfurl") == 0
