"""import: history of other tools, from day one."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
from rich.console import Console
from rich.progress import Progress

from listener.columns import FIELDS, Unreadable
from listener.commands.shared import (
    Failed,
    config_option,
    console,
    json_option,
    memory,
    now_in,
    plain,
    plainly,
    print_json,
)
from listener.importing import Imported, bring_in, tried
from listener.sheets import LINES, LIST, SOURCE, Sheet, Wish, made_out
from listener.weigh import scales

SEPARATORS = {
    LINES: "JSON Lines",
    LIST: "a JSON list",
    ",": "CSV",
    ";": "CSV with semicolons",
    "\t": "CSV with tabs",
    "|": "CSV with bars",
}


def _said(_: click.Context, __: click.Parameter, pairs: tuple[str, ...]) -> Mapping[str, str]:
    for pair in pairs:
        if not all(pair.partition("=")):
            raise click.BadParameter(f'"{pair}" is not FIELD=COLUMN; for example text="Full Text"')
    return {ours.strip(): theirs for ours, _, theirs in (pair.partition("=") for pair in pairs)}


def _zone(_: click.Context, __: click.Parameter, name: str) -> tzinfo:
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise click.BadParameter(f'"{name}" is not a time zone; for example America/Toronto') from None


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@config_option
@click.option("--map", "said", multiple=True, callback=_said, metavar="FIELD=COLUMN", help="Which column is what.")
@click.option("--dates", type=click.Choice(["day-first", "month-first"]), help="What 05/04/2026 means.")
@click.option("--timezone", "zone", default="UTC", callback=_zone, show_default=True, help="Of dates that name none.")
@click.option("--source", default=SOURCE, show_default=True, help="The name it is kept under.")
@click.option("--dry-run", is_flag=True, help="Say what would be read, and write nothing.")
@json_option
@plainly
async def import_(
    file: Path, directory: Path | None, said: Mapping[str, str], dates: str | None, zone: tzinfo, source: str,
    dry_run: bool, as_json: bool,
) -> None:  # fmt: skip
    """Bring history in from another tool's export, CSV or JSON: searchable, but nobody is told about the past.

    Columns are guessed by their names and shown. Importing a file again, or one that overlaps, doubles nothing.

    \b
    listener import mentions.csv --dry-run
    listener import export-of-another-tool.jsonl
    """
    wish = Wish(said=said, day_first=None if dates is None else dates == "day-first", zone=zone, source=source)
    try:
        sheet = await asyncio.to_thread(made_out, file, wish)
    except Unreadable as wrong:
        raise Failed(f"{file.name}: {wrong}") from None
    told = Imported()
    if sheet:
        _show(sheet, console(as_json=as_json))
        told = await (asyncio.to_thread(tried, sheet) if dry_run else _import(sheet, directory))
    _tell(told, sheet, dry_run=dry_run, as_json=as_json)
    if told.rows and told.refused_rows == told.rows:
        raise Failed(f"nothing in {file.name} could be read")


async def _import(sheet: Sheet, directory: Path | None) -> Imported:
    size = await asyncio.to_thread(lambda: sheet.file.stat().st_size)
    async with memory(directory) as (settings, store):
        if any(known.name == sheet.source for known in settings.sources):
            raise Failed(f'"{sheet.source}" is a source that is listened to; choose another --source for a file')
        with Progress(console=console(as_json=True), transient=True) as progress:
            bar = progress.add_task(f"importing {sheet.file.name}", total=size)
            return await bring_in(
                store, scales(settings), sheet, await now_in(store), lambda read: progress.update(bar, completed=read)
            )


def _show(sheet: Sheet, out: Console) -> None:
    """What the file was made out to be, so that a wrong guess is seen."""
    columns = sheet.columns
    out.print(f"{sheet.file.name}: {SEPARATORS[sheet.separator]}, {sheet.encoding}", markup=False)
    for ours in FIELDS:
        if ours in columns.of:
            out.print(f'  {ours:<10} from "{columns.of[ours]}"', markup=False)
    if columns.unused:
        out.print(f"  not used   {', '.join(columns.unused)}", markup=False, soft_wrap=True)
    if sheet.doubtful:
        mend = "--dates day-first says otherwise"
        out.print(f'  ! dates like "{sheet.doubtful}" are read month first; {mend}', markup=False, soft_wrap=True)


def _tell(told: Imported, sheet: Sheet | None, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        columns: Mapping[str, Any] = sheet.columns.of if sheet else {}
        unused = sheet.columns.unused if sheet else ()
        print_json({**plain(told), "columns": dict(columns), "unused": list(unused), "dry_run": dry_run})
        return
    out = console()
    if dry_run:
        out.print(f"{told.rows} rows read, {told.new} can be taken, {told.refused_rows} refused. Nothing was written.")
    else:
        counts = f"{told.new} new, {told.mentions} mentions, {told.refused_rows} refused"
        out.print(f"{told.rows} rows read, {counts}")
    for refusal in told.refused[:10]:
        out.print(f"! {refusal}", markup=False, soft_wrap=True)
