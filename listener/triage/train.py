"""Labelled posts -> weights. Needs `pip install listening-post[train]`; judging needs none of it.

    python -m listener.triage.train --sets FOLDER      (or $LISTENER_TRAINING_SETS)

Learns from the corpus of this project and, where the folder has them, from public sets whose licence allows it
(docs/triage.md). Deterministic. Writes weights.bin and weights.json, and the evidence of each family into default.toml.
How bad a complaint is, is learned after that, by train_severity.py; its place in weights.bin stays empty.
"""

import argparse
import json
import os
import re
import sys
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from listener.triage.evaluate import NOBODY, held
from listener.triage.evaluate import calibration as calibration_error
from listener.triage.features import FORM, Features
from listener.triage.gold import Gold, Pair, corpus, severity_pairs
from listener.triage.languages import language
from listener.triage.model import BrandTarget, Verdict
from listener.triage.reading import Reading, reading
from listener.triage.rules import Rules, load_rules
from listener.triage.tokens import normal
from listener.triage.weights import CAUSE_PLACES, HEADS, PAIR, PIECE, SIZE, WORD, Weights, ids

HERE = Path(__file__).parent
HASHED, DENSE, STRENGTH = 1.0, 1.0, 3.0  # how much the words, and the families and the form, may say; 1 / L2
THINGS, GENERAL = 2.0, 0.3  # 1 / L2 of what is said of things, and how much all else that was learned adds to it
FOLDS = 3
OURS = ("corpus", "pairs")  # what was written for this project
PAIRED = 1 << 32  # the first group of the pairs: no other has such a number
# Evidence of what must not be missed, however rare it is in what was learned from.
LEAST = {"danger": 2.2, "safety": 1.4, "legal": 1.0, "discrimination": 1.4, "privacy": 0.6}
CAUSE_NAMES = {"lockout": "lock-out", "noreply": "no reply"}  # as people read them
PRIOR = 0.6  # the share of complaints among posts to a brand; the corpus has fewer, for it is full of hard negatives


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    text: str
    complaint: bool
    source: str
    weight: float
    group: int
    lang: str = "en"
    brand: BrandTarget = NOBODY
    others: tuple[BrandTarget, ...] = ()
    verdict: Verdict | None = None
    severity: int = 0
    cause: str = ""
    tags: frozenset[str] = frozenset()


def log(told: str) -> None:
    sys.stderr.write(told + "\n")


def written(posts: Sequence[Gold], weight: float = 3.0) -> Iterator[Example]:
    for number, post in enumerate(posts):
        for label in post.labels:
            yield Example(
                text=post.text,
                complaint=label.verdict is Verdict.COMPLAINT,
                source="corpus",
                weight=weight,
                group=number,
                lang=post.lang,
                brand=label.brand,
                others=tuple(other.brand for other in post.labels if other is not label),
                verdict=label.verdict,
                severity=label.severity,
                cause=CAUSE_NAMES.get(label.cause, label.cause),
                tags=post.tags,
            )


def paired(pairs: Sequence[Pair], weight: float = 1.0) -> Iterator[Example]:
    """Both posts of the ordered pairs that are worked on: grave or slight, each is a complaint."""
    for number, pair in enumerate(pair for pair in pairs if not held(pair)):
        for brand, text in (pair.worse, pair.milder):
            yield Example(
                text=text,
                complaint=True,
                source="pairs",
                weight=weight,
                group=PAIRED + number,
                lang=language("", text, load_rules().weights.votes)[0],
                brand=brand,
                verdict=Verdict.COMPLAINT,
            )


# set -> the label that counts as a complaint, how much a row counts, the language
PUBLIC: Mapping[str, tuple[str, float, str]] = {
    "xfincorp": ("complaint", 1.0, "en"),
    "cesamard": ("complaint", 1.0, "en"),
    "umsab_en": ("negative", 1.0, "en"),
    "mams": ("negative", 0.5, "en"),
    **{f"umsab_{lang}": ("negative", 1.0, lang) for lang in ("es", "fr", "de", "pt", "it")},
}


