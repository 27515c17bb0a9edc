"""The menu of a card, the report form with the guard in it, drafts, and what is known of the author."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, batch, complaint, mention, post
from conftest import Clock
from slackroom import DESK, REPORT, Room, a_room, buttons, by_http, eventually, submission

from connectors.post import Author, Reach
from escalation.commands import Acknowledge
from escalation.events import Noted, Opened
from listener.background import lookup
from listener.settings.model import Role
from listener.storage.contract import Heard
from listener.web.access import ALLOWED, Act

DAY = timedelta(days=1)


@pytest.fixture
async def room(clock: Clock) -> AsyncIterator[Room]:
    async with a_room(by_http, clock) as made:
        yield made


async def taken(room: Room) -> None:
    await room.fill(await room.press("Acknowledge", "U0DANA", room.card()), "U0DANA")
    await room.deliver()


async def test_a_note_is_kept_in_the_thread_and_pings_nobody(room: Room) -> None:
    form = await room.press("Note", "U0LEE", room.card())
    assert await room.fill(form, "U0LEE", text="rang twice, no answer") is None
    await room.deliver()
    assert isinstance((await room.store.timeline(1))[-1], Noted)
    assert room.slack.messages[-1]["text"] == "Lee Park notes: rang twice, no answer"
    assert room.slack.direct("U0LEE") == [] and len(room.slack.direct("U0DANA")) == 1


async def test_remind_me_later_moves_no_deadline(room: Room, clock: Clock) -> None:
    await taken(room)
    before = (await room.desk.case(1)).clock
    form = await room.press("Remind me later", "U0DANA", room.card())
    offered = [one["text"]["text"] for one in form["blocks"][1]["element"]["options"]]
    assert offered == ["30 minutes"], "two hours and tomorrow are after the deadline"
    late = str(int(clock().timestamp()) + 9 * 3_600)
    assert "before that time" in (await room.fill(form, "U0DANA", due=late))["errors"]["due"]
    half = form["blocks"][1]["element"]["options"][0]["value"]
    assert await room.fill(form, "U0DANA", until=half) is None
    assert (await room.desk.case(1)).clock == before


async def test_help_is_asked_of_the_next_one_up(room: Room) -> None:
    await taken(room)
    form = await room.press("Ask for help", "U0DANA", room.card())
    assert await room.fill(form, "U0DANA", text="may I offer a hotel?") is None
    await room.deliver()
    assert "Dana Fox asks you for help: may I offer a hotel?" in room.slack.direct("U0LEE")[-1]["text"]


async def test_a_case_is_joined_to_another_of_its_brand(room: Room) -> None:
    await room.store.keep(batch(complaint("p2")))
    await room.deliver()
    form = await room.press("Join to another case", "U0LEE", room.slack.cards()[0])
    assert [one["value"] for one in form["blocks"][1]["element"]["options"]] == ["2"]
    assert await room.fill(form, "U0LEE", into="2") is None
    assert (await room.desk.case(1)).status.ended and len((await room.desk.case(2)).posts) == 2


async def test_without_another_case_there_is_nothing_to_join(room: Room) -> None:
    view = await room.press("Join to another case", "U0LEE", room.card())
    assert "no other open case" in str(view)


async def test_a_post_that_joined_wrongly_is_split_off_with_one_press(room: Room) -> None:
    await room.store.keep(batch(complaint("p2")))
    await room.store.merge(1, 2, "Dana Fox", NOW)
    await room.deliver()
    [card] = [one for one in room.slack.cards() if "case 2" in str(one["blocks"])]
    form = await room.press("Split off a post", "U0LEE", card)
    [post] = [one["value"] for one in form["blocks"][1]["element"]["options"]]
    answer = await room.fill(form, "U0LEE", post=post)
    assert "It is case 1 now" in str(answer["view"]["blocks"])
    assert len((await room.desk.case(2)).posts) == 1 and not (await room.desk.case(1)).status.ended
    assert await room.fill(form, "U0LEE", post=post), "the same again is refused with a word"


async def test_an_executive_is_pulled_in_with_a_brief_that_is_read_first(room: Room) -> None:
    await taken(room)
    form = await room.press("Pull in an executive", "U0DANA", room.card())
    told = str(form["blocks"])
    assert "Acme Air" in told and "Dana Fox has it" in told and "Promised: " in told and "Report back by" in told
    assert await room.fill(form, "U0DANA", to="Sam Ortiz") is None
    await room.deliver()
    [brief] = [one for one in room.slack.direct("U0SAM") if "asks you to look at this" in one["text"]]
    assert f"{DESK}/cases/1/brief" in brief["text"] and "Dana Fox has it" in brief["text"]
    assert await room.fill(form, "U0DANA", to="Lee Park") == {
        "response_action": "errors",
        "errors": {"to": "choose somebody from the list"},
    }


async def test_that_we_have_answered_is_said_with_one_press(room: Room) -> None:
    form = await room.press("We have answered in public", "U0DANA", room.card())
    assert await room.fill(form, "U0DANA", url="https://x.example/1") is None
    await room.deliver()
    assert fact(room.card(), "Answered in public")
    assert "We have answered in public" not in str(room.card()["blocks"])


async def test_roles_are_respected_at_the_press_and_at_the_form(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_room(by_http, clock) as room:
        form = await room.press("Note", "U0SAM", room.card())
        monkeypatch.setitem(ALLOWED, Act.WORK, frozenset({Role.AGENT}))
        refused = await room.fill(form, "U0SAM", text="by the way")
        assert "Your role (executive, lead) may not work on cases" in str(refused["view"])
        await room.press("Acknowledge", "U0SAM", room.card())
        assert "may not work on cases" in room.slack.whispers[-1]["text"] and room.state().startswith("🔴")
        assert await room.home("U0SAM") and (await room.command("/cases", "1", "U0SAM"))["blocks"], "but may look"


def fact(card: dict[str, Any], name: str) -> bool:
    return any(f"*{name}*" in str(block.get("fields")) for block in card["blocks"])


async def test_a_dismissal_is_undone_within_a_day(room: Room, clock: Clock) -> None:
    await room.fill(await room.press("Not a complaint", "U0LEE", room.card()), "U0LEE", reason="a joke")
    await room.deliver()
    clock.forward(hours=2)
    await room.press("Undo", "U0LEE", room.card())
    await room.deliver()
    assert "Dismissed" not in room.state() and (await room.desk.case(1)).status == "open"


async def test_after_a_day_the_old_button_says_what_to_do(room: Room, clock: Clock) -> None:
    await room.fill(await room.press("Not a complaint", "U0LEE", room.card()), "U0LEE", reason="a joke")
    await room.deliver()
    clock.forward(days=2)
    await room.press("Undo", "U0LEE", room.card())
    await eventually(lambda: room.slack.whispers)
    assert "reopen it" in room.slack.whispers[-1]["text"]


async def test_a_report_says_where_what_it_cost_and_why_it_happened(room: Room, clock: Clock) -> None:
    await taken(room)
    form = await room.press("Report back", "U0DANA", room.card())
    more = {"contacted": "by phone", "gave": "refund 80 EUR", "root_cause": "battery"}
    later = str(int(clock().timestamp()) + 3 * 86_400)
    assert "no compensation" in (await room.fill(form, "U0DANA", **{**REPORT, "gave": "80"}))["errors"]["gave"]
    assert await room.fill(form, "U0DANA", **REPORT, **more, follow_up=later) is None
    case = await room.desk.case(1)
    assert case.report and case.report.compensation and case.report.compensation.currency == "EUR"
    assert (case.report.contacted, case.report.root_cause) == ("by phone", "battery")
    assert case.clock and int(case.clock.timestamp()) == int(later)


async def test_the_guard_reads_the_draft_before_it_is_posted_and_blocks_nothing(room: Room) -> None:
    await taken(room)
    form = await room.press("Report back", "U0DANA", room.card())
    draft = "We apologize for any inconvenience. As we already told you, it was your fault."
    answer = await room.fill(form, "U0DANA", **REPORT, draft=draft)
    assert answer["response_action"] == "push"
    told = str(answer["view"]["blocks"])
    assert "inconvenience" in told and "Better:" in told
    assert (await room.desk.case(1)).status == "acknowledged", "it waits until the warning was read"
    assert await room.send(submission(answer["view"], "U0DANA", "V90", {})) == {"response_action": "clear"}
    case = await room.desk.case(1)
    assert case.status == "reported" and case.report and case.report.done == "called her"
    choices = await room.store.guard_choices(NOW - DAY, NOW + DAY)
    assert choices["canned apology"] == (0, 1), "and it is remembered that the advice was left"


async def test_advice_that_was_taken_is_remembered(room: Room) -> None:
    await taken(room)
    form = await room.press("Report back", "U0DANA", room.card())
    await room.fill(form, "U0DANA", **REPORT, draft="We apologize for any inconvenience.")
    assert await room.fill(form, "U0DANA", **REPORT, draft="Marta, the new charger left today.") is None
    assert await room.store.guard_choices(NOW - DAY, NOW + DAY) == {"canned apology": (1, 0)}


async def test_who_takes_a_case_hears_who_answers_that_customer_already(room: Room) -> None:
    of, about = post("w1", "Acme Air lost my bag"), {"customer": "x.com 42", "story": "", "thread": ""}
    rail = post("w2", "and Acme Rail, the same people, lost my ticket")
    await room.store.keep(batch(Heard(post=of, mentions=(mention(of, **about),))))
    await room.desk.handle(2, Acknowledge(by="Lee Park"), NOW)
    await room.store.keep(batch(Heard(post=rail, mentions=(mention(rail, "Acme Rail", **about),))))
    await room.deliver()
    button = {"type": "button", "action_id": "case_acknowledge", "value": "3", "text": {"text": "Acknowledge"}}
    form = await room.press_at(button, "U0DANA", {"type": "home"})
    answer = await room.fill(form, "U0DANA")
    assert "Lee Park in case 2 (Acme Air)" in str(answer["view"]["blocks"]), "a word to who pressed"
    assert (await room.desk.case(3)).status == "acknowledged", "which holds nobody up"


async def test_a_clean_draft_is_no_matter_and_what_is_refused_is_said_first(room: Room) -> None:
    await taken(room)
    form = await room.press("Report back", "U0DANA", room.card())
    bad = {**REPORT, "done": "we apologised", "draft": "We apologize for any inconvenience."}
    assert "an apology alone" in (await room.fill(form, "U0DANA", **bad))["errors"]["done"]
    assert await room.fill(form, "U0DANA", **REPORT, draft="Marta, the new charger left today.") is None
    assert (await room.desk.case(1)).status == "reported"


async def test_a_closed_form_is_not_lost(room: Room) -> None:
    await taken(room)
    form = await room.press("Report back", "U0DANA", room.card())
    left = submission(form, "U0DANA", "V50", {"outcome": "solved", "done": "called her, twice"})
    await room.send({**left, "type": "view_closed", "is_cleared": False})
    again = await room.press("Report back", "U0DANA", room.card())
    fields = {block["block_id"]: block["element"] for block in again["blocks"] if block["type"] == "input"}
    assert fields["done"]["initial_value"] == "called her, twice"
    assert fields["outcome"]["initial_option"]["value"] == "solved"
    assert "here again" in str(again["blocks"][0])
    assert await room.fill(again, "U0DANA", **REPORT) is None
    assert "here again" not in str(await room.press("Report back", "U0DANA", room.card())), "sent is sent"


async def test_a_case_that_was_half_raised_is_not_lost_either(room: Room) -> None:
    await room.home("U0LEE")
    form = await room.press("Raise a case", "U0LEE", room.slack.homes["U0LEE"])
    left = submission(form, "U0LEE", "V60", {"text": "Acme Air lost my bag", "brand": "Acme Air"})
    await room.send({**left, "type": "view_closed", "is_cleared": False})
    again = await room.press("Raise a case", "U0LEE", room.slack.homes["U0LEE"])
    assert "Acme Air lost my bag" in str(again) and "here again" in str(again)
    assert "is with" in str(await room.fill(again, "U0LEE", brand="Acme Air", priority="P2"))
    assert "here again" not in str(await room.press("Raise a case", "U0LEE", room.slack.homes["U0LEE"]))


async def test_what_is_refused_as_a_whole_is_filled_in_again(room: Room) -> None:
    form = await room.press("Note", "U0DANA", room.card())
    gone = {**form, "private_metadata": "99"}
    assert "no case 99" in str(await room.fill(gone, "U0DANA", text="rang twice"))
    key = (await room.store.draft("U0DANA", 99, "note", NOW)) or (await room.store.draft("T0/U0DANA", 99, "note", NOW))
    assert key == {"text": "rang twice"}


async def test_a_draft_survives_a_restart(clock: Clock) -> None:
    async with a_room(by_http, clock) as room:
        form = await room.press("Note", "U0DANA", room.card())
        left = submission(form, "U0DANA", "V50", {"text": "rang twice"})
        await room.send({**left, "type": "view_closed", "is_cleared": False})
        async with by_http(room.slack, room.store, clock) as room.send:  # another process, the same store
            again = await room.press("Note", "U0DANA", room.card())
        assert "rang twice" in str(again["blocks"])


async def test_what_is_typed_is_kept_while_it_is_typed(room: Room) -> None:
    await taken(room)
    form = await room.press("Report back", "U0DANA", room.card())
    body = submission(form, "U0DANA", "V51", {"done": "half a sent"})
    action = {"type": "plain_text_input", "action_id": "value", "block_id": "done", "action_ts": "7.0"}
    await room.send({**body, "type": "block_actions", "trigger_id": "1.2", "actions": [action]})
    again = await room.press("Report back", "U0DANA", room.card())
    assert "half a sent" in str(again)


async def test_the_proposal_of_the_playbook_is_filled_in(room: Room) -> None:
    heard = complaint("p2")
    [mention] = heard.mentions
    assert mention.opening
    about = replace(mention.opening.subject, proposal="Ring her today.")
    opening = replace(mention.opening, subject=about)
    await room.store.keep(batch(replace(heard, mentions=(replace(mention, opening=opening),))))
    await room.deliver()
    form = await room.press("Acknowledge", "U0DANA", room.slack.cards()[1])
    [what] = [block for block in form["blocks"] if block.get("block_id") == "what"]
    assert what["element"]["initial_value"] == "Ring her today."


async def test_the_card_tells_of_the_author_and_how_far_it_has_gone(room: Room) -> None:
    said = post("p7", author=Author(handle="marta", followers=1_200), reach=Reach(reposts=12))
    heard = complaint("p7")
    await room.store.keep(batch(Heard(post=said, mentions=heard.mentions)))
    known = await lookup(room.store, await room.desk.case(2))
    assert (known.posts, known.cases, known.followers, known.reposts) == (1, (1,), 1_200, 12)
    shown = str(await room.shown(2))
    assert "1,200 followers, 12 reposts" in shown and "1 post about this brand before; case 1" in shown


async def test_of_an_erased_author_nothing_is_known(room: Room) -> None:
    await room.store.erase_author("marta", NOW)
    known = await lookup(room.store, await room.desk.case(1))
    assert (known.posts, known.cases, known.followers) == (0, (), None)


async def test_every_state_offers_at_most_five_things_beside_each_other(room: Room) -> None:
    await taken(room)
    [row] = [block["elements"] for block in room.card()["blocks"] if block["type"] == "actions"]
    assert len(row) <= 5 and len(buttons(room.card())) == 14


async def test_opening_a_case_from_a_list_shows_its_card_in_a_window(room: Room) -> None:
    button: dict[str, Any] = {"type": "button", "action_id": "case_show", "value": "1", "text": {"text": "Open"}}
    view = await room.press_at(button, "U0DANA", {"type": "home"})
    assert view["title"]["text"] == "Case 1"
    form = await room.press("Acknowledge", "U0DANA", view)
    assert "views.push" in room.slack.calls, "on top of the window, not in its place"
    assert await room.fill(form, "U0DANA", what="call her") is None
    assert (await room.desk.case(1)).owner == "Dana Fox"
    assert isinstance((await room.store.timeline(1))[0], Opened)


async def test_who_may_not_press_is_told_in_the_window(room: Room, clock: Clock) -> None:
    room.slack.kinds["U0LEE"] = {"is_ultra_restricted": True}
    view = await room.press_at(
        {"type": "button", "action_id": "case_show", "value": "1", "text": {"text": "Open"}}, "U0LEE", {"type": "home"}
    )
    assert "Guests may not" in str(view)
