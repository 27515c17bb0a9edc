"""What a question asks of the index and of the tables: an expression, SQL conditions, a stretch of ids.

The expression finds at least everything that is asked for; SQL and `holds` have the last word.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from listener.query import And, Field, Node, Not, Or, Word
from listener.query.meaning import positive_words
from listener.search import fields, instant, split
from listener.storage.contract import Question, State
from listener.storage.sql.database import Ask, Database, Stretch
from listener.storage.sql.narrowing import narrowed
from listener.storage.sql.rows import stamp
from listener.storage.sql.tallies import POSTED

INSTANT = timedelta(microseconds=1)
MOST = 1 << 62  # greater than any id
LEVELLED = ("brand", "verdict", "priority", "severity")
_COLUMN = {
    "brand": "m.brand", "verdict": "m.verdict", "priority": "m.priority", "cause": "m.cause", "owner": "c.owner",
    "status": "c.status", "outcome": "c.outcome", "source": "p.source", "kind": "p.kind",
}  # fmt: skip
_HAS = {
    "case": "m.case_id IS NOT NULL", "answer": "c.answered IS NOT NULL", "owner": "coalesce(c.owner, '') <> ''",
    "promise": "coalesce(c.promise, '') <> ''", "outcome": "coalesce(c.outcome, '') <> ''",
    "coordination": "coalesce(c.coordinated, 0) <> 0",
}  # fmt: skip


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
    text: Node | None  # what only the index and the words themselves can say
    verify: Node | None  # what each row is held against; None: those that are in doubt, against the question
    doubt: tuple[str, tuple[Any, ...]]  # which these are; "": none
    stretch: Stretch
    below: int = MOST  # mentions of the highest post count only below this id


def plan(db: Database, question: Question) -> Plan:
    parts = split(question.query)
    conditions = [("m.state <> ?", (State.ERASED,)), *map(_sql, parts.columns)]
    conditions += [
        (f"{POSTED} {op} ?", (stamp(at),)) for op, at in ((">=", question.since), ("<", question.until)) if at
    ]
    where, given = _every(conditions)
    low, high = _between(db, question, parts.columns)
    return Plan(
        words=db.index.expression(_words(parts.text)),
        columns=parts.columns,
        tags=db.index.expression(narrowed(parts.columns)),
        ranked=tuple(dict.fromkeys(positive_words(parts.text))) if parts.text else (),
        where=where,
        given=given,
        levels=_every([_sql(node) for node in parts.columns if _of_level(node)]),
        text=parts.text,
        verify=None if parts.text is None or db.index.exact(parts.text) else parts.text,
        doubt=_doubt(db.index.doubt, conditions),
        stretch=Stretch(low, high, question.since, question.until),
    )


def _between(db: Database, question: Question, columns: Sequence[Node]) -> tuple[int, int]:
    """Ids of the posts that can lie in that time: nobody hears a post before it is posted, and what was heard before
    then was posted before. A post that came long ago may speak of a brand only since it was edited."""
    heard = [(node.op, instant(node.value)) for node in columns if isinstance(node, Field) and node.name == "heard"]
    since = max((at for op, at in heard if op[0] == ">"), default=None)
    until = min(
        (at for at in (question.until, *(at + INSTANT for op, at in heard if op[0] == "<")) if at), default=None
    )
    low = max(_lowest(db, question.since), _lowest(db, since, late=True))
    if until is None:
        return low, MOST
    return low, db.execute("SELECT max(last) FROM arrivals WHERE oldest < ?", (stamp(until),)).fetchone()[0] or 0


def _lowest(db: Database, since: datetime | None, *, late: bool = False) -> int:
    if since is None:
        return 0
    sql = "SELECT min(first), min(earliest) FROM arrivals WHERE day >= ?"
    first, earliest = db.execute(sql, (stamp(since)[:10],)).fetchone()
    return min(first or MOST, earliest if late and earliest is not None else MOST)


def _doubt(found: str, conditions: Sequence[tuple[str, tuple[Any, ...]]]) -> tuple[str, tuple[Any, ...]]:
    """Where the database does not know how letters fold, a condition is neither true nor false."""
    unsure = [(sql, given) for sql, given in conditions if "folded(" in sql] if found else []
    return " OR ".join(filter(None, (found, *(f"({sql}) IS NULL" for sql, _ in unsure)))), tuple(
        value for _, given in unsure for value in given
    )


def _every(conditions: Sequence[tuple[str, tuple[Any, ...]]]) -> tuple[str, tuple[Any, ...]]:
    """A condition that the database is not sure of lets the row pass."""
    given = tuple(value for _, each in conditions for value in each)
    return " AND ".join(f"coalesce({sql}, true)" for sql, _ in conditions), given


def _of_level(node: Node) -> bool:
    """Does it ask for nothing but what `levels` knows?"""
    return all(field.name in LEVELLED for field in fields(node))


def _words(node: Node | None) -> list[Ask]:
    """What misses nothing."""
    items = node.items if isinstance(node, And) else (node,) if node else ()
    plain = tuple(item for item in items if not isinstance(item, Field))
    fields = [item for item in items if isinstance(item, Field)]
    authors = [Word(field.value.lstrip("@")) for field in fields if field.name == "author"]
    titles = [Word(field.value) for field in fields if field.name == "title"]
    said: list[Ask] = [("body", And(plain))] if plain else []
    return [*said, *(("author", each) for each in authors), *(("body", each) for each in titles)]


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
            return f"NOT ({sql})", values
        case _:
            raise TypeError(f"{node!r:.80} is not answered from columns")


def _condition(field: Field) -> tuple[str, tuple[Any, ...]]:
    match field.name:
        case "severity":
            return f"m.severity {'=' if field.op == ':' else field.op} ?", (int(field.value),)
        case "heard":
            return f"m.heard {field.op} ?", (stamp(instant(field.value)),)
        case "since":
            return f"{POSTED} >= ?", (stamp(instant(field.value)),)
        case "until":
            return f"{POSTED} < ?", (stamp(instant(field.value)),)
        case "has":
            return _HAS[field.value], ()
        case name:
            return f"folded(coalesce({_COLUMN[name]}, '')) = ?", (field.value,)
