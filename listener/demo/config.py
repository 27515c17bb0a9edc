"""An ordinary configuration for the demo's world, written to a directory and read like any other."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from listener.tables import ConfigError, Problem

Clocks = Mapping[str, str]
AS_IN_LIFE: Clocks = {
    "p1_acknowledge": "5m", "p1_report": "2h",
    "p2_acknowledge": "15m", "p2_report": "8h",
    "p3_acknowledge": "4h", "p3_report": "2d",
}  # fmt: skip
QUICK: Clocks = {
    "p1_acknowledge": "20s", "p1_report": "60s",
    "p2_acknowledge": "40s", "p2_report": "2m",
    "p3_acknowledge": "60s", "p3_report": "4m",
}  # fmt: skip
TABLES = ("listener.toml", "brands.toml", "sources.toml", "people.toml")
RECORDED = ("x.jsonl", "reddit.jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """Where the demo speaks: Slack, when `channel` is known, otherwise the terminal."""

    channel: str = ""
    members: tuple[str, ...] = ()  # Slack's ids of whoever plays Dana, Lee and Sam
    remarks: tuple[str, ...] = ()  # what is missing, for people


def voice(env: Mapping[str, str]) -> Voice:
    """What the environment says about Slack. Pure."""
    if not env.get("SLACK_BOT_TOKEN", "").strip():
        return Voice()
    channel = env.get("SLACK_CHANNEL", "").strip()
    if not channel:
        return Voice(remarks=("SLACK_BOT_TOKEN is set, but not where cards go: set SLACK_CHANNEL=C0123456789.",))
    members = tuple(part.strip() for part in env.get("SLACK_MEMBERS", "").split(",") if part.strip())
    remarks = []
    if not env.get("SLACK_APP_TOKEN", "").strip():
        remarks.append("SLACK_APP_TOKEN is not set, so buttons are not heard; answer from another terminal.")
    if not members:
        remarks.append("Set SLACK_MEMBERS=U0123456789 to your member id to press buttons as Dana Fox.")
    return Voice(channel=channel, members=members, remarks=tuple(remarks))


def write(directory: Path, world: str, clocks: Clocks, voice: Voice | None = None) -> None:
    """`world` is the address the blogs are served at. Raises ConfigError rather than touch a configuration."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in (*TABLES, *RECORDED, "listener.db"):
        if (directory / name).exists():
            found = f"is in {directory} already; the demo writes its own configuration, so give it an empty directory"
            raise ConfigError([Problem(name, "", found)])
    voice = voice or Voice()
    dana, lee, sam = (*voice.members, "", "", "")[:3]
    words = {"world": world, "host": world.removeprefix("http://"), "dana": dana, "lee": lee, "sam": sam, **clocks}
    for name in TABLES:
        (directory / name).write_text(Template(text("config", name)).substitute(words), "utf-8")
    for name in RECORDED:
        (directory / name).write_text(text(name), "utf-8")
    if voice.channel:
        with (directory / "listener.toml").open("a", encoding="utf-8") as file:
            file.write(f"\n[slack]\nchannel = {json.dumps(voice.channel)}\n")


def desk_at(directory: Path, port: int) -> None:
    with (directory / "listener.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[web]\nport = {port}\n")


def text(*name: str) -> str:
    return files("listener.demo").joinpath("data", *name).read_text("utf-8")
