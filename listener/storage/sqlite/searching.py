"""The mention history. Answers come from the newest back, and work stops when the page is full.

The index is asked for post ids in falling order, a few at a time; SQL then decides about the mentions of those posts,
and listener.search.holds about their text. When the words alone let too much through, tags in the index (narrowing.py)
pass over the posts of other brands, verdicts and so on. Relevance ranks the newest hits only: ranking every hit of a
common word would take seconds.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from listener.query import Field, Node, document, fold
from listener.search import holds
from listener.storage.contract import MentionRow, Question, Sort
from listener.storage.sqlite.narrowing import harmless, narrowed
from listener.storage.sqlite.planning import Plan, plan
from listener.storage.sqlite.ranking import best_first
from listener.storage.sqlite.rows import MENTION, mention_row, moment, moment_or_none, stored_post

RANKED = 2_000  # hits that relevance looks at
FEW = 1_000  # hits that are sorted by severity in one go
FIRST_LOOK, LONGEST_LOOK = 64, 256  # posts looked at in one go
ENOUGH = 8  # when fewer than one hit in so many is wanted, reading the lists of the tags is quicker than reading rows
_TABLES = "mentions m CROSS JOIN posts p ON p.id = m.post LEFT JOIN cases c ON c.id = m.case_id"
_COLUMNS = f"{MENTION}, p.heard AS arrived, c.owner, c.status, c.outcome, c.promise, c.answered"


def mentions(db: sqlite3.Connection, question: Question) -> Iterator[MentionRow]:
    """Lazily; between two pieces nothing is held open."""
    asked, left = plan(db, question), question.limit
    for row in _candidates(db, asked, question):
        if asked.verify is None or _verified(asked.verify, row):
            yield mention_row(row)
            left -= 1
        if left <= 0:
            return


def of_case(db: sqlite3.Connection, case_id: int) -> tuple[MentionRow, ...]:
    sql = f"SELECT {MENTION} FROM mentions m JOIN posts p ON p.id = m.post WHERE m.case_id = ? ORDER BY m.id"
    return tuple(map(mention_row, db.execute(sql, (case_id,)).fetchall()))


def _candidates(db: sqlite3.Connection, plan: Plan, question: Question) -> Iterator[sqlite3.Row]:
    last = _last(db, question.before) if question.before is not None else None
    if question.before is not None and last is None:
        return iter(())
    if question.sort is Sort.SEVERITY:
        return _worst_first(db, plan, last)
    if question.sort is Sort.RELEVANCE and plan.words:
        return _after(_best_first(db, plan), question.before)
    return _newest_first(db, _behind(plan, last), min(max(question.limit, FIRST_LOOK), LONGEST_LOOK))


def _last(db: sqlite3.Connection, before: int) -> sqlite3.Row | None:
    """The last row of the page before."""
    row: sqlite3.Row | None = db.execute("SELECT id, post, severity FROM mentions WHERE id = ?", (before,)).fetchone()
    return row


def _behind(plan: Plan, last: sqlite3.Row | None) -> Plan:
    """What is older than this."""
    if last is None or last["post"] > plan.high:
        return plan
    return replace(plan, high=last["post"], below=last["id"])


def _after(rows: Iterator[sqlite3.Row], before: int | None) -> Iterator[sqlite3.Row]:
    if before is not None:
        for row in rows:
            if row["id"] == before:
                break
    return rows


def _newest_first(db: sqlite3.Connection, plan: Plan, look: int) -> Iterator[sqlite3.Row]:
    if not (plan.words or plan.tags):
        yield from _by_table(db, plan, look)
        return
    expression, high, below, again = plan.words or plan.tags, plan.high, plan.below, FIRST_LOOK
    while hits := _hits(db, expression, (plan.low, high), look):
        found = 0
        for row in _rows(db, replace(plan, high=high, below=below), hits):
            yield row
            found += 1
        if len(hits) < look:
            return
        if found * ENOUGH < len(hits):
            expression = _all_of(plan.words, plan.tags)  # the words alone let too much through
        high, below, look = hits[-1] - 1, 1 << 62, min(again, LONGEST_LOOK)
        again *= 2


def _hits(db: sqlite3.Connection, expression: str, between: tuple[int, int], look: int) -> list[int]:
    sql = "SELECT rowid FROM posts_fts WHERE posts_fts MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid DESC LIMIT ?"
    return [post for (post,) in db.execute(sql, (expression, *between, look)).fetchall()]


def _rows(db: sqlite3.Connection, plan: Plan, posts: Sequence[int]) -> Iterator[sqlite3.Row]:
    """The mentions of these posts that meet the conditions, in the order of the posts; read as they are asked for."""
    for start in range(0, len(posts), FIRST_LOOK):
        piece = posts[start : start + FIRST_LOOK]
        sql = (
            f"SELECT {_COLUMNS} FROM {_TABLES} WHERE m.post IN ({','.join(map(str, piece))}) AND {plan.where}"
            " AND (m.post < ? OR m.id < ?) ORDER BY m.post DESC, m.id DESC"
        )
        rows = db.execute(sql, (*plan.given, plan.high, plan.below)).fetchall()
        place = {post: number for number, post in enumerate(piece)}
        yield from sorted(rows, key=lambda row: place[row["post"]])


def _by_table(db: sqlite3.Connection, plan: Plan, look: int) -> Iterator[sqlite3.Row]:
    """Nothing that the index knows: the mentions themselves, backwards."""
    sql = (
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE m.post BETWEEN ? AND ? AND (m.post < ? OR m.id < ?) AND {plan.where}"
        " ORDER BY m.post DESC, m.id DESC LIMIT ?"
    )
    high, below = plan.high, plan.below
    while rows := db.execute(sql, (plan.low, high, high, below, *plan.given, look)).fetchall():
        yield from rows
        high, below, look = rows[-1]["post"], rows[-1]["id"], LONGEST_LOOK


def _worst_first(db: sqlite3.Connection, plan: Plan, last: sqlite3.Row | None) -> Iterator[sqlite3.Row]:
    """Few hits are sorted; of many, the index gives one severity after the other, each newest first."""
    found = _all_of(plan.words, plan.tags)
    if found and len(few := _hits(db, found, (plan.low, plan.high), FEW)) < FEW:
        rows = sorted(_rows(db, plan, few), key=_severity)
        yield from (row for row in rows if last is None or _severity(row) > _severity(last))
        return
    for level in _levels(db, plan):
        if last is None or level < last["severity"]:
            yield from _of_level(db, plan, level)
        elif level == last["severity"]:
            yield from _of_level(db, _behind(plan, last), level)


def _severity(row: sqlite3.Row) -> tuple[int, int, int]:
    """Worst first, then newest."""
    return -row["severity"], -row["post"], -row["id"]


def _of_level(db: sqlite3.Connection, plan: Plan, level: int) -> Iterator[sqlite3.Row]:
    tags = narrowed((*plan.columns, Field("severity", ":", str(level)))) if level else plan.tags
    where, given = f"{plan.where} AND m.severity = ?", (*plan.given, level)
    at_level = replace(plan, words=_all_of(plan.words, tags), tags="", where=where, given=given)
    return _newest_first(db, at_level, FIRST_LOOK)


def _levels(db: sqlite3.Connection, plan: Plan) -> list[int]:
    """The severities that mentions of this kind have, worst first: the others are not asked for in vain."""
    where, given = plan.levels
    sql = f"SELECT DISTINCT severity FROM levels m WHERE {where or 'true'} ORDER BY severity DESC"
    return [level for (level,) in db.execute(sql, given)] + [0] * harmless(plan.columns)


def _all_of(*expressions: str) -> str:
    return " AND ".join(filter(None, expressions))


def _best_first(db: sqlite3.Connection, plan: Plan) -> Iterator[sqlite3.Row]:
    hits = _hits(db, _all_of(plan.words, plan.tags), (plan.low, plan.high), RANKED)
    yield from _rows(db, plan, best_first(plan.ranked, _said(db, hits)))


def _said(db: sqlite3.Connection, posts: Sequence[int]) -> Iterator[tuple[int, str]]:
    """In falling order of their ids, a few texts at a time."""
    for start in range(0, len(posts), LONGEST_LOOK):
        piece = ",".join(map(str, posts[start : start + LONGEST_LOOK]))
        for row in db.execute(f"SELECT id, title, text FROM posts WHERE id IN ({piece}) ORDER BY id DESC").fetchall():
            yield row["id"], fold(f"{row['title']}\n{row['text']}" if row["title"] else row["text"])


def _verified(node: Node, row: sqlite3.Row) -> bool:
    arrived: datetime = moment(row["arrived"])
    facts = {
        **{name: row[name] for name in ("brand", "verdict", "severity", "priority", "cause", "owner", "status")},
        "outcome": row["outcome"],
        "promise": row["promise"],
        "answer": row["answered"],
        "case": row["case_id"],
        "posted": min(moment_or_none(row["created"]) or arrived, arrived),
    }
    return holds(node, document(stored_post(row)), facts)
