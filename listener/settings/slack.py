"""[slack] of listener.toml, and its secrets from the environment."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from escalation.policy import Person
from escalation.slack.places import parted, without
from listener.settings.model import LOOPBACK, Brand, Desk, Secret, Slack
from listener.tables import Table

KEY = "LISTENER_SLACK_KEY"


@dataclass(frozen=True, slots=True)
class Around:
    """What [slack] must agree with."""

    brands: tuple[Brand, ...]
    people: tuple[Person, ...]
    desk: Desk


def read_slack(table: Table, env: Mapping[str, str], around: Around) -> Slack:
    workspace = table.text("workspace").strip()
    channels, charts = _channels(table, around.brands, workspace), table.text("charts", "native")
    if charts not in ("native", "image"):
        table.wrong("charts", 'must be "native" (drawn by Slack, where it can) or "image"')
    slack = Slack(
        mode=table.text("mode", "socket"),
        api_url=table.text("api_url", "https://slack.com/api/"),
        channels=channels,
        host=table.text("host", LOOPBACK).strip(),
        port=table.get("port", int, 3000),
        charts=charts == "native",
        bot_token=_secret(env, "SLACK_BOT_TOKEN"),
        app_token=_secret(env, "SLACK_APP_TOKEN"),
        signing_secret=_secret(env, "SLACK_SIGNING_SECRET"),
        oauth=table.get("oauth", bool, False),
        workspace=workspace,
        workspaces=frozenset(filter(None, (workspace, *_teams(channels, around.people)))),
        client_id=env.get("SLACK_CLIENT_ID", "").strip(),
        client_secret=_secret(env, "SLACK_CLIENT_SECRET"),
        keys=tuple(map(Secret, env.get(KEY, "").split())),
    )
    for key, wrong in _wrong(slack, around):
        table.wrong(key, wrong)
    table.done()
    return slack


def _secret(env: Mapping[str, str], name: str) -> Secret:
    return Secret(env.get(name, "").strip())


def _channels(table: Table, brands: tuple[Brand, ...], workspace: str) -> dict[str, str]:
    """Brand -> channel; "" is the default."""
    given = {brand: channel for brand, channel in table.get("channels", dict, {}).items() if isinstance(channel, str)}
    for unknown in given.keys() - {brand.name for brand in brands} - {""}:
        table.wrong("channels", f'"{unknown}" is not a brand')
    if default := table.text("channel"):
        given[""] = default
    return {brand: without(workspace, channel.strip()) for brand, channel in given.items()}


def _teams(channels: Mapping[str, str], people: tuple[Person, ...]) -> Iterator[str]:
    yield from (parted(place)[0] for place in (*channels.values(), *(person.slack for person in people)))


def _wrong(slack: Slack, around: Around) -> Iterator[tuple[str, str]]:
    if slack.mode not in ("socket", "http"):
        yield "mode", 'must be "socket" or "http"'
    if not slack.host:
        yield "host", f'is empty; write "{LOOPBACK}", or "0.0.0.0" for every address of this machine'
    if not 0 < slack.port < 65536:
        yield "port", "must be between 1 and 65535, for example 3000"
    if slack.on and not slack.channels:
        why = "oauth = true" if slack.oauth else "SLACK_BOT_TOKEN is set"
        yield "channel", f'is missing; {why}, so say where cards go: channel = "C0123456789"'
    yield from _wrong_workspaces(slack, around.desk) if slack.oauth else _wrong_alone(slack, around.people)


def _wrong_alone(slack: Slack, people: tuple[Person, ...]) -> Iterator[tuple[str, str]]:
    """Without oauth there is one workspace, and no other can be named."""
    named = [*slack.channels.values(), *(person.slack for person in people)]
    for place in dict.fromkeys(place for place in named if "/" in place):
        yield "oauth", f"must be true where a workspace is named: {place}"


def _wrong_workspaces(slack: Slack, desk: Desk) -> Iterator[tuple[str, str]]:
    if parted(f"{slack.workspace}/C0")[0] != slack.workspace or not slack.workspace:
        yield "workspace", 'names the workspace that is meant where none is named: workspace = "T0123456789"'
    for place in slack.channels.values():
        if "/" in parted(place)[1]:
            yield "channels", f'"{place}" is no channel; write "C0123456789", or "T0123456789/C0123456789"'
    if slack.bot_token:
        yield "oauth", "is true, so each workspace has its own token: take SLACK_BOT_TOKEN out of the environment"
    if not (slack.client_id and slack.client_secret):
        yield "oauth", "needs SLACK_CLIENT_ID and SLACK_CLIENT_SECRET in the environment"
    if not (desk.on and desk.public_url.startswith("https://")):
        yield "oauth", 'needs the desk, where the app is installed: [web] public_url = "https://…"'
    if not find_spec("cryptography"):
        yield "oauth", "needs one more library: pip install 'listening-post[oauth]'"
    if not slack.keys or not all(map(_is_key, slack.keys)):
        mend = "openssl rand -base64 32 makes one; two with a blank between while you change it"
        yield "oauth", f"needs {KEY} in the environment, which tokens are sealed with: {mend}"


def _is_key(text: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(text)) == 32
    except (binascii.Error, ValueError):
        return False
