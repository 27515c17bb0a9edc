"""desk: the web desk by itself, and ways into it."""

import asyncio
import signal
from pathlib import Path

import click

from listener.bootstrap import desk_alone
from listener.commands.casework import somebody
from listener.commands.shared import config_option, console, memory, now_in, plainly, settings_from
from listener.web.serving import invitation


@click.command()
@config_option
@click.option("--link", is_flag=True, help="Only print a new link into the desk that runs already.")
@click.option("--as", "person", default="", metavar="PERSON", help="The link lets this person in, and nobody else.")
@click.option("--sign-out", "gone", default="", metavar="PERSON", help="End every session of this person.")
@plainly
async def desk(directory: Path | None, link: bool, person: str, gone: str) -> None:
    """The web desk, without the engine, until stopped; `listener run` serves it too.

    \b
    listener desk
    listener desk --link --as "Dana Fox"
    listener desk --sign-out "Dana Fox"
    """
    if gone:
        async with memory(directory) as (settings, store):
            ended = await store.drop_passes(person=somebody(settings, gone))
        console().print(f"{ended} sessions and links of {gone} are over.", markup=False)
    elif link:
        async with memory(directory) as (settings, store):
            whose = somebody(settings, person) if person else ""
            address = f"http://{settings.desk.host}:{settings.desk.port}"
            said = await invitation(settings, store, address, await now_in(store), whose)
        console().print(said, markup=False, soft_wrap=True)
    else:
        await _serve(directory, person)


async def _serve(directory: Path | None, person: str) -> None:
    settings, stop = settings_from(directory), asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with desk_alone(settings) as (store, address):
        whose = somebody(settings, person) if person else ""
        said = await invitation(settings, store, address, await now_in(store), whose)
        console().print(said, markup=False, soft_wrap=True)
        await stop.wait()
