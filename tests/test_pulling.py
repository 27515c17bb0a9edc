"""Executives hear at once, and once, when a P1 breaks its promise or an incident begins; and can be pulled in."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from builders import NOW, batch, complaint
from conftest import Clock
from deskworld import DeskWorld, filled, opened
from letterbox import Mailbox, serving
from test_reading import settings

from escalation.commands import Acknowledge
from escalation.desk import Desk
from escalation.notices import Kind
from listener import pulling
from listener.settings import Settings
from listener.settings.model import Member
from listener.storage.contract import Store

HOUR = timedelta(hours=1)


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with serving() as box:
        yield box


@pytest.fixture
def house(tmp_path: Path, mailbox: Mailbox) -> Settings:
    url = f"smtp+plain://127.0.0.1:{mailbox.port}"
    made = settings(tmp_path / "config", 'who = "Lee Park"', SMTP_URL=url, SMTP_FROM="post@example.com")
    sam = replace(made.members["Sam Ortiz"], email="sam@example.com")
    return replace(made, members={**made.members, "Sam Ortiz": sam})


async def briefs(store: Store, to: str = "Sam Ortiz") -> list[str]:
    owed = await store.claim(NOW + timedelta(days=9), 500, HOUR)
    mine = [one.notice for one in owed if one.notice.kind is Kind.DIRECT and one.notice.to == to]
    return [notice.text for notice in mine if "For your eyes," in notice.text or "asks you to look" in notice.text]


async def test_a_p1_that_breaks_its_promise_is_brought_before_executives_once(
    store: Store, house: Settings, mailbox: Mailbox
) -> None:
    await store.keep(batch(complaint()))
    desk = Desk(store)
    await desk.handle(1, Acknowledge(by="Dana Fox", what="call her at four", due=NOW + HOUR), NOW)
    assert await pulling.told(store, house, NOW + HOUR) == 0
    await desk.look(NOW + HOUR)
    assert [await pulling.told(store, house, NOW + HOUR) for _ in range(2)] == [1, 0]
    [text] = await briefs(store)
    assert "a P1 has broken its promise" in text and "call her at four" in text and "Dana Fox has it" in text
    assert text.endswith("https://care.example.com/cases/1/brief")
    [letter] = mailbox.letters
    assert letter["To"] == "sam@example.com" and "charger" not in letter.as_string()


async def test_what_is_less_urgent_or_kept_is_left_to_the_digest(store: Store, house: Settings) -> None:
    await store.keep(batch(complaint()))
    await Desk(store).handle(1, Acknowledge(by="Dana Fox", due=NOW + HOUR), NOW)
    [row] = [row async for row in store.cases()]
    assert pulling.why(row) == ""
    assert pulling.why(replace(row, missed=True)) and not pulling.why(replace(row, missed=True, priority="P2"))
    assert not pulling.why(replace(row, missed=True, within=7)) and pulling.why(replace(row, incident=True))
    nobody = replace(house, members={"Dana Fox": Member()})
    assert await pulling.told(store, nobody, NOW) == 0


@pytest.fixture
async def world(store: Store, house: Settings, clock: Clock) -> AsyncIterator[DeskWorld]:
    await filled(store, clock())
    async with opened(store, house, clock) as here:
        yield here


async def test_one_button_pulls_an_executive_in_with_the_brief(world: DeskWorld, mailbox: Mailbox) -> None:
    async with await world.browser("Dana Fox") as dana, await world.browser("Sam Ortiz") as sam:
        page = (await dana.get("/cases/1/brief")).text
        assert "call her at four" in page and "Sam Ortiz" in page and "Pia Roth" not in page
        assert "Brought before" in (await dana.send("/cases/1/pull", to="Sam Ortiz")).text
        assert (await dana.send("/cases/1/pull", to="Pia Roth")).status == 422
        assert "Send them the brief" not in (await sam.get("/cases/1/brief")).text
    [text] = await briefs(world.store)
    assert text.startswith("Dana Fox asks you to look at this.")
    assert len(mailbox.letters) == 1
