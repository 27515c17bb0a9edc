"""X, Reddit, Hacker News and a Mastodon server in a process of their own; on each somebody writes now and then, until as
many have written as asked for. Prints their addresses as JSON.
"""

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

from redditserver import FakeReddit
from test_hackernews import Algolia
from test_mastodon import Instance
from webserver import Server
from xserver import FakeX

PACE = 0.2  # seconds between two posts
SAID = "What a lovely crew, thank you Acme Air, number"


def now() -> datetime:
    return datetime.now(UTC)


async def main(posts: int) -> None:
    async with AsyncExitStack() as running:
        servers = {name: await running.enter_async_context(Server()) for name in ("x", "reddit", "hn", "masto")}
        x, reddit = FakeX(servers["x"], clock=now), FakeReddit(servers["reddit"])
        algolia, instance = Algolia(servers["hn"]), Instance(servers["masto"])
        print(json.dumps({name: server.address for name, server in servers.items()}), flush=True)
        for number in range(posts):
            then = now() - timedelta(minutes=1)  # X shows nothing that is younger than half a minute
            x.post(f"{SAID} {number}", then)
            reddit.post(title=f"{SAID} {number}", at=then)
            algolia.write(number, int(then.timestamp()), f"{SAID} {number}".lower())
            instance.write(str(number), then, f"<p>#acmeair {SAID} {number}</p>")
            await asyncio.sleep(PACE)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
