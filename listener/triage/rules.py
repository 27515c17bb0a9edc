"""TOML -> Rules. Every mistake is named with its key and the mend."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from listener.triage.grades import graded
from listener.triage.model import Priority, Scale
from listener.triage.weights import Weights

LANGUAGES = ("en", "de", "es", "fr", "pt", "it")
NEGATIONS = ("ignore", "cancel", "flip")
NUMBERS = ("bias", "complaint_from", "base_severity", "praise_from")
LEARNED = ("slope", "shift", "severity_slope", "severity_shift")
WEIGHTS = ("evidence", "severity", "praise", "question", "other")


AS_SHIPPED = Scale()


class RulesError(Exception):
    """Everything that is wrong with the rules."""

    def __init__(self, problems: list[str]):
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Phrases that say the same kind of thing, and what they weigh."""

    name: str
    evidence: float = 0.0
    severity: float = 0.0
    praise: float = 0.0
    question: float = 0.0
    other: float = 0.0
    cause: str = ""
    floor: Priority | None = None
    negation: str = "ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """The phrases of one language: those of harm, and in English those of the families before them."""

    families: tuple[Family, ...]
    phrases: tuple[tuple[str, bool, int], ...]  # text, any ending, which family; in the automaton's order
    automaton: AhoCorasick


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Made once, then only read."""

    families: tuple[Family, ...]
    phrases: tuple[tuple[str, bool, int], ...]  # text, any ending, which family
    bias: float
    complaint_from: float
    base_severity: float
    praise_from: float
    priorities: tuple[tuple[Priority, float], ...]  # most urgent first
    spread: Mapping[str, float]
    books: Mapping[str, Book]  # by language
    gravity: Mapping[str, float]
    weights: Weights
    learned: tuple[float, float] = (1.0, 0.0)  # slope and shift that the team's verdicts have taught
    scale: Scale = AS_SHIPPED  # the same of severity


def load_rules(overrides: Mapping[str, Any] | None = None) -> Rules:
    """The built-in rules with the team's own tables laid over them. Raises RulesError."""
    problems: list[str] = []
    merged = _merged(_built_in(), overrides or {}, problems)
    families = [_family(name, table, problems) for name, table in merged["family"].items()]
    numbers = {key: _number(merged, key, problems) for key in NUMBERS}
    priorities = tuple(
        (priority, _number(merged["priority"], priority, problems, "priority.")) for priority in Priority
    )
    if sorted((least for _, least in priorities), reverse=True) != [least for _, least in priorities]:
        problems.append("priority: P1 must need more severity than P2, P2 more than P3, and so on")
    phrases = _phrases(merged["family"].values())
    books = _harms(merged["harm"], problems)
    gravity = {key: _number(merged["gravity"], key, problems, "gravity.") for key in ("from", "each", "most")}
    learned = [_number(merged["learned"], key, problems, "learned.") for key in LEARNED]
    if problems:
        raise RulesError(problems)
    return Rules(
        families=tuple(families),
        phrases=phrases,
        priorities=priorities,
        spread={key: _number(merged["spread"], key, problems, "spread.") for key in ("followers", "echo", "most")},
        books={**books, "en": _joined(families, phrases, books["en"])},
        gravity=gravity,
        weights=graded(),
        learned=(learned[0], learned[1]),
        scale=Scale(slope=learned[2], shift=learned[3]),
        **numbers,
    )


@cache
def _built_in() -> Mapping[str, Any]:
    folder = files("listener.triage")
    read = [tomllib.loads(folder.joinpath(name).read_text("utf-8")) for name in ("default.toml", "harm.toml")]
    return read[0] | read[1]


@cache
def _automaton(texts: tuple[str, ...]) -> AhoCorasick:
    return AhoCorasick(texts, matchkind=MatchKind.Standard, implementation=Implementation.ContiguousNFA)


