"""What was learned: what words, pairs of words and pieces of words weigh. Pure, but for reading its files.

The model is linear, so that each word's share of a score can be shown: a score is the sum over the different words of a
post and the pairs they form, divided by the length of that vector (a long post is no worse than a short one). Words are
hashed into tables of two bytes a weight (the "hashing trick", Weinberger et al. 2009); a word nobody trained on is
weighed by its pieces of three to five letters. What a word weighs is worked out once and remembered.
"""

import json
import math
import zlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from operator import xor
from typing import Any, NamedTuple

from listener.triage.languages import Votes, votes
from listener.triage.tokens import normal

SIZE = 1 << 18
MASK = SIZE - 1
HEADS = ("complaint", "praise", "question", "other", "severity", "valence")
WORD, PAIR, PIECE = 1.0, 0.8, 0.35  # how much a word, a pair of words, a piece of a word counts
CAUSE_PLACES = 1 << 15  # the table of causes is smaller: its rows have a column a cause
REMEMBERED = 50_000  # words a language; then it begins again
EDGE = zlib.crc32(b"the edge of a text") & MASK


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """One token: its place in the tables, what it and its pieces weigh in each head, and how much of a vector it is."""

    text: str
    left: int  # what it adds to the place of a pair it begins,
    right: int  # and of one it ends
    weights: tuple[float, ...]
    mass: float
    valence: float
    kind: str


@dataclass(slots=True)
class Weights:
    """`tables` one a head; `numbers` whatever else was learned. Words are remembered as they come."""

    tables: tuple[Sequence[int], ...]
    scales: tuple[float, ...]
    numbers: Mapping[str, Any]
    common: frozenset[str] = frozenset()  # lower-case words that are no names
    votes: Votes = field(default_factory=dict)
    causes: Sequence[int] = ()  # CAUSE_PLACES rows
    caused: dict[Word, tuple[int, ...]] = field(default_factory=dict)
    known: dict[str, dict[str, Word]] = field(default_factory=dict)  # language -> token -> what is known

    def words(self, tokens: Sequence[str], lang: str) -> tuple[Word, ...]:
        known = self.known.setdefault(lang, {})
        if len(known) > REMEMBERED:
            known.clear()
        get = known.get
        return tuple([get(token) or self._learned(token, lang, known) for token in tokens])

    def _learned(self, token: str, lang: str, known: dict[str, Word]) -> Word:
        found = known[token] = self._word(token, lang)
        return found

    def _word(self, token: str, lang: str) -> Word:
        text = normal(token)
        hashed, own, pieces = ids(text, lang)
        weights = tuple(
            scale * (WORD * table[own] + PIECE * sum(map(table.__getitem__, pieces)))
            for table, scale in zip(self.tables[:-1], self.scales, strict=False)
        )
        valence = self.tables[-1][own] * self.scales[-1] if lang == "en" else 0.0
        kind = KINDS.get(text, "") if lang == "en" else ""
        return Word(text, hashed & MASK, hashed >> 14, weights, WORD**2 + PIECE**2 * len(pieces), valence, kind)

    def score(self, of: "Vector", head: int) -> float:
        """What these words in this order say, in logits (of the severity head: in points)."""
        table = self.tables[head]
        words = sum([word.weights[head] for word in of.words])
        return (words + PAIR * self.scales[head] * sum(map(table.__getitem__, of.pairs))) / of.length

    def cause(self, of: "Vector", lang: str) -> list[float]:
        """How much the words speak for each of numbers["causes"]["names"], before phrases have their say."""
        table, scale = self.numbers["causes"], self.numbers["causes"]["scale"] / of.length
        rows = [self.caused.get(word) or self._caused(word, lang, len(table["names"])) for word in of.words]
        return [
            bias + scale * total for bias, total in zip(table["bias"], map(sum, zip(*rows, strict=True)), strict=True)
        ]

    def _caused(self, word: Word, lang: str, columns: int) -> tuple[int, ...]:
        if len(self.caused) > REMEMBERED:
            self.caused.clear()
        _, own, pieces = ids(word.text, lang)
        starts = [place % CAUSE_PLACES * columns for place in (own, *pieces)]
        found = tuple(map(sum, zip(*(self.causes[start : start + columns] for start in starts), strict=True)))
        self.caused[word] = found
        return found


