"""Reads TOML tables strictly and gathers every mistake, each with its file, its key and the mend."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from listener import durations

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in the configuration."""

    file: str
    key: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.key}: {self.what}" if self.key else f"{self.file}: {self.what}"


class ConfigError(Exception):
    """Everything that is wrong with the configuration, at once."""

    def __init__(self, problems: list[Problem]):
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(slots=True)
class Table:
    """One table of one file. Each reader notes the key as known; `done` names the others."""

    file: str
    where: str
    data: Mapping[str, Any]
    problems: list[Problem]
    known: set[str] = field(default_factory=set)

    def wrong(self, key: str, what: str) -> None:
        self.problems.append(Problem(self.file, ".".join(part for part in (self.where, key) if part), what))

    def get(self, key: str, kind: type[T], default: T, *, needed: bool = False) -> T:
        self.known.add(key)
        value = self.data.get(key)
        if value is None:
            if needed:
                self.wrong(key, f"is missing; add {key} = {_example(kind)}")
            return default
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.wrong(key, f"must be {_NAMES[kind]}, not {value!r:.60}")
            return default
        return value

    def text(self, key: str, default: str = "", *, needed: bool = False) -> str:
        found = self.get(key, str, default, needed=needed)
        if needed and key in self.data and isinstance(self.data[key], str) and not found.strip():
            self.wrong(key, "is empty")
        return found

    def parsed(self, key: str, parse: Callable[[str], T], default: T) -> T:
        """A text that must mean something; ValueError's message is the mend."""
        text = self.text(key)
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as wrong:
            self.wrong(key, str(wrong))
            return default

    def duration(self, key: str, default: timedelta, *, needed: bool = False) -> timedelta:
        if needed and key not in self.data:
            self.wrong(key, f'is missing; add {key} = "5m"')
        return self.parsed(key, durations.parse, default)

    def number(self, key: str, default: float) -> float:
        self.known.add(key)
        value = self.data.get(key, default)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        self.wrong(key, f"must be a number, not {value!r:.60}")
        return default

    def texts(self, key: str, *, needed: bool = False) -> tuple[str, ...]:
        values = self.get(key, list, [], needed=needed)
        if any(not isinstance(value, str) for value in values):
            self.wrong(key, 'must be a list of texts: ["…", "…"]')
            return ()
        return tuple(values)

    def table(self, key: str) -> "Table":
        return Table(self.file, ".".join(p for p in (self.where, key) if p), self.get(key, dict, {}), self.problems)

    def rows(self, key: str) -> list["Table"]:
        rows = self.get(key, list, [])
        if any(not isinstance(row, dict) for row in rows):
            self.wrong(key, f"must be tables: [[{key}]]")
            return []
        return [
            Table(self.file, f"[[{key}]] {row.get('name') or number}", row, self.problems)
            for number, row in enumerate(rows, 1)
        ]

    def done(self) -> None:
        for key in self.data.keys() - self.known:
            close = f"; known are {', '.join(sorted(self.known))}"
            self.wrong(key, f"is not a key here{close}")


def read(path: Path, problems: list[Problem], *, needed: bool = False) -> Table:
    """The file's root table; empty when it is missing or cannot be read."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        data = {}
        if needed:
            problems.append(Problem(path.name, "", f"is missing in {path.parent}; `listener init` writes one"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        problems.append(Problem(path.name, "", f"is not TOML: {wrong}"))
        data = {}
    except OSError as wrong:
        problems.append(Problem(path.name, "", f"cannot be read: {wrong.strerror}"))
        data = {}
    return Table(path.name, "", data, problems)


_NAMES: dict[type, str] = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


def _example(kind: type) -> str:
    return {str: '"…"', int: "10", bool: "true", list: '["…"]'}.get(kind, "…")
