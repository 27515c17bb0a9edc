"""A story told to its end with a turned clock: heard, nobody answers, promised, missed, reported back, verified.

It goes through the same code as `listener run`. Nothing is narrated that was not looked up first: what does not happen
as the story has it stops the telling.
"""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.text import Text

from escalation.case import Case, Status
from escalation.commands import Acknowledge, Command, FollowUp, ReportBack
from escalation.events import Event, Missed, Outcome, Result
from escalation.terminal import TerminalMessenger, draw_case, draw_timeline
from listener.audit import audit, totals
from listener.bootstrap import build
from listener.cycle import House, Turn, turn
from listener.demo import config
from listener.demo.world import World, created, served
from listener.digest import as_text, compose
from listener.settings import load
from listener.storage.contract import Question, State

BEGINS = datetime(2026, 5, 4, 13, 0, tzinfo=UTC)  # a Monday, nine in the morning in Toronto


class StoryBroken(Exception):
    """What happened is not what the story tells."""


@dataclass(slots=True)
class Clock:
    """Time, turned by hand."""

    now: datetime = BEGINS

    def __call__(self) -> datetime:
        return self.now

    def forward(self, span: timedelta) -> None:
        self.now += span


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryResult:
    timeline: tuple[Event, ...]
    new: tuple[int, ...]  # posts heard for the first time, turn by turn


async def play(out: Console) -> StoryResult:
    """Raises StoryBroken."""
    clock = Clock()
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="listening-post-")))
        world = await stack.enter_async_context(served(created(clock.now)))
        config.write(directory, world.address, clocks=config.AS_IN_LIFE)
        settings = load(directory, {})
        house = await stack.enter_async_context(build(settings, out, clock=clock, messenger=TerminalMessenger(out)))
        await stack.enter_async_context(house.store.engine())
        return await _Teller(house, world, clock, out).tell()


