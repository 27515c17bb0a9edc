"""What a search asks: the query's text, and the flags of the command line. Pure."""

from datetime import UTC, datetime

from listener.query import parse
from listener.query.parse import QueryError
from listener.query.tree import And, Field, Node, Not, Or
from listener.storage.contract import Question, Sort


def question(
    text: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    sort: Sort = Sort.NEWEST,
    limit: int = 50,
) -> Question:
    """An empty text asks for everything. Raises QueryError."""
    tree = parse(text) if text.strip() else None
    if tree:
        _check(tree, text)
    return Question(query=tree, since=since, until=until, sort=sort, limit=limit)


NUMBERS = ("severity",)
TIMES = ("since", "until")


def _check(tree: Node, text: str) -> None:
    for field in fields(tree):
        column = max(text.lower().find(f"{field.name}{field.op}"), 0) + 1
        if field.name in NUMBERS and not field.value.isdigit():
            raise QueryError(f"{field.name} is compared with a number: {field.name}>=60", text, column)
        if field.name in TIMES:
            _time(field, text, column)
        if field.op != ":" and field.name not in NUMBERS:
            raise QueryError(f"{field.name} is written with a colon: {field.name}:…", text, column)


def _time(field: Field, text: str, column: int) -> None:
    try:
        day(field.value)
    except ValueError:
        raise QueryError(f"{field.name}: takes a day, {field.name}:2026-05-01", text, column) from None


def day(value: str) -> datetime:
    stated = datetime.fromisoformat(value)
    return stated if stated.tzinfo else stated.replace(tzinfo=UTC)


def fields(tree: Node) -> list[Field]:
    match tree:
        case Field():
            return [tree]
        case And(items=items) | Or(items=items):
            return [field for item in items for field in fields(item)]
        case Not(item=item):
            return fields(item)
        case _:
            return []
