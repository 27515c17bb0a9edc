"""Labelled severities and ordered pairs -> all points of severity: harm.toml, default.toml, severity.bin and .json.

    python -m listener.triage.train_severity        (after listener.triage.train; needs the same extra)

Deterministic. Ridge regression near the points in SEVERITIES, on the corpus' severities and on the pairs that are
worked on (evaluate.held): the worse post of a pair shall stand MARGIN points above the milder one (squared hinge).
Solved in its dual form, as there are fewer posts than words.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve

from listener.triage.evaluate import held, rank_correlation
from listener.triage.gold import corpus, severity_pairs
from listener.triage.languages import language
from listener.triage.model import BrandTarget
from listener.triage.reading import Reading, reading
from listener.triage.rules import LANGUAGES, Rules, load_rules
from listener.triage.severity import NEGATED, numbered
from listener.triage.train import hashed, log, quantised
from listener.triage.weights import SIZE

HERE = Path(__file__).parent
# What a care lead would give; what is learned stays near, and keeps its sign: a reason must make sense to its reader.
SEVERITIES = {
    "hurt": 24, "death": 32, "fire": 28, "unsafe": 20, "poison": 22, "medicine": 16, "frail": 10, "assault": 22,
    "hate": 20, "law": 19, "data": 17, "home": 15, "livelihood": 14, "chance": 12, "many": 12, "stranded": 11,
    "trifle": -11, "mended": -9,
}  # fmt: skip
FAMILY = "family."  # of default.toml, in front of its name
FAMILIES = {
    "danger": 16, "safety": 12, "legal": 10, "discrimination": 10, "privacy": 8, "lockout": 7, "vulnerable": 6,
    "billing": 5, "outage": 5, "deadline": 5, "cancellation": 4, "no_reply": 4, "repeat": 4, "refund": 4, "staff": 4,
    "churn": 4, "public": 4, "failure": 3, "delivery": 3, "time_lost": 3, "hygiene": 3, "anger": 2, "policy": 1,
    "usability": 1, "sarcasm": 1, "praise": -3, "solved": -8,
}  # fmt: skip
LEAST = 1.0  # points under which a family is not worth a line; those not named above have none
PULL, BASE_PULL = 12.0, 0.5  # how hard the points of a family, and the base of a language, are held
LIGHT = 0.75  # words count less than families, which can be told to a reader
PAIRS, MARGIN, ROUNDS = 2.0, 35.0, 3


class Rows:
    """What posts look like to the model: harm and language beside the words; and the points that are given."""

    def __init__(self, readings: Sequence[Reading], rules: Rules):
        self.names = names = named(rules)
        self.dense: Any = np.zeros((len(readings), len(names) + len(LANGUAGES)))
        self.given = np.array([_given(of, rules) for of in readings])
        for row, of in enumerate(readings):
            self.dense[row, len(names) + LANGUAGES.index(of.ours.lang)] = 1.0
            for hit, share in of.harms:
                self.dense[row, names.index(hit.family.name)] += share
            for hit, share in of.ours.families:
                if not hit.negated:
                    self.dense[row, names.index(FAMILY + hit.family.name)] += share
        self.words = LIGHT * _words(readings)


def named(rules: Rules) -> list[str]:
    """Harm, then the families of default.toml."""
    return [*SEVERITIES, *[FAMILY + family.name for family in rules.families]]


def _given(of: Reading, rules: Rules) -> float:
    phrases = sum(share * NEGATED for hit, share in of.ours.families if hit.negated)
    return rules.base_severity + phrases + sum(reason.points for reason in numbered(of))


def _words(readings: Sequence[Reading]) -> Any:
    found = [hashed(of.ours, of.ours.lang) for of in readings]
    ends = np.cumsum([0, *map(len, found)])
    places = [place for one in found for place in one]
    values = [value for one in found for value in one.values()]
    return sparse.csr_matrix((values, places, ends), (len(readings), SIZE))


def fit(graded: Rows, severities: Any, worse: Rows, milder: Rows) -> tuple[Any, Any]:
    """The points of each family and of each language, and the table of words."""
    points = SEVERITIES | {FAMILY + family: points for family, points in FAMILIES.items()}
    prior = np.array([*[points.get(name, 0.0) for name in graded.names], *[0.0] * len(LANGUAGES)], float)
    families = np.arange(len(prior)) < len(graded.names)
    free = ~families | (prior != 0)
    while True:
        found, table = _near(prior, free, graded, severities, worse, milder)
        out = free & families & (found * np.sign(prior) < LEAST)
        if not out.any():
            return found, table
        prior[out], free[out] = np.sign(prior[out]) * LEAST, False


def _near(prior: Any, free: Any, graded: Rows, severities: Any, worse: Rows, milder: Rows) -> tuple[Any, Any]:
    """Points near the prior, and just there where they are not free."""
    languages = np.arange(len(prior)) >= len(graded.names)
    scale = np.where(languages, BASE_PULL, PULL) ** -0.5 * free
    apart = worse.dense - milder.dense
    sheet = sparse.vstack([
        sparse.hstack([graded.dense * scale, graded.words]),
        sparse.hstack([apart * scale, worse.words - milder.words]),
    ]).tocsr()  # fmt: skip
    wanted = np.concatenate([
        severities - graded.given - graded.dense @ prior,
        MARGIN - (worse.given - milder.given) - apart @ prior,
    ])  # fmt: skip
    found = sheet.T @ _dual((sheet @ sheet.T).toarray(), wanted, len(severities))
    return prior + found[: len(prior)] * scale, found[len(prior) :]


def _dual(kernel: Any, wanted: Any, graded: int) -> Any:
    """Only pairs that are not yet MARGIN apart pull."""
    everyone = np.arange(len(wanted))
    rows, answer = everyone, np.zeros(len(wanted))
    for _ in range(ROUNDS):
        loose = np.where(rows < graded, 1.0, 1 / PAIRS)
        solved = cho_solve(cho_factor(kernel[np.ix_(rows, rows)] + np.diag(loose)), wanted[rows])
        answer = np.zeros(len(wanted))
        answer[rows] = solved
        rows = everyone[(everyone < graded) | (kernel @ answer < wanted)]
    return answer


def gold(rules: Rules) -> tuple[list[Reading], Any]:
    readings, severities = [], []
    for post in corpus():
        for label in post.labels:
            if label.severity:
                others = [other.brand for other in post.labels if other is not label]
                readings.append(reading(post.text, label.brand, others, rules, post.lang))
                severities.append(float(label.severity))
    return readings, np.array(severities)


def sides(rules: Rules) -> tuple[list[Reading], list[Reading]]:
    """Of the pairs that are worked on; those held back are not looked at."""
    worked = [pair for pair in severity_pairs() if not held(pair)]
    return [_side(pair.worse, rules) for pair in worked], [_side(pair.milder, rules) for pair in worked]


def _side(side: tuple[BrandTarget, str], rules: Rules) -> Reading:
    brand, text = side
    return reading(text, brand, (), rules, language("", text, rules.weights.votes)[0])


def write(points: Any, table: Any, rules: Rules, folder: Path) -> None:
    data, scale = quantised(LIGHT * table)
    (folder / "severity.bin").write_bytes(data)
    base = dict(zip(LANGUAGES, [round(float(value), 1) for value in points[-len(LANGUAGES) :]], strict=True))
    (folder / "severity.json").write_text(json.dumps({"scale": scale, "base": base}, indent=1) + "\n", "utf-8")
    told = dict(zip(named(rules), points, strict=False))
    for file in ("harm.toml", "default.toml"):
        text = (folder / file).read_text("utf-8")
        (folder / file).write_text(
            re.sub(r"\[(harm|family)\.\w+\]\n(?:\w+ = [^\[\n]+\n)*", partial(_pointed, told), text), "utf-8"
        )


def _pointed(told: Mapping[str, float], table: re.Match[str]) -> str:
    """A table with its points; all else stays."""
    head, *lines = table[0].splitlines()
    name = head.strip("[]").removeprefix("harm.")
    kept = [line for line in lines if not line.startswith("severity = ")]
    place = next((n for n, line in enumerate(lines) if line.startswith("severity = ")), 0)
    return "\n".join([head, *kept[:place], f"severity = {told[name]:.1f}", *kept[place:]]) + "\n"


def main() -> None:
    rules = load_rules()
    readings, severities = gold(rules)
    worse, milder = sides(rules)
    pairs = Rows(worse, rules), Rows(milder, rules)
    third = np.arange(len(readings)) % 3 == 0
    graded, unseen = (
        Rows([of for of, out in zip(readings, third, strict=True) if not out], rules),
        Rows([of for of, out in zip(readings, third, strict=True) if out], rules),
    )
    points, table = fit(graded, severities[~third], *pairs)
    said = unseen.given + unseen.dense @ points + unseen.words @ table
    told = list(zip(said.tolist(), severities[third].tolist(), strict=True))
    off = np.abs(said - severities[third]).mean()
    log(f"a third of the corpus, not learned from: rank correlation {rank_correlation(told):.3f}, off by {off:.1f}")
    write(*fit(Rows(readings, rules), severities, *pairs), rules, HERE)


if __name__ == "__main__":
    main()
