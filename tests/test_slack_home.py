"""The Home tab: everything that waits for one person, drawn again after they did something."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from blockkit import check_home
from builders import NOW, batch, complaint
from conftest import Clock
from slackroom import Room, a_room, by_http, by_socket, eventually
from test_slack_blocks import agreed

from escalation.slack.home import Home, Numbers, Waiting, page


@pytest.fixture(params=[by_http, by_socket], ids=["http", "socket"])
async def room(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[Room]:
    async with a_room(request.param, clock) as made:
        yield made


def texts(view: dict[str, object]) -> str:
    return json.dumps(view, ensure_ascii=False)


async def test_it_is_drawn_when_it_is_opened_and_again_after_a_press(room: Room) -> None:
    view = await room.home("U0DANA")
    assert "Due today (1)" in texts(view) and "case 1" in texts(view) and "On duty now" in texts(view)
    await room.fill(await room.press("Acknowledge", "U0DANA", room.card()), "U0DANA", what="call")
    await eventually(lambda: "Acknowledged, Dana Fox" in texts(room.slack.homes["U0DANA"]))


async def test_an_overdue_case_is_first_and_what_nobody_has_is_there(room: Room, clock: Clock) -> None:
    clock.forward(minutes=6)
    assert "Overdue (1)" in texts(await room.home("U0DANA"))
    assert "Nobody has acknowledged (1)" in texts(await room.home("U0LEE"))


async def test_what_is_offered_to_me_is_on_my_page(room: Room) -> None:
    await room.fill(await room.press("Acknowledge", "U0DANA", room.card()), "U0DANA")
    await room.deliver()
    await room.fill(await room.press("Hand over", "U0DANA", room.card()), "U0DANA", to="Lee Park")
    assert "Offered to you (1)" in texts(await room.home("U0LEE"))
    assert "Offered to you" not in texts(await room.home("U0DANA"))


async def test_away_until_and_back(room: Room, clock: Clock) -> None:
    form = await room.press("I'm away until…", "U0DANA", await room.home("U0DANA"))
    assert "in the future" in (await room.fill(form, "U0DANA", due="1000000000"))["errors"]["due"]
    until = clock() + timedelta(days=2)
    assert await room.fill(form, "U0DANA", due=str(int(until.timestamp()))) is None
    assert await room.store.away(clock()) == {"Dana Fox"}
    await eventually(lambda: "You are away until" in texts(room.slack.homes["U0DANA"]))
    assert "Lee Park" in (await room.command("/oncall", ""))["text"]
    await room.press_home("I'm back", "U0DANA")
    await eventually(lambda: "You are away" not in texts(room.slack.homes["U0DANA"]))
    assert await room.store.away(clock()) == frozenset()


async def test_a_lead_sees_the_team_and_others_do_not(room: Room) -> None:
    assert "Your team" in texts(await room.home("U0SAM"))
    assert "Your team" not in texts(await room.home("U0DANA"))


async def test_who_is_not_in_people_toml_sees_nothing_of_it(room: Room) -> None:
    view = await room.home("U0NOBODY")
    assert "not in people.toml" in texts(view) and "case 1" not in texts(view)


async def test_the_numbers_are_counted(room: Room, clock: Clock) -> None:
    await room.fill(await room.press("Acknowledge", "U0DANA", room.card()), "U0DANA", what="call")
    await room.deliver()
    clock.forward(minutes=30)
    report = {"outcome": "solved", "done": "called", "remedy": "80 EUR", "evidence": "t 1"}
    await room.fill(await room.press("Report back", "U0DANA", room.card()), "U0DANA", **report)
    assert "1 kept, 0 moved, 0 missed; 1 open" in texts(await room.home("U0DANA"))


async def test_raising_begins_here_too(room: Room) -> None:
    form = await room.press("Raise a case", "U0LEE", await room.home("U0LEE"))
    assert form["callback_id"] == "case_raise"


async def test_a_page_that_slack_does_not_take_is_no_trouble(room: Room) -> None:
    room.slack.trouble["views.publish"] = ["internal_error"]
    await room.store.keep(batch(complaint("p2")))
    assert "case 2" in texts(await room.home("U0DANA", again=True))


LINE = Waiting(
    id=12, about="Acme Air: Smoke at row 14", priority="P1", owner="Dana Fox", state="New", due=NOW + timedelta(hours=1)
)


def test_a_page_as_agreed() -> None:
    home = Home(
        name="Dana Fox",
        overdue=[LINE],
        offered=[replace(LINE, id=13, owner="Lee Park", state="Acknowledged")],
        unclaimed=[replace(LINE, id=14, due=None)],
        on_duty={"Acme Air": "Dana Fox, on duty, place 1 on the ladder"},
        away=NOW + timedelta(days=1),
        numbers=Numbers(kept=3, moved=1, missed=1, open=2),
        team={"Lee Park": Numbers(kept=5)},
    )
    view = page(home, NOW)
    check_home(view)
    agreed("home", view)


def test_a_thousand_cases_fit_on_a_page_that_says_how_many_more() -> None:
    many = [LINE] * 1_000
    crowd = {f"Brand {number}": "Dana Fox" * 30 for number in range(500)}
    home = Home(
        name="x",
        overdue=many,
        today=many,
        mine=many,
        offered=many,
        unclaimed=many,
        on_duty=crowd,
        team={"a": Numbers()},
    )
    view = page(home, NOW)
    check_home(view)
    assert texts(view).count("and 986 more") == 5 and "Your team" in texts(view) and "and 489 more" in texts(view)


def test_nothing_waits() -> None:
    view = page(Home(name="Dana Fox"), NOW)
    check_home(view)
    assert "Nothing waits for you" in texts(view)
