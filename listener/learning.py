"""The team's verdicts -> how sure triage should be: a slope and a shift on its logits. Pure.

What is shipped is the prior: with few verdicts nothing moves far. A part of the verdicts is held back; what was learned
is worth taking on only when it is no worse on those.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

HELD = 4  # one in so many verdicts is held back
PULL = 40.0, 10.0  # how strongly the prior pulls at slope and shift, as so many verdicts would
LEAST = 30  # verdicts under which nothing is learned
STEPS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicted:
    """One mention that a person has judged. `logit` is what triage makes of it without anything learned."""

    id: int
    logit: float
    complaint: bool
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    slope: float = 1.0
    shift: float = 0.0

    def probability(self, logit: float) -> float:
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, self.slope * logit + self.shift))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """On verdicts that were held back: how good before, how good after."""

    verdicts: int
    held: int
    before_loss: float  # mean negative log likelihood, less is better
    after_loss: float
    before_right: float  # share
    after_right: float

    @property
    def no_worse(self) -> bool:
        return self.after_loss <= self.before_loss and self.after_right >= self.before_right


class Numbered(Protocol):
    @property
    def id(self) -> int: ...


V = TypeVar("V", bound=Numbered)
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Lesson(Generic[V, B]):
    """How one kind of verdict is learned from, and two measures of how good that is: a loss, and the share right."""

    fit: Callable[[Sequence[V]], B]
    loss: Callable[[Sequence[V], B], float]
    right: Callable[[Sequence[V], B], float]

    def learn(self, given: Sequence[V], now: B) -> tuple[B, Comparison]:
        """What all but the held-back verdicts teach, beside what is in force."""
        held = [one for one in given if one.id % HELD == 0]
        found = self.fit([one for one in given if one.id % HELD])
        return found, Comparison(
            verdicts=len(given),
            held=len(held),
            before_loss=self.loss(held, now),
            after_loss=self.loss(held, found),
            before_right=self.right(held, now),
            after_right=self.right(held, found),
        )


Term = tuple[float, float, float]  # of one verdict: its place along the slope, the gradient and the bend of its loss


def newton(terms: Callable[[float, float], Iterable[Term]], pull: tuple[float, float]) -> tuple[float, float]:
    """The slope and the shift with the least loss, pulled towards 1 and 0. The loss must be convex in both."""
    slope, shift = 1.0, 0.0
    for _ in range(STEPS):
        g0, g1 = pull[0] * (slope - 1), pull[1] * shift
        h00, h01, h11 = pull[0], 0.0, pull[1]
        for place, gradient, bend in terms(slope, shift):
            g0, g1 = g0 + gradient * place, g1 + gradient
            h00, h01, h11 = h00 + bend * place**2, h01 + bend * place, h11 + bend
        step = h00 * h11 - h01 * h01
        slope, shift = slope - (h11 * g0 - h01 * g1) / step, shift - (h00 * g1 - h01 * g0) / step
    return slope, shift


def fit(given: Sequence[Verdicted]) -> Learned:
    """Platt 1999 by Newton's method."""

    def terms(slope: float, shift: float) -> Iterator[Term]:
        by = Learned(slope=slope, shift=shift)
        for one in given:
            said = by.probability(one.logit)
            yield one.logit, said - one.complaint, said * (1 - said)

    slope, shift = newton(terms, PULL)
    return Learned(slope=round(max(slope, 0.05), 4), shift=round(shift, 4))


def loss(given: Sequence[Verdicted], by: Learned) -> float:
    said = [(by.probability(one.logit), one.complaint) for one in given]
    return -sum(math.log(max(1e-9, p if true else 1 - p)) for p, true in said) / max(1, len(said))


def right(given: Sequence[Verdicted], by: Learned) -> float:
    return sum((by.probability(one.logit) >= 0.5) == one.complaint for one in given) / max(1, len(given))


learn = Lesson(fit, loss, right).learn


def changed(given: Iterable[Verdicted], before: Learned, after: Learned) -> list[tuple[Verdicted, bool]]:
    """Those that would be judged otherwise, and whether they would be complaints then."""
    said = ((one, before.probability(one.logit) >= 0.5, after.probability(one.logit) >= 0.5) for one in given)
    return [(one, then) for one, now, then in said if now != then]
