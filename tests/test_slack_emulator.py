"""A second opinion on how we speak to Slack: emulate, a Slack that others wrote, holding every token to its scopes.

It knows no sockets, no pauses, and takes any blocks, so it stands beside slackserver.py and not in its place.
docs/contributing.md says how to start it; without it these tests are skipped.
"""

import itertools
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, batch, complaint
from conftest import Clock
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient
from slackroom import REPORT, buttons, click, submission
from slackroom import settings as room_settings
from slackserver import Slack as Strict
from test_reading import settings as with_digests

from escalation.courier import Courier, Undelivered
from escalation.notices import Kind, Notice
from escalation.slack.calls import by_post, connect, only
from escalation.slack.messenger import SlackMessenger
from escalation.slack.pictures import Dress
from listener import slack as voice
from listener.reading import send_due
from listener.settings import Secret, Settings
from listener.storage.sqlite import SqliteStore

URL = os.environ.get("LISTENER_SLACK_EMULATOR", "")
pytestmark = pytest.mark.skipif(not URL, reason="LISTENER_SLACK_EMULATOR names no emulator of Slack")
GRANTED, NARROW = "xoxb-granted", "xoxb-narrow"  # tests/data/slack-emulator.yaml
GOLDEN = Path(__file__).parent / "data" / "slack"


@dataclass
class House:
    """Everything of ours that speaks to Slack, told to speak to the emulator."""

    settings: Settings
    store: SqliteStore
    clock: Clock
    client: AsyncWebClient
    care: str
    courier: Courier
    times: "itertools.count[int]"

    @property
    def dana(self) -> str:
        return self.settings.people[0].slack

    async def card(self, case: int) -> dict[str, Any]:
        """The newest message in the channel that is this case's card."""
        answer = await by_post(self.client, "conversations.history")(
            channel=self.care, limit=50, include_all_metadata=True
        )
        key = f"{case}/card"
        cards = [one for one in answer["messages"] if said(one).get("key") == key and one["ts"] > self.start]
        assert len(cards) == 1
        return {**cards[0], "channel": self.care}

    start: str = ""

    async def send(self, body: dict[str, Any]) -> Any:
        """A payload to the real Bolt app; what it answers."""
        team = (await self.client.auth_test())["team_id"]
        whole = {**body, "user": {**body["user"], "team_id": team}, "team": {"id": team}}
        app = voice.app(self.settings, self.store, self.clock)
        answer = await app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=whole))
        assert answer.status == 200
        return json.loads(answer.body) if answer.body else None

    async def trigger(self) -> str:
        return str((await self.client.api_call("views.generateTriggerId", data={"user_id": self.dana}))["trigger_id"])


def said(message: dict[str, Any]) -> dict[str, Any]:
    found = (message.get("metadata") or {}).get("event_payload") or {}
    return dict(found)


@pytest.fixture
async def house(tmp_path: Path, clock: Clock) -> AsyncIterator[House]:
    client = connect(GRANTED, f"{URL}/api/")
    channels = (await client.api_call("conversations.list", data={}))["channels"]
    users = {one["name"]: one["id"] for one in (await client.api_call("users.list", data={}))["members"]}
    care = next(one["id"] for one in channels if one["name"] == "care")
    store = await SqliteStore.open(":memory:")
    await store.keep(batch(complaint()))
    strict = Strict()
    made = room_settings(strict, "socket")
    ids = {"Dana Fox": users["dana"], "Lee Park": users["lee"]}
    people = tuple(replace(one, slack=ids.get(one.name, "")) for one in made.people)
    slack = replace(made.slack, api_url=f"{URL}/api/", bot_token=Secret(GRANTED), channels={"": care})
    digests = with_digests(tmp_path / "c", 'who = "Lee Park"\nwhen = "08:00"').digests
    settings = replace(made, people=people, slack=slack, digests=digests)
    messenger = SlackMessenger(
        only(client),
        {"": care},
        {one.name: one for one in people},
        clock,
        spacing=0,
        page=partial(voice.page, settings, store),
    )
    before = (await by_post(client, "conversations.history")(channel=care, limit=1))["messages"]
    start = before[0]["ts"] if before else ""
    yield House(settings, store, clock, client, care, Courier(store, messenger), itertools.count(1), start)
    await store.aclose()


