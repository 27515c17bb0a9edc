"""What a group of mentions talks about: its words, and what tells it from others. Pure.

A word counts once for each mention that says it, so that nobody is heard by repeating themselves. What is said oftener
than elsewhere is told by the log-likelihood ratio (Dunning, "Accurate Methods for the Statistics of Surprise and
Coincidence", 1993), which a rare word cannot win by chance.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from math import log

from listener.query import fold
from listener.query.text import UNSPACED, WORD
from listener.storage.contract import MentionRow
from listener.triage.languages import SMALL_WORDS

SHORTEST = 3  # letters, in scripts that part their words
Telling = tuple[str, int, int]  # a value, how often it is here, how often it would be expected
LEAST = 3  # mentions, and one in twenty of them
SURE = 3.84  # the ratio that chance alone reaches one time in twenty


def words(rows: Iterable[MentionRow], without: Collection[str] = ()) -> Counter[str]:
    """Word -> in how many of the mentions it stands; small words and `without` (folded) are left out."""
    left_out, counted = {*SMALL_WORDS, *without}, Counter[str]()
    for row in rows:
        said = WORD.findall(fold(f"{row.title} {row.text}"))
        counted.update({word for word in said if _speaks(word) and word not in left_out})
    return counted


def _speaks(word: str) -> bool:
    return len(word) >= SHORTEST and word.isalpha() and not UNSPACED.match(word)


def telling(here: Mapping[str, int], of: int, elsewhere: Mapping[str, int], of_those: int) -> list[Telling]:
    """What tells the most first; only what is said oftener."""
    found = list[tuple[float, str, int, int]]()
    for value, count in here.items():
        share = (elsewhere.get(value, 0) + 0.5) / (of_those + 1)
        expected = share * of
        ratio = _ratio(count, of, elsewhere.get(value, 0), of_those)
        if count > expected and count >= max(LEAST, of // 20) and ratio > SURE:
            found.append((ratio, value, count, round(expected)))
    return [(value, count, expected) for _, value, count, expected in sorted(found, reverse=True)]


def _ratio(here: int, of: int, there: int, of_those: int) -> float:
    if not of or not of_those:
        return float(here)
    both = (here + there) / (of + of_those)
    return 2 * (
        _part(here, of, both)
        + _part(there, of_those, both)
        + _part(of - here, of, 1 - both)
        + _part(of_those - there, of_those, 1 - both)
    )


def _part(count: int, of: int, share: float) -> float:
    return count * log(count / (of * share)) if count > 0 and share > 0 else 0.0
