"""The turn of the crank: listen (fetch, match, assess, route, keep), look, deliver. The order of the product's work.

A page is heard, judged and kept in one transaction together with its cursor, so a process may die anywhere: what was
not committed is read again, and what was committed is known by its key. Each step is fenced: a source that fails, even
by a defect of ours, holds back neither another source nor an escalation.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from connectors.contract import Broken, Connector, ConnectorError, Hearing, Page, Rereader, Wait
from connectors.inbox import Inbox
from connectors.post import Post
from escalation.courier import Courier
from escalation.desk import Desk
from escalation.notices import Notice
from listener import lighter, pulling, subscriptions, ways
from listener.coverage import failed, must_wait, return_of, short_of_money, silence
from listener.settings import Settings, Source
from listener.shift_end import LATE, Ended, ended, summaries
from listener.storage.contract import Batch, Heard, Kept, SourceState, Store, StoreError, TakenOver
from listener.weigh import Scales, weigh, with_turns_of

log = logging.getLogger("listener")

AT_ONCE = 20  # sources read at the same time
FETCH_LIMIT = 180.0  # seconds for one page
REREAD_AT_ONCE = 100  # posts looked at again after a poll
LEASE = timedelta(seconds=45)  # of what one of several processes has taken; prolonged while it is alive (running.py)
ELSEWHERE = "elsewhere"  # the state of a poll that another process makes
PAGES_A_POLL = 500  # a source that always has more gives way to its next poll


Doubted = Callable[[tuple[Heard, ...], Scales, datetime], Awaitable[tuple[Heard, ...]]]
Read = tuple[Settings, tuple[Notice, ...]]  # with the turns of the coming weeks; what cannot be read


async def alone() -> None:
    """For a house that is alone."""


@dataclass(slots=True, kw_only=True)
class House:
    """Everything that is needed to work. Made by bootstrap, for real or for tests.

    The settings and the scales are replaced when calendars were read again.
    """

    settings: Settings
    store: Store
    ears: Mapping[str, Connector]
    scales: Scales
    desk: Desk
    courier: Courier
    clock: Callable[[], datetime]
    agree: Callable[[], Awaitable[None]] = field(default=alone)  # on the time, with everybody who shares the store
    pulse: Callable[[], Awaitable[None]] | None = None  # tells the outside that we are alive
    proof: Callable[[], Awaitable[None]] | None = None  # tells the outside that an audit balanced
    calendars: Callable[[], Awaitable[Read]] | None = None  # reads again whose turn it is, where calendars say so
    second: Doubted | None = None  # asks another about what is in doubt; raises nothing
    inboxes: Mapping[str, Inbox] = field(default_factory=dict)  # source -> what was brought to it
    reminded: set[tuple[str, datetime]] = field(default_factory=set)  # whose shift's end was summed up
    took: dict[str, float] = field(default_factory=dict)  # step -> seconds, the longest since that was last noted
    called: set[str] = field(default_factory=set)  # sources to which something was brought since they were polled


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """What one poll of one source came to."""

    name: str
    state: str  # a Hearing's word, or "waiting"
    fetched: int = 0
    kept: tuple[Kept, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one full turn came to."""

    polls: tuple[Poll, ...]
    stepped: int
    delivered: int


