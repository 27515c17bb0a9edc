"""Whatever a stranger writes, nothing in it can act on whoever reads it."""

import html
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.clean import LONGEST_READ, MARKS, clean, cut, escape_mrkdwn, line

NASTY = st.sampled_from(
    "\x00 \x1b \x9b \x07 \x08 \x7f \x85 \u2028 \u2029 \u202e \u2066 \u2069 \u200b \u200e \u200f \u061c \ufeff "
    "\u00ad \u180e \ud800 \udfff \ue000 \U000e0041 e \u0301 \u1100 \u1161 & < > ! @ # | * _ ` :".split(" ")
)
HOSTILE = st.lists(NASTY | st.characters() | st.sampled_from([" ", "\n", "\t"]), max_size=60).map("".join)
FORBIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn")


@given(HOSTILE)
def test_no_control_format_or_surrogate_survives(text: str) -> None:
    left = [c for c in clean(text) if unicodedata.category(c) in FORBIDDEN and c not in "\n\t\u200c\u200d"]
    assert left == []


@given(HOSTILE)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(HOSTILE)
def test_what_is_cleaned_can_be_sent_as_utf8(text: str) -> None:
    assert clean(text).encode("utf-8").decode("utf-8") == clean(text)


@given(HOSTILE, st.integers(1, 80))
def test_a_line_is_one_line_of_at_most_that_length(text: str, longest: int) -> None:
    short = line(text, longest)
    assert len(short) <= longest
    assert "\n" not in short


@given(HOSTILE, HOSTILE, st.integers(1, 80), st.integers(1, 400))
def test_a_line_of_a_long_text_is_what_it_would_be_if_all_were_cleaned(
    first: str, more: str, longest: int, times: int
) -> None:
    text = first + more * times
    assert line(text, longest) == cut(" ".join(clean(text).split()), longest)


@given(HOSTILE, st.integers(1, 80))
def test_no_control_sequence_of_slack_survives_escaping(text: str, longest: int) -> None:
    escaped = escape_mrkdwn(clean(text), longest)
    assert len(escaped) <= longest
    assert not re.search("[<>]", escaped)
    assert re.sub("&(amp|lt|gt);", "", escaped).count("&") == 0


@given(HOSTILE)
def test_escaping_is_done_once_and_can_be_read_back(text: str) -> None:
    assert html.unescape(escape_mrkdwn(clean(text).replace(";", ""), 10_000)) == clean(text).replace(";", "")


def test_an_entity_is_never_cut_in_two() -> None:
    assert escape_mrkdwn("<" * 10, 12) == "&lt;&lt;…"
    assert escape_mrkdwn("<" * 3, 12) == "&lt;" * 3


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("\x1b[2J\x1b[31mred", "[2J[31mred"),
        ("pay \u202eevil\u202c now", "pay evil now"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("a\n \n \t\n\n b", "a\n\n b"),
        ("cafe\u200b\u0301", "café"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("nul\x00 byte \ud800", "nul byte"),
    ],
)
def test_what_is_left_of_it(written: str, shown: str) -> None:
    assert clean(written) == shown


def test_a_megabyte_is_read_only_as_far_as_anyone_is_shown() -> None:
    assert len(clean("x" * 1_000_000)) == LONGEST_READ


def test_what_was_cut_says_so() -> None:
    assert cut("a long story", 7) == "a long…"
    assert cut("short", 7) == "short"


def test_marks_piled_on_one_letter_stay_within_their_line_and_take_no_time() -> None:
    piled = "a" + "\u0315\u0300" * (LONGEST_READ // 2)
    assert len(clean(piled)) <= 1 + MARKS
    assert clean(clean(piled)) == clean(piled)


def test_writing_that_needs_marks_keeps_them() -> None:
    for text in ("Việt Nam", "שָׁלוֹם", "हिन्दी", "ภาษาไทย", "e\u0301" * 40):
        assert clean(text) == unicodedata.normalize("NFC", text)
