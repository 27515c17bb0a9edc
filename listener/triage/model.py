"""The shapes of a judgement. Pure data."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    COMPLAINT = "complaint"
    PRAISE = "praise"
    QUESTION = "question"
    OTHER = "other"


class Priority(StrEnum):
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"


class Reason(NamedTuple):
    """A factor, its points, and the words that carried it: a place in subject_text(post), or -1 for a number."""

    factor: str
    points: float
    words: str
    start: int = -1
    end: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    verdict: Verdict
    complaint: float  # probability, 0 to 1
    severity: int  # 0 to 100; of what is no complaint: how bad it would be if it were one
    priority: Priority | None  # None when it is not a complaint
    cause: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandTarget:
    """A brand as a text names it."""

    name: str
    aliases: tuple[str, ...] = ()
    thing: bool = False  # a dish, a room, a feature: only the clauses that name it speak of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What a team makes of severities: a slope around 50, and a shift in points."""

    slope: float = 1.0
    shift: float = 0.0

    def of(self, severity: int) -> int:
        return max(1, min(100, round(50 + self.slope * (severity - 50) + self.shift)))
