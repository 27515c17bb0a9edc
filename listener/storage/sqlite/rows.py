"""Python values <-> columns. Pure. Times are ISO 8601 in UTC, of one length, so that they sort as text."""

import json
import sqlite3
from datetime import UTC, datetime
from typing import Any

from connectors.contract import Hearing
from listener.storage.contract import CaseRow, MentionRow, SourceState, State


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def stamp_or_none(at: datetime | None) -> str | None:
    return stamp(at) if at else None


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def moment_or_none(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def storable(text: str) -> str:
    """Lone surrogates are not Unicode text and no database takes them: each becomes U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def source_state(row: sqlite3.Row) -> SourceState:
    return SourceState(
        name=row["name"],
        cursor=json.loads(row["cursor"]),
        next_poll=moment_or_none(row["next_poll"]),
        last_heard=moment_or_none(row["last_heard"]),
        failures=row["failures"],
        failing_since=moment_or_none(row["failing_since"]),
        error=row["error"],
        told_silent=bool(row["told_silent"]),
        fetched=row["fetched"],
        hearing=Hearing(row["hearing"]),
    )


MENTION = """
  m.id, m.brand, p.source, p.url, p.handle, p.author, p.title, p.created, m.heard, p.text, m.verdict, m.complaint,
  m.severity, m.priority, m.cause, m.state, m.reason, m.case_id, m.reasons, p.kind, p.lang, p.site, p.parent
"""


def mention_row(row: sqlite3.Row) -> MentionRow:
    return MentionRow(
        id=row["id"],
        brand=row["brand"],
        source=row["source"],
        url=row["url"],
        author=row["author"] or row["handle"],
        title=row["title"],
        created=moment_or_none(row["created"]),
        heard=moment(row["heard"]),
        text=row["text"],
        verdict=row["verdict"],
        complaint=row["complaint"],
        severity=row["severity"],
        priority=row["priority"],
        cause=row["cause"],
        state=State(row["state"]),
        reason=row["reason"],
        case=row["case_id"],
        reasons=tuple(json.loads(row["reasons"])),
    )


def case_row(row: sqlite3.Row) -> CaseRow:
    return CaseRow(
        id=row["id"],
        brand=row["brand"],
        status=row["status"],
        priority=row["priority"],
        severity=row["severity"],
        owner=row["owner"],
        due=moment_or_none(row["due"]),
        opened=moment(row["opened"]),
        promise=row["promise"],
        posts=row["posts"],
        title=row["title"],
    )


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
