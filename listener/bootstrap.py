"""The composition root: the only maker of clients, database and clock. Tests pass their own clock and voice."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from rich.console import Console

from connectors import dialect_of, open_connector
from connectors.contract import Connector
from connectors.http import Web
from escalation.courier import Courier, Messenger
from escalation.desk import Desk
from escalation.slack.messenger import SlackMessenger
from escalation.terminal import TerminalMessenger
from listener import slack
from listener.asking import asked
from listener.cycle import House
from listener.settings import Settings, Source
from listener.storage.contract import Store
from listener.storage.sqlite import SqliteStore
from listener.weigh import scales

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    return datetime.now(UTC)


async def open_store(database: str) -> Store:
    """Raises StoreError when it cannot be opened or was written by a newer version."""
    return await SqliteStore.open(database)


@asynccontextmanager
async def build(
    settings: Settings, console: Console, *, clock: Clock = system_clock, messenger: Messenger | None = None
) -> AsyncIterator[House]:
    """The house, ready to work; everything it opened is closed again at the end."""
    async with AsyncExitStack() as stack:
        store = await open_store(settings.database)
        stack.push_async_callback(store.aclose)
        web = Web(agent=_agent(settings), allow_private=settings.allow_private)
        stack.push_async_callback(web.aclose)
        yield House(
            settings=settings,
            store=store,
            ears=await _ears(settings, web, stack),
            scales=scales(settings),
            desk=Desk(store),
            courier=Courier(store, messenger or await _messenger(settings, console, clock, stack)),
            clock=clock,
            pulse=_pulse(settings, web) if settings.heartbeat else None,
        )


def _pulse(settings: Settings, web: Web) -> Callable[[], Awaitable[None]]:
    async def pulse() -> None:
        await web.try_get(settings.heartbeat)

    return pulse


async def _ears(settings: Settings, web: Web, stack: AsyncExitStack) -> dict[str, Connector]:
    ears = {}
    for source in settings.sources:
        ears[source.name] = open_connector(source.kind, source.name, _options(settings, source), web)
        stack.push_async_callback(ears[source.name].aclose)
    return ears


def _options(settings: Settings, source: Source) -> Mapping[str, Any]:
    """A platform that is searched by words is told which: the queries of its brands, in its own dialect."""
    if (dialect := dialect_of(source.kind)) is None:
        return source.options
    return {**source.options, "searches": asked(settings.queries(source.brands), dialect).searches}


async def _messenger(settings: Settings, console: Console, clock: Clock, stack: AsyncExitStack) -> Messenger:
    if not settings.slack.on:
        return TerminalMessenger(console)
    people = {person.name: person for person in settings.people}
    messenger = SlackMessenger(slack.client(settings.slack), settings.slack.channels, people, clock)
    stack.push_async_callback(messenger.aclose)
    return messenger


@asynccontextmanager
async def voices(house: House) -> AsyncIterator[None]:
    """Hears what people press in Slack for as long as it is open; nothing to do without Slack."""
    if not (house.settings.slack.on and house.settings.slack.hears_clicks):
        yield
        return
    async with slack.listening(house.settings, house.desk, house.clock):
        yield


def _agent(settings: Settings) -> str:
    contact = f" (+{settings.public_url})" if settings.public_url else ""
    return f"ListeningPost/{version('listening-post')}{contact}"
