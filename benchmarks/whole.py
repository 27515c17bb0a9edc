"""The whole product as people run it: `listener run` in a process of its own, a sender and a Slack on loopback.

From the moment a post is handed to the webhook's door until Slack has the card, by the clock on the wall; and what the
process holds in memory while nothing happens, and while thousands of complaints come at once.
"""

import asyncio
import base64
import hmac
import json
import os
import socket
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

from aiohttp import ClientSession, web

from benchmarks.rows import Row
from benchmarks.world import rows, telling

SECRET = "bench-secret-of-the-sender"
BRANDS, CARDS = 4, 30  # fewer of one brand than make an incident
PAUSE = 1.3  # seconds between two: Slack takes one message a second in a channel
FLOOD = 10_000
AT_REST = 5.0  # seconds after the last card
COMPLAINT = "charger caught fire and burnt my hand, and nobody answers, third time I ask"


def run() -> list[Row]:
    if not Path("/proc/self/status").exists():
        print("whole: memory is read from /proc, which is not here", file=sys.stderr)
        return []
    with TemporaryDirectory(prefix="listening-bench-") as directory:
        return asyncio.run(_rows(Path(directory)))


async def _rows(home: Path) -> list[Row]:
    flood = max(100, min(FLOOD, rows() // 100))
    async with _slack() as slack, ClientSession() as sender:
        door = _free_port()
        _write(home, slack.address, door)
        async with _listening(home) as listener:
            await _until(lambda: _opened(door), 60)
            took = [await _one(sender, slack, door, number) for number in range(CARDS)]
            await asyncio.sleep(AT_REST)
            rest = _megabytes(listener.pid, "VmRSS")
            _from_now_on(listener.pid)
            _flood(home, flood)
            await _until(lambda: _kept(home, flood), 600)
            peak = _megabytes(listener.pid, "VmHWM")
    cuts = quantiles(took, n=100)
    return [
        Row("from post to card, the middle one", cuts[49], None, "s"),
        Row("from post to card, p99", cuts[98], None, "s", 2.0),
        Row("memory at rest", rest, None, "MB"),
        Row(f"most memory in a flood of {flood:,} complaints / at rest", peak, rest, "MB", 2.0),
    ]


@dataclass(slots=True)
class Slack:
    """Says yes to everything, and knows when it was told what."""

    address: str = ""
    told: dict[str, float] = field(default_factory=dict)  # what a message says -> when it came
    number: int = 0

    async def __call__(self, request: web.Request) -> web.Response:
        self.number += 1
        said = await request.json() if request.content_type == "application/json" else dict(await request.post())
        channel = str(said.get("channel", "C0"))
        self.told.setdefault(f"{channel} {said.get('text')} {said.get('blocks')}", time.perf_counter())
        answer: dict[str, Any] = {"ok": True, "channel": channel, "ts": f"{self.number}.000100", "messages": []}
        if request.match_info["method"] == "conversations.open":
            answer["channel"] = {"id": "D0DANA"}
        return web.json_response({**answer, "team_id": "T0", "team": "Bench", "user_id": "U0BOT", "bot_id": "B0"})


def _free_port() -> int:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@asynccontextmanager
async def _slack() -> AsyncIterator[Slack]:
    slack, app = Slack(), web.Application(client_max_size=2**22)
    app.router.add_route("*", "/api/{method}", slack)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.address = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    yield slack
    await runner.cleanup()


def _write(home: Path, slack: str, door: int) -> None:
    brands = "".join(f'[[brand]]\nname = "Acme {n}"\nquery = "acme{n}"\npolicy = "care"\n' for n in range(BRANDS))
    files = {
        "listener.toml": f'database = "listener.db"\n[web]\nport = 0\n[inbound]\nport = {door}\n'
        f'[slack]\nchannel = "C0CARE"\napi_url = "{slack}"\n',
        "brands.toml": brands,
        "sources.toml": '[[source]]\nname = "desk"\nkind = "webhook"\n'
        '[[source]]\nname = "flood"\nkind = "replay"\nfile = "flood.jsonl"\nevery = "10s"\n',
        "people.toml": '[[person]]\nname = "Dana Fox"\nslack = "U0DANA"\n[policy.care]\n'
        + "".join(f'P{n} = {{ acknowledge = "5h", report = "8h", ladder = ["Dana Fox"] }}\n' for n in (1, 2, 3, 4)),
        "flood.jsonl": "",
    }
    for name, text in files.items():
        (home / name).write_text(text, "utf-8")


@asynccontextmanager
async def _listening(home: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    env = {**os.environ, "SLACK_BOT_TOKEN": "xoxb-bench", "WEBHOOK_SECRET": SECRET}
    with (home / "log").open("wb") as log:
        command = (sys.executable, "-m", "listener", "run", "--config", str(home))
        listener = await asyncio.create_subprocess_exec(*command, env=env, stdout=log, stderr=log)
        try:
            yield listener
        finally:
            listener.terminate()
            await listener.wait()


def _opened(door: int) -> bool:
    with closing(socket.socket()) as one:
        return one.connect_ex(("127.0.0.1", door)) == 0


async def _one(sender: ClientSession, slack: Slack, door: int, number: int) -> float:
    """Seconds from the sender's call to Slack's card."""
    mark = f"number{number}x"
    body = json.dumps({"id": mark, "text": f"{mark} acme{number % BRANDS} {COMPLAINT}", "author": mark}).encode()
    begun = time.perf_counter()
    async with sender.post(f"http://127.0.0.1:{door}/in/desk", data=body, headers=_signed(body, mark)) as answer:
        assert answer.status == 202, await answer.text()
    shown = await _until(lambda: _card(slack, mark), 30)
    await asyncio.sleep(PAUSE)
    return shown - begun


def _card(slack: Slack, mark: str) -> float:
    return next((at for said, at in slack.told.items() if said.startswith("C0CARE") and mark in said), 0.0)


def _signed(body: bytes, name: str) -> dict[str, str]:
    """As https://www.standardwebhooks.com has it."""
    stamp = str(int(time.time()))
    mac = hmac.new(SECRET.encode(), f"{name}.{stamp}.".encode() + body, sha256).digest()
    signature = f"v1,{base64.b64encode(mac).decode()}"
    return {"webhook-id": name, "webhook-timestamp": stamp, "webhook-signature": signature}


def _flood(home: Path, number: int) -> None:
    with (home / "flood.jsonl").open("a", encoding="utf-8") as file:
        for n in range(number):
            said = {"id": f"f{n}", "text": f"acme{n % BRANDS} {COMPLAINT}, says number {n}", "author": f"customer{n}"}
            file.write(json.dumps(said) + "\n")


def _kept(home: Path, number: int) -> bool:
    with closing(sqlite3.connect(f"file:{home}/listener.db?mode=ro", uri=True)) as db:
        found = int(db.execute("SELECT count(*) FROM posts WHERE source = 'flood'").fetchone()[0])
    telling("complaints of the flood", found, number)
    return found >= number


async def _until(true: Callable[[], float], seconds: float) -> float:
    async with asyncio.timeout(seconds):
        while not (found := true()):  # noqa: ASYNC110
            await asyncio.sleep(0.005 if seconds <= 60 else 1)
    return found


def _megabytes(process: int, what: str) -> float:
    """https://man7.org/linux/man-pages/man5/proc_pid_status.5.html"""
    lines = Path(f"/proc/{process}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def _from_now_on(process: int) -> None:
    """The peak is that of what comes."""
    Path(f"/proc/{process}/clear_refs").write_text("5")
