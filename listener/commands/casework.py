"""cases, case, and everything a person can ask of one: the same requests as the buttons."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from escalation import codec, wording
from escalation.brief import brief
from escalation.case import Case, Status, replay
from escalation.clean import line
from escalation.commands import (
    Accept,
    Acknowledge,
    Command,
    Decline,
    Dismiss,
    FollowUp,
    Handover,
    MakePromise,
    Reopen,
    ReportBack,
    compensation,
)
from escalation.desk import Desk
from escalation.events import Outcome, Result
from escalation.policy import on_duty
from escalation.terminal import draw_case, draw_timeline
from escalation.wording import zone
from listener import durations, ways
from listener.background import reach
from listener.commands.shared import (
    Failed,
    config_option,
    console,
    json_option,
    memory,
    moment,
    now_in,
    plainly,
    print_json,
)
from listener.one_voice import whisper
from listener.opening import system_clock
from listener.settings import Settings
from listener.similar import similar, told
from listener.storage.contract import CaseRow, Store


@click.command()
@config_option
@json_option
@click.option("--all", "ended", is_flag=True, help="Ended ones too, newest first.")
@click.option("--within", "incident", type=int, metavar="ID", help="The customers of this incident.")
@plainly
async def cases(directory: Path | None, as_json: bool, ended: bool, incident: int | None) -> None:
    """Open cases, most urgent first. An incident stands for its customers; --within shows them.

    \b
    listener cases
    listener cases --within 12
    listener cases --json | jq -r .owner | sort | uniq -c
    """
    table = Table("case", "brand", "priority", "severity", "status", "owner", "due", "promise", box=None)
    async with memory(directory) as (settings, store):
        async for row in store.cases(ended=ended):
            if incident is not None and row.within != incident:
                continue
            if as_json:
                print_json(row, line=True)
            elif incident is not None or not row.within:
                table.add_row(*_cells(row, settings))
    if not as_json:
        console().print(table if table.row_count else "No open cases.")


_OWED = {"open": "acknowledge", "acknowledged": "report back", "reported": "check that it helped"}


def _due(row: CaseRow, settings: Settings) -> str:
    """What is owed by when, by the clock of who owes it."""
    person, now = settings.person(row.owner), system_clock()
    if row.deadline is None or row.status not in _OWED:
        return ""
    what = "keep the promise" if row.promise and row.status == "acknowledged" else _OWED[row.status]
    late = ", overdue" if row.missed or row.deadline <= now else ""
    return f"{what} by {wording.soon(row.deadline, person.timezone if person else 'UTC', now)}{late}"


def _cells(row: CaseRow, settings: Settings) -> tuple[str, ...]:
    cells = (
        str(row.id),
        row.brand,
        row.priority,
        str(row.severity),
        row.status,
        row.owner,
        _due(row, settings),
        row.promise,
    )
    return tuple(cell.replace("[", "\\[") for cell in cells)


@click.command()
@click.argument("case_id", metavar="ID", type=int)
@config_option
@json_option
@click.option("--trace", is_flag=True, help="The way from the post to what people saw, with times.")
@plainly
async def case(case_id: int, directory: Path | None, as_json: bool, trace: bool) -> None:
    """One case, with its timeline.

    \b
    listener case 12
    listener case 12 --trace
    listener case 12 --json | jq .timeline[].kind
    """
    async with memory(directory) as (_, store):
        timeline = await store.timeline(case_id)
        found = replay(timeline)
        if trace:
            _show_way(ways.way(timeline, await store.said(case_id)), found, as_json=as_json)
            return
        beside = await _beside(store, found)
    if as_json:
        print_json({**described(found), "timeline": [codec.encode(event) for event in timeline]})
    else:
        out = console()
        draw_case(out, found, system_clock())
        for said in beside:
            out.print(said, markup=False, soft_wrap=True)
        draw_timeline(out, timeline, zone(found))


def _show_way(way: ways.Way, found: Case, *, as_json: bool) -> None:
    if as_json:
        print_json({"id": found.id, **asdict(way)})
        return
    table = Table("at (UTC)", "after the post", "step", "", box=None)
    for step in way.steps:
        at = f"{step.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if step.at else ""
        table.add_row(at, _after(step.after), step.step, line(step.detail, 200).replace("[", "\\["))
    lag = f"from post to card {_after(way.lag)}" if way.lag is not None else "no card has been shown yet"
    out = console()
    out.print(f"case {found.id}, trace {way.trace}: {lag}", markup=False)
    out.print(table)


def _after(took: timedelta | None) -> str:
    """To the millisecond while that says something: +0.240 s, +3 min."""
    if took is None:
        return ""
    seconds = took.total_seconds()
    return f"+{seconds:.3f} s" if seconds < 60 else f"+{durations.spoken(took)}"


async def _beside(store: Store, found: Case) -> tuple[str, ...]:
    """What is not the case's own but helps who answers it."""
    if found.incident:
        return (*brief(found, reach=await reach(store, found.id)), "")
    before = () if found.report else told(await similar(store, found, await now_in(store)))
    stated = replay(await store.timeline(found.within)).statement if found.within else ""
    said = (f"To say, of incident {found.within}: {line(stated, 600)}",) if stated else ()
    return (*said, *before, "") if said or before else ()


