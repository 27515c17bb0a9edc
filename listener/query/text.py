"""Folding: what counts as the same letters, and where a word begins and ends. Pure.

Case, width, Latin/Greek/Cyrillic/Hebrew/Arabic diacritics, curly quotes, kinds of dashes and invisible characters make
no difference. Scripts written without spaces have no word boundaries.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

# Accents and points people leave out. Vowel signs of Indic scripts and voicing marks of kana stay: those are letters.
_DIACRITICS = "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670"
_DIACRITICS += "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_INVISIBLE = (
    "\0\xad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
)
_INVISIBLE += "\ufeff\uffa0\U000e0000-\U000e0fff"
_LEFT_OUT = re.compile(f"[{_DIACRITICS}{_INVISIBLE}]+")
_SAME = {
    **dict.fromkeys("\u2018\u2019\u201b\u02bb\u02bc\u2032", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
    "\u0131": "i",
    "\u00f8": "o",
    "\u0142": "l",
    "\u0111": "d",
    "\u0127": "h",
    "\u00e6": "ae",
    "\u0153": "oe",
}
_UNLIKE = re.compile(f"[{''.join(_SAME)}\ud800-\udfff]")

# Thai, Lao, Burmese, Hangul (whose particles join the noun), Khmer, kana, bopomofo, Han
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_UNSPACED += "\uf900-\ufaff\U00020000-\U0003ffff"
UNSPACED = re.compile(f"[{_UNSPACED}]")
_MARKS = "".join(
    char
    for block in (range(0x300, 0x3100), range(0xA660, 0xABF0), range(0x10A00, 0x11F40))
    for char in map(chr, block)
    if unicodedata.category(char)[0] == "M" and not UNSPACED.match(char)
)
_MARK = frozenset(_MARKS)
_LETTERS = rf"(?:[^\W{_UNSPACED}]+|[{_MARKS}]+)"
_PICTURES = "\u2190-\u2bff\U0001f000-\U0001faff"
JOINED = re.compile(_LETTERS)
REST = re.compile(f"{_LETTERS}*")
WORD = re.compile(f"{_LETTERS}+|[{_UNSPACED}{_PICTURES}]")  # on folded text; an emoji is a word too


def fold(text: str) -> str:
    """Letters as they are compared, white space as single blanks; folding twice changes nothing."""
    return _remembered(text) if len(text) <= SHORT else _folded(text)


SHORT = 1_000  # characters of a text that is remembered for a moment: a post is folded to be matched and to be indexed


@lru_cache(512)
def _remembered(text: str) -> str:
    return _folded(text)


def _folded(text: str) -> str:
    if not text.isascii():
        return " ".join(_letters(text).split())
    if text.isprintable() and "  " not in text:  # nearly every post in English
        return text.lower().strip(" ")
    return " ".join(text.lower().replace("\0", "").split())


def _letters(text: str) -> str:
    plain = _LEFT_OUT.sub("", unicodedata.normalize("NFKD", text.replace("\u00b4", "'"))).casefold()
    return unicodedata.normalize("NFC", _UNLIKE.sub(_same, plain))


def _same(found: re.Match[str]) -> str:
    return _SAME.get(found[0], "\ufffd")  # a lone surrogate: no automaton takes it


def folded_with_places(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The folded text and, for each of its characters, the stretch of `text` it came from; linear time."""
    out: list[str] = []
    places: list[tuple[int, int]] = []
    known: dict[str, str] = {}
    for start, end in _clusters(text):
        piece = text[start:end]
        if piece not in known:
            known[piece] = _letters(piece)
        for char in known[piece]:
            if not char.isspace():
                out.append(char)
            elif out and out[-1] != " ":
                out.append(" ")
            else:
                continue
            places.append((start, end))
    return "".join(out).rstrip(" "), places


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Pieces that can be folded one by one: a character with all that could combine with it."""
    start = 0
    for place in range(1, len(text)):
        if not _continues(text[place]):
            yield start, place
            start = place
    if text:
        yield start, len(text)


# vowels and final consonants of Hangul, on their own or half as wide; the voicing marks of half-wide kana
_JOINING = re.compile("[\u1160-\u11ff\u3131-\u318e\ud7b0-\ud7ff\uff9e-\uffdc]")


def _continues(char: str) -> bool:
    if char < "\u00ad":
        return char == "\0"
    return unicodedata.category(char)[0] == "M" or bool(_LEFT_OUT.match(char) or _JOINING.match(char))


def bounded(text: str, start: int, end: int, *, prefix: bool = False) -> bool:
    """Does a word begin at `start` and, but for a prefix, end before `end`? `text` is folded."""
    return _begins(text, start) and (prefix or _ends(text, end))


def _begins(text: str, start: int) -> bool:
    """A handle or hashtag begins at its sign: there is no @acme in dana@acme.example."""
    return start == 0 or not _joins(text[start - 1]) or not (text[start] in "@#" or _joins(text[start]))


def _ends(text: str, end: int) -> bool:
    return end == len(text) or not _joins(text[end]) or not _joins(text[end - 1])


def _joins(char: str) -> bool:
    """Is it part of the same word as a letter next to it?"""
    if char.isascii():
        return char.isalnum() or char == "_"
    return (char.isalnum() or char in _MARK) and not UNSPACED.match(char)