class _Teller:
    def __init__(self, house: House, world: World, clock: Clock, out: Console):
        self._house, self._world, self._clock, self._out = house, world, clock, out
        self._turns: list[Turn] = []
        self._case = 0

    async def tell(self) -> StoryResult:
        await self._heard()
        await self._nobody_answers()
        await self._lee_promises_and_misses()
        await self._the_world_goes_on()
        await self._reported_and_verified()
        await self._accounts()
        new = tuple(sum(kept.new for poll in done.polls for kept in poll.kept) for done in self._turns)
        return StoryResult(timeline=await self._house.store.timeline(self._case), new=new)

    async def _heard(self) -> None:
        self._chapter("Five sources are read: three blogs, and recorded pages of two networks")
        done = await self._turn()
        for poll in done.polls:
            self._say(f"{poll.name}: {poll.state}, {poll.fetched} items")
        balance = await self._house.store.balance()
        self._say("posts: " + ", ".join(f"{count} {state}" for state, count in sorted(totals(balance.posts).items())))
        worst = [row async for row in self._house.store.search(Question(limit=100)) if row.priority == "P1"]
        self._case = next((row.case for row in worst if row.case and row.source == "wander-notes"), 0)
        self._expect(bool(self._case), "the burning charger is a P1 case")
        verdicts = {
            row.brand: row.verdict
            async for row in self._house.store.search(Question(limit=100))
            if "Smoke" in row.title
        }
        self._expect(
            verdicts == {"Acme Air": "complaint", "Larkspur": "praise"},
            "one text damns one brand and praises the other",
        )
        self._say(f"one text, two verdicts: {verdicts}")
        await self._expect_owner("Dana Fox", Status.OPEN)

    async def _nobody_answers(self) -> None:
        self._chapter("Five minutes pass and Dana does not answer")
        self._clock.forward(timedelta(minutes=5))
        done = await self._turn()
        self._expect(sum(kept.new for poll in done.polls for kept in poll.kept) == 0, "nothing is heard twice")
        self._say("the same sources again: nothing is heard twice")
        await self._expect_owner("Lee Park", Status.OPEN)

    async def _lee_promises_and_misses(self) -> None:
        self._chapter("Lee acknowledges and makes a promise")
        self._clock.forward(timedelta(minutes=2))
        due = self._clock.now + timedelta(hours=1)
        await self._do(Acknowledge(by="Lee Park", what="call her back about the burn", due=due))
        await self._expect_owner("Lee Park", Status.ACKNOWLEDGED)
        self._chapter("The hour passes and the promise is missed")
        self._clock.forward(timedelta(hours=1))
        await self._turn()
        events = await self._house.store.timeline(self._case)
        told = [event.to for event in events if isinstance(event, Missed)]
        self._expect(told == ["Sam Ortiz"], "the lead is told of the missed promise")
        await self._expect_owner("Lee Park", Status.ACKNOWLEDGED)

    async def _the_world_goes_on(self) -> None:
        self._chapter("Meanwhile one author deletes a post, and another edits one")
        self._world.blogs["ledger"].edit(
            "question", "Acme Air broke my cello and nobody answers the phone. A disgrace."
        )
        self._world.blogs["wander"].delete("battery")
        self._clock.forward(timedelta(minutes=10))
        done = await self._turn()
        kept = [one for poll in done.polls for one in poll.kept]
        self._expect(sum(one.edited for one in kept) == 1, "the edit is noticed")
        self._expect(sum(one.erased for one in kept) == 1, "the deletion is noticed")
        case = await self._house.desk.case(self._case)
        self._expect(not case.subject.text and not case.subject.author, "what was deleted there is gone here")
        self._say(
            "the question became a complaint and a case; the deleted text is gone here too, the case is still owed"
        )

    async def _reported_and_verified(self) -> None:
        self._chapter("Lee reports back: what was done, what she got, and where it shows")
        report = ReportBack(
            by="Lee Park",
            outcome=Outcome.SOLVED,
            done="called her, arranged a doctor and took the seat out of service",
            remedy="fare refunded, 320 EUR, and the doctor paid",
            evidence="https://crm.example.com/t/4711",
        )
        case = await self._do(report)
        await self._expect_owner("Lee Park", Status.REPORTED)
        self._chapter("The next day Lee is asked whether it helped")
        self._clock.now = case.due or self._clock.now
        await self._turn()
        await self._do(FollowUp(by="Lee Park", result=Result.VERIFIED, note="she thanked us on the phone"))
        await self._expect_owner("Lee Park", Status.CLOSED)

    async def _accounts(self) -> None:
        self._chapter("The digest, and the proof that nothing was lost")
        self._out.print(as_text(await compose(self._house.store, BEGINS, self._clock.now)), markup=False, end="")
        await self._turn()
        draw_timeline(self._out, await self._house.store.timeline(self._case))
        report = await audit(self._house.store, self._clock.now)
        self._expect(report.balanced, f"everything balances: {report.findings}")
        unread = await self._house.store.balance()
        self._expect(unread.owed == 0, "everything owed was said")
        erased = totals(unread.posts).get(State.ERASED, 0)
        self._say(f"audit: everything balances, {report.cases} cases, {erased} post erased, nothing left unsaid")

    async def _turn(self) -> Turn:
        done = await turn(self._house)
        self._turns.append(done)
        return done

    async def _do(self, command: Command) -> Case:
        case = await self._house.desk.handle(self._case, command, self._clock.now)
        draw_case(self._out, case, self._clock.now)
        await self._turn()
        return case

    async def _expect_owner(self, owner: str, status: Status) -> None:
        case = await self._house.desk.case(self._case)
        self._expect(
            (case.owner, case.status) == (owner, status), f"{owner} has it, {status}; not {case.owner}, {case.status}"
        )
        self._say(f"case {case.id}: {case.status}, and {case.owner} has it")

    def _expect(self, true: bool, what: str) -> None:
        if not true:
            raise StoryBroken(f"the story does not hold at {self._clock.now:%H:%M}: expected that {what}")

    def _chapter(self, title: str) -> None:
        self._out.print(Text(f"\n{self._clock.now:%a %d %b %H:%M} UTC  {title}", style="bold cyan"))

    def _say(self, what: str) -> None:
        self._out.print(Text(f"  ✓ {what}"))