def public(folder: Path | None) -> Iterator[Example]:
    for name, (positive, weight, lang) in PUBLIC.items():
        file = folder / f"{name}.jsonl" if folder else None
        if file is None or not file.exists():
            log(f"{name}: not there, left out")
            continue
        for number, line in enumerate(file.read_text("utf-8").splitlines()):
            yield _row(json.loads(line), name, positive, weight, lang, number)


def _row(row: Mapping[str, Any], name: str, positive: str, weight: float, lang: str, number: int) -> Example:
    return Example(
        text=row["text"],
        complaint=row["label"] == positive,
        source=name,
        weight=weight,
        group=hash_group(row["text"]),
        lang=lang,
        brand=BrandTarget(name=row["target"], thing=True) if name == "mams" else NOBODY,
        verdict=Verdict.PRAISE if row["label"] == "positive" else None,
    )


def hash_group(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "replace"))


@dataclass(slots=True)
class Design:
    """What the examples look like to the model: hashed words, and families with form."""

    readings: list[Reading]
    words: Any
    dense: Any


def design(examples: Sequence[Example], rules: Rules) -> Design:
    readings = [reading(one.text[:20_000], one.brand, one.others, rules, one.lang) for one in examples]
    langs = [one.lang for one in examples]
    return Design(readings, *matrices([of.ours for of in readings], langs, rules))


def matrices(features: Sequence[Features], langs: Sequence[str], rules: Rules) -> tuple[Any, Any]:
    columns = {family.name: number for number, family in enumerate(rules.families)}
    places, values, ends = array("i"), array("f"), [0]
    dense: Any = np.zeros((len(features), len(columns) + len(FORM)), np.float32)
    for row, (of, lang) in enumerate(zip(features, langs, strict=True)):
        vector = hashed(of, lang)
        places.extend(vector)
        values.extend(vector.values())
        ends.append(len(places))
        if lang == "en":
            for hit, share in of.families:
                dense[row, columns[hit.family.name]] += share * (-1.3 if hit.negated else 1.0)
            dense[row, len(columns) :] = of.form
    shape = (len(features), SIZE)
    return sparse.csr_matrix((np.array(values), np.array(places, np.int32), np.array(ends, np.int32)), shape), dense


_places = lru_cache(maxsize=300_000)(ids)


def hashed(of: Features, lang: str) -> dict[int, float]:
    """The vector that Weights.scores() multiplies with its tables."""
    found: dict[int, float] = {}
    for word in of.vector.words:
        _, own, pieces = _places(word.text, lang)
        found[own] = found.get(own, 0.0) + WORD
        for piece in pieces:
            found[piece] = found.get(piece, 0.0) + PIECE
    for pair in of.vector.pairs:
        found[pair] = found.get(pair, 0.0) + PAIR
    return {place: value / of.vector.length for place, value in sorted(found.items())}


def joined(of: Design, rows: Any) -> Any:
    return sparse.hstack([HASHED * of.words[rows], DENSE * sparse.csr_matrix(of.dense[rows])]).tocsr()


def fitted(of: Design, answers: Any, weights: Any, rows: Any, strength: float = STRENGTH) -> LogisticRegression:
    model = LogisticRegression(C=strength, solver="liblinear", tol=1e-2, random_state=0)
    return model.fit(_small(joined(of, rows)), answers[rows], sample_weight=weights[rows])


def _small(matrix: Any) -> Any:
    """liblinear takes 32-bit places only."""
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    return matrix


def logits(model: LogisticRegression, of: Design, rows: Any) -> Any:
    return model.decision_function(_small(joined(of, rows)))