def described(found: Case) -> dict[str, Any]:
    """What a pipe may rely on of one case."""
    subject = found.subject
    return {
        "id": found.id,
        "brand": subject.brand,
        "status": found.status,
        "priority": subject.priority,
        "severity": subject.severity,
        "owner": found.owner,
        "due": found.due,
        "opened": found.opened,
        "promise": found.promise.what if found.promise else "",
        "promise_due": found.promise.due if found.promise else None,
        "posts": found.posts,
        "url": subject.url,
        "author": subject.author,
        "title": subject.title,
        "text": subject.text,
        "reasons": subject.reasons,
        "report": found.report,
    }


Asks = Callable[[Settings, str, datetime], Command]  # in whose name, and by which clock


async def ask(directory: Path | None, case_id: int, person: str, make: Asks) -> None:
    """Does what `make` asks for in the name of `person`, and shows how the case stands then."""
    async with memory(directory) as (settings, store):
        owner = (await Desk(store).case(case_id)).owner
        by = owner if owner == person else somebody(settings, person)  # who has left may still hand over
        now = await now_in(store)
        asked = make(settings, by, now)
        changed = await Desk(store).handle(case_id, asked, now)
        said = await whisper(store, changed, by) if isinstance(asked, Acknowledge) else ""
    draw_case(console(), changed, now)
    if said:
        console().print(said, markup=False, soft_wrap=True)


def somebody(settings: Settings, name: str) -> str:
    person = settings.person(name)
    if person is None:
        raise Failed(f'nobody is called "{name}"; people.toml has {", ".join(p.name for p in settings.people)}')
    return person.name


def on_a_case(command: Callable[..., Any]) -> Callable[..., Any]:
    """The arguments that all of the following share."""
    command = config_option(command)
    command = click.option("--as", "person", required=True, metavar="PERSON", help="Your name in people.toml.")(command)
    return click.argument("case_id", metavar="ID", type=int)(command)


@click.command()
@on_a_case
@click.option("--promise", "what", default="", help="What you promise the customer; otherwise to report back.")
@click.option("--by", "due", metavar="TIME", help="By when: 2h, or 2026-05-01T16:00; otherwise the policy's time.")
@plainly
async def ack(case_id: int, person: str, directory: Path | None, what: str, due: str | None) -> None:
    """Acknowledge: it is yours now.

    \b
    listener ack 12 --as "Dana Fox"
    listener ack 12 --as "Dana Fox" --promise "call her back" --by 2h
    """
    moment(due, past=False)
    await ask(
        directory,
        case_id,
        person,
        lambda _, by, now: Acknowledge(by=by, what=what, due=moment(due, past=False, now=now)),
    )


@click.command()
@on_a_case
@click.argument("what")
@click.option("--by", "due", required=True, metavar="TIME", help="By when: 2h, or 2026-05-01T16:00.")
@click.option("--reason", default="", help="Why an earlier promise moves.")
@plainly
async def promise(case_id: int, person: str, directory: Path | None, what: str, due: str, reason: str) -> None:
    """Promise something by a time; a second promise moves the first and says why.

    \b
    listener promise 12 "refund within the day" --by 6h --as "Dana Fox"
    listener promise 12 "refund within the day" --by 1d --reason "bank holiday" --as "Dana Fox"
    """
    time_given(due)
    await ask(
        directory,
        case_id,
        person,
        lambda _, by, now: MakePromise(by=by, what=what, due=time_given(due, now), reason=reason),
    )


def time_given(text: str, now: datetime | None = None) -> datetime:
    found = moment(text, past=False, now=now)
    if found is None:
        raise click.UsageError("say by when")
    return found


@click.command()
@on_a_case
@click.option("--to", required=True, metavar="NAME", help="The person or the team that should take it over.")
@click.option("--note", default="", help="What they should know.")
@plainly
async def handover(case_id: int, person: str, directory: Path | None, to: str, note: str) -> None:
    """Offer the case to a person or to a team, of which whoever is there may accept; it stays yours until then.

    \b
    listener handover 12 --to "Lee Park" --note "speaks Portuguese" --as "Dana Fox"
    """
    await ask(directory, case_id, person, lambda s, by, now: offered(s, by, to, note, now))


def offered(settings: Settings, by: str, to: str, note: str, now: datetime) -> Handover:
    team = next((team for team in settings.teams if team.name.casefold() == to.strip().casefold()), None)
    if team is None:
        return Handover(by=by, to=somebody(settings, to), note=note)
    return Handover(by=by, to=team.name, note=note, among=on_duty(team, settings.people, now))


