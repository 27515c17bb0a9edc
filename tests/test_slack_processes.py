"""Several processes on one Slack: each press reaches one of them, some reach both; each is decided once.

Both have their own connections to the store, their own Bolt app and their own socket, as two hosts have; Slack is one.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import postgresserver
import pytest
import slackroom
from builders import batch, complaint
from conftest import Clock
from slackroom import REPORT, buttons, click, eventually, settings, submission
from slackserver import Slack

from escalation.courier import Courier
from escalation.policy import Person
from escalation.slack.calls import only
from escalation.slack.messenger import SlackMessenger
from listener import slack as voice
from listener.storage.contract import Store
from listener.storage.postgres import PostgresStore
from listener.storage.sqlite import SqliteStore

CROWD = tuple(Person(name=f"Person {number}", slack=f"U{number:04}") for number in range(47))


@dataclass
class Pair:
    slack: Slack
    stores: tuple[Store, Store]
    clock: Clock
    times: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def send(self, payload: dict[str, Any], *to: int) -> list[Any]:
        """To one of the two, in turn; or to these. The same envelope, as Slack repeats it."""
        number = next(self.times)
        places = to or (number % 2,)
        return list(await asyncio.gather(*(self.slack.deliver(payload, f"E{number}.{p}", p) for p in places)))

    async def press(self, label: str, user: str, *to: int) -> dict[str, Any]:
        [card] = self.slack.cards()
        [button] = [button for button in buttons(card) if button["text"]["text"] == label]
        before = len(self.slack.views)
        await self.send(click(button, user, card, f"{next(self.times)}.0"), *to)
        await eventually(lambda: len(self.slack.views) > before)
        return self.slack.views[-1]

    def sent(self, view: dict[str, Any], user: str, **filled: str) -> dict[str, Any]:
        return submission(view, user, f"V{next(self.times)}", filled)

    async def deliver(self) -> None:
        """Both couriers at once, as both processes do."""
        people = {person.name: person for person in slackroom.PEOPLE}
        client = voice.client(settings(self.slack, "socket").slack)
        couriers = [
            Courier(store, SlackMessenger(only(client), {"": "C0CARE"}, people, self.clock, spacing=0))
            for store in self.stores
        ]
        await asyncio.gather(*(courier.deliver(self.clock()) for courier in couriers))

    async def events(self) -> list[str]:
        return [type(event).__name__ for event in await self.stores[0].timeline(1)]


async def _stores(kind: str, directory: Path) -> tuple[Store, Store]:
    if kind == "sqlite":
        file = str(directory / "listener.db")
        return await SqliteStore.open(file), await SqliteStore.open(file)
    url = postgresserver.url()
    return await PostgresStore.open(url), await PostgresStore.open(url)


@pytest.fixture(params=["sqlite", "postgres"])
async def pair(
    request: pytest.FixtureRequest, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Pair]:
    monkeypatch.setattr(slackroom, "PEOPLE", (*slackroom.PEOPLE, *CROWD))
    async with Slack() as slack, AsyncExitStack() as stack:
        slack.users |= {person.slack for person in CROWD}
        stores = await _stores(request.param, tmp_path)
        await stores[0].keep(batch(complaint()))
        for number, store in enumerate(stores, 1):
            stack.push_async_callback(store.aclose)
            await stack.enter_async_context(voice.listening(lambda: settings(slack, "socket"), store, clock))
            await eventually(_open(slack, number))
        made = Pair(slack, stores, clock)
        await made.deliver()
        yield made


def _open(slack: Slack, number: int) -> Callable[[], bool]:
    return lambda: len(slack.sockets) == number


async def test_one_card_is_made_and_each_press_goes_on_where_the_other_process_left_it(pair: Pair) -> None:
    assert len(pair.slack.cards()) == 1 and len(pair.slack.direct("U0DANA")) == 1
    form = await pair.press("Acknowledge", "U0DANA", 0)
    assert await pair.send(pair.sent(form, "U0DANA", what="call her"), 1) == [None]
    await pair.deliver()
    form = await pair.press("Report back", "U0DANA", 1)
    assert await pair.send(pair.sent(form, "U0DANA", **REPORT), 0) == [None]
    updates = pair.slack.updates
    await pair.deliver()
    assert pair.slack.updates > updates and "Reported back" in pair.slack.cards()[0]["blocks"][0]["text"]["text"]
    assert (await pair.events()).count("ReportedBack") == 1


@pytest.mark.parametrize(
    ("label", "filled", "event"),
    [
        ("Acknowledge", {"what": "call her"}, "Acknowledged"),
        ("Note", {"text": "rang twice"}, "Noted"),
        ("Ask for help", {"text": "who speaks Portuguese?"}, "HelpAsked"),
        ("Not a complaint", {"reason": "a joke"}, "Dismissed"),
    ],
)
async def test_what_reaches_both_is_done_once_and_nobody_is_refused_for_it(
    pair: Pair, label: str, filled: dict[str, str], event: str
) -> None:
    if event in ("Noted", "HelpAsked"):
        await pair.send(pair.sent(await pair.press("Acknowledge", "U0DANA"), "U0DANA"))
        await pair.deliver()
    before, opened = len(pair.slack.whispers), len(pair.slack.views)
    form = await pair.press(label, "U0DANA", 0, 1)
    assert len(pair.slack.views) == opened + 1, "Slack opens it once"
    answers = await pair.send(pair.sent(form, "U0DANA", **filled), 0, 1)
    assert [answer for answer in answers if answer] == [] and len(pair.slack.whispers) == before
    assert (await pair.events()).count(event) == 1
    await pair.deliver()
    assert len(pair.slack.cards()) == 1


async def test_a_button_that_acts_at_once_reaches_both_and_acts_once(pair: Pair) -> None:
    await pair.send(pair.sent(await pair.press("Acknowledge", "U0DANA"), "U0DANA"))
    await pair.deliver()
    form = await pair.press("Hand over", "U0DANA")
    await pair.send(pair.sent(form, "U0DANA", to="Lee Park", note="yours"))
    await pair.deliver()
    [offer] = pair.slack.direct("U0LEE")
    [accept] = [button for button in buttons(offer) if button["text"]["text"] == "Accept"]
    await pair.send(click(accept, "U0LEE", offer, "9.0"), 0, 1)
    await asyncio.sleep(0.1)
    assert (await pair.events()).count("HandoverAccepted") == 1 and pair.slack.whispers == []


async def test_fifty_press_at_once_on_two_processes_and_one_has_it(pair: Pair) -> None:
    everybody = [person.slack for person in slackroom.PEOPLE]
    form = await pair.press("Acknowledge", "U0DANA")
    answers = await asyncio.gather(*(pair.send(pair.sent(form, user)) for user in everybody))
    told = [str(answer["view"]["blocks"]) for [answer] in answers if answer]
    assert len(everybody) == 50 and len(told) == 49
    assert all("Nothing to do." in one for one in told)
    assert (await pair.events()).count("Acknowledged") == 1
    before = pair.slack.updates
    await pair.deliver()
    assert pair.slack.updates - before <= 2, "the card, and the first owner's message"


async def test_one_of_the_two_goes_and_the_other_hears_everything(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Slack() as slack:
        stores = await _stores("sqlite", tmp_path)
        await stores[0].keep(batch(complaint()))
        async with voice.listening(lambda: settings(slack, "socket"), stores[0], clock):
            await eventually(_open(slack, 1))
            async with voice.listening(lambda: settings(slack, "socket"), stores[1], clock):
                await eventually(_open(slack, 2))
                pair = Pair(slack, stores, clock)
                await pair.deliver()
                form = await pair.press("Acknowledge", "U0DANA", 1)
            assert await pair.send(pair.sent(form, "U0DANA"), 0) == [None]
        assert "Acknowledged" in await pair.events()
        for store in stores:
            await store.aclose()
