"""Where a mention goes: to a case of its own, to one that another source heard of, or only into the history."""

import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.post import Post
from escalation.case import Case, open_case, replay
from escalation.events import Joined
from listener.storage.contract import Mention, Opening, State
from listener.storage.sqlite import indexing, ledger
from listener.storage.sqlite.rows import judged, marks, storable
from listener.storage.sqlite.schema import OPEN

INSERT = (
    "INSERT INTO mentions (post, brand, state, reason, case_id, heard, verdict, complaint, severity, priority, cause,"
    f" reasons) VALUES ({marks(12)})"
)


@dataclass(slots=True)
class Tally:
    """What keeping a batch has changed so far."""

    new: int = 0
    edited: int = 0
    mentions: int = 0
    complaints: int = 0
    joined: int = 0
    opened: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Given:
    """A mention and where it went."""

    mention: Mention
    state: State
    reason: str
    case: int | None

    @property
    def facts(self) -> indexing.Facts:
        judged = self.mention.assessment
        return self.mention.brand, judged.verdict, judged.priority or "", judged.severity, self.case is not None


def give(db: sqlite3.Connection, post: Post, mention: Mention, at: datetime, tally: Tally) -> Given:
    """A mention joins an open case that another source heard of, becomes a case of its own, or is only kept."""
    tally.mentions += 1
    tally.complaints += mention.assessment.verdict == "complaint"
    if mention.opening is None:
        return Given(mention, State.KEPT, mention.reason, None)
    if case := _same_matter(db, mention.opening, post.source):
        ledger.append(db, case, [Joined(at=at, post=mention.opening.subject.post, url=mention.opening.subject.url)])
        tally.joined += 1
        return Given(mention, State.JOINED, "", case.id)
    opened = _open(db, mention.opening, at)
    tally.opened.append(opened.id)
    return Given(mention, State.ESCALATED, "", opened.id)


def _open(db: sqlite3.Connection, opening: Opening, at: datetime) -> Case:
    number = db.execute("SELECT coalesce(max(id), 0) + 1 FROM cases").fetchone()[0]
    return ledger.append(db, None, [open_case(number, opening.subject, opening.policy, at)])


def _same_matter(db: sqlite3.Connection, opening: Opening, source: str) -> Case | None:
    """Within one source two posts are two matters: some feeds give every item the same address."""
    if not opening.subject.thread:
        return None
    sql = f"SELECT id, post FROM cases WHERE brand = ? AND thread = ? AND thread <> '' AND {OPEN} ORDER BY id"
    for row in db.execute(sql, (opening.subject.brand, storable(opening.subject.thread))).fetchall():
        if not row["post"].startswith(f"{source}:"):
            return replay(ledger.timeline(db, row["id"]))
    return None


def columns(post_id: int, given: Given, at: str) -> tuple[Any, ...]:
    """For INSERT."""
    key = (post_id, given.mention.brand, given.state, storable(given.reason), given.case, at)
    return (*key, *judged(given.mention.assessment))
