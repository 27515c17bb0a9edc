"""A flood changes how things are said, never whether they are owed."""

from datetime import datetime, timedelta

import pytest
from builders import NOW, assessment, batch, policy, post

from escalation.case import Status, replay
from escalation.commands import Acknowledge, Dismiss, FollowUp, Refused, ReportBack
from escalation.desk import Desk
from escalation.events import Outcome, ReportedBack, Result, StillWaiting
from listener.audit import audit
from listener.routing import route
from listener.storage.contract import Batch, Heard, Store
from listener.surge import Surge
from listener.triage import Priority

SURGE = Surge(least=5, times_usual=4)
ROWS = {name: policy(priority=name) for name in ("P1", "P2")}
HOUR = timedelta(hours=1)


def flood(first: int, count: int, at: datetime = NOW, cause: str = "outage", priority: str = "P2") -> Batch:
    def one(number: int) -> Heard:
        of = post(str(number), f"line {number} is dead", url=f"https://talk.example/{number}")
        judged = assessment(severity=60, priority=Priority(priority), cause=cause)
        return Heard(post=of, mentions=(route(of, "Acme Air", judged, ROWS, at),))

    return batch(*map(one, range(first, first + count)), at=at, surge=SURGE)


async def said(store: Store, at: datetime) -> list[tuple[int, str, str]]:
    """Everything that is owed now: case, kind, to whom."""
    told = []
    while owed := await store.claim(at, 25, timedelta(minutes=1)):
        for one in owed:
            told.append((one.notice.case, str(one.notice.kind), one.notice.to))
            await store.delivered(one.notice.key, f"ref {one.notice.case}", at)
    return told


async def test_a_flood_is_one_incident_that_speaks_for_its_customers(store: Store) -> None:
    await store.keep(flood(1, 300))
    rows = [row async for row in store.cases()]
    (incident,) = (row for row in rows if row.incident)
    assert incident.title == "5 complaints about outage within 30 minutes"
    assert replay(await store.timeline(incident.id)).customers == 300
    assert sum(row.within == incident.id for row in rows) == 300 and all(row.owner and row.due for row in rows)
    direct = [case for case, kind, _ in await said(store, NOW) if kind == "direct"]
    assert direct == [1, 2, 3, 4, incident.id], "four before it was seen to be a flood, then one for all"
    await store.keep(flood(301, 300, NOW + timedelta(minutes=1)))
    assert {kind for _, kind, _ in await said(store, NOW + timedelta(minutes=1))} == {"card"}
    assert (await audit(store, NOW + timedelta(minutes=1))).balanced


async def test_other_causes_and_slow_trickles_are_no_incident(store: Store) -> None:
    for number, cause in enumerate(["outage", "billing", "staff", "delivery"] * 3):
        await store.keep(flood(number, 1, NOW, cause))
    for hour in range(1, 8):
        await store.keep(flood(100 + hour, 1, NOW + hour * HOUR))
    assert not any([row.incident async for row in store.cases()])


async def test_what_every_week_brings_is_no_incident(store: Store) -> None:
    weeks = [NOW - timedelta(weeks=week) for week in (5, 4, 3, 2, 1)]
    for number, at in enumerate(weeks):
        await store.keep(flood(number * 10, 4, at))
    await store.keep(flood(100, 10))
    assert not any([row.incident async for row in store.cases()])
    await store.keep(flood(200, 6))
    assert any([row.incident async for row in store.cases()]), "four times the usual is one"


async def test_one_taken_up_by_itself_is_a_case_like_any_other(store: Store) -> None:
    await store.keep(flood(1, 8))
    desk = Desk(store)
    await desk.handle(8, Acknowledge(by="Dana Fox", what="call her"), NOW)
    await said(store, NOW)
    await desk.look(NOW + 3 * HOUR)
    assert (8, "direct", "Dana Fox") in await said(store, NOW + 3 * HOUR), "the missed promise is told"


async def test_who_waits_is_not_forgotten_and_pings_nobody(store: Store) -> None:
    await store.keep(flood(1, 8))
    incident = next(row.id for row in [r async for r in store.cases()] if row.incident)
    await said(store, NOW)
    await Desk(store).look(NOW + 3 * HOUR)
    assert isinstance((await store.timeline(1))[-1], StillWaiting)
    assert {case for case, _, _ in await said(store, NOW + 3 * HOUR)} == {incident}


async def test_at_its_end_the_customers_nobody_took_up_get_its_report(store: Store) -> None:
    await store.keep(flood(1, 8))
    desk = Desk(store)
    incident = next(row.id for row in [r async for r in store.cases()] if row.incident)
    await desk.handle(8, Acknowledge(by="Dana Fox", what="call her"), NOW)
    report = ReportBack(by="Dana Fox", outcome=Outcome.SOLVED, done="line mended", remedy="a free week", evidence="t-1")
    await desk.handle(incident, report, NOW + HOUR)
    await desk.look(NOW + HOUR)
    assert replay(await store.timeline(1)).status is Status.OPEN, "not before it was checked that it helped"
    await desk.handle(incident, FollowUp(by="Dana Fox", result=Result.VERIFIED), NOW + 2 * HOUR)
    await said(store, NOW + 2 * HOUR)
    await desk.look(NOW + 2 * HOUR)
    closed = [replay(await store.timeline(case)) for case in range(1, 8)]
    assert {case.status for case in closed} == {Status.CLOSED}
    last = (await store.timeline(1))[-1]
    assert isinstance(last, ReportedBack) and (last.done, last.remedy) == ("line mended", "a free week")
    assert replay(await store.timeline(8)).status is Status.ACKNOWLEDGED, "who took it up keeps their own promise"
    assert {case for case, _, _ in await said(store, NOW + 2 * HOUR)} == {8}, "whose promise is due now"
    assert (await audit(store, NOW + 2 * HOUR)).balanced


async def test_an_incident_cannot_be_dismissed(store: Store) -> None:
    await store.keep(flood(1, 8))
    incident = next(row.id for row in [r async for r in store.cases()] if row.incident)
    with pytest.raises(Refused, match="8 customers wait"):
        await Desk(store).handle(incident, Dismiss(by="Dana Fox", reason="x"), NOW)


async def test_a_graver_customer_raises_the_incident(store: Store) -> None:
    await store.keep(flood(1, 8))
    graver = post("99", "burning", url="https://talk.example/99")
    judged = assessment(severity=90, priority=Priority("P1"), cause="outage")
    heard = Heard(post=graver, mentions=(route(graver, "Acme Air", judged, ROWS, NOW),))
    await store.keep(batch(heard, surge=SURGE))
    incident = next(row for row in [r async for r in store.cases()] if row.incident)
    assert (incident.priority, incident.severity) == ("P1", 90)


@pytest.mark.parametrize(
    ("recent", "usual", "expected"), [(4, (), False), (5, (), True), (7, (2, 2), False), (8, (2, 2), True)]
)
def test_many_is_many_times_the_usual(recent: int, usual: tuple[int, ...], expected: bool) -> None:
    assert SURGE.is_one(recent, usual) is expected
