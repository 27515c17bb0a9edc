"""Ears: the outside world -> Post. Each platform is one module here, imported only when a source needs it.

To add one: a module with `Options` (a dataclass of what its [[source]] table may hold) and a class that keeps
contract.Connector, and one line in KINDS.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import timedelta
from importlib import import_module
from types import ModuleType
from typing import Any

from connectors.contract import Connector
from connectors.http import Web

KINDS = {  # kind -> where it lives: "module:class"
    "feed": "connectors.feed:FeedConnector",
    "replay": "connectors.replay:ReplayConnector",
}
_TYPES: dict[type, str] = {
    str: 'a text: "…"',
    bool: "true or false",
    int: "a whole number",
    timedelta: 'a duration: "7d"',
}


def open_connector(kind: str, name: str, options: Mapping[str, Any], web: Web) -> Connector:
    """`options` were checked by check_options and converted by the settings."""
    module, ear = _ear(kind)
    made = module.Options(**options)
    return ear(name, made, web) if _wants_web(ear) else ear(name, made)  # type: ignore[no-any-return]


def check_options(kind: str, options: Mapping[str, Any]) -> list[str]:
    """What is wrong with a [[source]] table of this kind, each with its mend."""
    if kind not in KINDS:
        return [f'kind: "{kind}" is not known; known are {", ".join(KINDS)}']
    known = {field.name: field for field in fields(_ear(kind)[0].Options)}
    problems = [f"{key}: is not a key here; known are {', '.join(known)}" for key in options.keys() - known.keys()]
    for name, field in known.items():
        if name not in options:
            if field.default is MISSING:
                problems.append(f'{name}: is missing; add {name} = "…"')
        elif not isinstance(options[name], field.type if isinstance(field.type, type) else object):
            problems.append(f"{name}: must be {_TYPES.get(field.type, 'something else')}")  # type: ignore[arg-type]
    return problems


def durations_of(kind: str) -> frozenset[str]:
    """Which options of this kind are durations, so that the settings can read them."""
    if kind not in KINDS:
        return frozenset()
    return frozenset(field.name for field in fields(_ear(kind)[0].Options) if field.type is timedelta)


def _ear(kind: str) -> tuple[ModuleType, Any]:
    path, _, name = KINDS[kind].partition(":")
    module = import_module(path)
    return module, getattr(module, name)


def _wants_web(ear: Any) -> bool:
    return "web" in ear.__init__.__annotations__
