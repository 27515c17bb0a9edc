"""Labelled posts -> the head of the sentence model. Needs the extras `train` and `deep`; judging only `deep`.

    python -m listener.triage.train_deep --sets FOLDER      (or $LISTENER_TRAINING_SETS)

Learns from half of what train.py learns of English, by hash: a few minutes. Deterministic. Writes deep.json.
"""

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from listener.deep import AT_ONCE, Sentences
from listener.triage.deep import spoken
from listener.triage.gold import corpus
from listener.triage.reading import reading
from listener.triage.rules import Rules, load_rules
from listener.triage.train import HERE, Example, hash_group, public, written

STRENGTH = 1.0  # 1 / L2
COUNTS = 0.5  # what the head's logit counts for beside ours: posts not learned from would give it a little more
WEIGHTS: Mapping[str, float] = {"corpus": 2.0, "xfincorp": 0.5, "cesamard": 1.0, "umsab_en": 1.0}


def examples(folder: Path | None) -> list[Example]:
    every = [*written(corpus()), *public(folder)]
    return [one for one in every if one.lang == "en" and one.source in WEIGHTS and hash_group(one.text) % 2 == 0]


def vectors(given: Sequence[Example], rules: Rules) -> Any:
    """shape (examples, 384); shortest first, so that little is padded."""
    read = Sentences()
    texts = [spoken(reading(one.text[:20_000], one.brand, one.others, rules)) for one in given]
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    found: Any = np.zeros((len(texts), 384), np.float32)
    for start in range(0, len(order), AT_ONCE):
        places = order[start : start + AT_ONCE]
        found[places] = read([texts[place] for place in places])
    return found


def head(given: Sequence[Example], vectors: Any) -> dict[str, Any]:
    """As deep.json has it."""
    answers = np.array([one.complaint for one in given])
    weights = np.array([WEIGHTS[one.source] for one in given])
    model = LogisticRegression(C=STRENGTH, max_iter=300, random_state=0).fit(vectors, answers, sample_weight=weights)
    learned = [round(float(value), 4) for value in model.coef_[0]]
    return {"counts": COUNTS, "bias": round(float(model.intercept_[0]), 4), "weights": learned}


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m listener.triage.train_deep", description=__doc__)
    asked.add_argument("--sets", type=Path, default=os.environ.get("LISTENER_TRAINING_SETS"), help="A folder.")
    folder = asked.parse_args().sets
    given = examples(Path(folder) if folder else None)
    (HERE / "deep.json").write_text(json.dumps(head(given, vectors(given, load_rules()))) + "\n", "utf-8")


if __name__ == "__main__":
    main()
