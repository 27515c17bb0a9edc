"""Ears: the outside world -> Post. Each platform is one module here, imported only when a source needs it.

To add one: a module with `Options` (a dataclass of what its [[source]] table may hold) and a class that keeps
contract.Connector, and one line in KINDS. Secrets are options made with contract.from_env. A platform that is searched
by words has a contract.Dialect named DIALECT in its module and `searches: tuple[str, ...] = from_house()` in its
Options (or `tracked`, the same brand by brand). What the platform never shows belongs in DEAF_TO, a tuple of sentences.
What is brought to us instead of fetched comes through connectors/inbound.py. What can be wrong with a table beyond the
types of its values is said by its module's `mistakes`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from datetime import timedelta
from importlib import import_module
from math import isfinite
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors.contract import Connector, Dialect
    from connectors.http import Web
    from connectors.inbox import Inbox

KINDS = {  # kind -> where it lives: "module:class"
    "appstore": "connectors.appstore:AppStoreConnector",
    "bluesky": "connectors.bluesky:BlueskyConnector",
    "discourse": "connectors.discourse:DiscourseConnector",
    "feed": "connectors.feed:FeedConnector",
    "googleplay": "connectors.googleplay:GooglePlayConnector",
    "hackernews": "connectors.hackernews:HackerNewsConnector",
    "imap": "connectors.imap:ImapConnector",
    "mastodon": "connectors.mastodon:MastodonConnector",
    "reddit": "connectors.reddit:RedditConnector",
    "replay": "connectors.replay:ReplayConnector",
    "reviews": "connectors.reviews:ReviewsConnector",
    "sitemap": "connectors.sitemap:SitemapConnector",
    "stackexchange": "connectors.stackexchange:StackExchangeConnector",
    "webhook": "connectors.webhook:WebhookConnector",
    "x": "connectors.x:XConnector",
    "youtube": "connectors.youtube:YouTubeConnector",
}
_TYPES: dict[Any, str] = {
    str: 'a text: "…"',
    bool: "true or false",
    int: "a whole number",
    float: "a number: 10.0",
    tuple[str, ...]: 'a list of texts: ["…", "…"]',
    Mapping[str, float]: "a table of numbers: { … = 1.5 }",
    timedelta: 'a duration: "7d"',
    Mapping[str, str]: 'a table of texts: { … = "…" }',
}
_EXAMPLES: dict[Any, str] = {str: '"…"', float: "10.0", int: "10", bool: "true", timedelta: '"7d"'}


def open_connector(
    kind: str, name: str, options: Mapping[str, Any], web: "Web", inbox: "Inbox | None" = None
) -> "Connector":
    """`options` were checked by check_options and converted by the settings. The ear gets what its __init__ names."""
    module, ear = _ear(kind)
    lists = {field.name for field in fields(module.Options) if field.type == tuple[str, ...]}
    made = module.Options(**{key: tuple(value) if key in lists else value for key, value in options.items()})
    given = {"web": web, "inbox": inbox}
    wanted = ear.__init__.__annotations__
    return ear(name, made, **{key: thing for key, thing in given.items() if key in wanted})  # type: ignore[no-any-return]


def check_options(kind: str, options: Mapping[str, Any]) -> list[str]:
    """What is wrong with a [[source]] table of this kind, each with its mend."""
    if kind not in KINDS:
        return [f'kind: "{kind}" is not known; known are {", ".join(KINDS)}']
    known = {field.name: field for field in fields(_ear(kind)[0].Options) if not field.metadata}
    problems = [_unknown(kind, key, known) for key in options if key not in known]
    for name, field in known.items():
        if name not in options:
            if field.default is MISSING and field.default_factory is MISSING:
                problems.append(f"{name}: is missing; add {name} = {_EXAMPLES.get(field.type, '…')}")
        elif not _fits(options[name], field.type):
            problems.append(f"{name}: must be {_TYPES.get(field.type, 'something else')}")
    return problems or getattr(_ear(kind)[0], "mistakes", _none)(options)


def _none(_: Mapping[str, Any]) -> list[str]:
    return []


def _unknown(kind: str, key: str, known: Iterable[str]) -> str:
    if variable := secrets_of(kind).get(key):
        return f"{key}: is a secret and does not belong in a file; set {variable} in the environment"
    return f"{key}: is not a key here; known are {', '.join(known)}"


def _fits(value: Any, wanted: Any) -> bool:
    if wanted == tuple[str, ...]:
        return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    if wanted == Mapping[str, float]:
        return isinstance(value, Mapping) and all(_fits(number, float) for number in value.values())
    if wanted is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    if wanted == Mapping[str, str]:
        return isinstance(value, Mapping) and all(isinstance(item, str) for item in value.values())
    return isinstance(value, wanted) and not (wanted in (int, float) and isinstance(value, bool))


def durations_of(kind: str) -> frozenset[str]:
    """Which options of this kind are durations, so that the settings can read them."""
    if kind not in KINDS:
        return frozenset()
    return frozenset(field.name for field in fields(_ear(kind)[0].Options) if field.type is timedelta)


def secrets_of(kind: str) -> dict[str, str]:
    """Option -> the environment variable that holds it."""
    if kind not in KINDS:
        return {}
    return {field.name: field.metadata["env"] for field in fields(_ear(kind)[0].Options) if "env" in field.metadata}


def told_by_house(kind: str) -> frozenset[str]:
    """Which options the house fills: contract.from_house."""
    if kind not in KINDS:
        return frozenset()
    return frozenset(field.name for field in fields(_ear(kind)[0].Options) if "house" in field.metadata)


def dialect_of(kind: str) -> "Dialect | None":
    """How this kind searches by words; None when it reads whatever there is."""
    return getattr(_ear(kind)[0], "DIALECT", None) if kind in KINDS else None


def deaf_to(kind: str) -> tuple[str, ...]:
    """What this kind can never hear, in sentences: its module's DEAF_TO."""
    return getattr(_ear(kind)[0], "DEAF_TO", ()) if kind in KINDS else ()


def needs_inbound(kind: str) -> bool:
    """Is a source of this kind deaf unless it can be called? Its module says INBOUND = True then."""
    return bool(getattr(_ear(kind)[0], "INBOUND", False)) if kind in KINDS else False


def _ear(kind: str) -> tuple[ModuleType, Any]:
    path, _, name = KINDS[kind].partition(":")
    module = import_module(path)
    return module, getattr(module, name)
