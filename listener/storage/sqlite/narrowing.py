"""Conditions on brand, verdict, severity … -> an FTS5 expression over tags (indexing.py). Pure.

It finds at least everything that is asked for. What stands together in one tag is asked for together: an index that
has to hold two long lists against each other reads both to their ends.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from listener.query import And, Field, Node, Or
from listener.search import OF_CASE
from listener.storage.sqlite.indexing import band, judged, tag
from listener.triage import Verdict

HIGHEST = 100
TOGETHER = ("brand", "verdict", "severity")
ALONE = ("priority", "source")


def narrowed(columns: Sequence[Node]) -> str:
    """All of these conditions; "" when no tag helps."""
    parts = [_one(_together(columns)), *map(_tags, columns)]
    return " AND ".join(f"(tags : {part})" for part in parts if part)


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


def _one(facts: _Facts) -> str:
    """A severity is nearly always a complaint's, so its tag is enough; a severity of 0 has none."""
    if facts.low > 0:
        severe = _severe(facts)
        return severe if facts.verdict in ("", Verdict.COMPLAINT) else f"({severe} AND {_said(facts)})"
    return _said(facts)


def _severe(facts: _Facts) -> str:
    if facts.low == facts.high:
        exactly = tag("severity", str(facts.low))
        return f"({band(facts.low, facts.brand)} AND {exactly})" if facts.brand else exactly
    tens = range(facts.low // 10, max(facts.low, facts.high) // 10 + 1)
    return _any(band(value * 10, facts.brand) for value in tens)


def _said(facts: _Facts) -> str:
    if facts.brand and facts.verdict:
        return judged(facts.brand, facts.verdict)
    return tag("brand", facts.brand) if facts.brand else tag("verdict", facts.verdict) if facts.verdict else ""


def _any(tags: Iterable[str]) -> str:
    return f"({' OR '.join(tags)})"


def _tags(node: Node) -> str:
    """Of a condition that nothing else is joined with."""
    match node:
        case Field(name=name, value=value) if name in ALONE:
            return tag(name, value)
        case Field(name=name) if name in OF_CASE:
            return tag("has", "case")
        case Or(items=items):
            each = [_one(_together([item])) or _tags(item) for item in items]
            return _any(each) if all(each) else ""
        case And(items=items):
            both = [part for part in (_one(_together(items)), *map(_tags, items)) if part]
            return f"({' AND '.join(both)})" if both else ""
        case _:
            return ""
