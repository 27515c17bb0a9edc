"""Reads what a person is about to say and names what would make things worse. Pure; it never blocks a reply."""

import re

_APOLOGY = frozenset(
    "a again all also am and any apologies apologise apologised apologize apologized apology are been caused customer "
    "deeply fault feel for from gave gives have her him i inconvenience is it made offered our profusely regret "
    "regretted really said sent so sorry team that the their them this to trouble us very was we were with".split()
)
_WORD = re.compile(r"[^\W\d_]+")


def only_an_apology(text: str) -> bool:
    """True when nothing is left of a report once the apology is taken out of it."""
    words = [word.casefold() for word in _WORD.findall(text)]
    sorry = any(word.startswith(("apolog", "sorry", "regret")) for word in words)
    return sorry and all(word in _APOLOGY for word in words) and not any(character.isdigit() for character in text)
