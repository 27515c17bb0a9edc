"""How many posts a second are matched, judged and kept, beside obsei doing what it can of it with the same posts.

Ours holds them against a thousand queries, judges each with reasons, and indexes its words. obsei validates, runs one
regular expression of our phrases and inserts into DuckDB; it has no queries, and its text is searched by reading all.
"""

import json
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.rows import Row, cpu
from benchmarks.storage import PAGE, sides_empty
from benchmarks.world import Written
from listener.triage import load_rules

POSTS, ROUNDS, PHRASES = 2_000, 3, 10
SIDE = Path(__file__).with_name("obsei_pace.py")


def row(directory: Path, python: Path | None, env: dict[str, str]) -> Row:
    """`python` is obsei's; without it the row is there to be read."""
    name = "match + assess + keep, obsei with one regex"
    with sides_empty() as made:
        sides = replace(made, world=Written(), about=PAGE)
        rounds = [sides.pages(complaints=0, number=POSTS // PAGE) for _ in range(ROUNDS)]
        ours = POSTS / median(cpu(partial(sides.keep, pages)) for pages in rounds)
    if python is None:
        return Row(name, ours, None, "posts/s")
    given = [[post.id, post.text] for page in rounds[0] for post in page]
    phrases = [text for text, _, _ in load_rules().phrases][:PHRASES]
    for file, told in (("posts.json", given), ("phrases.json", phrases)):
        (directory / file).write_text(json.dumps(told), "utf-8")
    try:
        command = [python, SIDE, directory / "posts.json", directory / "phrases.json", directory / "pace.duckdb"]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    except subprocess.CalledProcessError as wrong:
        print(f"obsei is not compared: {wrong.stderr[-300:]}", file=sys.stderr, flush=True)
        return Row(name, ours, None, "posts/s")
    return Row(name, ours, float(done.stdout), "posts/s", 8, at_most=False)
