"""The team's word on severities -> a slope and a shift of them. Pure.

A word is one of three in order, milder, right, worse, around the severity that was shown: the proportional odds of
McCullagh 1980. What is shipped is the prior; a part of the verdicts is held back, as in learning.py.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from escalation.events import Rating
from listener.learning import Lesson, Term, newton
from listener.triage import Scale

STEP = 10.0  # points by which a severity must be off before half of the people say so
SPREAD = 6.0  # points: how far apart people are in that
PULL = 100.0, 0.12  # one over the variance of the prior: a tenth of slope, three points
CENTRE = 50.0
NUDGE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """One complaint of which a person has said how bad it is. `severity` is triage's without anything learned."""

    id: int
    severity: int
    shown: int  # what the person saw
    rating: Rating | None = None  # None: nobody has said anything
    title: str = ""


def chance(off: float, rating: Rating) -> float:
    """Of hearing this word, where a severity is `off` points above what was shown."""
    worse, milder = (1 / (1 + math.exp(-(side * off - STEP) / SPREAD)) for side in (1, -1))
    return {Rating.WORSE: worse, Rating.MILDER: milder, Rating.RIGHT: 1 - worse - milder}[rating]


def word(off: float) -> Rating:
    return Rating.WORSE if off >= STEP else Rating.MILDER if off <= -STEP else Rating.RIGHT


def fit(given: Sequence[Graded]) -> Scale:
    def terms(slope: float, shift: float) -> Iterator[Term]:
        for one in given:
            place = one.severity - CENTRE
            yield place, *_pull(CENTRE + slope * place + shift - one.shown, one.rating or Rating.RIGHT)

    slope, shift = newton(terms, PULL)
    return Scale(slope=round(min(max(slope, 0.5), 1.5), 4), shift=round(min(max(shift, -30.0), 30.0), 2))


def _pull(off: float, rating: Rating) -> tuple[float, float]:
    """Of -log(chance): its slope and its bend."""
    low, here, high = (-math.log(max(chance(off + by, rating), 1e-12)) for by in (-NUDGE, 0.0, NUDGE))
    return (high - low) / (2 * NUDGE), max((high - 2 * here + low) / NUDGE**2, 1e-6)


def loss(given: Sequence[Graded], by: Scale) -> float:
    chances = (chance(by.of(one.severity) - one.shown, one.rating) for one in given if one.rating)
    return -sum(math.log(max(each, 1e-9)) for each in chances) / max(1, len(given))


def right(given: Sequence[Graded], by: Scale) -> float:
    """The share of words that this scale would have been spared or has answered."""
    return sum(word(by.of(one.severity) - one.shown) is one.rating for one in given) / max(1, len(given))


learn = Lesson(fit, loss, right).learn
Steps = Sequence[tuple[str, float]]  # each priority, and the least severity that it needs; most urgent first


def changed(given: Iterable[Graded], before: Scale, after: Scale, steps: Steps) -> list[tuple[Graded, str, str]]:
    """Those that would have another priority: what they have, and what they would have."""
    found = ((one, _priority(one, before, steps), _priority(one, after, steps)) for one in given)
    return [(one, was, then) for one, was, then in found if was != then]


def _priority(one: Graded, by: Scale, steps: Steps) -> str:
    return next(name for name, least in steps if by.of(one.severity) >= least)
