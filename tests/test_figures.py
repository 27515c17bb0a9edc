"""The table of the model card is computed from whatever labelled sets are there."""

import json
from pathlib import Path

from listener.triage import load_rules
from listener.triage.figures import table


def test_a_set_that_is_there_has_its_line_and_one_that_is_not_has_none(tmp_path: Path) -> None:
    said = [
        ("Late Flightr than ever @acme, third time, nobody answers", "complaint"),
        ("thank you @acme, lovely crew", "not_complaint"),
    ]
    told = [
        json.dumps({"id": str(n), "text": text, "label": label, "target": "Acme", "lang": "en"})
        for n, (text, label) in enumerate(said)
    ]
    (tmp_path / "airline.jsonl").write_text("\n".join(told), "utf-8")
    lines = list(table(tmp_path, load_rules()))
    (airline,) = [line for line in lines if line.startswith("| airline |")]
    assert "| 2 | 1.00 | 1.00 | 100.0 |" in airline
    assert not any("complaints2019" in line for line in lines)
