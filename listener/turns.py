"""Whose turn it is, by calendars on the web or in files: read at the start and each hour, the last good copy kept."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

from connectors.contract import ConnectorError
from connectors.http import Web
from escalation.notices import HOUSE, Kind, Notice
from escalation.policy import Policy, Team
from listener.rotas import Rota, shifts, with_turns
from listener.settings import Settings


async def read(settings: Settings, web: Web, now: datetime) -> tuple[Settings, tuple[Notice, ...]]:
    """The settings with the turns of the coming weeks, and what must be said of calendars that cannot be read."""
    troubles = [(rota, await _copied(settings, rota, web, now)) for rota in settings.rotas]
    return known(settings, now), tuple(_unreadable(rota, why, now) for rota, why in troubles if why)


def known(settings: Settings, now: datetime) -> Settings:
    """With the turns as they were read last; nothing is fetched."""
    teams = {team.name: team for team in settings.teams}
    for rota in settings.rotas:
        teams[rota.team] = _with_shifts(teams[rota.team], rota, settings, now)
    return _on_ladders(settings, teams) if settings.rotas else settings


def _with_shifts(team: Team, rota: Rota, settings: Settings, now: datetime) -> Team:
    places = [_copy(settings, rota)] if rota.on_the_web else [settings.directory / rota.place, _copy(settings, rota)]
    for place in places:
        try:
            return replace(team, shifts=shifts(place.read_text("utf-8"), rota, team.timezone, now))
        except (OSError, ValueError):
            continue
    return team


def _on_ladders(settings: Settings, teams: Mapping[str, Team]) -> Settings:
    def rows(by_priority: Mapping[str, Policy]) -> dict[str, Policy]:
        return {priority: with_turns(policy, teams) for priority, policy in by_priority.items()}

    return replace(
        settings,
        teams=tuple(teams.values()),
        policies={name: rows(policies) for name, policies in settings.policies.items()},
        routes={
            name: tuple(replace(route, policies=rows(route.policies)) for route in routes)
            for name, routes in settings.routes.items()
        },
    )


async def _copied(settings: Settings, rota: Rota, web: Web, now: datetime) -> str:
    """Keeps a copy of what can be read; why it cannot be, otherwise. The address may be a secret and is not named."""
    zone = next(team.timezone for team in settings.teams if team.name == rota.team)
    try:
        text = await _text(settings, rota, web, now)
        shifts(text, rota, zone, now)
    except ConnectorError as wrong:
        return str(wrong).rpartition(": ")[2]
    except OSError as wrong:
        return wrong.strerror or type(wrong).__name__
    except ValueError as wrong:
        return str(wrong)[:200]
    _keep(_copy(settings, rota), text)
    return ""


async def _text(settings: Settings, rota: Rota, web: Web, now: datetime) -> str:
    if not rota.on_the_web:
        return (settings.directory / rota.place).read_text("utf-8")
    answer = await web.get(rota.place, now=now)
    if answer.status != 200:
        raise ValueError(f"the server answers {answer.status}")
    return answer.body.decode("utf-8", "replace")


def _copy(settings: Settings, rota: Rota) -> Path:
    name = blake2b(f"{rota.team}\n{rota.place}".encode(), digest_size=8).hexdigest()
    return settings.spool.parent / "calendars" / f"{name}.ics"


def _keep(copy: Path, text: str) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    half = copy.with_suffix(".new")
    half.write_text(text, "utf-8")
    half.replace(copy)


def _unreadable(rota: Rota, why: str, now: datetime) -> Notice:
    """Said once a day."""
    midnight = int(now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp())
    text = (
        f"The calendar of {rota.team} cannot be read ({why}). The turns that were read last are kept; see people.toml."
    )
    return Notice(case=HOUSE, seq=midnight, kind=Kind.HOUSE, to=told_as(rota.team), text=text)


def told_as(team: str) -> str:
    return f"calendar {team}"
