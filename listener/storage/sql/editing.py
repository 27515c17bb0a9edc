"""A post that was changed by its author: the old wording becomes a version, and what was decided is decided again."""

from datetime import datetime

from connectors.post import Post
from escalation.clock import raised
from escalation.events import Revised
from listener.storage.contract import Batch, Heard, Mention, State
from listener.storage.sql import giving, ledger, people, tagging
from listener.storage.sql.database import Database, Row
from listener.storage.sql.giving import Given, Tally, give
from listener.storage.sql.rows import POST, REACHED, judged, post_columns, stamp, storable

NO_LONGER = "edited: no longer matched"
_UPDATE_POST = f"UPDATE posts SET {', '.join(f'{column} = ?' for column in POST)} WHERE id = ?"


def edit(db: Database, batch: Batch, heard: Heard, tally: Tally) -> None:
    """In the caller's transaction."""
    post = heard.post
    row = db.dialect.post(db, batch.source, storable(post.id))
    if row is None:
        return
    tally.edited += 1
    db.dialect.changed(db, batch.at, row, post)
    was_kept = row["state"] != State.NOT_MATCHED
    if was_kept:
        db.execute(
            "INSERT INTO post_versions (post, until, title, text) VALUES (?, ?, ?, ?)",
            (row["id"], stamp(batch.at), row["title"], row["text"]),
        )
        db.index.take_out(db, row["id"])
        tally.counted.stored(db, row["id"], -1)
    state = State.KEPT if was_kept or heard.mentions else State.NOT_MATCHED
    db.execute(_UPDATE_POST, (*post_columns(row["id"], post, state, row["heard"]), row["id"]))
    if state is State.KEPT:
        _judge_again(db, row["id"], heard, batch.at, tally)
        ledger.settle(db, row["id"])
        tally.counted.stored(db, row["id"], 1)
        if post.seen_by:
            db.execute(REACHED, (row["id"], post.seen_by))
        db.index.add(db, row["heard"], [tagging.indexed(db, row["id"])])


def _judge_again(db: Database, post_id: int, heard: Heard, at: datetime, tally: Tally) -> None:
    rows = db.execute("SELECT * FROM mentions WHERE post = ?", (post_id,)).fetchall()
    before = {row["brand"]: row for row in rows}
    db.executemany(giving.LEVEL, giving.levels(heard.mentions))
    for mention in heard.mentions:
        was = before.pop(mention.brand, None)
        if was is None:
            given = give(db, heard.post, mention, at, tally)
            db.execute(giving.INSERT, giving.columns(post_id, given, stamp(at)))
            db.dialect.late(db, at, post_id)
        elif was["case_id"] is None:
            _update(db, was["id"], give(db, heard.post, mention, at, tally))
        else:
            _update(db, was["id"], Given(mention, State(was["state"]), was["reason"], was["case_id"]))
            _revise(db, was["case_id"], heard.post, mention, at)
    for was in before.values():
        _no_longer(db, was, heard.post, at)


def _update(db: Database, mention_id: int, given: Given) -> None:
    db.execute(
        "UPDATE mentions SET state = ?, reason = ?, case_id = ?, verdict = ?, complaint = ?, severity = ?,"
        " priority = ?, cause = ?, reasons = ? WHERE id = ?",
        (given.state, storable(given.reason), given.case, *judged(given.mention.assessment), mention_id),
    )


def _no_longer(db: Database, was: Row, post: Post, at: datetime) -> None:
    """A case does not end because its post was reworded: its owner reads it again and decides."""
    if was["case_id"] is None:
        db.execute("UPDATE mentions SET state = ?, reason = ? WHERE id = ?", (State.KEPT, NO_LONGER, was["id"]))
    else:
        _revise(db, was["case_id"], post, None, at)


def _revise(db: Database, case_id: int, post: Post, judged: Mention | None, at: datetime) -> None:
    case = ledger.case(db, case_id)
    if case.status.ended:
        return
    key, severity = f"{post.source}:{post.id}", judged.assessment.severity if judged else case.subject.severity
    opening, away = judged.opening if judged else None, people.away(db, at)
    worse = raised(case, opening.subject, opening.policy, at, away) if opening else ()
    higher = [event for event in worse if event.priority != event.was]
    ledger.append(db, case, [Revised(at=at, post=storable(key), text=post.text, severity=severity), *higher])
