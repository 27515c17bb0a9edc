"""A care team's days, invented from a seed: complaints, shifts, holidays, people who forget, and outages of our own.

Also a program: `python tests/year.py` lives a year of 50,000 cases and prints what it came to; `--cases 5000 --days 40`
lives less. It works in memory where the system has a place for that, so it is not the disk that is measured.
"""

import argparse
import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from builders import NOW, batch, mention, post
from fakes import Died, RecordingMessenger

from connectors.post import Author
from escalation.case import Case, Status
from escalation.commands import (
    Accept,
    Acknowledge,
    AskForHelp,
    Command,
    Dismiss,
    FollowUp,
    Handover,
    MakePromise,
    Refused,
    Reopen,
    ReportBack,
)
from escalation.courier import Courier
from escalation.desk import Desk
from escalation.events import Outcome, Result
from escalation.notices import Notice
from escalation.policy import Leave, Person, Policy, Shift, Team, Turn
from listener.audit import Report, audit
from listener.storage.contract import CaseRow, Heard, Store
from listener.surge import Surge

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ZONES = ("America/Toronto", "Europe/Lisbon", "Asia/Tokyo", "Australia/Sydney", "America/Mexico_City")
HOLIDAYS = ("CA-ON", "PT", "JP", "AU-NSW", "MX")
CAUSES = ("billing", "delivery", "outage", "staff", "refund", "quality")


@dataclass(slots=True)
class Mortal(RecordingMessenger):
    """Dies with the next thing it has said, when it is told to; counts what it says instead of keeping a year of it."""

    dies: bool = False
    keys: set[str] = field(default_factory=set)
    kinds: Counter[str] = field(default_factory=Counter)

    async def find(self, notice: Notice) -> str:
        return "memory:found" if notice.key in self.keys else ""

    async def send(self, notice: Notice, case: Case | None, under: str, now: datetime) -> str:
        for key in notice.says or (notice.key,):
            assert key not in self.keys, f"{key} is said twice"
            self.keys.add(key)
        self.kinds[notice.kind.value] += 1
        if self.dies:
            self.dies = False
            raise Died(notice.key)
        return f"memory:{len(self.keys)}"

    async def redraw(self, ref: str, notice: Notice, case: Case, now: datetime) -> str:
        return ref


