"""A flood changes how things are said, never whether they are owed."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from builders import NOW, assessment, batch, policy, post

from escalation.brief import brief
from escalation.case import Status, replay
from escalation.commands import Acknowledge, Dismiss, FollowUp, Refused, ReportBack, Statement
from escalation.desk import Desk
from escalation.events import Outcome, ReportedBack, Result, StillWaiting
from listener.audit import audit
from listener.background import lookup
from listener.routing import route
from listener.storage.contract import Batch, Heard, Opening, Store
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
    assert direct == [1, 2, 3, 4, incident.id, incident.id], (
        "four before it was seen to be a flood, then owner and lead"
    )
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


async def test_who_complains_after_it_was_reported_back_speaks_for_themselves(store: Store) -> None:
    await store.keep(flood(1, 8))
    desk, later = Desk(store), NOW + timedelta(minutes=10)
    await desk.handle(await the_incident(store), REPORT, later)
    await store.keep(flood(20, 4, later))
    assert not any([row.within async for row in store.cases() if row.opened == later])
    await store.keep(flood(30, 1, later))
    assert len([row async for row in store.cases() if row.incident]) == 2, "as many again are another one"


async def test_what_comes_when_the_flood_is_long_over_is_another_matter(store: Store) -> None:
    await store.keep(flood(1, 8))
    await store.keep(flood(20, 1, NOW + HOUR))
    (late,) = [row async for row in store.cases() if row.opened == NOW + HOUR]
    assert not late.within and (await the_incident(store)), "the incident is open still"


async def test_what_was_written_over_two_days_and_heard_at_once_is_no_incident(store: Store) -> None:
    """After an outage of our own everything comes together; what really came together in it is an incident still."""

    def page(first: int, apart: timedelta) -> Batch:
        heard = [
            replace(one, mentions=(replace(one.mentions[0], opening=_written(one, NOW - 48 * HOUR + number * apart)),))
            for number, one in enumerate(flood(first, 12).heard)
        ]
        return batch(*heard, surge=SURGE)

    await store.keep(page(1, 4 * HOUR))
    assert not any([row.incident async for row in store.cases()])
    await store.keep(page(100, timedelta(minutes=1)))
    assert len([row async for row in store.cases() if row.incident]) == 1


def _written(one: Heard, created: datetime) -> Opening:
    opening = one.mentions[0].opening
    assert opening
    return replace(opening, subject=replace(opening.subject, created=created))


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


REPORT = ReportBack(by="Dana Fox", outcome=Outcome.SOLVED, done="line mended", remedy="a free week", evidence="t-1")


async def the_incident(store: Store) -> int:
    return next(row.id for row in [r async for r in store.cases()] if row.incident)


async def test_its_report_is_the_report_of_customers_nobody_took_up_each_with_a_check_of_their_own(
    store: Store,
) -> None:
    await store.keep(flood(1, 8))
    desk, incident = Desk(store), await the_incident(store)
    await desk.handle(8, Acknowledge(by="Dana Fox", what="call her"), NOW)
    await desk.handle(incident, REPORT, NOW + HOUR)
    await said(store, NOW + HOUR)
    await desk.look(NOW + HOUR)
    others = [1, 2, 3, 4, 6, 7, 9]
    told = [replay(await store.timeline(case)) for case in others]
    assert {case.status for case in told} == {Status.REPORTED} and all(case.due for case in told)
    last = (await store.timeline(1))[-1]
    assert isinstance(last, ReportedBack) and (last.done, last.remedy) == ("line mended", "a free week")
    assert replay(await store.timeline(8)).status is Status.ACKNOWLEDGED, "who took it up keeps their own promise"
    await desk.handle(incident, FollowUp(by="Dana Fox", result=Result.VERIFIED), NOW + 2 * HOUR)
    later = NOW + timedelta(days=3)
    await desk.look(later)
    waiting = sorted([row.id async for row in store.cases() if row.within == incident])
    assert waiting == others, "that it helped one of them says nothing of the others"
    told_now = await said(store, later)
    assert {case for case, _, _ in told_now} == {0, 8, incident}, "nobody is pinged for each of them"
    assert [to for case, _, to in told_now if case == 0] == ["Dana Fox"], "one word a day for all of them"
    for case in waiting:
        await desk.handle(case, FollowUp(by="Sam Ortiz", result=Result.NO_ANSWER), later)
    assert not [row async for row in store.cases() if row.within]
    assert (await audit(store, later)).balanced


async def test_when_it_goes_on_after_all_so_do_its_customers_until_it_is_reported_again(store: Store) -> None:
    await store.keep(flood(1, 8))
    desk, incident = Desk(store), await the_incident(store)
    await desk.handle(incident, REPORT, NOW + HOUR)
    await desk.look(NOW + HOUR)
    await desk.handle(3, FollowUp(by="Lee Park", result=Result.VERIFIED), NOW + HOUR)
    await desk.handle(4, FollowUp(by="Lee Park", result=Result.WORSE), NOW + HOUR)
    await said(store, NOW + HOUR)
    await desk.handle(incident, FollowUp(by="Dana Fox", result=Result.WORSE), NOW + 2 * HOUR)
    await desk.look(NOW + 2 * HOUR)
    cases = {case: replay(await store.timeline(case)) for case in range(1, 9)}
    assert cases[1].status is Status.OPEN and cases[1].spoken_for and not cases[1].report
    assert cases[3].status is Status.CLOSED, "whom it helped it helped"
    assert cases[4].status is Status.OPEN and not cases[4].spoken_for, "who is worse is a case by itself"
    assert {case for case, _, _ in await said(store, NOW + 2 * HOUR)} <= {4, incident}
    await desk.handle(incident, REPORT, NOW + 3 * HOUR)
    await desk.look(NOW + 3 * HOUR)
    assert replay(await store.timeline(1)).status is Status.REPORTED
    await desk.look(NOW + 3 * HOUR)
    await desk.look(NOW + 3 * HOUR)
    assert (await audit(store, NOW + 3 * HOUR)).balanced


async def test_its_lead_has_it_on_one_page_and_what_may_be_said_to_all_stands_with_each(store: Store) -> None:
    await store.keep(flood(1, 8))
    desk, incident = Desk(store), await the_incident(store)
    owed = await store.claim(NOW, 100, timedelta(minutes=1))
    (page,) = (one.notice for one in owed if one.notice.to == "Sam Ortiz")
    assert page.text.startswith(
        "An incident has begun. Acme Air, P2, severity 60: 5 complaints about outage within 30 m"
    )
    assert "Dana Fox has it and has not acknowledged yet. Nothing is promised yet. Acknowledge by" in page.text
    stated = await desk.handle(incident, Statement(by="Dana Fox", text="Mended by noon."), NOW)
    assert "To say to customers: Mended by noon." in brief(stated) and "8 customers are in it." in brief(stated)
    assert (await lookup(store, await desk.case(3))).statement == "Mended by noon."
    again = await desk.handle(incident, Statement(by="Dana Fox", text="Mended by noon."), NOW)
    assert again.seq == stated.seq, "pressing twice is harmless"
    with pytest.raises(Refused, match="one customer's matter"):
        await desk.handle(3, Statement(by="Dana Fox", text="x"), NOW)


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
