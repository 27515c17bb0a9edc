"""digest, audit, backup: what became of everything, and a copy of it."""

from pathlib import Path

import click

from listener.audit import audit as examine
from listener.audit import audit_as_of, totals
from listener.commands.shared import config_option, console, json_option, memory, moment, now_in, plainly, print_json
from listener.digest import as_text, compose, everything


@click.command()
@config_option
@click.option("--since", default="7d", show_default=True, metavar="TIME", help="From when: 24h, 7d, 2026-05-01.")
@click.option(
    "--format", "form", type=click.Choice(["text", "html", "slack", "json"]), default="text", show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@plainly
async def digest(directory: Path | None, since: str, form: str, as_json: bool) -> None:
    """What happened, what is owed and by whom, and what could not be heard.

    \b
    listener digest --since 24h
    listener digest --since 7d --format json
    listener digest --since 7d --format slack
    listener digest --since 7d --format html > digest.html
    """
    moment(since, past=True)
    async with memory(directory) as (settings, store):
        now = await now_in(store)
        begun = moment(since, past=True, now=now) or now
        composed = await compose(store, begun, now, everything(settings))
    if as_json or form == "json":
        print_json(composed)
    elif form == "slack":
        from listener.slack.pages import digest as blocks  # nor Slack, for one that is a page or words

        print_json(blocks(composed))
    elif form == "html":
        from listener.web.digests import as_html  # the pages are not read for a digest in words

        click.echo(as_html(composed, settings.desk.public_url))
    else:
        click.echo(as_text(composed), nl=False)


@click.command()
@config_option
@json_option
@click.option("--at", "then", metavar="TIME", help="As of then: 3d, 2026-05-01T12:00.")
@plainly
async def audit(directory: Path | None, as_json: bool, then: str | None) -> None:
    """Prove that everything balances; exit 1 and say which item does not. Of a past moment the timelines prove who had
    each case, and by when.

    \b
    listener audit
    listener audit --at 2026-05-01T12:00
    listener audit --json | jq .findings
    """
    async with memory(directory) as (_, store):
        when = moment(then, past=True)
        report = await audit_as_of(store, when) if when else await examine(store, await now_in(store))
    if as_json:
        print_json(
            {"balanced": report.balanced, **{k: getattr(report, k) for k in ("at", "balance", "cases", "findings")}}
        )
    else:
        out, balance = console(), report.balance
        for state, count in sorted(totals(balance.posts).items()):
            out.print(f"{count:>8} posts {state}", markup=False)
        out.print(
            f"{sum(balance.fetched.values()):>8} posts heard, {report.cases} cases, {balance.owed} notices on their way"
        )
        for finding in report.findings:
            out.print(f"! {finding.check}, {finding.where}: {finding.problem}", markup=False)
        out.print("Everything balances." if report.balanced else f"{len(report.findings)} things do not balance.")
    if not report.balanced:
        raise SystemExit(1)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@config_option
@json_option
@plainly
async def backup(file: Path, directory: Path | None, as_json: bool) -> None:
    """Copy the database into FILE, whole and checked, while `listener run` goes on.

    \b
    listener backup /var/backups/listener-monday.db
    """
    async with memory(directory) as (_, store):
        size = await store.backup(file)
    if as_json:
        print_json({"file": str(file), "bytes": size})
    else:
        console().print(f"{file}: {size / 1e6:,.1f} MB, checked.", markup=False, soft_wrap=True)
