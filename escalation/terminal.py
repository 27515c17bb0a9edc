"""The terminal as a voice: cards and lines drawn with rich, for whoever works without Slack.

Everything is given to rich as Text, in which its markup is not looked for; what strangers wrote is cleaned first, so
no escape sequence of theirs reaches the screen.
"""

import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from escalation import outreach, telling, wording
from escalation.case import Case, Status
from escalation.clean import clean, cut, line
from escalation.events import Event, Outcome, Result, Subject
from escalation.notices import Kind, Notice

WIDEST = 100  # columns; longer lines are hard to read
QUOTED = 600  # characters of a post
COLOURS = {
    Status.OPEN: "red",
    Status.ACKNOWLEDGED: "yellow",
    Status.REPORTED: "cyan",
    Status.CLOSED: "green",
    Status.DISMISSED: "bright_black",
}


class TerminalMessenger:
    """A terminal keeps no messages, so a card is drawn once and what changes is said as lines below it."""

    def __init__(self, console: Console):
        self._console = console

    async def find(self, notice: Notice) -> str:
        return ""

    async def send(self, notice: Notice, case: Case | None, under: str, now: datetime) -> str:
        if notice.kind is Kind.CARD and case:
            draw_case(self._console, case, now)
        else:
            self._console.print(_said(notice))
        if notice.kind is Kind.DIRECT and case and (way := next_step(case, notice.to)):
            self._console.print(Text(f"  $ {way}", style="dim"))
        return f"terminal:{notice.key}"

    async def redraw(self, ref: str, notice: Notice, case: Case, now: datetime) -> str:
        return ref


def _said(notice: Notice) -> Text:
    matter = f"case {notice.case}" if notice.case else ""
    if notice.kind is Kind.DIRECT:
        to, said = line(notice.to, 80), line(notice.text, 1_000) if matter else cut(clean(notice.text), 3_000)
        return Text.assemble((f"→ {to}{f' [{matter}]' if matter else ''}: ", "bold"), said)
    mark = "!" if notice.loud else "·"
    return Text(f"  {mark} {f'{matter}: ' if matter else ''}{line(notice.text, 1_000)}")


def draw_case(console: Console, case: Case, now: datetime) -> None:
    subject = case.subject
    state = wording.state(case, now)
    title = f"case {case.id} · {line(subject.brand, 60)} · {line(subject.priority, 10)} {subject.severity} · {state}"
    head = [Text(line(subject.title, 200), style="bold")] if subject.title else []
    quote = Text(cut(clean(subject.text), QUOTED) or "(the post was deleted)", style="italic")
    ways = [Text(""), Text(f"$ {way}", style="dim")] if (way := next_step(case, case.owner)) else []
    panel = Panel(
        Group(*head, quote, Text(""), _table(case, now), *ways),
        title=Text(title),
        title_align="left",
        border_style=COLOURS[case.status],
        width=min(console.width, WIDEST),
    )
    console.print(panel, soft_wrap=False)


def _table(case: Case, now: datetime) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _facts(case, now):
        if value:
            table.add_row(name, Text(value))
    return table


def _facts(case: Case, now: datetime) -> Iterator[tuple[str, str]]:
    subject, due = case.subject, wording.deadline(case)
    yield "owner", f"{line(case.owner, 80)}, {line(case.why, 120)}"
    if due:
        late = ", overdue" if wording.overdue(case, now) else ""
        yield due[0].lower(), f"{wording.clock_time(case, due[1])}{late}"
    if case.reply and case.reply_at:
        yield "first reply", f"in public by {wording.clock_time(case, case.reply.due)}"
    if case.promise:
        yield "promised", line(case.promise.what, 200)
    if case.offer:
        yield "offered to", line(f"{case.offer.to} {f'({case.offer.note})' if case.offer.note else ''}", 200)
    yield f"why {subject.severity}", wording.why_severity(case, 600)
    yield "coordinated?", wording.coordinated(case)
    yield "of that", wording.rated(case, 300)
    yield "to say", line(case.statement, 600)
    yield "proposed", line(subject.proposal, 300)
    yield "author", line(subject.author, 80)
    yield "where", line(subject.url or subject.site, 300)
    yield "answer at", "" if case.incident or case.status.ended else _elsewhere(subject)
    yield "answering", "" if case.incident or case.status.ended else outreach.allowed(subject.site)
    if case.report:
        yield "outcome", f"{case.report.outcome}: {line(case.report.done, 300)}"
        yield "remedy", line(case.report.remedy, 300)
        yield "evidence", line(case.report.evidence, 300)


def _elsewhere(subject: Subject) -> str:
    """Where to answer, when that is another address than the post's."""
    link = outreach.answer_link(subject.site, subject.url)
    return line(link, 300) if link != subject.url else ""


def next_step(case: Case, name: str) -> str:
    """What `name` can type now; "" when it is somebody else's turn. Pure."""
    you = f"{case.id} --as {_quoted(name)}"
    if case.offer and case.offer.reaches(name):
        return f"listener accept {you}"
    if case.status is Status.OPEN and name == case.owner:
        return f"listener ack {you}"
    if case.status is Status.ACKNOWLEDGED and name == case.owner:
        return f'listener report {you} --outcome {Outcome.SOLVED} --done "…" --remedy "…" --evidence "…"'
    if case.status is Status.REPORTED and name == case.owner:
        return f"listener follow-up {you} --result {Result.VERIFIED}"
    return ""


def _quoted(name: str) -> str:
    shown = line(name, 80)
    return shlex.quote(shown) if set(shown) & set('"$`\\!') else f'"{shown}"'


def draw_timeline(console: Console, timeline: Sequence[Event], zone: str) -> None:
    """Times as a clock in `zone` shows them."""
    for event in timeline:
        at = Text(f"{telling.clock(event.at, zone)}  ", style="dim")
        console.print(Text.assemble(at, line(telling.told(event, zone), 600)), soft_wrap=True)
