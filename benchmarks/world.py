"""Invented posts and queries: words nobody ever wrote, drawn as often as real words are (Zipf)."""

import os
import random
import sys
from itertools import accumulate

from connectors.post import Author, Post
from listener.query import Node, parse

SYLLABLES = "ba ce di fo gu la me ni po ru sa te vi wo zu ka le mi no pu".split()


def rows() -> int:
    """How much the big stores hold."""
    return int(os.environ.get("LISTENER_BENCH_ROWS", "1000000"))


def telling(what: str, done: int, of: int) -> None:
    """On stderr, every tenth: a big store takes minutes to fill."""
    if done * 10 // of != (done - 1) * 10 // of or done == of:
        print(f"{what}: {done:,} of {of:,}", file=sys.stderr, flush=True)


class World:
    """The same one for the same seed."""

    def __init__(self, words: int = 20_000, seed: int = 1):
        self._random = random.Random(seed)
        self.words = list(dict.fromkeys(self._word() for _ in range(words)))
        self._weights = list(accumulate(1 / rank for rank in range(1, len(self.words) + 1)))

    def _word(self) -> str:
        return "".join(self._random.choices(SYLLABLES, k=self._random.randint(2, 4)))

    def text(self, words: int = 32) -> str:
        return " ".join(self._random.choices(self.words, cum_weights=self._weights, k=words))

    def post(self, number: int, extra: str = "") -> Post:
        text = f"{self.text()} {extra}".strip()
        return Post(
            source="bench", id=f"p{number}", url=f"https://blog.example/{number}", text=text, author=Author(handle="a")
        )

    def brand(self) -> str:
        """A rare word: brands are."""
        return f"{self._random.choice(self.words[len(self.words) // 4 :])}x{self._random.randint(10, 99)}"

    def queries(self, number: int) -> dict[str, Node]:
        return {name: parse(text) for name, text in self.wanted(number).items()}

    def wanted(self, number: int) -> dict[str, str]:
        """Brands and their queries as people write them: 40 % OR, 30 % AND with OR, 15 % NOT, 15 % NEAR."""
        made: dict[str, str] = {}
        for place in range(number):
            a, b, common = self.brand(), self.brand(), self._random.choice(self.words[:200])
            kind = place % 20
            if kind < 8:
                text = f"{a} OR {b}"
            elif kind < 14:
                text = f"{a} ({common} OR {b})"
            elif kind < 17:
                text = f"{a} NOT {common}"
            else:
                text = f"{a} NEAR/5 {common}"
            made[f"brand {place}"] = text
        return made
