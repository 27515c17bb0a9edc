"""Presses in Slack, fifty at a time: how long Slack waits for our answer, beside a bare Bolt app that only says yes.

Ours decides and writes the case before it answers, into a store on disk. Both get the same signed requests through
Bolt's own dispatch; Slack's side is a server on loopback that says yes to everything. Slack gives up after 3,000 ms.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientSession, web
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

from benchmarks.looking import NOW, _one_case
from benchmarks.rows import Row
from escalation.policy import Person
from escalation.slack.calls import connect
from listener.settings import Secret, Settings
from listener.settings import Slack as SlackSettings
from listener.slack import app
from listener.storage.contract import Batch, Heard, Mention, Opening
from listener.storage.sqlite import SqliteStore
from listener.triage import load_rules

SECRET, USER = "bench", "U0DANA"
AT_ONCE, PRESSES, CASES = 50, 1_000, 500
LIMIT = 1_000.0  # ms, a third of what Slack waits


def run() -> list[Row]:
    with TemporaryDirectory() as directory:
        return asyncio.run(_run(Path(directory)))


async def _run(directory: Path) -> list[Row]:
    async with _slack() as api_url, ClientSession() as session:
        store = await SqliteStore.open(str(directory / "bench.db"))
        await store.keep(_cases())
        ours = app(_settings(directory, api_url), store, lambda: datetime.now(UTC), session)
        bare = _bare(api_url)
        bare.client.session = session
        rows = []
        for name, made in (("a form sent", _forms()), ("a button that opens a form", _buttons())):
            mine, mine_rate = await _pressed(ours, made)
            theirs, their_rate = await _pressed(bare, made)
            rows += [
                Row(f"{name}, {AT_ONCE} at once, p99 / bare Bolt", mine, theirs, "ms"),
                Row(f"{name}, {AT_ONCE} at once, p99", mine, None, "ms", LIMIT),
                Row(f"{name} / bare Bolt", mine_rate, their_rate, "presses/s"),
            ]
        await store.aclose()
    return rows


def _cases() -> Batch:
    """The one case of another measurement, again and again, each another customer's."""
    one = _one_case()
    [heard] = one.heard
    [mention] = heard.mentions
    assert mention.opening
    return replace(one, heard=tuple(_another(heard, mention, mention.opening, str(number)) for number in range(CASES)))


def _another(heard: Heard, mention: Mention, opening: Opening, name: str) -> Heard:
    about = replace(
        opening.subject, post=f"bench:{name}", thread=f"blog.example/{name}", customer=f"blog.example {name}"
    )
    changed = replace(mention, opening=replace(opening, subject=about))
    return replace(heard, post=replace(heard.post, id=name, url=f"https://blog.example/{name}"), mentions=(changed,))


def _case(number: int) -> str:
    return str(number % CASES + 1)


def _settings(directory: Path, api_url: str) -> Settings:
    link = SlackSettings(api_url=api_url, bot_token=Secret("xoxb-bench"), signing_secret=Secret(SECRET))
    people = (Person(name="Dana Fox", slack=USER),)
    return Settings(
        directory=directory,
        database="",
        brands=(),
        sources=(),
        people=people,
        policies={},
        rules=load_rules(),
        slack=link,
    )


def _bare(api_url: str) -> AsyncApp:
    """What everybody's first Bolt app does: says yes, and opens a form where one is wanted."""
    bolt = AsyncApp(client=connect("xoxb-bench", api_url), signing_secret=SECRET)

    async def opens(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view={"type": "modal"})

    async def sent(ack: Any) -> None:
        await ack()

    bolt.action("case_note")(opens)
    bolt.view("case_note")(sent)
    return bolt


@asynccontextmanager
async def _slack() -> AsyncIterator[str]:
    async def yes(_: web.Request) -> web.Response:
        return web.json_response({"ok": True, "team_id": "T0", "user": {"id": USER}, "view": {"id": "V1"}})

    server = web.Application()
    server.router.add_route("*", "/api/{method}", yes)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    await runner.cleanup()


async def _pressed(bolt: AsyncApp, payloads: Iterator[dict[str, Any]]) -> tuple[float, float]:
    """(p99 in ms, presses a second), by wall clock; the first fifty only warm up."""
    waited: list[float] = []
    gate = asyncio.Semaphore(AT_ONCE)

    async def press(payload: dict[str, Any]) -> None:
        request = _signed(payload)
        async with gate:
            begun = time.perf_counter()
            answer = await bolt.async_dispatch(request)
            waited.append((time.perf_counter() - begun) * 1_000)
            assert answer.status == 200, answer.body

    await asyncio.gather(*(press(next(payloads)) for _ in range(AT_ONCE)))
    waited.clear()
    begun = time.perf_counter()
    await asyncio.gather(*(press(next(payloads)) for _ in range(PRESSES)))
    rate = PRESSES / (time.perf_counter() - begun)
    await asyncio.sleep(0.2)
    return quantiles(waited, n=100)[98], rate


def _signed(payload: dict[str, Any]) -> AsyncBoltRequest:
    body, stamp = urlencode({"payload": json.dumps(payload)}), str(int(time.time()))
    signature = SignatureVerifier(SECRET).generate_signature(timestamp=stamp, body=body) or ""
    headers = {"X-Slack-Signature": [signature], "X-Slack-Request-Timestamp": [stamp]}
    return AsyncBoltRequest(body=body, headers={**headers, "Content-Type": ["application/x-www-form-urlencoded"]})


ABOUT: dict[str, Any] = {"team": {"id": "T0"}, "user": {"id": USER, "team_id": "T0"}, "api_app_id": "A0"}


def _forms() -> Iterator[dict[str, Any]]:
    for number in count():
        values = {"text": {"value": {"type": "plain_text_input", "value": f"rang {number} times since {NOW:%H:%M}"}}}
        view = {
            "id": f"V{number}",
            "hash": "1",
            "type": "modal",
            "callback_id": "case_note",
            "private_metadata": _case(number),
        }
        yield {**ABOUT, "type": "view_submission", "view": {**view, "state": {"values": values}}}


def _buttons() -> Iterator[dict[str, Any]]:
    for number in count():
        action = {"type": "button", "action_id": "case_note", "value": _case(number), "action_ts": f"{number}.0"}
        yield {**ABOUT, "type": "block_actions", "trigger_id": f"1.{number}", "actions": [action]}
