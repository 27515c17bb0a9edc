"""A case in Slack, heard by the real Bolt through both ways in, and the payloads that Slack would send."""

import asyncio
import itertools
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from builders import DANA, LEE, SAM, batch, complaint, policy
from conftest import Clock
from slack_sdk.signature import SignatureVerifier
from slackserver import APP_TOKEN, TOKEN, Slack

from escalation.courier import Courier
from escalation.desk import Desk as CaseDesk
from escalation.slack.calls import only
from escalation.slack.messenger import SlackMessenger
from listener import slack as voice
from listener.query import parse
from listener.settings import Brand, Secret, Settings
from listener.settings import Slack as SlackSettings
from listener.settings.model import Desk, Member, Role
from listener.storage.contract import Store
from listener.storage.sqlite import SqliteStore
from listener.triage import load_rules

SECRET = "shh"
DESK = "https://desk.example.com"
PEOPLE = (DANA, LEE, SAM)
REPORT = {"outcome": "solved", "done": "called her", "remedy": "80 EUR", "evidence": "ticket 4711"}
BRAND = Brand(name="Acme Air", query=parse('"acme air"'), policy="care", aliases=("acme air",))

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
        directory=Path(),
        database="",
        brands=(BRAND,),
        sources=(),
        people=PEOPLE,
        policies={"care": {"P1": policy(), "P2": policy(priority="P2")}},
        rules=load_rules(),
        slack=link,
        members={"Sam Ortiz": Member(roles=frozenset({Role.LEAD, Role.EXECUTIVE}))},
        desk=Desk(public_url=DESK),
    )


class Room:
    """A case in Slack, and the ways to press and to look."""

    def __init__(self, slack: Slack, send: Send, store: Store, clock: Clock):
        self.slack, self.send, self.desk, self._clock, self.store = slack, send, CaseDesk(store), clock, store
        messenger = SlackMessenger(
            only(voice.client(settings(slack, "socket").slack)),
            {"": "C0CARE"},
            {p.name: p for p in PEOPLE},
            clock,
            spacing=0,
        )
        self._courier = Courier(store, messenger)
        self._times = itertools.count(1)

    async def press(self, label: str, user: str, on: dict[str, Any]) -> Any:
        """Presses the button with these words on this message, as that person; a form that opens is returned."""
        [button] = [button for button in buttons(on) if button["text"]["text"] == label]
        return await self.press_at(button, user, on)

    async def press_at(self, button: dict[str, Any], user: str, on: dict[str, Any]) -> Any:
        before = len(self.slack.views) + len(self.slack.whispers)
        await self.send(click(button, user, on, f"{next(self._times)}.0"))
        chosen = button.get("selected_option", {}).get("value", "").partition(" ")[0]
        if f"case_{chosen}" not in AT_ONCE and button["action_id"] not in AT_ONCE:
            await eventually(lambda: len(self.slack.views) + len(self.slack.whispers) > before)
        return self.slack.views[-1] if self.slack.views else None

    async def shown(self, case: int) -> dict[str, Any]:
        """The case as it is shown in a window."""
        button = {"type": "button", "action_id": "case_show", "value": str(case), "text": {"text": "Open"}}
        found = await self.press_at(button, "U0DANA", {"type": "home"})
        assert isinstance(found, dict)
        return found

    async def home(self, user: str, *, again: bool = False) -> dict[str, Any]:
        """Their Home tab as it is drawn when they open it."""
        for _ in range(2 if again else 1):
            self.slack.homes.pop(user, None)
            calls = self.slack.calls.count("views.publish")
            await self.send(event({"type": "app_home_opened", "user": user, "tab": "home", "channel": f"D{user}"}))
            await eventually(lambda before=calls: self.slack.calls.count("views.publish") > before)
        await eventually(lambda: user in self.slack.homes)
        return self.slack.homes[user]

    async def press_home(self, label: str, user: str) -> None:
        page = self.slack.homes[user]
        [button] = [button for button in buttons(page) if button["text"]["text"] == label]
        await self.send(click(button, user, page, f"{next(self._times)}.0"))

    def typed(self, name: str, text: str, user: str) -> dict[str, Any]:
        """https://docs.slack.dev/interactivity/implementing-slash-commands#app_command_handling"""
        return {
            "token": "unused",
            "team_id": "T0",
            "team_domain": "test",
            "channel_id": "C0CARE",
            "channel_name": "care",
            "user_id": user,
            "user_name": "x",
            "command": name,
            "text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
            "api_app_id": "A0",
            "response_url": f"{self.slack.address}/respond",
            "trigger_id": f"1.3.{next(self._times)}",
        }

    async def command(self, name: str, text: str, user: str = "U0DANA") -> dict[str, Any]:
        await self.send(self.typed(name, text, user))
        return await self.answered()

    async def turn(self, label: str, answer: dict[str, Any], user: str = "U0DANA") -> None:
        """Presses a button of an answer that only its reader sees."""
        [button] = [button for button in buttons(answer) if button["text"]["text"] == label]
        body = click(button, user, {"channel": "C0CARE", "ts": "1.1"}, f"{next(self._times)}.0")
        await self.send({**body, "response_url": f"{self.slack.address}/respond"})

    async def shortcut(self, user: str, message: dict[str, Any] | None = None) -> dict[str, Any]:
        """https://docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload"""
        before, kind = len(self.slack.views), "message_action" if message else "shortcut"
        body = {
            "type": kind,
            "callback_id": "raise",
            "trigger_id": f"1.4.{next(self._times)}",
            "team": {"id": "T0", "domain": "test"},
            "user": {"id": user, "name": "x", "team_id": "T0"},
            "action_ts": "1.0",
        }
        about = {"channel": {"id": "C0CARE", "name": "care"}, "message_ts": "5.5", "message": message}
        await self.send({**body, **(about if message else {})})
        await eventually(lambda: len(self.slack.views) > before)
        return self.slack.views[-1]

    async def answered(self) -> dict[str, Any]:
        """The newest answer to a command."""
        await eventually(lambda: self.slack.answers)
        return self.slack.answers.pop()

    async def fill(self, view: dict[str, Any], user: str, **filled: str) -> Any:
        return await self.send(submission(view, user, f"V{next(self._times)}", filled))

    async def deliver(self) -> None:
        await self._courier.deliver(self._clock())

    def card(self) -> dict[str, Any]:
        [card] = self.slack.cards()
        return card

    async def owner(self) -> str:
        return (await self.desk.case(1)).owner

    def state(self) -> str:
        return str(self.card()["blocks"][0]["text"]["text"])


