"""guard: a draft reply is read before a person posts it."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from escalation.case import Status, replay
from escalation.guard import Finding, chosen, review
from listener.commands.shared import config_option, console, json_option, memory, plainly, print_json
from listener.opening import system_clock


@click.command()
@click.argument("draft", required=False)
@config_option
@click.option("--case", "case_id", type=int, metavar="ID", help="Whom it answers: what was said and promised counts.")
@click.option("--sent", metavar="TEXT", help="What was said in the end: which advice was taken is remembered.")
@json_option
@plainly
async def guard(
    draft: str | None, directory: Path | None, case_id: int | None, sent: str | None, as_json: bool
) -> None:
    """Name what in a draft reply would make things worse, with a better way. It blocks nothing; the draft may come in
    by a pipe.

    \b
    listener guard "We apologize for any inconvenience."
    listener guard --case 12 < draft.txt
    listener guard "We apologize for any inconvenience." --sent "Sorry that your bag stayed in Lisbon."
    """
    text = draft if draft is not None else sys.stdin.read()
    thread, promised = await _known(directory, case_id) if case_id is not None else ((), False)
    found = review(text, thread, promised=promised)
    if sent is not None:
        await _remember(directory, found, sent)
    if as_json:
        for finding in found:
            print_json(finding, line=True)
        return
    out = console()
    for finding in found:
        out.print(_line(finding), markup=False, soft_wrap=True)
    if not found:
        out.print("Nothing here would make it worse.")


async def _remember(directory: Path | None, found: Sequence[Finding], sent: str) -> None:
    async with memory(directory) as (_, store):
        await store.guarded(chosen(found, sent), system_clock())


async def _known(directory: Path | None, case_id: int) -> tuple[tuple[str, ...], bool]:
    """What the customer said in this case, and whether a promise is booked."""
    async with memory(directory) as (_, store):
        case = replay(await store.timeline(case_id))
        posts = await store.case_mentions(case_id)
    said = [f"{post.title}\n{post.text}" for post in posts]
    return (*said, case.subject.text), case.status is Status.ACKNOWLEDGED and case.promise is not None


def _line(finding: Finding) -> str:
    return f"{finding.fault}: \u201c{' '.join(finding.words.split())}\u201d. Better: {finding.better}."
