"""What is proposed for a complaint, in proportion to it: a list the team can edit, and the first that fits. Pure."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    name: str
    severity: int  # from which it fits
    causes: tuple[str, ...]  # empty: all
    say: str


class PlaybookError(Exception):
    """Everything that is wrong with a playbook."""

    def __init__(self, problems: list[str]):
        super().__init__("\n".join(problems))
        self.problems = problems


def load_playbook(data: Mapping[str, Any] | None = None) -> tuple[Response, ...]:
    """The team's own list, or the built-in one. Raises PlaybookError."""
    rows = (data or tomllib.loads(files(__name__).joinpath("default.toml").read_text("utf-8"))).get("response")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise PlaybookError(["response: must be tables: [[response]]"])
    problems = [problem for number, row in enumerate(rows, 1) for problem in _wrong(row, number)]
    if problems:
        raise PlaybookError(problems)
    return tuple(
        Response(name=row["name"], severity=row.get("severity", 0), causes=tuple(row.get("causes", ())), say=row["say"])
        for row in rows
    )


def propose(playbook: tuple[Response, ...], cause: str, severity: int) -> str:
    """The first that fits, as a sentence; "" when none does."""
    for response in playbook:
        if severity >= response.severity and (not response.causes or cause in response.causes):
            return f"{response.name}. {response.say}"
    return ""


_KEYS: dict[str, tuple[type, str]] = {
    "name": (str, 'must be a text: "…"'),
    "say": (str, 'must be a text: "…"'),
    "severity": (int, "must be a number from 0 to 100"),
    "causes": (list, 'must be a list: ["…", "…"]'),
}


def _wrong(row: Mapping[str, Any], number: int) -> list[str]:
    where = f"[[response]] {row.get('name') or number}"
    problems = [f'{where}.{key}: is missing; add {key} = "…"' for key in ("name", "say") if key not in row]
    problems += [f"{where}.{key}: is not a key here; known are {', '.join(_KEYS)}" for key in row if key not in _KEYS]
    problems += [
        f"{where}.{key}: {mend}" for key, (kind, mend) in _KEYS.items() if not isinstance(row.get(key, kind()), kind)
    ]
    return problems
