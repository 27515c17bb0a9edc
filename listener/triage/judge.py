"""Evidence -> verdict, severity, priority, with the words that carried each point. Pure.

The probability is logistic in the sum of the evidence; severity is harm and stake from the words, the money at stake,
and how far the post carries. Nothing counts that cannot point to words in the post or to a number.
"""

import math
from collections.abc import Iterable, Sequence

from connectors.post import Post
from listener.triage.clauses import LONGEST, Clause, clauses, lower
from listener.triage.evidence import Hit, hits, money
from listener.triage.model import Assessment, BrandTarget, Reason, Verdict
from listener.triage.rules import Family, Rules

JUDGED = ("en", "und")
AGAIN = 1 / 3  # what a second phrase of a family counts
MOST = 3  # phrases of a family that count


def subject_text(post: Post) -> str:
    """The text that the places in reasons refer to."""
    return f"{post.title}\n{post.text}" if post.title else post.text


def assess(post: Post, brand: BrandTarget, rules: Rules, others: Sequence[BrandTarget] = ()) -> Assessment:
    """`others` are further tracked brands that the post names."""
    text = subject_text(post)[:LONGEST]
    if language := _unjudged(post, text):
        reason = Reason(factor="language not judged", points=0, words=language)
        return Assessment(verdict=Verdict.OTHER, complaint=0.0, severity=0, priority=None, cause="", reasons=(reason,))
    low = lower(text)
    parts = clauses(low, brand, others)
    about = list(_counted(hit for hit in hits(low, rules) if _ours(hit, parts)))
    score = rules.bias + sum(_evidence(hit, share) for hit, share in about)
    probability = 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))
    verdict = _verdict(probability, about, low, rules)
    if verdict is not Verdict.COMPLAINT:
        reasons = tuple(_reason(text, hit, _evidence(hit, share)) for hit, share in about)
        return Assessment(
            verdict=verdict, complaint=round(probability, 4), severity=0, priority=None, cause="", reasons=reasons
        )
    reasons = tuple(_severity(post, text, low, about, rules))
    severity = round(max(1.0, min(100.0, sum(reason.points for reason in reasons) + rules.base_severity)))
    severity = max(severity, _floor(about, rules))
    return Assessment(
        verdict=verdict,
        complaint=round(probability, 4),
        severity=severity,
        priority=next(priority for priority, least in rules.priorities if severity >= least),
        cause=_cause(about),
        reasons=reasons,
    )


def _unjudged(post: Post, text: str) -> str:
    """The language, when it is not one we can judge; a guess is worth less than a plain word."""
    tag = post.lang.lower().partition("-")[0]
    if tag and tag not in JUDGED:
        return tag
    if text.isascii():
        return ""
    letters = [character for character in text[:2000] if character.isalpha()]
    foreign = sum(ord(character) > 0x24F for character in letters)
    return "not in Latin letters" if letters and foreign > len(letters) / 2 else ""


def _ours(hit: Hit, parts: Sequence[Clause]) -> bool:
    return any(part.ours for part in parts if part.start <= hit.start < part.end)


def _counted(found: Iterable[Hit]) -> Iterable[tuple[Hit, float]]:
    """Each hit with its share: the first of a family whole, later ones less, so that length does not add up."""
    seen: dict[str, int] = {}
    for hit in found:
        if hit.negated and hit.family.negation == "cancel":
            continue
        number = seen.get(hit.family.name, 0)
        seen[hit.family.name] = number + 1
        if number < MOST:
            yield hit, 1.0 if number == 0 else AGAIN


def _evidence(hit: Hit, share: float) -> float:
    return share * (-1.3 * hit.family.evidence if hit.negated else hit.family.evidence)


def _verdict(probability: float, about: Sequence[tuple[Hit, float]], text: str, rules: Rules) -> Verdict:
    if probability >= rules.complaint_from:
        return Verdict.COMPLAINT
    praise, question, other = (
        sum(getattr(hit.family, kind) * share for hit, share in about if not hit.negated)
        for kind in ("praise", "question", "other")
    )
    if praise >= max(rules.praise_from, other):
        return Verdict.PRAISE
    if question > other or ("?" in text and not other):
        return Verdict.QUESTION
    return Verdict.OTHER


def _severity(post: Post, text: str, low: str, about: Sequence[tuple[Hit, float]], rules: Rules) -> Iterable[Reason]:
    for hit, share in about:
        if hit.negated:
            yield _reason(text, hit, 3.0 * share)
        elif hit.family.severity:
            yield _reason(text, hit, hit.family.severity * share)
    if sum_ := money(low):
        start, end, amount = sum_
        points = min(16.0, 4 * math.log10(max(amount, 1)))
        yield Reason(factor="money", points=round(points, 1), words=text[start:end], start=start, end=end)
    yield from _spread(post, rules)


def _spread(post: Post, rules: Rules) -> Iterable[Reason]:
    most = rules.spread["most"]
    if followers := max(post.author.followers or 0, 0):
        points = min(
            most, rules.spread["followers"] * max(0.0, math.log10(followers / 1000) if followers > 1000 else 0)
        )
        if points:
            yield Reason(factor="reach", points=round(points, 1), words=f"{followers} followers")
    echo = (post.reach.replies or 0) + (post.reach.reposts or 0)
    if echo > 1:
        points = min(most, rules.spread["echo"] * math.log10(echo) * 2)
        yield Reason(factor="echo", points=round(points, 1), words=f"{echo} replies and reposts")


def _reason(text: str, hit: Hit, points: float) -> Reason:
    factor = f"not {hit.family.name}" if hit.negated else hit.family.name
    return Reason(factor=factor, points=round(points, 1), words=text[hit.start : hit.end], start=hit.start, end=hit.end)


def _floor(about: Sequence[tuple[Hit, float]], rules: Rules) -> int:
    least = dict(rules.priorities)
    floors = [least[hit.family.floor] for hit, _ in about if hit.family.floor and not hit.negated]
    return math.ceil(max(floors, default=0))


def _cause(about: Sequence[tuple[Hit, float]]) -> str:
    def weight(family: Family) -> float:
        return family.severity + family.evidence

    named = [hit.family for hit, _ in about if hit.family.cause and not hit.negated]
    return max(named, key=weight).cause if named else "other"
