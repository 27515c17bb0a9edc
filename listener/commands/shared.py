"""What every command needs: where the configuration is, errors as sentences, and output that a pipe can trust."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import wraps
from io import TextIOWrapper
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click
from rich.console import Console

from escalation.commands import Refused
from escalation.ledger import Conflict, UnknownCase
from listener import durations, turns
from listener.opening import open_store, system_clock
from listener.plain import json_text
from listener.plain import plain as plain
from listener.query import QueryError
from listener.settings import Settings, load
from listener.storage.contract import Store, StoreError
from listener.tables import ConfigError

P = ParamSpec("P")
R = TypeVar("R")


class Failed(click.ClickException):
    """What could not be done, in a sentence; exit code 1."""


def config_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--config",
        "directory",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="Where the configuration is; otherwise $LISTENER_CONFIG, otherwise ./config.",
    )(command)


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--json", "as_json", is_flag=True, help="JSON on stdout, and nothing else there.")(command)


def plainly(work: Callable[P, Awaitable[R]]) -> Callable[P, R]:
    """Runs an async command and turns what people can mend into a sentence and exit code 1."""

    @wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return asyncio.run(_awaited(work(*args, **kwargs)))
        except ConfigError as wrong:
            raise Failed(
                "the configuration has mistakes, nothing was started:\n  " + str(wrong).replace("\n", "\n  ")
            ) from None
        except UnknownCase as wrong:
            raise Failed(f"{wrong.args[0]}; `listener cases` lists them") from None
        except (Refused, Conflict, StoreError, QueryError) as wrong:
            raise Failed(str(wrong)) from None

    return run


async def _awaited(work: Awaitable[R]) -> R:
    return await work


def settings_from(directory: Path | None) -> Settings:
    """Raises ConfigError."""
    return load(config_directory(directory), os.environ)


def config_directory(directory: Path | None) -> Path:
    return directory or Path(os.environ.get("LISTENER_CONFIG", "config"))


@asynccontextmanager
async def memory(directory: Path | None) -> AsyncIterator[tuple[Settings, Store]]:
    settings = turns.known(settings_from(directory), system_clock())
    store = await open_store(settings.database)
    try:
        yield settings, store
    finally:
        await store.aclose()


async def now_in(store: Store) -> datetime:
    """By the clock of the store: hosts that share one agree, whatever their own clocks say."""
    here = system_clock()
    return here + await store.ahead(here)


def moment(text: str | None, *, past: bool, now: datetime | None = None) -> datetime | None:
    """A click option's time; wrong use when it is none."""
    if not text:
        return None
    try:
        return durations.moment(text, now or system_clock(), past=past)
    except ValueError as wrong:
        raise click.UsageError(str(wrong)) from None


def console(*, as_json: bool = False) -> Console:
    """For people: stdout, or stderr when stdout belongs to a machine. NO_COLOR is honoured by rich."""
    file = sys.stderr if as_json else sys.stdout
    if isinstance(file, TextIOWrapper):
        file.reconfigure(errors="replace")  # a terminal that knows only ASCII shows less, and breaks nothing
    return Console(file=file, highlight=False, width=None if file.isatty() else 100)


def print_json(document: Any, *, line: bool = False) -> None:
    """Broken pipes end quietly: `listener search … --json | head` is no mistake."""
    try:
        click.echo(json_text(document, indent=None if line else 2))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
