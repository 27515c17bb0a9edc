"""A story told to its end: heard, nobody answers, promised, missed, reported back, verified.

It goes through the same steps as `listener run`, with a turned clock. Nothing is narrated that was not looked up first:
where what happens is not what the story has, the telling stops.
"""

import tomllib
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from connectors.contract import Hearing
from escalation.case import Status
from escalation.commands import Acknowledge, FollowUp, ReportBack
from escalation.events import (
    Erased,
    Escalated,
    Event,
    FollowUpDue,
    Missed,
    Opened,
    Outcome,
    Result,
    Warned,
)
from escalation.telling import told
from listener.audit import Report, audit, totals
from listener.bootstrap import build
from listener.demo import config
from listener.demo.telling import Clock, StoryBroken, Teller
from listener.demo.world import World, created, served
from listener.digest import as_text, compose
from listener.settings import load
from listener.storage.contract import MentionRow, State

__all__ = ["StoryBroken", "StoryResult", "play"]

BEGINS = datetime(2026, 5, 4, 13, 0, tzinfo=UTC)  # a Monday, nine in the morning in Toronto
DANA, LEE, SAM = "Dana Fox", "Lee Park", "Sam Ortiz"
SMOKE = "wander-notes:wander-smoke"
CELLO = "Acme Air broke my cello and nobody answers the phone. A disgrace."
SORRY = "We are very sorry for the inconvenience"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryResult:
    """What a test may hold the story to."""

    timeline: tuple[Event, ...]  # of the case that is told
    mentions: tuple[MentionRow, ...]
    new: tuple[int, ...]  # posts heard for the first time, at each hearing
    answers: Mapping[int, int]  # how often the world gave each HTTP status
    audit: Report


async def play(out: Console) -> StoryResult:
    """Raises StoryBroken."""
    clock = Clock(BEGINS)
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="listening-post-")))
        world = await stack.enter_async_context(served(created(clock())))
        config.write(directory, world.address, config.AS_IN_LIFE)
        house = await stack.enter_async_context(build(load(directory, {}), out, clock=clock))
        await stack.enter_async_context(house.store.engine())
        return await _Story(Teller(house, clock, out), world).tell()


