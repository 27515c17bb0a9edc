"""Which words of a text say most: the stretch a reason points to. Pure."""

from collections.abc import Sequence
from itertools import accumulate
from operator import sub

from listener.triage.features import Features
from listener.triage.reading import Reading
from listener.triage.tokens import places, split
from listener.triage.weights import Weights, Word

WINDOW = 5  # words


def telling(of: Reading, said: Features, weights: Weights) -> tuple[int, int] | None:
    """Where the few words next to each other stand that weigh most for a complaint; None where there are no words."""
    if not said.words:
        return None
    start = 0
    if of.theirs is not None or len(said.words) != len(of.ours.words):
        return _within(of, weights, said.lang)
    first, last = _heaviest(said.words)
    at = 0
    for number, token in enumerate(split(of.masked)[: last + 1]):
        at = of.masked.find(token, at)
        if number == first:
            start = at
        at += len(token)
    return start, at


def _within(of: Reading, weights: Weights, lang: str) -> tuple[int, int] | None:
    """The same where only parts of the text speak of the brand."""
    inside = [(s, e) for s, e in places(of.masked) if any(a <= s < b for a, b in of.ground.ours)]
    if not inside:
        return None
    first, last = _heaviest(weights.words([of.masked[s:e] for s, e in inside], lang))
    return inside[first][0], inside[last][1]


def _heaviest(words: Sequence[Word]) -> tuple[int, int]:
    size = min(WINDOW, len(words))
    sums = [0, *accumulate([word.weight for word in words])]
    worth = list(map(sub, sums[size:], sums))
    first = worth.index(max(worth))
    within = range(first, first + size)
    said = [number for number in within if words[number].text[:1].isalnum()] or within  # no mark at either end
    return said[0], said[-1]
