"""The Home tab: everything that waits for one person, as one page that says how it stands. Pure.

https://docs.slack.dev/surfaces/app-home: a page holds at most 100 blocks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate, islice

from escalation.clean import cut, escape_mrkdwn, line
from escalation.slack import parts
from escalation.slack.parts import Block, button, date_token, row

AT_MOST = 100  # blocks
SHOWN = 14  # cases of one section
LISTED = 2_500  # characters of one list
WHO = "who_open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One case, as a line."""

    id: int
    about: str  # brand and title
    priority: str
    owner: str
    state: str
    due: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Promises of one person, and what that person has open."""

    kept: int = 0
    moved: int = 0
    missed: int = 0
    open: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    name: str
    overdue: Sequence[Waiting] = ()
    today: Sequence[Waiting] = ()
    mine: Sequence[Waiting] = ()  # the rest of what I have
    offered: Sequence[Waiting] = ()
    unclaimed: Sequence[Waiting] = ()
    on_duty: Mapping[str, str] = field(default_factory=dict)  # brand -> who is told first, and why
    away: datetime | None = None
    numbers: Numbers = field(default_factory=Numbers)
    team: Mapping[str, Numbers] = field(default_factory=dict)  # for who leads one


def page(home: Home, now: datetime) -> Block:
    return {"type": "home", "blocks": list(islice(_blocks(home, now), AT_MOST))}


def stranger(text: str) -> Block:
    return {"type": "home", "blocks": [parts.said(line(text, 2_900))]}


def _blocks(home: Home, now: datetime) -> Iterator[Block]:
    yield _top(home)
    if home.away:
        yield parts.context(f"You are away until {home.away:%a %d %b %H:%M} UTC: nothing new is given to you.")
    nothing = not any((home.overdue, home.today, home.mine, home.offered, home.unclaimed))
    if nothing:
        yield parts.said("Nothing waits for you.")
    yield from _section("Offered to you", home.offered)
    yield from _section("Overdue", home.overdue)
    yield from _section("Due today", home.today)
    yield from _section("Yours", home.mine)
    yield from _section("Nobody has acknowledged", home.unclaimed)
    if home.on_duty:
        yield parts.heading("On duty now")
        yield parts.said(_listed(f"{line(brand, 80)}: {line(who, 200)}" for brand, who in home.on_duty.items()))
        yield row([then(next(iter(home.on_duty)))])
    yield parts.heading("Your promises, last 7 days")
    yield parts.said(_told(home.numbers))
    if home.team:
        yield parts.heading("Your team")
        yield parts.said(_listed(f"{line(name, 80)}: {_told(told)}" for name, told in home.team.items()))


def _top(home: Home) -> Block:
    away = button("home_back", "0", "I'm back") if home.away else button("home_away", "0", "I'm away until…")
    search, again = button("find_ask", "0", "Search…"), button("home_again", "0", "Look again")
    return row([button("home_raise", "0", "Raise a case"), search, away, again])


def then(brand: str) -> Block:
    """The button to who would be told of a matter of this brand, and who next."""
    return button(WHO, brand[:2_000] or "-", "Who would be told, and then?")


def _section(title: str, cases: Sequence[Waiting]) -> Iterator[Block]:
    if not cases:
        return
    yield parts.heading(f"{title} ({len(cases)})")
    yield from map(waiting, cases[:SHOWN])
    if left := len(cases[SHOWN:]):
        yield parts.context(f"and {left} more: /cases lists them")


def waiting(case: Waiting) -> Block:
    """A line with a button that opens the case."""
    about = cut(f"{line(case.priority, 10)} · case {case.id} · {line(case.about, 200)}", 280)
    shown = {**parts.said(about), "fields": [_due(case), parts.plain(line(f"{case.state}, {case.owner}", 200))]}
    return {**shown, "accessory": button("case_show", str(case.id), "Open")}


def _due(case: Waiting) -> Block:
    said = f"due {date_token(case.due)}" if case.due else escape_mrkdwn("no deadline", 100)
    return {"type": "mrkdwn", "text": said, "verbatim": True}


def _told(told: Numbers) -> str:
    return f"{told.kept} kept, {told.moved} moved, {told.missed} missed; {told.open} open"


def _listed(lines: Iterator[str]) -> str:
    known = list(lines)
    shown = [each for each, end in zip(known, accumulate(map(len, known)), strict=True) if end <= LISTED]
    left = len(known) - len(shown)
    return "\n".join([*shown, *([f"and {left} more"] if left else [])])
