"""Who would be told if this came then, and who next: what the board, the Home tab and /oncall show. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from escalation.policy import Asked, Away, Choice, Policy, above, asked_in_turn, first
from listener.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Of one brand and priority, as it would be climbed."""

    brand: str
    priority: str
    route: str  # "" for the policy's own; else the name of a ladder for some of its matters
    told: str
    why: str
    unattended: bool
    steps: tuple[Asked, ...]  # everybody who could be asked, and what keeps them
    climb: tuple[tuple[datetime, Choice], ...]  # who is told when, as long as nobody acknowledges
    acknowledge: timedelta
    report: timedelta


def ladders(settings: Settings, at: datetime, away: Away) -> list[Ladder]:
    """For each brand, of its most urgent priority: by the policy, and by each of its routes."""
    policies = {brand.name: settings.policies[brand.policy] for brand in settings.brands}
    return [one for name, rows in policies.items() for one in preview(settings, name, min(rows), at, away)]


def preview(settings: Settings, brand: str, priority: str, at: datetime, away: Away) -> Iterator[Ladder]:
    """Nothing for what nobody is told of: a priority without a row, a brand that there is not."""
    policy = next((one.policy for one in settings.brands if one.name == brand), "")
    routes = [route.policies for route in settings.routes.get(policy, ())]
    for rows in (settings.policies.get(policy, {}), *routes):
        if priority in rows:
            yield _ladder(brand, rows[priority], at, away)


def _ladder(brand: str, policy: Policy, at: datetime, away: Away) -> Ladder:
    chosen = first(policy, at, away)
    return Ladder(
        brand=brand,
        priority=policy.priority,
        route=policy.route,
        told=chosen.name,
        why=chosen.why,
        unattended=chosen.unattended,
        steps=tuple(asked_in_turn(policy, at, away)),
        climb=tuple(climb(policy, at, away)),
        acknowledge=policy.acknowledge,
        report=policy.report,
    )


def climb(policy: Policy, at: datetime, away: Away) -> Iterator[tuple[datetime, Choice]]:
    """Nobody acknowledges: who has it from when, up to the last of the ladder, who is called again and again."""
    told = first(policy, at, away)
    yield at, told
    while told.rung < len(policy.ladder) - 1:
        at = policy.deadline(at, policy.acknowledge, told.name)
        told = above(policy, told.rung, told.name, at, away)
        yield at, told
