"""Who is told, in which order, and how long each may take. Pure; frozen into the case when it opens.

A place on the ladder is a person or a team. A team is whoever has its turn, or whoever of it is on duty.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from escalation import hours
from escalation.days_off import is_holiday
from escalation.hours import Window

NEVER = timedelta()
Away = Collection[str]  # names of the people who said that they are away now


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """Days off, both included, in the person's own time zone."""

    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    name: str
    slack: str = ""  # Slack's member id
    timezone: str = "UTC"
    hours: str = hours.ALWAYS
    backup: str = ""  # the name of who stands in
    holidays: str = ""  # the country or region whose public holidays are days off: "DE", "CA-ON"
    leave: tuple[Leave, ...] = ()

    def on_duty(self, at: datetime) -> bool:
        return not self.off(at)

    def off(self, at: datetime) -> str:
        """Why this person is not to be disturbed now; "" when they are on duty."""
        today = at.astimezone(ZoneInfo(self.timezone)).date()
        return self.day_off(today) or ("" if hours.on_duty(self.hours, self.timezone, at) else "off duty")

    def works(self, day: date) -> list[Window]:
        """When this person is on duty on a day of their own calendar."""
        return [] if self.day_off(day) else hours.windows(self.hours, self.timezone, day)

    def on_leave(self, at: datetime) -> bool:
        today = at.astimezone(ZoneInfo(self.timezone)).date()
        return any(leave.first <= today <= leave.last for leave in self.leave)

    def day_off(self, day: date) -> str:
        if any(leave.first <= day <= leave.last for leave in self.leave):
            return "on leave"
        return "on a public holiday" if is_holiday(self.holidays, day) else ""


class Turn(StrEnum):
    """How a team's work goes round."""

    DAILY = "daily"
    WEEKLY = "weekly"
    CALENDAR = "calendar"  # who is named there; their own hours do not matter then
    HOURS = "hours"  # no turns: whoever is on duty by their own hours, in the order of the list


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One person's turn, as a calendar has it."""

    name: str
    start: datetime
    end: datetime


FIRST_TURN = datetime.fromisoformat("2026-01-05T09:00")  # a Monday


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    name: str
    members: tuple[str, ...]
    turn: Turn = Turn.HOURS
    start: datetime = FIRST_TURN  # naive, the wall clock in `timezone`: when the first of the list had the first turn
    timezone: str = "UTC"
    shifts: tuple[Shift, ...] = ()  # of the coming weeks, in order, when a calendar says whose turn it is

    def on_shift(self, at: datetime) -> tuple[str, ...]:
        """Whom the calendar names for this instant."""
        return tuple(dict.fromkeys(shift.name for shift in self.shifts if shift.start <= at < shift.end))

    def order(self, at: datetime) -> tuple[str, ...]:
        """Who is asked first now, and who next. Turns change by the wall clock, whatever daylight saving does."""
        if self.turn is Turn.HOURS:
            return self.members
        if self.turn is Turn.CALENDAR:
            return tuple(dict.fromkeys((*self.on_shift(at), *self.members)))
        first = self._number(at) % len(self.members)
        return self.members[first:] + self.members[:first]

    def turn_at(self, at: datetime) -> tuple[str, ...]:
        """Who has the turn, and nobody beside; () where there are no turns."""
        if self.turn is Turn.HOURS:
            return ()
        return self.on_shift(at) if self.turn is Turn.CALENDAR else self.order(at)[:1]

    def changed(self, at: datetime) -> datetime | None:
        """When the turn changed last, up to `at`."""
        if self.turn is Turn.HOURS:
            return None
        if self.turn is Turn.CALENDAR:
            edges = (edge for shift in self.shifts for edge in (shift.start, shift.end))
            return max((edge for edge in edges if edge <= at), default=None)
        local = self.start + self._number(at) * self._length
        return local.replace(tzinfo=ZoneInfo(self.timezone)).astimezone(UTC)

    def _number(self, at: datetime) -> int:
        return (at.astimezone(ZoneInfo(self.timezone)).replace(tzinfo=None) - self.start) // self._length

    @property
    def _length(self) -> timedelta:
        return timedelta(days=7 if self.turn is Turn.WEEKLY else 1)


