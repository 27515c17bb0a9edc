"""run, once: the engine."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from listener import logs
from listener.bootstrap import build, desk_beside, doors
from listener.commands.shared import (
    config_directory,
    config_option,
    console,
    json_option,
    plainly,
    print_json,
    settings_from,
)
from listener.cycle import House, Poll, Turn, hearing_well, turn
from listener.reloading import Plan, live
from listener.running import ROLES
from listener.settings import Settings


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Cards go to stderr.")
@click.option(
    "--roles",
    default=",".join(ROLES),
    show_default=True,
    metavar="ROLE,…",
    callback=lambda _context, _option, text: _roles(text),
    help="What this process does of it all, where several share one PostgreSQL.",
)
@click.option("--log", type=click.Choice(logs.FORMS), default="text", show_default=True, help="How the log is written.")
@plainly
async def run(directory: Path | None, as_json: bool, roles: frozenset[str], log: str) -> None:
    """Listen, escalate and deliver, until stopped. The configuration is read again when it changes, and on SIGHUP.

    \b
    listener run
    listener run --config /etc/listening-post
    listener run --roles listen,escalate
    """
    logs.start(log)
    stop, asked = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    loop.add_signal_handler(signal.SIGHUP, asked.set)
    plan = Plan(
        read=partial(settings_from, directory),
        build=partial(_at_work, console(as_json=as_json), roles),
        directory=config_directory(directory),
        stop=stop,
        asked=asked,
        roles=roles,
    )
    await live(plan)


@asynccontextmanager
async def _at_work(out: Console, roles: frozenset[str], settings: Settings) -> AsyncIterator[House]:
    async with build(settings, out) as house, house.store.engine(), doors(house, roles), desk_beside(house, out, roles):
        logging.getLogger("listener").info(
            "listening to %d sources for %d brands", len(settings.sources), len(settings.brands)
        )
        yield house


def _roles(text: str) -> frozenset[str]:
    roles = frozenset(part.strip() for part in text.split(",") if part.strip())
    if not roles or roles - set(ROLES):
        raise click.BadParameter(f"name one or more of {', '.join(ROLES)}, with commas between them")
    return roles


@click.command()
@config_option
@json_option
@plainly
async def once(directory: Path | None, as_json: bool) -> None:
    """One full turn: poll every source now, escalate, deliver.

    \b
    listener once
    listener once --json | jq .opened
    """
    settings = settings_from(directory)
    async with build(settings, console(as_json=as_json)) as house, house.store.engine():
        done = await turn(house)
    if as_json:
        print_json(summary(done))
    else:
        _tell(done)


def summary(done: Turn) -> dict[str, Any]:
    """The document of `listener once --json`."""
    kept = [one for poll in done.polls for one in poll.kept]
    return {
        "fetched": sum(poll.fetched for poll in done.polls),
        "new": sum(one.new for one in kept),
        "edited": sum(one.edited for one in kept),
        "mentions": sum(one.mentions for one in kept),
        "complaints": sum(one.complaints for one in kept),
        "opened": sum(len(one.opened) for one in kept),
        "joined": sum(one.joined for one in kept),
        "erased": sum(one.erased for one in kept),
        "delivered": done.delivered,
        "sources": [_source(poll) for poll in done.polls],
    }


def _source(poll: Poll) -> dict[str, Any]:
    return {"name": poll.name, "state": poll.state, "fetched": poll.fetched, "note": poll.note}


def _tell(done: Turn) -> None:
    out, told = console(), summary(done)
    for poll in done.polls:
        sign = "[green]✓[/]" if hearing_well(poll) else "[yellow]![/]"
        out.print(f"{sign} ", end="")
        out.print(f"{poll.name}: {poll.state}, {poll.fetched} items {poll.note}".rstrip(), markup=False)
    out.print(
        f"{told['fetched']} fetched, {told['new']} new, {told['mentions']} mentions, {told['complaints']} complaints, "
        f"{told['opened']} cases opened, {told['delivered']} notices delivered"
    )
