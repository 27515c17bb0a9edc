"""The team's verdicts -> how sure triage should be: a slope and a shift on its logits. Pure.

What is shipped is the prior: with few verdicts nothing moves far. A part of the verdicts is held back; what was learned
is worth taking on only when it is no worse on those.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HELD = 4  # one in so many verdicts is held back
PULL_SLOPE, PULL_SHIFT = 40.0, 10.0  # how strongly the prior pulls, as so many verdicts would
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


def fit(given: Sequence[Verdicted]) -> Learned:
    """Platt 1999 by Newton's method, pulled towards slope 1 and shift 0."""
    slope, shift = 1.0, 0.0
    for _ in range(STEPS):
        g0, g1 = PULL_SLOPE * (slope - 1), PULL_SHIFT * shift
        h00, h01, h11 = PULL_SLOPE, 0.0, PULL_SHIFT
        for one in given:
            said = Learned(slope=slope, shift=shift).probability(one.logit)
            off, spread = said - one.complaint, said * (1 - said)
            g0, g1 = g0 + off * one.logit, g1 + off
            h00, h01, h11 = h00 + spread * one.logit**2, h01 + spread * one.logit, h11 + spread
        step = h00 * h11 - h01 * h01
        slope, shift = slope - (h11 * g0 - h01 * g1) / step, shift - (h00 * g1 - h01 * g0) / step
    return Learned(slope=round(max(slope, 0.05), 4), shift=round(shift, 4))


def learn(given: Sequence[Verdicted], now: Learned) -> tuple[Learned, Comparison]:
    """What all but the held-back verdicts teach, beside what is in force."""
    held = [one for one in given if one.id % HELD == 0]
    found = fit([one for one in given if one.id % HELD])
    comparison = Comparison(
        verdicts=len(given),
        held=len(held),
        before_loss=loss(held, now),
        after_loss=loss(held, found),
        before_right=right(held, now),
        after_right=right(held, found),
    )
    return found, comparison


def loss(given: Sequence[Verdicted], by: Learned) -> float:
    said = [(by.probability(one.logit), one.complaint) for one in given]
    return -sum(math.log(max(1e-9, p if true else 1 - p)) for p, true in said) / max(1, len(said))


def right(given: Sequence[Verdicted], by: Learned) -> float:
    return sum((by.probability(one.logit) >= 0.5) == one.complaint for one in given) / max(1, len(given))


def changed(given: Iterable[Verdicted], before: Learned, after: Learned) -> list[tuple[Verdicted, bool]]:
    """Those that would be judged otherwise, and whether they would be complaints then."""
    said = ((one, before.probability(one.logit) >= 0.5, after.probability(one.logit) >= 0.5) for one in given)
    return [(one, then) for one, now, then in said if now != then]
