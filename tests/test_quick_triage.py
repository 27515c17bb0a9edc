"""What makes judging quick changes nothing: numbers side by side, what is remembered, what is passed over."""

from hypothesis import given
from hypothesis import strategies as st

from listener.triage import load_rules
from listener.triage.evidence import _CUES, _NEGATED
from listener.triage.naming import _COMPARED, _LAST
from listener.triage.packed import packed, unpacked
from listener.triage.remembered import LONGEST, Remembered
from listener.triage.tokens import OURS, THEIRS, lower, masked, parts, places, tokens

ROWS = st.lists(st.lists(st.integers(-(10**12), 10**12), min_size=3, max_size=3), max_size=20)


@given(ROWS)
def test_the_sum_of_packed_rows_has_the_sums_of_their_columns(rows: list[list[int]]) -> None:
    together = sum(packed(row) for row in rows)
    assert unpacked(together, 3) == tuple(sum(row[column] for row in rows) for column in range(3))


@given(st.lists(st.integers(-(10**6), 10**6), min_size=5, max_size=5), st.integers(-1000, 1000))
def test_a_packed_row_is_multiplied_like_any_number(row: list[int], by: int) -> None:
    assert unpacked(packed(row) * by, 5) == tuple(number * by for number in row)


@given(st.lists(st.sampled_from("abcdefghij")), st.integers(2, 6))
def test_what_is_remembered_is_what_would_be_made_and_never_more_than_asked(texts: list[str], most: int) -> None:
    known = Remembered(str.upper, most)
    for text in texts:
        assert known[text] == text.upper()
        assert len(known) + len(known._older) <= most


def test_what_is_asked_for_stays_the_same_object_and_very_long_texts_are_not_kept() -> None:
    known = Remembered(lambda text: [text], 100)
    often = known["often"]
    for number in range(1_000):
        known[str(number)]
        assert known["often"] is often
    known["x" * (LONGEST + 1)]
    assert "x" * (LONGEST + 1) not in known


TEXTS = st.text("ab'_-@#.!?…\n \t\u2003$£59:/()|\U0001f6b2\x01\x02é", max_size=60)


@given(TEXTS)
def test_a_text_cut_at_its_blanks_has_the_same_tokens_as_the_whole(text: str) -> None:
    assert [token for part in parts(text) for token in tokens(part)] == tokens(text)


@given(TEXTS)
def test_a_word_is_found_again_from_the_part_that_it_is_in(text: str) -> None:
    weights, stand = load_rules().weights, places(text)
    for number, where in enumerate(stand):
        words, begin = weights.before(text, number, "en")
        assert places(text, begin, number + 1 - words)[-1] == where


@given(TEXTS)
def test_nobody_names_a_brand_by_our_signs(text: str) -> None:
    assert not {OURS, THEIRS} & set(low := lower(text))
    assert len(low) == len(text)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), max_size=4))
def test_names_are_masked_each_at_its_place(steps: list[tuple[int, int]]) -> None:
    text, spans, at = "abcdefghijklmnopqrstuvwxyzabcdefgh", [], 0
    for skipped, length in steps:
        spans.append((at + skipped, at + skipped + length))
        at += skipped + length
    inside = {place for start, end in spans for place in range(start, end)}
    wanted = "".join(OURS if place in inside else letter for place, letter in enumerate(text))
    assert masked(text, spans) == wanted


@given(st.from_regex(_NEGATED))
def test_whatever_is_negated_has_one_of_the_cues(before: str) -> None:
    assert any(cue in before for cue in _CUES)


@given(st.from_regex(_COMPARED))
def test_whatever_a_comparison_ends_with_is_not_passed_over(before: str) -> None:
    assert before.endswith(_LAST)
