"""A notice is delivered at least once and shown at most once, whatever Slack does in between."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from builders import DANA, LEE, NOW, SAM, batch, complaint
from conftest import Clock
from slackserver import TOKEN, Slack

from escalation.case import replay
from escalation.commands import Acknowledge
from escalation.courier import Courier
from escalation.desk import Desk
from escalation.notices import HOUSE, Kind, Notice
from escalation.policy import Person
from escalation.slack.calls import only
from escalation.slack.messenger import SlackMessenger
from listener.settings import Secret
from listener.settings import Slack as SlackSettings
from listener.slack import client
from listener.storage.contract import Store

PEOPLE = {person.name: person for person in (DANA, LEE, SAM)}


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with Slack() as running:
        yield running


def courier(
    store: Store, slack: Slack, clock: Clock, people: dict[str, Person] = PEOPLE, channel: str = "C0CARE"
) -> Courier:
    api = client(SlackSettings(api_url=slack.api_url, bot_token=Secret(TOKEN)))
    return Courier(store, SlackMessenger(only(api), {"": channel}, people, clock))


async def test_a_new_case_is_one_card_and_one_message_to_its_owner(store: Store, slack: Slack, clock: Clock) -> None:
    await store.keep(batch(complaint()))
    assert await courier(store, slack, clock).deliver(clock()) == 2
    [card] = slack.cards()
    assert card["channel"] == "C0CARE" and "possible complaint: Acme Air" in card["text"] and "Dana Fox" in card["text"]
    [direct] = slack.direct("U0DANA")
    assert "Acknowledge by" in direct["text"]
    assert (card["unfurl_links"], card["unfurl_media"]) == (False, False)


async def test_the_card_is_redrawn_and_the_thread_hangs_below_it(store: Store, slack: Slack, clock: Clock) -> None:
    await store.keep(batch(complaint()))
    deliver = courier(store, slack, clock).deliver
    await deliver(clock())
    await Desk(store).handle(1, Acknowledge(by="Dana Fox", what="call her"), clock())
    await deliver(clock())
    [card] = slack.cards()
    assert "acknowledged" in card["text"] and slack.updates == 1, "two changes, one redrawing"
    lines = [m for m in slack.messages if m.get("thread_ts") == card["ts"]]
    assert [line["text"].split(",")[0] for line in lines] == ["Dana Fox has it.", "Dana Fox promises: call her"]
    assert len(slack.direct("U0DANA")) == 1, "nobody is pinged about their own act"


@pytest.mark.parametrize("method", ["chat.postMessage", "conversations.open"])
@pytest.mark.parametrize("trouble", [429, 503, "internal_error", "hang up after"])
async def test_trouble_delays_a_notice_and_never_doubles_it(
    store: Store, slack: Slack, clock: Clock, method: str, trouble: object
) -> None:
    slack.trouble[method] = [trouble]
    await store.keep(batch(complaint()))
    deliver = courier(store, slack, clock).deliver
    await deliver(clock())
    for _ in range(4):
        clock.forward(minutes=2)
        await deliver(clock())
    assert sorted(slack.keys()) == ["1/1/direct/Dana Fox", "1/card"]
    assert (await store.balance()).owed == 0


async def test_what_is_erased_is_gone_from_messages_already_sent(store: Store, slack: Slack, clock: Clock) -> None:
    await store.keep(batch(complaint(text="the zeppelin charger burned me")))
    deliver = courier(store, slack, clock).deliver
    await deliver(clock())
    assert "zeppelin" in str(slack.messages)
    clock.forward(minutes=16)
    await store.erase("blog", ("p1",), clock())
    before = len(slack.messages)
    await deliver(clock())
    assert "zeppelin" not in str(slack.messages) and "marta" not in str(slack.messages).casefold()
    assert len(slack.messages) == before + 1, "one line that it is gone; the others were changed where they stand"
    assert (await store.balance()).owed == 0


async def test_a_message_that_can_no_longer_be_changed_is_taken_away(store: Store, slack: Slack, clock: Clock) -> None:
    await store.keep(batch(complaint(text="the zeppelin charger burned me")))
    deliver = courier(store, slack, clock).deliver
    await deliver(clock())
    await store.erase("blog", ("p1",), clock())
    slack.trouble["chat.update"] = ["edit_window_closed"]
    await deliver(clock())
    assert "zeppelin" not in str(slack.messages)


async def test_a_message_sent_just_before_a_crash_is_found_and_not_sent_again(
    store: Store, slack: Slack, clock: Clock
) -> None:
    await store.keep(batch(complaint()))
    claimed = await store.claim(clock(), 10, timedelta(seconds=60))
    messenger = courier(store, slack, clock).messenger
    case = replay(await store.timeline(1))
    for owed in claimed:  # sent, and then the process dies before it can say so
        await messenger.send(owed.notice, case, "", clock())
    async with store.engine():
        await courier(store, slack, clock).deliver(clock())
    assert sorted(slack.keys()) == ["1/1/direct/Dana Fox", "1/card"]


async def test_a_thread_line_sent_just_before_a_crash_is_found(store: Store, slack: Slack, clock: Clock) -> None:
    await store.keep(batch(complaint()))
    deliver = courier(store, slack, clock).deliver
    await deliver(clock())
    await Desk(store).handle(1, Acknowledge(by="Dana Fox"), clock())
    claimed = await store.claim(clock(), 10, timedelta(seconds=60))
    messenger, case = courier(store, slack, clock).messenger, replay(await store.timeline(1))
    for owed in claimed:
        if owed.notice.kind is Kind.THREAD:
            await messenger.send(owed.notice, case, owed.ref, clock())
    async with store.engine():
        await deliver(clock())
    assert len(slack.keys()) == len(set(slack.keys())) == 4


async def test_one_notice_that_cannot_arrive_holds_back_no_other(store: Store, slack: Slack, clock: Clock) -> None:
    slack.users.discard("U0DANA")
    await store.keep(batch(complaint("p1"), complaint("p2")))
    await courier(store, slack, clock).deliver(clock())
    assert len(slack.cards()) == 2
    assert (await store.balance()).owed == 2
    slack.users.add("U0DANA")
    clock.forward(minutes=11)
    await courier(store, slack, clock).deliver(clock())
    assert len(slack.direct("U0DANA")) == 2


async def test_a_person_slack_does_not_know_is_named_in_the_channel(store: Store, slack: Slack, clock: Clock) -> None:
    await store.keep(batch(complaint()))
    people = {**PEOPLE, "Dana Fox": replace(DANA, slack="")}
    await courier(store, slack, clock, people).deliver(clock())
    assert [m["channel"] for m in slack.messages] == ["C0CARE", "C0CARE"]


async def test_a_wrong_channel_is_said_with_the_mend_and_heals_by_itself(
    store: Store, slack: Slack, clock: Clock
) -> None:
    await store.keep(batch(complaint()))
    await courier(store, slack, clock, channel="C0GONE").deliver(clock())
    assert slack.cards() == []
    clock.forward(minutes=11)
    await courier(store, slack, clock).deliver(clock())
    assert len(slack.cards()) == 1


async def test_a_card_that_was_deleted_in_slack_is_made_anew(store: Store, slack: Slack, clock: Clock) -> None:
    await store.keep(batch(complaint()))
    deliver = courier(store, slack, clock).deliver
    await deliver(clock())
    slack.messages.clear()
    await Desk(store).handle(1, Acknowledge(by="Dana Fox"), clock())
    await deliver(clock())
    assert len(slack.cards()) == 1


async def test_the_house_speaks_once(store: Store, slack: Slack, clock: Clock) -> None:
    await store.owe(Notice(case=HOUSE, seq=1, kind=Kind.HOUSE, to="blog silent", text='Source "blog" is silent.'), NOW)
    deliver = courier(store, slack, clock).deliver
    assert (await deliver(clock()), await deliver(clock())) == (1, 0)
    assert [m["text"] for m in slack.messages] == ['Source "blog" is silent.']


HOSTILE = [
    "<!channel> look",
    "<@U123> <https://evil.example|your bank>",
    "*bold* _it_ `x`",
    "\u202egnp.exe",
    "a\0b",
    "&lt;!here&gt;",
    "x" * 1_000_000,
    "=cmd()",
    ":rotating_light:" * 50,
    "\ud800",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_what_a_stranger_wrote_is_shown_and_never_acted_on(
    store: Store, slack: Slack, clock: Clock, text: str
) -> None:
    said: dict[str, Any] = {"text": text, "title": text[:3_000], "url": "https://blog.example/<!channel>"}
    await store.keep(batch(complaint(**said)))
    assert await courier(store, slack, clock).deliver(clock()) == 2
    for message in slack.messages:
        assert "<!channel>" not in message["text"] and "<@U" not in message["text"] and "<https" not in message["text"]
        for block in message["blocks"]:
            parts = [*block.get("fields", []), *block.get("elements", []), block.get("text") or {}]
            for part in parts:
                if part.get("type") == "mrkdwn":
                    shown = part["text"]
                    assert "<" not in shown.replace("<!date^", "") and "\u202e" not in shown
