"""What a reply should not say, by fault: patterns of English phrases, and a better way. Data for guard.py; pure.

To add one: a line here and a pair in tests/test_reply_guard.py.
"""

from enum import StrEnum


class Fault(StrEnum):
    BLAME = "blame"
    MENACE = "menace"
    LEGALESE = "legalese"
    DEMAND = "demand"
    OMINOUS = "ominous"
    CANNED = "canned apology"
    EMPTY = "empty empathy"
    ASKED_AGAIN = "asking again"
    UNBOOKED = "promise nobody has booked"
    PRIVATE = "private data"
    SOMEBODY_ELSE = "somebody else's data"


BETTER = {
    Fault.BLAME: "say what happened and what is done about it; leave out whose fault it was",
    Fault.MENACE: "leave it out: a threat in public becomes the story",
    Fault.LEGALESE: "say in plain words what you can do, and offer to explain the rule in private",
    Fault.DEMAND: "ask, and say what it is for: “could you … so that we can …?”",
    Fault.OMINOUS: "say openly what happens next, and that it is meant to help",
    Fault.CANNED: "name what went wrong for this customer and say sorry for that",
    Fault.EMPTY: "say what you will do, and by when; that is what shows it",
    Fault.ASKED_AGAIN: "it is in the thread already; use it",
    Fault.UNBOOKED: "book it on the case as a promise, so that somebody watches over it; or leave the time out",
    Fault.PRIVATE: "leave it out in public, and offer a private way",
    Fault.SOMEBODY_ELSE: "this is not in the thread: make sure that it is this customer's, and leave it out in public",
}

MANNERS: dict[Fault, tuple[str, ...]] = {  # each begins at a word; capitals do not matter
    Fault.BLAME: (
        r"you (should|could|must) have",
        r"you (failed|forgot|neglected|chose|refused) to",
        r"your (own )?(fault|mistake|error)",
        r"if you had (only )?(read|checked|followed|told)",
        r"as (we|i) (already|previously) (told|explained)",
        r"you (are|were) (wrong|mistaken)",
        r"it('s| is) not our (fault|problem|responsibility)",
        r"user error|whose fault",
    ),
    Fault.MENACE: (
        r"(our|the) (lawyers?|solicitors?|legal (team|department))",
        r"legal action|take (you )?to court|(we|i) (will|shall|may|might) sue",
        r"defam\w+|libel\w*|slander\w*",
        r"(report|block|ban) (you|your account)",
    ),
    Fault.LEGALESE: (
        r"without (prejudice|admission)|pursuant to|hereby|aforementioned",
        r"terms (and|&) conditions|clause \d|section \d",
        r"we (accept|assume) no (liability|responsibility)|not liable|force majeure|at our sole discretion",
    ),
    Fault.DEMAND: (
        r"you (must|need to|have to|are required to)",
        r"(delete|remove|take down|edit) (this|your) (post|review|comment|tweet)",
        r"kindly (delete|remove|refrain)|refrain from|calm down",
    ),
    Fault.OMINOUS: (
        r"we have taken note|has been noted|consequences|final (warning|notice)",
        r"we('re| are) aware of (you|who you)|we know (who|where) you",
        r"(we|i) (advise|warn) you",
    ),
    Fault.CANNED: (
        r"((we|i) )?((sincerely|deeply|truly) )?(apologi[sz]e|sorry) for (any|the) inconvenience",
        r"any inconvenience (caused|this)|we regret any",
        r"your (feedback|call|business) is (very )?important",
    ),
    Fault.EMPTY: (
        r"we ((completely|fully|totally) )?(understand|appreciate|hear) (your|how you) (frustration|concerns?|feel\w*)",
        r"thank you for (your patience|reaching out|bringing this to our attention)",
        r"we (always )?strive|we pride ourselves|rest assured",
        r"we take (this|these|such|all) \w+ (very )?seriously",
    ),
}

PROMISES = (
    r"(we|i)('ll| will| shall)( \w+){0,3} (call|phone|ring|refund|reply|write|send|ship|replace|credit|pay|fix)",
    r"(we|i)('ll| will| shall)( \w+){0,3} (deliver|contact|get back)",
    r"within (the next )?\d+ (minutes?|hours?|((business|working) )?days?|weeks?)",
    r"by (tomorrow|tonight|(mon|tues|wednes|thurs|fri|satur|sun)day|the end of (the )?(day|week))",
)

ASKING = (
    r"(please|kindly|could you|can you|would you)\b[^.?!\n]{0,60}?"
    r"\b(provide|share|send|dm|tell|give|confirm|let us know)\b(?P<what>[^.?!\n]*)"
)
ASKED_FOR = (  # how it is asked for; what it looks like where it was said
    (
        r"(order|booking|reservation|ticket|case|reference|account|tracking|flight) (number|no\.?|reference|id|code)",
        r"\b(?=[A-Z0-9-]*\d)[A-Z0-9][A-Z0-9-]{4,40}\b",
    ),
    (r"e-?mail( address)?", r"[\w.+-]{1,64}@[\w-]{1,64}\.\w"),
    (r"what happened|more (details|information)|your issue", r"(\S+\s+){25}"),
)

PRIVATE = (
    r"[\w.+-]{1,64}@[\w-]{1,64}\.[\w.]{0,64}\w",  # an e-mail address
    r"(?<![\w.])\+?\d[\d ()/.-]{7,20}\d(?!\w)",  # a telephone or a card number
    r"\b[A-Z]{2}\d{2}( ?[A-Z0-9]{4}){3,7}( ?[A-Z0-9]{1,3})?\b",  # an IBAN (ISO 13616)
)
REFERENCE = r"\b(?=[A-Z0-9-]{0,40}[A-Z])(?=[A-Z0-9-]{0,40}\d)[A-Z0-9-]{5,40}\b"  # a booking, an order