@click.command()
@on_a_case
@plainly
async def accept(case_id: int, person: str, directory: Path | None) -> None:
    """Take over a case that was offered to you.

    \b
    listener accept 12 --as "Lee Park"
    """
    await ask(directory, case_id, person, lambda _, by, now: Accept(by=by))


@click.command()
@on_a_case
@click.option("--reason", default="", help="Why not.")
@plainly
async def decline(case_id: int, person: str, directory: Path | None, reason: str) -> None:
    """Decline a case that was offered to you.

    \b
    listener decline 12 --reason "on a train until six" --as "Lee Park"
    """
    await ask(directory, case_id, person, lambda _, by, now: Decline(by=by, reason=reason))


@click.command()
@on_a_case
@click.option("--outcome", type=click.Choice([one.value for one in Outcome]), required=True)
@click.option("--done", required=True, help="What was done for the customer; an apology alone is not enough.")
@click.option("--remedy", required=True, help="What they got, or why nothing.")
@click.option("--evidence", required=True, help="A link or reference that shows it.")
@click.option(
    "--follow-up", "follow_up", metavar="TIME", help="When to check that it helped: 3d; otherwise the policy's."
)
@click.option("--contacted", default="", help="Where the customer was answered: in the thread, by phone.")
@click.option("--gave", default="", metavar="KIND [AMOUNT CURRENCY]", help='What it cost: "refund 80 EUR", "voucher".')
@click.option("--root-cause", default="", help="Of the team's own list, where people.toml has one.")
@plainly
async def report(
    case_id: int,
    person: str,
    directory: Path | None,
    outcome: str,
    done: str,
    remedy: str,
    evidence: str,
    follow_up: str | None,
    contacted: str,
    gave: str,
    root_cause: str,
) -> None:
    """Report back what was done.

    \b
    listener report 12 --as "Lee Park" --outcome solved --done "called her, rebooked the flight" \\
      --remedy "refund of 80 EUR" --evidence https://crm.example.com/t/4711 --gave "refund 80 EUR"
    """
    moment(follow_up, past=False)
    await ask(
        directory,
        case_id,
        person,
        lambda _, by, now: ReportBack(
            by=by,
            outcome=Outcome(outcome),
            done=done,
            remedy=remedy,
            evidence=evidence,
            follow_up=moment(follow_up, past=False, now=now),
            contacted=contacted,
            compensation=compensation(gave),
            root_cause=root_cause,
        ),
    )


@click.command("follow-up")
@on_a_case
@click.option("--result", type=click.Choice([one.value for one in Result]), required=True)
@click.option("--note", default="", help="What you found.")
@click.option(
    "--within", "all_within", is_flag=True, help="Of every customer of this incident who was told its report."
)
@plainly
async def follow_up(
    case_id: int, person: str, directory: Path | None, result: str, note: str, all_within: bool
) -> None:
    """Say whether it really helped; "worse" opens the case again.

    \b
    listener follow-up 12 --result verified --note "she thanked us in the thread" --as "Lee Park"
    listener follow-up 30 --within --result "no answer" --as "Lee Park"
    """
    if all_within:
        await _follow_up_within(directory, case_id, person, result, note)
        return
    await ask(directory, case_id, person, lambda _, by, now: FollowUp(by=by, result=Result(result), note=note))


async def _follow_up_within(directory: Path | None, incident: int, person: str, result: str, note: str) -> None:
    async with memory(directory) as (settings, store):
        check = FollowUp(by=somebody(settings, person), result=Result(result), note=note)
        reported = [row.id async for row in store.cases() if (row.within, row.status) == (incident, Status.REPORTED)]
        now = await now_in(store)
        for case_id in reported:
            await Desk(store).handle(case_id, check, now)
    console().print(f"{len(reported)} customers of incident {incident} were checked: {result}.")


@click.command()
@on_a_case
@click.option("--reason", required=True, help="Why this needs nothing from us.")
@plainly
async def dismiss(case_id: int, person: str, directory: Path | None, reason: str) -> None:
    """Not a complaint, or not ours to answer.

    \b
    listener dismiss 12 --reason "a joke between friends" --as "Dana Fox"
    """
    await ask(directory, case_id, person, lambda _, by, now: Dismiss(by=by, reason=reason))


@click.command()
@on_a_case
@click.option("--reason", required=True, help="Why it must be opened again.")
@plainly
async def reopen(case_id: int, person: str, directory: Path | None, reason: str) -> None:
    """Open an ended case again; its last owner has it.

    \b
    listener reopen 12 --reason "the refund never arrived" --as "Dana Fox"
    """
    await ask(directory, case_id, person, lambda _, by, now: Reopen(by=by, reason=reason))
