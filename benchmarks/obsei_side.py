"""obsei's side of benchmarks/hearing.py, run by the Python that has obsei: prints what came through, as JSON.

python obsei_side.py rss|hackernews ADDRESS POLLS STORE
"""

import json
import os
import sys
import urllib.request

os.environ["SLACK_WEBHOOK_URL"] = f"{sys.argv[2]}/slack"

from obsei.core.context import Context
from obsei.core.protocols import SinkResult
from obsei.pipeline import Pipeline, SourceSpec, run
from obsei.sinks.slack import SlackConfig, SlackSink
from obsei.sources import hackernews, rss
from obsei.store import Store


class Kept:
    """A sink that keeps the ids it was given."""

    name = "kept"

    def __init__(self):
        self.ids = []

    def send(self, batch):
        self.ids += [record.source.native_id for record in batch]
        return SinkResult(sent=len(batch))


kind, address, polls, path = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
hackernews.API_URL = f"{address}/search_by_date"
context, kept = Context(), Kept()
if kind == "rss":
    source = rss.RssSource(rss.RssConfig(url=f"{address}/feed"), context)
else:
    source = hackernews.HackerNewsSource(hackernews.HackerNewsConfig(query="acme"), context)
sinks = [kept, SlackSink(SlackConfig(), context)]
pipeline = Pipeline("bench", [SourceSpec("source", source)], sinks=sinks, allow_unredacted=True)
store = Store(path, allow_unencrypted=True, install_extensions=False)
for _ in range(polls):
    try:
        run(pipeline, store)
    except Exception as trouble:
        print(f"obsei: {trouble}", file=sys.stderr)
    urllib.request.urlopen(urllib.request.Request(f"{address}/next", method="POST")).close()
print(json.dumps(kept.ids))
