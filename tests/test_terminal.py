"""What the terminal shows: who, why, by when and what to type; and that a stranger's text does nothing to it."""

import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from builders import DANA, LEE, NOW, opened, subject
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from escalation.case import Case, evolve
from escalation.events import (
    Acknowledged,
    Escalated,
    HandoverOffered,
    Outcome,
    Promised,
    ReportedBack,
    Why,
)
from escalation.notices import HOUSE, Kind, Notice, notices
from escalation.terminal import TerminalMessenger, draw_case, draw_timeline, next_step


def console(**given: Any) -> Console:
    return Console(file=io.StringIO(), width=given.pop("width", 100), **given)


def shown(out: Console) -> str:
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def drawn(case: Case, now: Any = NOW, **given: Any) -> str:
    out = console(**given)
    draw_case(out, case, now)
    return shown(out)


def test_a_card_says_who_and_why_and_by_when_and_what_to_type() -> None:
    card = drawn(opened())
    assert "Dana Fox, on duty, place 1 on the ladder" in card
    assert "safety +44 “caught fire”" in card
    assert "Mon 04 May 09:05 EDT" in card, "the owner's own time"
    assert '$ listener ack 1 --as "Dana Fox"' in card
    assert "The Acme Air charger caught fire." in card and "https://blog.example/p1" in card


@pytest.mark.parametrize(
    ("later", "state", "typed"),
    [
        ((), "New", "listener ack 1"),
        ((Escalated(at=NOW, to="Lee Park", rung=1, why="x"),), "New", 'listener ack 1 --as "Lee Park"'),
        ((Acknowledged(at=NOW, by="Dana Fox"),), "Acknowledged", "listener report 1"),
        (
            (
                Acknowledged(at=NOW, by="Dana Fox"),
                ReportedBack(
                    at=NOW,
                    by="Dana Fox",
                    outcome=Outcome.SOLVED,
                    done="called her",
                    remedy="80 EUR",
                    evidence="ticket 4711",
                    follow_up=NOW + timedelta(days=1),
                ),
            ),
            "Reported back",
            "listener follow-up 1",
        ),
    ],
)
def test_each_state_names_itself_and_the_next_step(later: tuple[Any, ...], state: str, typed: str) -> None:
    case = opened()
    for event in later:
        case = evolve(case, event)
    assert state in drawn(case) and typed in drawn(case)


def test_a_deadline_that_passed_is_said() -> None:
    assert "overdue" not in drawn(opened())
    assert "overdue" in drawn(opened(), NOW + timedelta(minutes=6))


def test_only_the_one_whose_turn_it_is_is_told_what_to_type() -> None:
    offered = evolve(opened(), HandoverOffered(at=NOW, by="Dana Fox", to="Lee Park", note=""))
    assert next_step(offered, "Lee Park") == 'listener accept 1 --as "Lee Park"'
    assert next_step(offered, "Dana Fox") == 'listener ack 1 --as "Dana Fox"'
    assert next_step(offered, "Sam Ortiz") == ""


def test_a_name_can_be_pasted_into_a_shell() -> None:
    assert next_step(replace(opened(), owner='Dana "$HOME" Fox'), 'Dana "$HOME" Fox').endswith("'Dana \"$HOME\" Fox'")


HOSTILE = st.lists(
    st.sampled_from(["[bold]", "[/]", "[link=x]", "\x1b[2J", "\x1b]0;x\x07", "\x9b31m", "\u202e", "\0", "\r", ":boom:"])
    | st.text(max_size=8),
    max_size=12,
).map("".join)


@given(HOSTILE)
def test_nothing_a_stranger_writes_acts_on_the_terminal(text: str) -> None:
    about = subject(text=text, title=text, author=text, url=text, reasons=(Why(factor="x", points=1, words=text),))
    card = drawn(replace(opened(), subject=about))
    assert not [c for c in card if c != "\n" and (ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u2066")]


def test_markup_in_a_post_is_shown_as_it_was_written() -> None:
    card = drawn(replace(opened(), subject=subject(text="[bold red]look[/] :boom: [link=https://evil.example]x")))
    assert "[bold red]look[/] :boom: [link=https://evil.example]x" in card


def test_no_colour_when_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[31m" in drawn(opened(), force_terminal=True, color_system="standard", _environ={})
    plain = drawn(opened(), force_terminal=True, color_system="standard", _environ={"NO_COLOR": "1"})
    assert "\x1b[31m" not in plain


def test_a_card_keeps_its_frame_on_a_console_that_does_not_wrap() -> None:
    long = replace(opened(), subject=subject(text="word " * 100))
    assert {len(row) for row in drawn(long, soft_wrap=True).splitlines()} == {100}


async def test_it_says_everything_once_and_a_change_as_a_line() -> None:
    out = console()
    voice, case = TerminalMessenger(out), opened()
    direct = Notice(case=1, seq=1, kind=Kind.DIRECT, to="Dana Fox", text="You have this one.")
    await voice.send(direct, case, "", NOW)
    taken = evolve(case, Acknowledged(at=NOW, by="Dana Fox"))
    for notice in notices(taken, Acknowledged(at=NOW, by="Dana Fox")):
        say = voice.redraw("x", notice, taken, NOW) if notice.kind is Kind.CARD else voice.send(notice, taken, "", NOW)
        await say
    await voice.send(Notice(case=HOUSE, seq=1, kind=Kind.HOUSE, to="", text="Source x is silent."), None, "", NOW)
    assert shown(out).splitlines() == [
        "→ Dana Fox [case 1]: You have this one.",
        '  $ listener ack 1 --as "Dana Fox"',
        "  · case 1: Dana Fox has it.",
        "  · Source x is silent.",
    ]


def test_a_timeline_is_one_line_an_event() -> None:
    out = console(width=200)
    promised = Promised(at=NOW, by="Dana Fox", what="call\x1b[2J her", due=NOW + timedelta(hours=1))
    draw_timeline(out, [promised, Acknowledged(at=NOW, by=LEE.name)], DANA.timezone)
    assert shown(out).splitlines() == [
        "Mon 04 May 09:00 EDT  Dana Fox promised: call[2J her, by Mon 04 May 10:00 EDT.",
        "Mon 04 May 09:00 EDT  Lee Park acknowledged.",
    ]
