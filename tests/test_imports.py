"""A command reads the code that it needs: what asks the store waits for no server, no vendor and no page."""

import json
import os
import subprocess
import sys
from pathlib import Path

import configs

HEAVY = frozenset(
    "aiohttp jinja2 numpy PIL praw prometheus_client psycopg slack_bolt slack_sdk starlette trafilatura tweepy uvicorn"
    " uvloop xlsxwriter".split()
)
ASKS_THE_STORE = "accounts casework hearing importing judging keys matters memory moving people reply".split()
SEEN = "; import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"


def read_by(code: str) -> set[str]:
    """The packages that a fresh interpreter has read after this."""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code + SEEN], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_reads_no_more_than_the_list_of_commands() -> None:
    seen = read_by("from listener.cli import main; main(['--help'], standalone_mode=False)")
    assert not seen & {*HEAVY, "connectors", "escalation", "rich", "sqlite3"}


def test_what_asks_the_store_reads_no_server_no_vendor_and_no_page() -> None:
    modules = ", ".join(f"listener.commands.{name}" for name in ASKS_THE_STORE)
    assert read_by(f"import {modules}") & HEAVY == set()


def test_neither_does_it_when_it_is_at_work(tmp_path: Path) -> None:
    """Sources are checked too, a feed among them: asking it would need a client, knowing its options does not."""
    directory = str(configs.write(tmp_path))
    commands = [["cases"], ["search", "charger"], ["sources"], ["audit"], ["digest"]]
    calls = "; ".join(f"main({[*command, '--config', directory]!r}, standalone_mode=False)" for command in commands)
    assert read_by(f"from listener.cli import main; {calls}") & HEAVY == set()
