"""Where a text names a brand, and where it seems to name another that nobody tracks. Pure, linear.

Competitors are guessed only where a text sets one thing against another: another @handle that stands where ours does
("never again @acme. thank you @bolt"), and a capitalised word that stands where a brand would ("switched to Larkspur").
"""

import re
from collections.abc import Container, Sequence
from functools import lru_cache

from listener.query.text import bounded
from listener.triage.model import BrandTarget

Span = tuple[int, int]
# It begins with one set of characters, so that all others are passed over at once; the look behind comes after.
_NAME = re.compile(r"[A-Z@](?<![\w@#.][A-Z@])(?:(?<=@)\w{2,}|(?<=[A-Z])[\w&'’-]*)")
_SECOND = re.compile(r" [A-Z][\w&'’-]+")
_BEFORE = (  # what stands in front of a rival
    r"unlike|[Tt]han|(?:switch|mov|chang|jump|return|back)\w{0,4} (?:\w{1,12} )?(?:to|from)|over to|even|ditched|left"
    r"|leaving|[Ff]or|[Mm]y old|vs\.?|versus|prefer|[Ww]hile|[Ww]hereas|[Bb]ut|[Mm]eanwhile|because|on|at|to|by|like"
    r"|at least|use|try|tried"
)
_DOES = (  # what a rival does
    r"is|was|are|were|has|had|have|did|does|do|never|always|would|will|can|could|just|still|answered|sent|got|gave|took"
    r"|fixed|refunded|replied|charged|lost|made|at least|even|actually|delivered|works?|worked|rebooked|found|offered"
    r"|honou?red|replaced|on the other hand|cancelled|froze|forgot|caught|blocked|ignored|screamed|needs?|says?|said"
    r"|fitted|handled|sorted|kept|keeps|lets?|wanted|wants|refuses|refused|threw|broke|crashed|went|came"
    r"|took|nearly|has been"
)
_PEOPLE = (
    r"(?:customer service|support|team|staff|clerk|driver|engineer|agents?|reps?|crew|people|guys?|pharmacist|courier"
    r"|counter|app|website|store|shop|branch|delivery|router|broadband|flight|bus|train|card)"
)
_COMPARED = re.compile(rf"(?:{_BEFORE})(?: my| the| our)? $")
_LAST = tuple(  # how what _COMPARED finds can end: most names have something else in front
    f"{word}{blank}"
    for blank in (" ", " \n")
    for word in "unlike han to from even ditched left eaving or my the our old vs vs. versus prefer hile hereas ut"
    " eanwhile because on at by ike least use try tried".split()
)
_ENDINGS = frozenset(last[-3:-1] for last in _LAST)
_SUBJECT = re.compile(rf"(?:'s|’s)?(?: {_PEOPLE})? (?:{_DOES})\b|:")
_ONE_OF = re.compile(rf" {_PEOPLE}\b")
_CONTRAST = re.compile(
    r"\b(?:unlike|than|switch\w{0,4}|(?:mov|chang)(?:ed|ing) (?:\w{1,12} )?(?:to|from)|whereas|meanwhile|while|instead"
    r"|even|never (?:had|lost|did|once|failed)|has never|at least|ditch\w{0,4}|my old|prefer|vs|versus|compared|because"
    r"|on the other hand|but|did their part|finally|left|did this|would never|for)\b"
)
LOOK_BACK = 32  # characters
_SIGNS = ("@", "#")
_HEAD = re.compile(r"(?:^|[.!?…]\s+|\n)(@\w+)")
_FOOT = re.compile(r"(@\w+)(?=\s*(?:[.!?…]+(?:\s|$)|\n|$))")
_NO_RIVAL = frozenset(
    """i i'm i've i'd i'll the a an my our your their his her it its it's this that these those they he she we you there
    here what why how when where who which monday tuesday wednesday thursday friday saturday sunday january february
    march april may june july august september october november december christmas easter english spanish french german
    italian no not never yes ok so and but or if as at in on of to for from with by after before because since while
    thanks thank please just still also even only now then today yesterday tomorrow tonight customer support service
    staff everyone everything nobody nothing someone people another other every each all some many most both one two
    three first second third last next new old god lol wow hey hi hello dear update edit flight order app price delivery
    food room driver agent crew plane train bus store shop line call phone email website site team manager great good
    bad best worst love hate""".split()
)


