"""Digests and briefs in Slack: with its own charts, with pictures where it has none, and the whole story in words."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from blockkit import check_message
from builders import NOW, batch, complaint, opened
from conftest import Clock
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from PIL import Image
from slackserver import TOKEN, Slack
from test_reading import settings
from test_slack_blocks import agreed
from test_slack_hostile import summary

from escalation.brief import brief
from escalation.courier import Courier
from escalation.slack import charts, pictures
from escalation.slack.calls import connect, only
from escalation.slack.messenger import SlackMessenger
from listener import pulling
from listener import slack as voice
from listener.digest import Promises, discreet
from listener.reading import due, notice, send_due, told_of
from listener.reading import summary as in_one_line
from listener.settings import Settings
from listener.slack import pages
from listener.storage.contract import Store


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with Slack() as running:
        yield running


@pytest.fixture
def house(tmp_path: Path) -> Settings:
    return settings(tmp_path / "config", 'who = ["Lee Park"]\nwhen = "08:00"')


def courier(slack: Slack, store: Store, house: Settings, clock: Clock, **more: Any) -> Courier:
    people, page = {person.name: person for person in house.people}, partial(voice.page, house, store)
    line = connect(TOKEN, slack.api_url)
    return Courier(store, SlackMessenger(only(line), {"": "C0CARE"}, people, clock, spacing=0, page=page, **more))


async def said(slack: Slack, store: Store, house: Settings, clock: Clock, **more: Any) -> dict[str, Any]:
    """The digest of the next morning, as it arrives."""
    await store.keep(batch(complaint()))
    clock.forward(hours=19)
    await send_due(house, store, clock())
    voice = courier(slack, store, house, clock, **more)
    while await voice.deliver(clock()):
        pass
    [message] = [one for one in slack.direct("U0LEE") if "Your digest" in one["text"]]
    return message


def kinds(message: dict[str, Any]) -> list[str]:
    return [block["type"] for block in message["blocks"]]


async def test_a_digest_has_slacks_own_charts_and_quotes_nobody(
    slack: Slack, store: Store, house: Settings, clock: Clock
) -> None:
    message = await said(slack, store, house, clock)
    assert kinds(message).count("data_visualization") == 2 and slack.files == {}
    assert "Cases: 1 opened" in message["text"] and "Acme Air: 1 complaint" in message["text"]
    assert "caught fire" not in str(message) and "marta" not in str(message).lower()
    assert "https://care.example.com/digest?since=" in str(message["blocks"][-1])
    assert slack.calls.count("chat.postMessage") == len(slack.messages), "nothing was refused"


async def test_where_slack_draws_no_charts_pictures_of_them_are_sent(
    slack: Slack, store: Store, house: Settings, clock: Clock
) -> None:
    slack.old = True
    message = await said(slack, store, house, clock)
    shown = [block for block in message["blocks"] if block["type"] == "image"]
    assert "data_visualization" not in kinds(message) and len(shown) == 2
    assert shown[0]["alt_text"] == "What was said, by brand. Acme Air: complaint 1"
    assert {block["slack_file"]["id"] for block in shown} == slack.files.keys()
    for picture in slack.files.values():
        assert Image.open(BytesIO(picture)).format == "PNG"
    assert "Acme Air: 1 complaint" in message["text"]


async def test_who_wants_pictures_has_them_at_once(slack: Slack, store: Store, house: Settings, clock: Clock) -> None:
    message = await said(slack, store, house, clock, charts=False)
    assert "image" in kinds(message) and slack.calls.count("chat.postMessage") == len(slack.messages)


@pytest.mark.parametrize("trouble", ["missing_scope", 503, "page", "hang up"])
async def test_without_pictures_the_words_have_it_all(
    slack: Slack, store: Store, house: Settings, clock: Clock, trouble: object, caplog: pytest.LogCaptureFixture
) -> None:
    slack.old, slack.trouble["files.getUploadURLExternal"] = True, [trouble] * 2
    message = await said(slack, store, house, clock)
    assert not {"image", "data_visualization"} & set(kinds(message)) and "Acme Air: 1 complaint" in message["text"]
    assert "charts go without pictures" in caplog.text


async def test_a_workspace_that_refused_is_asked_again_after_a_day(slack: Slack, clock: Clock) -> None:
    dress, chart = pictures.Dress(connect(TOKEN, slack.api_url), clock), charts.pie("About", {"baggage": 1})
    assert [kinds({"blocks": way}) for way in [way async for way in dress.ways([chart])]] == [
        ["data_visualization"],
        ["image"],
        [],
    ]
    assert len([way async for way in dress.ways([chart])]) == 2
    clock.forward(hours=25)
    assert len([way async for way in dress.ways([chart])]) == 3


async def test_a_command_is_answered_with_pictures_too(slack: Slack, clock: Clock) -> None:
    dress = pictures.Dress(connect(TOKEN, slack.api_url), clock, native=False)
    first = await anext(dress.ways([charts.pie("About", {"baggage": 1})]))
    check_message({"text": "x", "blocks": first})
    assert [block["type"] for block in first] == ["image"]


async def test_a_brief_is_a_page_with_the_way_to_its_case(
    slack: Slack, store: Store, house: Settings, clock: Clock
) -> None:
    await store.keep(batch(complaint()))
    await pulling.pull_in(store, house, 1, "Sam Ortiz", "Lee Park", clock())
    await courier(slack, store, house, clock).deliver(clock())
    [message] = [one for one in slack.direct("U0SAM") if "asks you to look" in one["text"]]
    assert message["blocks"][0]["text"]["text"] == "Lee Park asks you to look at this."
    assert (
        "Post p1" in str(message)
        and "Nothing is promised yet." in str(message["blocks"])
        and "Acme Air, P1, severity" in message["text"]
    )
    buttons = message["blocks"][-1]["elements"]
    assert [button["text"]["text"] for button in buttons] == ["Open the case", "Read it on the desk"]
    await store.erase("blog", ("p1",), clock())
    await courier(slack, store, house, clock).deliver(clock())
    assert "Post p1" not in str(message) and "asks you to look" in message["text"], "deleted there means gone here"


def test_the_digest_of_a_day_and_of_a_week_are_two_even_at_one_minute(tmp_path: Path) -> None:
    house = settings(tmp_path, 'who = ["Sam Ortiz"]\nwhen = ["08:00", "Mon 08:00"]')
    day, week = due(house, NOW)
    made = [notice(house, one, summary("Acme Air")) for one in (day, week)]
    assert made[0].key != made[1].key
    assert [told_of(one) for one in made] == [(day.since, day.due), (week.since, week.due)]
    assert told_of(replace(made[0], says=("a", "b"))) is None, "told with others, it is a line"
    assert told_of(replace(made[0], text="For your eyes")) is None and told_of(replace(made[0], case=1)) is None


def test_a_digest_as_agreed() -> None:
    owed = replace(summary("Acme Air").open[0], owner="Lee Park", status="acknowledged")
    told = replace(
        summary("Acme Air"),
        verdicts={"Acme Air": {"complaint": 13, "praise": 4, "question": 2}, "Bolt": {"complaint": 3, "praise": 6}},
        causes={"baggage": 7, "delay": 4, "refund": 3, "rudeness": 1},
        opened=15,
        closed=12,
        open=(owed, replace(owed, id=2, owner="Dana Fox", priority="P2")),
        open_total=4,
        promises={"Dana Fox": Promises(kept=6, moved=1), "Lee Park": Promises(kept=5, missed=1)},
        to_acknowledge=timedelta(minutes=9),
        to_report=timedelta(hours=5),
        silent=(),
    )
    head = f"Your digest: {in_one_line(told)}."
    message = pages.digest(discreet(told), head, "https://desk.example.com/digest?since=1")
    check_message({"text": message.text, "blocks": list(message.blocks)}, update=True)
    agreed("digest", {"text": message.text, "blocks": list(message.blocks)})


def test_the_brief_of_an_incident_as_agreed() -> None:
    incident = replace(opened(), incident=True, customers=31)
    counts, head = {"P1": 4, "P2": 27}, "For your eyes, an incident has begun."
    message = pages.brief(
        incident, brief(incident, reach=1_200), head, counts, "https://desk.example.com/cases/1/brief"
    )
    check_message({"text": message.text, "blocks": list(message.blocks)}, update=True)
    agreed("brief", {"text": message.text, "blocks": list(message.blocks)})


NAMES = st.text(max_size=30)


@effort(max_examples=25, deadline=None)
@given(st.dictionaries(NAMES, st.dictionaries(NAMES, st.integers(0, 10**9), max_size=8), min_size=1, max_size=22))
def test_any_counts_can_be_drawn_and_told(counts: dict[str, dict[str, int]]) -> None:
    if any(any(each.values()) for each in counts.values()):
        chart = charts.bars("What was said", counts)
        assert Image.open(BytesIO(pictures.draw(chart))).width == pictures.WIDTH
        assert len(charts.told(chart)) <= 2_000
