"""Every brand's query over a post, against a bare automaton that only looks for the same anchor words."""

from collections.abc import Mapping

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from benchmarks.rows import Row, cpu, side_by_side
from benchmarks.world import World
from connectors.post import Post
from listener.match import Matcher, anchor
from listener.query import Node, fold

POSTS = 20_000


def run() -> list[Row]:
    world = World()
    queries = world.queries(1_000)
    hits = [str(next(iter(anchor(query))).text) for query in queries.values()]
    posts = [world.post(n, hits[n % 1_000] if n % 15 == 0 else "") for n in range(POSTS)]
    ours, bare = side_by_side(lambda: _match(Matcher(queries), posts), lambda: _scan(queries, posts))
    few, many = _rate(world.queries(10), posts), _rate(world.queries(10_000), posts)
    return [
        Row("1,000 boolean queries, a bare scan of their anchors", POSTS / ours, POSTS / bare, "posts/s", 0.5, False),
        Row("10,000 queries, 10 queries", many, few, "posts/s", 1 / 6, False),
    ]


def _match(matcher: Matcher, posts: list[Post]) -> None:
    for post in posts:
        matcher.match(post)


def _scan(queries: Mapping[str, Node], posts: list[Post]) -> None:
    words = list({word.text for query in queries.values() for word in anchor(query)})
    automaton = AhoCorasick(words, matchkind=MatchKind.Standard, implementation=Implementation.DFA)
    for post in posts:
        automaton.find_matches_as_indexes(fold(post.text), overlapping=True)


def _rate(queries: Mapping[str, Node], posts: list[Post]) -> float:
    matcher = Matcher(queries)
    return len(posts) / min(cpu(lambda: _match(matcher, posts)) for _ in range(3))
