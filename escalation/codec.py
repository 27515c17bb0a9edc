"""Events <-> JSON. The class's name is the kind; fields that were added later take their default. Pure."""

import types
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from escalation.events import Event

_KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}


def encode(event: Event) -> dict[str, Any]:
    return {"kind": type(event).__name__, **_plain(event)}


def decode(document: dict[str, Any]) -> Event:
    """Raises ValueError for a kind that this version does not know."""
    kind: Any = _KINDS.get(document.get("kind", ""))
    if kind is None:
        raise ValueError(f"unknown event {document.get('kind')!r}: this timeline was written by a newer version")
    return _reader(kind)(document)  # type: ignore[no-any-return]


_AS_IT_IS = frozenset((str, int, float, bool, type(None)))


def _plain(value: Any) -> Any:
    if type(value) in _AS_IT_IS:
        return value
    if isinstance(value, date):  # and datetime, which is one
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


Reader = Callable[[Any], Any]


@cache
def _reader(hint: Any) -> Any:
    """How a value of this type is read. Worked out once for each type: every look and every audit reads timelines."""
    if get_origin(hint) in (types.UnionType, Union):
        there = _reader(next(arm for arm in get_args(hint) if arm is not type(None)))
        return lambda value: None if value is None else there(value)
    if get_origin(hint) is tuple:
        each = _reader(get_args(hint)[0])
        return lambda value: tuple(map(each, value))
    if hint in (date, datetime):
        return hint.fromisoformat
    if hint is timedelta:
        return lambda value: timedelta(seconds=value)
    return _builder(hint) if is_dataclass(hint) else hint


def _builder(kind: Any) -> Reader:
    hints = get_type_hints(kind)
    readers = [(field.name, _reader(hints[field.name])) for field in fields(kind)]

    def build(document: Any) -> Any:
        return kind(**{name: read(document[name]) for name, read in readers if name in document})

    return build
