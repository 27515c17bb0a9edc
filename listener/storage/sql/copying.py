"""Copies that joined a case, looked at together: many accounts in a short time are said once, on the case."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from escalation.case import Case
from escalation.events import Coordinated
from escalation.ledger import Unreadable
from listener.copies import ACCOUNTS, Copy, coordinated, copied
from listener.storage.sql import ledger
from listener.storage.sql.database import Database
from listener.storage.sql.giving import Tally
from listener.storage.sql.rows import moment

LOOKED_AT = 200  # newest posts of a case
_POSTS = (
    "SELECT p.handle, p.site, p.text, p.created, p.heard, p.facts FROM mentions m JOIN posts p ON p.id = m.post"
    " WHERE m.case_id = ? ORDER BY m.id DESC LIMIT ?"
)


def mark(db: Database, tally: Tally, at: datetime) -> None:
    """In the caller's transaction, once the posts of the page are in their table."""
    for case_id in dict.fromkeys(tally.into):
        case = tally.read.get(case_id)
        if case is None or case.coordinated or case.incident or len(case.posts) < ACCOUNTS:
            continue
        if found := coordinated(_copies(db, case)):
            accounts, within = found
            minutes = max(1, round(within.total_seconds() / 60))
            with suppress(Unreadable):
                said = Coordinated(at=at, accounts=accounts, minutes=minutes)
                ledger.append(db, ledger.case(db, case_id), [said])


def _copies(db: Database, case: Case) -> Iterator[Copy]:
    for row in db.execute(_POSTS, (case.id, LOOKED_AT)).fetchall():
        if copied(case.subject.text, row["text"]):
            followers = json.loads(row["facts"]).get("followers") if row["facts"] else None
            at = moment(row["created"] or row["heard"])
            yield Copy(
                account=f"{row['site']} {row['handle']}".strip() if row["handle"] else "", at=at, followers=followers
            )
