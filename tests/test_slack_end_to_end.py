"""From a card to "reported back", through the real Bolt and the real slack_sdk, by both ways in."""

import asyncio
import itertools
import json
import re
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from builders import DANA, LEE, NOW, SAM, policy, subject
from conftest import Clock
from fakes import MemoryLedger
from slack_sdk.signature import SignatureVerifier
from slackserver import APP_TOKEN, TOKEN, Slack

from escalation.case import replay
from escalation.courier import Courier
from escalation.desk import Desk
from escalation.slack.messenger import SlackMessenger
from listener import slack as voice
from listener.settings import Secret, Settings
from listener.settings import Slack as SlackSettings
from listener.tables import ConfigError
from listener.triage import load_rules

SECRET = "shh"
PEOPLE = (DANA, LEE, SAM)
REPORT = {"outcome": "solved", "done": "called her", "remedy": "80 EUR", "evidence": "ticket 4711"}

Send = Callable[[dict[str, Any]], Awaitable[Any]]


def settings(slack: Slack, mode: str, port: int = 0) -> Settings:
    link = SlackSettings(
        mode=mode,
        port=port,
        api_url=slack.api_url,
        channels={"": "C0CARE"},
        bot_token=Secret(TOKEN),
        app_token=Secret(APP_TOKEN),
        signing_secret=Secret(SECRET),
    )
    return Settings(
        directory=Path(), database="", brands=(), sources=(), people=PEOPLE, policies={}, rules=load_rules(), slack=link
    )


class Room:
    """A case in Slack, and the ways to press and to look."""

    def __init__(self, slack: Slack, send: Send, ledger: MemoryLedger, clock: Clock):
        self.slack, self.send, self.desk, self._clock, self._ledger = slack, send, Desk(ledger), clock, ledger
        messenger = SlackMessenger(
            voice.client(settings(slack, "socket").slack), {"": "C0CARE"}, {p.name: p for p in PEOPLE}, clock, spacing=0
        )
        self._courier = Courier(ledger, messenger)
        self._times = itertools.count(1)

    async def press(self, label: str, user: str, on: dict[str, Any]) -> Any:
        """Presses the button with these words on this message, as that person; a form that opens is returned."""
        rows = [block["elements"] for block in on["blocks"] if block["type"] == "actions"]
        [button] = [button for row in rows for button in row if button["text"]["text"] == label]
        before = len(self.slack.views) + len(self.slack.whispers)
        await self.send(click(button, user, on, f"{next(self._times)}.0"))
        if button["action_id"] not in ("case_accept",):
            await eventually(lambda: len(self.slack.views) + len(self.slack.whispers) > before)
        return self.slack.views[-1] if self.slack.views else None

    async def fill(self, view: dict[str, Any], user: str, **filled: str) -> Any:
        return await self.send(submission(view, user, f"V{next(self._times)}", filled))

    async def deliver(self) -> None:
        await self._courier.deliver(self._clock())

    def card(self) -> dict[str, Any]:
        [card] = self.slack.cards()
        return card

    def owner(self) -> str:
        return replay(self._ledger.timelines[1]).owner

    def state(self) -> str:
        return str(self.card()["blocks"][0]["text"]["text"])


def click(button: dict[str, Any], user: str, message: dict[str, Any], ts: str) -> dict[str, Any]:
    """https://docs.slack.dev/reference/interaction-payloads/block_actions-payload"""
    return {
        "type": "block_actions",
        "user": {"id": user, "username": "x", "team_id": "T0"},
        "api_app_id": "A0",
        "team": {"id": "T0", "domain": "test"},
        "container": {"type": "message", "message_ts": message["ts"], "channel_id": message["channel"]},
        "channel": {"id": message["channel"], "name": "x"},
        "trigger_id": f"1.2.{ts}",
        "actions": [{**button, "block_id": "b", "action_ts": ts}],
    }


def submission(view: dict[str, Any], user: str, view_id: str, filled: dict[str, str]) -> dict[str, Any]:
    """https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload"""
    values = {}
    for block in view["blocks"]:
        if block["type"] == "input":
            values[block["block_id"]] = {"value": _filled(block["element"], filled.get(block["block_id"]))}
    assert filled.keys() <= values.keys()
    sent = {**view, "id": view_id, "hash": "1.abc", "state": {"values": values}}
    return {
        "type": "view_submission",
        "user": {"id": user, "username": "x", "team_id": "T0"},
        "api_app_id": "A0",
        "team": {"id": "T0", "domain": "test"},
        "view": sent,
    }


