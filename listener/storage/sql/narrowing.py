"""Conditions on brand, verdict, severity … -> what is asked of the tags (tagging.py). Pure.

It finds at least everything that is asked for. What stands together in one tag is asked for together: an index that
has to hold two long lists against each other reads both to their ends.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from listener.query import And, Field, Node, Or, Word
from listener.search import OF_CASE
from listener.storage.sql.database import Ask
from listener.storage.sql.tagging import band, judged, tag
from listener.triage import Verdict

HIGHEST = 100
TOGETHER = ("brand", "verdict", "severity")
ALONE = ("priority", "source")


def narrowed(columns: Sequence[Node]) -> list[Ask]:
    """All of these conditions; nothing when no tag helps."""
    parts = [_one(_together(columns)), *map(_tags, columns)]
    return [("tags", part) for part in parts if part]


def harmless(columns: Iterable[Node]) -> bool:
    """Can what meets these conditions have a severity of 0?"""
    return _together(columns).low <= 0


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is asked of one mention."""

    brand: str = ""
    verdict: str = ""
    low: int = 0
    high: int = HIGHEST


def _together(columns: Iterable[Node]) -> _Facts:
    fields = [node for node in columns if isinstance(node, Field) and node.name in TOGETHER]
    plain = {field.name: field.value for field in fields}
    ranges = [_range(field) for field in fields if field.name == "severity"]
    return _Facts(
        brand=plain.get("brand", ""),
        verdict=plain.get("verdict", ""),
        low=max((low for low, _ in ranges), default=0),
        high=min((high for _, high in ranges), default=HIGHEST),
    )


def _range(field: Field) -> tuple[int, int]:
    value = int(field.value)
    match field.op:
        case ">=":
            return value, HIGHEST
        case ">":
            return value + 1, HIGHEST
        case "<=":
            return 0, value
        case "<":
            return 0, value - 1
        case _:
            return value, value


def _one(facts: _Facts) -> Node | None:
    """A severity is nearly always a complaint's, so its tag is enough; a severity of 0 has none."""
    if facts.low > 0:
        severe = _severe(facts)
        return severe if facts.verdict in ("", Verdict.COMPLAINT) else _all([severe, _said(facts)])
    return _said(facts)


def _severe(facts: _Facts) -> Node:
    if facts.low == facts.high:
        exactly = Word(tag("severity", str(facts.low)))
        return And((Word(band(facts.low, facts.brand)), exactly)) if facts.brand else exactly
    tens = range(facts.low // 10, max(facts.low, facts.high) // 10 + 1)
    return _any(Word(band(value * 10, facts.brand)) for value in tens)


def _said(facts: _Facts) -> Node | None:
    if facts.brand and facts.verdict:
        return Word(judged(facts.brand, facts.verdict))
    return next((Word(tag(name, value)) for name in ("brand", "verdict") if (value := getattr(facts, name))), None)


def _any(nodes: Iterable[Node]) -> Node:
    each = tuple(nodes)
    return Or(each) if len(each) > 1 else each[0]


def _all(nodes: Iterable[Node | None]) -> Node | None:
    each = tuple(node for node in nodes if node)
    return And(each) if len(each) > 1 else each[0] if each else None


def _tags(node: Node) -> Node | None:
    """Of a condition that nothing else is joined with."""
    match node:
        case Field(name=name, value=value) if name in ALONE:
            return Word(tag(name, value))
        case Field(name=name) if name in OF_CASE:
            return Word(tag("has", "case"))
        case Or(items=items):
            each = [_one(_together([item])) or _tags(item) for item in items]
            return _any(node for node in each if node) if all(each) else None
        case And(items=items):
            return _all((_one(_together(items)), *map(_tags, items)))
        case _:
            return None