class Vector(NamedTuple):
    """The different words of a text, the places of the pairs they form, and the length of all that."""

    words: frozenset[Word]
    pairs: frozenset[int]
    length: float


def vector(words: Sequence[Word]) -> Vector:
    different = frozenset(words)
    lefts, rights = [EDGE, *[word.left for word in words]], [word.right for word in words]
    pairs = frozenset(map(xor, lefts, [*rights, EDGE]))
    return Vector(different, pairs, math.sqrt(sum([word.mass for word in different]) + PAIR**2 * len(pairs)))


def ids(text: str, lang: str) -> tuple[int, int, list[int]]:
    """The hash of a token in its normal form, and the places in a table of itself and of its pieces."""
    prefix = "" if lang == "en" else f"{lang}:"
    hashed = _hash(prefix + text)
    whole = f"<{text[:24]}>"
    begun = _hash(f"{prefix}~")  # a checksum goes on where another ended
    return hashed, hashed & MASK, _pieces(whole, begun) if text[0].isalpha() else []


def _pieces(whole: str, begun: int) -> list[int]:
    """Places of the pieces of three, four and five letters."""
    if whole.isascii():
        letters = whole.encode()
        return [
            zlib.crc32(letters[start : start + long], begun) & MASK
            for long in (3, 4, 5)
            for start in range(len(letters) - long + 1)
        ]
    return [
        zlib.crc32(whole[start : start + long].encode("utf-8", "replace"), begun) & MASK
        for long in (3, 4, 5)
        for start in range(len(whole) - long + 1)
    ]


def _hash(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "replace"))


KINDS: Mapping[str, str] = {
    word: kind
    for kind, words in {
        "first": "i i'm i've i'd i'll im ive my me we we've we're our us mine myself",
        "second": "you your you're you've you'll u ur yours youre yall y'all",
        "not": "not no never none nothing nobody neither nor without hardly isn't wasn't aren't weren't don't doesn't "
        "didn't won't can't cannot couldn't wouldn't shouldn't haven't hasn't hadn't ain't dont doesnt didnt wont cant "
        "isnt wasnt havent hasnt couldnt wouldnt",
        "again": "again still yet another twice keeps keep every constantly always anymore",
        "but": "but however although though instead except unfortunately",
        "thanks": "thanks thank thx cheers ty thankyou",
        "please": "please pls plz kindly",
        "url": "<url>",
        "why": "why wtf how",
        "stop": "! !+ ? ?+ !? !?+ . … .. ... ; \n",
        "time": "hour hours hr hrs day days week weeks wk wks month months year years minutes mins",
        "tries": "time times call calls email emails e-mail e-mails mail mails message messages ticket tickets attempt "
        "attempts agent agents chat chats letter letters technician technicians engineer engineers visit visits "
        "appointment appointments",
        "money": "<money> $ refund charge charged bill fee",
        "number": "0 00 00000",
    }.items()
    for word in words.split(" ")
    if word
}


@cache
def shipped() -> Weights:
    """The weights of this version, from the package, as training has made them."""
    folder = files("listener.triage")
    numbers = json.loads(folder.joinpath("weights.json").read_text("utf-8"))
    data = folder.joinpath("weights.bin").read_bytes()
    causes = array("b", folder.joinpath("causes.bin").read_bytes())
    tables = tuple(array("h", data[start : start + 2 * SIZE]) for start in range(0, len(data), 2 * SIZE))
    return Weights(
        tables,
        tuple(numbers["scales"]),
        numbers,
        frozenset(numbers.get("common", "").split()),
        votes(numbers.get("tongues", {})),
        causes,
    )