def _merged(base: Mapping[str, Any], over: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        if key not in base:
            problems.append(f"{key}: is not known here; known are {', '.join(base)}")
        elif not isinstance(base[key], Mapping):
            merged[key] = value
        elif not isinstance(value, Mapping):
            problems.append(f"{key}: must be a table")
        elif key in ("family", "harm"):
            merged[key] = {**base[key], **{name: _over(base[key].get(name), table) for name, table in value.items()}}
        else:
            merged[key] = {**base[key], **value}
    return merged


def _over(base: Any, table: Any) -> Any:
    return {**(base or {}), **table} if isinstance(table, Mapping) else table


def _number(table: Mapping[str, Any], key: str, problems: list[str], where: str = "") -> float:
    value = table.get(key)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    problems.append(f"{where}{key}: must be a number, not {value!r:.40}")
    return 0.0


def _harms(tables: Mapping[str, Any], problems: list[str]) -> Mapping[str, Book]:
    """Families as the others, but with phrases for each language: en = [...], de = [...]."""
    families = []
    for name, table in tables.items():
        said = {key: table[key] for key in table if key not in LANGUAGES} if isinstance(table, Mapping) else table
        spoken = [phrase for lang in LANGUAGES for phrase in _list(table, lang, f"harm.{name}.", problems)]
        families.append(
            _family(name, {**said, "phrases": spoken} if isinstance(said, dict) else said, problems, "harm")
        )
    return {lang: _book(lang, tables, tuple(families)) for lang in LANGUAGES}


def _list(table: Any, lang: str, where: str, problems: list[str]) -> list[Any]:
    found = table.get(lang, []) if isinstance(table, Mapping) else []
    if isinstance(found, list):
        return found
    problems.append(f'{where}{lang}: must be a list of texts: ["…", "…"]')
    return []


def _book(lang: str, tables: Mapping[str, Any], families: tuple[Family, ...]) -> Book:
    spoken = [{"phrases": table.get(lang)} if isinstance(table, Mapping) else {} for table in tables.values()]
    phrases = _phrases(spoken)
    return Book(families=families, phrases=phrases, automaton=_automaton(tuple(text for text, _, _ in phrases)))


def _joined(families: Sequence[Family], phrases: Sequence[tuple[str, bool, int]], harms: Book) -> Book:
    """One automaton for both, so that a text is passed over once; families first."""
    moved = [(text, prefix, number + len(families)) for text, prefix, number in harms.phrases]
    both = (*phrases, *moved)
    return Book(
        families=(*families, *harms.families), phrases=both, automaton=_automaton(tuple(text for text, _, _ in both))
    )


def _family(name: str, table: Any, problems: list[str], kind: str = "family") -> Family:
    where = f"{kind}.{name}."
    if not isinstance(table, Mapping):
        problems.append(f"{kind}.{name}: must be a table with phrases and weights")
        return Family(name=name)
    known = (*WEIGHTS, "cause", "floor", "negation", "phrases")
    problems += [f"{where}{key}: is not known; known are {', '.join(known)}" for key in table if key not in known]
    phrases = table.get("phrases")
    if (
        not isinstance(phrases, list)
        or not phrases
        or any(not isinstance(p, str) or not p.strip("* ") for p in phrases)
    ):
        problems.append(f'{where}phrases: must be a list of texts: ["…", "…"]')
    if table.get("negation", "ignore") not in NEGATIONS:
        problems.append(f"{where}negation: must be one of {', '.join(NEGATIONS)}")
    if "floor" in table and table["floor"] not in list(Priority):
        problems.append(f"{where}floor: must be one of {', '.join(Priority)}")
    weights = {key: _number(table, key, problems, where) for key in WEIGHTS if key in table}
    floor = Priority(table["floor"]) if table.get("floor") in list(Priority) else None
    cause, negation = str(table.get("cause", "")), str(table.get("negation", "ignore"))
    return Family(name=name, cause=cause, floor=floor, negation=negation, **weights)


def _phrases(families: Iterable[Any]) -> tuple[tuple[str, bool, int], ...]:
    """A phrase that two families have counts for both."""
    found: dict[tuple[str, bool, int], None] = {}
    for number, table in enumerate(families):
        phrases = table.get("phrases") if isinstance(table, Mapping) else None
        for phrase in phrases if isinstance(phrases, list) else []:
            if isinstance(phrase, str) and phrase.strip("* "):
                found[(phrase.rstrip("*").strip().lower(), phrase.endswith("*"), number)] = None
    return tuple(found)
