"""The Slack messenger against a strict Slack: what arrives where, and what each trouble becomes."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from builders import DANA, LEE, NOW, SAM, policy, subject
from conftest import Clock
from fakes import MemoryLedger
from slackserver import TOKEN, Slack

from escalation.commands import Acknowledge, Dismiss
from escalation.courier import Courier, Undelivered
from escalation.desk import Desk
from escalation.notices import HOUSE, Kind, Notice
from escalation.slack import calls
from escalation.slack.calls import connect, only
from escalation.slack.messenger import SlackMessenger

PEOPLE = {person.name: person for person in (DANA, LEE, SAM)}
CHANNELS = {"": "C0CARE"}


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with Slack() as running:
        yield running


@pytest.fixture
def ledger() -> MemoryLedger:
    ledger = MemoryLedger()
    ledger.open(subject(), policy(), NOW)
    return ledger


@pytest.fixture
def messenger(slack: Slack, clock: Clock) -> Callable[..., SlackMessenger]:
    def make(**changes: Any) -> SlackMessenger:
        given = {"channels": CHANNELS, "people": PEOPLE, "clock": clock, "spacing": 0.0, **changes}
        return SlackMessenger(only(connect(TOKEN, slack.api_url)), **given)

    return make


Make = Callable[..., SlackMessenger]


async def until_said(courier: Courier, clock: Clock, ledger: MemoryLedger, rounds: int = 6) -> None:
    for _ in range(rounds):
        await courier.deliver(clock())
        clock.forward(minutes=11)
    assert ledger.unsaid() == []


async def test_a_brand_has_its_own_channel_and_the_rest_shares_one(
    slack: Slack, ledger: MemoryLedger, messenger: Make, clock: Clock
) -> None:
    slack.channels |= {"C0AIR"}
    ledger.open(subject(brand="Larkspur", post="blog:p2"), policy(), NOW)
    await Courier(ledger, messenger(channels={"Acme Air": "C0AIR", "": "C0CARE"})).deliver(clock())
    assert {card["channel"] for card in slack.cards()} == {"C0AIR", "C0CARE"}


async def test_a_brand_without_a_channel_waits_and_says_the_mend(
    slack: Slack, ledger: MemoryLedger, messenger: Make, clock: Clock
) -> None:
    await Courier(ledger, messenger(channels={"Larkspur": "C0CARE"})).deliver(clock())
    row = ledger.rows["1/1/card/Acme Air"]
    assert '"Acme Air" = "C…" under [slack.channels]' in row.error
    assert row.next_try == NOW + timedelta(minutes=10), "somebody can mend it; the notice is not lost"
    await until_said(Courier(ledger, messenger()), clock, ledger)


@pytest.mark.parametrize(
    ("error", "mend"),
    [
        ("not_in_channel", "/invite @Listening Post"),
        ("channel_not_found", "listener.toml"),
        ("is_archived", "name another one"),
        ("invalid_auth", "SLACK_BOT_TOKEN"),
        ("missing_scope", "slack-manifest.yaml"),
        ("a_word_of_tomorrow", "listener doctor"),
    ],
)
async def test_what_a_person_must_mend_names_the_mend_and_is_tried_again_later(
    slack: Slack, ledger: MemoryLedger, messenger: Make, clock: Clock, error: str, mend: str
) -> None:
    slack.trouble["chat.postMessage"] = [error, error]
    courier = Courier(ledger, messenger())
    await courier.deliver(clock())
    for row in ledger.rows.values():
        assert error in row.error and mend in row.error
        assert row.next_try == NOW + timedelta(minutes=10)
    await until_said(courier, clock, ledger)
    assert len(slack.messages) == 2


async def test_slack_names_how_long_it_wants_quiet_and_is_not_asked_before(
    slack: Slack, ledger: MemoryLedger, messenger: Make, clock: Clock
) -> None:
    slack.retry_after, slack.trouble["chat.postMessage"] = 90, [429]
    ledger.open(subject(brand="Larkspur", post="blog:p2"), policy(), NOW)
    courier = Courier(ledger, messenger())
    await courier.deliver(clock())
    direct = [row for key, row in ledger.rows.items() if "/direct/" in key]
    assert [row.next_try for row in direct] == [NOW + timedelta(seconds=90)] * 2
    assert slack.calls.count("chat.postMessage") == 1 + 2, "one refused direct message; the cards go elsewhere"
    clock.forward(seconds=91)
    await courier.deliver(clock())
    assert ledger.unsaid() == []


@pytest.mark.parametrize("trouble", [500, 503, "internal_error", "hang up", "hang up after", "page"])
async def test_slacks_own_trouble_is_waited_out_and_nothing_is_said_twice(
    slack: Slack, ledger: MemoryLedger, messenger: Make, clock: Clock, trouble: object
) -> None:
    slack.trouble["chat.postMessage"] = [trouble] * 3
    courier = Courier(ledger, messenger())
    await courier.deliver(clock())
    [*_, row] = ledger.rows.values()
    assert row.next_try and NOW < row.next_try <= NOW + timedelta(seconds=30)
    await until_said(courier, clock, ledger)
    assert sorted(slack.keys()) == ["1/1/direct/Dana Fox", "1/card"]


async def test_an_outage_is_not_sat_out_notice_by_notice(
    slack: Slack, ledger: MemoryLedger, messenger: Make, clock: Clock
) -> None:
    for number in range(20):
        ledger.open(subject(post=f"blog:{number}"), policy(), NOW)
    slack.trouble = {name: ["hang up"] * 99 for name in ("chat.postMessage", "conversations.open")}
    await Courier(ledger, messenger()).deliver(clock())
    assert len(slack.calls) == 2
    assert sum(not row.sent for row in ledger.rows.values()) == 42, "all of them are still owed"


async def test_blocks_that_slack_does_not_take_are_said_in_words(
    slack: Slack, ledger: MemoryLedger, messenger: Make, clock: Clock
) -> None:
    slack.trouble["chat.postMessage"] = [None, "invalid_blocks"]
    await Courier(ledger, messenger()).deliver(clock())
    [card] = slack.cards()
    assert not card["blocks"] and "Dana Fox" in card["text"]


@pytest.mark.parametrize("error", ["edit_window_closed", "message_not_found", "cant_update_message", "block_mismatch"])
async def test_a_card_that_cannot_be_changed_is_made_anew_and_followed(
    slack: Slack, ledger: MemoryLedger, messenger: Make, clock: Clock, error: str
) -> None:
    courier, desk = Courier(ledger, messenger()), Desk(ledger)
    await courier.deliver(clock())
    slack.trouble["chat.update"] = [error]
    await desk.handle(1, Acknowledge(by="Dana Fox"), clock())
    await courier.deliver(clock())
    old, new = slack.cards()
    await desk.handle(1, Dismiss(by="Dana Fox", reason="a joke"), clock())
    await courier.deliver(clock())
    assert len(slack.cards()) == 2
    assert ("New" in str(old["blocks"]), "Dismissed" in str(new["blocks"])) == (True, True)
    line = next(message for message in slack.messages if "a joke" in message["text"])
    assert line["thread_ts"] == new["ts"], "what follows hangs below the new card"


async def test_a_fresh_card_of_a_delivery_that_was_cut_off_is_found(
    slack: Slack, ledger: MemoryLedger, messenger: Make, clock: Clock
) -> None:
    courier, voice, desk = Courier(ledger, messenger()), messenger(), Desk(ledger)
    await courier.deliver(clock())
    old = f"C0CARE:{slack.cards()[0]['ts']}"
    case = await desk.handle(1, Acknowledge(by="Dana Fox"), clock())
    notice = Notice(case=1, seq=3, kind=Kind.CARD, to="Acme Air", text="")
    for _ in range(3):  # each time the process died before it could remember the new card
        slack.trouble["chat.update"] = ["edit_window_closed"]
        await voice.redraw(old, notice, case, clock())
    assert len(slack.cards()) == 2


async def test_a_card_moves_when_its_brand_moves_to_another_channel(
    slack: Slack, ledger: MemoryLedger, messenger: Make, clock: Clock
) -> None:
    await Courier(ledger, messenger()).deliver(clock())
    slack.channels = (slack.channels - {"C0CARE"}) | {"C0NEW"}
    await Desk(ledger).handle(1, Acknowledge(by="Dana Fox"), clock())
    await until_said(Courier(ledger, messenger(channels={"": "C0NEW"})), clock, ledger)
    assert [card["channel"] for card in slack.cards()] == ["C0CARE", "C0NEW"]


async def test_a_case_first_drawn_on_a_terminal_gets_its_card_when_slack_is_connected(
    slack: Slack, ledger: MemoryLedger, messenger: Make, clock: Clock
) -> None:
    for owed in await ledger.claim(clock(), 10, timedelta(seconds=60)):
        await ledger.delivered(owed.notice.key, f"terminal:{owed.notice.key}", clock())
    await Desk(ledger).handle(1, Acknowledge(by="Dana Fox"), clock())
    await until_said(Courier(ledger, messenger()), clock, ledger)
    assert len(slack.cards()) == 1


async def test_an_earlier_delivery_is_found_behind_many_others(slack: Slack, messenger: Make, clock: Clock) -> None:
    voice = messenger()
    first = Notice(case=HOUSE, seq=1, kind=Kind.HOUSE, to="", text="Source one is silent.")
    ref = await voice.send(first, None, "", clock())
    filler = {"channel": "C0CARE", "text": "talk"}
    slack.messages += [{**filler, "ts": f"{1_800_000_000 + number}.000100"} for number in range(450)]
    assert await voice.find(first) == ref
    assert await voice.find(replace(first, seq=2)) == ""


async def test_the_house_speaks_to_every_channel_once_when_none_is_for_all(
    slack: Slack, ledger: MemoryLedger, messenger: Make, clock: Clock
) -> None:
    slack.channels |= {"C0AIR", "C0LARK"}
    voice = messenger(channels={"Acme Air": "C0AIR", "Larkspur": "C0LARK", "Larkspur Home": "C0LARK"})
    notice = Notice(case=HOUSE, seq=1, kind=Kind.HOUSE, to="", text="Source one is silent.")
    slack.trouble["chat.postMessage"] = ["", 503]
    with pytest.raises(Undelivered):
        await voice.send(notice, None, "", clock())
    assert await voice.find(notice) == "", "one channel has not heard it yet"
    await voice.send(notice, None, "", clock())
    assert sorted(message["channel"] for message in slack.messages) == ["C0AIR", "C0LARK"]
    assert await voice.find(notice) != ""


async def test_somebody_without_a_slack_id_is_named_in_the_brands_channel_and_found_there(
    slack: Slack, ledger: MemoryLedger, messenger: Make, clock: Clock
) -> None:
    slack.channels |= {"C0AIR"}
    people = {**PEOPLE, "Dana Fox": replace(DANA, slack="")}
    voice = messenger(people=people, channels={"Acme Air": "C0AIR", "": "C0CARE"})
    slack.trouble["chat.postMessage"] = ["", "hang up after"]
    await until_said(Courier(ledger, voice), clock, ledger)
    [said] = [message for message in slack.messages if not message["metadata"]["event_payload"]["key"].endswith("card")]
    assert said["channel"] == "C0AIR"
    assert said["text"].startswith("For Dana Fox, who has no Slack id in people.toml: You have this one")


async def test_nothing_is_unfurled_and_no_name_is_linked(
    slack: Slack, ledger: MemoryLedger, messenger: Make, clock: Clock
) -> None:
    await Courier(ledger, messenger()).deliver(clock())
    for message in slack.messages:
        assert (message["unfurl_links"], message["unfurl_media"]) == (False, False)
        assert not message.keys() & {"parse", "link_names", "reply_broadcast"}


async def test_the_client_never_sends_a_second_time_by_itself(slack: Slack) -> None:
    slack.trouble["chat.postMessage"] = ["hang up after"] * 2
    with pytest.raises(Exception, match="disconnected"):
        await connect(TOKEN, slack.api_url).chat_postMessage(channel="C0CARE", text="once")
    assert [message["text"] for message in slack.messages] == ["once"]


async def test_a_channel_gets_a_burst_and_then_one_a_second_and_others_do_not_wait_for_it(
    slack: Slack, ledger: MemoryLedger, messenger: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "BURST", 2)
    for number in range(8):
        ledger.open(subject(brand="Larkspur", post=f"blog:{number}"), policy(people=(SAM,)), NOW)
    slow = messenger(channels={"": "C0CARE", "Larkspur": "C0AIR"}, spacing=600.0)
    slack.channels |= {"C0AIR"}
    await Courier(ledger, slow).deliver(clock(), 100)
    assert len(slack.cards()) == 1 + 3, "three of Larkspur, the one of Acme Air is not behind them"
    waiting = [row for row in ledger.rows.values() if not row.sent]
    assert {row.error for row in waiting} == {"the channel takes one message a second"}
    assert {row.attempts for row in waiting} == {0}, "what was not tried need not be looked for"


async def test_a_pause_for_one_method_is_kept_by_all_who_use_it(
    slack: Slack, ledger: MemoryLedger, messenger: Make, clock: Clock
) -> None:
    ledger.open(subject(brand="Larkspur", post="blog:p2"), policy(), NOW)
    courier, desk = Courier(ledger, messenger()), Desk(ledger)
    await courier.deliver(clock())
    slack.retry_after, slack.trouble["chat.update"] = 60, [429]
    for number in (1, 2):
        await desk.handle(number, Acknowledge(by="Dana Fox"), clock())
    await courier.deliver(clock())
    assert slack.calls.count("chat.update") == 1
    clock.forward(seconds=61)
    await courier.deliver(clock())
    assert slack.calls.count("chat.update") == 3 and ledger.unsaid() == []


async def test_what_can_never_arrive_reaches_a_person(
    slack: Slack, ledger: MemoryLedger, messenger: Make, clock: Clock
) -> None:
    slack.users.discard("U0DANA")
    courier = Courier(ledger, messenger())
    for _ in range(8):
        await courier.deliver(clock())
        clock.forward(minutes=11)
    [word] = [m["text"] for m in slack.messages if "cannot be told" in m["text"]]
    assert "Dana Fox cannot be told of case 1" in word and "people.toml" in word
    assert [m["channel"] for m in slack.messages if m["text"] == word] == ["C0CARE"]


async def test_a_card_that_can_never_be_shown_is_told_to_the_owner(
    slack: Slack, ledger: MemoryLedger, messenger: Make, clock: Clock
) -> None:
    slack.channels.clear()
    courier = Courier(ledger, messenger())
    for _ in range(8):
        await courier.deliver(clock())
        clock.forward(minutes=11)
    words = [m["text"] for m in slack.direct("U0DANA") if "cannot be shown" in m["text"]]
    assert len(words) == 1 and "/invite" in words[0]
