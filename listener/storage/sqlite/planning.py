"""What a question asks of the index and of the tables: an FTS5 expression, SQL conditions, a stretch of ids.

The expression finds at least everything that is asked for; SQL and `holds` have the last word.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from listener.query import And, Field, Node, Not, Or, Word, to_fts
from listener.query.meaning import positive_words
from listener.search import fields, instant, split
from listener.storage.contract import Question, State
from listener.storage.sqlite.narrowing import narrowed
from listener.storage.sqlite.rows import stamp

LEVELLED = ("brand", "verdict", "priority", "severity")
_POSTED = "min(coalesce(p.created, p.heard), p.heard)"
_COLUMN = {
    "brand": "m.brand", "verdict": "m.verdict", "priority": "m.priority", "cause": "m.cause", "owner": "c.owner",
    "status": "c.status", "outcome": "c.outcome", "source": "p.source", "kind": "p.kind",
}  # fmt: skip
_HAS = {"case": "m.case_id IS NOT NULL", "owner": "c.owner <> ''", "promise": "c.promise <> ''",
        "outcome": "c.outcome <> ''", "answer": "c.answered IS NOT NULL"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """How a question is answered."""

    words: str  # what the index is asked for; "" when it cannot help
    columns: tuple[Node, ...]  # what `where` is made of
    tags: str  # what they narrow it to
    ranked: tuple[Word, ...]  # what makes a hit relevant
    where: str
    given: tuple[Any, ...]
    levels: tuple[str, tuple[Any, ...]]  # those of the conditions that say which severities there can be
    verify: Node | None
    low: int  # ids of posts: from here
    high: int  # to here
    below: int = 1 << 62  # mentions of the post `high` count only below this id


def plan(db: sqlite3.Connection, question: Question) -> Plan:
    parts = split(question.query)
    conditions = [("m.state <> ?", (State.ERASED,)), *map(_sql, parts.columns)]
    conditions += [
        (f"{_POSTED} {op} ?", (stamp(at),)) for op, at in ((">=", question.since), ("<", question.until)) if at
    ]
    where, given = _every(conditions)
    low, high = _days(db, question)
    return Plan(
        words=_words(parts.text),
        columns=parts.columns,
        tags=narrowed(parts.columns),
        ranked=tuple(dict.fromkeys(positive_words(parts.text))) if parts.text else (),
        where=where,
        given=given,
        levels=_every([_sql(node) for node in parts.columns if _of_level(node)]),
        verify=None if parts.text and to_fts(parts.text).exact else parts.text,
        low=low,
        high=high,
    )


def _every(conditions: Sequence[tuple[str, tuple[Any, ...]]]) -> tuple[str, tuple[Any, ...]]:
    return " AND ".join(f"({sql})" for sql, _ in conditions), tuple(value for _, each in conditions for value in each)


def _of_level(node: Node) -> bool:
    """Does it ask for nothing but what `levels` knows?"""
    return all(field.name in LEVELLED for field in fields(node))


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
