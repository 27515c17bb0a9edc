"""Who would be told if it came then, and who next: what the window says is what happens."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from blockkit import check_view
from builders import NOW, opened, policy
from conftest import Clock
from slackroom import Room, a_room, buttons, by_http, by_socket, click, eventually
from test_slack_blocks import agreed

from escalation.case import evolve
from escalation.clock import overdue
from escalation.events import Escalated
from escalation.policy import Policy
from listener.ladders import Ladder, climb
from listener.slack.who import Asked, window

THEN = "Who would be told, and then?"


@pytest.fixture(params=[by_http, by_socket], ids=["http", "socket"])
async def room(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[Room]:
    async with a_room(request.param, clock) as made:
        yield made


async def chosen(room: Room, name: str, **state: Any) -> dict[str, Any]:
    """The window after something was chosen in it; Slack tells the state of all its lists with each choice."""
    before = room.slack.calls.count("views.update")
    body = click({"type": "static_select", "action_id": name}, "U0DANA", {"type": "modal"}, f"{before}.5")
    body["view"] |= {"id": "V1", "state": {"values": {"who": state}}}
    await room.send(body)
    await eventually(lambda: room.slack.calls.count("views.update") > before)
    return room.slack.views[0]


def option(value: str) -> dict[str, Any]:
    return {"type": "static_select", "selected_option": {"value": value}}


async def test_oncall_leads_to_it_and_a_choice_redraws_it_in_place(room: Room) -> None:
    answer = await room.command("/oncall", "")
    assert [one["text"]["text"] for one in buttons(answer)] == [THEN]
    view = await room.press(THEN, "U0DANA", {**answer, "channel": "C0CARE", "ts": "1.1"})
    assert "Acme Air, P1" in str(view) and "Dana Fox" in str(view)
    both = {"who_brand": option("Acme Air"), "who_priority": option("P2")}
    assert "Acme Air, P2" in str(await chosen(room, "who_priority", **both))
    then = {"type": "datetimepicker", "selected_date_time": int(NOW.timestamp()) + 86_400}
    later = await chosen(room, "who_at", **both, who_at=then)
    assert str(then["selected_date_time"]) in str(later) and len(room.slack.views) == 1
    nobody = await chosen(room, "who_priority", who_brand=option("Acme Air"), who_priority=option("P3"))
    assert "Nobody is told of a P3 of Acme Air" in str(nobody)


async def test_the_home_tab_leads_to_it_and_who_is_away_is_passed_over(room: Room, clock: Clock) -> None:
    await room.store.set_away("Dana Fox", clock() + timedelta(days=1))
    view = await room.press(THEN, "U0LEE", await room.home("U0LEE"))
    assert "Not asked then: Dana Fox is away" in str(view)
    [first, *_] = [block["fields"] for block in view["blocks"] if "fields" in block]
    assert first[1]["text"].startswith("Lee Park\non duty, place 2")


async def test_a_stranger_does_not_see_who_is_on_the_ladder(room: Room) -> None:
    button = {"type": "button", "action_id": "who_open", "value": "Acme Air", "text": {"text": THEN}}
    await room.press_at(button, "U0NOBODY", {"channel": "C0CARE", "ts": "1.1"})
    assert "not in people.toml" in room.slack.whispers[-1]["text"] and room.slack.views == []


async def test_a_window_that_was_closed_meanwhile_is_no_trouble(room: Room) -> None:
    room.slack.trouble["views.update"] = ["not_found"]
    await room.press(THEN, "U0DANA", await room.home("U0DANA"))
    await chosen(room, "who_brand", who_brand=option("Acme Air"))
    assert room.slack.whispers == []


@pytest.mark.parametrize("away", [(), ("Dana Fox",), ("Dana Fox", "Lee Park"), ("Dana Fox", "Lee Park", "Sam Ortiz")])
def test_what_it_says_is_what_happens(away: tuple[str, ...]) -> None:
    said = list(climb(policy(), NOW, away))
    (at, told), *then = said
    case = replace(opened(), owner=told.name, rung=told.rung, clock=at + policy().acknowledge)
    assert at == NOW and len(then) <= 2
    for moment, who in then:
        assert case.clock == moment
        [event] = overdue(case, moment, away)
        assert isinstance(event, Escalated) and (event.to, event.why) == (who.name, who.why)
        case = evolve(case, event)
    assert said[-1][1].rung == 2, "the last of the ladder hears of it in the end"


def ladder(of: Policy, **more: Any) -> Ladder:
    steps = tuple(climb(of, NOW, ()))
    shown = {"brand": "Acme Air", "priority": "P1", "route": "", "told": "Dana Fox", "why": "on duty", "steps": ()}
    return Ladder(**shown, climb=steps, unattended=False, acknowledge=of.acknowledge, report=of.report, **more)


def test_the_window_as_agreed() -> None:
    of = Asked(brand="Acme Air", priority="P1", at=NOW)
    plain = ladder(policy())
    view = window(of, ["Acme Air", "Bolt"], [plain, replace(plain, route="German speakers", unattended=True)])
    check_view(view)
    agreed("form_who", view)


def test_the_longest_ladders_and_names_fit() -> None:
    name = "<!channel>\u202e" * 60
    [(at, told)] = list(climb(policy(), NOW, ()))[:1]
    long = replace(ladder(policy()), brand=name, route=name, climb=((at, replace(told, name=name, why=name)),) * 50)
    brands = [f"{name[:140]}{number}" for number in range(300)]
    check_view(window(Asked(brand=brands[250], priority="P1", at=NOW), brands, [long] * 40))
