"""Who comes off worse where one brand is set against another: "better than Acme", "left Acme for Larkspur". Pure."""

import re
from collections.abc import Sequence

Mark = tuple[int, int, bool]  # where a name stands, and whether it is ours
_TURNED = r"(?:switch|port|jump)\w{0,4}|(?:mov|chang|migrat)\w{1,4}"
_GOOD = r"(?:besser|schneller|mejor|mieux|meilleure?s?|meglio|migliore|melhor)"
_BAD = r"(?:schlechter|schlimmer|peor|pire|peggio|peggiore|pior)"
_THAN = r" (?:\w+ ){0,2}(?:als|que|di|del|della|do que) (?:la |le |el |il |a |o |die |der )?$"
_WORSE = re.compile(  # what stands in front of the one that is worse
    r"(?:better|faster|cheaper|nicer|quicker|easier|smoother|friendlier|happier|rather|superior|more \w+"
    r"|less (?:hassle|trouble|stress|pain\w*)) (?:\w+ ){0,3}than (?:\w+ ){0,2}$"
    r"|more than (?:i|we|you) can say (?:for|of|about) (?:the |my |our )?$"
    rf"|{_GOOD}{_THAN}|(?:im gegensatz zu|anders als|statt|a diferencia de|en vez de|contrairement à|au lieu de"
    r"|a differenza di|invece di|ao contrário d[aeo]|em vez d[aeo]|(?:weg|wechsel\w*|gewechselt) von"
    r"|(?:cambi\w+|pas[éeo]|passé\w*|passat\w|migr\w+|mud\w+|troquei) (?:\w+ )?d[aeio]) (?:la |el |le |il )?$"
    rf"|(?:unlike|instead of|rid of|tired of|sick of|fed up with|done with|goodbye|bye|beats?|(?:{_TURNED}|away"
    r"|cancel\w*|escap\w+)"
    r" (?:\w+ ){0,2}from|left|leaving|leave|ditch\w*|dump\w*|dropp?\w*|quit\w*|cancell?ed|replac\w+|regret\w*)"
    r" (?:my |our |the |with )?$"
)
_BETTER = re.compile(
    rf"{_BAD}{_THAN}|"
    r"(?:worse|slower|ruder|dearer|pricier|more expensive|inferior) (?:\w+ ){0,3}than (?:\w+ ){0,2}$"
    rf"|(?:(?:{_TURNED}|go\w*|went|return\w*|back|over) (?:\w+ ){{0,3}}(?:to|with)|for|try|trying|using|prefer\w*"
    r"|stick\w* with|stuck with|miss|even|at least|not|recommend|wish (?:you were|it was|i had)(?: \w+)?"
    r"|hello|(?:good thing|glad) (?:i|we) (?:kept|have|had|stayed with|went with)|thank (?:god|goodness|heavens) for"
    r"|learn (?:\w+ ){0,2}from|as good as|like|unlike with|compared (?:to|with))"
    r" (?:the |my |our )?$"
)
_LEFT_FOR = re.compile(
    r"(?:left|leav\w+|ditch\w*|dump\w*|swap\w*|trad\w+|drop\w*|switch\w*) [^.!?]{0,40}\bfor (?:the )?$"
)
_AFTER = re.compile(  # what follows the better one
    r"\s?(?:>|beats|is (?:so much |much |way |far |a lot )?(?:better|faster|cheaper|nicer)|would (?:have )?never"
    r"|(?:has |have )?never (?:did|does|do|had|lost|made|gave|failed|let|once)|any ?day"
    r"|from now on|it is (?:then|from now)|never again (?:will|did))\b"
)
_WORSE_AFTER = re.compile(
    r"\s?(?:could learn|take notes?|(?:are|is) you listening|should be ashamed|used to be|(?:is|are) (?:\w+ )?worse)\b"
)
# One of these stands near wherever a pattern above finds something: most names have none near them.
_CUES = frozenset(
    """than unlike of with from left leaving leave for to try trying using miss even least not recommend you was had
    kept have god goodness heavens like hello goodbye bye beat beats ditch ditched ditching dump dumped drop dropped
    dropping quit quitting cancelled canceled replaced replacing regret regretting prefer prefers preferred say als
    que di del della de da do von zu statt à""".split()
)
_FOLLOWS = frozenset("""> beats is would has have never any from could take are should used worse better""".split())
LOOK_BACK = 60  # characters


def damned(text: str, marks: Sequence[Mark]) -> float:
    """Above 0 ours, below 0 theirs."""
    said = 0.0
    for start, end, mine in marks:
        before = text[max(0, start - LOOK_BACK) : start]
        after = text[end : end + 24].split(None, 3)[:3]
        cues = _CUES.intersection(before.rsplit(None, 3)[-3:])
        if not cues and _FOLLOWS.isdisjoint(after):
            continue
        sign = 1 if mine else -1
        if ("for" in cues and _LEFT_FOR.search(before)) or _AFTER.match(text, end):
            said -= sign
        elif _WORSE.search(before) or _WORSE_AFTER.match(text, end):
            said += sign
        elif _BETTER.search(before):
            said -= sign
    return max(-1.0, min(1.0, said))
