"""Which stretches of a text speak of which brand. Pure, linear.

A text is cut where a sentence ends and where a contrast begins; a clause belongs to the brand it names. One that names
none goes on speaking of the last one named, or, where people put the name at the end ("never again. @acme"), of the
next. In a clause that names two, each name owns the words that follow it.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from listener.triage.comparing import Mark, damned
from listener.triage.naming import Span

LONGEST = 20_000  # characters of a text that are read; what matters is said by then
_SENTENCE = r"[.!?…]+[\"')\]]*(?=\s)|\n+|[;|]|\s[-\u2013\u2014/]+\s"
_TURN = (  # what begins a contrast or a reason, in six languages
    "but|whereas|while|unlike|however|although|though|meanwhile|yet|because|cuz|since|until|whilst"
    r"|so(?=\s(?:i|we|they|he|she|it|now|you|the|my)\b)"
    "|pero|mientras|aunque|aber|während|wohingegen|jedoch|obwohl|doch|mais|tandis|pourtant|alors|ma|mentre|invece|però"
    "|mas|enquanto|porém|embora|porque|weil|parce|perché"
)
_CUT = re.compile(
    rf"{_SENTENCE}|,?\s(?=(?:{_TURN})\s)"
    r"|,\s|\s(?=(?:and|und|et|y|e)\s(?:(?:the|die|der|das|la|le|el|il|a|o)\s)?(?:\x01|\x02))"
)
_NARROW = re.compile(
    _CUT.pattern + r"|,|:\s|\s(?=(?:and|or|with|which|that|except|despite|plus|und|mit|et|avec|con)\s)"
)
_BOTH = re.compile(  # "Acme and Bolt both lost my bag": what follows is said of the two
    r"(?:^|[.!?…;,:]\s)\W{0,2}(?:(?:both|neither)\s)?(?:the\s)?(?:\x01+|\x02+)\s?"
    r"(?:and|&|/|or|nor|y|e|et|und|oder|ou|o)\s?(?:the\s)?(?:\x01+|\x02+)(?=\s)"
)


class Ground(NamedTuple):
    """What of a text speaks of a brand, what of others, and who comes off worse in a comparison: 1 ours, -1 theirs."""

    ours: tuple[Span, ...]
    theirs: tuple[Span, ...]
    damned: float = 0.0


def ground(masked: str, ours: Sequence[Span], theirs: Sequence[Span]) -> Ground:
    """`masked` has the names as signs; the spans are where they stand."""
    marks = sorted([(start, end, True) for start, end in ours] + [(start, end, False) for start, end in theirs])
    if not theirs or not ours:
        return Ground(((0, len(masked)),), (), damned(masked, marks) if ours else 0.0)
    pieces = _pieces(masked, _CUT)
    owned = _owned(pieces, marks, masked)
    both = [found.end() for found in _BOTH.finditer(masked)]
    mine = tuple((start, end) for start, end, whose in owned if whose is not False or _reaches(both, start, end))
    other = tuple((start, end) for start, end, whose in owned if whose is False)
    return Ground(_joined(mine), _joined(other), damned(masked, marks))


def _reaches(places: Sequence[int], start: int, end: int) -> bool:
    return bool(places) and bisect_right(places, end) > bisect_right(places, start)


def near(masked: str, ours: Sequence[Span], theirs: Sequence[Span] = ()) -> Ground:
    """For a thing (a dish, a room, a feature): the clauses that name it, from where another thing named before ends."""
    pieces = _pieces(masked, _NARROW)
    starts, ends = [start for start, _ in ours], [end for _, end in theirs]
    mine, other = [], []
    for start, end in pieces:
        first = bisect_left(starts, start)
        if first == len(starts) or starts[first] >= end:
            other.append((start, end))
            continue
        before = bisect_right(ends, starts[first])
        begin = max(start, ends[before - 1]) if before else start
        other += [(start, begin)] if begin > start else []
        mine.append((begin, end))
    return Ground(_joined(mine), _joined(other)) if mine else Ground(((0, len(masked)),), ())


def _pieces(text: str, cut: re.Pattern[str]) -> list[Span]:
    pieces, start = [], 0
    for found in cut.finditer(text):
        if found.end() > start and found.start() > start:
            pieces.append((start, found.end()))
            start = found.end()
    return [*pieces, (start, len(text))] if start < len(text) else pieces


def _owned(pieces: Sequence[Span], marks: Sequence[Mark], text: str) -> list[tuple[int, int, bool | None]]:
    starts = [mark[0] for mark in marks]
    by_piece = [marks[bisect_right(starts, start - 1) : bisect_right(starts, end - 1)] for start, end in pieces]
    after = _name_last(pieces, by_piece, text)
    owned: list[tuple[int, int, bool | None]] = []
    last: bool | None = None
    for number, ((start, end), named) in enumerate(zip(pieces, by_piece, strict=True)):
        if not named:
            owned.append((start, end, after[number] if after else last))
            continue
        owned += _shared(start, end, named)
        last = named[-1][2]
    first = next((whose for _, _, whose in owned if whose is not None), None)
    return [(start, end, first if whose is None else whose) for start, end, whose in owned]


def _shared(start: int, end: int, named: Sequence[Mark]) -> list[tuple[int, int, bool | None]]:
    """Each name owns what follows it; what comes before the first is the first's."""
    found: list[tuple[int, int, bool | None]] = []
    at = start
    for number, mark in enumerate(named):
        until = named[number + 1][0] if number + 1 < len(named) else end
        found.append((at, until, mark[2]))
        at = until
    return found


def _name_last(pieces: Sequence[Span], by_piece: Sequence[Sequence[Mark]], text: str) -> list[bool | None] | None:
    """Whose the unnamed pieces are where names close what is said of them; None where they open it."""
    named = [(span, marks) for span, marks in zip(pieces, by_piece, strict=True) if marks]
    closing = [not text[marks[-1][1] : end].strip(" .!?…,;:)\n\"'") for (_, end), marks in named]
    if not all(closing) or not text[: named[0][1][0][0]].strip():
        return None
    following: list[bool | None] = []
    whose: bool | None = named[-1][1][-1][2]
    for marks in reversed(by_piece):
        whose = marks[0][2] if marks else whose
        following.append(whose)
    return following[::-1]


def _joined(spans: Sequence[Span]) -> tuple[Span, ...]:
    joined: list[Span] = []
    for start, end in spans:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)
