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
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.resources import files
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from listener.triage.languages import Votes, votes
from listener.triage.packed import LANE, packed, unpacked
from listener.triage.remembered import Remembered
from listener.triage.tokens import normal, parts, tokens

SIZE = 1 << 18
MASK = SIZE - 1
HEADS = ("complaint", "praise", "question", "other", "severity", "thing", "valence")
SUMMED = len(HEADS) - 1  # all but valence, which is of single words
WORD, PAIR, PIECE = 1.0, 0.8, 0.35  # how much a word, a pair of words, a piece of a word counts
STEPS = 20  # of them all three are whole: what is summed stays whole until the end
_WORD, _PAIR, _PIECE = round(WORD * STEPS), round(PAIR * STEPS), round(PIECE * STEPS)
LANES = SUMMED + 1  # what words are summed in: the heads, and the square of the length that they give a vector
CAUSE_PLACES = 1 << 15  # the table of causes is smaller: its rows have a column a cause
REMEMBERED = 100_000  # parts of texts a language
EDGE = zlib.crc32(b"the edge of a text") & MASK


@dataclass(slots=True, eq=False, weakref_slot=True)
class Word:
    """One token: its place in the tables, what it and its pieces weigh in each head, and how much of a vector it is.

    As long as anybody holds it, it is the one object of its token, so that the different words of a text are a set.
    """

    text: str
    left: int  # what it adds to the place of a pair it begins,
    right: int  # and of one it ends
    weights: int  # LANES in STEPS, packed
    weight: int  # of the first head alone
    valence: float
    kind: str
    spoken: bool  # is it more than a mark, a number, a name?
    plain: bool  # spoken, and neither good nor bad nor of a kind: form passes over it
    causes: int = 0  # for each cause, packed; worked out when first asked for


