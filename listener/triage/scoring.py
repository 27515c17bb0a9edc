"""Features -> a logit for "this is a complaint about the brand", and what else a post may be. Pure, additive."""

import math
from collections.abc import Mapping, Sequence
from operator import add, mul

from listener.triage.features import Features
from listener.triage.model import Reason, Verdict
from listener.triage.reading import Reading, passage_features
from listener.triage.rules import Rules
from listener.triage.severity import points
from listener.triage.weights import HEADS

NOTHING_SAID = -1.5  # the logit for a brand that is only named, beside another that is spoken of
COMPARED = 2.0  # what a comparison tells of it: "far better than Acme"
# What is said of the brand, what is said of the other, who comes off worse, and a shift. Posts that name two mostly
# set one against the other, so they are weighed apart from the rest; round numbers, checked on posts not learned from.
TWO_BRANDS = (1.0, -0.3, 0.9, 0.1)
FEW = (1.6, 1.5, 0.6)  # taken off where no word, one, two are said besides the names: a greeting is no complaint
FLIPPED = -1.3  # what a negated phrase counts of its evidence
TOLD = ("news", "advert", "solved")  # what harm is told in that is nobody's complaint
THING = HEADS.index("thing")
KINDS = (Verdict.PRAISE, Verdict.QUESTION, Verdict.OTHER)


def logit(of: Features, rules: Rules, lang: str) -> float:
    """Of one stretch of text: its words, its phrases and its form."""
    numbers = rules.weights.numbers
    words = of.heads[0]
    if lang != "en":
        return float(words + numbers["languages"][lang]["bias"])
    phrases = sum([share * hit.family.evidence * (FLIPPED if hit.negated else 1.0) for hit, share in of.families])
    shape = sum(map(mul, numbers["form"], of.form))
    return float(rules.bias + words + phrases + shape)


def logit_of(of: Reading, features: Features, rules: Rules) -> float:
    """Of one stretch, for what is named: a thing among others is told of otherwise than a firm."""
    general = logit(features, rules, of.ours.lang)
    if not of.thing or of.ours.lang != "en":
        return general
    learned = rules.weights.numbers["thing"]
    return float(features.heads[THING] + learned["bias"] + learned["general"] * general)


def complaint(of: Reading, told: Sequence[Reason], rules: Rules, lang: str) -> tuple[float, Features]:
    """The probability, and the stretch of the text that says so. `told` is what the text says of how bad it is."""
    passages = passage_features(of, rules, lang)
    if len(passages) == 1:
        features = passages[0]
        said, more = logit_of(of, features, rules), grave(of, told, rules)
    else:  # a long text is as bad as its two worst passages; what it mentions somewhere else is no sign
        scores = sorted([(logit(each, rules, lang), each) for each in passages], key=lambda one: -one[0])
        features = scores[0][1]
        said, more = (scores[0][0] + scores[1][0]) / 2, 0.0
    slope, shift = rules.learned
    return probability(slope * (_weighed(said, more, of, rules) - few(features, of)) + shift), features


def few(said: Features, of: Reading) -> float:
    """What the silence around a bare name takes off, but where a comparison has said it."""
    return FEW[said.spoken] if said.spoken < len(FEW) and of.ground.damned <= 0 else 0.0


def _weighed(said: float, more: float, of: Reading, rules: Rules) -> float:
    """The logit of what comes true, with what is said of another brand or thing, and `more` for grave harm."""
    numbers, lang = rules.weights.numbers, of.ours.lang
    if of.theirs is not None and not of.speaks:
        return NOTHING_SAID + (0.0 if of.thing else COMPARED * of.ground.damned)
    if of.theirs is not None and lang == "en":
        theirs = logit_of(of, of.theirs, rules)
        if not of.thing and not of.guessed:
            return more + contrasted(said, theirs, of.ground.damned, TWO_BRANDS)
        said = contrasted(said, theirs, of.ground.damned, numbers["contrast things" if of.thing else "contrast brands"])
    elif of.ground.damned:
        said += of.ground.damned * (numbers["contrast brands"][2] / 2 if of.theirs is None else TWO_BRANDS[2])
    return calibrated(said + more, lang, numbers)


def grave(of: Reading, told: Sequence[Reason], rules: Rules) -> float:
    """Who tells of grave harm seldom scolds: the harm speaks for a complaint, but where it is news or solved."""
    if any(hit.family.name in TOLD for hit, _ in of.ours.families):
        return 0.0
    harm = sum([share * hit.family.evidence for hit, share in of.harms])
    more = rules.gravity["each"] * (points(of, told, rules) - rules.gravity["from"])
    return min(rules.gravity["most"], harm + max(0.0, more))


def contrasted(ours: float, theirs: float, damned: float, numbers: Sequence[float]) -> float:
    """Where two are named, what is said of one tells of the other."""
    own, other, worse, bias = numbers
    return own * ours + other * theirs + worse * damned + bias


def calibrated(said: float, lang: str, numbers: Mapping[str, Mapping[str, list[float]]]) -> float:
    """The logit of what comes true."""
    slope, bias = numbers["calibration"][lang]
    return slope * said + bias


def probability(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def kind(of: Features, rules: Rules, lang: str) -> Verdict:
    """What a post that is no complaint is."""
    table = rules.weights.numbers["kinds"]
    bias = table["bias"] if lang == "en" else rules.weights.numbers["languages"][lang]["kinds"]
    praise, question, other = map(add, of.heads[1:4], bias)
    if lang == "en":
        for hit, share in of.families:
            if not hit.negated:
                praise += share * hit.family.praise
                question += share * hit.family.question
                other += share * hit.family.other
        shape = [sum(map(mul, row, of.form)) for row in table["form"]]
        praise, question, other = praise + shape[0], question + shape[1], other + shape[2]
    return max(zip((praise, question, other), KINDS, strict=True))[1]
