"""Cards, messages and forms: as agreed for every state, and taken by Slack whatever a stranger wrote.

The agreed ones are tests/data/slack/*.json; after a wanted change, `REDRAW=1 pytest tests/test_slack_blocks.py` writes
them anew, to be read in the diff.
"""

import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from blockkit import Invalid, check_message, check_view
from builders import NOW, SAM, opened, subject
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from escalation import guard
from escalation.background import Background, history, spread
from escalation.case import Case, FirstReply, evolve
from escalation.events import (
    Acknowledged,
    Dismissed,
    Escalated,
    Event,
    FollowedUp,
    FollowUpDue,
    HandoverOffered,
    Joined,
    Missed,
    Outcome,
    Promised,
    Rated,
    Rating,
    ReportedBack,
    Result,
    Why,
)
from escalation.notices import Kind, Notice
from escalation.policy import Person
from escalation.slack import forms
from escalation.slack.blocks import Message, card, direct, plain, showing
from escalation.slack.parts import web_address

GOLDEN = Path(__file__).parent / "data" / "slack"
HOUR = timedelta(hours=1)
NEW = ("note", "help", "snooze", "join", "split", "pull", "answered", "statement")
AROUND = forms.Around(
    names=("Dana Fox", "Lee Park", "Sam Ortiz"),
    others=((7, "Smoke at row 15"), (9, "No refund")),
    posts=(("blog:p2", "Mira: the same flight"),),
    above=("Sam Ortiz",),
    page=("Acme Air, P1, severity 72: Smoke.", "Dana Fox has it, acknowledged.", "Nothing is promised yet."),
    similar=("1 similar case in 90 days: offered refund (1); then verified (1).",),
)

TAKEN = (
    Acknowledged(at=NOW, by="Dana Fox"),
    Promised(at=NOW, by="Dana Fox", what="call her back", due=NOW + HOUR),
)
REPORTED = (
    *TAKEN,
    ReportedBack(
        at=NOW,
        by="Dana Fox",
        outcome=Outcome.SOLVED,
        done="called her, sent a new charger",
        remedy="refund of 80 EUR",
        evidence="https://crm.example.com/t/4711",
        follow_up=NOW + timedelta(days=1),
    ),
)
STATES: dict[str, tuple[Event, ...]] = {
    "open": (),
    "escalated": (Escalated(at=NOW, to="Lee Park", rung=1, why="on duty"), Joined(at=NOW, post="blog:p2", url="")),
    "acknowledged": TAKEN,
    "rated": (*TAKEN, Rated(at=NOW, by="Lee Park", rating=Rating.MILDER, severity=80, priority="P1")),
    "missed": (*TAKEN, Missed(at=NOW + HOUR, what="promise", to="Lee Park", rung=1, why="on duty")),
    "offered": (*TAKEN, HandoverOffered(at=NOW, by="Dana Fox", to="Lee Park", note="speaks Portuguese")),
    "reported": REPORTED,
    "follow_up": (*REPORTED, FollowUpDue(at=NOW + timedelta(days=1), to="Dana Fox")),
    "closed": (*REPORTED, FollowedUp(at=NOW, by="Dana Fox", result=Result.VERIFIED, note="")),
    "dismissed": (Dismissed(at=NOW, by="Dana Fox", reason="a joke"),),
}


def case(*later: Event) -> Case:
    made = opened()
    for event in later:
        made = evolve(made, event)
    return made


def agreed(name: str, document: Any) -> None:
    path = GOLDEN / f"{name}.json"
    if os.environ.get("REDRAW"):
        path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    assert document == json.loads(path.read_text(encoding="utf-8"))


def slack_takes(message: Message) -> dict[str, Any]:
    """Ours, strictly; then the SDK's own opinion, which must know every block and change nothing."""
    body = {"text": message.text, "blocks": list(message.blocks)}
    check_message(body, update=True)
    assert [block and block.to_dict() for block in Block.parse_all(body["blocks"])] == body["blocks"]
    return body


