"""What people press in Slack, through the real Bolt and the real client, in Socket Mode and over signed HTTP."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders import DANA, LEE, SAM, batch, complaint
from conftest import Clock
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier
from slackserver import APP_TOKEN, TOKEN, Slack

from escalation.courier import Courier
from escalation.desk import Desk
from escalation.policy import Person
from escalation.slack.calls import only
from escalation.slack.messenger import SlackMessenger
from listener.settings import Secret, Settings
from listener.settings import Slack as SlackSettings
from listener.slack import app, client, examine, listening
from listener.storage.contract import Store
from listener.triage import load_rules

SECRET = "shh"


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with Slack() as running:
        yield running


def settings(slack: Slack, **given: Any) -> Settings:
    link = SlackSettings(
        api_url=slack.api_url,
        channels={"": "C0CARE"},
        bot_token=Secret(TOKEN),
        app_token=Secret(APP_TOKEN),
        signing_secret=Secret(SECRET),
        **given,
    )
    return Settings(
        directory=Path(),
        database="",
        brands=(),
        sources=(),
        people=(DANA, LEE, SAM),
        policies={},
        rules=load_rules(),
        slack=link,
    )


def click(action: str, user: str = "U0DANA", ts: str = "1.0") -> dict[str, Any]:
    """As Slack sends it (docs.slack.dev/reference/interaction-payloads/block_actions-payload)."""
    return {
        "type": "block_actions",
        "user": {"id": user, "username": "x", "team_id": "T0"},
        "api_app_id": "A0",
        "token": "unused",
        "container": {"type": "message", "message_ts": "1.1", "channel_id": "C0CARE", "is_ephemeral": False},
        "trigger_id": "13345224609.738474920.8088930838d88f008e0",
        "team": {"id": "T0", "domain": "test"},
        "channel": {"id": "C0CARE", "name": "care"},
        "message": {"type": "message", "ts": "1.1", "text": "x"},
        "response_url": "https://hooks.slack.example/x",
        "actions": [
            {
                "action_id": f"case_{action}",
                "block_id": "b",
                "text": {"type": "plain_text", "text": action},
                "value": "1",
                "type": "button",
                "action_ts": ts,
            }
        ],
    }


def submit(action: str, user: str = "U0DANA", **filled: str) -> dict[str, Any]:
    values = {}
    for name, value in filled.items():
        kind = (
            "static_select"
            if name in ("outcome", "result")
            else "datetimepicker"
            if name == "due"
            else "plain_text_input"
        )
        inner = (
            {"selected_option": {"value": value}}
            if kind == "static_select"
            else {"selected_date_time": int(value)}
            if kind == "datetimepicker"
            else {"value": value}
        )
        values[name] = {"value": {"type": kind, **inner}}
    return {
        "type": "view_submission",
        "team": {"id": "T0", "domain": "test"},
        "user": {"id": user, "username": "x", "team_id": "T0"},
        "api_app_id": "A0",
        "token": "unused",
        "trigger_id": "1.2.3",
        "view": {
            "id": "V1",
            "type": "modal",
            "hash": "1.abc",
            "callback_id": f"case_{action}",
            "private_metadata": "1",
            "state": {"values": values},
        },
        "response_urls": [],
    }


REPORT = {"outcome": "solved", "done": "called her", "remedy": "80 EUR", "evidence": "ticket 4711"}


async def http(bolt: Any, payload: dict[str, Any], *, secret: str = SECRET, age: int = 0) -> Any:
    answer = await sent(bolt, payload, secret=secret, age=age)
    await settled()
    return answer


async def sent(bolt: Any, payload: dict[str, Any], *, secret: str = SECRET, age: int = 0) -> Any:
    from urllib.parse import urlencode

    body = urlencode({"payload": json.dumps(payload)})
    stamp = str(int(time.time()) - age)
    signature = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body) or ""
    headers = {
        "X-Slack-Signature": [signature],
        "X-Slack-Request-Timestamp": [stamp],
        "Content-Type": ["application/x-www-form-urlencoded"],
    }
    return await bolt.async_dispatch(AsyncBoltRequest(body=body, headers=headers))


async def settled() -> None:
    """Bolt's listeners run beside its answer; wait until they are done."""
    for _ in range(200):
        others = [
            task
            for task in asyncio.all_tasks()
            if (task is not asyncio.current_task() and "run_ack" in repr(task)) or "listener" in repr(task.get_coro())
        ]
        if not others:
            await asyncio.sleep(0.02)
            return
        await asyncio.sleep(0.01)


@asynccontextmanager
async def a_case(store: Store) -> AsyncIterator[Desk]:
    await store.keep(batch(complaint()))
    yield Desk(store)


async def eventually(true: Any) -> None:
    for _ in range(300):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came about")


async def test_acknowledge_opens_a_form_and_the_form_takes_the_case(store: Store, slack: Slack, clock: Clock) -> None:
    async with a_case(store) as desk:
        bolt = app(settings(slack), store, clock)
        assert (await http(bolt, click("acknowledge"))).status == 200
        await eventually(lambda: slack.views)
        assert slack.views[0]["callback_id"] == "case_acknowledge"
        due = str(int(clock().timestamp()) + 3600)
        assert (await http(bolt, submit("acknowledge", what="call her", due=due))).status == 200
        case = await desk.case(1)
        assert (case.owner, case.status) == ("Dana Fox", "acknowledged")
        assert case.promise and case.promise.what == "call her" and case.promise.due.timestamp() == int(due)


