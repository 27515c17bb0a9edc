"""What a search asks: the query's text and the flags of the command line -> Question, and how a store answers it. Pure.

A store answers `columns` by itself (brand, verdict, severity …), narrows by `text` with its index, and holds each row
it found against `holds`, which is what a query means.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from listener import durations
from listener.query import And, Document, Field, Node, Not, Or, QueryError, fold, matches, parse
from listener.storage.contract import Question, Sort

Ordered = TypeVar("Ordered", int, datetime)
ORDERED = ("severity", "heard")
TIMES = ("since", "until")
HAS = ("case", "owner", "promise", "outcome", "answer", "coordination")
CHOICES = {
    "verdict": ("complaint", "praise", "question", "other"),
    "priority": ("p1", "p2", "p3", "p4"),
    "status": ("open", "acknowledged", "reported", "closed", "dismissed"),
    "has": HAS,
}
OF_CASE = ("owner", "status", "outcome", "has")
# only a search has these
COLUMNS = ("brand", "verdict", "severity", "priority", "cause", "since", "until", "heard", *OF_CASE)
ANSWERED = (*COLUMNS, "source", "kind")  # what a store answers from its columns


def question(
    text: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    sort: Sort = Sort.NEWEST,
    limit: int = 50,
    before: int | None = None,
    now: datetime | None = None,
) -> Question:
    """An empty text asks for everything. `now` is what "since:7d" counts from. Raises QueryError."""
    tree = parse(text) if text.strip() else None
    for field in fields(tree):
        _check(field, text, now)
    items = tuple(_dated(item, now) for item in _conjuncts(tree))
    starts = [since, *(item.since for item in items if isinstance(item, _Window))]
    ends = [until, *(item.until for item in items if isinstance(item, _Window))]
    rest = tuple(item for item in items if not isinstance(item, _Window))
    return Question(
        query=_joined(rest),
        since=max((at for at in starts if at), default=None),
        until=min((at for at in ends if at), default=None),
        sort=sort,
        limit=limit,
        before=before,
    )


@dataclass(frozen=True, slots=True)
class _Window:
    since: datetime | None = None
    until: datetime | None = None


def _dated(item: Node, now: datetime | None) -> Node | _Window:
    match item:
        case Field(name="since", value=value):
            return _Window(since=instant(value, now))
        case Field(name="until", value=value):
            return _Window(until=instant(value, now))
        case Field(name="heard"):
            return _fixed(item, now)
        case Not(item=inner):
            return Not(_fixed(inner, now))
        case Or(items=items) | And(items=items):
            return type(item)(tuple(_fixed(each, now) for each in items))
        case _:
            return item


def _fixed(item: Node, now: datetime | None) -> Node:
    """Inside OR and NOT a time stays where it is, but no longer depends on when it is read."""
    if isinstance(item, Field) and item.name in (*TIMES, "heard"):
        return Field(item.name, item.op, instant(item.value, now).isoformat())
    dated = _dated(item, now)
    return item if isinstance(dated, _Window) else dated


def newly(since: datetime, until: datetime) -> tuple[Field, Field]:
    """What was heard after `since`, and until then."""
    return Field("heard", ">", since.isoformat()), Field("heard", "<=", until.isoformat())


def of_brands(query: Node | None, brands: Collection[str]) -> Node | None:
    """The same, of these brands and no others; of all, when none is named."""
    if not brands:
        return query
    only = Or(tuple(Field("brand", ":", fold(brand)) for brand in brands))
    return And((only, query)) if query else only


def instant(value: str, now: datetime | None = None) -> datetime:
    """A day, a time, or with `now` a duration back from it. Raises ValueError."""
    if now:
        return durations.moment(value, now, past=True).astimezone(UTC)
    stated = datetime.fromisoformat(value)
    return (stated if stated.tzinfo else stated.replace(tzinfo=UTC)).astimezone(UTC)


def _check(field: Field, text: str, now: datetime | None) -> None:
    if wrong := _wrong(field, now):
        raise QueryError(wrong, text, _column(field, text))


def _wrong(field: Field, now: datetime | None) -> str:
    """What to write instead; "" when it is well."""
    name, value = field.name, field.value
    if field.op != ":" and name not in ORDERED:
        return f"{name} is not a number; write {name}:{value}"
    if name == "heard" and field.op == ":":
        return "heard takes >=, >, <= or <, and a day or a time; write for example heard>=2026-05-01"
    if name == "severity" and not (value.isascii() and value.isdigit() and int(value) <= 100):
        return f"{name} is a number from 0 to 100; write for example {name}>=60"
    if name in CHOICES and value not in CHOICES[name]:
        return f"{name}: knows {', '.join(CHOICES[name])}"
    if name in (*TIMES, "heard"):
        try:
            instant(value, now)
        except (ValueError, OverflowError):
            op = ">=" if name == "heard" else ":"
            return f"{name}{op} takes a day, {name}{op}2026-05-01" + (", or a duration, 7d" if now else "")
    return ""


def _column(field: Field, text: str) -> int:
    """Where it stands; the words of a quoted phrase are no field."""
    names = {field.name, "from"} if field.name == "author" else {field.name}
    for found in re.finditer(r'(?<!:)"[^"]*"|(?<![\w"])([a-z]+)(>=|<=|[:<>=])("?)', text, re.IGNORECASE):
        value = fold(text[found.end() :])
        if found[1] and found[1].lower() in names and found[2] == field.op and value.startswith(fold(field.value)):
            return found.start() + 1
    return 1


def fields(tree: Node | None) -> Iterator[Field]:
    match tree:
        case Field():
            yield tree
        case And(items=items) | Or(items=items):
            for item in items:
                yield from fields(item)
        case Not(item=item):
            yield from fields(item)
        case _:
            return


@dataclass(frozen=True, slots=True)
class Parts:
    """A query, split by who answers it."""

    columns: tuple[Node, ...]  # trees of nothing but ANSWERED fields: the store decides them
    text: Node | None  # the rest, for the index and for `holds`


def split(tree: Node | None) -> Parts:
    items = tuple(_conjuncts(tree))
    columns = tuple(item for item in items if _answered(item))
    return Parts(columns, _joined(tuple(item for item in items if not _answered(item))))


def _conjuncts(tree: Node | None) -> Iterator[Node]:
    match tree:
        case None:
            return
        case And(items=items):
            for item in items:
                yield from _conjuncts(item)
        case _:
            yield tree


def _joined(items: tuple[Node, ...]) -> Node | None:
    return And(items) if len(items) > 1 else items[0] if items else None


def _answered(tree: Node) -> bool:
    match tree:
        case Field(name=name):
            return name in ANSWERED
        case And(items=items) | Or(items=items):
            return all(_answered(item) for item in items)
        case Not(item=item):
            return _answered(item)
        case _:
            return False


def holds(tree: Node, doc: Document, facts: Mapping[str, Any]) -> bool:
    """What a query means of one mention. `facts`: the value of each of COLUMNS; times as datetime under "posted"."""
    match tree:
        case And(items=items):
            return all(holds(item, doc, facts) for item in items)
        case Or(items=items):
            return any(holds(item, doc, facts) for item in items)
        case Not(item=item):
            return not holds(item, doc, facts)
        case Field(name=name) if name in COLUMNS:
            return _column_holds(tree, facts)
        case _:
            return matches(tree, doc)


def _column_holds(field: Field, facts: Mapping[str, Any]) -> bool:
    match field.name:
        case "severity":
            return compared(int(facts["severity"]), field.op, int(field.value))
        case "heard":
            return compared(facts["heard"], field.op, instant(field.value))
        case "since":
            return bool(facts["posted"] >= instant(field.value))
        case "until":
            return bool(facts["posted"] < instant(field.value))
        case "has":
            return bool(facts[field.value])
        case name:
            return fold(str(facts[name] or "")) == field.value


def compared(value: Ordered, op: str, other: Ordered) -> bool:
    match op:
        case ">=":
            return value >= other
        case "<=":
            return value <= other
        case ">":
            return value > other
        case "<":
            return value < other
        case _:
            return value == other
