"""/mentions, /cases, /oncall, /digest and the shortcuts: answered for the eyes of who asked."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from blockkit import check_message
from builders import batch, complaint
from conftest import Clock
from slackroom import Room, a_room, buttons, by_http, by_socket, click, eventually, submission

from escalation.slack.charts import pie
from escalation.slack.forms import TELL
from listener.query import parse
from listener.slack.finding import written


@pytest.fixture(params=[by_http, by_socket], ids=["http", "socket"])
async def room(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[Room]:
    async with a_room(request.param, clock) as made:
        yield made


async def test_a_search_is_answered_page_by_page(room: Room) -> None:
    await room.store.keep(batch(*(complaint(f"q{number:02}") for number in range(11))))
    answer = await room.command("/mentions", "charger")
    assert answer["response_type"] == "ephemeral"
    assert "Acme Air: complaint 80 P1" in answer["text"] and len(answer["text"].splitlines()) == 10
    await room.turn("Next page", answer)
    last = await room.answered()
    assert last["replace_original"] and len(last["text"].splitlines()) == 2, "twelve in all"
    assert [each["text"]["text"] for each in buttons(last)][-6:-4] == ["Send as table to this channel", "Save…"]


async def test_what_was_found_is_narrowed_by_one_press(room: Room) -> None:
    answer = await room.command("/mentions", "charger OR zeppelin")
    await room.turn("Praise only", answer)
    assert "Nothing was found for (charger OR zeppelin) verdict:praise" in (await room.answered())["text"]
    await room.turn("Complaints only", answer)
    narrowed = await room.answered()
    labels = [one["text"]["text"] for one in buttons(narrowed)]
    assert "complaint" in narrowed["text"] and "The severe" in labels and "Complaints only" not in labels


async def test_a_hit_opens_its_case(room: Room) -> None:
    answer = await room.command("/mentions", "charger")
    view = await room.press("Case 1", "U0DANA", {**answer, "channel": "C0CARE", "ts": "1.1"})
    assert view["title"]["text"] == "Case 1"


async def test_a_search_is_saved_and_the_channel_hears_of_what_is_new(room: Room, clock: Clock) -> None:
    await room.turn("Save…", await room.command("/mentions", "charger", "U0SAM"), "U0SAM")
    await eventually(lambda: room.slack.views)
    form = room.slack.views[-1]
    assert "a name" in str(await room.fill(form, "U0SAM", name=" ", tell=TELL))
    assert "This channel hears" in str(await room.fill(form, "U0SAM", name="Chargers", tell=TELL))
    [told] = await room.store.subscriptions()
    assert (told.search.query, told.way, told.to, told.by) == ("charger", "channel", "C0CARE", "Sam Ortiz")
    listed = await room.command("/mentions", "saved")
    assert "Chargers: charger" in listed["text"] and "this channel hears" in str(listed["blocks"])
    await room.turn("Search", listed)
    assert "Acme Air: complaint" in (await room.answered())["text"]
    await room.turn("Stop telling this channel", listed, "U0SAM")
    left = await room.answered()
    assert "Chargers" in left["text"] and await room.store.subscriptions() == ()
    await room.turn("Forget it", left, "U0SAM")
    assert "No search is saved" in (await room.answered())["text"] and await room.store.searches() == ()


async def test_who_may_not_save_searches_is_told_so(room: Room) -> None:
    await room.turn("Save…", await room.command("/mentions", "charger"))
    await eventually(lambda: room.slack.whispers)
    assert "may not save searches" in room.slack.whispers[-1]["text"] and room.slack.views == []


async def test_a_table_for_the_channel_quotes_nobody(room: Room) -> None:
    answer = await room.command("/mentions", "charger")
    await room.turn("Send as table to this channel", answer)
    await eventually(lambda: "table" in str(room.slack.messages[-1]))
    sent = room.slack.messages[-1]
    assert sent["channel"] == "C0CARE" and "Dana Fox searched for charger: 1 mentions" in sent["text"]
    assert "caught fire" not in json.dumps(sent) and "marta" not in json.dumps(sent).lower()


async def test_a_table_that_cannot_be_sent_says_why(room: Room) -> None:
    answer = await room.command("/mentions", "charger")
    room.slack.trouble["chat.postMessage"] = ["not_in_channel"]
    await room.turn("Send as table to this channel", answer)
    await eventually(lambda: room.slack.whispers)
    assert "/invite" in room.slack.whispers[-1]["text"]


@pytest.mark.parametrize(
    ("query", "said"),
    [("severity>=lots", "column 1"), ("charger AND (", "column"), ("x" * 1_501, "at most 1500")],
)
async def test_a_mistake_is_shown_with_its_column(room: Room, query: str, said: str) -> None:
    assert said in (await room.command("/mentions", query))["text"]


async def test_a_search_as_a_form_shows_its_hits_in_the_window(room: Room) -> None:
    await room.store.keep(batch(*(complaint(f"q{number:02}") for number in range(11))))
    await room.send(room.typed("/mentions", "", "U0DANA"))
    await eventually(lambda: room.slack.views)
    form = room.slack.views[0]
    wrong = submission(form, "U0DANA", "V1", {"words": "charger AND ("})
    assert "column" in (await room.send(wrong))["errors"]["words"]
    sought = {"words": "charger OR zeppelin", "brand": "Acme Air", "verdict": "complaint", "since": "365d"}
    assert "Searching" in str(await room.send(submission(form, "U0DANA", "V1", sought)))
    await eventually(lambda: "Mentions" in str(room.slack.views[0]["title"]))
    window = room.slack.views[0]
    labels = [one["text"]["text"] for one in buttons(window)]
    assert "Next page" in labels and "The severe" in labels and "Save…" not in labels
    [more] = [one for one in buttons(window) if one["text"]["text"] == "Next page"]
    pressed = click(more, "U0DANA", {"type": "modal"}, "9.0")
    pressed["view"]["id"] = "V1"
    await room.send(pressed)
    await eventually(lambda: "Next page" not in str(room.slack.views[0]))
    assert len(room.slack.views) == 1, "changed in place"


async def test_the_home_tab_leads_to_the_search_form(room: Room) -> None:
    form = await room.press("Search…", "U0LEE", await room.home("U0LEE"))
    assert form["callback_id"] == "find_form"


def test_what_is_left_empty_asks_for_everything() -> None:
    assert written({}) == "" and written({"words": "a OR b", "severity": "60"}) == "(a OR b) severity>=60"
    assert parse(written({"brand": 'Ac"me', "verdict": "praise", "since": "7d"}))


async def test_nothing_found_is_said(room: Room) -> None:
    assert "Nothing was found for zeppelin" in (await room.command("/mentions", "zeppelin"))["text"]


async def test_cases_are_mine_and_what_nobody_has(room: Room) -> None:
    await room.store.keep(batch(complaint("p2")))
    assert "case 1" in (await room.command("/cases", ""))["text"]
    assert "case 2" in (await room.command("/cases", "all", "U0SAM"))["text"]
    card = await room.command("/cases", "1")
    assert "Smoke" in card["text"] or "Post p1" in card["text"]
    assert "Acknowledge" in [one["text"]["text"] for one in buttons(card)]
    assert "there is no case 99" in (await room.command("/cases", "99"))["text"]
    assert "/cases raise" in (await room.command("/cases", "please"))["text"]


async def test_who_is_on_now_and_why(room: Room) -> None:
    told = (await room.command("/oncall", ""))["text"]
    assert told == "Acme Air: Dana Fox, on duty, place 1 on the ladder"
    assert "is not a brand" in (await room.command("/oncall", "Nothing Inc"))["text"]


async def test_the_digest_is_blocks_and_the_whole_story_is_text(room: Room) -> None:
    answer = await room.command("/digest", "24h")
    check_message({"text": answer["text"], "blocks": answer["blocks"]})
    assert "1 opened" in answer["text"] and "Cases" in answer["text"]
    assert "/digest 24h" in (await room.command("/digest", "soon"))["text"]


async def test_the_digest_has_charts_where_slack_knows_them_and_goes_without_where_not(room: Room) -> None:
    shown = await room.command("/digest", "24h")
    drawn = [block["chart"]["type"] for block in shown["blocks"] if block["type"] == "data_visualization"]
    assert drawn[0] == "bar" and "complaint" in shown["text"]
    room.slack.old = True
    plain = await room.command("/digest", "24h")
    assert "data_visualization" not in str(plain["blocks"]) and plain["text"] == shown["text"]


def test_of_many_causes_the_largest_are_drawn_and_the_rest_is_one() -> None:
    drawn = pie("About", {f"cause {number}": number for number in range(9)})["chart"]["segments"]
    assert [one["value"] for one in drawn] == [8, 7, 6, 5, 4, 6] and drawn[-1]["label"] == "all others"


async def test_a_stranger_is_told_whom_to_ask(room: Room) -> None:
    for name in ("/mentions", "/cases", "/oncall", "/digest"):
        assert "not in people.toml" in (await room.command(name, "", "U0NOBODY"))["text"]


async def test_a_message_is_escalated_with_its_words_and_link(room: Room, clock: Clock) -> None:
    text = "My <https://blog.example/z|Acme Air> seat &amp; charger burned"
    form = await room.shortcut("U0LEE", {"type": "message", "text": text, "user": "U0SAM", "ts": "5.5"})
    fields = {block["block_id"]: block["element"] for block in form["blocks"] if block["type"] == "input"}
    assert fields["text"]["initial_value"] == "My https://blog.example/z seat & charger burned"
    assert fields["url"]["initial_value"] == "https://blog.example/z"
    told = await room.fill(form, "U0LEE", brand="Acme Air", priority="P2")
    assert "Case 2 is with Dana Fox" in str(told["view"])
    case = await room.desk.case(2)
    assert case.subject.raised_by == "Lee Park" and case.subject.priority <= "P2"
    again = await room.fill(form, "U0LEE", brand="Acme Air", priority="P2")
    assert "raised already" in str(again["view"])


async def test_who_raised_it_hears_the_outcome(room: Room) -> None:
    form = await room.shortcut("U0LEE")
    await room.fill(form, "U0LEE", text="The charger smoked.", brand="Acme Air")
    await room.deliver()
    card = room.slack.cards()[-1]
    await room.fill(await room.press("Acknowledge", "U0DANA", card), "U0DANA", what="call")
    report = {"outcome": "solved", "done": "called", "remedy": "80 EUR", "evidence": "t 1"}
    await room.deliver()
    await room.fill(await room.press("Report back", "U0DANA", room.slack.cards()[-1]), "U0DANA", **report)
    await room.deliver()
    assert "You raised this. Dana Fox reports back, solved: called" in room.slack.direct("U0LEE")[-1]["text"]


async def test_the_form_says_what_is_missing_under_the_field(room: Room) -> None:
    form: dict[str, Any] = await room.shortcut("U0LEE")
    assert "brand" in (await room.fill(form, "U0LEE", text="x"))["errors"]
    refused = await room.fill(form, "U0LEE", text=" ", brand="Acme Air")
    assert "words of the customer" in refused["errors"]["text"]
    said: dict[str, Any] = {"text": "x", "brand": "Acme Air"}
    for url in ("javascript:alert(1)", "http://[broken", "blog.example"):
        assert "https://" in (await room.fill(form, "U0LEE", **said, url=url))["errors"]["url"]
    assert "from the list" in (await room.fill(form, "U0LEE", **said, priority="P9"))["errors"]["priority"]


async def test_raise_from_a_command(room: Room) -> None:
    await room.send(room.typed("/cases", "raise", "U0DANA"))
    await eventually(lambda: room.slack.views)
    assert room.slack.views[-1]["callback_id"] == "case_raise"
