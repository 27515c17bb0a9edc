"""`listener run`: the cycle's steps, each at its own pace, until asked to stop; then what is under way is finished."""

import asyncio
import logging
import random
import sys
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from dateutil.relativedelta import relativedelta

from connectors.contract import ConnectorError
from escalation.notices import HOUSE, Kind, Notice
from listener.audit import audit
from listener.coverage import absence
from listener.cycle import AT_ONCE, ELSEWHERE, LEASE, House, deliver, listen, look, remind, turns
from listener.reading import send_due
from listener.settings import Source
from listener.storage.contract import Finding, StoreDown, StoreError

log = logging.getLogger("listener")

ROLES = ("listen", "escalate", "web")  # what one process does of it all (bootstrap.py opens the doors of "web")
TICK = 0.5  # seconds between two looks
HELD = 15.0  # seconds after which what we have taken is prolonged
AGAIN = timedelta(seconds=5)  # until we look again whether a source that another process polls is ours to poll
RESTS = timedelta(minutes=5)  # a source whose page could not be kept, at most
PULSE = 60.0  # seconds between two signs of life
DEAD = timedelta(minutes=5)  # without a look or a delivery: no sign of life is given then
GLANCES = 3600.0  # seconds between two looks whether the store is sound,
GLANCE = timedelta(seconds=1)  # each of which takes this long at most
FIRST_AUDIT = 300.0  # seconds after the start
CALENDARS = 3600.0  # seconds between two looks at the calendars of who has the turn
MOST_LATE = 100_000  # deadlines that are counted after a silence of our own
DRAIN = 15.0  # seconds given to what is under way when we are asked to stop


async def run(house: House, stop: asyncio.Event, roles: Collection[str] = ROLES) -> None:
    """Returns once `stop` is set and the present steps are done."""
    stirred = asyncio.Event()
    async with house.store.watch(stirred.set), asyncio.TaskGroup() as tasks:
        tasks.create_task(_holding(house, stop))
        tasks.create_task(_turning(house, stop))
        if "listen" in roles:
            tasks.create_task(_listening(house, stop))
        if "escalate" in roles:
            await _escalating(house, stop, stirred, tasks)


async def _escalating(house: House, stop: asyncio.Event, stirred: asyncio.Event, tasks: asyncio.TaskGroup) -> None:
    beats: dict[str, datetime] = {}  # step -> when it last went well
    await wake(house)
    tasks.create_task(_glancing(house, stop))
    tasks.create_task(_beating(house, look, beats, stop))
    tasks.create_task(_beating(house, deliver, beats, stop, stirred))
    tasks.create_task(_waking(house, stop))
    tasks.create_task(_pulsing(house, beats, stop))
    tasks.create_task(_auditing(house, stop))
    tasks.create_task(_reading(house, stop))


def _note(failed: str, *about: object) -> None:
    """Of the exception that is being handled. That the store itself fails is said by the store, and once."""
    if not isinstance(sys.exception(), StoreDown):
        log.exception(failed, *about)


async def _holding(house: House, stop: asyncio.Event) -> None:
    """While we are alive, what we have taken stays ours; and we go by the store's clock."""
    while not stop.is_set():
        try:
            await house.agree()
            await house.store.renew(house.clock(), LEASE)
        except Exception:  # the fence: a lease that ends is another's, and nothing is kept under it
            _note("could not prolong what we have taken; trying again")
        await _pause(stop, HELD)


async def _alone(house: House, what: str, step: Callable[[], Awaitable[object]]) -> None:
    """Of several processes one does it; the others will see that it was done."""
    if await house.store.take(what, LEASE):
        try:
            await step()
        finally:
            with suppress(StoreError):
                await house.store.give_back(what)


Step = Callable[[House], Awaitable[int]]


async def _beating(
    house: House,
    step: Step,
    beats: dict[str, datetime],
    stop: asyncio.Event,
    stirred: asyncio.Event | None = None,
) -> None:
    """Again after a tick, or as soon as another process says that there is something to do."""
    while not stop.is_set():
        try:
            begun = asyncio.get_running_loop().time()
            busy = await step(house)
            took = asyncio.get_running_loop().time() - begun
            house.took[step.__name__] = max(took, house.took.get(step.__name__, 0.0))
            beats[step.__name__] = house.clock()
        except Exception:  # the fence: the next beat tries again, the others go on
            _note("%s failed; trying again", step.__name__)
            busy = 0
        if not busy:
            await _pause(stop, TICK, stirred)


async def wake(house: House) -> None:
    """Notes that we are at work; after a silence of our own, killed, frozen or switched off, people are told."""
    now = house.clock()
    was = await house.store.awake(now)
    late = len(await house.store.due(now, MOST_LATE))
    if notice := absence(was, now, late):
        await house.store.owe(notice, now)
        log.warning(notice.text)