async def turn(house: House) -> Turn:
    """Polls every source now, steps every overdue case, delivers what is owed."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def gated(source: Source) -> Poll:
        async with gate:
            return await listen(house, source)

    polls = await asyncio.gather(*(gated(source) for source in house.settings.sources))
    stepped, delivered = await look(house), 0
    await remind(house)
    while arrived := await deliver(house):
        delivered += arrived
    return Turn(polls=tuple(polls), stepped=stepped, delivered=delivered)


async def listen(house: House, source: Source, *, only_due: bool = False) -> Poll:
    """One poll of one source, unless another process polls it now. A failure is kept, never raised."""
    lease = lease_of(source)
    if not await house.store.take(lease, LEASE):
        return Poll(name=source.name, state=ELSEWHERE)
    try:
        return await _listen(house, source, only_due=only_due)
    except TakenOver as late:
        log.warning("%s", late)
        return Poll(name=source.name, state=ELSEWHERE)
    finally:
        with suppress(StoreError):
            await house.store.give_back(lease)


def lease_of(source: Source) -> str:
    return f"source {source.name}"


async def _listen(house: House, source: Source, *, only_due: bool) -> Poll:
    """Page by page."""
    state = await house.store.source(source.name)
    now = house.clock()
    if must_wait(state, now) or (only_due and state.next_poll and state.next_poll > now):
        return Poll(name=source.name, state="waiting", note=state.error)
    fetched, kept, note = 0, list[Kept](), ""
    try:
        for _ in range(PAGES_A_POLL):
            page = await _fenced(house.ears[source.name].fetch(state.cursor, house.clock()), source.name)
            kept.append(await _keep(house, source, state, page))
            fetched, note = fetched + len(page.posts), page.note or note
            if not page.more:
                break
            state = await house.store.source(source.name)
        if kept[-1].again:
            await reread(house, source)
    except ConnectorError as error:
        await _fail(house, source, error)
        if error.hearing is Hearing.OUT_OF_BUDGET:  # what is deleted there must be gone here all the same
            await reread(house, source)
        return Poll(name=source.name, state=error.hearing, fetched=fetched, kept=tuple(kept), note=str(error))
    return Poll(name=source.name, state=page.hearing, fetched=fetched, kept=tuple(kept), note=note)


def _log_decided(source: Source, batch: Batch, kept: Kept) -> None:
    """A line for each page in which somebody was spoken of: how many posts, and which cases they came to; then one for
    each post that came to a case, with the id by which all that comes of it is found."""
    if kept.mentions or kept.erased:
        facts = {
            "source": source.name,
            "new": kept.new,
            "edited": kept.edited,
            "mentions": kept.mentions,
            "complaints": kept.complaints,
            "opened": list(kept.opened),
            "joined": list(kept.into),
            "erased": kept.erased,
        }
        told = ", ".join(f"{name} {value}" for name, value in facts.items() if value and name != "source")
        log.info("source %s: %s", source.name, told, extra={"facts": facts})
    for said, traced in ways.decided(batch, kept):
        log.info(said, extra={"facts": traced})


async def reread(house: House, source: Source) -> None:
    """Looks again at what was heard, where the platform lets us. It is owed until it worked; that is no silence."""
    ear, now = house.ears[source.name], house.clock()
    if not isinstance(ear, Rereader):
        return
    if ids := await house.store.to_reread(source.name, now, REREAD_AT_ONCE):
        state = await house.store.source(source.name)
        try:
            page = await _fenced(ear.reread(ids, state.cursor, now), source.name)
        except ConnectorError as error:
            log.warning("source %s: could not look again at %d posts: %s", source.name, len(ids), error)
            return
        if page.note:
            log.warning("source %s: %s", source.name, page.note)
        await _keep(house, source, state, replace(page, more=True), reread=ids)


async def _fenced(asked: Awaitable[Page], name: str) -> Page:
    """Raises ConnectorError and nothing else."""
    try:
        async with asyncio.timeout(FETCH_LIMIT):
            return await asked
    except ConnectorError:
        raise
    except TimeoutError:
        raise Wait(f"{name}: no page within {FETCH_LIMIT:.0f} s; tried again later") from None
    except Exception as defect:  # the fence: a defect in one ear must not deafen the others
        log.exception("source %s: the connector failed", name)
        raise Broken(f"{name}: the connector failed ({type(defect).__name__}); please report it") from defect


async def _keep(house: House, source: Source, state: SourceState, page: Page, reread: tuple[str, ...] = ()) -> Kept:
    now = house.clock()
    if not reread and (back := return_of(state, now)):
        await house.store.owe(back, now)
        log.info(back.text)
    if not page.more and (short := short_of_money(source.name, page)):
        await house.store.owe(short, now)
    fresh = _last_of_each(page.posts)
    known = await house.store.known(source.name, tuple(fresh))
    news = [post for post in fresh.values() if post.id not in known or known[post.id] not in (post.fingerprint, "")]
    heard = weigh(news, house.scales, now)
    batch = Batch(
        source=source.name,
        at=now,
        cursor=page.cursor,
        fetched=len(page.posts),
        heard=await house.second(heard, house.scales, now) if house.second else heard,
        gone=page.gone,
        hearing=page.hearing,
        note=page.note,
        next_poll=None if page.more else now + max(source.every, page.wait or source.every),
        follow=isinstance(house.ears[source.name], Rereader),
        reread=reread,
        surge=house.settings.surge,
        lease=lease_of(source),
    )
    kept = await house.store.keep(batch)
    _log_decided(source, batch, kept)
    return kept


def _last_of_each(posts: tuple[Post, ...]) -> dict[str, Post]:
    """A page may hold an item twice; its last wording counts."""
    return {post.id: post for post in posts}


async def _fail(house: House, source: Source, error: ConnectorError) -> None:
    now = house.clock()
    state = await house.store.source(source.name)
    failure = failed(state, source, error, now, house.settings.silent_after)
    if notice := silence(state, failure):
        await house.store.owe(notice, now)
    if state.failures == 0:  # one line when it goes, one when it is back
        log.warning("source %s: %s", source.name, error)
    await house.store.keep_failure(replace(failure, lease=lease_of(source)))


async def turns(house: House) -> int:
    """Reads the calendars again."""
    if house.calendars:
        house.settings, _ = await house.calendars()
        house.scales = with_turns_of(house.scales, house.settings)
    return 0


async def remind(house: House) -> int:
    """Says what is said by the hour: what is open at the end of a shift, and what praise and questions came."""
    now = house.clock()
    house.reminded = {(name, at) for name, at in house.reminded if now - at < LATE}
    for over in ended(house.settings.people, house.settings.teams, now):
        if (over.name, over.at) not in house.reminded:
            await _sum_up(house, over, now)
            house.reminded.add((over.name, over.at))
    await lighter.told(house.store, house.settings, now)
    await subscriptions.told(house.store, house.settings, now)
    await pulling.told(house.store, house.settings, now)
    return 0


async def _sum_up(house: House, over: Ended, now: datetime) -> None:
    rows = [row async for row in house.store.cases() if row.owner == over.name and not row.within]
    cases = [await house.desk.case(row.id) for row in rows]
    for notice in summaries(over, cases, await house.store.away(now)):
        await house.store.owe(notice, now)


async def look(house: House) -> int:
    """Every overdue case takes one step."""
    return await house.desk.look(house.clock())


async def deliver(house: House) -> int:
    """Says what is owed; how many notices arrived."""
    return await house.courier.deliver(house.clock())


def hearing_well(poll: Poll) -> bool:
    return poll.state in (Hearing.HEARD, "waiting", ELSEWHERE)
