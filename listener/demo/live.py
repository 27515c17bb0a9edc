"""The same world at its own pace: short clocks, new articles, and you answer from another terminal or in Slack."""

import asyncio
import os
import shutil
import socket
import sys
import tomllib
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from listener.bootstrap import build, desk_beside, doors
from listener.demo import config
from listener.demo.pages import Entry
from listener.demo.world import World, created, served
from listener.opening import system_clock
from listener.running import run
from listener.settings import load
from listener.settings.model import LOOPBACK, Desk

PAUSE = 8.0  # seconds between two new articles


async def live(out: Console, stop: asyncio.Event, directory: Path | None = None, *, pause: float = PAUSE) -> None:
    """Until `stop` is set. Raises ConfigError when `directory` holds a configuration already."""
    voice = config.voice(os.environ)
    env = {name: value for name, value in os.environ.items() if voice.channel or not name.startswith("SLACK_")}
    async with AsyncExitStack() as stack:
        home = directory or Path(stack.enter_context(TemporaryDirectory(prefix="listening-post-")))
        world = await stack.enter_async_context(served(created(system_clock())))
        config.write(home, world.address, config.QUICK, voice)
        config.desk_at(home, free_port())
        house = await stack.enter_async_context(build(load(home, env), out))
        await stack.enter_async_context(house.store.engine())
        await stack.enter_async_context(doors(house))
        await stack.enter_async_context(desk_beside(house, out))
        for text in _explained(home, voice):
            out.print(text, markup=False, soft_wrap=True)
        writing = asyncio.create_task(_write(world, stop, pause))
        stack.push_async_callback(_ended, writing)
        await run(house, stop)
    out.print("Stopped. Nothing that was promised is lost: a real configuration keeps its database.")


def free_port() -> int:
    """The desk's usual port; another one where somebody else is at it already."""
    for port in (Desk().port, 0):
        with suppress(OSError), socket.create_server((LOOPBACK, port)) as tried:
            return int(tried.getsockname()[1])
    return 0


def _explained(home: Path, voice: config.Voice) -> list[str]:
    found = shutil.which("listener")
    return [
        "A small invented world is served on loopback; people in it write about two brands. Dana Fox is told first.",
        "She has 20 seconds to acknowledge a P1; then it goes to Lee Park, then to Sam Ortiz.",
        *(f"! {remark}" for remark in voice.remarks),
        "Cards go to Slack; press Acknowledge there, or answer from another terminal:"
        if voice.channel
        else "Answer from another terminal:",
        f"  export LISTENER_CONFIG={home}",
        *([] if found else [f"  alias listener={Path(sys.argv[0]).absolute()}"]),
        '  listener ack 1 --as "Dana Fox"',
        "  listener cases",
        "Ctrl-C ends.\n",
    ]


async def _write(world: World, stop: asyncio.Event, pause: float) -> None:
    """People go on writing."""
    for number, told in enumerate(tomllib.loads(config.text("coming.toml"))["post"]):
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await stop.wait()
        world.blogs[told["blog"]].write(_entry(told, number))


def _entry(told: dict[str, Any], number: int) -> Entry:
    return Entry(id=f"new-{number}", title=told["title"], author=told["author"], text=told["text"], at=system_clock())


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
