"""What a sentence's vector says of a complaint: a head of 384 weights, and how it is joined with our own judgement.

Pure, but for reading deep.json.
"""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from listener.triage.reading import Reading
from listener.triage.tokens import OURS, THEIRS

_OURS, _THEIRS = re.compile(f"{OURS}+"), re.compile(f"{THEIRS}+")  # masked, a name is one sign for each letter


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Learned by train_deep.py."""

    weights: tuple[float, ...]
    bias: float
    counts: float  # what its logit counts for, beside ours

    def logit(self, vector: Sequence[float]) -> float:
        return self.bias + sum(map(float.__mul__, self.weights, vector))


@cache
def shipped() -> Head:
    told = json.loads(files("listener.triage").joinpath("deep.json").read_text("utf-8"))
    return Head(weights=tuple(told["weights"]), bias=told["bias"], counts=told["counts"])


def joined(probability: float, logit: float, head: Head) -> float:
    """Of our own probability and the logit of the head."""
    sure = min(max(probability, 1e-6), 1 - 1e-6)
    both = math.log(sure / (1 - sure)) + head.counts * logit
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, both))))


def spoken(of: Reading) -> str:
    """What is said of the brand, with every brand under an invented name: no firm is worse for its own."""
    said = " ".join(of.masked[start:end] for start, end in of.ground.ours)
    said = _THEIRS.sub(" bolt ", _OURS.sub(" acme ", said))
    return " ".join(part for part in said.split() if "://" not in part)
