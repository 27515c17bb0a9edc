"""who, away: who would be told, and who is not there."""

from collections.abc import Mapping
from pathlib import Path

import click

from escalation.policy import Asked, Choice, Policy, asked_in_turn, first
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
from listener.durations import spoken
from listener.opening import system_clock
from listener.settings import Settings
from listener.settings.people import PRIORITIES


@click.command()
@config_option
@click.option("--brand", required=True, metavar="NAME")
@click.option("--priority", type=click.Choice(PRIORITIES), default="P1", show_default=True)
@click.option("--route", metavar="NAME", help="The ladder of this [[policy.….route]].")
@click.option("--at", "when", default=None, metavar="TIME", help="Then instead of now: 2h, 2026-12-24T22:00.")
@json_option
@plainly
async def who(
    directory: Path | None, brand: str, priority: str, route: str | None, when: str | None, as_json: bool
) -> None:
    """Who would be told first, who next, and why, step by step.

    \b
    listener who --brand "Acme Air"
    listener who --brand "Acme Air" --priority P2 --at 2026-12-24T22:00
    listener who --brand "Acme Air" --route "German speakers"
    """
    async with memory(directory) as (settings, store):
        at = moment(when, past=False) or await now_in(store)
        policy, away = _policy(settings, brand, priority, route), await store.away(at)
    steps, chosen = tuple(asked_in_turn(policy, at, away)), first(policy, at, away)
    if as_json:
        print_json({"at": at, "told": chosen, "steps": steps})
        return
    out = console()
    out.print(f"{brand}, {priority}, {at:%a %Y-%m-%d %H:%M} UTC", markup=False)
    for step in steps:
        out.print(_line(step, chosen), markup=False, soft_wrap=True)
    out.print(f"Told first: {chosen.name}, {chosen.why}.", markup=False, soft_wrap=True)
    out.print(
        f"Nobody acknowledged: the next after {spoken(policy.acknowledge)}. Last: {policy.lead(at)}.", markup=False
    )
    if others := [each.name for each in settings.routes.get(policy.name, ()) if each.name != policy.route]:
        out.print(f"Other ladders, --route: {', '.join(others)}", markup=False, soft_wrap=True)


def _policy(settings: Settings, brand: str, priority: str, route: str | None) -> Policy:
    found = next((one for one in settings.brands if one.name.casefold() == brand.strip().casefold()), None)
    if found is None:
        raise Failed(f'"{brand}" is not a brand; brands.toml has {", ".join(one.name for one in settings.brands)}')
    if policy := _rows(settings, found.policy, route).get(priority):
        return policy
    raise Failed(f"nobody is told: the policy {found.policy} has no row for {priority}")


def _rows(settings: Settings, policy: str, route: str | None) -> Mapping[str, Policy]:
    routes = {each.name: each.policies for each in settings.routes.get(policy, ())}
    if route is None:
        return settings.policies[policy]
    if route not in routes:
        raise Failed(f'the policy {policy} has no route "{route}"; it has {", ".join(routes) or "none"}')
    return routes[route]


def _line(step: Asked, chosen: Choice) -> str:
    mark = "->" if (step.name, step.rung) == (chosen.name, chosen.rung) and not step.off else "  "
    return f"{mark} {step.rung + 1}. {step.name}: {step.off or step.role}"


@click.command()
@config_option
@click.option("--as", "person", required=True, metavar="PERSON", help="Who is away.")
@click.option("--until", metavar="TIME", help="8h, 3d, 2026-12-27T09:00.")
@click.option("--back", is_flag=True, help="Here again.")
@json_option
@plainly
async def away(directory: Path | None, person: str, until: str | None, back: bool, as_json: bool) -> None:
    """I am away until then: new cases go to my stand-in or the next on the ladder.

    \b
    listener away --as "Dana Fox" --until 3d
    listener away --as "Dana Fox" --back
    """
    if back == bool(until):
        raise click.UsageError("say either --until TIME or --back")
    end = moment(until, past=False)
    if end and end <= system_clock():
        raise click.UsageError(f"--until {until} is over already; choose a time to come")
    async with memory(directory) as (settings, store):
        known = settings.person(person)
        if known is None:
            raise Failed(f'nobody is called "{person}"; people.toml has {", ".join(p.name for p in settings.people)}')
        await store.set_away(known.name, end)
        theirs = [case async for case in store.cases() if case.owner == known.name]
    if as_json:
        print_json({"person": known.name, "until": end, "open": [case.id for case in theirs]})
        return
    out = console()
    out.print(
        f"{known.name} is away until {end:%Y-%m-%d %H:%M} UTC." if end else f"{known.name} is here.", markup=False
    )
    if end and theirs:
        out.print(f"{len(theirs)} open cases are still theirs; hand over what cannot wait:", markup=False)
        for case in theirs:
            out.print(f'  listener handover {case.id} --as "{known.name}" --to …   {case.title}', markup=False)
