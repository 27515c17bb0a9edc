"""The manifest is one that Slack takes, and asks for what the code uses: no less, and no more.

The shape is ours, after https://docs.slack.dev/reference/app-manifest; where LISTENER_SLACK_SCHEMA names a copy of Slack's
own (https://github.com/slackapi/manifest-schema, MIT) and jsonschema is installed, that is asked too.
"""

import ast
import json
import os
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from slack_sdk.web.async_client import AsyncWebClient

from listener import slack as voice

ROOT = Path(__file__).parents[1]
MANIFEST = yaml.safe_load((ROOT / "config" / "slack-manifest.yaml").read_text("utf-8"))
SOURCES = [*(ROOT / "escalation" / "slack").glob("*.py"), *(ROOT / "listener" / "slack").glob("*.py")]

Check = Callable[[Any], bool]
Shape = Any  # a Check; {key: Shape}, "!" before a key that is needed; [Shape of each, least, most]


def words(least: int, most: int, pattern: str = "") -> Check:
    return lambda found: (
        isinstance(found, str) and least <= len(found) <= most and bool(re.search(pattern, found, re.ASCII))
    )


def switch(found: object) -> bool:
    return isinstance(found, bool)


ADDRESS = words(1, 3_000, "^https?://")
SCOPES = [words(1, 50, "^[a-z_]+(:[a-z._]+)*$"), 0, 255]
EVENTS = [words(1, 50, "^[a-z_.]+$"), 0, 100]
SHAPE: Shape = {
    "_metadata": {"major_version": lambda found: found in (1, 2), "minor_version": lambda found: found == 1},
    "!display_information": {
        "!name": words(1, 35),
        "description": words(1, 140),
        "long_description": words(175, 4_000),
        "background_color": words(4, 7, "^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"),
    },
    "features": {
        "app_home": dict.fromkeys(
            ("home_tab_enabled", "messages_tab_enabled", "messages_tab_read_only_enabled"), switch
        ),
        "bot_user": {"!display_name": words(1, 80), "always_online": switch},
        "unfurl_domains": [words(1, 255, r"^(?![.-])[-a-z0-9.]+[a-z0-9]$"), 1, 5],
        "slash_commands": [
            {
                "!command": words(2, 32, "^/[a-z0-9_-]+$"),
                "!description": words(1, 2_000),
                "usage_hint": words(1, 1_000),
                "should_escape": switch,
                "url": ADDRESS,
            },
            1,
            50,
        ],
        "shortcuts": [
            {
                "!name": words(1, 24),
                "!type": lambda found: found in ("message", "global"),
                "!callback_id": words(1, 255),
                "!description": words(1, 150),
            },
            1,
            10,
        ],
    },
    "oauth_config": {
        "redirect_urls": [words(1, 2_500), 0, 1_000],
        "scopes": {"bot": SCOPES, "bot_optional": SCOPES, "user": SCOPES, "user_optional": SCOPES},
        "token_management_enabled": switch,
        "pkce_enabled": switch,
    },
    "settings": {
        "event_subscriptions": {"bot_events": EVENTS, "user_events": EVENTS, "request_url": ADDRESS},
        "interactivity": {"!is_enabled": switch, "request_url": ADDRESS, "message_menu_options_url": ADDRESS},
        "socket_mode_enabled": switch,
        "org_deploy_enabled": switch,
        "token_rotation_enabled": switch,
    },
}


def wrong(found: Any, shape: Shape, where: str = "") -> Iterator[str]:
    """Each place that is not as it must be."""
    match shape:
        case dict():
            if not isinstance(found, dict):
                yield f"{where}: no table"
                return
            known = {key.lstrip("!"): inner for key, inner in shape.items()}
            yield from (f"{where}.{key}: not known" for key in found.keys() - known.keys())
            yield from (f"{where}.{key[1:]}: missing" for key in shape if key[0] == "!" and key[1:] not in found)
            for key in found.keys() & known.keys():
                yield from wrong(found[key], known[key], f"{where}.{key}")
        case [inner, least, most]:
            if not isinstance(found, list) or not least <= len(found) <= most:
                yield f"{where}: not a list of {least} to {most}"
                return
            if len({json.dumps(one) for one in found}) != len(found):
                yield f"{where}: the same twice"
            for number, one in enumerate(found):
                yield from wrong(one, inner, f"{where}[{number}]")
        case _:
            if not shape(found):
                yield f"{where}: {found!r}"


def test_slack_takes_it() -> None:
    assert list(wrong(MANIFEST, SHAPE)) == []


