"""The mention history. Answers come from the newest back, and work stops when the page is full.

The index is asked for post ids in falling order, a few at a time; SQL then decides about the mentions of those posts,
and listener.search.holds about their text. When the words alone let too much through, tags in the index (indexing.py)
pass over the posts of other brands, verdicts and so on. Relevance ranks the newest hits only: ranking every hit of a
common word would take seconds.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from listener.query import And, Field, Node, Not, Or, Word, document, to_fts
from listener.search import OF_CASE, holds, instant, split
from listener.storage.contract import MentionRow, Question, Sort, State
from listener.storage.sqlite.indexing import tag
from listener.storage.sqlite.rows import MENTION, mention_row, moment, moment_or_none, stamp, stored_post

RANKED = 2_000  # hits that relevance looks at
FEW = 500  # hits that are sorted by severity in one go
FIRST_LOOK, LONGEST_LOOK = 64, 256  # posts looked at in one go
TAGGED = ("brand", "verdict", "priority", "source")
_TABLES = "mentions m CROSS JOIN posts p ON p.id = m.post LEFT JOIN cases c ON c.id = m.case_id"
_COLUMNS = f"{MENTION}, p.heard AS arrived, c.owner, c.status, c.outcome, c.promise"
_POSTED = "min(coalesce(p.created, p.heard), p.heard)"
_COLUMN = {
    "brand": "m.brand", "verdict": "m.verdict", "priority": "m.priority", "cause": "m.cause", "owner": "c.owner",
    "status": "c.status", "outcome": "c.outcome", "source": "p.source", "kind": "p.kind",
}  # fmt: skip
_HAS = {"case": "m.case_id IS NOT NULL", "owner": "c.owner <> ''", "promise": "c.promise <> ''",
        "outcome": "c.outcome <> ''"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """How a question is answered."""

    words: str  # what the index is asked for; "" when it cannot help
    tags: str  # what narrows it further
    where: str
    given: tuple[Any, ...]
    verify: Node | None
    low: int  # ids of posts: from here
    high: int  # to here
    below: int  # mentions of the post `high` count only below this id


def mentions(db: sqlite3.Connection, question: Question) -> Iterator[MentionRow]:
    """Lazily; between two pieces nothing is held open."""
    plan, left = _plan(db, question), question.limit
    for row in _candidates(db, plan, question):
        if plan.verify is None or _verified(plan.verify, row):
            yield mention_row(row)
            left -= 1
        if left <= 0:
            return


def of_case(db: sqlite3.Connection, case_id: int) -> tuple[MentionRow, ...]:
    sql = f"SELECT {MENTION} FROM mentions m JOIN posts p ON p.id = m.post WHERE m.case_id = ? ORDER BY m.id"
    return tuple(map(mention_row, db.execute(sql, (case_id,)).fetchall()))


def _plan(db: sqlite3.Connection, question: Question) -> Plan:
    parts = split(question.query)
    conditions = [_sql(node) for node in parts.columns]
    conditions += [
        (f"{_POSTED} {op} ?", (stamp(at),)) for op, at in ((">=", question.since), ("<", question.until)) if at
    ]
    low, high = _days(db, question)
    post, below = _page(db, question)
    return Plan(
        words=_words(parts.text),
        tags=" AND ".join(narrow for node in parts.columns if (narrow := _tags(node))),
        where=" AND ".join(f"({sql})" for sql, _ in [("m.state <> ?", ()), *conditions]),
        given=(State.ERASED, *(value for _, values in conditions for value in values)),
        verify=None if parts.text and to_fts(parts.text).exact else parts.text,
        low=low,
        high=min(high, post),
        below=below if post <= high else 1 << 62,
    )


def _days(db: sqlite3.Connection, question: Question) -> tuple[int, int]:
    """Ids of the posts that can lie in that time: nobody hears a post before it is posted."""
    low, high = 0, 1 << 62
    if question.since:
        sql = "SELECT min(first) FROM arrivals WHERE day >= ?"
        low = db.execute(sql, (stamp(question.since)[:10],)).fetchone()[0] or high
    if question.until:
        high = (
            db.execute("SELECT max(last) FROM arrivals WHERE oldest < ?", (stamp(question.until),)).fetchone()[0] or 0
        )
    return low, high


def _page(db: sqlite3.Connection, question: Question) -> tuple[int, int]:
    """The post and the mention id below which this page begins."""
    if question.before is None or question.sort is not Sort.NEWEST:
        return 1 << 62, 1 << 62
    row = db.execute("SELECT post FROM mentions WHERE id = ?", (question.before,)).fetchone()
    return (row["post"], question.before) if row else (0, 0)


def _words(node: Node | None) -> str:
    """An index expression that misses nothing."""
    items = node.items if isinstance(node, And) else (node,) if node else ()
    plain = [item for item in items if not isinstance(item, Field)]
    said = to_fts(And(tuple(plain))).expression if plain else ""
    authors = [
        to_fts(Word(i.value.lstrip("@"))).expression for i in items if isinstance(i, Field) and i.name == "author"
    ]
    titles = [to_fts(Word(i.value)).expression for i in items if isinstance(i, Field) and i.name == "title"]
    narrow = [("body", said), *(("author", each) for each in authors), *(("body", each) for each in titles)]
    return " AND ".join(f"({column} : ({expression}))" for column, expression in narrow if expression)


def _tags(node: Node) -> str:
    match node:
        case Field(name="severity", op=op, value=value):
            return _bands(op, int(value))
        case Field(name=name, value=value) if name in TAGGED:
            return f"(tags : {tag(name, value)})"
        case Field(name=name) if name in OF_CASE:
            return f"(tags : {tag('has', 'case')})"
        case Or(items=items):
            each = [_tags(item) for item in items]
            return f"({' OR '.join(each)})" if all(each) else ""
        case And(items=items):
            return " AND ".join(narrow for item in items if (narrow := _tags(item)))
        case _:
            return ""


def _bands(op: str, value: int) -> str:
    low = value // 10 if op not in ("<", "<=") else 0
    high = value // 10 if op not in (">", ">=") else 10
    return f"(tags : ({' OR '.join(f'band_{band}' for band in range(low, high + 1))}))"


def _sql(node: Node) -> tuple[str, tuple[Any, ...]]:
    match node:
        case Field():
            return _condition(node)
        case And(items=items) | Or(items=items):
            each = [_sql(item) for item in items]
            word = " AND " if isinstance(node, And) else " OR "
            return f"({word.join(sql for sql, _ in each)})", tuple(value for _, values in each for value in values)
        case Not(item=item):
            sql, values = _sql(item)
            return f"NOT coalesce({sql}, 0)", values
        case _:
            raise TypeError(f"{node!r:.80} is not answered from columns")


def _condition(field: Field) -> tuple[str, tuple[Any, ...]]:
    match field.name:
        case "severity":
            return f"m.severity {'=' if field.op == ':' else field.op} ?", (int(field.value),)
        case "since":
            return f"{_POSTED} >= ?", (stamp(instant(field.value)),)
        case "until":
            return f"{_POSTED} < ?", (stamp(instant(field.value)),)
        case "has":
            return _HAS[field.value], ()
        case name:
            return f"folded(coalesce({_COLUMN[name]}, '')) = ?", (field.value,)


def _candidates(db: sqlite3.Connection, plan: Plan, question: Question) -> Iterator[sqlite3.Row]:
    if question.sort is Sort.SEVERITY:
        return _worst_first(db, plan)
    if question.sort is Sort.RELEVANCE and plan.words:
        return _best_first(db, plan)
    return _newest_first(db, plan, min(max(question.limit, FIRST_LOOK), LONGEST_LOOK))


def _newest_first(db: sqlite3.Connection, plan: Plan, look: int) -> Iterator[sqlite3.Row]:
    if not (plan.words or plan.tags):
        yield from _by_table(db, plan, look)
        return
    expression, high, below = plan.words or plan.tags, plan.high, plan.below
    while hits := _hits(db, expression, (plan.low, high), look):
        yield from _rows(db, replace(plan, high=high, below=below), hits)
        if len(hits) < look:
            return
        expression = _all_of(plan.words, plan.tags)  # the words alone let too much through
        high, below, look = hits[-1] - 1, 1 << 62, LONGEST_LOOK


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


def _worst_first(db: sqlite3.Connection, plan: Plan) -> Iterator[sqlite3.Row]:
    """Few hits are sorted; of many, the index gives one severity after the other, each newest first."""
    found, between = _all_of(plan.words, plan.tags), (plan.low, plan.high)
    if found and len(few := _hits(db, found, between, FEW)) < FEW:
        yield from sorted(_rows(db, plan, few), key=lambda row: -int(row["severity"]))
        return
    for band in range(10, -1, -1):
        if _hits(db, _all_of(found, f"(tags : band_{band})"), between, 1):
            for level in range(min(band * 10 + 9, 100), band * 10 - 1, -1):
                yield from _of_severity(db, plan, level)


def _of_severity(db: sqlite3.Connection, plan: Plan, level: int) -> Iterator[sqlite3.Row]:
    words = _all_of(plan.words, plan.tags, f"(tags : {tag('severity', str(level))})")
    where, given = f"{plan.where} AND m.severity = ?", (*plan.given, level)
    return _newest_first(db, replace(plan, words=words, tags="", where=where, given=given), FIRST_LOOK)


def _all_of(*expressions: str) -> str:
    return " AND ".join(filter(None, expressions))


def _best_first(db: sqlite3.Connection, plan: Plan) -> Iterator[sqlite3.Row]:
    """BM25 over the words; tags weigh nothing (https://www.sqlite.org/fts5.html#the_bm25_function)."""
    expression = _all_of(plan.words, plan.tags)
    floor = db.execute(
        "SELECT rowid FROM posts_fts WHERE posts_fts MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid DESC LIMIT 1"
        " OFFSET ?",
        (expression, plan.low, plan.high, RANKED - 1),
    ).fetchone()
    best = db.execute(
        "SELECT rowid FROM posts_fts WHERE posts_fts MATCH ? AND rowid BETWEEN ? AND ?"
        " ORDER BY bm25(posts_fts, 1.0, 1.0, 0.0), rowid DESC",
        (expression, floor["rowid"] if floor else plan.low, plan.high),
    ).fetchall()
    yield from _rows(db, plan, [post for (post,) in best])


def _verified(node: Node, row: sqlite3.Row) -> bool:
    arrived: datetime = moment(row["arrived"])
    facts = {
        **{name: row[name] for name in ("brand", "verdict", "severity", "priority", "cause", "owner", "status")},
        "outcome": row["outcome"],
        "promise": row["promise"],
        "case": row["case_id"],
        "posted": min(moment_or_none(row["created"]) or arrived, arrived),
    }
    return holds(node, document(stored_post(row)), facts)