def named(name: str, common: Container[str]) -> BrandTarget:
    """A brand nobody configured."""
    return BrandTarget(name=name, aliases=(name,), thing=is_thing(name, common))


def is_thing(name: str, common: Container[str]) -> bool:
    """A common word in small letters is a thing: "battery", "front desk"."""
    return name.islower() and all(word in common for word in name.split())


@lru_cache(maxsize=20_000)
def names(brand: BrandTarget) -> tuple[str, ...]:
    """As a lowered text may write them; "acme air" is also looked for as @acmeair."""
    said = [name.lower().strip() for name in (brand.name, *brand.aliases)]
    return tuple(
        dict.fromkeys(name.lstrip("@#") for one in said for name in (one, one.replace(" ", "")) if name.strip("@# "))
    )


@lru_cache(maxsize=20_000)
def _pattern(brand: BrandTarget) -> re.Pattern[str]:
    """Longest first."""
    parts = sorted(names(brand), key=len, reverse=True)
    either = "|".join(map(re.escape, parts)) or "(?!)"
    return re.compile(rf"(?:{either})(?:'s)?")


def mentions(low: str, brand: BrandTarget) -> list[Span]:
    """Where `low`, which is lowered, names the brand: with the sign of a handle or hashtag in front."""
    found = []
    for match in _pattern(brand).finditer(low):
        start, end = match.span()
        start -= low[start - 1 : start] in _SIGNS
        if bounded(low, start, end):
            found.append((start, end))
    return found


def rivals(text: str, low: str, ours: Sequence[Span], common: Container[str]) -> list[Span]:
    """Where others seem to be named whom nobody tracks. `text` has its capitals; `common` are words that are no names.

    Only a text that sets one thing against another is searched: most capitals and handles in a post are no competitor.
    """
    if not ours:
        return []
    found = _parallel(low, ours)
    candidates = [match for match in _NAME.finditer(text) if text[match.start()] == "@" or _proper(match[0], common)]
    contrast = any(_asks(text, match.start()) for match in candidates) and bool(_CONTRAST.search(low))
    for match in candidates:
        start, end = match.span()
        if text[start] != "@":
            end = second.end() if (second := _SECOND.match(text, end)) else end
        elif not contrast:
            continue
        if _stands(text, start, end, contrast):
            found.append((start, end))
    return [span for span in found if not any(start < span[1] and span[0] < end for start, end in ours)]


def _asks(text: str, start: int) -> bool:
    """Does it matter for what stands there whether the text sets one thing against another?"""
    return text[start] == "@" or _led(text, start)


def _led(text: str, start: int) -> bool:
    """Does it end as _LAST does, what comes before? Most names have something else in front."""
    return text[start - 3 : start - 1] in _ENDINGS and text.endswith(_LAST, max(0, start - LOOK_BACK), start)


def _stands(text: str, start: int, end: int, contrast: bool) -> bool:
    """Does it stand where a firm would?"""
    before = text[max(0, start - LOOK_BACK) : start]
    if contrast and _led(text, start) and _COMPARED.search(before):
        return True
    if not before.strip() or before.rstrip()[-1] in ".!?,;:–-":
        return bool(_SUBJECT.match(text, end))
    return before.endswith((" the ", " my ", " a ", " our ", "The ", "My ")) and bool(_ONE_OF.match(text, end))


def _proper(word: str, common: Container[str]) -> bool:
    word = word.lower().removesuffix("'s").removesuffix("’s")
    return word not in common and word not in _NO_RIVAL


def _parallel(low: str, ours: Sequence[Span]) -> list[Span]:
    """Other handles where ours stands: at the head or at the foot of a sentence."""
    if low.count("@") < 2:
        return []
    for place in (_HEAD, _FOOT):
        found = [match.span(1) for match in place.finditer(low)]
        if any(span in found for span in ours):
            return found
    return []


def apart(spans: Sequence[Span], from_: Sequence[Span] = ()) -> list[Span]:
    """In order, the longer of two that overlap, none that overlaps `from_`."""
    if len(spans) < 2 and not from_:
        return list(spans)
    kept: list[Span] = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if (not kept or start >= kept[-1][1]) and not any(s < end and start < e for s, e in from_):
            kept.append((start, end))
    return kept
