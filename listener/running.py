"""`listener run`: the cycle's steps, each at its own pace, until asked to stop; then what is under way is finished."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta

from listener.cycle import AT_ONCE, House, deliver, listen, look
from listener.settings import Source

log = logging.getLogger("listener")

TICK = 0.5  # seconds between two looks
DRAIN = 15.0  # seconds given to what is under way when we are asked to stop


async def run(house: House, stop: asyncio.Event) -> None:
    """Returns once `stop` is set and the present steps are done."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_listening(house, stop))
        tasks.create_task(_beating(lambda: look(house), "look", stop))
        tasks.create_task(_beating(lambda: deliver(house), "deliver", stop))


async def _beating(step: Callable[[], Awaitable[int]], name: str, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            busy = await step()
        except Exception:  # the fence: the next beat tries again, the others go on
            log.exception("%s failed; trying again", name)
            busy = 0
        if not busy:
            await _pause(stop, TICK)


async def _listening(house: House, stop: asyncio.Event) -> None:
    under_way: dict[str, asyncio.Task[object]] = {}
    due = {source.name: await _first_poll(house, source) for source in house.settings.sources}
    while not stop.is_set():
        under_way = {name: task for name, task in under_way.items() if not task.done()}
        for source in house.settings.sources:
            if len(under_way) < AT_ONCE and source.name not in under_way and due[source.name] <= house.clock():
                under_way[source.name] = asyncio.create_task(_one_poll(house, source, due))
        await _pause(stop, TICK)
    await _drain(set(under_way.values()))


async def _first_poll(house: House, source: Source) -> datetime:
    state = await house.store.source(source.name)
    return state.next_poll or house.clock()


async def _one_poll(house: House, source: Source, due: dict[str, datetime]) -> None:
    try:
        await listen(house, source)
        state = await house.store.source(source.name)
        due[source.name] = _spread(state.next_poll or house.clock() + source.every, source)
    except Exception:  # the fence: the store itself failed; this source rests and is tried again
        log.exception("source %s: could not be kept; trying again", source.name)
        due[source.name] = house.clock() + source.every


def _spread(at: datetime, source: Source) -> datetime:
    """A little later, so that a thousand sources do not all ask in the same second."""
    return at + random.uniform(0, 0.05) * min(source.every, timedelta(hours=1))


async def _drain(tasks: set[asyncio.Task[object]]) -> None:
    if tasks:
        _, left = await asyncio.wait(tasks, timeout=DRAIN)
        for task in left:
            task.cancel()


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
