"""Text -> tokens: words as people mean them, with names, handles, links and numbers masked. Pure, linear.

A brand's name says nothing about whether it is complained about, so the model never sees it: ours becomes one sign,
another's a second. Places are kept: token and text are as long as one another wherever they came from.
"""

import re
from collections.abc import Iterable
from itertools import islice

OURS, THEIRS = "\x01", "\x02"  # one for every letter of a masked name; ASCII, so that a text stays as small as it was
_TOKEN = re.compile(
    r"https?://\S+|www\.\S+|\x01+|\x02+|@\w+|#?[^\W\d_]+(?:['_-][^\W\d_]+)*|[$£€₹]?\d[\d.,:]*\w*|[!?]+|\.{2,}|[.…\n$£€₹]"
    r"|[\u2190-\u2bff\U0001f000-\U0001faff]|:-?[()/|]"
)
_LONG = re.compile(r"(.)\1{2,}", re.DOTALL)
# A lone surrogate is no character, and no automaton takes it. One letter grows when it is lowered.
_ODD = re.compile("[\u2018\u2019\u0130\ud800-\udfff]")
_PLAIN = {"\u2018": "'", "\u2019": "'", "\u0130": "i"}


def lower(text: str) -> str:
    """Lower case, curly apostrophes straight, and every character still at its place."""
    if OURS in text or THEIRS in text:  # nobody names a brand by our signs
        text = text.replace(OURS, "\0").replace(THEIRS, "\0")
    if text.isascii():
        return text.lower()
    return _ODD.sub(lambda odd: _PLAIN.get(odd[0], "\ufffd"), text).lower()


def masked(text: str, ours: Iterable[tuple[int, int]], theirs: Iterable[tuple[int, int]] = ()) -> str:
    """`text` with these stretches, in order and apart from each other, replaced by signs of the same length."""
    stretches = [(start, end, OURS) for start, end in ours] + [(start, end, THEIRS) for start, end in theirs]
    if len(stretches) == 1:  # as in most posts
        start, end, sign = stretches[0]
        return text[:start] + sign * (end - start) + text[end:]
    if not stretches:
        return text
    stretches.sort()
    pieces, at = list[str](), 0
    for start, end, sign in stretches:
        if start >= at:
            pieces += (text[at:start], sign * (end - start))
            at = end
    return "".join((*pieces, text[at:]))


def parts(text: str) -> list[str]:
    """`text`, lowered and masked, cut at its blanks: only a new line is a token with white space."""
    return text.replace("\n", " \n ").split(" ")


def tokens(part: str) -> list[str]:
    found: list[str] = _TOKEN.findall(part)
    return found


def places(text: str, begin: int = 0, most: int | None = None) -> list[tuple[int, int]]:
    """Where each token stands, or each of the first so many from a place between two parts."""
    return [found.span() for found in islice(_TOKEN.finditer(text, begin), most)]


def normal(token: str) -> str:
    """What a token counts as: "soooo" as "soo", 7:40 as a number, any handle as "@", ours as "°", theirs as "^"."""
    first = token[0]
    if first == OURS:
        return "°"
    if first == THEIRS:
        return "^"
    if first == "@":
        return "@"
    if token.startswith(("http", "www.")) and ("://" in token or token.startswith("www.")):
        return "<url>"
    if first in "$£€₹":
        return "<money>" if len(token) > 1 else "$"
    if first.isdigit():
        return _number(token)
    if first in "!?":
        return "".join(sorted(set(token))) + ("+" if len(token) > 1 else "")
    return _LONG.sub(r"\1\1", token.lstrip("#"))


def _number(token: str) -> str:
    letters = token.lstrip("0123456789.,:")
    return f"0{letters}" if letters else "0" if len(token) == 1 else "00" if len(token) < 5 else "00000"
