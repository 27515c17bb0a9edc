"""A text, or the stretches of it that speak of one brand -> what the model looks at. Pure.

The words themselves (weights.py), the families of phrases (default.toml, evidence.py), and its form: how it asks, how
loud it is, whom it speaks to, how long it is. Training and judging read a text with the same function.
"""

import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from listener.triage.evidence import Hit
from listener.triage.naming import Span
from listener.triage.tokens import OURS, split
from listener.triage.weights import Vector, Weights, Word, vector


class _Thirds(dict[int, float]):
    """1, 2, 3 and more as thirds."""

    def __missing__(self, count: int) -> float:
        return 1.0


_UP_TO = _Thirds({0: 0.0, 1: 1 / 3, 2: 2 / 3})
AGAIN = 1 / 3  # what a second phrase of a family counts
MOST = 3  # phrases of a family that count
_CAPS = re.compile(r"[A-Z](?<!\w[A-Z])[A-Z]{2,}\b")  # a pattern that begins with letters is searched for faster
_PICTURE = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")
_KINDS = (
    "first",
    "second",
    "again",
    "but",
    "thanks",
    "please",
    "why",
    "time",
    "money",
    "url",
    "number",
    "not",
    "tries",
)
_NONE = dict.fromkeys(_KINDS, 0)
FORM = (
    *_KINDS, "asks", "asks last", "loud", "capitals", "hashtags", "trails off", "pictures", "length", "short",
    "begins with us", "ends with us", "good words", "bad words", "more bad than good",
)  # fmt: skip


class Features(NamedTuple):
    words: tuple[Word, ...]
    vector: Vector
    heads: tuple[float, ...]  # what the words say to each of weights.HEADS
    families: tuple[tuple[Hit, float], ...]  # each hit with its share
    form: tuple[float, ...]  # as FORM
    lang: str


def read(text: str, masked: str, spans: Sequence[Span], hits: Sequence[Hit], weights: Weights, lang: str) -> Features:
    """`masked` is lowered, with the names as signs; of both only `spans` are read."""
    if len(spans) == 1 and spans[0] == (0, len(masked)):
        mine, said, shown = masked, hits, text
    else:
        mine = " ".join([masked[start:end] for start, end in spans])
        shown = " ".join([text[start:end] for start, end in spans])
        said = [hit for hit in hits if any(start <= hit.start < end for start, end in spans)]
    words = weights.words(split(mine), lang)
    of = vector(words)
    return Features(words, of, weights.scores(of), tuple(counted(said)), form(shown, mine, words), lang)


def counted(found: Sequence[Hit]) -> list[tuple[Hit, float]]:
    """Each hit with its share: the first of a family whole, later ones less, so that length does not add up."""
    seen: dict[str, int] = {}
    shares: list[tuple[Hit, float]] = []
    for hit in found:
        if hit.negated and hit.family.negation == "cancel":
            continue
        number = seen.get(hit.family.name, 0)
        if number < MOST:
            seen[hit.family.name] = number + 1
            shares.append((hit, 1.0 if number == 0 else AGAIN))
    return shares


def form(text: str, low: str, words: Sequence[Word]) -> tuple[float, ...]:
    counts, good, bad = _tally(words)
    long = len([word for word in words if word.mass > 1])  # marks and numbers have no pieces, and do not count
    end = low.rstrip()[-1:]
    return (
        *[_UP_TO[count] for count in counts],
        float("?" in low),
        float(end == "?"),
        _UP_TO[low.count("!")],
        _UP_TO[len(_CAPS.findall(text))] if text != low else 0.0,
        _UP_TO[low.count("#")],
        float("..." in low or "…" in low),
        float(not low.isascii() and bool(_PICTURE.search(low))),
        min(math.log(long + 1) / 4, 0.95),
        float(long < 8),
        float(low[:1] == OURS or low[:1] == "@"),
        float(end == OURS),
        min(good, 8.0) / 4,
        min(bad, 8.0) / 4,
        float(bad > good),
    )


def _tally(words: Sequence[Word]) -> tuple[Iterable[int], float, float]:
    """How many words of each kind, and how good and how bad they are; "not" turns the next three."""
    counts = _NONE.copy()
    good = bad = 0.0
    scope = 0
    for word in words:
        if valence := word.valence:
            if scope > 0:
                valence *= -0.7
            if valence > 0:
                good += valence
            else:
                bad -= valence
        scope -= 1
        if kind := word.kind:
            if kind == "stop":
                scope = 0
                continue
            counts[kind] += 1
            scope = 4 if kind == "not" else scope
    return counts.values(), good, bad
