"""How a story is told: time turned by hand, every step checked against the store, and only then printed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rich.box import SIMPLE
from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from escalation.case import Case, Status
from escalation.clean import line
from escalation.commands import Command, Refused
from escalation.events import Event
from escalation.terminal import draw_case
from listener.cycle import House, Poll, deliver, listen, look
from listener.storage.contract import MentionRow, Question


class StoryBroken(Exception):
    """What happened is not what the story tells."""


@dataclass(slots=True)
class Clock:
    """Time, turned by hand."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def forward(self, span: timedelta) -> None:
        self.now += span


@dataclass(slots=True)
class Teller:
    """Does what `listener run` does, at the hour the story has come to, and says what came of it."""

    house: House
    clock: Clock
    out: Console
    new: list[int] = field(default_factory=list)  # posts heard for the first time, at each hearing

    async def hear(self) -> list[Poll]:
        """Polls every source, one after the other so that cases are always numbered alike."""
        polls = [await listen(self.house, source) for source in self.house.settings.sources]
        self.new.append(sum(kept.new for poll in polls for kept in poll.kept))
        return polls

    async def work(self) -> None:
        """Steps what is overdue and delivers what is owed; the cards and lines are drawn on the way."""
        await look(self.house)
        while await deliver(self.house):
            pass

    async def ask(self, case_id: int, command: Command) -> Case:
        """What a person's button, form or command line would ask."""
        case = await self.house.desk.handle(case_id, command, self.clock())
        await self.work()
        return case

    async def refused(self, case_id: int, command: Command) -> str:
        """Why the desk does not grant this."""
        try:
            await self.house.desk.handle(case_id, command, self.clock())
        except Refused as why:
            return str(why)
        raise StoryBroken(f"{self.at}: {command.by} was granted what the story says is refused")

    async def mentions(self) -> list[MentionRow]:
        return [row async for row in self.house.store.search(Question(limit=100))]

    async def open_of(self, owner: str) -> list[Case]:
        rows = [row.id async for row in self.house.store.cases() if row.owner == owner]
        return [await self.house.desk.case(case_id) for case_id in sorted(rows)]

    async def expect_case(self, case_id: int, owner: str, status: Status) -> Case:
        case = await self.house.desk.case(case_id)
        found = f"case {case.id} is {case.status} with {case.owner}"
        self.expect((case.owner, case.status) == (owner, status), f"case {case_id} to be {status} with {owner}", found)
        due = f", due {case.due:%a %H:%M} UTC" if case.due else ""
        self.say(f"{found}{due}")
        return case

    async def expect_last(self, case_id: int, kind: type[Event]) -> None:
        """Of the events of this very moment, one is of this kind."""
        timeline = await self.house.store.timeline(case_id)
        kinds = [type(event).__name__ for event in timeline if event.at == self.clock()]
        self.expect(kind.__name__ in kinds, f"{kind.__name__} in case {case_id}", ", ".join(kinds) or "nothing")

    def expect(self, true: bool, what: str, found: object) -> None:
        if not true:
            raise StoryBroken(f"{self.at}: the story expects {what}, but what happened is: {found}")

    @property
    def at(self) -> str:
        return f"{self.clock():%a %H:%M}"

    def chapter(self, title: str) -> None:
        self.out.print()
        self.out.rule(Text.assemble((f"{self.at} UTC  ", "bold"), (title, "bold cyan")), align="left", style="dim")

    def say(self, what: str) -> None:
        row = Table.grid(padding=(0, 1))
        row.add_row(Text(f"{self.clock():%H:%M}", style="dim"), Text("✓", style="green"), Text(what))
        self.out.print(row)

    def show(self, case: Case) -> None:
        draw_case(self.out, case, self.clock())

    def boxed(self, title: str, lines: str) -> None:
        self.out.print(Panel(Text(lines.rstrip()), title=Text(title), title_align="left", width=self._width))

    def draw_polls(self, polls: Iterable[Poll]) -> None:
        table = Table("source", "kind", "state", box=SIMPLE, pad_edge=False)
        for head in ("items", "new", "mentions", "complaints"):
            table.add_column(head, justify="right")
        kinds = {source.name: source.kind for source in self.house.settings.sources}
        for poll in polls:
            counts = [sum(getattr(kept, name) for kept in poll.kept) for name in ("new", "mentions", "complaints")]
            table.add_row(poll.name, kinds[poll.name], poll.state, *map(str, (poll.fetched, *counts)))
        self.out.print(table)

    def draw_mentions(self, rows: Sequence[MentionRow]) -> None:
        table = Table("brand", "verdict", "severity", "case", box=SIMPLE, pad_edge=False, width=self._width)
        table.add_column("what was said", no_wrap=True, ratio=1)
        for row in sorted(rows, key=lambda row: (-row.severity, row.id)):
            severity = f"{row.priority} {row.severity}" if row.priority else ""
            said = line(f"{row.title}: {row.text}" if row.title else row.text, 100)
            table.add_row(row.brand, row.verdict, severity, str(row.case or ""), Text(said, overflow="ellipsis"))
        self.out.print(table)

    def draw_timeline(self, timeline: Sequence[Event], told: Sequence[str]) -> None:
        table = Table.grid(padding=(0, 2))
        for event, words in zip(timeline, told, strict=True):
            table.add_row(Text(f"{event.at:%a %H:%M}", style="dim"), Text(type(event).__name__, "bold"), Text(words))
        self.out.print(Padding(table, (0, 2)))

    @property
    def _width(self) -> int:
        return min(self.out.width, 100)
