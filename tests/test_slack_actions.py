"""What people press becomes exactly what they asked for; a payload that is not ours becomes nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import NOW, opened
from hypothesis import given
from hypothesis import strategies as st

from escalation.case import Case, evolve
from escalation.commands import (
    Accept,
    Acknowledge,
    AskForHelp,
    Command,
    Decline,
    Dismiss,
    FollowUp,
    Handover,
    MakePromise,
    Note,
    Refused,
    Reopen,
    ReportBack,
    Snooze,
    UndoDismiss,
)
from escalation.decide import decide
from escalation.events import Acknowledged, Compensation, Dismissed, Outcome, Promised, ReportedBack, Result
from escalation.slack import actions, forms

DUE = NOW + timedelta(hours=1)
FILLED = {"outcome": "solved", "done": "called her", "remedy": "80 EUR", "evidence": "ticket 4711"}


def click(**changes: Any) -> dict[str, Any]:
    action = {"action_id": "case_acknowledge", "value": "12", "action_ts": "1.5", "type": "button", **changes}
    container = {"type": "message", "channel_id": "C0CARE", "message_ts": "1.1", "thread_ts": "1.0"}
    return {"type": "block_actions", "user": {"id": "U0DANA"}, "actions": [action], "container": container}


def test_a_press_says_which_button_of_which_case_by_whom() -> None:
    press = actions.pressed(click())
    assert press and (press.action, press.case, press.user) == ("acknowledge", 12, "U0DANA")
    assert actions.place(click()) == ("C0CARE", "1.0")


def test_an_entry_of_the_menu_is_a_press_like_any_other() -> None:
    body = click(action_id="case_more", value=None, selected_option={"value": "note 12"})
    press = actions.pressed(body)
    assert press and (press.action, press.case) == ("note", 12)
    assert actions.pressed(click(action_id="case_more", value=None, selected_option={"value": "note"})) is None


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("see <https://blog.example/p1|the post> &amp; weep", "see https://blog.example/p1 & weep"),
        ("<@U0DANA|dana> <#C0CARE|care> <!here>", "@dana #care @"),
        ("a &lt;b&gt; &amp;lt;", "a <b> &lt;"),
    ],
)
def test_what_people_wrote_in_slack_is_read_without_its_markup(said: str, shown: str) -> None:
    assert actions.plain_words(said) == shown
    assert actions.first_link("look: https://blog.example/p1, now") == "https://blog.example/p1"


def test_the_same_delivery_has_the_same_key_and_another_press_another() -> None:
    keys = [getattr(actions.pressed(body), "key", "") for body in (click(), click(), click(action_ts="2.5"))]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize(
    "change", [{"action_id": "poll_vote"}, {"value": "twelve"}, {"value": "²"}, {"value": "9" * 30}, {"value": None}]
)
def test_what_is_not_our_button_is_nothing(change: dict[str, Any]) -> None:
    assert actions.pressed(click(**change)) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["actions", "view", "user", "id", "state", "values", "value", "callback_id", "container"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["actions", "view", "user", "container", "channel"]), JSON))
def test_no_payload_can_break_it(body: dict[str, Any]) -> None:
    actions.pressed(body)
    actions.sent(body)
    assert all(isinstance(value, str) for value in actions.values(body).values())
    assert all(isinstance(part, str) for part in actions.place(body))


@pytest.mark.parametrize(
    ("action", "given", "asked"),
    [
        ("acknowledge", {}, Acknowledge(by="Dana Fox")),
        (
            "acknowledge",
            {"what": "call", "due": str(int(DUE.timestamp()))},
            Acknowledge(by="Dana Fox", what="call", due=DUE),
        ),
        (
            "promise",
            {"what": "call", "due": str(int(DUE.timestamp())), "reason": "queue"},
            MakePromise(by="Dana Fox", what="call", due=DUE, reason="queue"),
        ),
        ("handover", {"to": "Lee Park", "note": "n"}, Handover(by="Dana Fox", to="Lee Park", note="n")),
        ("accept", {}, Accept(by="Dana Fox")),
        ("decline", {"reason": "train"}, Decline(by="Dana Fox", reason="train")),
        (
            "report",
            FILLED,
            ReportBack(
                by="Dana Fox", outcome=Outcome.SOLVED, done="called her", remedy="80 EUR", evidence="ticket 4711"
            ),
        ),
        ("follow_up", {"result": "worse"}, FollowUp(by="Dana Fox", result=Result.WORSE)),
        ("dismiss", {"reason": "a joke"}, Dismiss(by="Dana Fox", reason="a joke")),
        ("reopen", {"reason": "again"}, Reopen(by="Dana Fox", reason="again")),
        ("undo", {}, UndoDismiss(by="Dana Fox")),
        ("note", {"text": "rang twice"}, Note(by="Dana Fox", text="rang twice")),
        ("help", {"text": "a hotel?"}, AskForHelp(by="Dana Fox", text="a hotel?")),
        ("snooze", {"until": str(int(DUE.timestamp()))}, Snooze(by="Dana Fox", until=DUE)),
        ("snooze", {"until": "1000000000", "due": str(int(DUE.timestamp()))}, Snooze(by="Dana Fox", until=DUE)),
        (
            "report",
            {
                **FILLED,
                "contacted": "by phone",
                "gave": "refund 80 EUR",
                "root_cause": "battery",
                "follow_up": str(int(DUE.timestamp())),
                "draft": "Dear Marta",
            },
            ReportBack(
                by="Dana Fox",
                outcome=Outcome.SOLVED,
                done="called her",
                remedy="80 EUR",
                evidence="ticket 4711",
                follow_up=DUE,
                contacted="by phone",
                compensation=Compensation(kind="refund", amount="80", currency="EUR"),
                root_cause="battery",
            ),
        ),
    ],
)
def test_each_form_asks_for_its_command(action: str, given: dict[str, str], asked: Command) -> None:
    assert actions.command(action, "Dana Fox", given) == asked


@pytest.mark.parametrize("action", ["", "explode", "open"])
def test_a_button_of_another_version_is_refused_with_a_word(action: str) -> None:
    with pytest.raises(Refused, match="newest card"):
        actions.command(action, "Dana Fox", {})


def test_a_form_is_read_by_the_names_of_its_fields() -> None:
    state = {
        "what": {"value": {"type": "plain_text_input", "value": "call her"}},
        "due": {"value": {"type": "datetimepicker", "selected_date_time": 1_777_903_200}},
        "outcome": {"value": {"type": "static_select", "selected_option": {"value": "solved"}}},
        "note": {"value": {"type": "plain_text_input", "value": None}},
    }
    view = {"callback_id": "case_report", "private_metadata": "12", "id": "V1", "hash": "h", "state": {"values": state}}
    body = {"user": {"id": "U0LEE"}, "view": view}
    assert actions.values(body) == {"what": "call her", "due": "1777903200", "outcome": "solved", "note": ""}
    press = actions.sent(body)
    assert press and (press.action, press.case, press.user) == ("report", 12, "U0LEE")


TAKEN = (Acknowledged(at=NOW, by="Dana Fox"), Promised(at=NOW, by="Dana Fox", what="call", due=DUE))
AGAIN = {"what": "write", "due": str(int(DUE.timestamp())), "reason": "queue"}


def case(*later: Any) -> Case:
    made = opened()
    for event in later:
        made = evolve(made, event)
    return made


@pytest.mark.parametrize(
    ("action", "change", "field"),
    [
        ("acknowledge", {"what": "", "due": "1000000000"}, "due"),
        ("promise", {**AGAIN, "due": ""}, "due"),
        ("promise", {**AGAIN, "what": " "}, "what"),
        ("promise", {**AGAIN, "reason": " "}, "reason"),
        ("handover", {"to": "Dana Fox", "note": ""}, "to"),
        ("report", {**FILLED, "outcome": "magic"}, "outcome"),
        ("report", {**FILLED, "done": " "}, "done"),
        ("report", {**FILLED, "done": "we apologised"}, "done"),
        ("report", {**FILLED, "remedy": " "}, "remedy"),
        ("report", {**FILLED, "evidence": " "}, "evidence"),
        ("follow_up", {"result": "", "note": ""}, "result"),
        ("dismiss", {"reason": " "}, "reason"),
        ("reopen", {"reason": " "}, "reason"),
        ("report", {**FILLED, "gave": "80"}, "gave"),
        ("report", {**FILLED, "follow_up": "1000000000"}, "follow_up"),
        ("note", {"text": " "}, "text"),
        ("help", {"text": " "}, "text"),
        ("snooze", {"due": ""}, "due"),
        ("snooze", {"due": "1000000000"}, "due"),
        ("snooze", {"due": str(int(DUE.timestamp()) + 60)}, "due"),
        ("acknowledge", {"what": "call her", "due": "1999999999"}, "due"),
        ("promise", {"what": "call her", "due": "1999999999", "reason": "x"}, "due"),
    ],
)
def test_a_refusal_is_shown_under_the_field_it_speaks_of(action: str, change: dict[str, str], field: str) -> None:
    state = {"acknowledge": (), "reopen": (*TAKEN, Dismissed(at=NOW, by="Dana Fox", reason="x"))}.get(action, TAKEN)
    with pytest.raises(Refused) as refused:
        decide(case(*state), actions.command(action, "Dana Fox", change), NOW)
    assert actions.field_of(str(refused.value), change) == field
    form = forms.form(action, case(*state), forms.Around(names=("Dana Fox", "Lee Park")), NOW)
    assert form and field in [block.get("block_id") for block in form["blocks"]]


def test_a_refusal_of_the_whole_case_belongs_to_no_field() -> None:
    reported = ReportedBack(
        at=NOW, by="Dana Fox", outcome=Outcome.SOLVED, done="x", remedy="x", evidence="x", follow_up=NOW
    )
    with pytest.raises(Refused) as refused:
        decide(case(*TAKEN, reported), actions.command("report", "Dana Fox", FILLED), NOW)
    assert actions.field_of(str(refused.value), FILLED) == ""


def test_times_are_read_as_what_they_are() -> None:
    asked = actions.command("acknowledge", "Dana Fox", {"due": "1777903200"})
    assert isinstance(asked, Acknowledge) and asked.due == datetime(2026, 5, 4, 14, 0, tzinfo=UTC)
    odd = actions.command("acknowledge", "Dana Fox", {"due": "9" * 40})
    assert isinstance(odd, Acknowledge) and odd.due is None