AT_ONCE = ("case_accept", "case_undo", "case_worse", "case_right", "case_milder")


def buttons(on: dict[str, Any]) -> list[dict[str, Any]]:
    """Everything that can be pressed on a message or a page; an entry of a menu looks like a button here."""
    found: list[dict[str, Any]] = []
    for block in on["blocks"]:
        elements = block.get("elements", []) if block["type"] == "actions" else [block.get("accessory")]
        for element in filter(None, elements):
            if element["type"] == "static_select":
                found += [{**element, "text": one["text"], "selected_option": one} for one in element["options"]]
            else:
                found.append(element)
    return found


def click(button: dict[str, Any], user: str, message: dict[str, Any], ts: str) -> dict[str, Any]:
    """https://docs.slack.dev/reference/interaction-payloads/block_actions-payload"""
    place: dict[str, Any] = {
        "container": {"type": "message", "message_ts": message.get("ts"), "channel_id": message.get("channel")},
        "channel": {"id": message.get("channel"), "name": "x"},
    }
    if message.get("type") in ("home", "modal"):
        place = {"container": {"type": "view", "view_id": "V9"}, "view": {"id": "V9", "type": message["type"]}}
    return {
        "type": "block_actions",
        "user": {"id": user, "username": "x", "team_id": "T0"},
        "api_app_id": "A0",
        "team": {"id": "T0", "domain": "test"},
        **place,
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
            chosen = value or element.get("initial_date_time")
            return {"type": "datetimepicker", "selected_date_time": int(chosen) if chosen else None}
        case kind:
            return {"type": kind, "value": element.get("initial_value") if value is None else value}


async def eventually(true: Callable[[], object]) -> None:
    for _ in range(2_000):
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
        "Content-Type": "application/json" if body.startswith("{") else "application/x-www-form-urlencoded",
    }


def event(inner: dict[str, Any]) -> dict[str, Any]:
    """https://docs.slack.dev/apis/events-api#callback-field"""
    outer = {"token": "unused", "team_id": "T0", "api_app_id": "A0", "type": "event_callback", "event_time": 1}
    return {**outer, "event_id": f"Ev{id(inner)}", "event": inner}


def encoded(payload: dict[str, Any]) -> str:
    """A command's own fields; an event as JSON; everything else as JSON in one field."""
    if "event" in payload:
        return json.dumps(payload)
    return urlencode(payload if "command" in payload else {"payload": json.dumps(payload)})


Way = Callable[[Slack, Store, Clock], AbstractAsyncContextManager[Send]]


@asynccontextmanager
async def by_http(slack: Slack, store: Store, clock: Clock) -> AsyncIterator[Send]:
    port = free_port()
    address = f"http://127.0.0.1:{port}{voice.PATH}"

    async def send(payload: dict[str, Any]) -> Any:
        body = encoded(payload)
        async with session.post(address, data=body, headers=signed(body)) as answer:
            assert answer.status == 200
            text = await answer.text()
            return json.loads(text) if text else None

    async with aiohttp.ClientSession() as session, voice.listening(lambda: settings(slack, "http", port), store, clock):
        yield send


@asynccontextmanager
async def by_socket(slack: Slack, store: Store, clock: Clock) -> AsyncIterator[Send]:
    envelopes = itertools.count(1)
    async with voice.listening(lambda: settings(slack, "socket"), store, clock):
        await eventually(lambda: slack.sockets)
        yield lambda payload: slack.deliver(payload, f"E{next(envelopes)}")


@asynccontextmanager
async def a_room(way: Way, clock: Clock) -> AsyncIterator[Room]:
    store = await SqliteStore.open(":memory:")
    await store.keep(batch(complaint()))
    async with Slack() as slack, way(slack, store, clock) as send:
        made = Room(slack, send, store, clock)
        await made.deliver()
        yield made
    await store.aclose()
