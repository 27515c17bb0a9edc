"""Who is told, in which order, and how long each may take. Pure; frozen into the case when it opens."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from escalation import hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    name: str
    slack: str = ""  # Slack's member id
    timezone: str = "UTC"
    hours: str = hours.ALWAYS
    backup: str = ""  # the name of who stands in

    def on_duty(self, at: datetime) -> bool:
        return hours.on_duty(self.hours, self.timezone, at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The ladder and the clocks of one priority. The last of the ladder is the lead."""

    name: str
    priority: str
    acknowledge: timedelta  # until somebody must have taken it
    report: timedelta  # from acknowledged to reported back, when no other promise is made
    follow_up: timedelta = timedelta(days=1)  # from reported back to the check that it helped
    ladder: tuple[str, ...]
    people: tuple[Person, ...]  # everyone on the ladder, and their backups

    @property
    def lead(self) -> str:
        return self.ladder[-1]

    def person(self, name: str) -> Person | None:
        return next((person for person in self.people if person.name == name), None)


@dataclass(frozen=True, slots=True)
class Choice:
    """Who is told now, the rung they stand on, and why they and nobody else."""

    name: str
    rung: int
    why: str


def first(policy: Policy, at: datetime) -> Choice:
    """The first rung on duty, or its stand-in; the first of the ladder when nobody is: silence is worse than a call."""
    for rung in range(len(policy.ladder)):
        if choice := _at_rung(policy, rung, at):
            return choice
    return Choice(policy.ladder[0], 0, "nobody on the ladder is on duty, so it starts at the top")


def above(policy: Policy, rung: int, owner: str, at: datetime) -> Choice:
    """The next person up who is on duty and is not the one who already has it; at the end, the lead, on duty or not."""
    for higher in range(rung + 1, len(policy.ladder)):
        choice = _at_rung(policy, higher, at)
        if choice and choice.name != owner:
            return choice
    return Choice(policy.lead, len(policy.ladder) - 1, "the last of the ladder")


def _at_rung(policy: Policy, rung: int, at: datetime) -> Choice | None:
    person = policy.person(policy.ladder[rung])
    if person is None:
        return None
    if person.on_duty(at):
        return Choice(person.name, rung, f"on duty, place {rung + 1} on the ladder")
    backup = policy.person(person.backup)
    if backup and backup.on_duty(at):
        return Choice(backup.name, rung, f"stands in for {person.name}, who is off duty")
    return None
