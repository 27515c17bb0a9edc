"""obsei's side of benchmarks/pace.py, run by the Python that has obsei: prints posts a second of processor time.

python obsei_pace.py POSTS PHRASES STORE     both JSON: [[id, text], …], ["phrase", …]

obsei 1.1 judges with a language model or not at all, so what it is given to judge with is one regular expression.
"""

import json
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from obsei.core.protocols import SinkResult
from obsei.core.record import Enrichment, Record, SourceRef
from obsei.pipeline import Pipeline, SourceSpec, run
from obsei.store import Store

AT = datetime(2026, 5, 4, tzinfo=UTC)


class Posts:
    name = "posts"

    def __init__(self, posts):
        self.posts = posts

    def fetch(self, cursor):
        for id_, text in self.posts:
            yield Record(source=SourceRef(type="posts", native_id=id_), text=text, created_at=AT), {"at": id_}


class Phrases:
    name, version = "phrases", "1"

    def __init__(self, phrases):
        self.pattern = re.compile("|".join(rf"\b{re.escape(phrase)}\b" for phrase in phrases), re.IGNORECASE)

    def enrich(self, batch):
        return [Enrichment(value=len(self.pattern.findall(record.text))) for record in batch]


class Nowhere:
    name = "nowhere"

    def send(self, batch):
        return SinkResult(sent=len(batch))


given, words = (json.loads(Path(name).read_text("utf-8")) for name in sys.argv[1:3])
source = SourceSpec("posts", Posts(given))
pipeline = Pipeline("pace", [source], enrichers=[Phrases(words)], sinks=[Nowhere()], allow_unredacted=True)
store = Store(sys.argv[3], allow_unencrypted=True, install_extensions=False)
begun = time.process_time()
report = run(pipeline, store)
spent = time.process_time() - begun
stored = sum(each.stored for each in report.sources.values())
assert stored == len(given), report
print(stored / spent)
