"""Invented posts and queries: words nobody ever wrote, drawn as often as real words are (Zipf).

A post has 200 characters, more or less, capitals and full stops. Four in ten go beyond ASCII or name somebody: an
accent, an emoji, curly quotes, a handle, a hashtag, an address; one in twenty is in another script.
"""

import os
import random
import re
import sys
from itertools import accumulate, product

from connectors.post import Author, Post
from listener.query import Node, parse
from listener.triage.gold import corpus

SYLLABLES = "ba ce di fo gu la me ni po ru sa te vi wo zu ka le mi no pu".split()


def rows() -> int:
    """How much the big stores hold."""
    return int(os.environ.get("LISTENER_BENCH_ROWS", "1000000"))


def telling(what: str, done: int, of: int) -> None:
    """On stderr, every tenth: a big store takes minutes to fill."""
    if done * 10 // of != (done - 1) * 10 // of or done == of:
        print(f"{what}: {done:,} of {of:,}", file=sys.stderr, flush=True)


OTHER = ("посылка так и не пришла ", "το πακέτο δεν ήρθε ", "荷物がまだ届きません。")
PLAIN = 12  # of twenty posts


class World:
    """The same one for the same seed. `words` are in the order of how often they are used; the frequent are short."""

    def __init__(self, words: int = 60_000, seed: int = 1):
        self._random = random.Random(seed)
        self.words = [word for length in (2, 3, 4) for word in self._of(length)][:words]
        self._weights = list(accumulate(1 / rank for rank in range(1, len(self.words) + 1)))

    def _of(self, syllables: int) -> list[str]:
        words = ["".join(each) for each in product(SYLLABLES, repeat=syllables)]
        self._random.shuffle(words)
        return words

    def text(self, number: int = 0) -> str:
        words = self._drawn(max(4, round(self._random.gauss(33, 7))))
        said = " ".join(words).capitalize().replace(" ba", ". Ba")
        return self._coloured(said, words[-1], number % 20 - PLAIN)

    def _drawn(self, number: int) -> list[str]:
        return self._random.choices(self.words, cum_weights=self._weights, k=number)

    def prose(self, words: int) -> str:
        """So many of them, and nothing else."""
        return " ".join(self._drawn(words)).capitalize()

    @staticmethod
    def _coloured(said: str, word: str, kind: int) -> str:
        match kind:
            case 0:
                return f"@{word} {said}"
            case 1:
                return f"{said} #{word} https://blog.example/{word}"
            case 2 | 3:
                return f"{said} \U0001f6b2"
            case 4:
                return said.replace("e", "\u00e9", 3).replace("u", "\u00fc", 2)
            case 5 | 6:
                return f"\u201c{said}\u201d \u2013 it\u2019s {word}\u2026"
            case 7:
                return f"{OTHER[len(said) % 3] * 6}{said[:40]}"
            case _:
                return said

    def post(self, number: int, extra: str = "") -> Post:
        text = f"{self.text(number)} {extra}".strip()
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


class Written(World):
    """Posts as people write them: sentences of the shipped corpus, in English, put together anew."""

    def __init__(self, seed: int = 1):
        super().__init__(seed=seed)
        posts = [post.text for post in corpus() if post.lang == "en"]
        self._said = [said for text in posts for said in re.findall(r"[^.!?\n]+[.!?]*", text) if len(said) > 8]

    def text(self, number: int = 0) -> str:
        wanted, said = self._random.gauss(200, 45), ""
        while len(said) < wanted:
            said = f"{said} {self._random.choice(self._said).strip()}".strip()
        return said
