"""Thousands complain of one outage within a minute: one incident, every customer accounted for, nobody stormed.

LISTENER_FLOOD=10000 makes it as large as the promise; otherwise it is small enough to run each time.
"""

import os
import time
import tracemalloc
from collections import Counter
from datetime import timedelta

import pytest
from builders import NOW, assessment, batch, policy, post
from fakes import RecordingMessenger

from connectors.post import Author
from escalation.case import Status, replay
from escalation.commands import Acknowledge, FollowUp, ReportBack
from escalation.courier import Courier
from escalation.desk import Desk
from escalation.events import Outcome, Result
from escalation.notices import Kind
from listener.audit import audit
from listener.routing import route
from listener.storage.contract import Heard, Store
from listener.surge import Surge
from listener.triage import Priority

CUSTOMERS = int(os.environ.get("LISTENER_FLOOD", "160"))
PAGE = min(100, CUSTOMERS // 4)  # posts a page
LARGE = CUSTOMERS >= 1_000
MOST_PINGS = 6  # for one person, of thousands who complain
ROWS = {"P2": policy(priority="P2")}
HOUR = timedelta(hours=1)


def complains(number: int) -> Heard:
    of = post(
        f"c{number}",
        f"nothing works since nine, number {number}",
        url=f"https://talk.example/{number}",
        author=Author(handle=f"customer{number}", id=str(number)),
        site="talk.example",
    )
    judged = assessment(severity=60, priority=Priority.P2, cause="outage")
    return Heard(post=of, mentions=(route(of, "Acme Air", judged, ROWS, NOW),))


async def hear(store: Store, first: int, last: int) -> int:
    """The most memory that was in use meanwhile, in bytes; 0 when so few say nothing of that."""
    if LARGE:
        tracemalloc.start()
    for page in range(first, last, PAGE):
        at = NOW + timedelta(minutes=1) * page / CUSTOMERS
        await store.keep(batch(*map(complains, range(page, min(page + PAGE, last))), at=at, surge=Surge()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


async def deliver(store: Store, messenger: RecordingMessenger, hours: float) -> None:
    while await Courier(store, messenger).deliver(NOW + hours * HOUR):
        pass


async def look(store: Store, hours: float) -> None:
    while await Desk(store).look(NOW + hours * HOUR) or await store.unanswered(1):
        pass


@pytest.mark.timeout(1_800 if LARGE else 60)
async def test_one_incident_every_customers_case_accounted_for_and_nobody_is_stormed(store: Store) -> None:
    desk, messenger, began = Desk(store), RecordingMessenger(), time.process_time()
    half = CUSTOMERS // 2 // PAGE * PAGE
    peaks = [await hear(store, 0, half), await hear(store, half, CUSTOMERS)]
    assert peaks[1] < 1.5 * peaks[0] + 1_000_000, "what a page needs does not grow with what was heard before it"
    heard = time.process_time() - began
    rows = [row async for row in store.cases()]
    (incident,) = (row.id for row in rows if row.incident)
    await deliver(store, messenger, 0.02)
    await desk.handle(incident, Acknowledge(by="Dana Fox", what="mend it", due=NOW + 2 * HOUR), NOW + 0.03 * HOUR)
    for hours in (0.5, 1.5, 1.9):
        await look(store, hours)
        await deliver(store, messenger, hours)
    customers = [row for row in rows if not row.incident]
    assert len(customers) == CUSTOMERS and replay(await store.timeline(incident)).customers > CUSTOMERS - 20
    assert all(row.owner and row.due for row in rows), "one name and one deadline each"
    pings = Counter(notice.to for _, notice in messenger.said if notice.kind is Kind.DIRECT)
    assert 0 < max(pings.values()) <= MOST_PINGS, pings
    within = {row.id for row in rows if row.within}
    assert not [notice for _, notice in messenger.said if notice.case in within and notice.kind is Kind.DIRECT]
    report = ReportBack(by="Dana Fox", outcome=Outcome.SOLVED, done="mended", remedy="a free week", evidence="t/1")
    await desk.handle(incident, report, NOW + 1.9 * HOUR)
    await look(store, 1.9)
    await desk.handle(incident, FollowUp(by="Dana Fox", result=Result.VERIFIED), NOW + 2 * HOUR)
    states = Counter([row.status async for row in store.cases() if row.within == incident])
    assert set(states) == {Status.REPORTED} and states[Status.REPORTED] > CUSTOMERS - 20, "a check of each is left open"
    await deliver(store, messenger, 2)
    if LARGE:
        spent = time.process_time() - began
        print(f"{CUSTOMERS:,} heard in {heard:.0f} s of processor time, {spent:.0f} s to the end;", end=" ")
        print(f"at most {max(peaks) / 1e6:.1f} MB for a page; pings {dict(pings)}")
    balanced = await audit(store, NOW + 2 * HOUR)
    assert balanced.balanced, balanced.findings[:3]
    assert balanced.cases == CUSTOMERS + 1 and sum(balanced.balance.posts["blog"].values()) == CUSTOMERS
