"""demo, init, doctor, completion: getting started and finding out what is wrong."""

import asyncio
import os
import signal
from pathlib import Path

import click
from click.shell_completion import get_completion_class
from rich.markup import escape

from connectors.contract import ConnectorError
from connectors.discovery import Found
from listener.bootstrap import build, heard_at
from listener.commands.shared import (
    Failed,
    config_directory,
    config_option,
    console,
    json_option,
    plain,
    plainly,
    print_json,
    settings_from,
)
from listener.demo import StoryBroken, live, play
from listener.doctor import Check, examine
from listener.setup import Answers, taken, write_config
from listener.tables import ConfigError

DIRECTORY = click.Path(path_type=Path, file_okay=False)


def _not_taken(context: click.Context, parameter: click.Parameter, directory: Path | None) -> Path | None:
    """Before anything is asked."""
    if taken(target := config_directory(directory)):
        raise Failed(
            f"{target} has a configuration already; nothing was changed. Edit its files and try `listener doctor`,"
            " or write another one: listener init --config DIR"
        )
    return directory


@click.command()
@click.option(
    "--config",
    "directory",
    type=DIRECTORY,
    metavar="DIR",
    help="Live only: an empty directory that keeps its configuration and database.",
)
@click.option("--headless", is_flag=True, help="Play the story to its end with a turned clock, and print it.")
@plainly
async def demo(directory: Path | None, headless: bool) -> None:
    """The whole loop on invented data: no keys, no network.

    \b
    listener demo
    listener demo --config /tmp/acme
    listener demo --headless
    """
    out = console()
    if headless or not out.is_terminal:
        if directory:
            raise click.UsageError("the story keeps nothing; --config DIR is for the live demo, in a terminal")
        try:
            await play(out)
        except StoryBroken as wrong:
            raise Failed(str(wrong)) from None
        return
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await live(out, stop, directory)


@click.command()
@click.option(
    "--config",
    "directory",
    type=DIRECTORY,
    metavar="DIR",
    is_eager=True,
    callback=_not_taken,
    help="Where to write it; otherwise $LISTENER_CONFIG, otherwise ./config.",
)
@click.option("--brand", prompt="Which brand do you listen for", help="Its name.")
@click.option("--feed", prompt="A blog that speaks of it (address)", help="An address of a feed or of a blog.")
@click.option("--person", prompt="Who takes care of complaints (your name)", help="The first who is told.")
@click.option("--timezone", prompt="Their time zone", default="UTC", show_default=True)
@plainly
async def init(directory: Path | None, brand: str, feed: str, person: str, timezone: str) -> None:
    """Write a first working configuration; nothing that exists is overwritten.

    \b
    listener init
    listener init --brand "Acme Air" --feed https://blog.example/feed.xml --person "Dana Fox" --timezone UTC
    """
    target, out = config_directory(directory), console()
    found, told = await _found(feed)
    answers = Answers(brand=brand, feed=found.url, person=person, timezone=timezone, kind=found.kind)
    written = write_config(target, answers)
    settings_from(target)
    out.print(told, markup=False, soft_wrap=True)
    for path in written:
        out.print(f"wrote {path}", markup=False)
    out.print(f"Next: listener doctor --config {target}, then listener run --config {target}", markup=False)


async def _found(url: str) -> tuple[Found, str]:
    """What can be heard there, and a sentence about it; what cannot be reached now is written as it was given."""
    try:
        found = await heard_at(url, os.environ)
    except ConnectorError as why:
        return Found("feed", url, ""), f"{url} is written as it is, as a feed, but could not be heard now: {why}"
    return found, f'{url}: {found.url} {found.how}, and is heard as kind "{found.kind}"'


@click.command()
@config_option
@json_option
@plainly
async def doctor(directory: Path | None, as_json: bool) -> None:
    """Check configuration, sources, store, clock and Slack; say what to do about each.

    \b
    listener doctor
    listener doctor --json | jq '.checks[] | select(.ok | not)'
    """
    checks = []
    try:
        settings = settings_from(directory)
    except ConfigError as wrong:
        if as_json:
            print_json({"ok": False, "checks": [Check(name="configuration", ok=False, found=str(wrong))]})
        raise
    async with build(settings, console(as_json=True)) as house:
        async for check in examine(house):
            checks.append(check)
            if not as_json:
                sign = "[green]ok[/]  " if check.ok else "[red]mend[/]"
                console().print(f"{sign} {escape(check.name)}: {escape(check.found)}")
    well = all(check.ok for check in checks)
    if as_json:
        print_json({"ok": well, "checks": plain(checks)})
    if not well:
        raise SystemExit(1)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the shell's completion script.

    \b
    listener completion bash >> ~/.bashrc
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise Failed(f"{shell} is not supported")
    click.echo(kind(context.find_root().command, {}, "listener", "_LISTENER_COMPLETE").source())
