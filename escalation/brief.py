"""An incident on one page, for who must decide: what, since when, how many, who has it, what is promised, what next.

From the timeline alone. Pure.
"""

from escalation import wording
from escalation.case import Case
from escalation.clean import line


def brief(incident: Case, *, reach: int | None = None) -> tuple[str, ...]:
    """A line for each thing that is known; `reach` is how many follow those who complained, as far as platforms say."""
    about, due = incident.subject, wording.deadline(incident)
    customers = f"{incident.customers:,} customers are in it" if incident.customers else ""
    followed = f", with {reach:,} followers" if reach and customers else ""
    owner = f"{incident.owner} has it and has not acknowledged yet"
    if incident.status is not incident.status.OPEN:
        owner = f"{incident.owner} has it, {incident.status}"
    said = (
        f"{line(about.brand, 60)}, {about.priority}, severity {about.severity}: {line(about.title, 200)}",
        f"Since {wording.clock_time(incident, incident.opened)}",
        f"{customers}{followed}",
        owner,
        f"Promised: {line(incident.promise.what, 200)}" if incident.promise else "Nothing is promised yet",
        f"To say to customers: {line(incident.statement, 600)}" if incident.statement else "",
        f"{due[0]} {wording.clock_time(incident, due[1])}" if due else f"It is {incident.status}",
    )
    return tuple(one if one.endswith((".", "!", "?")) else f"{one}." for one in said if one)
