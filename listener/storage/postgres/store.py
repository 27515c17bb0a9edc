"""The store for many machines behind the contract: any number of processes work on one PostgreSQL."""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from listener.storage.address import shown
from listener.storage.contract import Balance, Finding, StoreError
from listener.storage.postgres import folding, leases, months, news
from listener.storage.postgres.dialect import Postgres
from listener.storage.postgres.schema import prepare
from listener.storage.postgres.session import PostgresServer, Session
from listener.storage.sql import accounts, erasing, ledger
from listener.storage.sql.lanes import Lane, Lanes
from listener.storage.sql.rows import moment, stamp
from listener.storage.sql.store import SqlStore

T = TypeVar("T")
WRITERS, READERS = 3, 2  # connections of one process


class PostgresStore(SqlStore[Session]):
    """Made by `open`."""

    def __init__(self, driver: PostgresServer, writer: Lanes[Session], reader: Lanes[Session], worker: int):
        super().__init__(writer, reader, worker)
        self._driver = driver

    @classmethod
    async def open(cls, url: str) -> "PostgresStore":
        """Raises StoreError with the mend."""
        driver = PostgresServer(url, Postgres())
        writer = await Lanes.start(driver, "writer", WRITERS)
        try:
            await writer.write(prepare)
            worker = await writer.read(lambda db: _number(db, "SELECT nextval('workers')"))
            driver.dialect.worker = worker
            return cls(driver, writer, await Lanes.start(driver, "reader", READERS), worker)
        except BaseException:
            await writer.aclose()
            raise

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[None]:
        """As many as like; who stops in an orderly way gives back what it had claimed, the others take over the rest
        when its lease ends."""
        try:
            yield
        finally:
            with suppress(StoreError):
                await self._writer.write(lambda db: self._leave(db))

    def _leave(self, db: Session) -> None:
        ledger.release(db, self._worker)
        leases.give_back_all(db, self._worker)

    async def take(self, what: str, lease: timedelta) -> bool:
        return await self._writer.write(lambda db: leases.take(db, what, self._worker, lease))

    async def give_back(self, what: str) -> None:
        await self._writer.write(lambda db: leases.give_back(db, what, self._worker))

    async def renew(self, now: datetime, lease: timedelta) -> None:
        await self._writer.write(lambda db: leases.renew(db, self._worker, now, lease))

    async def ahead(self, here: datetime) -> timedelta:
        [(there,)] = await self._reader.read(lambda db: db.execute("SELECT clock_timestamp()").fetchall())
        return moment(there) - here

    def watch(self, stirred: Callable[[], None]) -> AbstractAsyncContextManager[None]:
        return news.watch(self._driver.url, stirred)

    async def take_due(self, now: datetime, limit: int) -> tuple[int, ...]:
        return await self._writer.write(lambda db: leases.take_due(db, now, limit)) if await self.due(now, 1) else ()

    async def hold(self, keys: Collection[str]) -> bool:
        return await self._reader.read(lambda db: leases.hold(db, keys, self._worker))

    async def erase(self, source: str, ids: tuple[str, ...], at: datetime) -> int:
        return await self._writer.write(lambda db: erasing.erase(db, source, ids, at))

    async def erase_author(self, handle: str, at: datetime) -> int:
        return await self._writer.write(lambda db: erasing.erase_author(db, handle, at))

    async def glance(self, limit: timedelta) -> tuple[Finding, ...]:
        return ()  # its own people look after that

    async def moved(self) -> int:
        sql = "SELECT coalesce(sum(number), 0)::bigint FROM moves"
        return await self._reader.read(lambda db: _number(db, sql))

    async def balance(self) -> Balance:
        return await self._aside(lambda db: months.with_retired(db, accounts.balance(db)))

    async def tidy(self, now: datetime) -> None:
        while await self._writer.write(folding.fold):
            pass
        today = stamp(now)[:10]
        if not await self.was_done(f"days until {today}"):
            await self._writer.write(lambda db: folding.days(db, today))
            await self.done(f"days until {today}", now)

    async def retire(self, before: date) -> tuple[date, ...]:
        return await self._writer.write(lambda db: months.retire(db, before))

    async def backup(self, file: Path) -> int:
        raise StoreError(
            f"{shown(self._driver.url)} is backed up with PostgreSQL's own tools, for example: pg_dump --format=custom"
            f" --file={file} (docs/postgresql.md)"
        )

    async def _aside(self, work: Callable[[Session], T]) -> T:
        """What reads for long has a connection of its own, and reads one instant."""
        lane = await Lane.start(self._driver, "aside")
        try:
            return await lane.read(work)
        finally:
            await lane.aclose()


def _number(db: Session, sql: str) -> int:
    [found] = db.execute(sql).fetchall()
    return int(found[0])
