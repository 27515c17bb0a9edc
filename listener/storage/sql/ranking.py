"""Which hits speak most of what was asked for: BM25 among the hits themselves. Pure.

Robertson & Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with the hits as the collection:
a word that all of them have tells them apart by how often it is said only. FTS5's own bm25() counts every post of the
index for every word before it ranks one.
"""

from collections.abc import Iterable, Sequence
from math import log

from listener.query import Word
from listener.query.meaning import places

OFTEN = 1.2  # k1: how soon saying it again counts no more
LONG = 0.75  # b: how much a long text has to say it more often

Said = tuple[int, str]  # a post and its folded text


def best_first(words: Sequence[Word], hits: Iterable[Said]) -> list[int]:
    """The posts; of two that say it alike the one that came first stays first."""
    found = [(post, len(text), [_count(word, text) for word in words]) for post, text in hits]
    if not found:
        return []
    mean = sum(length for _, length, _ in found) / len(found) or 1.0
    rarity = [_rarity(sum(map(bool, column)), len(found)) for column in zip(*(row[2] for row in found), strict=True)]

    def score(length: int, counts: Sequence[int]) -> float:
        norm = OFTEN * (1 - LONG + LONG * length / mean)
        return sum(rare * count * (OFTEN + 1) / (count + norm) for rare, count in zip(rarity, counts, strict=True))

    return [post for post, _, _ in sorted(found, key=lambda hit: -score(*hit[1:]))]


def _count(word: Word, text: str) -> int:
    return sum(1 for _ in places(word, text)) if word.text in text else 0


def _rarity(having: int, of: int) -> float:
    """Never 0: a word that all have still counts."""
    return log(1 + (of - having + 0.5) / (having + 0.5))