async def test_a_card_is_posted_once_changed_in_place_and_found_after_a_crash(house: House) -> None:
    while await house.courier.deliver(house.clock()):
        pass
    first = await house.card(1)
    assert "Owner Dana Fox" in first["text"] and first["blocks"]
    notice = Notice(case=1, seq=1, kind=Kind.CARD, to="Acme Air", text="")
    assert (await house.courier.messenger.find(notice)).endswith(first["ts"])


async def test_a_case_is_taken_and_reported_back_through_its_forms(house: House) -> None:
    await house.courier.deliver(house.clock())
    for label, filled in (("Acknowledge", {"what": "call her"}), ("Report back", REPORT)):
        card = await house.card(1)
        [button] = [one for one in buttons(card) if one["text"]["text"] == label]
        pressed = click(button, house.dana, card, f"{next(house.times)}.0")
        await house.send({**pressed, "trigger_id": await house.trigger()})
        form = json.loads((GOLDEN / f"form_{'report' if filled is REPORT else 'acknowledge'}_open.json").read_text())
        given = {**submission(form, house.dana, f"V{next(house.times)}", filled)}
        given["view"]["private_metadata"] = "1"
        assert await house.send(given) is None
        house.clock.forward(minutes=20)
        await house.courier.deliver(house.clock())
    assert "Reported" in (await house.card(1))["blocks"][0]["text"]["text"]
    thread = await by_post(house.client, "conversations.replies")(channel=house.care, ts=card["ts"])
    assert "Dana Fox has it." in [one["text"] for one in thread["messages"]]


@pytest.mark.parametrize("form", sorted(one.stem for one in GOLDEN.glob("form_*.json")))
async def test_every_form_is_opened_and_changed_in_place(house: House, form: str) -> None:
    view = json.loads((GOLDEN / f"{form}.json").read_text("utf-8"))
    opened = await house.client.views_open(trigger_id=await house.trigger(), view=view)
    assert [block["type"] for block in opened["view"]["blocks"]] == [block["type"] for block in view["blocks"]]
    changed = await house.client.views_update(view_id=opened["view"]["id"], view=view)
    assert changed["view"]["title"]["text"] == view["title"]["text"]


async def test_the_home_tab_is_published(house: House) -> None:
    home = json.loads((GOLDEN / "home.json").read_text("utf-8"))
    answer = await house.client.views_publish(user_id=house.dana, view=home)
    assert answer["view"]["type"] == "home" and len(answer["view"]["blocks"]) == len(home["blocks"])
    inner = {"type": "app_home_opened", "user": house.dana, "tab": "home"}
    team = (await house.client.auth_test())["team_id"]
    event = {"type": "event_callback", "team_id": team, "event": inner, "event_id": "Ev1"}
    app = voice.app(house.settings, house.store, house.clock)
    assert (await app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=event))).status == 200


async def test_a_digest_arrives_with_its_charts_and_pictures_can_be_uploaded(house: House) -> None:
    house.clock.forward(hours=19)
    await send_due(house.settings, house.store, house.clock())
    while await house.courier.deliver(house.clock()):
        pass
    lee = house.settings.people[1].slack
    direct = (await house.client.conversations_open(users=lee))["channel"]["id"]
    told = (await by_post(house.client, "conversations.history")(channel=direct, limit=20))["messages"]
    [digest] = [one for one in told if one["text"].startswith("Your digest")][:1]
    charts = [block for block in digest["blocks"] if block["type"] == "data_visualization"]
    shown = await anext(Dress(house.client, house.clock, native=False).ways(charts))
    assert [block["type"] for block in shown] == ["image"] * len(charts) and charts
    info = await by_post(house.client, "files.info")(file=shown[0]["slack_file"]["id"])
    assert info["file"]["mimetype"] == "image/png"


async def test_a_missing_scope_is_said_with_its_mend(house: House) -> None:
    people = {one.name: one for one in house.settings.people}
    narrow = SlackMessenger(only(connect(NARROW, f"{URL}/api/")), {"": house.care}, people, house.clock, spacing=0)
    notice = Notice(case=0, seq=1, kind=Kind.HOUSE, to="", text="Hello")
    with pytest.raises(Undelivered, match=r"missing_scope.*slack-manifest\.yaml"):
        await narrow.send(notice, None, "", NOW)
    slack = replace(house.settings.slack, bot_token=Secret(NARROW))
    found = [told async for _, well, told in voice.examine(slack, house.settings.people) if not well]
    assert any("missing_scope" in one for one in found)
