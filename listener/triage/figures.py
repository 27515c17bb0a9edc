"""The table of the model card, from labelled sets that lie in a folder.

    python -m listener.triage.figures --sets FOLDER      (or $LISTENER_TRAINING_SETS)

Of the sets that were learned from, the figures are those of posts that were not: they are found while training.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from connectors.post import Post
from listener.triage.evaluate import NOBODY, Judged, Row, figures, judge
from listener.triage.model import BrandTarget
from listener.triage.rules import Rules, load_rules

Pick = Callable[[dict[str, str]], bool]
UNSEEN: Sequence[tuple[str, str, Pick]] = (  # what it is, the set, which of its rows
    ("complaints2019, to a brand", "complaints2019", lambda row: not row.get("domain", "").startswith("random_")),
    ("complaints2019, all", "complaints2019", lambda row: True),
    ("airline", "airline", lambda row: True),
    ("airline_spliced: two airlines, both tracked", "airline_spliced", lambda row: True),
    ("brand_contrast: two brands, both tracked", "brand_contrast", lambda row: True),
)
# every public copy of the airline set has lost its words to one careless replacement
_MENDED = (
    ("Late Flightr", "later"), ("Cancelled Flightled", "cancelled"), ("Late Flight", "late"),
    ("Cancelled Flight", "cancelled"), ("Flight Booking Problems", "booking"),
)  # fmt: skip


def rows(file: Path, pick: Pick) -> Iterator[Row]:
    """Two judgements of one text are about two brands, and both are tracked."""
    picked = list(filter(pick, map(json.loads, file.read_text("utf-8").splitlines())))
    targets: dict[str, set[str]] = {}
    for given in picked:
        targets.setdefault(given["text"], set()).add(given.get("target") or "")
    for given in picked:
        name = given.get("target") or ""
        yield Row(
            post=_post(given, file.stem),
            brand=BrandTarget(name=name) if name else NOBODY,
            others=tuple(BrandTarget(name=other) for other in sorted(targets[given["text"]] - {name, ""})),
            complaint=given["label"] in ("complaint", "negative"),
        )


def _post(given: dict[str, str], source: str) -> Post:
    return Post(source=source, id=given["id"], url="", text=_mended(given["text"]), lang=given.get("lang", ""))


def _mended(text: str) -> str:
    for wrong, right in _MENDED:
        text = text.replace(wrong, right)
    return text


def table(folder: Path, rules: Rules) -> Iterator[str]:
    yield "| set | judgements | precision | recall | macro-F1 | calibration error |"
    yield "|---|---|---|---|---|---|"
    for title, name, pick in UNSEEN:
        file = folder / f"{name}.jsonl"
        if file.exists():
            yield _line(title, list(judge(rows(file, pick), rules)))
    for source, (number, f1, off) in rules.weights.numbers.get("unseen", {}).items():
        yield f"| {source}, posts not learned from | {number} | | | {100 * f1:.1f} | {off:.3f} |"


def _line(title: str, judged: Sequence[Judged]) -> str:
    of = figures(judged)
    shares = f"{of.precision or 0:.2f} | {of.recall:.2f} | {100 * (of.macro_f1 or 0):.1f} | {of.calibration:.3f}"
    return f"| {title} | {of.posts} | {shares} |"


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m listener.triage.figures", description=__doc__)
    asked.add_argument("--sets", type=Path, default=os.environ.get("LISTENER_TRAINING_SETS", "."), help="A folder.")
    given = asked.parse_args()
    for line in table(Path(given.sets), replace(load_rules(), learned=(1.0, 0.0))):
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
