"""One query language everywhere: every field of it is understood on the command line and on the desk.

Slack asks by the same function (test_slack_commands.py)."""

from collections.abc import AsyncIterator
from pathlib import Path

import configs
import pytest
from click.testing import CliRunner
from conftest import Clock
from deskworld import DeskWorld, filled, opened, settings

from listener.cli import main
from listener.storage.contract import Store

FIELDS = (
    'brand:"acme air"',
    "from:jo",
    "author:marta",
    "verdict:complaint",
    "severity>=60",
    "priority:P1",
    'owner:"dana fox"',
    "status:acknowledged",
    "outcome:solved",
    "cause:safety",
    "since:7d",
    "until:2030-01-01",
    "heard>=2026-05-01",
    "lang:en",
    "is:answered",
    "has:promise",
)
NONSENSE = ("severity>=loud", "status:asleep", "colour:red", "since:soon")


@pytest.fixture
async def world(store: Store, clock: Clock, tmp_path: Path) -> AsyncIterator[DeskWorld]:
    await filled(store, clock())
    async with opened(store, settings(tmp_path / "config"), clock) as here:
        yield here


async def test_the_desk_takes_every_field(world: DeskWorld) -> None:
    async with await world.browser("Lee Park") as lee:
        for field in FIELDS:
            assert (await lee.get(f"/search?q={field}")).status == 200, field


@pytest.mark.parametrize("field", FIELDS)
def test_the_command_line_takes_every_field(tmp_path: Path, field: str) -> None:
    directory = str(configs.write(tmp_path / "config"))
    answer = CliRunner().invoke(main, ["search", field, "--config", directory, "--json"])
    assert answer.exit_code == 0, answer.output


@pytest.mark.parametrize("field", NONSENSE)
async def test_what_is_no_field_is_refused_on_the_desk(world: DeskWorld, field: str) -> None:
    async with await world.browser("Lee Park") as lee:
        assert (await lee.get(f"/search?q={field}")).status == 422


@pytest.mark.parametrize("field", NONSENSE)
def test_what_is_no_field_is_refused_on_the_command_line(tmp_path: Path, field: str) -> None:
    directory = str(configs.write(tmp_path / "config"))
    assert CliRunner().invoke(main, ["search", field, "--config", directory]).exit_code == 1
