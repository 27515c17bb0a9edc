"""What is heard, beside obsei: the same scripted sources, polled as often, and how many complaints each one had.

Not speed but correctness: a row counts the complaints that came through exactly once.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from benchmarks import pace
from benchmarks.rows import Row
from benchmarks.scripted import Script, World, shown
from listener.bootstrap import build
from listener.cycle import House, turn
from listener.settings import Settings, load
from listener.storage.contract import Question

OBSEI = "obsei==1.1.1"
SIDE = Path(__file__).with_name("obsei_side.py")
CONFIG = {
    "listener.toml": 'database = "listener.db"\n',
    "brands.toml": '[[brand]]\nname = "Acme"\nquery = "acme"\npolicy = "care"\n',
    "people.toml": '[[person]]\nname = "Dana"\n[policy.care]\n'
    + "".join(f'P{n} = {{ acknowledge = "5m", report = "2h", ladder = ["Dana"] }}\n' for n in (1, 2, 3, 4)),
}
FLOOD = Script("60 complaints at once", (tuple((f"p{n}", 10 + n / 100) for n in range(60)),))
SCRIPTS = (
    Script("an item that comes late, dated earlier", ((("a", 10), ("b", 11)), (("a", 10), ("b", 11), ("late", 9)))),
    Script("two items of one second, a poll apart", ((("a", 10),), (("a", 10), ("b", 10)))),
    Script("an item without a date, then one with a date", ((("undated", None),), (("undated", None), ("b", 10)))),
    FLOOD,
    Script("900 hits between two polls", hits=900),
    Script("429 in the middle of the pages", hits=300, refused=True),
)
UNCHANGED = Script("an unchanged feed, four polls", ((("a", 10),),) * 3)


def run() -> list[Row]:
    with TemporaryDirectory(prefix="listening-bench-") as directory:
        python = _obsei(Path(directory) / "obsei")
        return [*asyncio.run(_rows(Path(directory), python)), pace.row(Path(directory), python, _env())]


async def _rows(directory: Path, python: Path | None) -> list[Row]:
    rows = []
    for number, script in enumerate((*SCRIPTS, UNCHANGED)):
        home, file = directory / f"ours{number}", directory / f"{number}.duckdb"
        heard, asked, owned = await _ours(script, home)
        theirs = await _theirs(script, python, file) if python else (None, None, None)
        if script is UNCHANGED:
            rows.append(Row(script.name, asked, theirs[1], "full answers", 1))
            continue
        rows.append(Row(script.name, heard, theirs[0], f"of {script.written} heard once", 1, at_most=False))
        if script is FLOOD:
            rows.append(
                Row(f"{script.name}, one by one", owned, theirs[2], "with an owner / in Slack", 1, at_most=False)
            )
    return rows


async def _ours(script: Script, home: Path) -> tuple[int, int, int]:
    """Heard exactly once, full answers that were asked for, cases with a named owner."""
    async with shown(script) as world, _house(home, world) as (house, clock):
        for _ in range(script.polls):
            await turn(house)
            world.day += 1
            clock.now += timedelta(hours=1)
        heard = Counter([row.text async for row in house.store.search(Question(limit=10_000))])
        owned = [case.owner async for case in house.store.cases() if not case.incident]
    return _once(heard), world.full, len(list(filter(None, owned)))


async def _theirs(script: Script, python: Path, file: Path) -> tuple[int, int, int]:
    async with shown(script) as world:
        command = (str(SIDE), script.kind, world.address, str(script.polls), str(file))
        side = await asyncio.create_subprocess_exec(python, *command, stdout=subprocess.PIPE, env=_env())
        told, _ = await side.communicate()
    singly = [text for text in world.messages if "bag number" in text]
    return _once(Counter(json.loads(told))), world.full, len(singly)


def _once(heard: Counter[str]) -> int:
    return sum(count == 1 for count in heard.values())


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@asynccontextmanager
async def _house(home: Path, world: World) -> AsyncIterator[tuple[House, Clock]]:
    feed = f'kind = "feed"\nurl = "{world.address}/feed"\nhistory = "3650d"\nfull_text = "never"\n'
    hits = f'kind = "hackernews"\napi_url = "{world.address}"\n'
    sources = f'[[source]]\nname = "source"\n{hits if world.script.hits else feed}'
    clock, settings = Clock(), _settings(home, sources)
    async with build(settings, Console(file=StringIO()), clock=clock) as house:
        yield house, clock


def _settings(home: Path, sources: str) -> Settings:
    home.mkdir()
    for name, text in (CONFIG | {"sources.toml": sources}).items():
        (home / name).write_text(text, "utf-8")
    return load(home, {"LISTENER_ALLOW_PRIVATE": "127.0.0.1"})


def _obsei(home: Path) -> Path | None:
    """Its Python, in an environment of its own; None when it cannot be had."""
    python = home / "bin" / "python"
    try:
        subprocess.run([sys.executable, "-m", "venv", home], check=True, capture_output=True)
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", OBSEI]
        subprocess.run(command, check=True, capture_output=True, env=_env())
    except (subprocess.CalledProcessError, OSError) as wrong:
        print(f"{OBSEI} is not compared: it could not be installed: {wrong}", file=sys.stderr, flush=True)
        return None
    return python


def _env() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