class _Story:
    def __init__(self, teller: Teller, world: World):
        self._teller, self._world = teller, world
        self._store, self._clock = teller.house.store, teller.clock
        self._case = 0
        self._answers: Mapping[str, Mapping[str, str]] = tomllib.loads(config.text("answers.toml"))

    async def tell(self) -> StoryResult:
        await self._heard()
        await self._told()
        await self._nobody_answers()
        await self._lee_promises()
        await self._dana_keeps_hers()
        await self._the_promise_is_missed()
        await self._the_world_goes_on()
        await self._lee_reports_back()
        await self._it_really_helped()
        report = await self._accounts()
        return StoryResult(
            timeline=await self._store.timeline(self._case),
            mentions=tuple(await self._teller.mentions()),
            new=tuple(self._teller.new),
            answers=dict(self._world.answers),
            audit=report,
        )

    async def _heard(self) -> None:
        tell = self._teller
        tell.chapter("Three blogs, and recorded pages of two networks, are read")
        polls = await tell.hear()
        tell.draw_polls(polls)
        deaf = [f"{poll.name}: {poll.note}" for poll in polls if poll.state != Hearing.HEARD]
        tell.expect(not deaf, "every source to be heard", deaf)
        rows = await tell.mentions()
        tell.draw_mentions(rows)
        await self._expect_each_in_one_state()
        verdicts = {row.brand: row.verdict for row in rows if "Smoke" in row.title}
        two = {"Acme Air": "complaint", "Larkspur": "praise"}
        tell.expect(verdicts == two, "one text to damn one brand and to praise the other", verdicts)
        tell.say("one text, two verdicts: " + ", ".join(f"{brand} {verdict}" for brand, verdict in two.items()))
        told_of = [row.title or row.text for row in rows if row.verdict != "complaint" and row.case]
        tell.expect(not told_of, "praise, news and questions to be kept without calling anybody", told_of)

    async def _expect_each_in_one_state(self) -> None:
        balance = await self._store.balance()
        states = totals(balance.posts)
        heard, placed = sum(balance.fetched.values()), sum(states.values())
        self._teller.expect(heard == placed, f"{heard} posts to be accounted for", states)
        told_states = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        self._teller.say(f"{heard} posts heard, each in exactly one state: {told_states}")

    async def _told(self) -> None:
        tell = self._teller
        tell.chapter(f"Each complaint is given to one person: {DANA} is first on the ladder")
        await tell.work()
        opened = [case for case in await tell.open_of(DANA) if case.subject.post == SMOKE]
        tell.expect(len(opened) == 1, "one case for the burning charger", opened)
        self._case = opened[0].id
        tell.expect(opened[0].subject.priority == "P1", "the burning charger to be P1", opened[0].subject.priority)
        await tell.expect_last(self._case, Opened)
        await tell.expect_case(self._case, DANA, Status.OPEN)

    async def _nobody_answers(self) -> None:
        tell = self._teller
        self._clock.forward(timedelta(minutes=5))
        tell.chapter(f"{DANA} has not answered within five minutes")
        unchanged = self._world.answers[304]
        await tell.hear()
        tell.expect(tell.new[-1] == 0, "nothing to be heard twice", f"{tell.new[-1]} posts")
        unchanged = self._world.answers[304] - unchanged
        tell.say(f"the same sources again: {tell.new[-1]} new posts; {unchanged} feeds answered 304, not modified")
        await tell.work()
        await tell.expect_last(self._case, Escalated)
        await tell.expect_case(self._case, LEE, Status.OPEN)

    async def _lee_promises(self) -> None:
        tell = self._teller
        self._clock.forward(timedelta(minutes=2))
        tell.chapter(f"{LEE} acknowledges, with a promise")
        due = self._clock() + timedelta(hours=1)
        case = await tell.ask(self._case, Acknowledge(by=LEE, what="call her back about the burn", due=due))
        tell.show(case)
        await tell.expect_case(self._case, LEE, Status.ACKNOWLEDGED)

    async def _dana_keeps_hers(self) -> None:
        tell = self._teller
        self._clock.forward(timedelta(minutes=5))
        tell.chapter(f"{DANA} is back, and takes the others")
        mine = await tell.open_of(DANA)
        tell.expect(bool(mine), f"{DANA} to have the others", mine)
        for case in mine:
            await tell.ask(case.id, Acknowledge(by=DANA))
        self._clock.forward(timedelta(minutes=38))
        tell.chapter(f"{DANA} reports back on each")
        for case in mine:
            await tell.ask(case.id, self._report(DANA, case.subject.post))
        states = {case.id: case.status for case in await tell.open_of(DANA)}
        tell.expect(set(states.values()) == {Status.REPORTED}, f"all of {DANA}'s to be reported back", states)

    async def _the_promise_is_missed(self) -> None:
        tell = self._teller
        self._clock.now = await self._due()
        tell.chapter(f"The hour is nearly over, and {LEE} is warned")
        await tell.work()
        await tell.expect_last(self._case, Warned)
        self._clock.now = await self._due()
        tell.chapter(f"The hour is over, and {LEE} has not reported back")
        await tell.work()
        await tell.expect_last(self._case, Missed)
        missed = [event.to for event in await self._store.timeline(self._case) if isinstance(event, Missed)]
        tell.expect(missed == [SAM], f"the lead, {SAM}, to be told", missed)
        case = await tell.expect_case(self._case, LEE, Status.ACKNOWLEDGED)
        tell.expect(bool(case.promise and case.promise.missed), "the promise to be marked as missed", case.promise)

    async def _the_world_goes_on(self) -> None:
        tell = self._teller
        self._clock.forward(timedelta(minutes=2))
        tell.chapter("Meanwhile one author deletes her article, and another changes his")
        self._world.blogs["wander"].delete("smoke", self._clock())
        self._world.blogs["ledger"].edit("cello", CELLO, self._clock())
        kept = [one for poll in await tell.hear() for one in poll.kept]
        tell.expect(tell.new[-1] == 0, "no new post", tell.new[-1])
        edited, erased = sum(one.edited for one in kept), sum(one.erased for one in kept)
        tell.expect(edited == 1 and erased >= 1, "one edit and the deletion to be noticed", (edited, erased))
        await tell.work()
        await tell.expect_last(self._case, Erased)
        await self._expect_forgotten()
        risen = [row.case for row in await tell.mentions() if row.text == CELLO and row.case]
        tell.expect(len(risen) == 1, "the changed article to be a complaint now", risen)
        tell.say(f"the changed article is judged again: a question has become case {risen[0]}")
        await tell.ask(risen[0] or 0, Acknowledge(by=DANA))

    async def _expect_forgotten(self) -> None:
        tell = self._teller
        case = await tell.house.desk.case(self._case)
        subject = case.subject
        left = (subject.text, subject.title, subject.author, subject.url)
        tell.expect(not any(left), "what was deleted there to be gone here", left)
        found = [row.text for row in await tell.mentions() if "charger" in row.text]
        tell.expect(not found, "search to find nothing of it", found)
        tell.say(f"case {case.id}: its text and author are gone here too, and {case.owner} still owes the promise")

    async def _lee_reports_back(self) -> None:
        tell = self._teller
        self._clock.forward(timedelta(minutes=1))
        tell.chapter(f"{LEE} reports back")
        sorry = ReportBack(by=LEE, outcome=Outcome.SOLVED, done=SORRY, remedy="none", evidence="a letter")
        tell.say(f'"{SORRY}" is refused: {await tell.refused(self._case, sorry)}')
        tell.show(await tell.ask(self._case, self._report(LEE, SMOKE)))
        await tell.expect_case(self._case, LEE, Status.REPORTED)

    async def _it_really_helped(self) -> None:
        tell = self._teller
        self._clock.now = await self._due()
        tell.chapter("The next day each is asked whether it really helped")
        await tell.work()
        await tell.expect_last(self._case, FollowUpDue)
        for case in await tell.open_of(DANA):
            if case.status is Status.REPORTED:
                await tell.ask(case.id, self._verified(DANA, case.subject.post))
        await tell.ask(self._case, self._verified(LEE, SMOKE))
        await tell.expect_case(self._case, LEE, Status.CLOSED)

    async def _accounts(self) -> Report:
        tell = self._teller
        tell.chapter("The whole story of the case, the digest, and the proof that nothing was lost")
        timeline = await self._store.timeline(self._case)
        tell.draw_timeline(timeline, [told(event, "UTC") for event in timeline])
        tell.boxed("digest", as_text(await compose(self._store, BEGINS, self._clock())))
        report = await audit(self._store, self._clock())
        tell.expect(report.balanced, "everything to balance", report.findings)
        tell.expect(report.balance.owed == 0, "everything owed to be said", f"{report.balance.owed} unsaid")
        erased = totals(report.balance.posts).get(State.ERASED, 0)
        tell.say(
            f"audit: {report.cases} cases, posts erased: {erased}, notices unsaid: {report.balance.owed}; it balances"
        )
        return report

    async def _due(self) -> datetime:
        case = await self._teller.house.desk.case(self._case)
        self._teller.expect(case.due is not None, "the case to have a deadline", case.status)
        return case.due or self._clock()

    def _report(self, by: str, post: str) -> ReportBack:
        said = self._answer(post)
        return ReportBack(
            by=by, outcome=Outcome.SOLVED, done=said["done"], remedy=said["remedy"], evidence=said["evidence"]
        )

    def _verified(self, by: str, post: str) -> FollowUp:
        return FollowUp(by=by, result=Result.VERIFIED, note=self._answer(post)["found"])

    def _answer(self, post: str) -> Mapping[str, str]:
        return self._answers.get(post, self._answers["other"])
