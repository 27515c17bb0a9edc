"""keys: what programs show to the JSON API."""

from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from listener.commands.casework import somebody
from listener.commands.shared import Failed, config_option, console, json_option, memory, plainly, print_json
from listener.opening import system_clock
from listener.web import access


@click.command()
@config_option
@click.option("--make", "name", default="", metavar="NAME", help="A new key for this use; it is shown once.")
@click.option("--as", "person", default="", metavar="PERSON", help="In whose name, with whose rights.")
@click.option("--drop", type=int, metavar="ID", help="Take this key back.")
@json_option
@plainly
async def keys(directory: Path | None, name: str, person: str, drop: int | None, as_json: bool) -> None:
    """Keys for the JSON API of the web desk: who has which, a new one, one taken back.

    \b
    listener keys --make "the wallboard" --as "Dana Fox"
    listener keys
    listener keys --drop 1
    """
    if bool(name) != bool(person):
        raise click.UsageError("a new key takes --make NAME and --as PERSON")
    async with memory(directory) as (settings, store):
        if name:
            made = await access.new_key(store, name, somebody(settings, person), system_clock())
            console().print(made, markup=False, soft_wrap=True)
        elif drop is not None:
            if not await store.drop_key(drop):
                raise Failed(f"there is no key {drop}; `listener keys` lists them")
            console().print(f"Key {drop} is taken back.")
        elif as_json:
            print_json(await store.keys())
        else:
            table = Table("id", "for", "person", "since", box=None)
            for key in await store.keys():
                table.add_row(str(key.id), escape(key.name), escape(key.person), f"{key.at:%Y-%m-%d}")
            console().print(table)
