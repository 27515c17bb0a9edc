"""raise, join, split, note, snooze, ask, undo: what a person does to a matter beside answering it."""

from pathlib import Path

import click

from escalation.commands import Answer, AskForHelp, Note, Rate, Snooze, Statement, UndoDismiss
from escalation.desk import Desk
from escalation.events import Rating
from escalation.terminal import draw_case
from listener import by_hand
from listener.commands.casework import ask as act
from listener.commands.casework import on_a_case, somebody, time_given
from listener.commands.shared import Failed, config_option, console, memory, now_in, plainly
from listener.rating import with_row
from listener.settings.people import PRIORITIES
from listener.weigh import scales


@click.command("raise")
@click.argument("text", default="")
@config_option
@click.option("--as", "person", required=True, metavar="PERSON", help="Your name in people.toml; you hear the outcome.")
@click.option("--brand", required=True, metavar="NAME")
@click.option("--url", default="", help="Where it can be read.")
@click.option("--author", default="", help="Who said it.")
@click.option("--priority", default="", type=click.Choice(("", *PRIORITIES)), help="At least this urgent.")
@plainly
async def raise_(
    text: str, directory: Path | None, person: str, brand: str, url: str, author: str, priority: str
) -> None:
    """Escalate by hand what nothing heard: the customer's words, a link to them, or both.

    \b
    listener raise "My card was charged three times" --brand "Acme Air" --as "Dana Fox"
    listener raise --url https://forum.example.com/t/88 --brand "Acme Air" --priority P2 --as "Dana Fox"
    """
    async with memory(directory) as (settings, store):
        now = await now_in(store)
        by = somebody(settings, person)
        name = next((one.name for one in settings.brands if one.name.casefold() == brand.strip().casefold()), brand)
        heard = by_hand.raised(text, name, scales(settings), now, by=by, url=url, author=author, priority=priority)
        kept = await by_hand.keep(store, heard, now)
        if not (found := (*kept.opened, *kept.into)):
            raise Failed("this was raised already; `listener search` finds it")
        draw_case(console(), await Desk(store).case(found[0]), now)


@click.command()
@on_a_case
@click.option("--into", required=True, type=int, metavar="ID", help="The case that answers for both.")
@plainly
async def join(case_id: int, person: str, directory: Path | None, into: int) -> None:
    """Say that a case is the matter of another: its posts join that one, and it ends.

    \b
    listener join 14 --into 12 --as "Dana Fox"
    """
    async with memory(directory) as (settings, store):
        now = await now_in(store)
        draw_case(console(), await store.merge(case_id, into, somebody(settings, person), now), now)


@click.command()
@on_a_case
@click.option("--post", required=True, metavar="SOURCE:ID", help="As `listener case ID --json` lists it.")
@plainly
async def split(case_id: int, person: str, directory: Path | None, post: str) -> None:
    """Say that a post was joined wrongly: it becomes a case of its own.

    \b
    listener split 12 --post travel-blogs:p7 --as "Dana Fox"
    """
    async with memory(directory) as (settings, store):
        now = await now_in(store)
        case, by = await Desk(store).case(case_id), somebody(settings, person)
        draw_case(console(), await by_hand.split(store, scales(settings), case, post, by, now), now)


@click.command()
@on_a_case
@click.argument("text")
@plainly
async def note(case_id: int, person: str, directory: Path | None, text: str) -> None:
    """Note what the next reader should know: an attempt to reach the customer, what they said.

    \b
    listener note 12 "rang twice, no answer" --as "Dana Fox"
    """
    await act(directory, case_id, person, lambda _, by, now: Note(by=by, text=text))


@click.command()
@on_a_case
@click.option("--until", required=True, metavar="TIME", help="2h, or 2026-05-01T16:00.")
@plainly
async def snooze(case_id: int, person: str, directory: Path | None, until: str) -> None:
    """Do not remind me before then. What was promised to the customer does not move.

    \b
    listener snooze 12 --until 2h --as "Dana Fox"
    """
    time_given(until)
    await act(directory, case_id, person, lambda _, by, now: Snooze(by=by, until=time_given(until, now)))


@click.command()
@on_a_case
@click.argument("text")
@plainly
async def ask(case_id: int, person: str, directory: Path | None, text: str) -> None:
    """Ask the next one up for help; the case stays yours.

    \b
    listener ask 12 "may I offer a night in a hotel?" --as "Dana Fox"
    """
    await act(directory, case_id, person, lambda _, by, now: AskForHelp(by=by, text=text))


@click.command()
@on_a_case
@click.option("--url", default="", help="Where the answer can be read.")
@plainly
async def answered(case_id: int, person: str, directory: Path | None, url: str) -> None:
    """Say that the customer was answered in public, where that is not heard of by itself; the first answer counts.

    \b
    listener answered 12 --url https://talk.example.com/t/88 --as "Dana Fox"
    """
    await act(directory, case_id, person, lambda _, by, now: Answer(by=by, url=url))


@click.command()
@on_a_case
@click.argument("text")
@plainly
async def statement(case_id: int, person: str, directory: Path | None, text: str) -> None:
    """What may be said to every customer of an incident; it stands on its card and with each of their cases.

    \b
    listener statement 30 "The line is dead since nine; it is mended by noon." --as "Dana Fox"
    """
    await act(directory, case_id, person, lambda _, by, now: Statement(by=by, text=text))


@click.command()
@on_a_case
@plainly
async def undo(case_id: int, person: str, directory: Path | None) -> None:
    """Take a dismissal back within a day: the case stands as it stood, with every deadline where it was.

    \b
    listener undo 12 --as "Dana Fox"
    """
    await act(directory, case_id, person, lambda _, by, now: UndoDismiss(by=by))


@click.command()
@on_a_case
@click.argument("rating", type=click.Choice([one.value for one in Rating]))
@plainly
async def verdict(case_id: int, person: str, directory: Path | None, rating: str) -> None:
    """Say whether the severity is right. "worse" raises the priority by one step, where the policy has one.

    \b
    listener verdict 12 worse --as "Dana Fox"
    listener verdict 12 milder --as "Lee Park"

    Triage learns from these: see `listener learn`.
    """
    async with memory(directory) as (settings, store):
        asked = Rate(by=somebody(settings, person), rating=Rating(rating))
        case, now = await Desk(store).case(case_id), await now_in(store)
        asked = with_row(asked, case, scales(settings))
        draw_case(console(), await Desk(store).handle(case_id, asked, now), now)
