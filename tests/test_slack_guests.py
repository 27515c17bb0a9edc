"""Who may press: colleagues of this workspace whom people.toml names. Nobody else, and nobody Slack cannot vouch for."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from builders import DANA, LEE, SAM, policy
from conftest import Clock
from fakes import MemoryLedger
from slackroom import a_room, by_http, eventually, settings, submission
from slackserver import Slack

from escalation.slack.calls import only
from listener.slack.guests import Guests, judged
from listener.slack.office import client, make


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with Slack() as running:
        yield running


@pytest.fixture
def guests(slack: Slack, clock: Clock) -> Guests:
    return Guests((DANA, LEE, SAM), only(client(settings(slack, "http").slack)), clock)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("is_restricted", "Guests"),
        ("is_ultra_restricted", "Guests"),
        ("is_bot", "a person must"),
        ("is_stranger", "Only colleagues"),
        ("deleted", "Only colleagues"),
    ],
)
async def test_who_is_no_colleague_is_told_so(guests: Guests, slack: Slack, kind: str, said: str) -> None:
    slack.kinds["U0LEE"] = {kind: True}
    assert said in await guests.refusal("U0LEE", "T0")
    assert await guests.refusal("U0DANA", "T0") == ""
    assert said in judged({kind: True}) and judged({}) == ""


async def test_another_workspace_may_not_press_even_with_a_known_id(guests: Guests) -> None:
    assert "Only colleagues" in await guests.refusal("U0DANA", "T0OTHER")


async def test_who_is_not_in_people_toml_is_not_even_asked_about(guests: Guests, slack: Slack) -> None:
    assert "people.toml" in await guests.refusal("U0NOBODY", "T0")
    assert slack.calls == []


async def test_slack_is_asked_once_about_each_and_again_after_ten_minutes(
    guests: Guests, slack: Slack, clock: Clock
) -> None:
    await asyncio.gather(*(guests.refusal("U0DANA", "T0") for _ in range(50)))
    assert (slack.calls.count("users.info"), slack.calls.count("auth.test")) == (1, 1)
    slack.kinds["U0DANA"] = {"deleted": True}
    assert await guests.refusal("U0DANA", "T0") == ""
    clock.forward(minutes=11)
    assert "Only colleagues" in await guests.refusal("U0DANA", "T0")


@pytest.mark.parametrize("trouble", [503, "missing_scope", "page"])
async def test_while_slack_does_not_say_nobody_may_and_then_they_may_again(
    guests: Guests, slack: Slack, trouble: Any
) -> None:
    slack.trouble["users.info"] = [trouble]
    assert await guests.refusal("U0DANA", "T0") != ""
    assert await guests.refusal("U0DANA", "T0") == ""


async def test_it_is_asked_again_when_the_form_is_sent(clock: Clock) -> None:
    async with a_room(by_http, clock) as room:
        form = await room.press("Acknowledge", "U0LEE", room.card())
        room.slack.kinds["U0LEE"] = {"is_restricted": True}
        clock.forward(minutes=11)
        refused = await room.fill(form, "U0LEE")
        assert "Guests may not" in str(refused["view"])
        body = submission(form, "U0DANA", "V77", {})
        foreign = {**body, "user": {**body["user"], "team_id": "T0OTHER"}}
        assert "Only colleagues" in str(await room.send(foreign))
        assert (await room.desk.case(1)).status == "open"


async def test_nobody_else_sees_home_or_uses_a_command(clock: Clock) -> None:
    async with a_room(by_http, clock) as room:
        room.slack.kinds["U0LEE"] = {"is_restricted": True}
        assert "Guests may not" in str(await room.home("U0LEE"))
        assert "Guests may not" in (await room.command("/mentions", "charger", "U0LEE"))["text"]
        await room.send({**room.typed("/mentions", "charger", "U0DANA"), "team_id": "T0OTHER"})
        assert "Only colleagues" in (await room.answered())["text"]
        await room.send(room.typed("/cases", "raise", "U0LEE"))
        await eventually(lambda: room.slack.answers)
        assert room.slack.views == []


def test_whose_turn_it_is_is_read_anew_with_each_press(clock: Clock) -> None:
    first = settings(Slack(), "socket")
    later = replace(first, policies={"care": {"P1": policy(priority="P1", report=timedelta(hours=9))}})
    now = [first]
    office = make(lambda: now[0], MemoryLedger(), clock)  # type: ignore[arg-type]
    assert office.scales.policies["Acme Air"] is first.policies["care"]
    now[0] = later  # calendars were read again
    assert office.settings is later and office.scales.policies["Acme Air"] is later.policies["care"]
