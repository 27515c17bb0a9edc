"""What a person does to matters that the house would not: two cases are one, a post is a case of its own."""

import json
from dataclasses import replace
from datetime import datetime

from connectors.post import Post, Reach
from escalation.case import Case
from escalation.clock import open_case, raised
from escalation.commands import Refused
from escalation.events import Event, How, Joined, Merged, Reopened, SplitOff
from listener.storage.contract import Opening
from listener.storage.sql import ledger, people
from listener.storage.sql.database import Database, Row
from listener.storage.sql.rows import storable, stored_post


def post(db: Database, key: str) -> Post | None:
    """By its key, "source:id", with what the source said of its author and its reach."""
    row = _row(db, key)
    if row is None:
        return None
    told, found = json.loads(row["facts"] or "{}"), stored_post(row)
    author = replace(found.author, followers=told.get("followers"), url=told.get("author_url", ""))
    reach = Reach(**{name: told.get(name) for name in ("replies", "reposts", "likes", "views")})
    return replace(found, author=author, reach=reach, root=told.get("root", ""))


def merge(db: Database, case_id: int, into: int, by: str, at: datetime) -> Case:
    """The posts of the first case are the second's. Raises Refused, UnknownCase."""
    first, second = (ledger.case(db, each) for each in (case_id, into))
    _one_matter(first, second)
    ledger.append(db, first, [Merged(at=at, by=by, into=into)])
    joined: list[Event] = [Joined(at=at, post=key, url=_address(db, key), how=How.HAND) for key in first.posts]
    worse = raised(second, first.subject, first.policy, at, people.away(db, at))
    db.execute(
        "UPDATE mentions SET case_id = ?, state = 'joined to case' WHERE case_id = ? AND state <> 'erased'",
        (into, case_id),
    )
    _settle(db, first.posts)
    return ledger.append(db, second, [*joined, *worse])


def split(db: Database, case_id: int, key: str, opening: Opening, by: str, at: datetime) -> Case:
    """This post becomes a case of its own, the one it was before it was joined if it was one. Raises Refused."""
    case = ledger.case(db, case_id)
    if key not in case.posts[1:]:
        raise Refused(f"{key} was not joined to case {case_id}; it has {', '.join(case.posts[1:]) or 'no other post'}")
    new = _reopened(db, case, key, by, at) or _opened(db, opening, at)
    ledger.append(db, case, [SplitOff(at=at, by=by, post=key, to=new.id)])
    if row := _row(db, key):
        sql = (
            "UPDATE mentions SET case_id = ?, state = 'escalated' WHERE case_id = ? AND post = ? AND state <> 'erased'"
        )
        db.execute(sql, (new.id, case_id, row["id"]))
    _settle(db, (key,))
    return new


def _opened(db: Database, opening: Opening, at: datetime) -> Case:
    opened = open_case(db.dialect.case_id(db), opening.subject, opening.policy, at, people.away(db, at))
    return ledger.append(db, None, [opened])


def _reopened(db: Database, whole: Case, key: str, by: str, at: datetime) -> Case | None:
    sql = "SELECT id FROM cases WHERE brand = ? AND post = ?"
    row = db.execute(sql, (whole.subject.brand, storable(key))).fetchone()
    if row is None:
        return None
    case = ledger.case(db, row["id"])
    return ledger.append(db, case, [Reopened(at=at, by=by, reason=f"it is no part of case {whole.id}")])


def _one_matter(first: Case, second: Case) -> None:
    if first.id == second.id:
        raise Refused("a case cannot be joined to itself")
    if first.subject.brand != second.subject.brand:
        raise Refused(f"case {second.id} is about {second.subject.brand}, case {first.id} about {first.subject.brand}")
    for case in (first, second):
        if case.status.ended or case.incident:
            raise Refused(f"case {case.id} is {'an incident' if case.incident else case.status}; it cannot be joined")


def _address(db: Database, key: str) -> str:
    found = _row(db, key)
    return str(found["url"]) if found else ""


def _settle(db: Database, keys: tuple[str, ...]) -> None:
    for found in filter(None, (_row(db, key) for key in keys)):
        ledger.settle(db, found["id"])


def _row(db: Database, key: str) -> Row | None:
    source, _, id_ = key.partition(":")
    return db.dialect.post(db, source, storable(id_))
