"""The mention history: a query becomes an index expression, SQL conditions, and a last look at each row.

Newest first walks the rowids backwards and stops as soon as the page is full; relevance ranks the newest hits only, so
that the commonest word costs no more than a rare one.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from listener.query import Document, Field, Node, fold, matches, to_fts
from listener.query.tree import And, Not, Or
from listener.search import day
from listener.storage.contract import MentionRow, Question, Sort, State
from listener.storage.sqlite.rows import MENTION, mention_row, stamp

RANKED = 2_000  # hits that relevance looks at
COLUMNS = {"brand": "m.brand", "verdict": "m.verdict", "priority": "m.priority", "cause": "m.cause"}
OF_CASE = {"owner": "owner", "status": "status"}


@dataclass(frozen=True, slots=True)
class Plan:
    sql: str
    given: tuple[object, ...]
    node: Node | None  # what each row must still be held against


def plan(question: Question) -> Plan:
    """Pure."""
    where, given = ["m.state <> ?"], list[object]([State.ERASED])
    for field in _conditions(question.query):
        condition, value = _condition(field)
        where.append(condition)
        given.append(value)
    for op, at in ((">=", question.since), ("<", question.until)):
        if at:
            where.append(f"coalesce(p.created, m.heard) {op} ?")
            given.append(stamp(at))
    expression = to_fts(question.query).expression if question.query else ""
    base = f"SELECT {MENTION} FROM mentions m JOIN posts p ON p.id = m.post WHERE {' AND '.join(where)}"
    if not expression:
        return _by_column(base, question, given)
    return _by_index(where, question, given, expression)


def _by_column(base: str, question: Question, given: list[object]) -> Plan:
    if question.before is not None:
        base, given = f"{base} AND m.id < ?", [*given, question.before]
    order = "m.severity DESC, m.id DESC" if question.sort is Sort.SEVERITY else "m.id DESC"
    return Plan(f"{base} ORDER BY {order}", tuple(given), question.query)


def _by_index(where: list[str], question: Question, given: list[object], expression: str) -> Plan:
    """The index's own order is the posts' order, and the mentions of one post stand together."""
    conditions = " AND ".join(where)
    if question.before is not None:
        newest = "f.rowid <= (SELECT post FROM mentions WHERE id = ?)"
        conditions, given = f"{newest} AND m.id < ? AND {conditions}", [question.before, question.before, *given]
    tables = "posts_fts f JOIN mentions m ON m.post = f.rowid JOIN posts p ON p.id = f.rowid"
    if question.sort is Sort.NEWEST:
        sql = (
            f"SELECT {MENTION} FROM {tables} WHERE posts_fts MATCH ? AND {conditions} ORDER BY f.rowid DESC, m.id DESC"
        )
        return Plan(sql, (expression, *given), question.query)
    order = "m.severity DESC" if question.sort is Sort.SEVERITY else "rank"
    floor = (
        "coalesce((SELECT rowid FROM posts_fts WHERE posts_fts MATCH ? ORDER BY rowid DESC LIMIT 1"
        f" OFFSET {RANKED - 1}), 0)"
    )
    sql = (
        f"SELECT {MENTION} FROM {tables} WHERE posts_fts MATCH ? AND f.rowid >= {floor} AND {conditions}"
        f" ORDER BY {order}, m.id DESC"
    )
    return Plan(sql, (expression, expression, *given), question.query)


def _conditions(node: Node | None) -> list[Field]:
    """Fields that every match must meet, and that the store can answer by itself."""
    match node:
        case Field(name=name) if name in COLUMNS or name in OF_CASE or name in ("severity", "since", "until"):
            return [node]
        case And(items=items):
            return [field for item in items for field in _conditions(item)]
        case _:
            return []


def _condition(field: Field) -> tuple[str, object]:
    op = "=" if field.op == ":" else field.op
    if field.name == "severity":
        return f"m.severity {op} ?", int(field.value)
    if field.name in ("since", "until"):
        return f"coalesce(p.created, m.heard) {'>=' if field.name == 'since' else '<'} ?", stamp(day(field.value))
    if field.name in OF_CASE:
        return f"m.case_id IN (SELECT id FROM cases WHERE folded({OF_CASE[field.name]}) = ?)", field.value
    return f"folded({COLUMNS[field.name]}) = ?", field.value


def rows(db: sqlite3.Connection, question: Question) -> Iterator[MentionRow]:
    """Lazily: the caller takes as many as it wants."""
    made, found = plan(question), 0
    for row in db.execute(made.sql, made.given):
        if made.node is None or holds(made.node, row, db):
            yield mention_row(row)
            found += 1
            if found >= question.limit:
                return


def holds(node: Node, row: sqlite3.Row, db: sqlite3.Connection) -> bool:
    """The reference meaning, with the fields that only a stored mention has."""
    match node:
        case And(items=items):
            return all(holds(item, row, db) for item in items)
        case Or(items=items):
            return any(holds(item, row, db) for item in items)
        case Not(item=item):
            return not holds(item, row, db)
        case Field(name=name) if name in COLUMNS or name in OF_CASE or name in ("severity", "since", "until", "has"):
            return _field(node, row, db)
        case _:
            return matches(node, _document(row))


def _field(field: Field, row: sqlite3.Row, db: sqlite3.Connection) -> bool:
    if field.name == "has":
        return bool(row["case_id"]) if field.value == "case" else False
    condition, value = _condition(field)
    found = db.execute(
        f"SELECT 1 FROM mentions m JOIN posts p ON p.id = m.post WHERE m.id = ? AND {condition}", (row["id"], value)
    ).fetchone()
    return found is not None


def _document(row: sqlite3.Row) -> Document:
    return Document(
        text=fold(f"{row['title']}\n{row['text']}"),
        title=fold(row["title"]),
        author=fold(f"{row['handle']} {row['author']}"),
        lang=row["lang"].lower(),
        site=row["site"].lower(),
        source=fold(row["source"]),
        kind=row["kind"],
        reply=bool(row["parent"]),
    )
