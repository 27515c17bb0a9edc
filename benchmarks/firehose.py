"""Every post of Bluesky against ten thousand queries: messages as Jetstream sends them, read and matched on one core.

The rival is the volume there is: 2,000 events a second (https://docs.bsky.app/blog/relay-ops, end of 2024).
The socket itself is not in it. When more comes than one core reads, `[[source]]` entries are shared out by themselves:
each process of several on PostgreSQL takes sources, and one firehose is one source.
"""

import json
from datetime import UTC, datetime, timedelta

from benchmarks.rows import Row, cpu
from benchmarks.world import World
from connectors.bluesky import Heard, page_of
from listener.match import Matcher, anchor

VOLUME = 2_000.0  # events a second
EVENTS = 20_000
BEGAN = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def run() -> list[Row]:
    world = World()
    queries = world.queries(10_000)
    words = [str(next(iter(anchor(query))).text) for query in queries.values()]
    messages = [_message(n, world.post(n, words[n % 10_000] if n % 25 == 0 else "").text) for n in range(EVENTS)]
    matcher = Matcher(queries)
    kept = _heard(messages, matcher)
    assert kept == EVENTS, f"{EVENTS - kept} messages were dropped"
    rate = EVENTS / min(cpu(lambda: _heard(messages, matcher)) for _ in range(3))
    return [Row("firehose, 10,000 queries: read and matched, all there is", rate, VOLUME, "posts/s", 2.0, False)]


def _heard(messages: list[str], matcher: Matcher) -> int:
    """How many posts came out, each held against every query."""
    heard, posts = Heard(known=0, source="bluesky"), 0
    for text in messages:
        if heard(text):
            posts, heard = posts + _matched(heard, matcher), Heard(known=0, source="bluesky")
    return posts + _matched(heard, matcher)


def _matched(heard: Heard, matcher: Matcher) -> int:
    page = page_of(heard, seen=False, now=BEGAN + timedelta(days=1))
    for post in page.posts:
        matcher.match(post)
    return len(page.posts)


def _message(number: int, text: str) -> str:
    at = BEGAN + timedelta(milliseconds=number)
    record = {"$type": "app.bsky.feed.post", "createdAt": at.isoformat(), "langs": ["en"], "text": text[:300]}
    commit = {"rev": "r", "operation": "create", "collection": "app.bsky.feed.post", "rkey": f"k{number}"}
    told = {"did": f"did:plc:{number % 5_000}", "time_us": int(at.timestamp() * 1e6), "kind": "commit"}
    return json.dumps({**told, "commit": {**commit, "record": record, "cid": f"c{number}"}})
