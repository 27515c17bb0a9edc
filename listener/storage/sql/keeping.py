"""One page of a source becomes memory: posts, mentions, cases, notices, coverage and cursor, in one transaction.

New posts go in with one `executemany` a table: sqlite_utils' own `insert_all` costs a third to a half of the speed here
(`make bench`), and the text index is filled from what is in hand instead of by a trigger, which costs as much again.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from listener.storage.contract import Batch, Heard, Kept, Opening, State
from listener.storage.sql import copying, giving, incidents, listening, rereading, tagging
from listener.storage.sql.database import Database, IndexRow, Row
from listener.storage.sql.editing import edit
from listener.storage.sql.erasing import erase
from listener.storage.sql.rows import POST, REACHED, furthest, marks, post_columns, posted, stamp, storable

ASKED_AT_ONCE = 500  # ids in one question
_INSERT_POST = f"INSERT INTO posts ({', '.join(POST)}) VALUES ({marks(len(POST))})"


def keep(db: Database, batch: Batch) -> Kept:
    """In the caller's transaction."""
    if batch.lease:
        db.dialect.ours(db, batch.lease)
    db.index.tidy(db)
    db.dialect.alone(db, {mention.brand for each in batch.heard for mention in each.mentions if mention.opening})
    tally = giving.Tally(surge=batch.surge)
    heard = {storable(each.post.id): each for each in batch.heard}  # a page may hold an item twice: its last wording
    there = {row["external_id"]: row for row in _there(db, batch.source, heard)}
    _insert(db, batch, [each for id_, each in heard.items() if id_ not in there], tally)
    for id_, row in there.items():
        if row["state"] != State.ERASED and row["fingerprint"] != heard[id_].post.fingerprint:
            edit(db, batch, heard[id_], tally)
    copying.mark(db, tally, batch.at)
    for incident, openings in tally.within.items():
        incidents.grown(db, incident, len(openings), min(openings, key=_urgency), batch.at)
    erased = erase(db, batch.source, batch.gone, batch.at, tally.counted)
    tally.counted.write(db)
    rereading.looked_at(db, batch)
    listening.heard(db, batch, tally.new)
    return Kept(
        new=tally.new,
        edited=tally.edited,
        mentions=tally.mentions,
        complaints=tally.complaints,
        opened=tuple(tally.opened),
        joined=tally.joined,
        into=tuple(tally.into),
        erased=erased,
        again=batch.follow and bool(rereading.due(db, batch.source, batch.at, 1)),
        taken=tuple(tally.taken),
    )


def _urgency(opening: Opening) -> tuple[str, int]:
    return opening.subject.priority, -opening.subject.severity


def known(db: Database, source: str, ids: tuple[str, ...]) -> Mapping[str, str]:
    given = {storable(id_): id_ for id_ in ids}
    return {
        given[row["external_id"]]: "" if row["state"] == State.ERASED else row["fingerprint"]
        for row in _there(db, source, given)
    }


def _there(db: Database, source: str, ids: Iterable[str]) -> Iterator[Row]:
    """In pieces, for a statement takes only so many parameters."""
    keys = list(ids)
    for start in range(0, len(keys), ASKED_AT_ONCE):
        piece = keys[start : start + ASKED_AT_ONCE]
        yield from db.dialect.there(db, source, piece)


def _insert(db: Database, batch: Batch, fresh: list[Heard], tally: giving.Tally) -> None:
    if not fresh:
        return
    at = stamp(batch.at)
    ids = db.dialect.post_ids(db, batch.source, [storable(each.post.id) for each in fresh], at)
    posts, mentions, index = list[tuple[Any, ...]](), list[tuple[Any, ...]](), list[IndexRow]()
    seen = list[tuple[int, int]]()
    for post_id, heard in zip(ids, fresh, strict=True):
        given = [giving.give(db, heard.post, mention, batch.at, tally) for mention in heard.mentions]
        row = post_columns(post_id, heard.post, furthest(each.state for each in given), at)
        posts.append(row)
        mentions += [giving.columns(post_id, each, at) for each in given]
        if given:
            index.append(tagging.entry(post_id, heard.post, (each.facts for each in given)))
            tally.counted.new(batch.source, posted(row), heard.mentions)
            if heard.post.seen_by:
                seen.append((post_id, heard.post.seen_by))
    db.dialect.arrived(db, batch.at, ids, (each.post for each in fresh))
    db.executemany(_INSERT_POST, posts)
    db.executemany(giving.INSERT, mentions)
    db.executemany(giving.LEVEL, sorted(giving.levels(mention for each in fresh for mention in each.mentions)))
    db.index.add(db, at, index)
    if seen:
        db.executemany(REACHED, seen)
    if batch.follow:
        rereading.plan(db, batch, (entry[0] for entry in index))
    tally.new += len(fresh)