async def test_report_back_through_the_form(store: Store, slack: Slack, clock: Clock) -> None:
    async with a_case(store) as desk:
        bolt = app(settings(slack), store, clock)
        refused = await http(bolt, submit("report", **{**REPORT, "done": "apologised to her"}))
        assert "an apology alone" in json.loads(refused.body)["errors"]["done"]
        assert (await desk.case(1)).status == "open"
        accepted = await http(bolt, submit("report", **REPORT))
        assert accepted.status == 200 and not accepted.body
        assert (await desk.case(1)).status == "reported"


async def test_fifty_people_press_at_once_one_has_it_and_the_others_are_told_calmly(
    store: Store, slack: Slack, clock: Clock
) -> None:
    crowd = tuple(Person(name=f"Person {number}", slack=f"U0P{number}") for number in range(50))
    slack.users |= {person.slack for person in crowd}
    async with a_case(store):
        made = settings(slack)
        carrier = Courier(store, SlackMessenger(only(client(made.slack)), {"": "C0CARE"}, {}, clock, spacing=0))
        await carrier.deliver(clock())
        bolt = app(replace(made, people=crowd), store, clock)
        payloads = [submit("acknowledge", user=person.slack, what="call her") for person in crowd]
        for number, payload in enumerate(payloads):
            payload["view"]["id"] = f"V{number}"
        answers = await asyncio.gather(*(sent(bolt, payload) for payload in payloads))
        await settled()
        assert {answer.status for answer in answers} == {200}
        events = [type(event).__name__ for event in await store.timeline(1)]
        assert events == ["Opened", "Acknowledged", "Promised"]
        assert sum("already has case 1. Nothing to do." in (answer.body or "") for answer in answers) == 49
        before = slack.updates
        await carrier.deliver(clock())
        assert slack.updates == before + 1, "one card, drawn once"


async def test_a_repeated_delivery_is_one_press(store: Store, slack: Slack, clock: Clock) -> None:
    async with a_case(store):
        bolt = app(settings(slack), store, clock)
        for _ in range(3):
            await http(bolt, click("acknowledge"))
        await eventually(lambda: slack.views)
        assert len(slack.views) == 1


@pytest.mark.parametrize("action", ["acknowledge", "accept", "dismiss", "report", "reopen"])
async def test_a_stranger_is_told_so_and_nothing_changes(store: Store, slack: Slack, clock: Clock, action: str) -> None:
    async with a_case(store):
        bolt = app(settings(slack), store, clock)
        await http(bolt, click(action, user="U0NOBODY"))
        await eventually(lambda: slack.whispers)
        assert "not in people.toml" in slack.whispers[0]["text"]
        await http(bolt, submit(action, user="U0NOBODY", reason="x", **REPORT))
        assert len(await store.timeline(1)) == 1


async def test_a_refusal_at_a_button_is_whispered(store: Store, slack: Slack, clock: Clock) -> None:
    async with a_case(store):
        await http(app(settings(slack), store, clock), click("accept", user="U0LEE"))
        await eventually(lambda: slack.whispers)
        assert "not offered to Lee Park" in slack.whispers[0]["text"]
        assert slack.whispers[0]["user"] == "U0LEE"


@pytest.mark.parametrize(("secret", "age"), [("wrong", 0), (SECRET, 600)])
async def test_what_slack_did_not_sign_just_now_is_not_heard(
    store: Store, slack: Slack, clock: Clock, secret: str, age: int
) -> None:
    async with a_case(store):
        answer = await http(app(settings(slack), store, clock), submit("report", **REPORT), secret=secret, age=age)
        assert answer.status == 401
        assert len(await store.timeline(1)) == 1


async def test_socket_mode(store: Store, slack: Slack, clock: Clock) -> None:
    async with a_case(store) as desk, listening(lambda: settings(slack), store, clock):
        await eventually(lambda: slack.sockets)
        await slack.deliver(click("acknowledge"), "E1")
        await eventually(lambda: slack.views)
        await slack.deliver(submit("acknowledge", what="call her"), "E2")
        assert (await desk.case(1)).status == "acknowledged"
        refused = await slack.deliver(submit("report", user="U0LEE", **REPORT), "E3")
        assert "Dana Fox has case 1" in json.dumps(refused)


async def test_the_doctor_says_what_is_wrong_with_slack(slack: Slack) -> None:
    async def found(link: SlackSettings) -> list[tuple[str, bool, str]]:
        return [check async for check in examine(link, (DANA,))]

    right = settings(slack).slack
    assert await found(right) == [("link", True, "signed in as listening_post in Test")]
    wrong = SlackSettings(api_url=slack.api_url, bot_token=Secret("xoxb-stale"))
    [(_, well, told)] = await found(wrong)
    assert not well and "invalid_auth" in told and "xoxb" not in told
