"""A post's text read for one brand: its names masked, its ground parted, its features taken. Pure."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from listener.triage.clauses import Ground, ground, near
from listener.triage.evidence import Hit, hits
from listener.triage.features import Features, counted, read
from listener.triage.model import BrandTarget
from listener.triage.naming import Span, apart, is_thing, mentions, rivals
from listener.triage.rules import Rules
from listener.triage.tokens import OURS, lower, masked

LONG, PASSAGE = 160, 90  # words: from where a text is read by passages, and about how long one is
_HANDLE = re.compile(r"(?<![\w@.])@\w+")
_LETTERS = re.compile(r"[^\W\d_]+")
_SENTENCE = re.compile(r"[.!?…]+\s+|\n+")


class Reading(NamedTuple):
    text: str
    low: str
    masked: str
    ground: Ground
    hits: tuple[Hit, ...]
    ours: Features
    theirs: Features | None
    thing: bool
    guessed: bool  # the other brand is none that is tracked
    harms: tuple[tuple[Hit, float], ...]  # each hit with its share

    @property
    def speaks(self) -> bool:
        """Is anything said of the brand, besides its name?"""
        return any(_LETTERS.search(self.masked, start, end) for start, end in self.ground.ours)


def reading(text: str, brand: BrandTarget, others: Sequence[BrandTarget], rules: Rules, lang: str = "en") -> Reading:
    low = lower(text)
    ours = apart(mentions(low, brand))
    thing, guessed = brand.thing, False
    theirs = apart([span for other in others for span in mentions(low, other)], ours) if others else []
    if not ours and not theirs:  # nobody is named: whoever is spoken to is meant
        sheet = masked(low, [found.span() for found in _HANDLE.finditer(low)]) if "@" in low else low
        parted = Ground(((0, len(low)),), ())
    elif ours and (thing := thing or (bool(theirs) and is_thing(brand.name, rules.weights.common))):
        sheet = masked(low, ours, theirs)
        parted = near(sheet, ours, theirs)
    else:
        guessed = not theirs
        theirs = theirs or apart(rivals(text, low, ours, rules.weights.common))
        sheet = masked(low, ours, theirs)
        parted = ground(sheet, ours, theirs)
    found, harms = hits(sheet, rules, lang)
    mine = read(text, sheet, parted.ours, found, rules.weights, lang)
    other = read(text, sheet, parted.theirs, found, rules.weights, lang) if parted.theirs else None
    grave = [hit for hit in harms if any(s <= hit.start < e for s, e in parted.ours)]
    return Reading(text, low, sheet, parted, tuple(found), mine, other, thing, guessed, tuple(counted(grave)))


def passages(of: Reading) -> list[tuple[Span, ...]]:
    """Of a long text, stretches of whole sentences that speak of the brand."""
    found: list[tuple[Span, ...]] = []
    current: list[Span] = []
    words = 0
    for start, end in _sentences(of.masked, of.ground.ours):
        current.append((start, end))
        words += len(_LETTERS.findall(of.masked, start, end))
        if words >= PASSAGE:
            found.append(tuple(current))
            current, words = [], 0
    if found and words < PASSAGE // 3:  # the rest is too short to stand for itself
        return [*found[:-1], (*found[-1], *current)]
    return [*found, tuple(current)]


def _long(of: Reading) -> bool:
    return len(of.ours.words) >= LONG and len(_LETTERS.findall(of.masked)) >= LONG


def named(of: Reading, stretches: list[tuple[Span, ...]]) -> list[tuple[Span, ...]]:
    """Those that name the brand, and what comes right after them; all of them where none does."""
    here = [OURS in of.masked[spans[0][0] : spans[-1][1]] for spans in stretches]
    kept = [spans for spans, now, before in zip(stretches, here, [False, *here], strict=False) if now or before]
    return kept or stretches


def passage_features(of: Reading, rules: Rules, lang: str) -> list[Features]:
    if not _long(of):
        return [of.ours]
    stretches = named(of, passages(of))
    if stretches == [of.ground.ours]:
        return [of.ours]
    return [read(of.text, of.masked, spans, of.hits, rules.weights, lang) for spans in stretches]


def _sentences(text: str, spans: Sequence[Span]) -> list[Span]:
    found = []
    for start, end in spans:
        for cut in _SENTENCE.finditer(text, start, end):
            found.append((start, cut.end()))
            start = cut.end()
        if start < end:
            found.append((start, end))
    return found
