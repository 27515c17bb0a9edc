"""Deleted there means gone here, for every platform that can be asked: from the file, from Slack, from all that is shown.

Times, owner, promise and the duty stay. X wants it within a day (developer policy, content compliance), Reddit within two
(Data API terms); what was edited is here in its new words by then.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import configs
import pytest
from click.testing import CliRunner
from polling import NOW
from rich.console import Console
from slackserver import TOKEN, Slack
from webserver import Server
from worlds import WORLDS, World

from connectors import KINDS
from connectors.http import Web
from escalation.case import Status
from listener.audit import audit
from listener.bootstrap import build
from listener.cli import main
from listener.cycle import House, turn
from listener.settings import load

HOUR = timedelta(hours=1)
TWO_DAYS = (12, 12, 12, 11)
WITHIN = {"x": (12, 11)}  # hours, by the platform's own rules
SWEPT = (0.1,) * 6  # polls, after which no page of the text index has the words
SAID = "The Acme Air charger caught fire and burned my hand, acme, says Quillfeather"
EDITED = "The Acme Air charger caught fire and burned my arm, acme, says Quillfeather-Brown"


def _class(kind: str) -> Any:
    module, _, name = KINDS[kind].partition(":")
    return getattr(import_module(module), name)


ASKED = [kind for kind in KINDS if hasattr(_class(kind), "reread")]


@pytest.fixture(params=ASKED)
def world(request: pytest.FixtureRequest, server: Server, web_: Web, tmp_path: Path) -> Iterator[World]:
    opened = WORLDS[request.param](server, web_, tmp_path)
    yield opened
    opened.end()


@asynccontextmanager
async def a_house(world: World, slack: Slack, directory: Path) -> AsyncIterator[House]:
    """The whole house, with this one ear; its clock is the platform's."""
    name = world.poller.ear.name
    config = configs.write(
        directory,
        listener=f'database = "listener.db"\n[slack]\nchannel = "C0CARE"\napi_url = "{slack.address}/api/"\n',
        sources=f'[[source]]\nname = "{name}"\nkind = "feed"\nurl = "https://blog.example/"\nevery = "10m"\n',
    )
    settings = load(config, {"SLACK_BOT_TOKEN": TOKEN})
    async with build(settings, Console(quiet=True), clock=lambda: world.poller.now) as house, house.store.engine():
        house.ears[name] = world.poller.ear  # type: ignore[index]
        yield house


async def later(house: House, world: World, *hours: float) -> None:
    """Turns, so many hours apart."""
    for number in hours:
        world.poller.now += number * HOUR
        await turn(house)


async def test_what_is_edited_and_then_deleted_there_leaves_no_word_here(world: World, tmp_path: Path) -> None:
    async with Slack() as slack, a_house(world, slack, tmp_path / "config") as house:
        world.write("a", SAID, NOW)
        world.write("b", "acme is on time, as a reference that stays", NOW)
        await later(house, world, 0.5)
        assert "Quillfeather" in shown(slack)
        world.edit("a", EDITED)
        await later(house, world, 1, 6)
        if world.edits:
            assert "Quillfeather-Brown" in shown(slack), "its new words stand on the card"
        world.delete("a")
        await later(house, world, *WITHIN.get(world.poller.ear.name, TWO_DAYS))
        assert "Quillfeather" not in shown(slack)
        await later(house, world, *SWEPT)
        case = await house.desk.case(1)
        assert case.owner and case.status is Status.OPEN and case.due, "the customer was still wronged"
        assert (await audit(house.store, world.poller.now)).balanced
    await asyncio.to_thread(nowhere, tmp_path / "config", "quillfeather")


def shown(slack: Slack) -> str:
    """What Slack's people can see now."""
    return json.dumps([message for message in slack.messages if not message.get("deleted")], ensure_ascii=False)


def nowhere(config: Path, word: str) -> None:
    """Neither in what a command prints nor in the bytes of the file."""
    for arguments in ("export", "case 1 --json", "cases --json", "digest --since 7d"):
        told = CliRunner().invoke(main, arguments.split(), env={"LISTENER_CONFIG": str(config)}, catch_exceptions=False)
        assert told.exit_code == 0 and word not in told.output.lower(), arguments
    for file in config.glob("listener.db*"):
        assert word.encode() not in file.read_bytes().lower(), file.name


def test_every_kind_says_whether_it_can_be_asked_again() -> None:
    """Those that cannot are named, so that a new kind makes somebody think of it."""
    assert set(KINDS) - set(ASKED) == {"appstore", "googleplay", "imap", "replay", "reviews", "webhook"}
