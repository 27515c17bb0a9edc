"""The audit finds what does not balance. Each check is shown a store in which it must speak."""

from dataclasses import replace
from datetime import timedelta

from builders import NOW, batch, complaint

from escalation.case import replay
from escalation.commands import Acknowledge
from escalation.desk import Desk
from listener.audit import accountability, audit, audit_as_of, conservation, said
from listener.storage.contract import Balance, CaseRow, Store


async def test_a_sound_store_balances(store: Store) -> None:
    await store.keep(batch(complaint("p1"), complaint("p2"), gone=("p2",)))
    assert (await audit(store, NOW)).balanced


async def test_a_deadline_nobody_looked_at_is_found(store: Store) -> None:
    await store.keep(batch(complaint()))
    report = await audit(store, NOW + timedelta(hours=1))
    assert [finding.check for finding in report.findings] == ["deadlines"]
    assert "is `listener run` running?" in report.findings[0].problem


def test_a_lost_post_is_found() -> None:
    balance = Balance(fetched={"blog": 3}, posts={"blog": {"kept": 2}}, mentions={}, owed=0, undeliverable=0)
    [finding] = conservation(balance)
    assert finding.where == "blog" and "3 posts were heard, 2" in finding.problem


async def test_a_row_that_says_otherwise_than_its_timeline_is_found(store: Store) -> None:
    await store.keep(batch(complaint()))
    [row] = [row async for row in store.cases()]
    timeline = await store.timeline(1)
    assert accountability(row, timeline, NOW) == []
    wrong: CaseRow = replace(row, owner="Somebody Else")
    assert [finding.check for finding in accountability(wrong, timeline, NOW)] == ["projection"]


async def test_a_notice_that_was_never_owed_is_found(store: Store) -> None:
    await store.keep(batch(complaint()))
    timeline = await store.timeline(1)
    keys = await store.notice_keys(1)
    assert said(1, timeline, keys) == []
    assert [finding.check for finding in said(1, timeline, frozenset())] == ["notices"] * len(keys)
    assert replay(timeline).owner == "Dana Fox"


async def test_a_past_moment_is_proven_by_what_was_known_then(store: Store) -> None:
    await store.keep(batch(complaint()))
    desk, minute = Desk(store), timedelta(minutes=1)
    await desk.look(NOW + 12 * minute)
    await desk.handle(1, Acknowledge(by="Lee Park"), NOW + 13 * minute)
    assert (await audit_as_of(store, NOW + minute)).balanced
    [late] = (await audit_as_of(store, NOW + 11 * minute)).findings
    assert late.check == "deadlines", "it was due after five minutes, and nobody looked until the twelfth"
    assert (await audit_as_of(store, NOW + 14 * minute)).balanced
    assert (await audit_as_of(store, NOW - minute)).cases == 0
