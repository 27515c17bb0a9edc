"""What the team makes of a severity, with the row of the policy that would be next. Pure."""

from dataclasses import replace

from escalation.case import Case
from escalation.commands import Rate
from escalation.policy import Policy
from listener.weigh import Scales


def with_row(asked: Rate, case: Case, with_: Scales) -> Rate:
    return replace(asked, policy=row_above(case, with_))


def row_above(case: Case, with_: Scales) -> Policy | None:
    """The next more urgent row of the ladder that the case is on; None when it has the most urgent one."""
    brand = case.subject.brand
    routes = {route.name: route.policies for route in with_.routes.get(brand, ())}
    rows = routes.get(case.policy.route) or with_.policies.get(brand, {})
    above = [priority for priority in rows if priority < case.subject.priority]
    return rows[max(above)] if above else None
