"""The terminal as a messenger: cards and lines drawn with rich, for whoever works without Slack."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from escalation.case import Case, Status
from escalation.clean import clean, cut, line
from escalation.events import Event, Opened
from escalation.notices import Kind, Notice

COLOURS = {
    Status.OPEN: "red",
    Status.ACKNOWLEDGED: "yellow",
    Status.REPORTED: "cyan",
    Status.CLOSED: "green",
    Status.DISMISSED: "bright_black",
}


class TerminalMessenger:
    """A card is drawn once; a terminal keeps no messages to redraw, so what follows are lines."""

    def __init__(self, console: Console):
        self._console = console

    async def find(self, notice: Notice) -> str:
        return ""

    async def send(self, notice: Notice, case: Case | None, under: str, now: datetime) -> str:
        if notice.kind is Kind.CARD and case:
            draw_case(self._console, case, now)
        elif notice.kind is Kind.DIRECT:
            matter = f" [case {notice.case}]" if notice.case else ""
            self._console.print(
                Text.assemble(("→ ", "bold"), (f"{notice.to}{matter}: ", "bold"), line(notice.text, 400))
            )
        else:
            self._console.print(Text(f"  · {f'case {notice.case}: ' if notice.case else ''}{line(notice.text, 400)}"))
        return f"terminal:{notice.key}"

    async def redraw(self, ref: str, notice: Notice, case: Case, now: datetime) -> str:
        return ref


def draw_case(console: Console, case: Case, now: datetime) -> None:
    subject = case.subject
    title = f"case {case.id} · {line(subject.brand, 60)} · {subject.priority} {subject.severity} · {case.status}"
    quote = Text(cut(clean(subject.text), 600) or "(the post was deleted)", style="italic")
    head = [Text(line(subject.title, 200), style="bold")] if subject.title else []
    console.print(
        Panel(
            Group(*head, quote, Text(""), _facts(case, now), *_next_step(case)),
            title=Text(title),
            title_align="left",
            border_style=COLOURS[case.status],
            width=min(console.width, 100),
        )
    )


def _facts(case: Case, now: datetime) -> Table:
    subject, table = case.subject, Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")

    def fact(name: str, value: str) -> None:
        if value:
            table.add_row(name, Text(value))

    fact("owner", case.owner)
    fact("due", _due(case, now))
    fact(
        "promise", f"{line(case.promise.what, 200)}{' (missed)' if case.promise.missed else ''}" if case.promise else ""
    )
    fact("offered to", case.offer.to if case.offer else "")
    fact("why", ", ".join(_why(reason.factor, reason.points, reason.words) for reason in subject.reasons[:6]))
    fact("author", line(subject.author, 80))
    fact("where", line(subject.url or subject.site, 200))
    if case.report:
        fact("outcome", f"{case.report.outcome}: {line(case.report.done, 200)}")
    return table


def _why(factor: str, points: float, words: str) -> str:
    said = f' "{line(words, 40)}"' if words else ""
    return f"{factor} {points:+.0f}{said}"


def _due(case: Case, now: datetime) -> str:
    if case.due is None:
        return ""
    person = case.policy.person(case.owner)
    local = case.due.astimezone(ZoneInfo(person.timezone if person else "UTC"))
    return f"{local:%a %d %b %H:%M %Z}{', overdue' if case.due <= now else ''}"


def _next_step(case: Case) -> list[Text]:
    """What to type now."""
    you = f'{case.id} --as "{case.owner}"'
    ways = {
        Status.OPEN: f"listener ack {you}",
        Status.ACKNOWLEDGED: f"listener report {you} --outcome solved --done … --remedy … --evidence …",
        Status.REPORTED: f"listener follow-up {you} --result verified",
    }
    way = ways.get(case.status)
    return [Text(""), Text(f"$ {way}", style="dim")] if way else []


def draw_timeline(console: Console, timeline: Sequence[Event]) -> None:
    for event in timeline:
        console.print(
            Text.assemble((f"{event.at:%Y-%m-%d %H:%M:%S} ", "dim"), (f"{type(event).__name__}  ", "bold"), told(event))
        )


def told(event: Event) -> str:
    """An event's own fields, on one line. Pure."""
    if isinstance(event, Opened):
        return f"{event.subject.brand}, {event.subject.priority}, owner {event.owner}: {event.why}"
    fields = [name for name in event.__slots__ if name != "at"]
    return line(
        ", ".join(f"{name} {getattr(event, name)}" for name in fields if getattr(event, name) not in ("", None)), 300
    )
