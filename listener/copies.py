"""Texts that say the same, or nearly: what makes them one story, and when their number looks arranged. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import pairwise
from zlib import crc32

from listener.query import fold
from listener.query.fts import index_text

TELLING = 12  # words that two strangers hardly write alike
ALIKE = 0.6  # of what two texts say, so that they are copies
ACCOUNTS, WITHIN = 5, timedelta(minutes=30)  # so many accounts in that time, and it looks arranged
KNOWN = 1_000  # followers from which an account is somebody
_PASSED_ON = re.compile(r"^(?:rt\s+@[\w.@-]+:?\s)+|\s(?:via|h/t)\s+@[\w.@-]+\s*$")
_NUMBER = re.compile(r"\d+")


def words(text: str) -> list[str]:
    """Without links, capitals, marks and @names, nor who passed it on ("RT @ada: …", "… via @ada"); none of a text so
    short that two strangers may write it."""
    said = _PASSED_ON.sub(" ", " ".join(part for part in fold(text).split() if "://" not in part))
    found = index_text(" ".join(part for part in said.split() if part[0] != "@")).split()
    return found if len(found) >= TELLING else []


def story(text: str) -> str:
    """What copies of one text share, and near copies nearly always: of its runs of three words, the one that a hash
    puts first (Broder 1997, "On the Resemblance and Containment of Documents"). "" when it is too short to tell."""
    said = words(text)
    runs = {f"{one} {two} {three}" for one, two, three in zip(said, said[1:], said[2:], strict=False)}
    first = min(runs, key=lambda run: (crc32(run.encode("utf-8", "replace")), run), default="")
    return blake2b(first.encode("utf-8", "replace"), digest_size=12).hexdigest() if first else ""


def copied(one: str, other: str) -> bool:
    """Two that give other numbers, of orders or of flights, are two customers' own."""
    return alike(shingles(one), shingles(other)) and _numbers(one) == _numbers(other)


def _numbers(text: str) -> set[str]:
    return set(_NUMBER.findall(" ".join(words(text))))


def shingles(text: str) -> frozenset[str]:
    """Each two words that follow each other."""
    return frozenset(f"{one} {two}" for one, two in pairwise(words(text)))


def alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """By the share of what both say (Jaccard's index)."""
    smaller, larger = sorted((len(one), len(other)))
    if not smaller or smaller < ALIKE * larger:
        return False
    both = len(one & other)
    return both >= ALIKE * (len(one) + len(other) - both)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    account: str
    at: datetime
    followers: int | None = None


def coordinated(copies: Iterable[Copy]) -> tuple[int, timedelta] | None:
    """How many accounts that hardly anybody follows have said the same, and in how short a time; None when that is
    nothing to speak of."""
    small = sorted((one for one in copies if one.account and (one.followers or 0) < KNOWN), key=lambda one: one.at)
    best = max(_windows(small), default=(0, timedelta()))
    return (best[0], -best[1]) if best[0] >= ACCOUNTS else None


def _windows(copies: Sequence[Copy]) -> Iterable[tuple[int, timedelta]]:
    """For each copy the accounts of the half hour that ends with it, and minus the time they took."""
    held, first = Counter[str](), 0
    for one in copies:
        held[one.account] += 1
        while one.at - copies[first].at > WITHIN:
            held[copies[first].account] -= 1
            first += 1
        yield sum(number > 0 for number in held.values()), copies[first].at - one.at
