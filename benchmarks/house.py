"""The whole house over many feeds: a first reading with everything kept, beside lemon24/reader, and doing nothing."""

import asyncio
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from benchmarks.feedserver import FEEDS, ITEMS
from benchmarks.rows import Row
from listener.bootstrap import build
from listener.cycle import House, turn
from listener.running import run
from listener.settings import Settings, load

READ = int(os.environ.get("LISTENER_BENCH_FEEDS", FEEDS))  # feeds that both sides read and keep
STARTED, IDLE = 2.0, 5.0  # seconds: of starting, and of doing nothing
EVERY = 600  # seconds between two polls of a feed
READER = ("reader==3.26", "sgmllib3k==1.0.0")  # the second is what the first forgets to ask for
CONFIG = {
    "listener.toml": 'database = "listener.db"\n',
    "brands.toml": '[[brand]]\nname = "Blog"\nquery = "QUERY"\npolicy = "care"\n',
    "people.toml": """
[[person]]
name = "Dana"
[policy.care]
P1 = { acknowledge = "5m", report = "2h", ladder = ["Dana"] }
""",
}


def rows(addresses: list[str]) -> list[Row]:
    with TemporaryDirectory(prefix="listening-bench-") as directory:
        every = _house(addresses, Path(directory) / "every-item", "blog", ITEMS)
        one = _house(addresses, Path(directory) / "one-item", "opening", 1)
        theirs = _reader(addresses, Path(directory))
        (idle := Path(directory) / "idle").mkdir()
        unchanged, nothing = asyncio.run(_idle(addresses, idle))
    return [
        Row(
            f"first reading of {READ:,} feeds, each item kept / reader", every.first, theirs.first, "feeds/s", 5, False
        ),
        Row(f"first reading of {READ:,} feeds, one of {ITEMS} items kept / reader", one.first, theirs.first, "feeds/s"),
        Row(f"{READ:,} feeds, none changed / reader", every.unchanged, theirs.unchanged, "feeds/s", 5, False),
        Row(
            f"{READ:,} feeds, one new item of {ITEMS}, kept / reader",
            every.changed,
            theirs.changed,
            "feeds/s",
            5,
            False,
        ),
        Row(f"{FEEDS:,} feeds, none changed, every 10 minutes, kept", unchanged, None, "% of a core"),
        Row(f"{FEEDS:,} sources, none due, looking and delivering", nothing, None, "% of a core"),
    ]


@dataclass(frozen=True, slots=True)
class Passes:
    """Feeds a second of processor time: read for the first time, unchanged (304), with one new item."""

    first: float | None = None
    unchanged: float | None = None
    changed: float | None = None


def _house(addresses: list[str], home: Path, query: str, speak: int) -> Passes:
    """Of each feed so many items speak of the brand, and are judged and kept."""
    home.mkdir()
    _write(home, addresses, READ, query, home.name)
    return Passes(*(asyncio.run(_turn(addresses, home, kept)) for kept in (speak, 0, query == "blog")))


async def _turn(addresses: list[str], home: Path, keeps: int) -> float:
    async with build(_settings(home, addresses), Console(file=StringIO())) as house:
        begun = time.process_time()
        done = await turn(house)
        spent = time.process_time() - begun
    kept = sum(one.mentions for poll in done.polls for one in poll.kept)
    assert kept == READ * keeps, f"{kept} items were kept and not {READ * keeps}"
    return READ / spent


async def _idle(addresses: list[str], home: Path) -> tuple[float, float]:
    """Percent of a core: all feeds polled every ten minutes and unchanged; and all waiting for their next poll."""
    _write(home, addresses, FEEDS, "nobody")
    async with build(_settings(home, addresses), Console(file=StringIO())) as house:
        await turn(house)
        begun = time.process_time()
        await turn(house)
        unchanged = (time.process_time() - begun) / EVERY * 100
        return unchanged, await _nothing(house)


async def _nothing(house: House) -> float:
    """Once it has started: that takes a moment for so many sources."""
    stop = asyncio.Event()
    running = asyncio.create_task(run(house, stop))
    await asyncio.sleep(STARTED)
    begun = time.process_time()
    await asyncio.sleep(IDLE)
    spent = time.process_time() - begun
    stop.set()
    await running
    return spent / IDLE * 100


def _write(home: Path, addresses: list[str], feeds: int, query: str, kind: str = "same") -> None:
    urls = (f"{addresses[n % len(addresses)]}/{kind}/{n}" for n in range(feeds))
    sources = "".join(
        f'[[source]]\nname = "f{n}"\nkind = "feed"\nurl = "{url}"\nevery = "{EVERY}s"\n' for n, url in enumerate(urls)
    )
    for name, text in (CONFIG | {"sources.toml": sources}).items():
        (home / name).write_text(text.replace("QUERY", query), "utf-8")


def _settings(home: Path, addresses: list[str]) -> Settings:
    return load(home, {"LISTENER_ALLOW_PRIVATE": ",".join(address.removeprefix("http://") for address in addresses)})


def _reader(addresses: list[str], directory: Path) -> Passes:
    """The same feeds read and stored by lemon24/reader, in an environment of its own; empty when it cannot be had."""
    python = directory / "reader" / "bin" / "python"
    feeds = [f"{addresses[n % len(addresses)]}/reader/{n}" for n in range(READ)]
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    try:
        subprocess.run([sys.executable, "-m", "venv", python.parents[1]], check=True, capture_output=True)
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *READER]
        subprocess.run(command, check=True, capture_output=True, env=env)
        told = subprocess.run(
            [python, "-c", _UPDATE, directory / "reader.db"],
            input=json.dumps(feeds),
            check=True,
            capture_output=True,
            text=True,
            env=env,
        )
    except (subprocess.CalledProcessError, OSError) as wrong:
        why = getattr(wrong, "stderr", "") or wrong
        print(f"{READER[0]} is not compared: it could not be installed or run: {why}", file=sys.stderr, flush=True)
        return Passes()
    return Passes(*(READ / spent for spent in json.loads(told.stdout)))


_UPDATE = """
import json, sys, time
from reader import make_reader
reader, feeds = make_reader(sys.argv[1]), json.load(sys.stdin)

def update(entries):
    begun = time.process_time()
    reader.update_feeds(scheduled=False)
    spent = time.process_time() - begun
    assert reader.get_entry_counts().total == entries * len(feeds), reader.get_entry_counts()
    return spent

for feed in feeds:
    reader.add_feed(feed)
print(json.dumps([update(30), update(30), update(31)]))
"""
