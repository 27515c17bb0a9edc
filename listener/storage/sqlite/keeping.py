"""One page of a source becomes memory: posts, mentions, cases, notices, coverage and cursor, in one transaction."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connectors.contract import Hearing
from connectors.post import Post
from escalation.case import Case, open_case, replay
from escalation.events import Joined, Revised
from listener.query import index_text
from listener.storage.contract import Batch, Failure, Heard, Kept, Mention, Opening, State
from listener.storage.sqlite import ledger
from listener.storage.sqlite.erasing import erase
from listener.storage.sqlite.rows import as_json, stamp, stamp_or_none, storable

NO_LONGER = "edited: the brand's query does not match any more"


@dataclass(slots=True)
class _Tally:
    new: int = 0
    edited: int = 0
    mentions: int = 0
    complaints: int = 0
    joined: int = 0
    opened: list[int] = field(default_factory=list)


def known(db: sqlite3.Connection, source: str, ids: tuple[str, ...]) -> Mapping[str, str]:
    """In pieces, for SQLite allows only so many parameters."""
    found: dict[str, str] = {}
    given = {storable(id_): id_ for id_ in ids}
    keys = list(given)
    for start in range(0, len(keys), 500):
        piece = keys[start : start + 500]
        marks = ",".join("?" * len(piece))
        rows = db.execute(
            f"SELECT external_id, fingerprint, state FROM posts WHERE source = ? AND external_id IN ({marks})",
            (source, *piece),
        )
        for id_, fingerprint, state in rows:
            found[given[id_]] = "" if state == State.ERASED else fingerprint
    return found


def keep(db: sqlite3.Connection, batch: Batch) -> Kept:
    tally, index = _Tally(), list[tuple[int, str]]()
    there = known(db, batch.source, tuple(heard.post.id for heard in batch.heard))
    for heard in batch.heard:
        before = there.get(heard.post.id)
        if before is None:
            _new(db, batch, heard, tally, index)
        elif before not in ("", heard.post.fingerprint):
            _edit(db, batch, heard, tally)
    db.executemany("INSERT INTO posts_fts (rowid, body) VALUES (?, ?)", index)
    erased = erase(db, batch.source, batch.gone, batch.at)
    _cursor(db, batch, tally.new)
    return Kept(
        new=tally.new,
        edited=tally.edited,
        mentions=tally.mentions,
        complaints=tally.complaints,
        opened=tuple(tally.opened),
        joined=tally.joined,
        erased=erased,
    )


def _new(db: sqlite3.Connection, batch: Batch, heard: Heard, tally: _Tally, index: list[tuple[int, str]]) -> None:
    post_id = _insert(db, heard, batch.at)
    if post_id is None:
        return  # the page held it twice
    tally.new += 1
    for mention in heard.mentions:
        _mention(db, post_id, heard.post, mention, batch.at, tally)
    if heard.mentions:
        index.append((post_id, _body(heard.post.title, heard.post.text)))
        _settle(db, post_id)


def _insert(db: sqlite3.Connection, heard: Heard, at: datetime) -> int | None:
    """A post that no query matched leaves its name, so that it is never heard twice, and nothing of what it said."""
    post = heard.post
    key = (post.source, storable(post.id), post.fingerprint)
    if not heard.mentions:
        row = db.execute(
            "INSERT OR IGNORE INTO posts (source, external_id, fingerprint, state, heard)"
            " VALUES (?, ?, ?, ?, ?) RETURNING id",
            (*key, State.NOT_MATCHED, stamp(at)),
        ).fetchone()
        return int(row[0]) if row else None
    row = db.execute(
        "INSERT OR IGNORE INTO posts (source, external_id, fingerprint, state, heard, created, url, title, text,"
        " handle, author, followers, kind, lang, site, parent)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            *(*key, State.KEPT, stamp(at), stamp_or_none(post.created), storable(post.url), storable(post.title)),
            *(storable(post.text), storable(post.author.handle), storable(post.author.name), post.author.followers),
            *(post.kind, post.lang, post.site, storable(post.parent)),
        ),
    ).fetchone()
    return int(row[0]) if row else None


def _mention(db: sqlite3.Connection, post_id: int, post: Post, mention: Mention, at: datetime, tally: _Tally) -> None:
    tally.mentions += 1
    tally.complaints += mention.assessment.verdict == "complaint"
    state, case_id = State.KEPT, None
    if mention.opening:
        state, case_id = _give(db, mention.opening, post, at, tally)
    judged = mention.assessment
    db.execute(
        "INSERT INTO mentions (post, brand, verdict, complaint, severity, priority, cause, reasons, state, reason,"
        " case_id, heard) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (post, brand) DO UPDATE SET"
        " verdict = excluded.verdict, complaint = excluded.complaint, severity = excluded.severity,"
        " priority = excluded.priority, cause = excluded.cause, reasons = excluded.reasons, state = excluded.state,"
        " reason = excluded.reason, case_id = excluded.case_id",
        (
            *(post_id, mention.brand, judged.verdict, judged.complaint, judged.severity, judged.priority or ""),
            *(judged.cause, _reasons(mention), state, mention.reason, case_id, stamp(at)),
        ),
    )


def _reasons(mention: Mention) -> str:
    return as_json(
        [
            {"factor": r.factor, "points": r.points, "words": r.words, "start": r.start, "end": r.end}
            for r in mention.assessment.reasons
        ]
    )


def _give(db: sqlite3.Connection, opening: Opening, post: Post, at: datetime, tally: _Tally) -> tuple[State, int]:
    """The mention joins an open case that another source heard of, or becomes a case of its own."""
    if case := _same_matter(db, opening, post.source):
        ledger.append(db, case, [Joined(at=at, post=opening.subject.post, url=opening.subject.url)])
        tally.joined += 1
        return State.JOINED, case.id
    number = db.execute("SELECT coalesce(max(id), 0) + 1 FROM cases").fetchone()[0]
    opened = ledger.append(db, None, [open_case(number, opening.subject, opening.policy, at)])
    tally.opened.append(opened.id)
    return State.ESCALATED, opened.id


def _same_matter(db: sqlite3.Connection, opening: Opening, source: str) -> Case | None:
    if not opening.subject.thread:
        return None
    row = db.execute(
        f"SELECT id FROM cases WHERE brand = ? AND thread = ? AND {ledger.OPEN} AND source <> ? ORDER BY id LIMIT 1",
        (opening.subject.brand, storable(opening.subject.thread), source),
    ).fetchone()
    return replay(ledger.timeline(db, row["id"])) if row else None


def _edit(db: sqlite3.Connection, batch: Batch, heard: Heard, tally: _Tally) -> None:
    """The old wording becomes a version; what was decided about it is decided again."""
    post = heard.post
    row = db.execute(
        "SELECT * FROM posts WHERE source = ? AND external_id = ?", (post.source, storable(post.id))
    ).fetchone()
    tally.edited += 1
    if row["state"] != State.NOT_MATCHED:
        db.execute(
            "INSERT INTO versions (post, at, title, text) VALUES (?, ?, ?, ?)",
            (row["id"], stamp(batch.at), row["title"], row["text"]),
        )
        forget_index(db, row)
    if not heard.mentions and row["state"] == State.NOT_MATCHED:
        db.execute("UPDATE posts SET fingerprint = ? WHERE id = ?", (post.fingerprint, row["id"]))
        return
    _rewrite(db, row["id"], post)
    _rejudge(db, row["id"], heard, batch.at, tally)
    _settle(db, row["id"])


def _rewrite(db: sqlite3.Connection, post_id: int, post: Post) -> None:
    db.execute(
        "UPDATE posts SET fingerprint = ?, title = ?, text = ?, url = ?, handle = ?, author = ?, created = ?, kind = ?,"
        " lang = ?, site = ?, parent = ? WHERE id = ?",
        (
            *(post.fingerprint, storable(post.title), storable(post.text), storable(post.url)),
            *(storable(post.author.handle), storable(post.author.name), stamp_or_none(post.created), post.kind),
            *(post.lang, post.site, storable(post.parent), post_id),
        ),
    )
    db.execute("INSERT INTO posts_fts (rowid, body) VALUES (?, ?)", (post_id, _body(post.title, post.text)))


def _rejudge(db: sqlite3.Connection, post_id: int, heard: Heard, at: datetime, tally: _Tally) -> None:
    rows = db.execute("SELECT brand, case_id, state, reason FROM mentions WHERE post = ?", (post_id,)).fetchall()
    before = {row["brand"]: row for row in rows}
    for mention in heard.mentions:
        was = before.pop(mention.brand, None)
        if was is None or was["case_id"] is None:
            _mention(db, post_id, heard.post, mention, at, tally)
        else:
            _revise(db, post_id, was, mention, heard.post, at)
    for brand, row in before.items():
        if row["case_id"] is None:
            db.execute(
                "UPDATE mentions SET state = ?, reason = ?, priority = '' WHERE post = ? AND brand = ?",
                (State.KEPT, NO_LONGER, post_id, brand),
            )


def _revise(db: sqlite3.Connection, post_id: int, was: sqlite3.Row, mention: Mention, post: Post, at: datetime) -> None:
    judged = mention.assessment
    db.execute(
        "UPDATE mentions SET verdict = ?, complaint = ?, severity = ?, priority = ?, cause = ?, reasons = ?"
        " WHERE post = ? AND brand = ?",
        (
            *(judged.verdict, judged.complaint, judged.severity, judged.priority or "", judged.cause),
            *(_reasons(mention), post_id, mention.brand),
        ),
    )
    case = replay(ledger.timeline(db, was["case_id"]))
    if not case.status.ended:
        key = f"{post.source}:{post.id}"
        ledger.append(db, case, [Revised(at=at, post=key, text=post.text, severity=judged.severity)])


def _settle(db: sqlite3.Connection, post_id: int) -> None:
    """A post is where the furthest of its mentions is."""
    db.execute(
        "UPDATE posts SET state = (SELECT state FROM mentions WHERE post = ?1 ORDER BY CASE state"
        " WHEN 'escalated' THEN 0 WHEN 'joined to case' THEN 1 WHEN 'dismissed' THEN 2 WHEN 'kept' THEN 3 ELSE 4 END"
        " LIMIT 1) WHERE id = ?1 AND EXISTS (SELECT 1 FROM mentions WHERE post = ?1)",
        (post_id,),
    )


def _body(title: str, text: str) -> str:
    return index_text(f"{storable(title)}\n{storable(text)}")


def forget_index(db: sqlite3.Connection, row: sqlite3.Row) -> None:
    """An index without content is told exactly what it holds (https://www.sqlite.org/fts5.html#the_delete_command)."""
    if row["state"] not in (State.NOT_MATCHED, State.ERASED):
        body = _body(row["title"], row["text"])
        db.execute("INSERT INTO posts_fts (posts_fts, rowid, body) VALUES ('delete', ?, ?)", (row["id"], body))


def _cursor(db: sqlite3.Connection, batch: Batch, new: int) -> None:
    at = stamp(batch.at)
    db.execute(
        "INSERT INTO sources (name, cursor, next_poll, last_heard, fetched, hearing) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor, next_poll = excluded.next_poll,"
        " last_heard = excluded.last_heard, fetched = fetched + excluded.fetched, hearing = excluded.hearing,"
        " failures = 0, failing_since = NULL, error = '', told_silent = 0",
        (batch.source, as_json(dict(batch.cursor)), stamp_or_none(batch.next_poll), at, new, batch.hearing),
    )
    _cover(db, batch.source, batch.hearing, at, batch.note)


def keep_failure(db: sqlite3.Connection, failure: Failure) -> None:
    at = stamp(failure.at)
    db.execute(
        "INSERT INTO sources (name, next_poll, failures, failing_since, error, told_silent, hearing)"
        " VALUES (?, ?, 1, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET next_poll = excluded.next_poll,"
        " failures = failures + 1, failing_since = coalesce(failing_since, excluded.failing_since),"
        " error = excluded.error, told_silent = excluded.told_silent, hearing = excluded.hearing",
        (
            *(failure.source, stamp(failure.next_poll), at, storable(failure.error)),
            *(failure.told_silent, failure.hearing),
        ),
    )
    _cover(db, failure.source, failure.hearing, at, failure.error)


def _cover(db: sqlite3.Connection, source: str, hearing: Hearing, at: str, note: str) -> None:
    """The coverage ledger grows by a row only when the hearing changes."""
    last = db.execute(
        "SELECT id, hearing, note FROM coverage WHERE source = ? ORDER BY id DESC LIMIT 1", (source,)
    ).fetchone()
    if last and (last["hearing"], last["note"]) == (hearing, note):
        db.execute("UPDATE coverage SET until = ?, polls = polls + 1 WHERE id = ?", (at, last["id"]))
        return
    if last:
        db.execute("UPDATE coverage SET until = ? WHERE id = ?", (at, last["id"]))
    db.execute(
        "INSERT INTO coverage (source, hearing, since, until, polls, note) VALUES (?, ?, ?, ?, 1, ?)",
        (source, hearing, at, at, storable(note)),
    )


def sources(db: sqlite3.Connection) -> Iterable[sqlite3.Row]:
    return db.execute("SELECT * FROM sources ORDER BY name").fetchall()
