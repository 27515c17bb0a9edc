"""Post and brand -> Assessment: is it a complaint about this brand, how bad is it, and which words say so.

default.toml   families of phrases and what they weigh, for a care lead      rules.py     TOML -> Rules
weights.bin    what was learned of words, pairs and pieces of words           weights.py   the tables, read
tokens.py      text -> words, names masked        naming.py     where a brand is named, tracked or guessed
clauses.py     which stretches speak of whom      comparing.py  who comes off worse
evidence.py    where a phrase stands, negated?    features.py   what the model looks at
reading.py     all of these over one text         scoring.py    features -> probability, and what else it is
severity.py    harm x stake x spread              wording.py    which words say most
packed.py      sums of many columns at once                        remembered.py what was worked out before
languages.py   which language it is               judge.py      -> verdict, severity, priority, reasons
model.py       the shapes                         gold.py       labelled posts; corpus/ holds those written here
train.py       gold -> weights (extra: train)     evaluate.py   gold and judgements -> figures
deep.py        the head of a sentence model       train_deep.py gold -> deep.json; wordpieces.txt: its words
figures.py     the table of the model card        blind.py      a second reader's check of the corpus
"""

from listener.triage.judge import assess, subject_text
from listener.triage.model import Assessment, BrandTarget, Priority, Reason, Scale, Verdict
from listener.triage.rules import Rules, RulesError, load_rules

__all__ = [
    "Assessment",
    "BrandTarget",
    "Priority",
    "Reason",
    "Rules",
    "RulesError",
    "Scale",
    "Verdict",
    "assess",
    "load_rules",
    "subject_text",
]
