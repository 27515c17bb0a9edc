"""assess, search, export, replay, erase: the mention history and what is judged of it."""

import csv
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click
from rich.markup import escape
from rich.table import Table

from connectors.post import Author, Post
from escalation.telling import clock
from listener import history
from listener.commands.shared import (
    Failed,
    config_option,
    console,
    json_option,
    memory,
    moment,
    now_in,
    plain,
    plainly,
    print_json,
    settings_from,
)
from listener.opening import system_clock
from listener.plain import json_text
from listener.search import question
from listener.settings import Settings, changed
from listener.storage.contract import MentionRow, Question, Sort
from listener.tables import ConfigError
from listener.triage import BrandTarget, Rules, load_rules
from listener.triage import assess as judge
from listener.triage.naming import named

if TYPE_CHECKING:
    from listener.simulate import Calls, Simulated, Woken

COLUMNS = tuple(field.name for field in fields(MentionRow))


@click.command()
@config_option
@click.option("--brand", required=True, help="Whose mention it is; need not be configured.")
@click.option(
    "--in",
    "source",
    type=click.File("r", encoding="utf-8", errors="replace"),
    default="-",
    help="A file; otherwise stdin.",
)
@plainly
async def assess(directory: Path | None, brand: str, source: TextIO) -> None:
    """Judge posts: JSON Lines with "id" and "text" in, JSON Lines out, one by one.

    \b
    echo '{"id": "1", "text": "Acme Air lost my bag"}' | listener assess --brand "Acme Air"
    """
    rules, targets = rules_and_brands(directory)
    target = targets.get(brand.casefold()) or named(brand, rules.weights.common)
    others = [other for name, other in targets.items() if name != brand.casefold()]
    for number, line in enumerate(source, 1):
        if line.strip():
            post = _given(line, number)
            judged = judge(post, target, rules, others)
            reasons = [{"factor": r.factor, "points": r.points, "words": r.words} for r in judged.reasons]
            print_json({"id": post.id, "brand": brand, **plain(judged), "reasons": reasons}, line=True)


def rules_and_brands(directory: Path | None) -> tuple[Rules, dict[str, BrandTarget]]:
    """The team's own rules and brands where there is a configuration, the built-in ones where there is none."""
    try:
        settings = settings_from(directory)
    except ConfigError:
        if directory:
            raise
        return load_rules(None), {}
    return settings.rules, {b.name.casefold(): BrandTarget(name=b.name, aliases=b.aliases) for b in settings.brands}


def _given(line: str, number: int) -> Post:
    try:
        item = json.loads(line)
        return Post(
            source="stdin",
            id=str(item.get("id", number)),
            url=str(item.get("url", "")),
            title=str(item.get("title") or ""),
            text=str(item["text"]),
            lang=str(item.get("lang") or ""),
            author=Author(handle=str(item.get("author") or "")),
        )
    except (ValueError, KeyError, AttributeError, RecursionError) as wrong:
        raise Failed(f'line {number} is not a JSON object with "text": {wrong}') from None


