"""Is everything in place? Each check says what it found and, when it is wrong, what to do about it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from connectors.contract import ConnectorError, Examinable, Page
from listener import slack
from listener.cycle import House
from listener.deep import missing
from listener.storage.address import is_server, shown
from listener.storage.contract import StoreBusy
from listener.turns import told_as

NAMED = 10  # cases
CLOCK_STEP = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    name: str
    ok: bool
    found: str


async def examine(house: House) -> AsyncIterator[Check]:
    """Reads every source once without keeping anything; one that costs money is only asked whether it would let us."""
    settings = house.settings
    people = f"{len(settings.people)} people, {len(settings.brands)} brands, {len(settings.sources)} sources"
    yield Check(name="configuration", ok=True, found=people)
    yield await _store(house)
    yield await _clock(house)
    yield await _owners(house)
    async for calendar in _calendars(house):
        yield calendar
    yield _second(house)
    for source in settings.sources:
        yield await _source(house, source.name)
    async for check in _slack(house):
        yield check


def _second(house: House) -> Check:
    """A house whose sentence model is not there does not start, so it is there when it is asked for."""
    of = house.settings.second
    if of is None:
        deep = "the sentence model is not installed" if missing() else "the sentence model is there: deep = true"
        return Check(name="second opinion", ok=True, found=f"nobody is asked; {deep}")
    who = "the sentence model in this house" if of.deep else f"{of.model} at {of.url}"
    found = f"{who}, for probabilities from {of.least:g} to {of.most:g}"
    return Check(name="second opinion", ok=True, found=found)


async def _store(house: House) -> Check:
    balance = await house.store.balance()
    if balance.damaged:
        return Check(name="store", ok=False, found=balance.findings[0].problem)
    if balance.undeliverable:
        found = f"{balance.undeliverable} notices could not be delivered; `listener audit` names them"
        return Check(name="store", ok=False, found=found)
    try:
        async with house.store.engine():
            shared = is_server(house.settings.database)
            running = "any number of listeners may run on it" if shared else "no listener is running on it"
    except StoreBusy:
        running = "a listener is running on it"
    return Check(
        name="store", ok=True, found=f"{shown(house.settings.database)}: {running}; {balance.owed} notices on their way"
    )


async def _clock(house: House) -> Check:
    newest = max((state.last_heard for state in await house.store.sources() if state.last_heard), default=None)
    if newest and newest - house.clock() > CLOCK_STEP:
        return Check(
            name="clock", ok=False, found=f"the store was written at {newest}, which is still to come; set the clock"
        )
    return Check(name="clock", ok=True, found=f"{house.clock():%Y-%m-%d %H:%M:%S} UTC")


async def _owners(house: House) -> Check:
    """Who left people.toml still owns what they owned: their policy was frozen into the case when it opened."""
    known = {person.name for person in house.settings.people}
    theirs = [f"{row.id} ({row.owner})" async for row in house.store.cases() if row.owner not in known]
    if not theirs:
        return Check(name="owners", ok=True, found="everybody who has a case is in people.toml")
    named = ", ".join(theirs[:NAMED]) + (f" and {len(theirs) - NAMED} more" if len(theirs) > NAMED else "")
    mend = "hand each over in their name: `listener handover ID --as THEM --to …`"
    return Check(name="owners", ok=False, found=f"not in people.toml, but still have cases: {named}; {mend}")


async def _calendars(house: House) -> AsyncIterator[Check]:
    if not house.calendars:
        return
    settings, unreadable = await house.calendars()
    why = {notice.to: notice.text for notice in unreadable}
    for rota in settings.rotas:
        team = next(team for team in settings.teams if team.name == rota.team)
        name, now = told_as(rota.team), ", ".join(team.on_shift(house.clock())) or "nobody"
        found = why.get(name) or f"{len(team.shifts)} turns are known; now it is {now}'s"
        if not team.shifts and name not in why:
            found = (
                f"it can be read, but names nobody of {team.name} in the coming weeks; see `calendar` in people.toml"
            )
        yield Check(name=name, ok=bool(team.shifts) and name not in why, found=found)


async def _source(house: House, name: str) -> Check:
    state, ear = await house.store.source(name), house.ears[name]
    try:
        if isinstance(ear, Examinable):
            return Check(name=f"source {name}", ok=True, found=await ear.examine(state.cursor, house.clock()))
        page = await ear.fetch(state.cursor, house.clock())
        if where := _where(page):  # a web page led to what is heard
            page = await ear.fetch(page.cursor, house.clock())
    except ConnectorError as error:
        return Check(name=f"source {name}", ok=False, found=str(error))
    found = f"{page.hearing}, {len(page.posts)} items {where} {page.note}"
    return Check(name=f"source {name}", ok=True, found=" ".join(found.split()))


def _where(page: Page) -> str:
    return f"at {page.facts['url']}, which {page.facts['found']}" if "found" in page.facts else ""


async def _slack(house: House) -> AsyncIterator[Check]:
    settings = house.settings.slack
    if not settings.on:
        yield Check(name="slack", ok=True, found="off; set SLACK_BOT_TOKEN and SLACK_APP_TOKEN to turn it on")
        return
    if not settings.hears_clicks:
        missing = "SLACK_SIGNING_SECRET" if settings.mode == "http" else "SLACK_APP_TOKEN"
        yield Check(name="slack", ok=False, found=f"cards can be sent, but nobody can press a button: set {missing}")
    if settings.oauth:
        async for name, ok, found in slack.installed(settings, house.store):
            yield Check(name=f"slack {name}", ok=ok, found=found)
    line = slack.lines(settings, house.store, house.clock)
    async for name, ok, found in slack.examine(settings, house.settings.people, line):
        yield Check(name=f"slack {name}".strip(), ok=ok, found=found)
