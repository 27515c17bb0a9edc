"""Several `listener run` on one PostgreSQL, killed and frozen at random: nothing is lost, nothing doubled, and what one
of them had in its hands another finishes. LISTENER_CHAOS=600 goes on for ten minutes."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import configs
import postgresserver
import pytest

CHAOS = float(os.environ.get("LISTENER_CHAOS", "5"))  # seconds
WORKERS, BLOGS, POSTS = 3, 3, max(8, int(CHAOS / 4))
LEASE = 3.0  # seconds, as in hasty.py
HERE = Path(__file__).parent
LISTENER = [sys.executable, str(HERE / "hasty.py")]


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[tuple[dict[str, str], Path]]:
    """A Slack and some blogs in processes of their own, a database, and a configuration that names them."""
    log, address = tmp_path / "slack.jsonl", postgresserver.shelf().take()
    with ExitStack() as stack:
        slack = _served(stack, "slackserver.py", "--log", str(log))
        blogs = [_served(stack, "growingblog.py", str(POSTS)) for _ in range(BLOGS)]
        config = configs.write(
            tmp_path / "config",
            listener=f'database = "{postgresserver.url(address)}"\n[incident]\nleast = 0\n'
            f'[slack]\nchannel = "C0CARE"\napi_url = "{slack}/api/"\n',
            sources="".join(
                f'[[source]]\nname = "blog{number}"\nkind = "feed"\nurl = "{blog}/feed"\nevery = "1s"\n'
                for number, blog in enumerate(blogs)
            ),
        )
        env = {"SLACK_BOT_TOKEN": "xoxb-test", "LISTENER_ALLOW_PRIVATE": "127.0.0.1", "LISTENER_CONFIG": str(config)}
        yield {**os.environ, **env}, log
    postgresserver.shelf().give_back(address)


def _served(stack: ExitStack, *command: str) -> str:
    server = stack.enter_context(
        subprocess.Popen([sys.executable, str(HERE / command[0]), *command[1:]], stdout=subprocess.PIPE, text=True)
    )
    stack.callback(server.kill)
    assert server.stdout
    return server.stdout.readline().strip()


def _run(env: dict[str, str]) -> "subprocess.Popen[bytes]":
    said = subprocess.DEVNULL
    return subprocess.Popen([*LISTENER, "run", "--roles", "listen,escalate"], env=env, stdout=said, stderr=said)


@pytest.mark.timeout(180 + 2 * CHAOS)
def test_killed_and_frozen_at_random_they_lose_and_double_nothing(outside: tuple[dict[str, str], Path]) -> None:
    env, log = outside
    workers = [_run(env) for _ in range(WORKERS)]
    try:
        _chaos(workers, env, random.Random(11))
        balance = _settle(env)
    finally:
        for worker in workers:
            worker.send_signal(signal.SIGCONT)
            worker.terminate()
        for worker in workers:
            worker.wait(30)
    assert balance["balanced"], balance["findings"]
    cases = [json.loads(line) for line in _listener(env, "cases", "--json").splitlines()]
    assert len(cases) == POSTS, "the blogs tell the same: what several processes heard of is one case"
    assert [case["posts"] for case in cases] == [BLOGS] * POSTS
    payloads = [json.loads(line)["metadata"]["event_payload"] for line in log.read_text().splitlines()]
    keys = [key for payload in payloads for key in payload.get("says") or [payload["key"]]]
    assert [key for key, times in Counter(keys).items() if times > 1] == [], "nothing was shown twice"
    assert {f"{case['id']}/card" for case in cases} <= set(keys), "nothing was left unsaid"
    assert {f"{case['id']}/1/direct/Dana Fox" for case in cases} <= set(keys)


def _chaos(workers: list["subprocess.Popen[bytes]"], env: dict[str, str], chance: random.Random) -> None:
    """Whoever is killed is started anew; whoever is frozen wakes after its leases have ended, or before."""
    until, frozen = time.monotonic() + CHAOS, dict[int, float]()
    while time.monotonic() < until:
        time.sleep(0.2 + chance.random() * 0.6)
        which, now = chance.randrange(WORKERS), time.monotonic()
        for number in [number for number, wakes in frozen.items() if wakes <= now]:
            workers[number].send_signal(signal.SIGCONT)
            del frozen[number]
        if chance.random() < 0.5 and which not in frozen:
            workers[which].send_signal(signal.SIGSTOP)
            frozen[which] = now + chance.choice((0.5, LEASE + 0.5, LEASE + 2))
        elif chance.random() < 0.5:
            workers[which].kill()
            workers[which].wait()
            frozen.pop(which, None)
            workers[which] = _run(env)
    for number in frozen:
        workers[number].send_signal(signal.SIGCONT)


def _settle(env: dict[str, str]) -> dict[str, object]:
    """Until everything is said, and what was late while nobody was alive has been done."""
    for _ in range(150):
        time.sleep(0.5)
        found: dict[str, object] = json.loads(_listener(env, "audit", "--json"))
        balance = found["balance"]
        assert isinstance(balance, dict)
        heard = sum(sum(states.values()) for states in balance["posts"].values())
        if heard == BLOGS * POSTS and balance["owed"] == 0 and found["balanced"]:
            break
    return found


def _listener(env: dict[str, str], *arguments: str) -> str:
    return subprocess.run(
        [*LISTENER, *arguments], env=env, capture_output=True, text=True, timeout=60, check=False
    ).stdout
