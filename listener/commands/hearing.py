"""sources, coverage: how well we hear."""

from datetime import datetime
from pathlib import Path

import click
from rich.table import Table

from listener.commands.shared import config_option, console, json_option, memory, moment, plainly, print_json
from listener.durations import spoken
from listener.ears import WINDOW, Ear, blind, ears
from listener.opening import system_clock


@click.command()
@config_option
@json_option
@plainly
async def sources(directory: Path | None, as_json: bool) -> None:
    """Each source: how well it is heard, when again, what it costs, and what it cannot hear.

    \b
    listener sources
    listener sources --json | jq 'select(.state != "heard")'
    """
    now = system_clock()
    async with memory(directory) as (settings, store):
        since, spans = now - WINDOW, await store.coverage(now - WINDOW, now)
        found = ears(settings, await store.sources(), await store.arrived(since), now, spans)
    if as_json:
        for ear in found:
            print_json(ear, line=True)
        return
    out = console()
    out.print(_table(found, now))
    for ear in found:
        for sentence in (ear.error, ear.note, _cost(ear), *ear.cannot_hear):
            if sentence:
                out.print(f"{ear.name}: {sentence.removeprefix(f'{ear.name}: ')}", markup=False, soft_wrap=True)


def _table(found: tuple[Ear, ...], now: datetime) -> Table:
    table = Table("source", "kind", "state", "last heard", "next poll", "items/h", "cost this month", box=None)
    for ear in found:
        table.add_row(
            *(ear.name, ear.kind, ear.state),
            f"{spoken(now - ear.last_heard)} ago" if ear.last_heard else "never",
            "-" if not ear.next_poll else f"in {spoken(ear.next_poll - now)}" if ear.next_poll > now else "now",
            f"{ear.per_hour:g}",
            ear.quota or ("-" if ear.spent is None else f"${ear.spent:.2f}"),
        )
    return table


def _cost(ear: Ear) -> str:
    """A sentence about the month; "" where hearing costs nothing."""
    if ear.spent is None:
        return ""
    of = f" of ${ear.budget:.2f}" if ear.budget is not None else ""
    each = ", ".join(f"{whom} ${spent:.2f}" for whom, spent in sorted(ear.spent_on.items()))
    return (
        f"${ear.spent:.2f}{of} this month, ${ear.projected:.2f} by its end at this pace{f' ({each})' if each else ''}"
    )


@click.command()
@config_option
@click.option("--since", default="7d", show_default=True, metavar="TIME", help="From when: 24h, 7d, 2026-05-01.")
@json_option
@plainly
async def coverage(directory: Path | None, since: str, as_json: bool) -> None:
    """When a source was not heard, or not wholly, and why.

    \b
    listener coverage --since 24h
    listener coverage --json
    """
    now = system_clock()
    begun = moment(since, past=True) or now
    async with memory(directory) as (settings, store):
        names = [source.name for source in settings.sources]
        spots = blind(await store.coverage(begun, now), names, begun, now)
    if as_json:
        for spot in spots:
            print_json(spot, line=True)
        return
    out = console()
    for spot in spots:
        when = f"{spot.since:%Y-%m-%d %H:%M} to {spot.until:%Y-%m-%d %H:%M} UTC"
        note = spot.note.removeprefix(f"{spot.source}: ")
        out.print(f"{when}  {spot.source}: {spot.hearing}. {note}".strip(), markup=False, soft_wrap=True)
    if not spots:
        out.print("Everything that is listened to was heard.")
