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
_SIGN = re.compile(r"[$£€]|\d\s?(?:usd|eur|euros?|dollars?|pounds|quid|gbp)\b")
_DIGIT, _DIGITS = re.compile(r"\d"), re.compile(r"\d+")
LOOK_BACK = 30  # characters in front of a phrase in which a negation counts


class Hit(NamedTuple):
    family: Family
    start: int
    end: int
    negated: bool


def hits(text: str, rules: Rules) -> Iterator[Hit]:
    """`text` is lowered, with names masked. The longest phrase of a family at a place counts, not those inside it."""
    for family, start, end in _found(text, rules):
        negated = family.negation != "ignore" and bool(_NEGATED.search(text, max(0, start - LOOK_BACK), start))
        yield Hit(family, start, end, negated)


def harms(text: str, rules: Rules, lang: str) -> Iterator[Hit]:
    """What a text in this language tells of harm, as harm.toml has it; what is denied is left out."""
    for family, start, end in _found(text, rules.harms[lang]):
        if family.negation == "ignore" or not _DENIED[lang].search(text, max(0, start - LOOK_BACK), start):
            yield Hit(family, start, end, False)


def _found(text: str, book: Book | Rules) -> Iterator[tuple[Family, int, int]]:
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
        yield book.families[number], start, end


def _first(found: tuple[int, int, int]) -> tuple[int, int]:
    return found[1], -found[2]


def _word_end(text: str, end: int) -> int:
    """Reasons quote whole words, as the customer wrote them."""
    rest = REST.match(text, end)
    return rest.end() if rest else end


def money(text: str) -> tuple[int, int, float] | None:
    """The largest sum named, and where."""
    if not _DIGIT.search(text) or not _SIGN.search(text):
        return None
    sums = [(match.start(), match.end(), _amount(match[0])) for match in _MONEY.finditer(text)]
    return max(sums, key=lambda found: found[2], default=None)


def _amount(text: str) -> float:
    whole = re.sub(r"[.,]\d{2}(?!\d)", "", text)
    return float("".join(_DIGITS.findall(whole)) or 0)
