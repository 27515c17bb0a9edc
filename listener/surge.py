"""When many complain of the same within a short time, that is one incident. Pure.

Usual is what the same half hour of the same weekday brought in the weeks before: a shop that always gets twenty
complaints on a Monday morning has no incident every Monday morning.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean

from escalation.events import Subject

WINDOW = timedelta(minutes=30)
WEEKS = 4  # how far back "usual" looks


@dataclass(frozen=True, slots=True, kw_only=True)
class Surge:
    """When many are an incident: at least so many cases of one brand and cause, and so many times the usual."""

    least: int = 20
    times_usual: int = 4

    def goes_on(self, recent: int) -> bool:
        """An incident that is open takes new ones in while there are a quarter as many as began it: what comes later,
        of the same cause, is most likely another matter."""
        return 4 * recent >= self.least

    def is_one(self, recent: int, usual: Sequence[int]) -> bool:
        """`recent` cases in this window; `usual` in the same window of earlier weeks."""
        return recent >= max(self.least, self.times_usual * (fmean(usual) if usual else 0.0))


def incident(first: Subject, recent: int, at: datetime) -> Subject:
    """What the customers have in common, without what any one of them said."""
    about = first.cause or "one thing"
    return Subject(
        brand=first.brand,
        post=f"incident:{first.cause}:{at.isoformat()}",
        thread="",
        url="",
        site="",
        author="",
        title=f"{recent} complaints about {about} within {WINDOW // timedelta(minutes=1)} minutes",
        text="",
        created=None,
        heard=at,
        severity=first.severity,
        priority=first.priority,
        cause=first.cause,
    )
