"""Every agreed card, form and page through two more opinions: slack_sdk's models, and Slack's own types for Node.

The second is a JSON Schema made of @slack/types (docs/contributing.md says how) whose file LISTENER_SLACK_TYPES names;
without it and jsonschema that half is skipped. Neither knows Slack's charts yet; those are held to the documentation.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from blockkit import Invalid, check_blocks
from slack_sdk.models.blocks import Block

GOLDEN = Path(__file__).parent / "data" / "slack"
AGREED = {file.stem: json.loads(file.read_text("utf-8")) for file in sorted(GOLDEN.glob("*.json"))}
CHART = "data_visualization"
SHORT = {"type": "string", "minLength": 1, "maxLength": 20}


def table(needed: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": needed.split(), "properties": properties, "additionalProperties": False}


def rows(most: int, **properties: Any) -> dict[str, Any]:
    items = table(" ".join(properties), **properties)
    return {"type": "array", "minItems": 1, "maxItems": most, "items": items}


DATA = rows(20, label=SHORT, value={"type": "number"})
AXES = table("categories", categories={"type": "array", "items": SHORT}, x_label=SHORT, y_label=SHORT)
PIE = table("type segments", type={"const": "pie"}, segments=rows(12, label=SHORT, value={"exclusiveMinimum": 0}))
BARS = table(
    "type series axis_config",
    type={"enum": ["bar", "line", "area"]},
    series=rows(12, name=SHORT, data=DATA),
    axis_config=AXES,
)
CHARTED = table(  # https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block
    "type title chart",
    type={"const": CHART},
    title={"type": "string", "minLength": 1, "maxLength": 50},
    chart={"oneOf": [PIE, BARS]},
)


@pytest.mark.parametrize("name", AGREED)
def test_the_sdk_knows_every_block_and_changes_nothing(name: str) -> None:
    blocks = [block for block in AGREED[name]["blocks"] if block["type"] != CHART]
    assert [block and block.to_dict() for block in Block.parse_all(blocks)] == blocks


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    file = os.environ.get("LISTENER_SLACK_TYPES", "")
    if not file:
        pytest.skip("LISTENER_SLACK_TYPES names no schema made of @slack/types")
    made: dict[str, Any] = json.loads(Path(file).read_text("utf-8"))
    made["definitions"]["Charted"] = CHARTED
    return made


def faults(document: Any, schema: dict[str, Any], kind: str) -> list[str]:
    jsonschema = pytest.importorskip("jsonschema")
    asked = {**schema, "$ref": f"#/definitions/{kind}"}
    return [error.message[:300] for error in jsonschema.Draft7Validator(asked).iter_errors(document)]


@pytest.mark.parametrize("name", AGREED)
def test_slacks_types_know_it(name: str, schema: dict[str, Any]) -> None:
    document = AGREED[name]
    for block in document["blocks"]:
        assert faults(block, schema, "Charted" if block["type"] == CHART else "KnownBlock") == []
    if document.get("type") in ("home", "modal"):
        assert faults(document, schema, f"{document['type'].title()}View") == []


BAD: list[dict[str, Any]] = [
    {"type": "sections", "text": {"type": "plain_text", "text": "x"}},
    {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
    {"type": "section", "txt": {"type": "plain_text", "text": "x"}},
    {"type": "actions", "elements": [{"type": "button", "text": "x"}]},
    {"type": "image", "alt_text": "x", "slack_file": {"name": "F1"}},
    {"type": CHART, "title": "x", "chart": {"type": "pie", "segments": []}},
    {"type": CHART, "title": "x" * 51, "chart": {"type": "pie", "segments": [{"label": "a", "value": 1}]}},
    {"type": CHART, "title": "x", "chart": {"type": "donut", "segments": [{"label": "a", "value": 1}]}},
]


@pytest.mark.parametrize("block", BAD)
def test_what_is_wrong_is_seen_by_ours_and_by_theirs(block: dict[str, Any], request: pytest.FixtureRequest) -> None:
    with pytest.raises((Invalid, KeyError)):
        check_blocks([block], (block["type"],))
    if os.environ.get("LISTENER_SLACK_TYPES"):
        schema = request.getfixturevalue("schema")
        assert faults(block, schema, "Charted" if block["type"] == CHART else "KnownBlock")
