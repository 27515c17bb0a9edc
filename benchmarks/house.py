"""The whole house over many feeds: a first reading with everything kept, beside lemon24/reader, and doing nothing."""

import asyncio
import json
import os
import subprocess
import sys
import time
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

STORED = 200  # feeds of the first reading: reader needs a tenth of a second for each
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
        every = asyncio.run(_first_reading(addresses, Path(directory) / "every", "blog", ITEMS))
        one = asyncio.run(_first_reading(addresses, Path(directory) / "one", "opening", 1))
        theirs = _reader(addresses, Path(directory))
        unchanged, nothing = asyncio.run(_idle(addresses, Path(directory) / "idle"))
    return [
        Row(f"first reading of {STORED} feeds, each item kept / reader", every, theirs, "feeds/s", 5, False),
        Row(f"first reading of {STORED} feeds, one of {ITEMS} items kept / reader", one, theirs, "feeds/s"),
        Row(f"{FEEDS:,} feeds, none changed, every 10 minutes, kept", unchanged, None, "% of a core"),
        Row(f"{FEEDS:,} sources, none due, looking and delivering", nothing, None, "% of a core"),
    ]


async def _first_reading(addresses: list[str], home: Path, query: str, speak: int) -> float:
    """Feeds a second of processor time; of each, so many items speak of the brand and are judged and kept."""
    _write(home, addresses, STORED, query)
    async with build(_settings(home, addresses), Console(file=StringIO())) as house:
        begun = time.process_time()
        done = await turn(house)
        spent = time.process_time() - begun
    kept = sum(one.mentions for poll in done.polls for one in poll.kept)
    assert kept == STORED * speak, f"{kept} items were kept and not {STORED * speak}"
    return STORED / spent


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


def _write(home: Path, addresses: list[str], feeds: int, query: str) -> None:
    home.mkdir()
    urls = (f"{addresses[n % len(addresses)]}/same/{n}" for n in range(feeds))
    sources = "".join(
        f'[[source]]\nname = "f{n}"\nkind = "feed"\nurl = "{url}"\nevery = "{EVERY}s"\n' for n, url in enumerate(urls)
    )
    for name, text in (CONFIG | {"sources.toml": sources}).items():
        (home / name).write_text(text.replace("QUERY", query), "utf-8")


def _settings(home: Path, addresses: list[str]) -> Settings:
    return load(home, {"LISTENER_ALLOW_PRIVATE": ",".join(address.removeprefix("http://") for address in addresses)})


def _reader(addresses: list[str], directory: Path) -> float | None:
    """The same feeds read and stored by lemon24/reader, in an environment of its own; None when it cannot be had."""
    python = directory / "reader" / "bin" / "python"
    feeds = [f"{addresses[n % len(addresses)]}/same/{n}" for n in range(STORED)]
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
        print(f"{READER[0]} is not compared: it could not be installed or run: {wrong}", file=sys.stderr, flush=True)
        return None
    return STORED / float(told.stdout)


_UPDATE = """
import json, sys, time
from reader import make_reader
reader = make_reader(sys.argv[1])
for feed in json.load(sys.stdin):
    reader.add_feed(feed)
begun = time.process_time()
reader.update_feeds()
spent = time.process_time() - begun
assert reader.get_entry_counts().total, "nothing was read"
print(spent)
"""
