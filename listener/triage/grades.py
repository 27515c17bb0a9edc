"""What the words themselves say of how bad a complaint is, in every language. Pure, but for reading its files.

severity.bin is a table as those of weights.py, learned by train_severity.py together with the points in harm.toml;
severity.json has its scale, and for each language what is added to `base_severity`.
"""

import json
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from listener.triage.weights import HEADS, Weights, shipped

HEAD = HEADS.index("severity")


@cache
def graded() -> Weights:
    """The weights of this version, with the severity table that was learned for all languages."""
    weights, told = shipped(), _told()
    data = files("listener.triage").joinpath("severity.bin").read_bytes()
    return with_table(weights, array("h", data), told["scale"])


def with_table(weights: Weights, table: Sequence[int], scale: float) -> Weights:
    return replace(
        weights,
        tables=(*weights.tables[:HEAD], table, *weights.tables[HEAD + 1 :]),
        scales=(*weights.scales[:HEAD], scale, *weights.scales[HEAD + 1 :]),
    )


def base(lang: str) -> float:
    return float(_told()["base"][lang])


@cache
def _told() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(files("listener.triage").joinpath("severity.json").read_text("utf-8"))
    return found
