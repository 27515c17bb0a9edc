"""Where a phrase stands in a text, and whether it is negated. One automaton pass; linear time. Pure."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from listener.query.text import REST
from listener.triage.rules import Book, Family, Rules

_NEGATED = re.compile(
    r"(?:\b(?:not|no|never|isn't|wasn't|aren't|don't|doesn't|didn't|won't|can't|cannot|without|hardly|nothing|nor|neither|n't)\b"
    r"[\s,]*(?:\w+[\s,]+){0,2})$"
)
_CUES = ("no", "n't", "never", "hardly", "without", "neither")  # one of them stands in whatever _NEGATED finds
_DENIED = {  # what takes harm away, in each language
    **{
        lang: re.compile(rf"\b(?:{words})\b[\s,]*(?:\w+[\s,]+){{0,2}}$")
        for lang, words in {
            "en": r"not?|never|nobody|no one|isn't|wasn't|aren't|weren't|don't|didn't|without|hardly|nor|neither",
            "de": r"nicht|kein\w*|nie|niemand|ohne",
            "es": r"no|nadie|nunca|sin|ning[uú]n\w*",
            "fr": r"pas|jamais|aucune?|sans",
            "pt": r"não|nao|nunca|ninguém|sem|nenhuma?",
            "it": r"non|nn|mai|nessun\w*|senza",
        }.items()
    },
}
_NUMBER = r"(?:\d{1,3}(?:[,.\s]\d{3})+|\d{1,7})(?:[.,]\d{2})?(?!\d)"
_MONEY = re.compile(rf"[$£€]\s?{_NUMBER}|(?<![\d.,]){_NUMBER}\s?(?:[€£]|(?:usd|eur|euros?|dollars?|pounds|quid|gbp)\b)")
_SIGNS = ("$", "£", "€", "usd", "eur", "dollar", "pounds", "quid", "gbp")  # one of them stands in every sum
_DIGIT, _DIGITS = re.compile(r"\d"), re.compile(r"\d+")
LOOK_BACK = 30  # characters in front of a phrase in which a negation counts


class Hit(NamedTuple):
    family: Family
    start: int
    end: int
    negated: bool


def hits(text: str, rules: Rules, lang: str) -> tuple[list[Hit], list[Hit]]:
    """Of the families of phrases, which are English, and of what tells of harm in this language, in one pass.

    `text` is lowered, with names masked. The longest phrase of a family at a place counts, not those inside it. Harm
    that is denied is left out.
    """
    said: list[Hit] = []
    harms: list[Hit] = []
    book, families = rules.books[lang], len(rules.families) if lang == "en" else 0
    for number, start, end in _found(text, book):
        family = book.families[number]
        if number < families:
            said.append(Hit(family, start, end, family.negation != "ignore" and _negated(text, start)))
        elif family.negation == "ignore" or not _DENIED[lang].search(text, max(0, start - LOOK_BACK), start):
            harms.append(Hit(family, start, end, False))
    return said, harms


def _negated(text: str, place: int) -> bool:
    begin = max(0, place - LOOK_BACK)
    before = text[begin:place]
    for cue in _CUES:
        if cue in before:
            return bool(_NEGATED.search(text, begin, place))
    return False


def _found(text: str, book: Book) -> Iterator[tuple[int, int, int]]:
    """The number of the family, and where its phrase stands."""
    found = book.automaton.find_matches_as_indexes(text, overlapping=True)
    if not found:
        return
    last: dict[int, int] = {}
    text_ = f" {text} "  # so that there is always a character before and after
    for index, start, end in sorted(found, key=_first):
        _, prefix, number = book.phrases[index]
        if start < last.get(number, -1) or (text_[start].isalnum() and text_[start + 1].isalnum()):
            continue
        if text_[end].isalnum() and text_[end + 1].isalnum():
            if not prefix:
                continue
            end = _word_end(text, end)
        last[number] = end
        yield number, start, end


def _first(found: tuple[int, int, int]) -> tuple[int, int]:
    return found[1], -found[2]


def _word_end(text: str, end: int) -> int:
    """Reasons quote whole words, as the customer wrote them."""
    rest = REST.match(text, end)
    return rest.end() if rest else end


def money(text: str) -> tuple[int, int, float] | None:
    """The largest sum named, and where."""
    if not _DIGIT.search(text) or not any(sign in text for sign in _SIGNS):
        return None
    sums = [(match.start(), match.end(), _amount(match[0])) for match in _MONEY.finditer(text)]
    return max(sums, key=lambda found: found[2], default=None)


def _amount(text: str) -> float:
    whole = re.sub(r"[.,]\d{2}(?!\d)", "", text)
    return float("".join(_DIGITS.findall(whole)) or 0)
