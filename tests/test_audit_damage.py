"""Each way in which a promise could be lost is done to a store by hand, and the audit names each."""

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from builders import NOW, batch, complaint
from fakes import RecordingMessenger

from escalation import codec
from escalation.commands import Acknowledge
from escalation.courier import Courier
from escalation.desk import Desk
from escalation.events import Acknowledged, Noted
from listener.audit import audit
from listener.storage.sqlite import SqliteStore

MINUTE = timedelta(minutes=1)
LATER = NOW + 2 * MINUTE


def event(what: Acknowledged | Noted) -> str:
    return json.dumps(codec.encode(what))


TWO_OWNERS = event(Acknowledged(at=NOW + MINUTE, by="Lee Park"))
TO_COME = event(Noted(at=NOW + timedelta(days=365), by="Dana Fox", text="from the future"))
ONE_MORE = (
    "INSERT INTO events SELECT case_id, seq + 1, at, kind, '%s' FROM events WHERE case_id = 1 ORDER BY seq DESC LIMIT 1;"
    "UPDATE cases SET seq = seq + 1 WHERE id = 1"
)

DAMAGE = {
    "another owner in the list than in the timeline": (
        "UPDATE cases SET owner = 'Lee Park' WHERE id = 1",
        ("projection", "case 1"),
    ),
    "two who have it": (ONE_MORE % TWO_OWNERS, ("accountability", "case 1")),
    "nobody who has it": (
        "UPDATE cases SET owner = '' WHERE id = 1",
        ("an open case has an owner and a deadline", "case 1"),
    ),
    "no deadline": ("UPDATE cases SET due = NULL WHERE id = 1", ("an open case has an owner and a deadline", "case 1")),
    "a step that will be skipped": (
        "UPDATE cases SET due = '2027-01-01T00:00:00.000000+00:00' WHERE id = 1",
        ("projection", "case 1"),
    ),
    "a case no look sees any more": ("UPDATE cases SET status = 'closed' WHERE id = 1", ("projection", "case 1")),
    "a step cut out of the timeline": (
        "DELETE FROM events WHERE case_id = 1 AND seq = 2",
        ("a case has its timeline", "case 1"),
    ),
    "a timeline without its beginning": (
        "DELETE FROM events WHERE case_id = 1 AND seq = 1",
        ("timeline", "case 1"),
    ),
    "a timeline nobody can read": (
        'UPDATE events SET body = \'{"kind": "Teleported"}\' WHERE case_id = 1 AND seq = 2',
        ("timeline", "case 1"),
    ),
    "half a line": (
        "UPDATE events SET body = substr(body, 1, 40) WHERE case_id = 1 AND seq = 2",
        ("timeline", "case 1"),
    ),
    "a time still to come": (ONE_MORE % TO_COME, ("clock", "case 1")),
    "a case cut off from its timeline": (
        "UPDATE mentions SET case_id = NULL, state = 'kept' WHERE case_id = 2; DELETE FROM cases WHERE id = 2",
        ("a timeline has its case", "case 2"),
    ),
    "a lost notice": ("DELETE FROM notices WHERE key = '2/1/direct/Dana Fox'", ("notices", "case 2")),
    "a notice nobody will try": (
        "UPDATE notices SET sent_at = NULL, next_try = NULL WHERE key = '2/1/direct/Dana Fox'",
        ("a notice waits or is given up", "notice 2/1/direct/Dana Fox"),
    ),
    "a notice put off for ever": (
        "UPDATE notices SET sent_at = NULL, next_try = '2099-01-01T00:00:00.000000+00:00'"
        " WHERE key = '2/1/direct/Dana Fox'",
        ("notices", "notice 2/1/direct/Dana Fox"),
    ),
    "a notice given up": (
        "UPDATE notices SET sent_at = NULL, dead = 1 WHERE key = '2/1/direct/Dana Fox'",
        ("a notice arrives", "notice 2/1/direct/Dana Fox"),
    ),
    "a post without a state": (
        "UPDATE posts SET state = '' WHERE id = 1",
        ("every post has one state", "post blog:p1"),
    ),
    "a post in two states": (
        "UPDATE posts SET state = 'not matched' WHERE id = 1",
        ("an unmatched post has none", "mention 1"),
    ),
    "a post that is gone": (
        "DELETE FROM mentions WHERE post = 2; DELETE FROM posts WHERE id = 2",
        ("conservation", "blog"),
    ),
    "a matter nobody was given": (
        "UPDATE mentions SET case_id = NULL WHERE case_id = 2",
        ("an escalated mention has a case", "mention 2"),
    ),
}


@pytest.mark.parametrize(("damage", "found"), DAMAGE.values(), ids=DAMAGE)
async def test_whatever_is_broken_is_named(tmp_path: Path, damage: str, found: tuple[str, str]) -> None:
    file = tmp_path / "listener.db"
    store = await SqliteStore.open(str(file))
    await store.keep(batch(complaint("p1"), complaint("p2")))
    await Desk(store).handle(1, Acknowledge(by="Dana Fox", what="call her"), NOW)
    await Courier(store, RecordingMessenger()).deliver(NOW)
    assert (await audit(store, LATER)).balanced
    with closing(sqlite3.connect(file)) as db:
        db.executescript(f"PRAGMA foreign_keys = OFF; {damage};")
        db.commit()
    report = await audit(store, LATER)
    assert found in {(finding.check, finding.where) for finding in report.findings}, report.findings
    await store.aclose()


async def test_what_cannot_be_read_stands_in_nobodys_way(tmp_path: Path) -> None:
    """The others are called out in time, word of it reaches the house once, and people hear a sentence."""
    file = tmp_path / "listener.db"
    store, messenger = await SqliteStore.open(str(file)), RecordingMessenger()
    await store.keep(batch(complaint("p1"), complaint("p2")))
    with closing(sqlite3.connect(file)) as db:
        db.execute("UPDATE events SET body = '{}' WHERE case_id = 1")
        db.commit()
    desk, late = Desk(store), NOW + 10 * MINUTE
    assert await desk.look(late) == 2 and await desk.look(late) == 0
    assert {row.owner async for row in store.cases() if row.id == 2} == {"Lee Park"}
    while await Courier(store, messenger).deliver(late):
        pass
    (word,) = [notice.text for _, notice in messenger.said if notice.kind == "house"]
    assert word.startswith("case 1 cannot be read: unknown event None")
    assert await desk.look(late + timedelta(hours=1)) == 2
    with pytest.raises(LookupError, match="case 1 cannot be read"):
        await desk.handle(1, Acknowledge(by="Dana Fox"), late)
    await store.keep(batch(complaint("p3"), cursor={"n": 2}))
    await store.aclose()