def unseen(of: Design, answers: Any, weights: Any, groups: Any, theirs: Design | None) -> tuple[Any, Any]:
    """The logit of each example, and of its other side, by a model that learned neither from it nor from its likes."""
    said, other = np.zeros(len(answers)), np.zeros(len(answers))
    folds = groups % FOLDS
    for fold in range(FOLDS):
        held = np.flatnonzero(folds == fold)
        model = fitted(of, answers, weights, np.flatnonzero(folds != fold))
        said[held] = logits(model, of, held)
        if theirs is not None:
            other[held] = logits(model, theirs, held)
    return said, other


def valences() -> Any:
    """How good or bad single words are to human raters: the lexicon of VADER (Hutto & Gilbert 2014, MIT), hashed."""
    table: Any = np.zeros(SIZE, np.float32)
    for word, value in SentimentIntensityAnalyzer().lexicon.items():
        if word.isalpha() or len(word) <= 2:
            table[ids(normal(word), "en")[1]] = value
    return table


def quantised(table: Any) -> tuple[bytes, float]:
    """Two bytes a weight, and what a step is worth."""
    scale = float(np.abs(table).max()) / 32_767 or 1.0
    return np.round(table / scale).astype("<i2").tobytes(), scale


def common_words(examples: Iterable[Example], least: int = 3) -> str:
    """Words that stand in lower case so often that a capital makes them no name."""
    low: Counter[str] = Counter()
    high: Counter[str] = Counter()
    for text in {one.text for one in examples}:
        low.update(re.findall(r"(?<![\w@#.])[a-z][a-z']+", text))
        high.update(word.lower() for word in re.findall(r"(?<=[a-z,] )[A-Z][a-z']+", text))
    return " ".join(sorted(word for word, number in low.items() if number >= max(least, 2 * high[word])))


@dataclass(slots=True)
class Learned:
    """Everything training finds; written as it stands."""

    tables: list[Any]
    numbers: dict[str, Any]
    families: dict[str, dict[str, float]]
    causes: bytes = b""


def train(examples: Sequence[Example], rules: Rules) -> Learned:
    rules.weights.common = frozenset(common_words(examples).split())
    tables: list[Any] = [np.zeros(SIZE, np.float32) for _ in HEADS]
    tables[HEADS.index("valence")] = valences()
    install(rules.weights, tables)
    numbers: dict[str, Any] = {
        "common": " ".join(sorted(rules.weights.common)),
        "languages": {},
        "tongues": tongues(examples),
        "calibration": {},
    }
    families: dict[str, dict[str, float]] = {family.name: {} for family in rules.families}
    english = [one for one in examples if one.lang == "en"]
    learned = Learned(tables, numbers, families)
    _english(english, rules, learned)
    for lang in sorted({one.lang for one in examples} - {"en"}):
        _foreign([one for one in examples if one.lang == lang], lang, rules, learned)
    return learned


def install(weights: Weights, tables: Sequence[Any]) -> None:
    """The tables as they will be read: two bytes a weight."""
    found = [quantised(table) for table in tables]
    weights.tables = tuple(array("h", data) for data, _ in found)
    weights.scales = tuple(scale for _, scale in found)
    weights.forget()


