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
from listener.triage.tokens import OURS
from listener.triage.weights import Vector, Weights, Word


class _Thirds(dict[int, float]):
    """1, 2, 3 and more as thirds."""

    def __missing__(self, count: int) -> float:
        return 1.0


_UP_TO = _Thirds({0: 0.0, 1: 1 / 3, 2: 2 / 3})
_TURNED = 4  # words after a "not" that it turns
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
_NONE = dict.fromkeys(_KINDS, 0.0)
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
    spoken: int  # words that are more than a mark, a number, a name
    lang: str


def read(text: str, masked: str, spans: Sequence[Span], hits: Sequence[Hit], weights: Weights, lang: str) -> Features:
    """`masked` is lowered, with the names as signs; of both only `spans` are read."""
    if len(spans) == 1 and spans[0] == (0, len(masked)):
        mine, said, shown = masked, hits, text
    else:
        mine = " ".join([masked[start:end] for start, end in spans])
        shown = " ".join([text[start:end] for start, end in spans])
        said = [hit for hit in hits if any(start <= hit.start < end for start, end in spans)]
    words = weights.words(mine, lang)
    shape, spoken = form(shown, mine, words)
    return Features(words, *weights.weighed(words), tuple(counted(said)), shape, spoken, lang)


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


def form(text: str, low: str, words: Sequence[Word]) -> tuple[tuple[float, ...], int]:
    """As FORM, and how many words are spoken."""
    shares, good, bad, spoken = _tally(words)
    end = low.rstrip()[-1:]
    shape = (
        *shares,
        float("?" in low),
        float(end == "?"),
        _UP_TO[low.count("!")],
        _UP_TO[len(_CAPS.findall(text))] if text != low else 0.0,
        _UP_TO[low.count("#")],
        float("..." in low or "…" in low),
        float(not text.isascii() and bool(_PICTURE.search(low))),
        min(math.log(spoken + 1) / 4, 0.95),
        float(spoken < 8),
        float(low[:1] == OURS or low[:1] == "@"),
        float(end == OURS),
        min(good, 8.0) / 4,
        min(bad, 8.0) / 4,
        float(bad > good),
    )
    return shape, spoken


def _tally(words: Sequence[Word]) -> tuple[Iterable[float], float, float, int]:
    """Words of each kind, in thirds; how good and how bad they are, turned after a "not"; how many are spoken."""
    shares = _NONE.copy()
    good = bad = 0.0
    spoken, turned = len(words), -1  # the place up to which a "not" turns
    for place, word in enumerate(words):
        if word.plain:
            continue
        if not word.spoken:
            spoken -= 1
        if valence := word.valence:
            valence *= -0.7 if place <= turned else 1.0
            if valence > 0:
                good += valence
            else:
                bad -= valence
        if kind := word.kind:
            if kind == "stop":
                turned = -1
                continue
            shares[kind] = min(shares[kind] + 1 / 3, 1.0)
            turned = place + _TURNED if kind == "not" else turned
    return shares.values(), good, bad, spoken
