"""Folding: what counts as the same letters, and where a word begins and ends. Pure.

Case, width, Latin/Greek/Cyrillic diacritics, curly quotes and invisible characters make no difference. Scripts written
without spaces have no word boundaries.
"""

import re
import unicodedata

_DIACRITICS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")
_INVISIBLE = dict.fromkeys(
    [0, 0xAD, 0x61C, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF]
)
_SAME = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u02bc": "'", "\u0131": "i"})
_TABLE = {**_INVISIBLE, **_SAME}
# Thai, Lao, Burmese, Khmer, kana, bopomofo, Han, Hangul (whose particles join the noun)
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1100-\u11ff\u3040-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)


def fold(text: str) -> str:
    """Letters as they are compared, white space as single blanks; folding twice changes nothing."""
    if text.isascii():
        return " ".join(text.lower().replace("\0", "").split())
    plain = unicodedata.normalize("NFKD", text.translate(_TABLE)).casefold()
    plain = _DIACRITICS.sub("", unicodedata.normalize("NFKD", plain)).translate(_TABLE)
    return " ".join(unicodedata.normalize("NFC", plain).split())


def folded_with_places(text: str) -> tuple[str, list[int]]:
    """The folded text and, for each of its characters, the place in `text` it came from; linear time."""
    out: list[str] = []
    places: list[int] = []
    start = 0
    while start < len(text):
        end = start + 1
        while end < len(text) and unicodedata.combining(text[end]):
            end += 1
        piece = fold(text[start:end]) or (" " if text[start].isspace() and out and out[-1] != " " else "")
        out.extend(piece)
        places.extend([start] * len(piece))
        start = end
    return "".join(out), places


def wordy(character: str) -> bool:
    return character.isalnum() or character == "_"


def bounded(text: str, start: int, end: int, *, prefix: bool = False) -> bool:
    """Does a word begin at `start` and end before `end`? `text` is folded."""
    return _edge(text, start - 1, start) and (prefix or _edge(text, end, end - 1))


def _edge(text: str, outside: int, inside: int) -> bool:
    if outside < 0 or outside >= len(text):
        return True
    out, in_ = text[outside], text[inside]
    if not wordy(out) or UNSPACED.match(out):
        return True
    return bool(UNSPACED.match(in_)) or not (wordy(in_) or in_ in "@#")
