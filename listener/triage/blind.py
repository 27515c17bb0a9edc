"""A second reader's check of the corpus: posts without their labels, and how far two readers agree.

python -m listener.triage.blind draw 300 > blind.jsonl      the reader fills in verdict, cause and severity
python -m listener.triage.blind agree blind.jsonl           share alike, Cohen's kappa, rank correlation of severities
"""

import argparse
import json
import sys
from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from listener.triage.evaluate import rank_correlation
from listener.triage.gold import Gold, Label, corpus
from listener.triage.model import Verdict

BANDS = (25, 45, 70)  # where the second, third and fourth begin


def draw(posts: Iterable[Gold], number: int, seed: str = "") -> Iterator[Mapping[str, object]]:
    """So many judgements, chosen by their hash: the same ones each time, and no author's favourites."""
    every = [(post, label) for post in posts for label in post.labels]
    for post, label in sorted(every, key=lambda one: _key(one[0], one[1], seed))[:number]:
        yield {
            "id": _id(post, label),
            "text": post.text,
            "brand": label.brand.name,
            "verdict": "",
            "cause": "",
            "severity": 0,
        }


def _id(post: Gold, label: Label) -> str:
    return f"{post.where} {label.brand.name}"


def _key(post: Gold, label: Label, seed: str) -> bytes:
    return blake2b(f"{seed}{post.text}{label.brand.name}".encode()).digest()


def agreement(posts: Iterable[Gold], read: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Of the rows a second reader has filled in. Raises ValueError where a row is none of the corpus."""
    known = {_id(post, label): label for post in posts for label in post.labels}
    pairs: list[tuple[Label, Mapping[str, Any]]] = []
    for row in read:
        if row.get("verdict") not in list(Verdict):
            continue
        if row["id"] not in known:
            raise ValueError(f'"{row["id"]}" is not in the corpus; was it changed since the sample was drawn?')
        pairs.append((known[row["id"]], row))
    four = [(str(label.verdict), str(row["verdict"])) for label, row in pairs]
    two = [(one == Verdict.COMPLAINT, other == Verdict.COMPLAINT) for one, other in four]
    graded = [(label.severity, int(row["severity"])) for label, row in pairs if label.severity and row.get("severity")]
    causes = [(label.cause, str(row["cause"])) for label, row in pairs if label.cause and row.get("cause")]
    return {
        "judgements": len(pairs),
        "verdicts alike": alike(four),
        "verdicts kappa": kappa(four),
        "complaint or not alike": alike(two),
        "complaint or not kappa": kappa(two),
        "causes alike": alike(causes),
        "causes kappa": kappa(causes),
        "severities": len(graded),
        "severities in the same band": alike([(band(one), band(other)) for one, other in graded]),
        "severity rank correlation": rank_correlation(graded) if len(graded) > 2 else 0.0,
    }


def band(severity: int) -> int:
    """How many of the corpus' four bands lie below: grumble, ordinary failure, serious, danger (docs/corpus.md)."""
    return bisect(BANDS, severity)


def alike(pairs: Sequence[tuple[object, object]]) -> float:
    return sum(one == other for one, other in pairs) / max(1, len(pairs))


def kappa(pairs: Sequence[tuple[object, object]]) -> float:
    """Agreement beyond what two readers would reach by chance (Cohen 1960)."""
    one, other = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(one[answer] * other[answer] for answer in one) / max(1, len(pairs)) ** 2
    return (alike(pairs) - chance) / (1 - chance) if chance < 1 else 1.0


def main(words: Sequence[str] | None = None) -> None:
    asked = argparse.ArgumentParser(prog="python -m listener.triage.blind", description=__doc__)
    what = asked.add_subparsers(dest="what", required=True)
    drawing = what.add_parser("draw")
    drawing.add_argument("number", type=int)
    drawing.add_argument("--seed", default="")
    what.add_parser("agree").add_argument("file", type=Path)
    given = asked.parse_args(words)
    if given.what == "draw":
        for row in draw(corpus(), given.number, given.seed):
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
        return
    rows = [json.loads(line) for line in given.file.read_text("utf-8").splitlines() if line.strip()]
    for name, value in agreement(corpus(), rows).items():
        sys.stdout.write(f"{name}: {value:.3f}\n" if isinstance(value, float) else f"{name}: {value}\n")


if __name__ == "__main__":
    main()