def buttons(message: Message) -> list[str]:
    rows = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    return [button["text"]["text"] for row in rows for button in row if button["type"] == "button"]


def menu(message: Message) -> list[str]:
    rows = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    return [one["text"]["text"] for row in rows for each in row for one in each.get("options", ())]


@pytest.mark.parametrize("state", STATES)
def test_the_card_of_each_state_is_as_agreed(state: str) -> None:
    agreed(f"card_{state}", slack_takes(card(case(*STATES[state]), NOW + timedelta(minutes=1))))


@pytest.mark.parametrize("state", STATES)
def test_every_state_keeps_rich_text_so_that_it_can_replace_any_other(state: str) -> None:
    assert "rich_text" in [block["type"] for block in card(case(*STATES[state]), NOW).blocks]


@pytest.mark.parametrize("state", STATES)
def test_the_text_alone_tells_who_what_and_how_it_stands(state: str) -> None:
    made = case(*STATES[state])
    told = card(made, NOW).text
    assert "Acme Air" in told and made.owner in told and f"Case {made.id}" in told


def test_a_direct_message_carries_the_whole_context_and_the_buttons_of_its_reader() -> None:
    notice = Notice(case=1, seq=1, kind=Kind.DIRECT, to="Dana Fox", text="You have this one: on duty.")
    agreed("direct_owner", slack_takes(direct(case(), notice, NOW)))
    offered = case(*STATES["offered"])
    assert buttons(direct(offered, replace(notice, to="Lee Park"), NOW)) == [
        "Accept",
        "Decline",
        "Open on blog.example",
    ]
    missed = case(*STATES["missed"])
    assert buttons(direct(missed, replace(notice, to="Lee Park"), NOW)) == ["Open on blog.example"], "not theirs to do"
    assert buttons(direct(missed, notice, NOW))[:2] == ["Report back", "Move promise"]


def test_what_is_said_aside_names_who_it_is_for() -> None:
    notice = Notice(case=1, seq=1, kind=Kind.DIRECT, to="Sam Ortiz", text="For your eyes.")
    said = direct(case(), notice, NOW, aside="For Sam Ortiz, who has no Slack id in people.toml:")
    assert said.text.startswith("For Sam Ortiz, who has no Slack id in people.toml: For your eyes.")
    assert said.blocks[0]["text"]["text"].startswith("For Sam Ortiz")


def test_a_card_has_at_most_five_buttons_and_one_of_them_is_the_main_one() -> None:
    for later in STATES.values():
        [row] = [block["elements"] for block in card(case(*later), NOW).blocks if block["type"] == "actions"]
        assert len(row) <= 5
        assert [button.get("style") for button in row].count("primary") == 1


def test_an_erased_post_leaves_nothing_of_it_on_the_card() -> None:
    gone = replace(case(), subject=subject(author="", title="", text="", url="", reasons=()))
    told = json.dumps(slack_takes(card(gone, NOW)))
    assert "the post was deleted" in told
    assert "charger" not in told and "Marta" not in told and "blog.example/p1" not in told


def test_an_answer_that_is_owed_in_public_is_on_the_card_with_the_way_to_write_it() -> None:
    owing = replace(case(*TAKEN), reply=FirstReply(due=NOW + HOUR, look_at=NOW + HOUR))
    about = replace(owing.subject, site="x.com", url="https://x.com/mira/status/17")
    made = card(replace(owing, subject=about), NOW)
    [facts] = [block for block in made.blocks if "fields" in block]
    assert "*Answer in public by*" in str(facts) and "An answer in public is owed by" in made.text
    assert facts["accessory"]["url"] == "https://x.com/intent/post?in_reply_to=17"
    slack_takes(made)
    late, done = card(owing, NOW + 2 * HOUR), card(replace(owing, answered=NOW), NOW + 2 * HOUR)
    assert "(overdue)" in str(late.blocks) and "*Answered in public*" in str(done.blocks) and "owed" not in done.text