def _english(examples: Sequence[Example], rules: Rules, into: Learned) -> None:
    of = design(examples, rules)
    answers, weights, groups = columns(examples)
    everyone = np.arange(len(examples))
    theirs = other_side(of, rules)
    ours_said, theirs_said = unseen(of, answers, weights, groups, theirs)
    things = np.flatnonzero(of_source(examples, "mams"))
    said_of_things(Known(of, theirs, answers, groups), things, (ours_said, theirs_said), into)
    model = fitted(of, answers, weights, everyone)
    into.tables[0] += HASHED * model.coef_[0][:SIZE]
    names, dense = [family.name for family in rules.families], model.coef_[0][SIZE:]
    for name, value in zip(names, dense, strict=False):
        into.families[name]["evidence"] = round(max(float(value), LEAST.get(name, -9.0)), 2)
    into.numbers["form"] = [round(float(value), 3) for value in dense[len(names) :]]
    into.numbers["bias"] = round(float(model.intercept_[0]), 3)
    two = np.array([reading.theirs is not None for reading in of.readings])
    damned = np.array([reading.ground.damned for reading in of.readings])
    said = ours_said.copy()
    for key, rows in (("brands", two & of_source(examples, "corpus")), ("things", two & of_source(examples, "mams"))):
        if rows.sum() < 30:
            into.numbers[f"contrast {key}"] = [1.0, 0.0, 1.0, 0.0]
            continue
        table = np.stack([ours_said, theirs_said, damned], 1)[rows]
        against = LogisticRegression(C=10, random_state=0).fit(table, answers[rows])
        into.numbers[f"contrast {key}"] = [round(float(v), 3) for v in (*against.coef_[0], against.intercept_[0])]
        said[rows] = against.decision_function(table)
    into.numbers["calibration"]["en"] = calibration(said, answers, weights)
    into.numbers["unseen"] = figures_of(examples, said, answers, into.numbers["calibration"]["en"])
    _kinds(examples, of, into, names)
    _causes(examples, of, rules, into)


class Known(NamedTuple):
    """The examples as either side of them sees them, and what they are."""

    of: Design
    theirs: Design
    answers: Any
    groups: Any


def said_of_things(known: Known, rows: Any, said: tuple[Any, Any], into: Learned) -> None:
    """A dish or a room among others is told of otherwise than a firm: its words have weights of their own.

    `said` is what all examples teach; for `rows` it becomes what is said of things, by models that learned elsewhere.
    """
    into.numbers["thing"] = {"bias": 0.0, "general": 1.0}
    if not len(rows):
        return
    model = LogisticRegression(C=THINGS, solver="liblinear", tol=1e-2, random_state=0)
    for fold in range(FOLDS):
        here = known.groups[rows] % FOLDS == fold
        model.fit(_small(known.of.words[rows[~here]]), known.answers[rows[~here]])
        for whose, design in zip(said, (known.of, known.theirs), strict=True):
            held = rows[here]
            whose[held] = GENERAL * whose[held] + model.decision_function(_small(design.words[held]))
    model.fit(_small(known.of.words[rows]), known.answers[rows])
    into.tables[HEADS.index("thing")] += model.coef_[0]
    into.numbers["thing"] = {"bias": round(float(model.intercept_[0]), 3), "general": GENERAL}


def figures_of(examples: Sequence[Example], said: Any, answers: Any, by: Sequence[float]) -> dict[str, list[float]]:
    """Of each source: posts, macro-F1 and calibration error on what was not learned from."""
    probability = 1 / (1 + np.exp(-(by[0] * said + by[1])))
    found = {}
    for source in sorted({one.source for one in examples} - {"pairs"}):  # those are all complaints
        rows = of_source(examples, source)
        true, yes = answers[rows], probability[rows] >= 0.5
        f1 = [2 * int((true & yes).sum()) / max(1, int(true.sum() + yes.sum()))]
        f1.append(2 * int((~true & ~yes).sum()) / max(1, int((~true).sum() + (~yes).sum())))
        off = calibration_error(list(zip(probability[rows].tolist(), true.tolist(), strict=True)))
        found[source] = [int(rows.sum()), round(sum(f1) / 2, 4), round(off, 4)]
        log(f"{source}, not learned from: {found[source]}")
    return found


def columns(examples: Sequence[Example]) -> tuple[Any, Any, Any]:
    return (
        np.array([one.complaint for one in examples]),
        np.array([one.weight for one in examples]),
        np.array([one.group for one in examples]),
    )


def of_source(examples: Sequence[Example], source: str) -> Any:
    return np.array([one.source == source for one in examples])


def other_side(of: Design, rules: Rules) -> Design:
    """The same examples as their other brand would see them."""
    features = [reading.theirs or reading.ours for reading in of.readings]
    return Design(of.readings, *matrices(features, ["en"] * len(features), rules))