@dataclass
class Year:
    """Turns the clock by `tick`; while we are down nothing at all happens here, and people complain all the same."""

    store: Store
    seed: int = 1
    now: datetime = NOW
    tick: timedelta = HOUR
    people: tuple[Person, ...] = ()
    messenger: Mortal = field(default_factory=Mortal)
    heard: int = 0
    opened: int = 0
    outages: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.people = self.people or tuple(staff(40, self.now))
        self.by_name = {person.name: person for person in self.people}
        self.policies = [self._policy(number) for number in range(8)]
        self.listened = self.now  # until when we have heard what was said

    async def live(self, days: int, cases: int) -> None:
        """`cases` are opened by the end, if the end is no outage."""
        begin, end, down = self.now, self.now + days * DAY, self.now
        while self.now < end:
            self.now += self.tick
            if self.now < down:
                continue
            await self._hear(round(cases * ((self.now - begin) / (end - begin))) - self.opened)
            if self.chance.random() < self.tick / (30 * DAY):
                self.outages, down = self.outages + 1, self.now + self.chance.uniform(1, 72) * HOUR
                self.messenger.dies = True
            try:
                await self._work()
            except Died:
                async with self.store.engine():  # started again: what was in its hands is owed at once
                    continue

    async def settle(self) -> Report:
        """What is due now is looked at, what is owed is said, and it is held against the timelines."""
        while await Desk(self.store).look(self.now):
            pass
        await self._deliver()
        return await audit(self.store, self.now)

    async def _hear(self, number: int) -> None:
        for at_once in range(0, number, 100):
            heard = tuple(self._complaint() for _ in range(min(100, number - at_once)))
            page = batch(*heard, at=self.now, cursor={"n": self.heard}, surge=Surge())
            self.opened += len((await self.store.keep(page)).opened)
        self.listened = self.now

    def _complaint(self) -> Heard:
        self.heard += 1
        number, author = self.heard, self.chance.randrange(1 + 10 * self.heard)
        said = post(f"p{number}", f"Matter number {number} has gone wrong.", author=Author(handle=f"a{author}"))
        cause, created = self.chance.choice(CAUSES), self.listened + self.chance.random() * (self.now - self.listened)
        one = mention(said, heard=self.now, created=created, cause=cause, customer=f"blog.example {author}")
        assert one.opening
        opening = replace(one.opening, policy=self.chance.choice(self.policies))
        return Heard(post=said, mentions=(replace(one, opening=opening),))

    async def _work(self) -> None:
        desk = Desk(self.store)
        if self.chance.random() < 0.02:
            await self.store.set_away(
                self.chance.choice(self.people).name, self.now + self.chance.uniform(1, 96) * HOUR
            )
        while await desk.look(self.now) or await self.store.unanswered(1):
            pass
        on_duty = {person.name for person in self.people if person.on_duty(self.now)}
        async for row in self.store.cases():
            checked = not row.within or row.status == Status.REPORTED
            if row.owner in on_duty and checked and self.chance.random() < 0.25:
                await self._touch(desk, row)
        await self._deliver()

    async def _touch(self, desk: Desk, row: CaseRow) -> None:
        try:
            await desk.handle(row.id, self._command(row), self.now)
        except Refused:
            return

    def _command(self, row: CaseRow) -> Command:
        by, luck, soon = row.owner, self.chance.random(), self.now + self.chance.uniform(1, 60) * HOUR
        if row.offered and luck < 0.7:
            return Accept(by=row.offered[0])
        if row.status == Status.OPEN:
            return Dismiss(by=by, reason="a joke") if luck < 0.1 else Acknowledge(by=by, what="call", due=soon)
        if row.status == Status.REPORTED:
            return FollowUp(by=by, result=Result.WORSE if luck < 0.1 else Result.VERIFIED)
        if luck < 0.15:
            return MakePromise(by=by, what="call", due=soon, reason="still looking")
        if luck < 0.3:
            return Handover(by=by, to=self.chance.choice(self.people).name)
        if luck < 0.35:
            return AskForHelp(by=by, text="may I refund?")
        if luck < 0.4:
            return Reopen(by=by, reason="it came back")
        return ReportBack(by=by, outcome=Outcome.SOLVED, done="rang and mended it", remedy="refund", evidence="t/1")

    async def _deliver(self) -> None:
        while await Courier(self.store, self.messenger).deliver(self.now, limit=500):
            pass

    def _policy(self, number: int) -> Policy:
        own = self.chance.sample(self.people, 10)
        names = tuple(person.name for person in own[:6])
        turn = list(Turn)[number % len(Turn)]
        team = Team(name=f"team {number}", members=names, turn=turn, shifts=tuple(_shifts(names, self.now)))
        return Policy(
            name=f"care {number}",
            priority="P1" if number % 4 == 0 else "P2",
            acknowledge=self.chance.uniform(0.2, 8) * HOUR,
            report=self.chance.uniform(4, 72) * HOUR,
            warn=HOUR,
            ask=DAY,
            take_back=DAY,
            working=number % 2 == 0,
            first_reply=number % 3 * 2 * HOUR,
            ladder=(team.name, *(person.name for person in own[6:8])),
            people=tuple(own),
            teams=(team,),
        )


def staff(number: int, begin: datetime) -> Iterator[Person]:
    """On five continents, some at night; each has two weeks of leave, and every other a stand-in."""
    for one in range(number):
        place, first = one % len(ZONES), begin.date() + one * 9 * DAY
        yield Person(
            name=f"Person {one}",
            timezone=ZONES[place],
            hours="Mon-Fri 09:00-17:00" if one % 3 else "Fri-Tue 22:00-06:00",
            holidays=HOLIDAYS[place],
            leave=(Leave(first=first, last=first + 14 * DAY),),
            backup=f"Person {(one + 1) % number}" if one % 2 else "",
        )


def _shifts(names: tuple[str, ...], begin: datetime) -> Iterator[Shift]:
    """A calendar's nights of the first weeks; then nobody wrote it any further."""
    for night in range(14):
        start = begin + night * DAY
        yield Shift(name=names[night % len(names)], start=start, end=start + DAY / 2)


async def main(cases: int, days: int, directory: str | None) -> None:
    from listener.storage.sqlite import SqliteStore

    with TemporaryDirectory(dir=directory) as place:
        store = await SqliteStore.open(f"{place}/year.db")
        year, began = Year(store), time.process_time()
        await year.live(days, cases)
        lived = time.process_time() - began
        report = await year.settle()
        audited = time.process_time() - began - lived
        print(f"{report.cases} cases of {year.heard} posts in {days} days with {year.outages} outages of our own:")
        print(
            f"  lived in {lived:.0f} s, audited in {audited:.0f} s of processor time; said: {dict(year.messenger.kinds)}"
        )
        print(f"  balanced: {report.balanced}", *report.findings[:5])
        await store.aclose()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cases", type=int, default=50_000)
    arguments.add_argument("--days", type=int, default=365)
    arguments.add_argument("--in", dest="directory", default="/dev/shm" if Path("/dev/shm").is_dir() else None)
    given = arguments.parse_args()
    asyncio.run(main(given.cases, given.days, given.directory))
