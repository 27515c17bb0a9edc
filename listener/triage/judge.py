"""Post and brand -> verdict, severity, priority, with the words that carried each point. Pure.

The probability is logistic in a sum of evidence (scoring.py); severity is a sum of factors (severity.py). Nothing
counts that cannot point to words in the post or to a number.
"""

import math
from collections.abc import Iterator, Sequence

from connectors.post import Post
from listener.triage.clauses import LONGEST
from listener.triage.features import Features
from listener.triage.languages import language
from listener.triage.model import Assessment, BrandTarget, Reason, Verdict
from listener.triage.reading import Reading, reading
from listener.triage.rules import Rules
from listener.triage.scoring import FLIPPED, complaint, kind
from listener.triage.severity import factors, reason
from listener.triage.wording import telling

WORDING = "wording"


def subject_text(post: Post) -> str:
    """The text that the places in reasons refer to."""
    return f"{post.title}\n{post.text}" if post.title else post.text


def assess(post: Post, brand: BrandTarget, rules: Rules, others: Sequence[BrandTarget] = ()) -> Assessment:
    """`others` are further tracked brands that the post names."""
    text = subject_text(post)[:LONGEST]
    lang, judged = language(post.lang, text, rules.weights.votes)
    if not judged:
        reason = Reason(factor="language not judged", points=0, words=lang)
        return Assessment(verdict=Verdict.OTHER, complaint=0.0, severity=0, priority=None, cause="", reasons=(reason,))
    of = reading(text, brand, others, rules, lang)
    probability, said = complaint(of, rules, lang)
    if probability < rules.complaint_from:
        verdict = kind(said, rules, lang)
        reasons = tuple(_evidence(of, said, rules, lang))
        return Assessment(
            verdict=verdict, complaint=round(probability, 4), severity=0, priority=None, cause="", reasons=reasons
        )
    return _complaint(post, of, said, probability, rules)


def _complaint(post: Post, of: Reading, said: Features, probability: float, rules: Rules) -> Assessment:
    reasons = [*factors(post, of, said, rules)]
    learned = rules.weights.score(said.vector, 4) if said.words else 0.0
    if found := telling(of, said, rules.weights):
        start, end = found
        points = round(rules.base_severity + learned, 1)
        reasons.insert(0, Reason(factor=WORDING, points=points, words=of.text[start:end], start=start, end=end))
    total = sum(reason.points for reason in reasons)
    severity = max(round(max(1.0, min(100.0, total))), _floor(said, of, rules))
    return Assessment(
        verdict=Verdict.COMPLAINT,
        complaint=round(probability, 4),
        severity=severity,
        priority=next(priority for priority, least in rules.priorities if severity >= least),
        cause=_cause(of),
        reasons=tuple(reasons),
    )


def _evidence(of: Reading, said: Features, rules: Rules, lang: str) -> Iterator[Reason]:
    for hit, share in said.families:
        yield reason(of.text, hit, share * hit.family.evidence * (FLIPPED if hit.negated else 1.0))


def _floor(said: Features, of: Reading, rules: Rules) -> int:
    least = dict(rules.priorities)
    floors = [least[hit.family.floor] for hit, _ in of.ours.families if hit.family.floor and not hit.negated]
    return math.ceil(max(floors, default=0))


def _cause(of: Reading) -> str:
    """What the most telling families are about; what is dangerous goes first."""
    said: dict[str, float] = {}
    for hit, share in of.ours.families:
        if (cause := hit.family.cause) and not hit.negated:
            said[cause] = (
                said.get(cause, 0.0) + share * max(hit.family.evidence, 0.1) + (3.0 if hit.family.floor else 0.0)
            )
    return max(said, key=said.__getitem__) if said else "other"