def spoilt(*path: str | int, value: object) -> dict[str, Any]:
    made = deepcopy(MANIFEST)
    place = made
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return made


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("display_information", "name"), "L" * 36),
        (("display_information", "colour"), "#fff"),
        (("features", "shortcuts", 0, "name"), "Escalate this whole message"),
        (("features", "shortcuts", 0, "type"), "thread"),
        (("features", "slash_commands", 0, "command"), "mentions"),
        (("features", "unfurl_domains"), [f"{number}.example.com" for number in range(6)]),
        (("oauth_config", "scopes", "bot"), ["chat:write", "chat:write"]),
        (("settings", "socket_mode_enabled"), "yes"),
        (("settings", "interactivity"), {}),
    ],
)
def test_what_slack_refuses_is_seen(path: tuple[str | int, ...], value: object) -> None:
    assert len(list(wrong(spoilt(*path, value=value), SHAPE))) == 1


def test_slacks_own_schema_takes_it() -> None:
    schema, jsonschema = os.environ.get("LISTENER_SLACK_SCHEMA", ""), None
    if not schema:
        pytest.skip("LISTENER_SLACK_SCHEMA names no copy of Slack's schema")
    jsonschema = pytest.importorskip("jsonschema")
    told = json.loads(Path(schema).read_text("utf-8"))
    assert [error.message for error in jsonschema.Draft7Validator(told).iter_errors(MANIFEST)] == []
    [_] = jsonschema.Draft7Validator(told).iter_errors(spoilt("display_information", "name", value="L" * 36))


HISTORY = ("channels:history", "groups:history", "im:history")
METHODS: dict[str, tuple[str, ...]] = {  # https://docs.slack.dev/reference/methods: each with the bot scopes it needs
    "auth.test": (),
    "auth.revoke": (),
    "apps.connections.open": (),  # of the app's own token: connections:write
    "chat.postMessage": ("chat:write",),
    "chat.postEphemeral": ("chat:write",),
    "chat.update": ("chat:write",),
    "chat.delete": ("chat:write",),
    "chat.unfurl": ("links:write",),
    "conversations.open": ("im:write",),
    "conversations.history": HISTORY,
    "conversations.replies": HISTORY,
    "files.upload.v2": ("files:write",),  # slack_sdk's name for getUploadURLExternal and completeUploadExternal
    "files.info": ("files:read",),
    "oauth.v2.access": (),
    "users.info": ("users:read",),
    "views.open": (),
    "views.push": (),
    "views.update": (),
    "views.publish": (),
}
HEARD = {  # https://docs.slack.dev/reference/events
    "app_home_opened": (),
    "app_uninstalled": (),
    "tokens_revoked": (),
    "link_shared": ("links:read",),
    "message.im": ("im:history",),
}
SPOKEN = re.compile(
    r"(apps|auth|bots|chat|conversations|dnd|files|oauth|pins|reactions|team|usergroups|users|views)\.\S+"
)


def used() -> set[str]:
    """The Web API methods that our code calls: by slack_sdk's names for them, or by Slack's own."""
    found = set[str]()
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.Attribute(attr=name) if "_" in name and SPOKEN.match(name.replace("_", ".")):
                    found |= {name.replace("_", ".")} if hasattr(AsyncWebClient, name) else set()
                case ast.Constant(value=str(name)) if SPOKEN.fullmatch(name):
                    found.add(name)
    return found


def asked(kind: str) -> set[str]:
    """What the Bolt app is told to listen for, as written in listener/slack/app.py."""
    tree = ast.parse((ROOT / "listener" / "slack" / "app.py").read_text("utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    first = [call.args[0] for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == kind]
    return {str(one.value) for one in first if isinstance(one, ast.Constant)} | {
        str(one.args[0].value) for one in first if isinstance(one, ast.Call) and isinstance(one.args[0], ast.Constant)
    }


def test_every_method_and_event_has_its_scope_and_no_scope_is_for_nothing() -> None:
    assert used() <= METHODS.keys(), "say which scope it needs"
    assert {"chat.postMessage", "files.info", "views.publish"} <= used(), "the search for them finds them"
    needed = {scope for method in used() for scope in METHODS[method]}
    needed |= {scope for event in HEARD for scope in HEARD[event]} | {"commands"}
    scopes = MANIFEST["oauth_config"]["scopes"]
    assert needed == {*scopes["bot"], *scopes.get("bot_optional", ())} == set(voice.SCOPES)


def test_events_shortcuts_and_commands_are_those_that_are_heard() -> None:
    features = MANIFEST["features"]
    subscribed = MANIFEST["settings"]["event_subscriptions"]["bot_events"]
    assert {name.partition(".")[0] for name in subscribed} == asked("event") and set(subscribed) == set(HEARD)
    assert {one["callback_id"] for one in features["shortcuts"]} == asked("shortcut")
    [commands] = asked("command")
    for one in features["slash_commands"]:
        assert re.match(commands, one["command"]) and one["should_escape"]
    assert commands.count("|") == len(features["slash_commands"]) - 1


def test_pasted_once_it_works_by_socket_and_says_where_to_send_without() -> None:
    settings, home = MANIFEST["settings"], MANIFEST["features"]["app_home"]
    assert settings["socket_mode_enabled"] and settings["interactivity"]["is_enabled"] and home["home_tab_enabled"]
    assert voice.PATH in (ROOT / "config" / "slack-manifest.yaml").read_text("utf-8")
