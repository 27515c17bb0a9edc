"""kill -9 at random moments: no post lost, no case doubled, no notice lost, none shown twice, and everything balances."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import configs
import pytest

KILLS = int(os.environ.get("LISTENER_KILLS", "6"))
POSTS = 40
ELSEWHERE = 30  # on each of the other platforms
HERE = Path(__file__).parent
LISTENER = [sys.executable, "-m", "listener"]


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A Slack, a blog and four platforms in processes of their own, which no kill of ours touches."""
    log = tmp_path / "slack.jsonl"
    with (
        subprocess.Popen(
            [sys.executable, str(HERE / "slackserver.py"), "--log", str(log)], stdout=subprocess.PIPE, text=True
        ) as slack,
        subprocess.Popen(
            [sys.executable, str(HERE / "growingblog.py"), str(POSTS)], stdout=subprocess.PIPE, text=True
        ) as blog,
        subprocess.Popen(
            [sys.executable, str(HERE / "growingplatforms.py"), str(ELSEWHERE)], stdout=subprocess.PIPE, text=True
        ) as platforms,
    ):
        assert slack.stdout and blog.stdout and platforms.stdout
        addresses = {"slack": slack.stdout.readline().strip(), "blog": blog.stdout.readline().strip(), "log": str(log)}
        yield addresses | json.loads(platforms.stdout.readline())
        for process in (slack, blog, platforms):
            process.kill()


def sources(outside: dict[str, str]) -> str:
    """Each polled once a second; the keyed ones ask more than one thing each, page by page."""
    tables = {
        "blog": f'kind = "feed"\nurl = "{outside["blog"]}/feed"',
        "x": f'kind = "x"\napi_url = "{outside["x"]}"\nbudget = 1000.0',
        "reddit": f'kind = "reddit"\nsubreddits = ["acme"]\nreddit_url = "{outside["reddit"]}"\noauth_url = "{outside["reddit"]}"',
        "hn": f'kind = "hackernews"\napi_url = "{outside["hn"]}"',
        "masto": f'kind = "mastodon"\napi_url = "{outside["masto"]}"\nsearch = false',
    }
    return "".join(f'[[source]]\nname = "{name}"\nevery = "1s"\n{table}\n' for name, table in tables.items())


SECRETS = {
    "X_BEARER_TOKEN": "right-secret",
    "REDDIT_CLIENT_ID": "right-id",
    "REDDIT_CLIENT_SECRET": "right-secret",
    "MASTODON_TOKEN": "right",
}


@pytest.mark.timeout(300 + 10 * KILLS)
def test_killed_again_and_again_it_loses_and_doubles_nothing(tmp_path: Path, outside: dict[str, str]) -> None:
    config = configs.write(
        tmp_path / "config",
        listener=f'database = "listener.db"\n[incident]\nleast = 0\n[slack]\nchannel = "C0CARE"\napi_url = "{outside["slack"]}/api/"\n',
        sources=sources(outside),
    )
    env = {
        **os.environ,
        **SECRETS,
        "SLACK_BOT_TOKEN": "xoxb-test",
        "LISTENER_ALLOW_PRIVATE": "127.0.0.1",
        "LISTENER_CONFIG": str(config),
    }
    moments = random.Random(7)
    for _ in range(KILLS):
        with subprocess.Popen(
            [*LISTENER, "run"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as running:
            time.sleep(0.9 + moments.random() * 1.6)
            running.kill()
    balance = _settle(env)
    assert balance["balanced"], balance["findings"]
    assert numbers(balance) == {"blog": POSTS} | dict.fromkeys(("x", "reddit", "hn", "masto"), ELSEWHERE)
    exported = [json.loads(line) for line in _listener(env, "export").splitlines()]
    assert len(exported) == len({(one["source"], one["url"], one["text"]) for one in exported}) == POSTS + 4 * ELSEWHERE
    cases = [json.loads(line) for line in _listener(env, "cases", "--json").splitlines()]
    assert len(cases) == POSTS, "every post is a complaint, and each is one case"
    payloads = [json.loads(line)["metadata"]["event_payload"] for line in Path(outside["log"]).read_text().splitlines()]
    keys = [key for payload in payloads for key in payload.get("says") or [payload["key"]]]
    assert sorted(keys) == sorted(set(keys)), "nothing was shown twice"
    assert {f"{case['id']}/card" for case in cases} <= set(keys), "nothing was left unsaid"
    assert {f"{case['id']}/1/direct/Dana Fox" for case in cases} <= set(keys)


def _settle(env: dict[str, str]) -> dict[str, object]:
    """Runs until everything is said."""
    with subprocess.Popen([*LISTENER, "run"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        for _ in range(200):
            time.sleep(0.5)
            found: dict[str, object] = json.loads(_listener(env, "audit", "--json"))
            balance = found["balance"]
            assert isinstance(balance, dict)
            if sum(numbers(found).values()) == POSTS + 4 * ELSEWHERE and balance["owed"] == 0:
                break
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0, "asked to stop, it drains and ends well"
    return found


def numbers(audit: Mapping[str, Any]) -> dict[str, int]:
    """Source -> posts."""
    return {source: sum(states.values()) for source, states in audit["balance"]["posts"].items()}


def _listener(env: dict[str, str], *arguments: str) -> str:
    return subprocess.run(
        [*LISTENER, *arguments], env=env, capture_output=True, text=True, timeout=60, check=False
    ).stdout
