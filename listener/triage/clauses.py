"""Which part of a text speaks of which brand. Pure.

A text is cut where a sentence ends and where a contrast begins; a clause belongs to the brands it names, and one that
names none goes on speaking of the last one named.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from listener.query.text import bounded
from listener.triage.model import BrandTarget

LONGEST = 20_000  # characters of a text that are read; what matters is said by then
_CUT = re.compile(
    r"[.!?…\n]+(?=\s|$)|[;]|\s[-\u2013\u2014]\s|,?\s(?=(?:but|whereas|while|unlike|however|although|though)\s)"
)
_AWAY = re.compile(
    r"(?:unlike|better than|worse than|compared to|compared with|instead of|switch\w* (?:from|to)|mov\w* to)\s"
)


@dataclass(frozen=True, slots=True)
class Clause:
    start: int
    end: int
    ours: bool


def lower(text: str) -> str:
    """Lower case, curly apostrophes straight, and every character still at its place."""
    if text.isascii():
        return text.lower()
    return "".join(low if len(low := c.lower()) == 1 else c for c in text.translate(_SAME))


# a lone surrogate is no character: no automaton takes it
_SAME = str.maketrans({"\u2018": "'", "\u2019": "'", **dict.fromkeys(map(chr, range(0xD800, 0xE000)), "\ufffd")})


def clauses(text: str, brand: BrandTarget, others: Sequence[BrandTarget]) -> list[Clause]:
    """`text` is lowered."""
    if not others:  # most posts: whatever they say, they say of the one brand they name
        return [Clause(0, len(text), ours=True)]
    ours, theirs = _names(brand), [name for other in others for name in _names(other)]
    found: list[Clause] = []
    last_ours = True
    for start, end in _pieces(text):
        mine, other = _first(text, start, end, ours), _first(text, start, end, theirs)
        if mine >= 0 and other >= 0:
            belongs = not _AWAY.search(text, start, mine) or mine < other
        elif mine >= 0:
            belongs = True
        else:
            belongs = other < 0 and last_ours
        found.append(Clause(start, end, belongs))
        last_ours = belongs if mine >= 0 or other >= 0 else last_ours
    return found


def _pieces(text: str) -> list[tuple[int, int]]:
    pieces, start = [], 0
    for cut in _CUT.finditer(text):
        if cut.end() > start:
            pieces.append((start, cut.end()))
        start = cut.end()
    return [*pieces, (start, len(text))] if start < len(text) else pieces


def _names(brand: BrandTarget) -> list[str]:
    return list(dict.fromkeys(lower(name) for name in (brand.name, *brand.aliases) if name.strip()))


def _first(text: str, start: int, end: int, names: Sequence[str]) -> int:
    """Where the first of these names stands, -1 when none does."""
    found = -1
    for name in names:
        at = text.find(name, start, end)
        while at >= 0 and not bounded(text, at, at + len(name)):
            at = text.find(name, at + 1, end)
        if at >= 0 and (found < 0 or at < found):
            found = at
    return found
