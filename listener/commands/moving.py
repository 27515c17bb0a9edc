"""migrate: from one machine to many."""

from pathlib import Path

import click
from rich.progress import Progress, TaskID

from listener.commands.shared import console, json_option, plainly, print_json
from listener.storage.address import is_server, shown


def _server(_context: click.Context, _option: click.Parameter, url: str) -> str:
    if not is_server(url):
        raise click.BadParameter("write postgresql://USER@HOST/DATABASE; the password comes from $PGPASSWORD")
    return url


@click.command()
@click.option("--from", "file", required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--to", "url", required=True, metavar="URL", callback=_server)
@json_option
@plainly
async def migrate(file: Path, url: str, as_json: bool) -> None:
    """Move a database file into an empty PostgreSQL database. Stop `listener run` first.

    What was cut off goes on when the same command is given again. At the end both are counted and compared, row by row;
    the file stays as it is.

    \b
    listener migrate --from listener.db --to postgresql://listener@db.example/listener
    """
    from listener.storage.moving import move  # reads both drivers

    with Progress(console=console(as_json=True), transient=True) as progress:
        bars = dict[str, TaskID]()

        def told(table: str, rows: int) -> None:
            bars[table] = bars[table] if table in bars else progress.add_task(table, total=None)
            progress.update(bars[table], completed=rows, description=f"{table} {rows:,}")

        moved = await move(file, url, told)
    if as_json:
        print_json({"to": shown(url), "rows": moved.rows})
    else:
        rows = sum(moved.rows.values())
        done = f"{rows:,} rows are in {shown(url)}, compared one by one. Now write that address as `database`"
        console().print(f"{done} in listener.toml.", markup=False, soft_wrap=True)
