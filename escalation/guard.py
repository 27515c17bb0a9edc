"""Reads what a person is about to say and names what would make things worse. Pure; it never blocks a reply.

Each finding has the words in the draft that carried it and a better way. The phrases (phrases.py) are English; a draft
in another language is only read for private data.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from escalation.phrases import ASKED_FOR, ASKING, BETTER, MANNERS, PRIVATE, PROMISES, REFERENCE, Fault

LONGEST = 20_000  # characters that are read, of a draft and of a thread


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`words` stand in the draft from `start` to `end`."""

    fault: Fault
    words: str
    start: int
    end: int
    better: str


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"\b({'|'.join(patterns)})", re.IGNORECASE)


_MANNERS = {fault: _any_of(patterns) for fault, patterns in MANNERS.items()}
_PROMISES, _ASKING = _any_of(PROMISES), _any_of([ASKING])
_ASKED_FOR = [(re.compile(wanted, re.IGNORECASE), re.compile(there)) for wanted, there in ASKED_FOR]
_PRIVATE, _REFERENCE = [re.compile(pattern) for pattern in PRIVATE], re.compile(REFERENCE)


def review(draft: str, thread: Iterable[str] = (), *, promised: bool = False) -> tuple[Finding, ...]:
    """`thread`: what the customer and we have said so far. `promised`: is a promise with a time booked on the case?"""
    draft, said = draft[:LONGEST], "\n".join(thread)[:LONGEST]
    found = [*_manners(draft), *_asked_again(draft, said), *_private(draft, said)]
    if not promised:
        found += [_finding(Fault.UNBOOKED, match) for match in _PROMISES.finditer(draft)]
    return tuple(sorted(found, key=lambda finding: (finding.start, finding.end, finding.fault)))


def chosen(found: Iterable[Finding], sent: str) -> tuple[tuple[str, bool], ...]:
    """What became of the advice: each fault, and whether its words are gone from what was sent."""
    left = " ".join(sent.split()).casefold()
    return tuple((str(one.fault), " ".join(one.words.split()).casefold() not in left) for one in found)


def _manners(draft: str) -> Iterator[Finding]:
    for fault, pattern in _MANNERS.items():
        yield from (_finding(fault, match) for match in pattern.finditer(draft))


def _asked_again(draft: str, said: str) -> Iterator[Finding]:
    for asking in _ASKING.finditer(draft):
        if any(wanted.search(asking["what"]) and there.search(said) for wanted, there in _ASKED_FOR):
            yield _finding(Fault.ASKED_AGAIN, asking)


def _private(draft: str, said: str) -> Iterator[Finding]:
    """In public nothing that identifies a customer; what is not even in the thread may be another customer's."""
    for pattern in _PRIVATE:
        yield from (_finding(Fault.PRIVATE, match) for match in pattern.finditer(draft))
    known = _bare(said)
    for match in _REFERENCE.finditer(draft):
        if said and _bare(match[0]) not in known:
            yield _finding(Fault.SOMEBODY_ELSE, match)


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _finding(fault: Fault, match: re.Match[str]) -> Finding:
    return Finding(fault=fault, words=match[0], start=match.start(), end=match.end(), better=BETTER[fault])


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