def on_duty(team: Team, people: Collection[Person], at: datetime, away: Away = ()) -> tuple[str, ...]:
    """Who of the team is there now, in the order of its turns; everybody when nobody is."""
    by_name = {person.name: person for person in people}
    there = tuple(n for n in team.order(at) if n in by_name and not _off(by_name[n], at, away, team))
    return there or team.order(at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The ladder and the clocks of one priority. The last of the ladder is the lead."""

    name: str
    priority: str
    acknowledge: timedelta  # until somebody must have taken it
    report: timedelta  # from acknowledged to reported back, when no other promise is made
    follow_up: timedelta = timedelta(days=1)  # from reported back to the check that it helped
    warn: timedelta = NEVER  # before a deadline that is at least four times as far away
    ask: timedelta = NEVER  # without news from the owner, until they are asked how it goes
    take_back: timedelta = NEVER  # from a missed promise without news, until somebody else gets the case
    first_reply: timedelta = NEVER  # from the post to our first answer in public
    root_causes: tuple[str, ...] = ()  # the team's own list; a report names one of them, anything when it is empty
    route: str = ""  # the name of a ladder of its own, for some matters
    working: bool = False  # the clocks stand still while the owner is off duty
    ladder: tuple[str, ...]
    people: tuple[Person, ...]  # everyone on the ladder, in its teams, and their backups
    teams: tuple[Team, ...] = ()

    def person(self, name: str) -> Person | None:
        return next((person for person in self.people if person.name == name), None)

    def team(self, name: str) -> Team | None:
        return next((team for team in self.teams if team.name == name), None)

    def names(self, rung: int, at: datetime) -> tuple[str, ...]:
        """The people of one place on the ladder, in the order in which they are asked."""
        team = self.team(self.ladder[rung])
        return team.order(at) if team else (self.ladder[rung],)

    def deadline(self, at: datetime, wait: timedelta, owner: str) -> datetime:
        """When `wait` is over for this owner."""
        person = self.person(owner) if self.working else None
        return hours.later(at, wait, person.works, person.timezone) if person else at + wait

    def lead(self, at: datetime) -> str:
        return self.names(len(self.ladder) - 1, at)[0]

    def rung(self, name: str) -> int | None:
        """The first place on the ladder that this person holds, alone or in a team."""
        held = (rung for rung, step in enumerate(self.ladder) if name == step or name in _members(self.team(step)))
        return next(held, None)


def _members(team: Team | None) -> tuple[str, ...]:
    return team.members if team else ()


@dataclass(frozen=True, slots=True)
class Choice:
    """Who is told now, the rung they stand on, and why they and nobody else."""

    name: str
    rung: int
    why: str
    unattended: bool = False  # nobody on the ladder is on duty


@dataclass(frozen=True, slots=True)
class Asked:
    """One person who could be told, and why they cannot be disturbed now; "" when they can."""

    name: str
    rung: int
    role: str  # how they come to be asked
    off: str


def first(policy: Policy, at: datetime, away: Away = (), *, known_to: str = "") -> Choice:
    """Who dealt with this customer before, if they are on duty; else the first on duty, or a stand-in; the first of the
    ladder when nobody is: silence is worse than a call."""
    known = policy.person(known_to)
    if known and not _off(known, at, away):
        return Choice(known.name, policy.rung(known.name) or 0, "dealt with this customer before")
    found = next((asked for asked in asked_in_turn(policy, at, away) if not asked.off), None)
    if found:
        return Choice(found.name, found.rung, found.role)
    return Choice(policy.names(0, at)[0], 0, "nobody on the ladder is on duty, so it starts at the top", True)


def above(policy: Policy, rung: int, owner: str, at: datetime, away: Away = ()) -> Choice:
    """The next person up who is on duty and is not the one who already has it; at the end, the lead, on duty or not."""
    for asked in asked_in_turn(policy, at, away, begin=rung + 1):
        if not asked.off and asked.name != owner:
            return Choice(asked.name, asked.rung, asked.role)
    lead = policy.person(policy.lead(at))
    nobody = lead is None or bool(_off(lead, at, away, policy.team(policy.ladder[-1])))
    return Choice(policy.lead(at), len(policy.ladder) - 1, "the last of the ladder", nobody)


def asked_in_turn(policy: Policy, at: datetime, away: Away = (), *, begin: int = 0) -> Iterator[Asked]:
    """Everybody who could be told, in order, with what keeps each of them: this is what `listener who` shows."""
    for rung in range(begin, len(policy.ladder)):
        team = policy.team(policy.ladder[rung])
        for turn, name in enumerate(policy.names(rung, at)):
            person = policy.person(name)
            if person is None:
                continue
            off = _off(person, at, away, team)
            first = turn == 0 and (team is None or team.turn is not Turn.CALENDAR or name in team.on_shift(at))
            yield Asked(name, rung, _role(team, first, _place(policy, rung)), off)
            backup = policy.person(person.backup)
            if off and backup:
                why = f"stands in for {name}, who is {off}"
                yield Asked(backup.name, rung, why, _off(backup, at, away))


def _off(person: Person, at: datetime, away: Away, team: Team | None = None) -> str:
    """A calendar's shift counts for more than a person's own hours: that is what it is kept for."""
    if person.name in away:
        return "away"
    if team and person.name in team.on_shift(at):
        return "on leave" if person.on_leave(at) else ""
    return person.off(at)


def _place(policy: Policy, rung: int) -> str:
    return f"place {rung + 1} on the ladder" + (f" for {policy.route}" if policy.route else "")


def _role(team: Team | None, first: bool, place: str) -> str:
    if team is None:
        return f"on duty, {place}"
    if team.turn is Turn.HOURS:
        return f"on duty for {team.name}, {place}"
    if first and team.turn is Turn.CALENDAR:
        return f"has the turn of {team.name} by its calendar, {place}"
    return f"has the turn of {team.name}, {place}" if first else f"next in {team.name}, {place}"