def test_late_is_said_in_words() -> None:
    assert "overdue" not in card(case(*TAKEN), NOW).text
    assert "overdue" in card(case(*TAKEN), NOW + 2 * HOUR).text
    assert "nobody has acknowledged" in card(case(), NOW + HOUR).text


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(
    "action", ["acknowledge", "promise", "handover", "report", "follow_up", "dismiss", "reopen", "decline", *NEW]
)
def test_every_form_is_taken_by_slack(action: str, state: str) -> None:
    form = forms.form(action, case(*STATES[state]), AROUND, NOW)
    assert form is not None
    check_view(form)
    View(**form).validate_json()
    if state in ("open", "acknowledged"):
        agreed(f"form_{action}_{state}", form)


def test_the_forms_of_no_case_and_the_warning_are_as_agreed() -> None:
    found = guard.review("We apologize for any inconvenience. As we told you, it is your fault.")
    made = {
        "form_raise": forms.raising(["Acme Air", "Larkspur"], text="My seat burned.", url="https://blog.example/z"),
        "form_away": forms.away(NOW),
        "form_search": forms.searching(["Acme Air", "Bolt"]),
        "form_warned": forms.warned(case(*TAKEN), found),
        "form_told": forms.told("Dana Fox has case 1; ask for a hand-over"),
        "form_draft": forms.filled(forms.report(case(*TAKEN), NOW), {"done": "called her", "outcome": "solved"}),
    }
    for name, view in made.items():
        check_view(view)
        View(**view).validate_json()
        agreed(name, view)


def test_a_case_in_a_window_is_as_agreed() -> None:
    known = Background(posts=3, cases=(9, 4), copies=3, sources=2, followers=1_200, reposts=12)
    view = showing(case(*TAKEN), "Dana Fox", NOW, known)
    check_view(view)
    agreed("window_acknowledged", view)


@pytest.mark.parametrize(
    ("known", "told"),
    [
        (Background(), ("", "")),
        (Background(posts=1, followers=1), ("1 post about this brand before", "1 follower")),
        (Background(posts=20, cases=(7,)), ("20 or more posts about this brand before; case 7", "")),
        (Background(replies=2, copies=3, sources=1), ("", "2 replies; said 3 times in 1 source")),
    ],
)
def test_what_is_known_of_an_author_is_said_in_words(known: Background, told: tuple[str, str]) -> None:
    assert (history(known), spread(known)) == told


@pytest.mark.parametrize("action", ["accept", "undo", "open", "nonsense"])
def test_other_buttons_open_no_form(action: str) -> None:
    assert forms.form(action, case(), AROUND, NOW) is None


PIECES = [
    "<!channel>",
    "<@U123>",
    "<https://evil.example|your bank>",
    "&lt;",
    "&",
    "*b*",
    ":boom:",
    "\u202e",
    "\0",
    "\n",
    "\ud800",
]
LONG = [piece * 1_600 for piece in ("<", "&", "😀", "a ", "\n", "<!channel>")]
HOSTILE = st.sampled_from(LONG) | st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=9).map("".join)


@settings(deadline=None, max_examples=60)
@given(HOSTILE, st.sampled_from(list(STATES)))
def test_slack_takes_whatever_a_stranger_wrote_and_acts_on_none_of_it(text: str, state: str) -> None:
    about = subject(
        **dict.fromkeys(("title", "text", "author", "site", "url", "brand"), text),
        reasons=(Why(factor=text, points=5, words=text),) * 9,
    )
    made = replace(case(*STATES[state]), subject=about)
    slack_takes(card(made, NOW))
    for kind in (Kind.DIRECT, Kind.THREAD):
        notice = Notice(case=1, seq=1, kind=kind, to="Dana Fox", text=f"Dana Fox promises: {text}")
        slack_takes(direct(made, notice, NOW) if kind is Kind.DIRECT else plain(notice))
    for action in ("acknowledge", "handover", "report"):
        check_view(forms.form(action, made, AROUND, NOW) or {})


