"""How bad a complaint is: harm x stake x spread, each with the words that carried it. Pure.

Harm and stake come from the families of phrases and from what was learned of wording; money, waiting and attempts are
read as numbers; spread is how far the post carries.
"""

import math
import re
from collections.abc import Iterable, Iterator

from connectors.post import Post
from listener.triage.evidence import Hit, money
from listener.triage.features import FORM
from listener.triage.grades import HEAD, base
from listener.triage.model import Reason
from listener.triage.reading import Reading
from listener.triage.rules import Rules

_TIME, _TRIES = FORM.index("time"), FORM.index("tries")
LEAST_HITS = 0.5  # points under which a factor is not worth a line
NEGATED = 3.0  # points of a phrase that is denied: "no answer", "not fixed"
LOW, HIGH = 20, 70  # between them a point is a point
_NUMBER = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "twelve": 12, "several": 4, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "twice": 2,
}  # fmt: skip
_COUNT = r"\d{1,4}|" + "|".join(sorted(_NUMBER, key=len, reverse=True))
# First what is counted is looked for, which is quick, and then how many stand in front of it.
_UNIT = re.compile(r"(?:hours?|hrs?|days?|weeks?|wks?|months?|years?)\b")
_UNITS = re.compile(rf"\b({_COUNT})\+? ?\Z")
_HOURS = {"h": 1.0, "d": 24.0, "w": 168.0, "m": 720.0, "y": 8760.0}
_TRY = re.compile(
    r" (?:time|call|e-?mail|message|ticket|attempt|agent|chat|letter|technician|engineer|visit|appointment)s?\b"
)
_TRIES_OF = re.compile(rf"\b({_COUNT})(?:st|nd|rd|th)?\Z")
LOOK_BACK = 16  # characters


def told(of: Reading) -> Iterator[Reason]:
    """What the text says, besides its wording."""
    yield from _phrases(of)
    yield from _harm(of)
    yield from numbered(of)


def _phrases(of: Reading) -> Iterator[Reason]:
    for hit, share in of.ours.families:
        points = share * (NEGATED if hit.negated else hit.family.severity)
        if abs(points) >= LEAST_HITS:
            yield reason(of.text, hit, points)


def _harm(of: Reading) -> Iterator[Reason]:
    for hit, share in of.harms:
        points = share * hit.family.severity
        if abs(points) >= LEAST_HITS:
            yield reason(of.text, hit, points)


def points(of: Reading, told: Iterable[Reason], rules: Rules) -> float:
    """How bad what is told makes it, with the wording and the base of every complaint."""
    said = sum([reason.points for reason in told])
    return rules.base_severity + base(of.ours.lang) + said + of.ours.heads[HEAD]


def graded(total: float) -> int:
    """The sum of points on the scale of 1 to 100; towards its ends they count less and less, so that order stays."""
    if total > HIGH:
        total = HIGH + (100 - HIGH) * (1 - math.exp((HIGH - total) / (100 - HIGH)))
    elif total < LOW:
        total = LOW * math.exp((total - LOW) / LOW)
    return max(1, min(100, round(total)))


def numbered(of: Reading) -> Iterator[Reason]:
    """What is read as a number: the sum, the wait, the attempts."""
    inside = of.ground.ours
    if found := money(of.masked):
        start, end, amount = found
        if any(s <= start < e for s, e in inside):
            points = min(16.0, 4 * math.log10(max(amount, 1)))
            yield Reason(factor="money", points=round(points, 1), words=of.text[start:end], start=start, end=end)
    longest = max(_waits(of), default=None) if of.ours.form[_TIME] else None
    if longest and longest[0] >= 2:
        hours, start, end = longest
        points = min(9.0, 1.2 * math.log2(hours))
        yield Reason(factor="waiting", points=round(points, 1), words=of.text[start:end], start=start, end=end)
    tries = max(_attempts(of), default=None) if of.ours.form[_TRIES] or of.ours.lang != "en" else None
    if tries and tries[0] > 1:
        number, start, end = tries
        points = min(10.0, 2.5 * math.log2(number) + 1)
        yield Reason(factor="attempts", points=round(points, 1), words=of.text[start:end], start=start, end=end)


def _waits(of: Reading) -> Iterator[tuple[float, int, int]]:
    for count, start, end in _counted(of, _UNIT, _UNITS):
        unit = of.masked[start + len(count) : end].lstrip("+ ")
        hours = _number(count) * _HOURS[unit[0]]
        if hours < 2 * 8760:  # "ten years a customer" is no wait
            yield hours, start, end


def _attempts(of: Reading) -> Iterator[tuple[int, int, int]]:
    for count, start, end in _counted(of, _TRY, _TRIES_OF):
        yield _number(count), start, end


def _counted(of: Reading, what: re.Pattern[str], how_many: re.Pattern[str]) -> Iterator[tuple[str, int, int]]:
    """The count, and where it and what is counted stand."""
    for found in what.finditer(of.masked):
        at = found.start()
        count = how_many.search(of.masked, max(0, at - LOOK_BACK), at)
        if count and _inside(of, count.start()):
            yield count[1], count.start(), found.end()


def _inside(of: Reading, place: int) -> bool:
    return any(start <= place < end for start, end in of.ground.ours)


def _number(word: str) -> int:
    return int(word) if word.isdigit() else _NUMBER[word]


def spread(post: Post, rules: Rules) -> Iterator[Reason]:
    most = rules.spread["most"]
    if (followers := max(post.author.followers or 0, 0)) > 1000:
        points = min(most, rules.spread["followers"] * math.log10(followers / 1000))
        yield Reason(factor="reach", points=round(points, 1), words=f"{followers} followers")
    echo = (post.reach.replies or 0) + (post.reach.reposts or 0)
    if echo > 1:
        points = min(most, rules.spread["echo"] * math.log10(echo) * 2)
        yield Reason(factor="echo", points=round(points, 1), words=f"{echo} replies and reposts")


def reason(text: str, hit: Hit, points: float) -> Reason:
    factor = f"not {hit.family.name}" if hit.negated else hit.family.name
    return Reason(factor=factor, points=round(points, 1), words=text[hit.start : hit.end], start=hit.start, end=hit.end)
