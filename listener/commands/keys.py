"""keys: what programs show to the JSON API."""

from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from listener.commands.casework import somebody
from listener.commands.shared import Failed, config_option, console, json_option, memory, plainly, print_json
from listener.opening import system_clock
from listener.settings import Settings
from listener.storage.contract import Key
from listener.web import access


@click.command()
@config_option
@click.option("--make", "name", default="", metavar="NAME", help="A new key for this use; it is shown once.")
@click.option("--as", "person", default="", metavar="PERSON", help="In whose name, with whose rights.")
@click.option("--reads", is_flag=True, help="The new key only reads.")
@click.option("--brand", "brands", multiple=True, metavar="NAME", help="And hears of this brand only; may be repeated.")
@click.option("--drop", type=int, metavar="ID", help="Take this key back.")
@json_option
@plainly
async def keys(directory: Path | None, drop: int | None, as_json: bool, **wanted: Any) -> None:
    """Keys for the JSON API of the web desk: who has which, a new one, one taken back.

    \b
    listener keys --make "the wallboard" --as "Dana Fox" --reads
    listener keys
    listener keys --drop 1
    """
    if bool(wanted["name"]) != bool(wanted["person"]):
        raise click.UsageError("a new key takes --make NAME and --as PERSON")
    async with memory(directory) as (settings, store):
        if wanted["name"]:
            made = await access.new_key(store, _new(settings, **wanted))
            console().print(made, markup=False, soft_wrap=True)
        elif drop is not None:
            if not await store.drop_key(drop):
                raise Failed(f"there is no key {drop}; `listener keys` lists them")
            console().print(f"Key {drop} is taken back.")
        elif as_json:
            print_json(await store.keys())
        else:
            table = Table("id", "for", "person", "may", "since", box=None)
            for key in await store.keys():
                said = (key.name, key.person, access.rights(key))
                table.add_row(str(key.id), *map(escape, said), f"{key.at:%Y-%m-%d}")
            console().print(table)


def _new(settings: Settings, name: str, person: str, reads: bool, brands: tuple[str, ...]) -> Key:
    known = {brand.name for brand in settings.brands}
    if strange := sorted(set(brands) - known):
        raise Failed(f'"{strange[0]}" is not a brand; choose of {", ".join(sorted(known))}')
    return Key(name=name, person=somebody(settings, person), at=system_clock(), reads=reads, brands=brands)