def calibration(said: Any, answers: Any, weights: Any) -> list[float]:
    """Platt 1999: slope and bias that make a logit a probability where PRIOR of the posts to a brand are complaints."""
    share = float((weights * answers).sum() / weights.sum())
    weights = weights * np.where(answers, PRIOR / share, (1 - PRIOR) / (1 - share))
    model = LogisticRegression(C=1e4, random_state=0).fit(said[:, None], answers, sample_weight=weights)
    return [round(float(model.coef_[0][0]), 3), round(float(model.intercept_[0]), 3)]


def _kinds(examples: Sequence[Example], of: Design, into: Learned, names: Sequence[str]) -> None:
    """Praise, question or other, of what is no complaint."""
    order = [Verdict.PRAISE, Verdict.QUESTION, Verdict.OTHER]
    rows = np.array([n for n, one in enumerate(examples) if one.verdict in order])
    answers = np.array([order.index(examples[row].verdict) for row in rows])
    weights = np.array([1.0 if examples[row].source in OURS else 0.1 for row in rows])
    model = LogisticRegression(C=STRENGTH, solver="lbfgs", max_iter=25, random_state=0)
    model.fit(joined(of, rows), answers, sample_weight=weights)
    for number, key in enumerate(("praise", "question", "other")):
        into.tables[number + 1] += HASHED * model.coef_[number][:SIZE]
        for name, value in zip(names, model.coef_[number][SIZE:], strict=False):
            into.families[name][key] = round(float(value), 2)
    into.numbers["kinds"] = {
        "bias": [round(float(value), 3) for value in model.intercept_],
        "form": [[round(float(v), 3) for v in row[SIZE + len(names) :]] for row in model.coef_],
    }


def _foreign(examples: Sequence[Example], lang: str, rules: Rules, into: Learned) -> None:
    of = design(examples, rules)
    answers, weights, groups = columns(examples)
    said, _ = unseen(of, answers, weights, groups, None)
    model = fitted(of, answers, weights, np.arange(len(examples)))
    into.tables[0] += HASHED * model.coef_[0][:SIZE]
    kinds = _foreign_kinds(examples, of, into)
    into.numbers["languages"][lang] = {"bias": round(float(model.intercept_[0]), 3), "kinds": kinds}
    into.numbers["calibration"][lang] = calibration(said, answers, weights)


def _foreign_kinds(examples: Sequence[Example], of: Design, into: Learned) -> list[float]:
    order = [Verdict.PRAISE, Verdict.QUESTION, Verdict.OTHER]
    rows = np.array([n for n, one in enumerate(examples) if one.verdict in order])
    answers = np.array([order.index(examples[row].verdict) for row in rows])
    if len(set(answers.tolist())) < len(order):
        return [0.0, 0.0, 1.0]
    weights = np.array([1.0 if examples[row].source in OURS else 0.1 for row in rows])
    model = LogisticRegression(C=STRENGTH, max_iter=40, random_state=0)
    model.fit(of.words[rows], answers, sample_weight=weights)
    for number in range(len(order)):
        into.tables[number + 1] += model.coef_[number]
    return [round(float(value), 3) for value in model.intercept_]


def write(learned: Learned, folder: Path) -> None:
    found = [quantised(table) for table in learned.tables]
    (folder / "weights.bin").write_bytes(b"".join(data for data, _ in found))
    (folder / "causes.bin").write_bytes(learned.causes)
    numbers = {"scales": [scale for _, scale in found], **learned.numbers}
    (folder / "weights.json").write_text(json.dumps(numbers, indent=1, ensure_ascii=False) + "\n", "utf-8")
    rules = folder / "default.toml"
    rules.write_text(_told(rules.read_text("utf-8"), learned), "utf-8")


