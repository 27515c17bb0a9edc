"""Post and brand -> verdict, severity, priority, with the words that carried each point. Pure.

The probability is logistic in a sum of evidence (scoring.py); severity is a sum of factors (severity.py). Nothing
counts that cannot point to words in the post or to a number.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.post import Post
from listener.triage import stars
from listener.triage.clauses import LONGEST
from listener.triage.features import Features
from listener.triage.grades import HEAD, base
from listener.triage.languages import language
from listener.triage.model import Assessment, BrandTarget, Priority, Reason, Verdict
from listener.triage.reading import Reading, reading
from listener.triage.rules import Rules
from listener.triage.scoring import FLIPPED, complaint, kind
from listener.triage.severity import graded, points, reason, spread, told
from listener.triage.wording import telling

TAUGHT = "the team's verdicts"  # what they have moved severity by
COMPLAINS = "complaint"  # the base of every complaint and what its words add
OWN_CAUSE = 100.0  # a cause that only the team's own rules know goes before what was learned
DOUBTED = (0.05, 0.15)  # a post that is surely no complaint has no severity; between these it comes to have all of it
NEVER_BELOW_P2 = ("safety", "legal")


def subject_text(post: Post) -> str:
    """The text that the places in reasons refer to."""
    return f"{post.title}\n{post.text}" if post.title else post.text


def assess(post: Post, brand: BrandTarget, rules: Rules, others: Sequence[BrandTarget] = ()) -> Assessment:
    """`others` are further tracked brands that the post names."""
    text = stars.hidden(post, subject_text(post))[:LONGEST]
    lang, judged = language(post.lang, text, rules.weights.votes)
    if not judged:
        reason = Reason(factor="language not judged", points=0, words=lang)
        return Assessment(verdict=Verdict.OTHER, complaint=0.0, severity=0, priority=None, cause="", reasons=(reason,))
    of = reading(text, brand, others, rules, lang)
    worse = tuple(told(of))
    probability, said = complaint(of, worse, rules, lang)
    shown = None if others else stars.reason(post)  # who is named beside another may be the better one
    if shown:
        probability = stars.with_stars(probability, post)
    far = tuple(spread(post, rules))
    if probability < rules.complaint_from:
        verdict = stars.kind(kind(said, rules, lang), post) if shown else kind(said, rules, lang)
        return Assessment(
            verdict=verdict,
            complaint=round(probability, 4),
            severity=_if_it_were_one(probability, points(of, (*worse, *far), rules)),
            priority=None,
            cause="",
            reasons=(*filter(None, [shown]), *_evidence(of, said, rules, lang)),
        )
    found = _complaint(of, probability, (*_wording(of, said, rules), *worse, *far), rules)
    return replace(found, reasons=(*found.reasons, shown._replace(points=0.0))) if shown else found


def _if_it_were_one(probability: float, total: float) -> int:
    """How bad what was not called a complaint would be: harm told calmly still stands before a grumble."""
    none, all_ = DOUBTED
    share = min(1.0, max(0.0, (probability - none) / (all_ - none)))
    return round(share * graded(total))


def _complaint(of: Reading, probability: float, reasons: tuple[Reason, ...], rules: Rules) -> Assessment:
    cause = _cause(of, rules)
    severity = graded(sum([reason.points for reason in reasons]))
    if (taught := rules.scale.of(severity)) != severity:
        reasons = (*reasons, Reason(factor=TAUGHT, points=taught - severity, words=f"{severity} before"))
    severity = max(taught, _floor(of, cause, rules))
    return Assessment(
        verdict=Verdict.COMPLAINT,
        complaint=round(probability, 4),
        severity=severity,
        priority=next(priority for priority, least in rules.priorities if severity >= least),
        cause=cause,
        reasons=reasons,
    )


def _wording(of: Reading, said: Features, rules: Rules) -> Iterator[Reason]:
    """The base of every complaint, and what its words add."""
    if found := telling(of, said, rules.weights):
        start, end = found
        points = round(rules.base_severity + base(said.lang) + said.heads[HEAD], 1)
        yield Reason(factor=COMPLAINS, points=points, words=of.text[start:end], start=start, end=end)


def _evidence(of: Reading, said: Features, rules: Rules, lang: str) -> Iterator[Reason]:
    for hit, share in of.harms:
        if hit.family.evidence:
            yield reason(of.text, hit, share * hit.family.evidence)
    for hit, share in said.families:
        yield reason(of.text, hit, share * hit.family.evidence * (FLIPPED if hit.negated else 1.0))


def _floor(of: Reading, cause: str, rules: Rules) -> int:
    least = dict(rules.priorities)
    said = (*of.ours.families, *of.harms)
    floors = [least[hit.family.floor] for hit, _ in said if hit.family.floor and not hit.negated]
    if cause in NEVER_BELOW_P2:
        floors.append(least[Priority.P2])
    return math.ceil(max(floors, default=0))


def _cause(of: Reading, rules: Rules) -> str:
    """What it is about: what the words speak for, and the families of phrases that have a cause of their own."""
    learned: Mapping[str, Any] = rules.weights.numbers["causes"]
    said: dict[str, float] = {"other": 0.0}
    if of.ours.lang == "en" and of.ours.words:
        said |= zip(learned["names"], rules.weights.cause(of.ours.vector, of.ours.lang), strict=True)
    for hit, share in (*of.ours.families, *of.harms):
        if (cause := hit.family.cause) and not hit.negated:
            vote = learned["votes"] if cause in learned["names"] else OWN_CAUSE
            said[cause] = said.get(cause, 0.0) + share * vote
    return max(said, key=said.__getitem__)
