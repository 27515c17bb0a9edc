"""Two processes on one database, whatever they do at the same moment, however clocks step, whoever dies in between.

Each of the two has a store of its own on the same file, as an engine and a desk or a command line have, or on the same
PostgreSQL, as two hosts have; what one step gives to both happens at once. People are told through one messenger, as
through one Slack.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import postgresserver
import pytest
from builders import NOW, batch, complaint
from fakes import Died
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_case_properties import COMMANDS
from year import Mortal

from escalation.case import replay
from escalation.commands import Acknowledge, Refused
from escalation.courier import Courier
from escalation.desk import Desk
from listener.audit import audit
from listener.storage.contract import Store
from listener.storage.postgres import PostgresStore
from listener.storage.sqlite import SqliteStore

Opens = Callable[[], Awaitable[Store]]
ENDS = NOW + timedelta(days=30)
STEPS = st.tuples(
    st.integers(-10, 600),  # minutes; a clock may be set back
    st.sampled_from(["look", "deliver", "die", "restart", "hear"]) | COMMANDS,
    st.sampled_from(["look", "deliver", "restart"]) | COMMANDS,
)


class Process:
    """One of the two."""

    def __init__(self, opens: Opens, messenger: Mortal):
        self.opens, self.messenger = opens, messenger
        self.heard = 0

    async def begin(self) -> "Process":
        self.store = await self.opens()
        return self

    async def do(self, what: object, now: object) -> None:
        match what:
            case "look":
                await Desk(self.store).look(now)  # type: ignore[arg-type]
            case "deliver":
                await Courier(self.store, self.messenger).deliver(now)  # type: ignore[arg-type]
            case "die":
                await self.die(now)
            case "restart":
                await self.store.aclose()
                await self.begin()
            case "hear":
                self.heard += 1
                await self.store.keep(batch(complaint(f"h{self.heard}"), at=now, cursor={"n": self.heard}))
            case _:
                for case in (1, 2):
                    try:
                        await Desk(self.store).handle(case, what, now)  # type: ignore[arg-type]
                    except Refused:
                        continue

    async def die(self, now: object) -> None:
        """In the middle of a sentence; whoever turns the crank next says no more than what was not said."""
        self.messenger.dies = True
        try:
            await Courier(self.store, self.messenger).deliver(now)  # type: ignore[arg-type]
        except Died:
            await self.store.aclose()
            await self.begin()
        self.messenger.dies = False


@contextmanager
def a_file() -> Iterator[Opens]:
    with TemporaryDirectory() as directory:
        yield lambda: SqliteStore.open(str(Path(directory) / "listener.db"))


@contextmanager
def a_server() -> Iterator[Opens]:
    address = postgresserver.shelf().take()
    yield lambda: PostgresStore.open(address)
    postgresserver.shelf().give_back(address)


@given(st.lists(STEPS, max_size=14))
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_whatever_two_processes_do_at_once_everything_balances(steps: list[tuple[int, object, object]]) -> None:
    with a_file() as opens:
        asyncio.run(lived(opens, steps))


@given(st.lists(STEPS, max_size=14))
@settings(max_examples=8, suppress_health_check=list(HealthCheck))
def test_whatever_two_hosts_on_one_server_do_at_once_everything_balances(
    steps: list[tuple[int, object, object]],
) -> None:
    with a_server() as opens:
        asyncio.run(lived(opens, steps))


async def lived(opens: Opens, steps: list[tuple[int, object, object]]) -> None:
    messenger = Mortal()
    one, other = await Process(opens, messenger).begin(), await Process(opens, messenger).begin()
    await one.store.keep(batch(complaint("p1"), complaint("p2")))
    now = NOW
    for minutes, mine, theirs in steps:
        now += timedelta(minutes=minutes)
        if mine == "die":  # a process that dies is alone in its hands: what it had is freed when it starts again
            await one.do(mine, now)
            async with one.store.engine():
                continue
        await asyncio.gather(one.do(mine, now), other.do(theirs, now))
    await settled(one, other)
    await one.store.aclose()
    await other.store.aclose()


async def settled(one: Process, other: Process) -> None:
    """All that is due has been done, once; twice looked is once done; and the accounts balance."""
    await asyncio.gather(*(Desk(each.store).look(ENDS) for each in (one, other)))
    while await Desk(one.store).look(ENDS):
        pass
    before = {row.id: await one.store.timeline(row.id) async for row in one.store.cases(ended=True)}
    await asyncio.gather(*(Desk(each.store).look(ENDS) for each in (one, other)))
    assert before == {id_: await other.store.timeline(id_) for id_ in before}, "twice looked is once done"
    while await Courier(one.store, one.messenger).deliver(ENDS + timedelta(days=5)):
        pass
    report = await audit(one.store, ENDS)
    assert report.balanced, report.findings
    assert {replay(timeline).owner for timeline in before.values()} <= {"Dana Fox", "Lee Park", "Sam Ortiz"}


@pytest.mark.parametrize("database", [a_file, a_server])
def test_two_who_acknowledge_at_the_same_instant_are_one_owner(
    database: Callable[[], AbstractContextManager[Opens]],
) -> None:
    async def both(opens: Opens) -> None:
        one, other = await Process(opens, Mortal()).begin(), await Process(opens, Mortal()).begin()
        await one.store.keep(batch(complaint("p1")))
        presses = [
            Desk(each.store).handle(1, Acknowledge(by=name), NOW)
            for each, name in ((one, "Dana Fox"), (other, "Lee Park"))
        ]
        done = await asyncio.gather(*presses, return_exceptions=True)
        assert sorted(type(each).__name__ for each in done) == ["Case", "Refused"]
        assert len(await one.store.timeline(1)) == 3
        await one.store.aclose()
        await other.store.aclose()

    with database() as opens:
        asyncio.run(both(opens))
