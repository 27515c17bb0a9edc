"""What each lane may ask for now, and what is not read for want of money. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from connectors.x_budget import AGAIN, Budget, Prices, shares
from connectors.x_lanes import Lane, handle_of

SMALLEST = 10  # posts that X lets a search ask for at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """The money of one source, as its table says it."""

    shares: Mapping[str, float]  # payer -> US dollars a month
    prices: Prices
    a_day: float
    authors: bool
    owner: str  # a handle, in small letters

    @classmethod
    def of(cls, options: Any) -> "Purse":
        given = {key: max(price, 0.0) for key, price in options.prices.items() if key in PRICED}
        return cls(
            shares=shares(options.budget, [of.brand for of in options.tracked], options.shares),
            prices=Prices(**given),
            a_day=options.a_day,
            authors=options.authors,
            owner=handle_of(options.owner),
        )

    def budget(self, cursor: Mapping[str, Any], now: datetime) -> Budget:
        return Budget.of(cursor, self.shares, self.a_day, now)

    def asks_authors(self, lane: Lane, budget: Budget) -> bool:
        return self.authors and not lane.own and budget.authors(lane.payer)

    def price(self, lane: Lane, *, searched: bool) -> float:
        """Of a post; `searched` when it comes from a search, although the lane is an account's."""
        return self.prices.owned if not searched and lane.account and lane.account == self.owner else self.prices.post

    def size(self, lane: Lane, budget: Budget) -> int:
        """How many posts may be asked for at once, if each is new and by somebody else; 0 when too few."""
        if lane.own and not budget.plenty(lane.payer):
            return 0
        each = self.prices.post + (self.prices.user if self.asks_authors(lane, budget) else 0.0)
        size = budget.affords(lane.payer, each, mentions=bool(lane.account))
        return size if size >= SMALLEST else 0

    def shut(self, lanes: Collection[Lane], budget: Budget) -> str:
        """The same words as long as it is the same; "" when everything is read."""
        shut = [lane for lane in lanes if not lane.own and not self.size(lane, budget)]
        said = [self._shut(payer, shut, budget) for payer in dict.fromkeys(lane.payer for lane in shut)]
        if budget.left(AGAIN) < self.prices.post:
            said.append(f"what is deleted on X is not noticed before {budget.again(AGAIN):%Y-%m-%d}")
        return "; ".join(said)

    def _shut(self, payer: str, shut: Collection[Lane], budget: Budget) -> str:
        mentions = any(lane.account for lane in shut if lane.payer == payer)
        what = "neither its searches nor its mentions are read" if mentions else "its searches are not read"
        part = f"its part of the budget (${self.shares[payer]:.2f}) is used up"
        return f"{payer}: {part}: {what} until {budget.again(payer):%Y-%m-%d}"


PRICED = frozenset(field.name for field in fields(Prices))