@click.command()
@click.argument("query", nargs=-1)
@config_option
@click.option("--since", metavar="TIME", help="Posted since: 7d, 2026-05-01.")
@click.option("--until", metavar="TIME", help="Posted before: 1d, 2026-06-01.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option(
    "--sort",
    type=click.Choice([one.value for one in Sort]),
    default="newest",
    show_default=True,
    help="Relevance ranks the newest 2,000 that match.",
)
@click.option("--before", type=click.IntRange(1), metavar="ID", help="The page after the mention with this id.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines on stdout.")
@click.option("--csv", "as_csv", is_flag=True, help="CSV on stdout, safe to open in a spreadsheet.")
@plainly
async def search(
    query: tuple[str, ...],
    directory: Path | None,
    since: str | None,
    until: str | None,
    limit: int,
    sort: str,
    before: int | None,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Search the mention history; the language is the one that tracks brands.

    \b
    listener search 'refund NEAR/5 never brand:"Acme Air"'
    listener search 'verdict:complaint severity>=60' --since 7d --json
    """
    begin, end, now = moment(since, past=True), moment(until, past=True), system_clock()
    asked = question(" ".join(query), since=begin, until=end, sort=Sort(sort), limit=limit, before=before, now=now)
    async with memory(directory) as (_, store):
        rows = store.search(asked)
        if as_csv:
            await _as_csv(rows, sys.stdout)
        else:
            await _as_lines(rows, as_json=as_json)


async def _as_lines(rows: AsyncIterator[MentionRow], *, as_json: bool) -> None:
    out, found = console(), 0
    async for row in rows:
        found += 1
        if as_json:
            print_json(row, line=True)
        else:
            when = f"{row.created or row.heard:%Y-%m-%d %H:%M}"
            where = f"case {row.case}" if row.case else row.reason
            judged = f"{row.verdict} {row.priority} {row.severity}"
            out.print(f"[bold]{escape(row.brand)}[/] {judged} · {when} · {escape(row.source)} · {escape(where)}")
            out.print(_short(row), markup=False)
    if not as_json:
        out.print(f"{found} found" if found else "Nothing found.")


def _short(row: MentionRow) -> str:
    said = " ".join(f"{row.title} {row.text}".split())
    said = "".join(character if character.isprintable() else " " for character in said)
    return f"  {said[:200]}{'…' if len(said) > 200 else ''}\n  {row.url}\n"


async def _as_csv(rows: AsyncIterator[MentionRow], file: TextIO) -> int:
    writer, written = csv.writer(file), 0
    writer.writerow(COLUMNS)
    async for row in rows:
        writer.writerow(history.cells(plain(row), COLUMNS))
        written += 1
    return written


@click.command()
@click.argument("query", nargs=-1)
@config_option
@click.option("--since", metavar="TIME", help="Posted since: 30d, 2026-05-01.")
@click.option("--until", metavar="TIME", help="Posted before.")
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.option(
    "--out", type=click.File("w", encoding="utf-8", lazy=False), default="-", help="A file; otherwise stdout."
)
@plainly
async def export(
    query: tuple[str, ...], directory: Path | None, since: str | None, until: str | None, form: str, out: TextIO
) -> None:
    """Write the mention history out, row by row, however long it is.

    \b
    listener export --format csv --out mentions.csv
    listener export 'brand:"Acme Air"' --since 30d
    """
    begin, end, now = moment(since, past=True), moment(until, past=True), system_clock()
    asked = question(" ".join(query), since=begin, until=end, limit=sys.maxsize, now=now)
    async with memory(directory) as (_, store):
        if form == "csv":
            await _as_csv(store.search(asked), out)
            return
        async for row in store.search(asked):
            out.write(json_text(row) + "\n")


@click.command()
@config_option
@click.option("--since", default="30d", show_default=True, metavar="TIME")
@click.option(
    "--policy",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="A changed triage.toml or people.toml.",
)
@json_option
@plainly
async def replay(directory: Path | None, since: str, file: Path, as_json: bool) -> None:
    """What a changed rule, threshold, ladder or clock would have escalated, and to whom; nothing is changed and nobody
    is told.

    \b
    listener replay --since 30d --policy triage.new.toml
    listener replay --since 30d --policy people.new.toml
    """
    asked = Question(since=moment(since, past=True), limit=sys.maxsize)
    async with memory(directory) as (settings, store):
        from listener.simulate import simulate  # most commands here live no past again

        told = await simulate(store, store.search(asked), settings, changed(settings, file), await now_in(store))
    if as_json:
        print_json(told)
        return
    out = console()
    out.print(f"{told.mentions} mentions: {told.before} would be escalated now, {told.after} with {file.name}")
    for change in told.changes[:50]:
        out.print(
            f"{change.before or 'nobody'} -> {change.after or 'nobody'}  {change.brand}: {change.title}", markup=False
        )
    out.print(_calls(told))
    out.print(f"{_by_day(told.calls_after)} (22:00 to 07:00, where they are).", markup=False)
    for woken in told.calls_after.wakings:
        out.print(_waking(settings, woken), markup=False, soft_wrap=True)


def _calls(told: "Simulated") -> Table:
    """Who would have been told, now and then."""
    table = Table("told", "now", "then", "of these at night", "off duty", box=None)
    before, after = told.calls_before, told.calls_after
    for name in sorted(before.times | after.times):
        counts = (before.times[name], after.times[name], after.woken[name], after.off_duty[name])
        table.add_row(escape(name), *map(str, counts))
    return table


def _by_day(calls: "Calls") -> str:
    """At which part of their own day people are told."""
    parts = {"morning": (7, 12), "afternoon": (12, 18), "evening": (18, 22)}
    counted = {name: sum(calls.hours[hour] for hour in range(*span)) for name, span in parts.items()}
    counted["night"] = sum(calls.hours.values()) - sum(counted.values())
    return "In the " + ", ".join(f"{name} {count}" for name, count in counted.items())


def _waking(settings: Settings, woken: "Woken") -> str:
    person = settings.person(woken.name)
    at = clock(woken.at, person.timezone if person else "UTC")
    return f"wakes {woken.name}, {at}: {woken.brand}, {woken.priority}"


@click.command()
@config_option
@click.option("--post", "posts", multiple=True, metavar="SOURCE:ID", help="A post; may be given several times.")
@click.option("--author", metavar="HANDLE", help="Everything this author wrote.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@plainly
async def erase(directory: Path | None, posts: tuple[str, ...], author: str | None, yes: bool) -> None:
    """Remove a post or an author everywhere: text and name go; times, owner, promise and outcome stay.

    \b
    listener erase --post travel-blogs:https://blog.example/?p=7
    listener erase --author angry_traveller --yes
    """
    if not posts and not author:
        raise click.UsageError("say what: --post SOURCE:ID or --author HANDLE")
    if not yes:
        click.confirm("This cannot be undone. Erase?", abort=True)
    erased = 0
    async with memory(directory) as (_, store):
        for post in posts:
            source, _, id_ = post.partition(":")
            erased += await store.erase(source, (id_,), await now_in(store))
        if author:
            erased += await store.erase_author(author, await now_in(store))
    console().print(f"{erased} posts erased")
