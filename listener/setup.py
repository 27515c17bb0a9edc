"""The first configuration: a few answers -> four small files that work."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    brand: str
    feed: str  # an address
    person: str
    timezone: str = "UTC"
    kind: str = "feed"  # what can hear it


FILES = ("listener.toml", "brands.toml", "sources.toml", "people.toml")


def taken(directory: Path) -> bool:
    """A configuration is there already, if only a part of one."""
    return any((directory / name).exists() for name in FILES)


def write_config(directory: Path, answers: Answers) -> list[Path]:
    """Writes nothing, and returns nothing, when any of the files is there already."""
    if taken(directory):
        return []
    directory.mkdir(parents=True, exist_ok=True)
    files = {directory / name: text for name, text in first_config(answers).items()}
    for path, text in files.items():
        path.write_text(text, "utf-8")
    return list(files)


def first_config(answers: Answers) -> dict[str, str]:
    """File name -> TOML. Pure."""
    phrase = '"' + answers.brand.replace('"', " ") + '"'
    return {
        "listener.toml": 'database = "listener.db"\n',
        "brands.toml": f'[[brand]]\nname = {_toml(answers.brand)}\nquery = {_toml(phrase)}\npolicy = "care"\n',
        "sources.toml": _SOURCE.format(kind=_toml(answers.kind), url=_toml(answers.feed)),
        "people.toml": _PEOPLE.format(person=_toml(answers.person), timezone=_toml(answers.timezone)),
    }


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a TOML basic string is written like a JSON one


_SOURCE = """\
[[source]]
name = "first-blog"
kind = {kind}
url = {url}
every = "10m"
"""

_PEOPLE = """\
[[person]]
name = {person}
roles = ["lead"]                           # sees every page of the web desk; others are "agent" by default
timezone = {timezone}
# slack = "U0123456789"        the member id from the profile in Slack
# hours = "Mon-Fri 09:00-17:00"
# backup = "somebody else's name"

[policy.care]
P1 = {{ acknowledge = "5m", report = "2h", ladder = [{person}] }}
P2 = {{ acknowledge = "15m", report = "8h", ladder = [{person}] }}
P3 = {{ acknowledge = "4h", report = "2d", ladder = [{person}] }}
"""
