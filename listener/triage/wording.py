"""Which words of a text say most: the stretch a reason points to. Pure."""

from itertools import accumulate
from operator import sub

from listener.triage.features import Features
from listener.triage.reading import Reading
from listener.triage.tokens import places
from listener.triage.weights import Weights

WINDOW = 5  # words


def telling(of: Reading, said: Features, weights: Weights, head: int = 0) -> tuple[int, int] | None:
    """Where the few words next to each other stand that weigh most in this head; None where there are no words."""
    inside = places(of.masked)
    if of.theirs is not None:
        inside = [(s, e) for s, e in inside if any(a <= s < b for a, b in of.ground.ours)]
    if not inside:
        return None
    words = weights.words([of.masked[s:e] for s, e in inside], said.lang)
    size = min(WINDOW, len(words))
    sums = [0.0, *accumulate([word.weights[head] for word in words])]
    worth = list(map(sub, sums[size:], sums))
    at = worth.index(max(worth))
    return inside[at][0], inside[at + size - 1][1]
