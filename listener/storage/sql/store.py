"""Both stores behind the contract, as far as they do the same: which room does what, and whether it reads or writes."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from connectors.post import Post
from escalation.case import Case
from escalation.events import Event
from escalation.ledger import Owed
from escalation.manners import Ping
from escalation.notices import Notice
from listener.storage.contract import (
    Batch,
    CaseRow,
    Failure,
    Installation,
    Kept,
    Key,
    MentionRow,
    Opening,
    Picture,
    Question,
    Said,
    SavedSearch,
    SourceState,
    Span,
    Subscription,
    Vitals,
    Way,
)
from listener.storage.sql import (
    drafts,
    incidents,
    installed,
    keeping,
    ledger,
    listening,
    matters,
    passes,
    people,
    picturing,
    recalling,
    rereading,
    searching,
    shelf,
    threads,
    vitals,
)
from listener.storage.sql.lanes import D
from listener.storage.sql.outage import Hands, Outage, Watched

T = TypeVar("T")


class SqlStore(Generic[D]):
    """`worker` is who claims notices: a number greater than 0 that no other process has."""

    def __init__(self, writer: Hands[D], reader: Hands[D], worker: int):
        self._outage, self._worker = Outage(), worker
        self._writer, self._reader = (Watched(hands, self._outage) for hands in (writer, reader))

    async def reading(self, work: Callable[[D], T]) -> T:
        """For what only this kind of store is asked."""
        return await self._reader.read(work)

    async def writing(self, work: Callable[[D], T]) -> T:
        return await self._writer.write(work)

    async def aclose(self) -> None:
        for hands in {id(hands): hands for hands in (self._reader.hands, self._writer.hands)}.values():
            await hands.aclose()

    # hearing
    async def source(self, name: str) -> SourceState:
        return await self._reader.read(lambda db: listening.source(db, name))

    async def sources(self) -> tuple[SourceState, ...]:
        return await self._reader.read(listening.sources)

    async def known(self, source: str, ids: tuple[str, ...]) -> Mapping[str, str]:
        return await self._reader.read(lambda db: keeping.known(db, source, ids)) if ids else {}

    async def to_reread(self, source: str, now: datetime, limit: int) -> tuple[str, ...]:
        return await self._reader.read(lambda db: rereading.due(db, source, now, limit))

    async def keep(self, batch: Batch) -> Kept:
        return await self._writer.write(lambda db: keeping.keep(db, batch))

    async def post(self, key: str) -> Post | None:
        return await self._reader.read(lambda db: matters.post(db, key))

    async def merge(self, case_id: int, into: int, by: str, at: datetime) -> Case:
        return await self._writer.write(lambda db: matters.merge(db, case_id, into, by, at))

    async def split(self, case_id: int, post: str, opening: Opening, by: str, at: datetime) -> Case:
        return await self._writer.write(lambda db: matters.split(db, case_id, post, opening, by, at))

    async def keep_failure(self, failure: Failure) -> None:
        await self._writer.write(lambda db: listening.failed(db, failure))

    # the ledger
    async def timeline(self, case_id: int) -> tuple[Event, ...]:
        return await self._reader.read(lambda db: ledger.timeline(db, case_id))

    async def append(self, case: Case, new: tuple[Event, ...], once: str = "") -> Case:
        return await self._writer.write(lambda db: ledger.append(db, case, new, once))

    async def said_as(self, key: str) -> str:
        return await self._reader.read(lambda db: ledger.said_as(db, key))

    async def made(self, once: str) -> bool:
        return await self._reader.read(lambda db: ledger.made(db, once))

    async def due(self, now: datetime, limit: int) -> tuple[int, ...]:
        return await self._reader.read(lambda db: ledger.due(db, now, limit))

    async def set_aside(self, case_id: int, until: datetime) -> None:
        await self._writer.write(lambda db: ledger.set_aside(db, case_id, until))

    async def away(self, now: datetime) -> frozenset[str]:
        return await self._reader.read(lambda db: people.away(db, now))

    async def unanswered(self, limit: int) -> tuple[tuple[int, int], ...]:
        return await self._reader.read(lambda db: incidents.unanswered(db, limit))

    async def awake(self, at: datetime) -> datetime | None:
        return await self._writer.write(lambda db: listening.awake(db, at))

    async def similar(
        self, brand: str, cause: str, severity: tuple[int, int], *, since: datetime, limit: int
    ) -> tuple[int, ...]:
        return await self._reader.read(lambda db: recalling.similar(db, brand, cause, severity, since, limit))

    async def under_way(self, customer: str) -> tuple[CaseRow, ...]:
        return await self._reader.read(lambda db: recalling.under_way(db, customer))

    async def guarded(self, choices: tuple[tuple[str, bool], ...], at: datetime) -> None:
        await self._writer.write(lambda db: recalling.guarded(db, choices, at))

    async def guard_choices(self, since: datetime, until: datetime) -> Mapping[str, tuple[int, int]]:
        return await self._reader.read(lambda db: recalling.guard_choices(db, since, until))

    async def mark(self, name: str) -> datetime | None:
        return await self._reader.read(lambda db: listening.mark(db, name))

    async def set_mark(self, name: str, at: datetime) -> None:
        await self._writer.write(lambda db: listening.set_mark(db, name, at))

    async def set_gauge(self, name: str, value: float) -> None:
        await self._writer.write(lambda db: listening.set_gauge(db, name, value))

    async def set_away(self, person: str, until: datetime | None) -> None:
        await self._writer.write(lambda db: people.set_away(db, person, until))

    async def absences(self, now: datetime) -> Mapping[str, datetime]:
        return await self._reader.read(lambda db: people.absences(db, now))

    async def claim(self, now: datetime, limit: int, lease: timedelta) -> tuple[Owed, ...]:
        if not await self._reader.read(lambda db: ledger.anything_owed(db, now)):
            return ()  # most times nothing is owed, and then nobody who writes need wait
        return await self._writer.write(lambda db: ledger.claim(db, now, limit, lease, self._worker))

    async def delivered(self, key: str, ref: str, at: datetime) -> None:
        await self._writer.write(lambda db: ledger.delivered(db, key, ref, at))

    async def failed(self, key: str, error: str, retry: datetime | None) -> None:
        await self._writer.write(lambda db: ledger.failed(db, key, error, retry, self._worker))

    async def wait(self, key: str, until: datetime, why: str) -> None:
        await self._writer.write(lambda db: ledger.wait(db, key, until, why, self._worker))

    async def pings(self, names: Collection[str], since: datetime) -> tuple[Ping, ...]:
        return await self._reader.read(lambda db: ledger.pings(db, names, since))

    async def owe(self, notice: Notice, at: datetime) -> None:
        await self._writer.write(lambda db: ledger.owe(db, notice, at))

    async def put_off(self, until: datetime, limit: int) -> tuple[tuple[str, datetime], ...]:
        return await self._reader.read(lambda db: ledger.put_off(db, until, limit))

    async def said(self, case_id: int) -> tuple[Said, ...]:
        return await self._reader.read(lambda db: ledger.said(db, case_id))

    async def notice_keys(self, case_id: int) -> frozenset[str]:
        return await self._reader.read(lambda db: ledger.notice_keys(db, case_id))

    def open_cases(self) -> AsyncIterator[Case]:
        return self._reader.stream(ledger.open_cases)

    # memory
    def search(self, question: Question) -> AsyncIterator[MentionRow]:
        return self._reader.stream(lambda db: searching.mentions(db, question))

    def cases(self, *, ended: bool = False) -> AsyncIterator[CaseRow]:
        return self._reader.stream(lambda db: ledger.case_rows(db, ended=ended))

    async def picture(self, question: Question) -> Picture:
        return await self._reader.read(lambda db: picturing.picture(db, question))

    async def thread(self, mention: int, limit: int) -> tuple[MentionRow, ...]:
        return await self._reader.read(lambda db: threads.of_mention(db, mention, limit))

    async def case_mentions(self, case_id: int) -> tuple[MentionRow, ...]:
        return await self._reader.read(lambda db: searching.of_case(db, case_id))

    def histories(self, since: datetime) -> AsyncIterator[tuple[Event, ...]]:
        return self._reader.stream(lambda db: ledger.histories(db, since))

    def unmoved(self, since: datetime) -> AsyncIterator[CaseRow]:
        return self._reader.stream(lambda db: ledger.unmoved(db, since))

    # accounts
    async def coverage(self, since: datetime, until: datetime) -> tuple[Span, ...]:
        return await self._reader.read(lambda db: listening.coverage(db, since, until))

    async def arrived(self, since: datetime) -> Mapping[str, int]:
        return await self._reader.read(lambda db: db.dialect.arrivals(db, since))

    async def counts(self, since: datetime, until: datetime) -> Mapping[tuple[str, str], int]:
        return await self._reader.read(lambda db: db.dialect.counts(db, since, until))

    async def vitals(self, now: datetime) -> Vitals:
        return replace(await self._reader.read(lambda db: vitals.vitals(db, now)), outage=self._outage.why)

    # the web desk
    async def keep_pass(self, key: str, person: str, until: datetime, now: datetime) -> None:
        await self._writer.write(lambda db: passes.keep(db, key, person, until, now))

    async def pass_of(self, key: str, now: datetime) -> str | None:
        return await self._reader.read(lambda db: passes.of(db, key, now))

    async def drop_passes(self, *, key: str = "", person: str = "") -> int:
        return await self._writer.write(lambda db: passes.drop(db, key, person))

    async def was_done(self, what: str) -> bool:
        return await self._reader.read(lambda db: passes.was_done(db, what))

    async def done(self, what: str, at: datetime) -> None:
        await self._writer.write(lambda db: passes.done(db, what, at))

    async def keep_draft(self, person: str, case: int, form: str, given: Mapping[str, str], at: datetime) -> None:
        await self._writer.write(lambda db: drafts.keep(db, person, case, form, given, at))

    async def draft(self, person: str, case: int, form: str, now: datetime) -> Mapping[str, str]:
        return await self._reader.read(lambda db: drafts.of(db, person, case, form, now))

    async def drop_draft(self, person: str, case: int, form: str) -> None:
        await self._writer.write(lambda db: drafts.drop(db, person, case, form))

    # searches that are kept
    async def searches(self) -> tuple[SavedSearch, ...]:
        return await self._reader.read(shelf.searches)

    async def save_search(self, name: str, query: str, by: str, at: datetime) -> int:
        return await self._writer.write(lambda db: shelf.save_search(db, name, query, by, at))

    async def drop_search(self, search: int) -> bool:
        return await self._writer.write(lambda db: shelf.drop_search(db, search))

    async def subscriptions(self) -> tuple[Subscription, ...]:
        return await self._reader.read(shelf.subscriptions)

    async def subscribe(self, search: int, way: Way, to: str, by: str, at: datetime) -> Subscription | None:
        return await self._writer.write(lambda db: shelf.subscribe(db, search, way, to, by, at))

    async def unsubscribe(self, subscription: int) -> bool:
        return await self._writer.write(lambda db: shelf.unsubscribe(db, subscription))

    # keys of programs
    async def keys(self) -> tuple[Key, ...]:
        return await self._reader.read(shelf.keys)

    async def add_key(self, hashed: str, key: Key) -> int:
        return await self._writer.write(lambda db: shelf.add_key(db, hashed, key))

    async def key_of(self, key: str) -> Key | None:
        return await self._reader.read(lambda db: shelf.key_of(db, key))

    async def drop_key(self, key: int) -> bool:
        return await self._writer.write(lambda db: shelf.drop_key(db, key))

    # workspaces of Slack
    async def installations(self) -> tuple[Installation, ...]:
        return await self._reader.read(installed.every)

    async def installation(self, team: str) -> Installation | None:
        return await self._reader.read(lambda db: installed.one(db, team))

    async def keep_installation(self, installation: Installation) -> None:
        await self._writer.write(lambda db: installed.keep(db, installation))

    async def drop_installation(self, team: str) -> bool:
        return await self._writer.write(lambda db: installed.drop(db, team))