async def _waking(house: House, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await _pause(stop, PULSE)
        for step in (wake, remind, tidy, measured):
            try:
                await _alone(house, step.__name__, partial(step, house))
            except Exception:  # the fence: it is done a minute later
                _note("%s failed; trying again", step.__name__)


async def _pulsing(house: House, beats: Mapping[str, datetime], stop: asyncio.Event) -> None:
    """Whoever watches from outside hears of us each minute, for as long as cases are looked at and notices go out."""
    while house.pulse and not stop.is_set():
        well = alive(beats, house.clock())
        if well:
            await _told(house.pulse)
        await _pause(stop, PULSE if well else TICK)


def alive(beats: Mapping[str, datetime], now: datetime) -> bool:
    return all(name in beats and now - beats[name] < DEAD for name in (look.__name__, deliver.__name__))


async def _auditing(house: House, stop: asyncio.Event) -> None:
    """People are told when something does not balance; a first audit soon after the start, then one a day."""
    await _pause(stop, FIRST_AUDIT)
    while not stop.is_set():
        for what, step in (("history", retire), ("audit", audited)):
            try:
                await _alone(house, what, partial(step, house))
            except Exception:  # the fence: neither stops the other, or anything else
                _note(f"the {what} failed; trying again")
        await _pause(stop, house.settings.audit_every.total_seconds())


async def _turning(house: House, stop: asyncio.Event) -> None:
    while house.calendars and not stop.is_set():
        await _pause(stop, CALENDARS)
        try:
            await turns(house)
        except Exception:  # the fence: the turns that were read last are kept
            _note("the calendars could not be read again")


async def _reading(house: House, stop: asyncio.Event) -> None:
    """Each minute: whose digest is due?"""
    while house.settings.digests.who and not stop.is_set():
        try:
            await _alone(house, "digests", partial(send_due, house.settings, house.store, house.clock()))
        except Exception:  # the fence: a digest that fails stops nothing
            _note("a digest failed; trying again")
        await _pause(stop, PULSE)


async def measured(house: House) -> None:
    """How long the longest look and the longest delivery of this minute took."""
    took, house.took = house.took, {}
    for name, seconds in took.items():
        await house.store.set_gauge(name, seconds)


async def tidy(house: House) -> None:
    """What keeping posts has put off."""
    await house.store.tidy(house.clock())


async def _glancing(house: House, stop: asyncio.Event) -> None:
    """Each hour: is the store sound, as far as a short look can tell?"""
    while not stop.is_set():
        await _pause(stop, GLANCES)
        try:
            await _say_findings(house, await house.store.glance(GLANCE))
        except Exception:  # the fence: it is done an hour later, and the daily audit reads everything
            _note("the store could not be looked at; trying again")


async def retire(house: House) -> None:
    """Lets go of the months that nobody wants to keep."""
    if house.settings.months:
        oldest = house.clock() - relativedelta(months=house.settings.months)
        for month in await house.store.retire(oldest.date()):
            log.info("what was heard in %s was dropped for its age", f"{month:%B %Y}")


async def audited(house: House) -> int:
    """How many things do not balance; people are told once a day at most, and the outside when there are none."""
    findings = (await audit(house.store, house.clock())).findings
    await _say_findings(house, findings)
    if not findings and house.proof:
        await _told(house.proof)
    return len(findings)


async def _say_findings(house: House, findings: Sequence[Finding]) -> None:
    if findings:
        now, first = house.clock(), findings[0]
        text = (
            f"The audit found {len(findings)} things that do not balance, first {first.check}, {first.where}:"
            f" {first.problem}. `listener audit` names them all."
        )
        midnight = int(now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp())
        notice = Notice(case=HOUSE, seq=midnight, kind=Kind.HOUSE, to="audit", text=text)
        await house.store.owe(notice, now)


async def _told(outside: Callable[[], Awaitable[None]]) -> None:
    try:
        await outside()
    except ConnectorError as wrong:
        log.warning("heartbeat: %s", wrong)


async def _listening(house: House, stop: asyncio.Event) -> None:
    under_way: dict[str, asyncio.Task[object]] = {}
    due = await _first_polls(house)
    while not stop.is_set():
        under_way = {name: task for name, task in under_way.items() if not task.done()}
        for source in _wanted(house, due, under_way)[: AT_ONCE - len(under_way)]:
            called = source.name in house.called
            house.called.discard(source.name)
            under_way[source.name] = asyncio.create_task(_one_poll(house, source, due, called=called))
        await _pause(stop, TICK)
    await _drain(set(under_way.values()))


def _wanted(house: House, due: Mapping[str, datetime], under_way: Collection[str]) -> list[Source]:
    """In no order: hosts that go through one list alike ask for the same sources, and the first of them gets all."""
    now = house.clock()
    wanted = [
        source
        for source in house.settings.sources
        if (due[source.name] <= now or source.name in house.called) and source.name not in under_way
    ]
    random.shuffle(wanted)
    return wanted


async def _first_polls(house: House) -> dict[str, datetime]:
    known = {state.name: state.next_poll for state in await house.store.sources()}
    return {source.name: known.get(source.name) or house.clock() for source in house.settings.sources}


async def _one_poll(house: House, source: Source, due: dict[str, datetime], *, called: bool) -> None:
    try:
        poll = await listen(house, source, only_due=not called)
        state = await house.store.source(source.name)
        due[source.name] = _spread(state.next_poll or house.clock() + source.every, source)
        if poll.state == ELSEWHERE:
            due[source.name] = max(due[source.name], house.clock() + AGAIN)
    except Exception:  # the fence: the store itself failed; this source rests and is tried again
        _note("source %s: could not be kept; trying again", source.name)
        due[source.name] = house.clock() + min(source.every, RESTS)


def _spread(at: datetime, source: Source) -> datetime:
    """A little later, so that a thousand sources do not all ask in the same second."""
    return at + random.uniform(0, 0.05) * min(source.every, timedelta(hours=1))


async def _drain(tasks: set[asyncio.Task[object]]) -> None:
    if tasks:
        _, left = await asyncio.wait(tasks, timeout=DRAIN)
        for task in left:
            task.cancel()


async def _pause(stop: asyncio.Event, seconds: float, stirred: asyncio.Event | None = None) -> None:
    events = [asyncio.ensure_future(event.wait()) for event in (stop, stirred) if event]
    await asyncio.wait(events, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for event in events:
        event.cancel()
    if stirred:
        stirred.clear()
