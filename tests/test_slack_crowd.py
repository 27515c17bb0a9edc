"""Many at once, twice, late and out of order: one owner, one card, calm answers."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import slackroom
from conftest import Clock
from slackroom import Room, a_room, by_socket, click, eventually, submission

from escalation.policy import Person

CROWD = tuple(Person(name=f"Person {number}", slack=f"U{number:04}") for number in range(47))


@pytest.fixture
async def room(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Room]:
    monkeypatch.setattr(slackroom, "PEOPLE", (*slackroom.PEOPLE, *CROWD))
    async with a_room(by_socket, clock) as made:
        made.slack.users |= {person.slack for person in CROWD}
        yield made


async def test_fifty_take_it_at_once_one_has_it_one_card_changes_and_the_others_are_told_calmly(room: Room) -> None:
    everybody = [person.slack for person in slackroom.PEOPLE]
    form = await room.press("Acknowledge", "U0DANA", room.card())
    answers = await asyncio.gather(*(room.fill(form, user) for user in everybody))
    owner = await room.owner()
    told = [json.dumps(answer["view"]["blocks"]) for answer in answers if answer]
    assert len(everybody) == 50 and len(told) == 49
    assert all(f"{owner} already has case 1. Nothing to do." in one for one in told)
    [taken] = [one for one in await room.store.timeline(1) if type(one).__name__ == "Acknowledged"]
    before = room.slack.updates
    await room.deliver()
    cards = room.slack.updates - before
    assert cards <= 2, "the card, and the first owner's message if it was theirs"
    assert taken.by == owner and owner in room.card()["text"]


async def test_a_press_that_slack_repeats_and_one_on_an_old_card_change_nothing(room: Room) -> None:
    old = dict(room.card())
    form = await room.press("Acknowledge", "U0DANA", old)
    sent = submission(form, "U0DANA", "V7", {"what": "call her"})
    assert [await room.send(sent) for _ in range(3)] == [None] * 3, "a replay is heard, and is nothing new"
    await room.deliver()
    events = len(await room.store.timeline(1))
    late = await room.press("Acknowledge", "U0LEE", old)
    assert "Dana Fox already has case 1" in str((await room.fill(late, "U0LEE"))["view"])
    assert len(await room.store.timeline(1)) == events


async def test_presses_that_arrive_out_of_order_are_refused_with_a_word_and_nothing_is_half_done(room: Room) -> None:
    button = {"type": "button", "action_id": "case_report", "value": "1", "text": {"text": "Report back"}}
    await room.press_at(button, "U0DANA", room.card())  # before anybody acknowledged
    form = room.slack.views[-1]
    answer = await room.fill(form, "U0DANA", **slackroom.REPORT)
    assert answer is None or answer["response_action"] in ("errors", "update")
    case = await room.desk.case(1)
    assert (case.status == "reported") is (answer is None), "either it holds, or nothing of it does"


async def test_a_button_of_one_person_repeated_by_a_retry_header_acts_once(room: Room) -> None:
    await room.fill(await room.press("Acknowledge", "U0DANA", room.card()), "U0DANA")
    await room.fill(await room.press("Not a complaint", "U0DANA", await drawn(room)), "U0DANA", reason="a joke")
    card = await drawn(room)
    [undo] = [one for one in slackroom.buttons(card) if one["text"]["text"] == "Undo"]
    body = click(undo, "U0DANA", card, "77.0")
    events = len(await room.store.timeline(1))
    for _ in range(3):
        await room.send(body)
    await eventually(lambda: room.slack.acked)
    assert len(await room.store.timeline(1)) == events + 1


async def drawn(room: Room) -> dict[str, object]:
    await room.deliver()
    return room.card()
