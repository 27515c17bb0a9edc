"""The composition root: the only maker of clients, ears and voices. Tests pass their own clock and voice."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

from rich.console import Console

from connectors import dialect_of, open_connector, told_by_house
from connectors.contract import Connector, Receiver, Tracked
from connectors.discovery import Found, discover
from connectors.http import Web
from connectors.inbound import Inbound, path_of
from connectors.inbox import Inbox, directory_of
from escalation.courier import Courier, Messenger
from escalation.desk import Desk
from escalation.slack.messenger import SlackMessenger
from escalation.terminal import TerminalMessenger
from listener import slack, turns
from listener.asking import asked
from listener.background import lookup
from listener.cycle import Doubted, House, Read, alone
from listener.deep import in_the_house, missing
from listener.opening import Clock, SharedClock, open_store, system_clock
from listener.running import ROLES
from listener.second_opinion import SecondOpinion
from listener.settings import Second, Settings, Source, allowed
from listener.storage.contract import Store
from listener.tables import ConfigError, Problem
from listener.web.serving import invitation, serving
from listener.weigh import Scales, scales

log = logging.getLogger("listener")


async def heard_at(url: str, env: Mapping[str, str]) -> Found:
    """What can be heard at this address: for whoever has no configuration yet. Raises ConnectorError."""
    web = Web(agent=f"ListeningPost/{version('listening-post')}", allow_private=allowed(env))
    try:
        return await discover(web, url, system_clock())
    finally:
        await web.aclose()


@asynccontextmanager
async def build(
    settings: Settings, console: Console, *, clock: Clock = system_clock, messenger: Messenger | None = None
) -> AsyncIterator[House]:
    """The house, ready to work; everything it opened is closed again at the end."""
    async with AsyncExitStack() as stack:
        store = await open_store(settings.database)
        stack.push_async_callback(store.aclose)
        if clock is system_clock:
            shared = SharedClock(store)
            await shared.agree()
            clock, agree = shared, shared.agree
        else:
            agree = alone
        web = Web(agent=_agent(settings), allow_private=settings.allow_private)
        stack.push_async_callback(web.aclose)
        calendars = partial(_turns, settings, store, web, clock) if settings.rotas else None
        settings = (await calendars())[0] if calendars else settings
        inboxes = {source.name: _inbox(settings, source.name) for source in settings.sources}
        yield House(
            settings=settings,
            store=store,
            ears=await _ears(settings, web, inboxes, stack),
            inboxes=inboxes,
            called={name for name, inbox in inboxes.items() if inbox.waiting()},
            scales=scales(settings),
            desk=Desk(store),
            courier=Courier(store, messenger or await _messenger(settings, store, console, clock, stack), clock),
            clock=clock,
            agree=agree,
            pulse=_call(settings.heartbeat, web) if settings.heartbeat else None,
            proof=_call(settings.audit_heartbeat, web) if settings.audit_heartbeat else None,
            calendars=calendars,
            second=_second(settings.second, web) if settings.second else None,
        )


def _second(of: Second, web: Web) -> Doubted:
    """Raises ConfigError."""
    if not of.deep:
        return SecondOpinion(web, of).on
    try:
        return in_the_house(of).on
    except (ImportError, ValueError) as wrong:
        why = missing() or str(wrong)
        raise ConfigError([Problem("listener.toml", "second_opinion.deep", why)]) from None


async def _turns(settings: Settings, store: Store, web: Web, clock: Clock) -> Read:
    now = clock()
    dressed, unreadable = await turns.read(settings, web, now)
    for notice in unreadable:
        await store.owe(notice, now)
    return dressed, unreadable


def _call(address: str, web: Web) -> Callable[[], Awaitable[None]]:
    async def call() -> None:
        await web.try_get(address)

    return call


def _inbox(settings: Settings, source: str) -> Inbox:
    return Inbox(directory_of(settings.spool, source), settings.inbound.address(path_of(source)))


async def _ears(
    settings: Settings, web: Web, inboxes: Mapping[str, Inbox], stack: AsyncExitStack
) -> dict[str, Connector]:
    ears = {}
    for source in settings.sources:
        options = _options(settings, source)
        ears[source.name] = open_connector(source.kind, source.name, options, web, inboxes[source.name])
        stack.push_async_callback(ears[source.name].aclose)
    return ears


def _options(settings: Settings, source: Source) -> Mapping[str, Any]:
    """A platform that is searched by words is told which: the queries of its brands, in its own dialect."""
    if (dialect := dialect_of(source.kind)) is None:
        return source.options
    found = asked(settings.queries(source.brands), dialect)
    accounts = {brand.name: brand.accounts for brand in settings.brands}
    tracked = tuple(
        Tracked(brand=brand, searches=searches, accounts=accounts[brand]) for brand, searches in found.by_brand.items()
    )
    offered: dict[str, Any] = {"searches": found.searches, "tracked": tracked}
    return {**source.options, **{name: offered[name] for name in told_by_house(source.kind)}}


async def _messenger(
    settings: Settings, store: Store, console: Console, clock: Clock, stack: AsyncExitStack
) -> Messenger:
    if not settings.slack.on:
        return TerminalMessenger(console)
    people, line = {person.name: person for person in settings.people}, slack.lines(settings.slack, store, clock)
    known, page = partial(lookup, store), partial(slack.page, settings, store)
    channels, charts = settings.slack.channels, settings.slack.charts
    messenger = SlackMessenger(line, channels, people, clock, lookup=known, page=page, charts=charts)
    stack.push_async_callback(messenger.aclose)
    return messenger


@asynccontextmanager
async def doors(house: House, roles: Collection[str] = ROLES) -> AsyncIterator[None]:
    """Open to what people press in Slack and to what is brought to the sources, where these are configured."""
    async with AsyncExitStack() as stack:
        if "listen" in roles and house.settings.inbound.port:
            await stack.enter_async_context(_inbound(house))
        if "web" in roles and house.settings.slack.on and house.settings.slack.hears_clicks:
            await stack.enter_async_context(slack.listening(lambda: house.settings, house.store, house.clock))
        yield


@asynccontextmanager
async def _inbound(house: House) -> AsyncIterator[None]:
    """Raises ConfigError with the mend when its port cannot be had."""
    receivers = {name: ear for name, ear in house.ears.items() if isinstance(ear, Receiver)}
    inbound, place = Inbound(receivers, house.inboxes, house.clock, house.called.add), house.settings.inbound
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(inbound.open(place.host, place.port))
        except OSError as error:
            why = error.strerror or type(error).__name__
            mend = f"nothing can be brought to {place.host} port {place.port} ({why}); choose another host or port"
            raise ConfigError([Problem("listener.toml", "inbound", mend)]) from None
        for inbox in house.inboxes.values():
            inbox.open = True
        yield


@asynccontextmanager
async def desk_beside(house: House, console: Console, roles: Collection[str] = ROLES) -> AsyncIterator[str]:
    """The web desk, while the house works; yields its address. Escalation does not wait for it: when its port cannot be
    had, that is said, and the rest goes on."""
    settings, store = house.settings, house.store
    async with AsyncExitStack() as stack:
        address = ""
        if "web" in roles and settings.desk.on:
            try:
                address = await stack.enter_async_context(
                    _desk(lambda: (house.settings, house.scales), store, house.clock)
                )
                console.print(
                    await _invited(settings, store, address, house.clock, console), markup=False, soft_wrap=True
                )
            except ConfigError as wrong:
                log.warning("there is no web desk: %s", wrong)
        yield address


async def _invited(settings: Settings, store: Store, address: str, clock: Clock, console: Console) -> str:
    """A way in is for eyes, not for a log that is kept."""
    if settings.desk.loopback and not console.is_terminal:
        return f"The desk is at {address}; a way in: listener desk --link"
    return await invitation(settings, store, address, clock())


@asynccontextmanager
async def desk_alone(settings: Settings) -> AsyncIterator[tuple[Store, str]]:
    """The web desk without the engine: the store and the desk's address. Raises ConfigError, StoreError."""
    store = await open_store(settings.database)
    try:
        fixed, clock = (settings, scales(settings)), SharedClock(store)
        await clock.agree()
        async with _desk(lambda: fixed, store, clock) as address:
            yield store, address
    finally:
        await store.aclose()


@asynccontextmanager
async def _desk(current: Callable[[], tuple[Settings, Scales]], store: Store, clock: Clock) -> AsyncIterator[str]:
    settings, _ = current()
    web = Web(agent=_agent(settings), allow_private=settings.allow_private)
    try:
        async with serving(current, store, web, clock) as address:
            yield address
    finally:
        await web.aclose()


def _agent(settings: Settings) -> str:
    contact = f" (+{settings.public_url})" if settings.public_url else ""
    return f"ListeningPost/{version('listening-post')}{contact}"
