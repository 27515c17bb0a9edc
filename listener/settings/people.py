"""people.toml -> people, teams and policies."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TypedDict, TypeVar
from zoneinfo import ZoneInfo

from escalation import days_off, hours
from escalation.policy import FIRST_TURN, NEVER, Leave, Person, Policy, Team, Turn
from listener import durations
from listener.query import Node, QueryError, parse
from listener.rotas import Rota
from listener.routing import Route
from listener.settings.model import Light, Member, Role
from listener.tables import Table

PRIORITIES = ("P1", "P2", "P3", "P4")
LIGHT = ("praise", "question")  # verdicts that nobody owes anything for


@dataclass(frozen=True, slots=True)
class Staff:
    """Everybody who can be told, and how they share the work."""

    people: Mapping[str, Person]
    teams: Mapping[str, Team]
    policies: Mapping[str, Mapping[str, Policy]]  # name -> priority -> policy
    rotas: tuple[Rota, ...]  # the calendars that say whose turn it is
    routes: Mapping[str, tuple[Route, ...]]  # name -> other ladders for some of its matters, the first that fits
    lights: Mapping[str, Mapping[str, Light]] = field(default_factory=dict)  # policy -> praise, question -> who hears
    members: Mapping[str, Member] = field(default_factory=dict)  # a person's name -> roles and address


def read_staff(table: Table) -> Staff:
    rows = table.rows("person")
    members = {row.text("name").strip(): _member(row) for row in rows}
    people = _named(rows, [_person(row) for row in rows])
    for row in rows:
        _somebody(row, "backup", row.text("backup"), people)
    teams = _teams(table.rows("team"), people)
    rotas = _rotas(table.rows("team"), teams, members)
    if not people:
        table.wrong("", "names nobody; add a [[person]] who can be told")
    staff = Staff(people, teams, {}, rotas, {})
    rules = table.table("policy")
    policies = _policies(rules, staff)
    if not policies:
        table.wrong("", "has no policy; add [policy.care] with a row for P1")
    routes = {name: _routes(rules.table(name), rows, staff) for name, rows in policies.items()}
    lights = {name: _lights(rules.table(name), people) for name in policies}
    table.done()
    return Staff(people, teams, policies, rotas, routes, lights, members)


def _lights(rows: Table, people: Mapping[str, Person]) -> dict[str, Light]:
    return {verdict: _light(rows.table(verdict), people) for verdict in LIGHT if verdict in rows.data}


def _light(row: Table, people: Mapping[str, Person]) -> Light:
    light = Light(tell=row.texts("tell", needed=True), every=row.duration("every", timedelta(days=1)))
    for name in light.tell:
        _somebody(row, "tell", name, people)
    if light.every < timedelta(hours=1):
        row.wrong("every", 'must be an hour or more: "1h", "1d"')
    row.done()
    return light


def _rotas(rows: list[Table], teams: Mapping[str, Team], people: Mapping[str, Member]) -> tuple[Rota, ...]:
    places = {row.text("name").strip(): row.text("calendar").strip() for row in rows}
    return tuple(
        Rota(team=name, place=places[name], names=_called(team.members, people))
        for name, team in teams.items()
        if places.get(name)
    )


def _called(members: tuple[str, ...], people: Mapping[str, Member]) -> dict[str, str]:
    """What a calendar may call them by, folded -> name."""
    by_mail = {mail.casefold(): name for name in members if name in people and (mail := people[name].email)}
    return {**by_mail, **{name.casefold(): name for name in members}}


def _person(row: Table) -> Person:
    person = Person(
        name=row.text("name", needed=True).strip(),
        slack=row.text("slack"),
        timezone=row.parsed("timezone", _zone, "UTC"),
        hours=row.parsed("hours", _hours, hours.ALWAYS),
        backup=row.text("backup"),
        holidays=row.parsed("holidays", days_off.check, ""),
        leave=_leave(row),
    )
    row.done()
    return person


def _member(row: Table) -> Member:
    roles = frozenset(Role(name) for name in row.texts("roles") if name in list(Role))
    for unknown in sorted(set(row.texts("roles")) - set(Role)):
        row.wrong("roles", f'"{unknown}" is not a role; known are {", ".join(Role)}')
    email = row.text("email").strip()
    if email and not _ADDRESS.fullmatch(email):
        row.wrong("email", f'"{email}" is not an address; write for example "dana@example.com"')
    return Member(roles=roles or frozenset({Role.AGENT}), email=email)


_ADDRESS = re.compile(r"[^\s@<>,;:\"]+@[^\s@<>,;:\"]+")


def _teams(rows: list[Table], people: Mapping[str, Person]) -> dict[str, Team]:
    teams = _named(rows, [_team(row, people) for row in rows])
    for row in rows:
        if row.text("name") in people:
            row.wrong("name", "is the name of a person too; make them differ")
    return teams


def _team(row: Table, people: Mapping[str, Person]) -> Team:
    members = row.texts("members", needed=True)
    if "members" in row.data and not members:
        row.wrong("members", "names nobody")
    for member in members:
        _somebody(row, "members", member, people)
    calendar = row.text("calendar").strip()
    if calendar and "turn" in row.data:
        row.known.add("turn")
        row.wrong("turn", "and calendar both say whose turn it is; leave one of them out")
    if calendar.startswith("http://"):
        row.wrong("calendar", "must begin with https://, or be a file beside the configuration")
    team = Team(
        name=row.text("name", needed=True).strip(),
        members=members,
        turn=Turn.CALENDAR if calendar else row.parsed("turn", _turn, Turn.HOURS),
        start=row.parsed("start", _start, FIRST_TURN),
        timezone=row.parsed("timezone", _zone, "UTC"),
    )
    row.done()
    return team


Named = TypeVar("Named", Person, Team)


def _named(rows: list[Table], each: Iterable[Named]) -> dict[str, Named]:
    found: dict[str, Named] = {}
    for row, one in zip(rows, each, strict=True):
        if one.name in found:
            row.wrong(
                "name", f"is the name of two {'people' if isinstance(one, Person) else 'teams'}; make them differ"
            )
        found[one.name] = one
    return found


def _policies(table: Table, staff: Staff) -> dict[str, dict[str, Policy]]:
    policies: dict[str, dict[str, Policy]] = {}
    for name in table.data:
        rows = table.table(name)
        policies[name] = {
            priority: _policy(rows, name, priority, staff) for priority in PRIORITIES if priority in rows.data
        }
        rows.known.update((*PRIORITIES, *LIGHT, "route", "root_causes"))
        rows.done()
        if not policies[name]:
            rows.wrong("", "has no row; add P1 = { acknowledge = …, report = …, ladder = […] }")
    return policies


def _policy(rows: Table, name: str, priority: str, staff: Staff) -> Policy:
    row = rows.table(priority)
    policy = Policy(
        name=name,
        priority=priority,
        acknowledge=row.duration("acknowledge", timedelta(minutes=15), needed=True),
        report=row.duration("report", timedelta(hours=8), needed=True),
        follow_up=row.duration("follow_up", timedelta(days=1)),
        warn=row.parsed("warn", _or_never, timedelta(minutes=15)),
        ask=row.parsed("ask", _or_never, timedelta(days=1)),
        take_back=row.parsed("take_back", _or_never, timedelta(days=1)),
        first_reply=row.parsed("first_reply", _or_never, NEVER),
        working=row.parsed("clock", _working, False),
        root_causes=rows.texts("root_causes"),
        **_ladder(row, staff),
    )
    row.done()
    return policy


class _Steps(TypedDict):
    ladder: tuple[str, ...]
    people: tuple[Person, ...]
    teams: tuple[Team, ...]


def _ladder(row: Table, staff: Staff) -> _Steps:
    ladder = row.texts("ladder", needed=True)
    if "ladder" in row.data and not ladder:
        row.wrong("ladder", "names nobody")
    for step in ladder:
        _somebody(row, "ladder", step, {**staff.people, **staff.teams})
    teams = tuple(staff.teams[step] for step in dict.fromkeys(ladder) if step in staff.teams)
    members = (member for team in teams for member in team.members)
    return {"ladder": ladder, "people": _reachable((*ladder, *members), staff.people), "teams": teams}


def _routes(policy: Table, rows: Mapping[str, Policy], staff: Staff) -> tuple[Route, ...]:
    return tuple(_route(row, rows, staff) for row in policy.rows("route"))


def _route(row: Table, rows: Mapping[str, Policy], staff: Staff) -> Route:
    name, steps = row.text("name", needed=True), _ladder(row, staff)
    route = Route(
        name=name,
        causes=frozenset(row.texts("causes")),
        when=row.parsed("when", _query, None),
        policies={priority: replace(policy, route=name, **steps) for priority, policy in rows.items()},
    )
    if not (route.causes or "when" in row.data):
        row.wrong("", 'fits everything; add causes = ["billing"] or when = "lang:de"')
    row.done()
    return route


def _query(text: str) -> Node:
    try:
        return parse(text)
    except QueryError as wrong:
        raise ValueError(str(wrong)) from None


def _or_never(text: str) -> timedelta:
    return NEVER if text.strip() == "never" else durations.parse(text)


def _working(text: str) -> bool:
    if text not in ("always", "working hours"):
        raise ValueError(f'"{text}" is not a clock; write "always" or "working hours"')
    return text == "working hours"


def _reachable(names: Iterable[str], people: Mapping[str, Person]) -> tuple[Person, ...]:
    told = [name for name in dict.fromkeys(names) if name in people]
    backups = [people[name].backup for name in told]
    return tuple(people[name] for name in dict.fromkeys([*told, *backups]) if name in people)


def _somebody(table: Table, key: str, name: str, known: Iterable[str]) -> None:
    if name and name not in (names := tuple(known)):
        table.wrong(key, f'nobody is called "{name}"; add a [[person]] or choose one of {", ".join(names) or "…"}')


def _leave(row: Table) -> tuple[Leave, ...]:
    leaves = []
    for text in row.texts("leave"):
        first, _, last = (part.strip() for part in text.partition(" to "))
        try:
            leave = Leave(first=date.fromisoformat(first), last=date.fromisoformat(last or first))
        except ValueError:
            row.wrong("leave", f'"{text}" is not days off; write "2026-12-24 to 2027-01-02" or "2026-12-24"')
            continue
        if leave.last < leave.first:
            row.wrong("leave", f'"{text}" ends before it begins')
        leaves.append(leave)
    return tuple(leaves)


def _turn(text: str) -> Turn:
    if text not in (known := [turn.value for turn in Turn if turn is not Turn.CALENDAR]):
        raise ValueError(f'"{text}" is not a turn; known are {", ".join(known)}')
    return Turn(text)


def _start(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise ValueError(f'"{text}" is not a time; write "2026-01-05 09:00"') from None


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ValueError(f'"{text}" is not a time zone; write for example "America/Toronto"') from None
    return text


def _hours(text: str) -> str:
    hours.parse(text)
    return text