def _filled(element: dict[str, Any], value: str | None) -> dict[str, Any]:
    match element["type"]:
        case "static_select":
            return {"type": "static_select", "selected_option": {"value": value} if value else None}
        case "datetimepicker":
            return {"type": "datetimepicker", "selected_date_time": int(value or element["initial_date_time"])}
        case kind:
            return {"type": kind, "value": value}


async def eventually(true: Callable[[], object]) -> None:
    for _ in range(500):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came about")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def signed(body: str, secret: str = SECRET, stamp: str = "") -> dict[str, str]:
    stamp = stamp or str(int(time.time()))
    return {
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body) or "",
        "Content-Type": "application/x-www-form-urlencoded",
    }


def encoded(payload: dict[str, Any]) -> str:
    return urlencode({"payload": json.dumps(payload)})


@asynccontextmanager
async def by_http(slack: Slack, desk: Desk, clock: Clock) -> AsyncIterator[Send]:
    port = free_port()
    address = f"http://127.0.0.1:{port}{voice.PATH}"

    async def send(payload: dict[str, Any]) -> Any:
        body = encoded(payload)
        async with session.post(address, data=body, headers=signed(body)) as answer:
            assert answer.status == 200
            text = await answer.text()
            return json.loads(text) if text else None

    async with aiohttp.ClientSession() as session, voice.listening(settings(slack, "http", port), desk, clock):
        yield send


@asynccontextmanager
async def by_socket(slack: Slack, desk: Desk, clock: Clock) -> AsyncIterator[Send]:
    envelopes = itertools.count(1)
    async with voice.listening(settings(slack, "socket"), desk, clock):
        await eventually(lambda: slack.sockets)
        yield lambda payload: slack.deliver(payload, f"E{next(envelopes)}")


@pytest.fixture(params=[by_http, by_socket], ids=["http", "socket"])
async def room(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[Room]:
    ledger = MemoryLedger()
    ledger.open(subject(), policy(), NOW)
    async with Slack() as slack, request.param(slack, Desk(ledger), clock) as send:
        made = Room(slack, send, ledger, clock)
        await made.deliver()
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
    await eventually(lambda: room.owner() == "Lee Park")
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


async def test_a_form_that_slack_does_not_open_is_said_and_the_button_works_again(room: Room) -> None:
    room.slack.trouble["views.open"] = ["expired_trigger_id"]
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
        voice.listening(settings(slack, "http", port), Desk(ledger), clock),
        aiohttp.ClientSession() as session,
        session.post(where, data=body, headers=signed(body, secret, stamp)) as answer,
    ):
        assert answer.status == 401
    assert len(ledger.timelines[1]) == 1


async def test_a_socket_that_cannot_be_opened_holds_nothing_back(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(voice, "RECONNECT", 0.01)
    async with Slack() as slack:
        slack.trouble["apps.connections.open"] = ["invalid_auth", "invalid_auth", 503]
        async with voice.listening(settings(slack, "socket"), Desk(MemoryLedger()), clock):
            await eventually(lambda: slack.sockets)
    said = [record.message for record in caplog.records if record.name == "listener" and "press" in record.message]
    assert len(said) == 2, "each trouble once, not at each attempt"
    assert "SLACK_APP_TOKEN is refused (invalid_auth)" in said[0]


async def test_slack_may_be_away_from_beginning_to_end(clock: Clock) -> None:
    async with Slack() as slack:
        given = settings(slack, "socket")
    async with voice.listening(given, Desk(MemoryLedger()), clock):
        await asyncio.sleep(0)


async def test_the_doctor_names_a_missing_permission() -> None:
    async with Slack() as slack:
        link = settings(slack, "socket").slack
        assert [well async for _, well, _ in voice.examine(link, PEOPLE)] == [True]
        slack.scopes = "chat:write,im:write,users:read"
        found = [told async for _, well, told in voice.examine(link, PEOPLE) if not well]
    assert len(found) == 1 and "channels:history, groups:history, im:history" in found[0]


def test_the_manifest_asks_for_what_is_needed() -> None:
    manifest = (Path(__file__).parents[1] / "config" / "slack-manifest.yaml").read_text(encoding="utf-8")
    asked = re.findall(r"^ +- ([a-z:]+)", manifest, re.MULTILINE)
    assert set(voice.SCOPES) <= set(asked)
    assert "socket_mode_enabled: true" in manifest and "interactivity:\n    is_enabled: true" in manifest
    assert voice.PATH in manifest


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
        async with voice.listening(chosen, Desk(MemoryLedger()), clock), aiohttp.ClientSession() as session:
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
                async with voice.listening(there, Desk(MemoryLedger()), clock):
                    pass
