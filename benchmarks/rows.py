"""One line of the report, and how two things are timed fairly against each other."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Row:
    """`ours` beside `rival` in the same unit; `limit` is what their ratio must keep.

    Without a rival the limit is one of `ours` itself; without a limit the row is there to be read.
    """

    name: str
    ours: float
    rival: float | None
    unit: str
    limit: float | None = None
    at_most: bool = True  # what is measured must stay below the limit; otherwise above

    @property
    def ratio(self) -> float | None:
        if self.rival is None:
            return None
        return self.ours / self.rival if self.rival else float("inf")

    @property
    def passed(self) -> bool:
        if self.limit is None:
            return True
        measured = self.ours if self.ratio is None else self.ratio
        return measured <= self.limit if self.at_most else measured >= self.limit


def cpu(work: Callable[[], object]) -> float:
    """Seconds of processor time that this process took for it."""
    gc.collect()
    gc.disable()
    begun = time.process_time()
    work()
    spent = time.process_time() - begun
    gc.enable()
    return spent


def side_by_side(ours: Callable[[], object], rival: Callable[[], object], rounds: int = 7) -> tuple[float, float]:
    """Medians of both, interleaved, so that whatever else the machine does falls on both."""
    pairs = [(cpu(ours), cpu(rival)) for _ in range(rounds)]
    return median(first for first, _ in pairs), median(second for _, second in pairs)
