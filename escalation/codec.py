"""Events <-> JSON. The class's name is the kind; fields that were added later take their default. Pure."""

import types
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from escalation.events import Event

_KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}


def encode(event: Event) -> dict[str, Any]:
    return {"kind": type(event).__name__, **_plain(event)}


def decode(document: dict[str, Any]) -> Event:
    """Raises ValueError for a kind that this version does not know."""
    kind = _KINDS.get(document.get("kind", ""))
    if kind is None:
        raise ValueError(f"unknown event {document.get('kind')!r}: this timeline was written by a newer version")
    return _build(kind, document)  # type: ignore[no-any-return]


_AS_IT_IS = frozenset((str, int, float, bool, type(None)))


def _plain(value: Any) -> Any:
    if type(value) in _AS_IT_IS:
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    kind: Any = type(value)
    return {name: _plain(getattr(value, name)) for name in _names(kind)}


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _build(kind: Any, document: Any) -> Any:
    hints = _hints(kind)
    given = {
        field.name: _typed(hints[field.name], document[field.name])
        for field in fields(kind)
        if field.name in document or field.default is MISSING
    }
    return kind(**given)


def _typed(hint: Any, value: Any) -> Any:
    if get_origin(hint) in (types.UnionType, Union):
        return None if value is None else _typed(next(arm for arm in get_args(hint) if arm is not type(None)), value)
    if get_origin(hint) is tuple:
        return tuple(_typed(get_args(hint)[0], item) for item in value)
    if hint is datetime:
        return datetime.fromisoformat(value)
    if hint is timedelta:
        return timedelta(seconds=value)
    if is_dataclass(hint):
        return _build(hint, value)
    return hint(value)
