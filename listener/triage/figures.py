"""The table of the model card, from labelled sets that lie in a folder.

    python -m listener.triage.figures --sets FOLDER      (or $LISTENER_TRAINING_SETS)
    python -m listener.triage.figures --sets FOLDER --deep 0.25 0.75      with the sentence model for what is in doubt

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
from listener.triage.deep import joined, shipped, spoken
from listener.triage.evaluate import NOBODY, Judged, Row, figures, judge
from listener.triage.languages import language
from listener.triage.model import BrandTarget
from listener.triage.reading import reading
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


Second = Callable[[Judged], Judged]


def table(folder: Path, rules: Rules, second: Second | None = None) -> Iterator[str]:
    yield "| set | judgements | precision | recall | macro-F1 | calibration error |"
    yield "|---|---|---|---|---|---|"
    for title, name, pick in UNSEEN:
        file = folder / f"{name}.jsonl"
        if file.exists():
            judged = judge(rows(file, pick), rules)
            yield _line(title, list(map(second, judged) if second else judged))
    for source, (number, f1, off) in rules.weights.numbers.get("unseen", {}).items() if second is None else ():
        yield f"| {source}, posts not learned from | {number} | | | {100 * f1:.1f} | {off:.3f} |"


def in_doubt(least: float, most: float, rules: Rules) -> Second:
    """Judges English posts again whose probability lies between the two. Needs the extra `deep`."""
    from listener.deep import Sentences

    read, head = Sentences(), shipped()

    def second(one: Judged) -> Judged:
        post, lang = one.row.post, language(one.row.post.lang, one.row.post.text, rules.weights.votes)[0]
        if lang != "en" or not least <= one.said.complaint <= most:
            return one
        vector = read([spoken(reading(post.text, one.row.brand, one.row.others, rules))])[0].tolist()
        both = joined(one.said.complaint, head.logit(vector), head)
        return replace(one, said=replace(one.said, complaint=both))

    return second


def _line(title: str, judged: Sequence[Judged]) -> str:
    of = figures(judged)
    shares = f"{of.precision or 0:.2f} | {of.recall:.2f} | {100 * (of.macro_f1 or 0):.1f} | {of.calibration:.3f}"
    return f"| {title} | {of.posts} | {shares} |"


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m listener.triage.figures", description=__doc__)
    asked.add_argument("--sets", type=Path, default=os.environ.get("LISTENER_TRAINING_SETS", "."), help="A folder.")
    asked.add_argument("--deep", type=float, nargs=2, metavar=("FROM", "TO"), help="Ask the sentence model too.")
    given = asked.parse_args()
    rules = replace(load_rules(), learned=(1.0, 0.0))
    for line in table(Path(given.sets), rules, in_doubt(given.deep[0], given.deep[1], rules) if given.deep else None):
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
