"""From a card to "reported back", through the real Bolt and the real slack_sdk, by both ways in."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from builders import NOW, policy, subject
from conftest import Clock
from fakes import MemoryLedger
from slackroom import (
    PEOPLE,
    REPORT,
    SECRET,
    Room,
    Way,
    a_room,
    by_http,
    by_socket,
    click,
    encoded,
    eventually,
    free_port,
    settings,
    signed,
    submission,
)
from slackserver import Slack

from listener import slack as voice
from listener.slack import links
from listener.tables import ConfigError


@pytest.fixture(params=[by_http, by_socket], ids=["http", "socket"])
async def room(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[Room]:
    async with a_room(request.param, clock) as made:
        yield made


async def test_from_the_card_to_reported_back_and_checked(room: Room, clock: Clock) -> None:
    form = await room.press("Acknowledge", "U0DANA", room.slack.direct("U0DANA")[0])
    assert await room.fill(form, "U0DANA", what="call her back") is None, "the form closes"
    await room.deliver()
    assert "Acknowledged" in room.state() and "call her back" in room.card()["text"]

    form = await room.press("Report back", "U0DANA", room.card())
    refused = await room.fill(form, "U0DANA", **{**REPORT, "done": "we apologised"})
    assert "an apology alone" in refused["errors"]["done"]
    assert await room.fill(form, "U0DANA", **REPORT) is None
    await room.deliver()
    assert "Reported back" in room.state() and "80 EUR" in room.card()["text"]

    form = await room.press("Say if it helped", "U0DANA", room.card())
    assert await room.fill(form, "U0DANA", result="verified", note="she thanked us") is None
    await room.deliver()
    assert "Closed" in room.state()
    lines = [message["text"] for message in room.slack.messages if "thread_ts" in message]
    assert len(lines) == 4 and lines[-1] == "Dana Fox followed up: verified. she thanked us"
    assert len(room.slack.direct("U0DANA")) == 1, "nobody is pinged about their own act"


async def test_two_press_at_once_one_has_it_and_the_other_is_told_calmly(room: Room) -> None:
    form = await room.press("Acknowledge", "U0DANA", room.card())
    answers = await asyncio.gather(room.fill(form, "U0DANA"), room.fill(form, "U0LEE"))
    case = await room.desk.case(1)
    told = [json.dumps(answer["view"]) for answer in answers if answer]
    assert len(told) == 1 and f"{case.owner} already has case 1. Nothing to do." in told[0]
    await room.deliver()
    assert case.owner in room.card()["text"]


async def test_a_handover_is_offered_and_accepted_in_a_direct_message(room: Room) -> None:
    await room.fill(await room.press("Acknowledge", "U0DANA", room.card()), "U0DANA")
    await room.deliver()
    form = await room.press("Hand over", "U0DANA", room.card())
    assert await room.fill(form, "U0DANA", to="Lee Park", note="speaks Portuguese") is None
    await room.deliver()
    [offer] = room.slack.direct("U0LEE")
    assert "speaks Portuguese" in offer["text"]
    await room.press("Accept", "U0LEE", offer)
    await asyncio.sleep(0.05)
    assert await room.owner() == "Lee Park"
    await room.deliver()
    assert "Owner Lee Park" in room.card()["text"]


async def test_a_promise_is_moved_with_a_reason(room: Room, clock: Clock) -> None:
    await room.fill(await room.press("Acknowledge", "U0DANA", room.card()), "U0DANA", what="call her")
    await room.deliver()
    form = await room.press("Move promise", "U0DANA", room.card())
    later = str(int(clock().timestamp()) + 4 * 3_600)
    refused = await room.fill(form, "U0DANA", what="call her", due=later, reason=" ")
    assert refused["errors"] == {"reason": "say why the promise moves"}
    assert await room.fill(form, "U0DANA", what="call her", due=later, reason="no answer") is None
    case = await room.desk.case(1)
    assert case.promise and case.promise.moves == 1 and case.promise.due.timestamp() == int(later)


async def test_a_case_is_dismissed_and_opened_again(room: Room) -> None:
    form = await room.press("Not a complaint", "U0LEE", room.card())
    assert await room.fill(form, "U0LEE", reason="a joke between friends") is None
    await room.deliver()
    assert "Dismissed" in room.state()
    form = await room.press("Reopen", "U0DANA", room.card())
    assert await room.fill(form, "U0DANA", reason="it was no joke") is None
    await room.deliver()
    assert "New" in room.state()


async def test_a_stranger_is_told_whom_to_ask_and_nobody_else_sees_it(room: Room) -> None:
    await room.press("Acknowledge", "U0NOBODY", room.card())
    [whisper] = room.slack.whispers
    assert (whisper["user"], whisper["channel"]) == ("U0NOBODY", "C0CARE")
    assert "not in people.toml" in whisper["text"]
    assert room.slack.views == []


async def test_nobody_can_be_handed_a_case_who_is_not_on_the_list(room: Room) -> None:
    await room.fill(await room.press("Acknowledge", "U0DANA", room.card()), "U0DANA")
    await room.deliver()
    form = await room.press("Hand over", "U0DANA", room.card())
    answer = await room.fill(form, "U0DANA", to="Nobody At All")
    assert "choose somebody from the list" in json.dumps(answer)
    assert (await room.desk.case(1)).offer is None


@pytest.mark.parametrize("trouble", ["expired_trigger_id", 429, 503, "hang up", "page"])
async def test_a_form_that_slack_does_not_open_is_said_and_the_button_works_again(room: Room, trouble: object) -> None:
    room.slack.trouble["views.open"] = [trouble]
    await room.press("Acknowledge", "U0DANA", room.card())
    assert "Press the button again" in room.slack.whispers[0]["text"]
    assert await room.press("Acknowledge", "U0DANA", room.card())


async def test_opening_the_post_asks_for_nothing(room: Room) -> None:
    [button] = [b for block in room.card()["blocks"] for b in block.get("elements", []) if "url" in b]
    await room.send(click(button, "U0NOBODY", room.card(), "9.0"))
    await room.press("Acknowledge", "U0DANA", room.card())  # heard after it
    assert room.slack.whispers == []


@pytest.mark.parametrize(("secret", "stamp"), [("wrong", ""), (SECRET, "1"), (SECRET, "soon")])
async def test_what_slack_did_not_just_sign_is_not_heard(clock: Clock, secret: str, stamp: str) -> None:
    ledger, port = MemoryLedger(), free_port()
    ledger.open(subject(), policy(), NOW)
    body = encoded(
        submission({"callback_id": "case_dismiss", "private_metadata": "1", "blocks": []}, "U0DANA", "V1", {})
    )
    where = f"http://127.0.0.1:{port}{voice.PATH}"
    async with (
        Slack() as slack,
        voice.listening(lambda: settings(slack, "http", port), ledger, clock),
        aiohttp.ClientSession() as session,
        session.post(where, data=body, headers=signed(body, secret, stamp)) as answer,
    ):
        assert answer.status == 401
    assert len(ledger.timelines[1]) == 1


async def test_a_socket_that_cannot_be_opened_holds_nothing_back(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(links, "RECONNECT", 0.01)
    async with Slack() as slack:
        slack.trouble["apps.connections.open"] = ["invalid_auth", "invalid_auth", 503]
        async with voice.listening(lambda: settings(slack, "socket"), MemoryLedger(), clock):
            await eventually(lambda: slack.sockets)
    said = [record.message for record in caplog.records if record.name == "listener" and "press" in record.message]
    assert len(said) == 2, "each trouble once, not at each attempt"
    assert "SLACK_APP_TOKEN is refused (invalid_auth)" in said[0]


async def test_slack_may_be_away_from_beginning_to_end(clock: Clock) -> None:
    async with Slack() as slack:
        given = settings(slack, "socket")
    async with voice.listening(lambda: given, MemoryLedger(), clock):
        await asyncio.sleep(0)


async def test_the_doctor_names_what_is_missing_and_what_does_not_work_without_it() -> None:
    async with Slack() as slack:
        link = settings(slack, "socket").slack
        assert [told async for _, well, told in voice.examine(link, PEOPLE) if not well] == []
        slack.scopes = "chat:write,im:write,users:read"
        slack.kinds["U0LEE"] = {"is_restricted": True}
        slack.users.discard("U0SAM")
        slack.channels.clear()
        found = {name: told async for name, well, told in voice.examine(link, PEOPLE) if not well}
    assert set(found) == {"scopes", "channel C0CARE", "Lee Park", "Sam Ortiz"}
    for scope in ("channels:history", "groups:history", "im:history", "commands"):
        assert f"{scope} ({voice.SCOPES[scope]})" in found["scopes"]
    assert "/invite" in found["channel C0CARE"]
    assert "Guests" in found["Lee Park"] and "people.toml" in found["Sam Ortiz"]


@pytest.mark.parametrize("way", [by_http, by_socket], ids=["http", "socket"])
async def test_signing_in_to_the_desk_with_slack_takes_no_press_away(
    way: Way, clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in (("SLACK_CLIENT_ID", "1.2"), ("SLACK_CLIENT_SECRET", "shh"), ("HOME", str(tmp_path))):
        monkeypatch.setenv(name, value)
    async with a_room(way, clock) as room:
        assert await room.press("Acknowledge", "U0DANA", room.card())
        assert room.slack.whispers == []


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="a second loopback address is needed, and this machine has no ::1")
async def test_presses_are_heard_at_the_address_that_was_chosen(clock: Clock) -> None:
    async with Slack() as slack:
        chosen = settings(slack, "http", port := free_port())
        chosen = replace(chosen, slack=replace(chosen.slack, host="::1"))
        async with voice.listening(lambda: chosen, MemoryLedger(), clock), aiohttp.ClientSession() as session:
            async with session.get(f"http://[::1]:{port}{voice.PATH}") as answer:
                assert answer.status == 405  # it is there, and takes nothing but what Slack posts
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get(f"http://127.0.0.1:{port}{voice.PATH}")


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1"])  # taken; not an address of this machine
async def test_an_address_that_cannot_be_had_is_a_mistake_with_its_mend(clock: Clock, host: str) -> None:
    async with Slack() as slack:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            there = settings(slack, "http", taken.getsockname()[1])
            there = replace(there, slack=replace(there.slack, host=host))
            with pytest.raises(ConfigError, match=rf"slack: presses cannot arrive at {host} port \d+ \(.+\); choose"):
                async with voice.listening(lambda: there, MemoryLedger(), clock):
                    pass
