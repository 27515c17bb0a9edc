"""What we print for machines loses nothing, and moves no terminal; what a spreadsheet gets is no order to either."""

import json
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from listener.history import cells
from listener.plain import json_text


@dataclass(frozen=True)
class _Said:
    text: str


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('\x1b\x9b\u2028\u202e\u2066\\"')))
def test_a_line_of_json_is_one_line_says_all_and_obeys_nobody(text: str) -> None:
    line = json_text(_Said(text))
    assert json.loads(line) == {"text": text}
    assert line.splitlines() == [line] and not set(line) & set("\x1b\x9b\u202e\u2066")


@given(st.text(st.characters() | st.sampled_from("=+-@\t\r\n\x00\x1b\x9b\u202e ")))
def test_a_cell_is_no_formula_and_no_order(text: str) -> None:
    [cell] = cells({"text": text}, ("text",))
    assert cell.lstrip()[:1] not in ("=", "+", "-", "@") and not set(cell) & set("\x00\r\x1b\x9b\u202e")
