"""Which words of a text say most: the stretch a reason points to. Pure."""

from collections.abc import Sequence
from itertools import accumulate
from operator import sub

from listener.triage.features import Features
from listener.triage.reading import Reading
from listener.triage.tokens import places
from listener.triage.weights import Weights, Word

WINDOW = 5  # words


def telling(of: Reading, said: Features, weights: Weights) -> tuple[int, int] | None:
    """Where the few words next to each other stand that weigh most for a complaint; None where there are no words."""
    if not said.words:
        return None
    if of.theirs is not None or len(said.words) != len(of.ours.words):
        return _within(of, weights, said.lang)
    first, last = _heaviest(said.words)
    before, at = weights.before(of.masked, first, said.lang)
    stand = places(of.masked, at, last + 1 - before)
    return stand[first - before][0], stand[-1][1]


def _within(of: Reading, weights: Weights, lang: str) -> tuple[int, int] | None:
    """The same where only parts of the text speak of the brand."""
    everywhere = places(of.masked)
    inside = [(s, e) for a, b in of.ground.ours for s, e in everywhere if a <= s < b]
    if not inside:
        return None
    words = of.ours.words
    if len(words) != len(inside):  # a stretch ends within a token
        words = weights.words(" ".join([of.masked[s:e] for s, e in inside]), lang)
    first, last = _heaviest(words)
    return inside[first][0], inside[last][1]


def _heaviest(words: Sequence[Word]) -> tuple[int, int]:
    size = min(WINDOW, len(words))
    sums = [0, *accumulate([word.weight for word in words])]
    worth = list(map(sub, sums[size:], sums))
    first = worth.index(max(worth))
    within = range(first, first + size)
    said = [number for number in within if words[number].text[:1].isalnum()] or within  # no mark at either end
    return said[0], said[-1]