@settings(deadline=None, max_examples=60)
@given(HOSTILE)
def test_slack_takes_whatever_our_own_people_wrote(text: str) -> None:
    said = text or "x"
    events = (
        Acknowledged(at=NOW, by="Dana Fox"),
        Promised(at=NOW, by="Dana Fox", what=said, due=NOW + HOUR),
        HandoverOffered(at=NOW, by="Dana Fox", to="Lee Park", note=said),
        replace(REPORTED[-1], done=said, remedy=said, evidence=said),
    )
    slack_takes(card(case(*events), NOW))
    slack_takes(card(case(*events, FollowedUp(at=NOW, by="Dana Fox", result=Result.VERIFIED, note=said)), NOW))
    check_view(forms.promise(case(*events), NOW))


def test_a_case_can_be_handed_to_any_of_a_hundred_people_with_long_names() -> None:
    names = [f"{number} {'Fox ' * 30}" for number in range(150)]
    check_view(forms.handover(case(), names))
    alone = replace(case(), policy=replace(case().policy, ladder=("Dana Fox",)))
    check_view(forms.handover(alone, []))


@pytest.mark.parametrize(
    ("written", "carried"),
    [
        ("https://blog.example/a b?q=<x>#c", "https://blog.example/a%20b?q=%3Cx%3E#c"),
        ("https://bank.example@evil.example/", "https://evil.example/"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
        ("http://127.0.0.1:8000/x", "http://127.0.0.1:8000/x"),
        ("http://[::1]:8000/x", "http://[::1]:8000/x"),
        ("javascript:alert(1)", ""),
        ("https://", ""),
        ("http://[broken", ""),
        ("https://x.example:port/", ""),
        ("https://x.example/\ud800", ""),
        ("https://x.example/" + "a" * 3_000, ""),
        ("", ""),
    ],
)
def test_an_address_says_where_it_really_leads(written: str, carried: str) -> None:
    assert web_address(written) == carried


@pytest.mark.parametrize(
    "change",
    [
        {"blocks": [{"type": "divider"}] * 51},
        {"blocks": [{"type": "divider", "block_id": "a"}] * 2},
        {"blocks": [{"type": "section"}]},
        {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "<!channel>"}}]},
        {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_001}}]},
        {"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "😀" * 80, "emoji": False}}]},
        {"blocks": [{"type": "actions", "elements": []}]},
        {"blocks": [{"type": "carousel"}]},
        {"text": "x" * 4_001},
        {"text": "&lt"},
        {"text": "", "blocks": []},
    ],
    ids=range(11),
)
def test_the_judge_itself_is_strict(change: dict[str, Any]) -> None:
    good = {"text": "fine", "blocks": [{"type": "divider"}]}
    check_message(good, update=True)
    with pytest.raises(Invalid):
        check_message(good | change, update=True)


def test_the_names_of_people_are_escaped_where_markup_would_be_read() -> None:
    odd = Person(name="<!here> & Co")
    policy = replace(case().policy, ladder=(odd.name, SAM.name), people=(odd, SAM))
    slack_takes(card(replace(case(), owner=odd.name, policy=policy), NOW))


@pytest.mark.parametrize("action", "acknowledge promise handover report follow_up dismiss reopen note help".split())
def test_every_form_tells_its_first_long_field_while_it_is_typed(action: str) -> None:
    form = forms.form(action, case(*TAKEN), AROUND, NOW)
    assert form
    inputs = [block for block in form["blocks"] if block["type"] == "input"]
    told = [block.get("dispatch_action", False) for block in inputs if block["element"].get("multiline")]
    assert told == [True, *[False] * (len(told) - 1)] or (action == "promise" and told[:1] == [True])
