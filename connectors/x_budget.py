"""What hearing X costs, and when to hold back. Pure. (Prices: docs.x.com/x-api/getting-started/pricing, August 2026.)

The month's budget is divided before anything is spent: a part to look again at what was heard, the rest among the
brands. No brand lives on another's money, and none spends more than a part of its own in one day. As a brand's share is
used up, hearing gets less in this order: above half of it nothing is counted for comparison, and what its own accounts
write is not read; above seven tenths posts come without their authors' names; the last tenth is left to the mentions of
its own accounts; then nothing is asked.

X promises to charge nothing for what was asked for before on the same day (UTC), but does not guarantee it; so whatever
comes is counted as if it were new, and the bill is at most what stands here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

AGAIN = "looking again"  # who pays, beside the brands, for following edits and deletions
AGAIN_PART = 0.2  # of the budget
PLENTY, NO_AUTHORS, FOR_MENTIONS = 0.5, 0.7, 0.9  # parts of a share
ONLY_OLD = 0.5  # of what is set aside to look again
LARGEST = 100  # posts that can be asked for at once

Spent = dict[str, dict[str, float]]  # {"2026-05": {payer: dollars}, "2026-05-04": {payer: dollars}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """US dollars."""

    post: float = 0.005
    owned: float = 0.001  # a post that mentions the account which owns the app
    user: float = 0.010
    count: float = 0.005  # a request that counts


def shares(budget: float, brands: Iterable[str], weights: Mapping[str, float]) -> dict[str, float]:
    """US dollars a month for each payer. A brand without a weight has 1."""
    weighed = {brand: max(weights.get(brand, 1.0), 0.0) for brand in brands}
    whole = sum(weighed.values()) or 1.0
    parts = {brand: budget * (1 - AGAIN_PART) * weight / whole for brand, weight in weighed.items()}
    return {**parts, AGAIN: budget * AGAIN_PART}


def forecast(payer: str, share: float, posts: int, each: float) -> str:
    """What a month like the last seven days would cost, for people."""
    month = posts / 7 * 30
    said = f"{payer}: about {month:,.0f} posts a month, ${month * each:,.2f} of its ${share:,.2f}"
    return said if month * each <= share else f"{said}: narrow its query, or give it more"


@dataclass(slots=True)
class Budget:
    """`spent` grows as answers are paid for; a day of UTC takes at most the part `a_day` of a brand's share."""

    shares: Mapping[str, float]
    a_day: float
    now: datetime
    spent: Spent = field(default_factory=dict)

    @classmethod
    def of(cls, cursor: Mapping[str, Any], shares: Mapping[str, float], a_day: float, now: datetime) -> "Budget":
        return cls(shares, a_day, now, {when: dict(whom) for when, whom in cursor.get("spent", {}).items()})

    def pay(self, payer: str, amount: float) -> None:
        for when in (self._month, self._day):
            whom = self.spent.setdefault(when, {})
            whom[payer] = round(whom.get(payer, 0.0) + amount, 4)

    def kept(self) -> Spent:
        """For the cursor: this month and today."""
        return {when: self.spent[when] for when in (self._month, self._day) if when in self.spent}

    def used(self, payer: str) -> float:
        """The part of this month's share, 0 to 1 and a little more."""
        share = self.shares.get(payer, 0.0)
        return self._spent(self._month, payer) / share if share > 0 else 1.0

    def left(self, payer: str, *, mentions: bool = False) -> float:
        """US dollars that may still be spent now. What was paid for a brand that is gone or renamed was paid, too."""
        everything = sum(self.shares.values()) - sum(self.spent.get(self._month, {}).values())
        return min(everything, *self._lefts(payer, mentions))

    def _lefts(self, payer: str, mentions: bool) -> tuple[float, float]:
        """Of the month's share, and of today's."""
        whole = payer == AGAIN
        share = self.shares.get(payer, 0.0) * (1.0 if whole or mentions else FOR_MENTIONS)
        today = share * (1.0 if whole else self.a_day)
        return share - self._spent(self._month, payer), today - self._spent(self._day, payer)

    def affords(self, payer: str, each: float, *, mentions: bool = False) -> int:
        """How many things of this price may be asked for at once."""
        left = self.left(payer, mentions=mentions)
        if left <= 0:
            return 0
        return int(min(left / each + 1e-9, LARGEST)) if each > 0 else LARGEST

    def authors(self, payer: str) -> bool:
        return self.used(payer) < NO_AUTHORS

    def looks_early(self) -> bool:
        """At what was heard today, too."""
        return self.used(AGAIN) < ONLY_OLD

    def plenty(self, payer: str) -> bool:
        """Enough for what is not a customer's post."""
        return self.used(payer) < PLENTY

    def again(self, payer: str) -> datetime:
        """When there is money again for what there is none for now: tomorrow, or the first of next month."""
        today = self.now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        month, day = self._lefts(payer, mentions=False)
        return today + timedelta(days=1) if day < month else (today.replace(day=1) + timedelta(days=32)).replace(day=1)

    def _spent(self, when: str, payer: str) -> float:
        return self.spent.get(when, {}).get(payer, 0.0)

    @property
    def _month(self) -> str:
        return f"{self.now.astimezone(UTC):%Y-%m}"

    @property
    def _day(self) -> str:
        return f"{self.now.astimezone(UTC):%Y-%m-%d}"
