"""A judgement of a post, with its reasons, against merely finding the same phrases in it.

Three rivals: VADER (Hutto & Gilbert 2014), which says how positive a post is and nothing else; the one regular
expression that one would write without an automaton; and the bare automaton. None knows which brand a phrase speaks
of, whether it is negated, or what it weighs.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from benchmarks.rows import Row, side_by_side
from benchmarks.world import World
from connectors.post import Post
from listener.triage import BrandTarget, Rules, assess, load_rules
from listener.triage.gold import Gold, corpus

try:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    VADER = SentimentIntensityAnalyzer()
except ImportError:  # it comes with the extra "train"
    VADER = None

POSTS, SLOW = 4_000, 400  # the regular expression gets a tenth of the posts: it takes its time
CORPUS = 2_000
BRAND = BrandTarget(name="Acme Air", aliases=("acmeair",))


def run() -> list[Row]:
    rules = load_rules()
    posts = _posts(rules)
    pattern = re.compile("|".join(rf"\b{re.escape(text)}" + r"\b" * (not open_) for text, open_, _ in rules.phrases))
    few = posts[:SLOW]
    ours, regex = side_by_side(lambda: _assess(few, rules), lambda: _search(few, pattern))
    again, scan = side_by_side(lambda: _assess(posts, rules), lambda: _scan(posts, rules))
    written = corpus()[:: len(corpus()) // CORPUS]  # of all trades and languages
    texts = [Post(source="x", id=post.where, url="", text=post.text) for post in written]
    whole, vader = side_by_side(lambda: _judge(texts, written, rules), lambda: _polarity(texts))
    return [
        Row("assess, posts of the corpus", len(texts) / whole, None, "posts/s", 8_000, False),
        *(
            [Row("assess beside VADER, posts of the corpus", len(texts) / whole, len(texts) / vader, "posts/s")]
            * bool(VADER)
        ),
        Row("assess, one regex of all phrases", SLOW / ours, SLOW / regex, "posts/s", 1, False),
        Row("assess, a bare scan for the phrases", POSTS / again, POSTS / scan, "posts/s"),
    ]


def _posts(rules: Rules) -> list[Post]:
    """Half of them say something that counts, in the sentence that names the brand or in another."""
    world, chance = World(), random.Random(2)
    phrases = [text for text, _, _ in rules.phrases]
    return [_post(world.post(number), phrases if number % 2 else [], chance) for number in range(POSTS)]


def _post(post: Post, phrases: list[str], chance: random.Random) -> Post:
    words = post.text.split()
    said = [chance.choice(phrases) for _ in range(chance.randint(1, 4) if phrases else 0)]
    for each in ("Acme Air", *said, ". "):
        words.insert(chance.randint(0, len(words)), each)
    return replace(post, text=" ".join(words))


def _assess(posts: list[Post], rules: Rules) -> None:
    for post in posts:
        assess(post, BRAND, rules)


def _judge(posts: Sequence[Post], written: Sequence[Gold], rules: Rules) -> None:
    """Each for a brand that it names, beside the others that it names; nobody says in which language it is."""
    for post, gold in zip(posts, written, strict=True):
        brand, *others = [label.brand for label in gold.labels]
        assess(post, brand, rules, others)


def _search(posts: list[Post], pattern: re.Pattern[str]) -> None:
    for post in posts:
        pattern.findall(post.text.lower())


def _scan(posts: list[Post], rules: Rules) -> None:
    for post in posts:
        rules.books["en"].automaton.find_matches_as_indexes(post.text.lower(), overlapping=True)


def _polarity(posts: list[Post]) -> None:
    for post in posts:
        if VADER:
            VADER.polarity_scores(post.text)
