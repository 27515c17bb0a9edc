"""The team at a glance: what is late, due, unclaimed and whose; how well we hear; who would be told now, and then."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from starlette.responses import Response

from escalation.case import Status
from listener.digest import Digest, compose
from listener.ears import WINDOW, blind, ears
from listener.ladders import ladders
from listener.storage.contract import CaseRow
from listener.web.cases import Listed
from listener.web.room import Call

REMEMBERED = timedelta(minutes=1)
WEEK = timedelta(days=7)


@dataclass(slots=True)
class Team:
    """Open cases, counted as they stream by."""

    late: Listed = field(default_factory=Listed)
    today: Listed = field(default_factory=Listed)
    unclaimed: Listed = field(default_factory=Listed)
    owners: dict[str, Counter[str]] = field(default_factory=dict)  # name -> status, "late" -> cases
    total: int = 0


async def counted(rows: AsyncIterator[CaseRow], now: datetime, zone: str) -> Team:
    """An incident stands for its customers."""
    team, midnight = Team(), _midnight(now, zone)
    async for row in rows:
        if row.within:
            continue
        team.total += 1
        of = team.owners.setdefault(row.owner, Counter())
        of[row.status] += 1
        if is_late(row, now):
            team.late.add(row)
            of["late"] += 1
        elif row.deadline and row.deadline < midnight:
            team.today.add(row)
        if row.status == Status.OPEN:
            team.unclaimed.add(row)
    return team


def is_late(row: CaseRow, now: datetime) -> bool:
    return row.missed or (row.deadline is not None and row.deadline <= now)


def _midnight(now: datetime, zone: str) -> datetime:
    local = now.astimezone(ZoneInfo(zone))
    return (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


async def board(call: Call) -> Response:
    store, settings, now = call.room.store, call.room.settings, call.now
    names = [source.name for source in settings.sources]
    return call.page(
        "board.html",
        team=await counted(store.cases(), now, call.who.timezone),
        ears=ears(settings, await store.sources(), await store.arrived(now - WINDOW), now),
        deaf=blind(await store.coverage(now - WINDOW, now), names, now - WINDOW, now)[-50:],
        ladders=ladders(settings, now, await store.away(now)),
    )


async def promises(call: Call) -> Response:
    """A part of the board that is dear to count: asked for once the rest stands, and kept for a minute."""
    return call.page("promises.html", digest=await this_week(call))


async def this_week(call: Call) -> Digest:
    kept = call.room.memo.get("week")
    if kept is None or call.now - kept[0] > REMEMBERED:
        kept = call.room.memo["week"] = (call.now, await compose(call.room.store, call.now - WEEK, call.now))
    digest: Digest = kept[1]
    return digest
