"""What a platform's own search is asked for, so that it finds at least what the brands' queries mean. Pure.

Whatever a platform's dialect cannot say is left out, and what then comes too much is dropped when each post is held
against the query itself. What makes a search find too little (a prefix* with nothing beside it) is said.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from connectors.contract import Dialect
from listener.match import anchor
from listener.query import And, Field, Near, Node, Not, Or, Word

_OPERATORS = {"and", "or", "not", "near"}
_LINK = re.compile(r"[\w-]+(\.[\w-]+)*\.[a-z]{2,}(/\S*)?")


@dataclass(frozen=True, slots=True)
class Asked:
    """The searches together find everything but what `missed` says."""

    by_brand: Mapping[str, tuple[str, ...]]
    missed: tuple[str, ...]  # sentences for people

    @property
    def searches(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(search for searches in self.by_brand.values() for search in searches))


def asked(queries: Mapping[str, Node], dialect: Dialect) -> Asked:
    """`queries`: brand -> its tracking query."""
    by_brand: dict[str, tuple[str, ...]] = {}
    missed: list[str] = []
    for brand, query in queries.items():
        written = [(node, _written(node, dialect)) for node in _speakable(query, dialect)]
        by_brand[brand] = tuple(dict.fromkeys(search for _, search in written if search))
        missed += [
            f"{brand}: {_shown(node)} cannot be searched for there, so it is not heard there"
            for node, search in written
            if not search
        ]
    return Asked(by_brand, tuple(missed))


def _speakable(query: Node, dialect: Dialect) -> Iterator[Node]:
    """Queries that fit the platform and together mean at least this one."""
    if not dialect.either:
        yield from sorted(anchor(query), key=lambda word: word.text)
        return
    text = _written(query, dialect)
    if not text:
        yield from _alternatives(query)
    elif len(text) <= dialect.longest:
        yield query
    else:
        for part in _parts(query, dialect):
            yield from _speakable(part, dialect)


def _alternatives(query: Node) -> Iterable[Node]:
    """One side of an OR that cannot be said must not take the others with it."""
    clause = sorted(anchor(query), key=lambda word: word.text)
    said = tuple(word for word in clause if not word.prefix)
    unsaid = [word for word in clause if word.prefix]
    return [*([Or(said)] if said else []), *unsaid]


def _parts(query: Node, dialect: Dialect) -> tuple[Node, ...]:
    """Smaller queries that together mean at least this one; it is too long to be asked at once."""
    match query:
        case Or(items=items) if len(items) > 1:
            middle = len(items) // 2
            return Or(items[:middle]), Or(items[middle:])
        case And(items=items) if excluded := [item for item in items if isinstance(item, Not)]:
            return (And(tuple(item for item in items if item is not excluded[-1])),)
        case And(items=items) if len(items) > 1:
            longest = max(items, key=lambda item: len(_written(item, dialect)))
            rest = tuple(item for item in items if item is not longest)
            if isinstance(longest, Or) and len(longest.items) > 1:
                return tuple(And((part, *rest)) for part in _parts(longest, dialect))
            return (And(rest),)
        case Near(left=left, right=right):
            return (And((left, right)),)
        case And(items=(only,)) | Or(items=(only,)):
            return (only,)
        case _:
            return ()  # one word: the parser lets none be that long


def _written(node: Node, dialect: Dialect) -> str:
    """ "" when it cannot be said; then it stands for everything."""
    match node:
        case Word(prefix=True):
            return ""
        case Word(text=text):
            if dialect.links and _LINK.fullmatch(text):
                return f'("{text}"{dialect.either}{dialect.links}"{text}")'
            return text if _plain(text) else f'"{text}"'
        case Field(name=name, value=value):
            return f"{dialect.fields[name]}{value.lstrip('@')}" if name in dialect.fields and _plain(value) else ""
        case Near(left=left, right=right):
            return _written(And((left, right)), dialect)
        case And(items=items):
            parts = [_written(item, dialect) for item in items if not isinstance(item, Not)]
            said = [part for part in parts if part]
            return " ".join([*said, *_excluded(items, dialect)]) if said else ""
        case Or(items=items):
            each = [_written(item, dialect) for item in items]
            return (f"({dialect.either.join(each)})" if len(each) > 1 else each[0]) if all(each) else ""
        case Not():
            return ""


def _excluded(items: tuple[Node, ...], dialect: Dialect) -> Iterator[str]:
    """Platforms exclude words, not groups."""
    for item in items:
        words = item.item.items if isinstance(item, Not) and isinstance(item.item, Or) else ()
        for word in words or ((item.item,) if isinstance(item, Not) else ()):
            if dialect.without and isinstance(word, Word) and (said := _written(word, replace(dialect, links=""))):
                yield f"{dialect.without}{said}"


def _plain(text: str) -> bool:
    return text.lstrip("@#").replace("_", "").isalnum() and text not in _OPERATORS


def _shown(node: Node) -> str:
    return f"{node.text}*" if isinstance(node, Word) and node.prefix else "its query"
