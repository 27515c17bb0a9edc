"""One id leads from a post to the message that shows it: in the log, and for any case that is asked for later."""

import asyncio
import json
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import configs
import pytest
from builders import NOW, batch, complaint
from click.testing import CliRunner
from conftest import Clock
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from test_logs import FEED
from webserver import Server

from escalation.case import Case
from escalation.commands import Acknowledge
from escalation.courier import Courier
from escalation.desk import Desk
from escalation.notices import Notice
from escalation.trace import trace_id
from listener.bootstrap import build
from listener.cli import main
from listener.cycle import turn
from listener.logs import JsonLines
from listener.opening import open_store
from listener.settings import load
from listener.storage.contract import Store
from listener.ways import way


@dataclass(slots=True)
class SlowVoice:
    """A messenger that needs two seconds for each message."""

    clock: Clock

    async def find(self, notice: Notice) -> str:
        return ""

    async def send(self, notice: Notice, case: Case | None, under: str, now: datetime) -> str:
        return f"said:{self.clock.forward(seconds=2).timestamp()}"

    async def redraw(self, ref: str, notice: Notice, case: Case, now: datetime) -> str:
        return ref


@given(st.text(), st.text())
def test_a_post_has_one_trace_and_no_two_share_it(one: str, other: str) -> None:
    assert trace_id(one) == trace_id(one) and len(trace_id(one)) == 32 and int(trace_id(one), 16) >= 0
    same = one.encode("utf-8", "replace") == other.encode("utf-8", "replace")
    assert (trace_id(one) == trace_id(other)) is same


async def test_every_step_of_a_post_is_a_line_with_its_trace(
    tmp_path: Path, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers["/feed"] = FEED
    sources = f'[[source]]\nname = "blog"\nkind = "feed"\nurl = "{server.address}/feed"\n'
    directory = configs.write(tmp_path, sources=sources)
    settings = load(directory, {"LISTENER_ALLOW_PRIVATE": server.host})
    with caplog.at_level(logging.INFO, "listener"):
        async with build(settings, Console(file=StringIO())) as house:
            await turn(house)
            await house.desk.handle(1, Acknowledge(by="Dana Fox", what="call her"), house.clock())
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records if record.name == "listener"]
    traced = [line for line in lines if "trace" in line]
    assert {line["trace"] for line in traced} == {trace_id("blog:1")} and all(line["case"] == 1 for line in traced)
    assert [line["step"] for line in traced] == ["opened", "delivered", "delivered", "Acknowledged", "Promised"]
    assert {line["kind"] for line in traced if "kind" in line} == {"direct", "card"}
    assert all(line["after_seconds"] >= 0 for line in traced if line["step"] in ("opened", "delivered"))
    assert "fire" not in caplog.text and "Smoke" not in caplog.text


async def test_the_way_of_a_case_has_each_step_at_its_time(store: Store, clock: Clock) -> None:
    """The post was written 20 minutes before it was heard; Slack took two seconds a message."""
    await store.keep(batch(complaint()))
    before = way(await store.timeline(1), await store.said(1))
    assert before.lag is None and [step.step for step in before.steps if step.at is None] == ["owed", "owed"]
    await Courier(store, SlowVoice(clock), clock).deliver(clock())
    await Desk(store).handle(1, Acknowledge(by="Dana Fox"), clock.forward(minutes=1))
    found = way(await store.timeline(1), await store.said(1))
    steps = [(step.step, step.after) for step in found.steps]
    heard = timedelta(minutes=20)
    assert steps[:7] == [
        ("written", timedelta()),
        *[(each, heard) for each in ("heard", "judged", "kept", "opened")],
        ("told", heard + timedelta(seconds=2)),
        ("shown", heard + timedelta(seconds=4)),
    ]
    assert ("Acknowledged", heard + timedelta(seconds=64)) in steps and steps[-1] == ("owed", None)
    assert found.lag == heard + timedelta(seconds=4) and found.trace == trace_id("blog:p1")
    assert clock() > NOW


def test_the_command_prints_it(tmp_path: Path) -> None:
    directory = configs.write(tmp_path)

    async def filled() -> None:
        store = await open_store(load(directory, {}).database)
        await store.keep(batch(complaint()))
        await store.aclose()

    asyncio.run(filled())
    shown = CliRunner().invoke(main, ["case", "1", "--trace", "--config", str(directory)]).output
    assert trace_id("blog:p1") in shown and "no card has been shown yet" in shown and "+20 min" in shown
    told = CliRunner().invoke(main, ["case", "1", "--trace", "--json", "--config", str(directory)])
    document = json.loads(told.output)
    assert document["trace"] == trace_id("blog:p1") and document["lag"] is None
    assert [step["step"] for step in document["steps"][:3]] == ["written", "heard", "judged"]
