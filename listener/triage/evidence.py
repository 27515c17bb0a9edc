"""Where a phrase stands in a text, and whether it is negated. One automaton pass; linear time. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from listener.query.text import REST, bounded
from listener.triage.rules import Family, Rules

_NEGATED = re.compile(
    r"(?:\b(?:not|no|never|isn't|wasn't|aren't|don't|doesn't|didn't|won't|can't|cannot|without|hardly|nothing|nor|neither|n't)\b"
    r"[\s,]*(?:\w+[\s,]+){0,2})$"
)
_NUMBER = r"(?:\d{1,3}(?:[,.\s]\d{3})+|\d{1,7})(?:[.,]\d{2})?(?!\d)"
_MONEY = re.compile(rf"[$£€]\s?{_NUMBER}|(?<![\d.,]){_NUMBER}\s?(?:[€£]|(?:usd|eur|euros?|dollars?|pounds|quid|gbp)\b)")
_DIGITS = re.compile(r"\d+")
LOOK_BACK = 30  # characters in front of a phrase in which a negation counts


@dataclass(frozen=True, slots=True)
class Hit:
    family: Family
    start: int
    end: int
    negated: bool


def hits(text: str, rules: Rules) -> Iterator[Hit]:
    """`text` is lowered. The longest phrase of a family at a place counts, not those inside it."""
    last: dict[str, int] = {}
    found = rules.automaton.find_matches_as_indexes(text, overlapping=True)
    for index, start, end in sorted(found, key=lambda hit: (hit[1], -hit[2])):
        _, prefix, number = rules.phrases[index]
        family = rules.families[number]
        if start >= last.get(family.name, -1) and bounded(text, start, end, prefix=prefix):
            end = _word_end(text, end) if prefix else end
            last[family.name] = end
            negated = family.negation != "ignore" and bool(_NEGATED.search(text, max(0, start - LOOK_BACK), start))
            yield Hit(family, start, end, negated)


def _word_end(text: str, end: int) -> int:
    """Reasons quote whole words, as the customer wrote them."""
    rest = REST.match(text, end)
    return rest.end() if rest else end


def money(text: str) -> tuple[int, int, float] | None:
    """The largest sum named, and where."""
    sums = [(match.start(), match.end(), _amount(match[0])) for match in _MONEY.finditer(text)]
    return max(sums, key=lambda found: found[2], default=None)


def _amount(text: str) -> float:
    whole = re.sub(r"[.,]\d{2}(?!\d)", "", text)
    return float("".join(_DIGITS.findall(whole)) or 0)
