"""The courier itself, without any voice: at least once, shown at most once, and nobody waits for somebody else's trouble."""

from contextlib import suppress
from datetime import timedelta

import pytest
from builders import NOW, policy, subject
from fakes import Died, MemoryLedger, RecordingMessenger
from hypothesis import given
from hypothesis import strategies as st

from escalation.commands import Acknowledge
from escalation.courier import LEASE, Courier, Undelivered
from escalation.desk import Desk

LATER = NOW + timedelta(minutes=1)
CARD, DIRECT = "1/1/card/Acme Air", "1/1/direct/Dana Fox"


def cases(count: int) -> MemoryLedger:
    ledger = MemoryLedger()
    for number in range(count):
        ledger.open(subject(post=f"blog:{number}"), policy(), NOW)
    return ledger


async def test_what_is_delivered_is_not_owed_any_more() -> None:
    ledger, voice = cases(2), RecordingMessenger()
    courier = Courier(ledger, voice)
    assert (await courier.deliver(NOW), await courier.deliver(NOW)) == (4, 0)
    assert voice.told("Dana Fox") and ledger.unsaid() == []


async def test_one_notice_in_trouble_holds_back_no_other() -> None:
    ledger, voice = cases(3), RecordingMessenger()
    voice.refusals = {DIRECT: [Undelivered("no", retry=LATER)], "2/1/card/Acme Air": [Undelivered("no", retry=None)]}
    assert await Courier(ledger, voice).deliver(NOW) == 4
    assert ledger.unsaid() == [DIRECT, "2/1/card/Acme Air"]
    assert await Courier(ledger, voice).deliver(LATER) == 1, "only what can still arrive is tried again"


async def test_many_changes_of_a_card_are_one_redrawing_of_its_newest_state() -> None:
    ledger, voice = cases(1), RecordingMessenger()
    courier = Courier(ledger, voice)
    await courier.deliver(NOW)
    await Desk(ledger).handle(1, Acknowledge(by="Dana Fox", what="call her"), NOW)
    await courier.deliver(NOW)
    [(_, _, shown)] = voice.redrawn
    assert shown.promise and shown.promise.what == "call her"
    assert ledger.unsaid() == []


async def test_a_card_waits_while_somebody_else_may_be_sending_it() -> None:
    ledger, voice = cases(1), RecordingMessenger()
    await ledger.claim(NOW, 10, LEASE)  # another process, which then says nothing for a while
    await Desk(ledger).handle(1, Acknowledge(by="Dana Fox"), NOW)
    await Courier(ledger, voice).deliver(NOW)
    assert "card" not in [notice.kind for _, notice in voice.said]
    await Courier(ledger, voice).deliver(NOW + LEASE)
    assert [notice.kind for _, notice in voice.said].count("card") == 1


@pytest.mark.parametrize("moment", [CARD, DIRECT])
async def test_a_death_between_saying_and_noting_is_not_said_twice(moment: str) -> None:
    ledger, voice = cases(1), RecordingMessenger(deaths={moment})
    with pytest.raises(Died):
        await Courier(ledger, voice).deliver(NOW)
    await Courier(ledger, voice).deliver(NOW + LEASE)
    assert sorted(notice.key for _, notice in voice.said) == [CARD, DIRECT]
    assert ledger.unsaid() == []


@given(st.lists(st.sampled_from(["dies", "refuses", "works"]), max_size=12))
async def test_whatever_happens_everything_is_said_once_in_the_end(fates: list[str]) -> None:
    ledger, voice, now = cases(2), RecordingMessenger(), NOW
    for fate in fates:
        owed = ledger.unsaid()
        if fate == "dies" and owed:
            voice.deaths = {owed[-1]}
        if fate == "refuses" and owed:
            voice.refusals = {owed[0]: [Undelivered("no", retry=now + LEASE)]}
        with suppress(Died):
            await Courier(ledger, voice).deliver(now)
        now += LEASE
    voice.deaths, voice.refusals = set(), {}
    await Courier(ledger, voice).deliver(now)
    assert ledger.unsaid() == []
    keys = [notice.key for _, notice in voice.said]
    assert len(keys) == len(set(keys)) == 4
