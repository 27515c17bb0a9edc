"""Post and brand -> Assessment: is it a complaint about this brand, how bad is it, and which words say so.

default.toml   weights and phrases, readable by a care lead      rules.py    TOML -> Rules, mistakes named
evidence.py    where a phrase stands, and whether it is negated   clauses.py  which part speaks of which brand
judge.py       evidence -> verdict, severity, priority, reasons   model.py    the shapes
"""

from listener.triage.judge import assess, subject_text
from listener.triage.model import Assessment, BrandTarget, Priority, Reason, Verdict
from listener.triage.rules import Rules, RulesError, load_rules

__all__ = [
    "Assessment",
    "BrandTarget",
    "Priority",
    "Reason",
    "Rules",
    "RulesError",
    "Verdict",
    "assess",
    "load_rules",
    "subject_text",
]