@dataclass(slots=True)
class Weights:
    """`tables` one a head; `numbers` whatever else was learned. Words are remembered as they come."""

    tables: tuple[Sequence[int], ...]
    scales: tuple[float, ...]
    numbers: Mapping[str, Any]
    common: frozenset[str] = frozenset()  # lower-case words that are no names
    votes: Votes = field(default_factory=Votes)
    causes: Sequence[int] = ()  # CAUSE_PLACES rows
    known: dict[str, Remembered[tuple[Word, ...]]] = field(default_factory=dict, init=False)  # by language and part
    # What stands at a place of the tables, packed, once it was asked for. Never 0 but where nothing was learned.
    rows: list[int] = field(default_factory=lambda: [0] * SIZE, init=False)
    cause_rows: list[int] = field(default_factory=lambda: [0] * CAUSE_PLACES, init=False)

    def forget(self) -> None:
        """After other tables were put in."""
        self.known.clear()
        self.rows, self.cause_rows = [0] * SIZE, [0] * CAUSE_PLACES

    def words(self, text: str, lang: str) -> tuple[Word, ...]:
        """`text` is lowered and masked."""
        return tuple(chain.from_iterable(map(self._parts(lang).__getitem__, parts(text))))

    def before(self, text: str, number: int, lang: str) -> tuple[int, int]:
        """How many words come before the part that word `number` is in, and where that part begins."""
        known, words, at = self._parts(lang), 0, 0
        for part in parts(text):
            held = len(known[part])
            if words + held > number:
                return words, at - (part == "\n")
            words += held
            at += 0 if part == "\n" else len(part) + 1  # a new line has no blanks around it in the text itself
        return words, len(text)

    def _parts(self, lang: str) -> Remembered[tuple[Word, ...]]:
        known = self.known.get(lang)
        if known is None:
            one: WeakValueDictionary[str, Word] = WeakValueDictionary()
            known = self.known[lang] = Remembered(partial(self._part, lang=lang, known=one), REMEMBERED)
        return known

    def _part(self, part: str, lang: str, known: WeakValueDictionary[str, Word]) -> tuple[Word, ...]:
        return tuple([known.get(token) or known.setdefault(token, self._word(token, lang)) for token in tokens(part)])

    def _word(self, token: str, lang: str) -> Word:
        text = normal(token)
        hashed, own, pieces = ids(text, lang)
        rows = self.rows
        weights = _WORD * (rows[own] or self._row(own)) + _PIECE * sum([rows[at] or self._row(at) for at in pieces])
        valence = self.tables[-1][own] * self.scales[-1] if lang == "en" else 0.0
        kind = KINDS.get(text, "") if lang == "en" else ""
        return Word(
            text=text,
            left=hashed & MASK,
            right=hashed >> 14,
            weights=weights + ((_WORD**2 + _PIECE**2 * len(pieces)) << SUMMED * LANE),
            weight=unpacked(weights, SUMMED)[0],
            valence=valence,
            kind=kind,
            spoken=bool(pieces),
            plain=bool(pieces) and not valence and not kind,
        )

    def _row(self, place: int) -> int:
        row = self.rows[place] = packed([table[place] for table in self.tables[:SUMMED]])
        return row

    def weighed(self, words: Sequence[Word]) -> tuple["Vector", tuple[float, ...]]:
        """The vector, and what these words in this order say to each head, in logits (to severity: in points)."""
        different, rows = frozenset(words), self.rows
        places, left = set[int](), EDGE
        for word in words:
            places.add(left ^ word.right)
            left = word.left
        places.add(left ^ EDGE)
        pairs = sum([rows[place] or self._row(place) for place in places])
        *sums, square = unpacked(sum([word.weights for word in different]) + _PAIR * pairs, LANES)
        length = math.sqrt(square + _PAIR**2 * len(places))
        said = tuple([scale * total / length for scale, total in zip(self.scales, sums, strict=False)])
        return Vector(different, places, length / STEPS), said

    def cause(self, of: "Vector", lang: str) -> list[float]:
        """How much the words speak for each of numbers["causes"]["names"], before phrases have their say."""
        table, scale = self.numbers["causes"], self.numbers["causes"]["scale"] / of.length
        sums = unpacked(sum([word.causes or self._caused(word, lang) for word in of.words]), len(table["names"]))
        return [bias + scale * total for bias, total in zip(table["bias"], sums, strict=True)]

    def _caused(self, word: Word, lang: str) -> int:
        _, own, pieces = ids(word.text, lang)
        rows, size = self.cause_rows, CAUSE_PLACES
        word.causes = sum([rows[at % size] or self._cause_row(at % size) for at in (own, *pieces)])
        return word.causes

    def _cause_row(self, place: int) -> int:
        columns = len(self.numbers["causes"]["names"])
        row = self.cause_rows[place] = packed(self.causes[place * columns : (place + 1) * columns])
        return row


class Vector(NamedTuple):
    """The different words of a text, the places of the pairs they form, and the length of all that."""

    words: frozenset[Word]
    pairs: Set[int]
    length: float


def ids(text: str, lang: str) -> tuple[int, int, list[int]]:
    """The hash of a token in its normal form, and the places in a table of itself and of its pieces."""
    prefix = "" if lang == "en" else f"{lang}:"
    hashed = _hash(prefix + text)
    begun = _hash(f"{prefix}~")  # a checksum goes on where another ended
    return hashed, hashed & MASK, _pieces(f"<{text[:PIECED]}>", begun) if text[0].isalpha() else []


def _pieces(whole: str, begun: int) -> list[int]:
    """Places of the pieces of three, four and five letters."""
    crc32, cut = zlib.crc32, _CUTS[len(whole)]
    if whole.isascii():
        return [crc32(piece, begun) & MASK for piece in cut(whole.encode())]
    return [crc32(piece.encode("utf-8", "replace"), begun) & MASK for piece in cut(whole)]


def _cut(length: int) -> Callable[[Any], Sequence[Any]]:
    """What takes all pieces out of a text of that length at once."""
    places = [slice(start, start + long) for long in (3, 4, 5) for start in range(length - long + 1)]
    return itemgetter(*places) if len(places) > 1 else lambda whole: [whole[place] for place in places]


PIECED = 24  # letters of a word that are cut into pieces
_CUTS = [_cut(length) for length in range(PIECED + 3)]


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