def _told(text: str, learned: Learned) -> str:
    """default.toml with what was learned of each family, and nothing else changed."""
    for name, values in learned.families.items():
        head, table, rest = text.partition(f"[family.{name}]\n")
        body, phrases, tail = rest.partition("phrases = [")
        kept = [line for line in body.splitlines() if line.split(" = ")[0] not in values]
        told = [f"{key} = {value:g}" for key, value in values.items() if value]
        text = head + table + "\n".join([*told, *kept]) + "\n" + phrases + tail
    return re.sub(r"^bias = [-\d.]+", f"bias = {learned.numbers['bias']}", text, count=1, flags=re.MULTILINE)


def tongues(examples: Sequence[Example], most: int = 200) -> dict[str, str]:
    """For each language the words that are hardly ever found in the others."""
    counts: dict[str, Counter[str]] = {}
    for one in examples:
        words = set(re.findall(r"[^\W\d_]+", re.sub(r"[@#]\w+|https?://\S+", " ", one.text.lower())))
        counts.setdefault(one.lang, Counter()).update(words)
    posts = Counter(one.lang for one in examples)
    found = {}
    for lang, mine in counts.items():

        def share(word: str, lang: str = lang) -> float:
            rates = {other: counts[other][word] / posts[other] for other in counts}
            return rates[lang] / sum(rates.values())

        telling = [word for word, number in mine.most_common(4000) if number >= 4 and share(word) >= 0.93]
        found[lang] = " ".join(sorted(telling[:most]))
    return found


def _causes(examples: Sequence[Example], of: Design, rules: Rules, into: Learned) -> None:
    rows = np.array([n for n, one in enumerate(examples) if one.cause])
    names = sorted({examples[row].cause for row in rows})
    words = _only_words([of.readings[row].ours for row in rows])
    votes: Any = np.zeros((len(rows), len(names)))
    for place, row in enumerate(rows):
        for hit, share in of.readings[row].ours.families:
            if hit.family.cause in names and not hit.negated:
                votes[place, names.index(hit.family.cause)] += share
    answers = np.array([names.index(examples[row].cause) for row in rows])
    right = []
    for vote in (0.5, 1.0, 1.5):
        held = np.arange(len(rows)) % FOLDS == 0
        part = _cause_model(words[~held], answers[~held])
        right.append(
            (
                float((np.argmax(part.decision_function(words[held]) + vote * votes[held], 1) == answers[held]).mean()),
                vote,
            )
        )
    log(f"cause of posts not learned from: {max(right)[0]:.1%} right")
    model = _cause_model(words, answers)
    scale = float(np.abs(model.coef_).max()) / 127
    into.causes = np.round(model.coef_.T / scale).astype(np.int8).tobytes()
    bias = [round(float(value), 3) for value in model.intercept_]
    into.numbers["causes"] = {"names": names, "bias": bias, "scale": scale, "votes": max(right)[1]}


def _cause_model(words: Any, answers: Any) -> LogisticRegression:
    return LogisticRegression(C=20.0, max_iter=40, random_state=0).fit(words, answers)


def _only_words(features: Sequence[Features]) -> Any:
    """As Weights.cause() reads them: the words and their pieces, each counting one."""
    places, values, ends = array("i"), array("f"), [0]
    for of in features:
        found: Counter[int] = Counter()
        for word in of.vector.words:
            _, own, pieces = _places(word.text, "en")
            found.update(place % CAUSE_PLACES for place in (own, *pieces))
        places.extend(found)
        values.extend(number / of.vector.length for number in found.values())
        ends.append(len(places))
    shape = (len(features), CAUSE_PLACES)
    return sparse.csr_matrix((np.array(values), np.array(places, np.int32), np.array(ends, np.int32)), shape)


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m listener.triage.train", description=__doc__)
    asked.add_argument(
        "--sets", type=Path, default=os.environ.get("LISTENER_TRAINING_SETS"), help="Folder of .jsonl files."
    )
    given = asked.parse_args()
    examples = [*written(corpus()), *paired(severity_pairs()), *public(Path(given.sets) if given.sets else None)]
    write(train(examples, load_rules()), HERE)


if __name__ == "__main__":
    main()
