"""The same world at its own pace: short clocks, new posts, and you answer from another terminal or in Slack."""

import asyncio
import os
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from listener.bootstrap import build, system_clock, voices
from listener.demo import config
from listener.demo.world import Blog, Entry, World, created, served
from listener.running import run
from listener.settings import load

PAUSE = 20.0  # seconds between two new posts


@dataclass(frozen=True, slots=True)
class Coming:
    blog: str
    title: str
    text: str


COMING = (
    Coming(
        "wander",
        "Gate 9, again",
        "Acme Air has delayed us for the third time and nobody at the desk answers. Ridiculous.",
    ),
    Coming("ledger", "A good morning", "Acme Air was on time today and the crew were friendly. Thank you."),
    Coming(
        "gadget",
        "Larkspur swelled",
        "My Larkspur has a swollen battery and smells of smoke. Unsafe. Where is my refund?",
    ),
)


async def live(out: Console, stop: asyncio.Event, directory: Path | None = None) -> None:
    """Until `stop` is set."""
    async with AsyncExitStack() as stack:
        home = directory or Path(stack.enter_context(TemporaryDirectory(prefix="listening-post-")))
        world = await stack.enter_async_context(served(created(system_clock())))
        config.write(home, world.address, clocks=config.QUICK, channel=os.environ.get("SLACK_CHANNEL", ""))
        settings = load(home, os.environ)
        house = await stack.enter_async_context(build(settings, out))
        await stack.enter_async_context(house.store.engine())
        await stack.enter_async_context(voices(house))
        _explain(out, home, in_slack=settings.slack.on)
        writing = asyncio.create_task(_write(world, stop))
        try:
            await run(house, stop)
        finally:
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing


def _explain(out: Console, home: Path, *, in_slack: bool) -> None:
    out.print(f"A small invented world is served on loopback; its configuration is in {home}", markup=False)
    if in_slack:
        out.print("Cards go to Slack. Press Acknowledge there.")
    else:
        out.print("Answer from another terminal, for example:")
        out.print(f'  listener ack 1 --as "Dana Fox" --config {home}', markup=False, soft_wrap=True)
        out.print(f"  listener cases --config {home}", markup=False, soft_wrap=True)
    out.print("Dana has 20 seconds for a P1, then it goes to Lee. Ctrl-C ends.\n")


async def _write(world: World, stop: asyncio.Event) -> None:
    """People go on writing."""
    for number, coming in enumerate(COMING):
        with suppress(TimeoutError):
            async with asyncio.timeout(PAUSE):
                await stop.wait()
        _publish(world.blogs[coming.blog], coming, number)


def _publish(blog: Blog, coming: Coming, number: int) -> None:
    entry = Entry(id=f"new-{number}", title=coming.title, author="A reader", text=coming.text, at=system_clock())
    blog.write(entry)
