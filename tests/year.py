"""A care team's days, invented from a seed: complaints, shifts, holidays, people who forget, and outages of our own.

Also a program: `python tests/year.py --cases 50000 --days 365` lives a year and prints what it came to.
"""

import argparse
import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from tempfile import TemporaryDirectory

from builders import NOW, batch, mention, post
from fakes import RecordingMessenger

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
from escalation.policy import Person, Policy, Team, Turn
from listener.audit import Report, audit
from listener.storage.contract import Heard, Store
from listener.surge import Surge

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ZONES = ("America/Toronto", "Europe/Lisbon", "Asia/Tokyo", "Australia/Sydney", "America/Mexico_City")
HOLIDAYS = ("CA-ON", "PT", "JP", "AU-NSW", "MX")
CAUSES = ("billing", "delivery", "outage", "staff", "refund", "quality")


@dataclass
class Year:
    """Turns the clock by `tick`; a tick within an outage does nothing at all."""

    store: Store
    seed: int = 1
    now: datetime = NOW
    tick: timedelta = HOUR
    people: tuple[Person, ...] = ()
    messenger: RecordingMessenger = field(default_factory=RecordingMessenger)
    heard: int = 0
    outages: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.people = self.people or tuple(staff(40))
        self.policies = [self._policy(number) for number in range(8)]

    async def live(self, days: int, cases: int) -> None:
        end, down = self.now + days * DAY, self.now
        each = cases / (days * DAY / self.tick)
        while self.now < end:
            self.now += self.tick
            if self.now < down:
                continue
            if self.chance.random() < self.tick / (30 * DAY):
                self.outages, down = self.outages + 1, self.now + self.chance.uniform(1, 72) * HOUR
                continue
            await self._hear(each)
            await self._work()

    async def settle(self) -> Report:
        """What is due now is looked at, what is owed is said, and it is held against the timelines."""
        while await Desk(self.store).look(self.now):
            pass
        await self._deliver()
        return await audit(self.store, self.now)

    async def _hear(self, each: float) -> None:
        number = int(each) + (self.chance.random() < each % 1)
        heard = tuple(self._complaint() for _ in range(number))
        if heard:
            await self.store.keep(batch(*heard, at=self.now, cursor={"n": self.heard}, surge=Surge()))

    def _complaint(self) -> Heard:
        self.heard += 1
        number, author = self.heard, self.chance.randrange(1 + self.heard)
        said = post(f"p{number}", f"Matter number {number} has gone wrong.", author=Author(handle=f"a{author}"))
        cause = self.chance.choice(CAUSES)
        one = mention(said, heard=self.now, created=self.now, cause=cause, customer=f"blog.example {author}")
        assert one.opening
        return Heard(
            post=said, mentions=(replace(one, opening=replace(one.opening, policy=self.chance.choice(self.policies))),)
        )

    async def _work(self) -> None:
        desk = Desk(self.store)
        while await desk.look(self.now):
            pass
        async for row in self.store.cases():
            if not row.within and self.chance.random() < 0.25:
                await self._touch(desk, await desk.case(row.id))
        await self._deliver()

    async def _touch(self, desk: Desk, case: Case) -> None:
        person = case.policy.person(case.owner)
        if person is None or not person.on_duty(self.now):
            return
        try:
            await desk.handle(case.id, self._command(case), self.now)
        except Refused:
            return

    def _command(self, case: Case) -> Command:
        by, luck, soon = case.owner, self.chance.random(), self.now + self.chance.uniform(1, 60) * HOUR
        if case.offer and luck < 0.7:
            return Accept(by=case.offer.to)
        if case.status is Status.OPEN:
            return Dismiss(by=by, reason="a joke") if luck < 0.1 else Acknowledge(by=by, what="call", due=soon)
        if case.status is Status.REPORTED:
            return FollowUp(by=by, result=Result.WORSE if luck < 0.1 else Result.VERIFIED)
        if luck < 0.15:
            return MakePromise(by=by, what="call", due=soon, reason="still looking")
        if luck < 0.3:
            return Handover(by=by, to=self.chance.choice(case.policy.people).name)
        if luck < 0.35:
            return AskForHelp(by=by, text="may I refund?")
        if luck < 0.4:
            return Reopen(by=by, reason="it came back")
        return ReportBack(by=by, outcome=Outcome.SOLVED, done="rang and mended it", remedy="refund", evidence="t/1")

    async def _deliver(self) -> None:
        while await Courier(self.store, self.messenger).deliver(self.now):
            pass

    def _policy(self, number: int) -> Policy:
        own = self.chance.sample(self.people, 10)
        team = Team(name=f"team {number}", members=tuple(person.name for person in own[:6]), turn=Turn.WEEKLY)
        return Policy(
            name=f"care {number}",
            priority="P1",
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


def staff(number: int) -> Iterator[Person]:
    for one in range(number):
        place = one % len(ZONES)
        hours = "Mon-Fri 09:00-17:00" if one % 3 else "Fri-Tue 22:00-06:00"
        yield Person(name=f"Person {one}", timezone=ZONES[place], hours=hours, holidays=HOLIDAYS[place])


async def main(cases: int, days: int) -> None:
    from listener.storage.sqlite import SqliteStore

    with TemporaryDirectory() as directory:
        store = await SqliteStore.open(f"{directory}/year.db")
        year, began = Year(store), time.process_time()
        await year.live(days, cases)
        lived = time.process_time() - began
        report = await year.settle()
        kinds = Counter(notice.kind.value for _, notice in year.messenger.said)
        print(f"{report.cases} cases from {year.heard} posts in {days} days, {year.outages} outages, {lived:.0f} s CPU")
        print(f"said: {dict(kinds)}; balanced: {report.balanced}; {[str(one) for one in report.findings[:5]]}")
        await store.aclose()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cases", type=int, default=50_000)
    arguments.add_argument("--days", type=int, default=365)
    given = arguments.parse_args()
    asyncio.run(main(given.cases, given.days))
