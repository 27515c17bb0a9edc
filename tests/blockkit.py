"""Refuses what Slack refuses of a message or a view: limits and shapes as documented, strictest reading.

https://docs.slack.dev/reference/block-kit and the error tables of chat.postMessage, chat.update and views.open.
Only the blocks and elements this application uses are known; anything else is refused.
"""

import json
import re
from collections.abc import Callable, Collection
from typing import Any

MESSAGE_BLOCKS = ("section", "header", "context", "actions", "rich_text", "divider", "table", "data_visualization")
MESSAGE_BLOCKS += ("image",)
VIEW_BLOCKS = ("section", "header", "context", "actions", "input", "rich_text", "divider")
HOME_BLOCKS = ("section", "header", "context", "actions", "rich_text", "divider")
WHOLE_MESSAGE = 13_000  # undocumented; larger ones have been refused
ENTITY = re.compile(r"&(?!amp;|lt;|gt;)|>")
DATE = re.compile(r"<!date\^\d{9,11}\^[^<>|^]*\{[^<>|^]*\|[^<>|]+>")

Element = dict[str, Any]


class Invalid(Exception):
    """The first word is Slack's error, the rest is for whoever reads the test."""


def check_message(body: Element, *, update: bool = False) -> None:
    """Raises Invalid."""
    text, blocks = body.get("text", ""), body.get("blocks") or []
    if not text and not blocks:
        raise Invalid("no_text")
    _need(len(text) <= (4_000 if update else 40_000), "msg_too_long", f"text of {len(text)}")
    _mrkdwn(text)
    _need(len(blocks) <= 50, "invalid_blocks", "more than 50 blocks")
    _need(len(json.dumps(blocks, ensure_ascii=False)) <= WHOLE_MESSAGE, "msg_blocks_too_long")
    check_blocks(blocks, MESSAGE_BLOCKS)
    _need(sum(block["type"] == "table" for block in blocks) <= 1, "only_one_table_allowed")
    _need(sum(block["type"] == "data_visualization" for block in blocks) <= 2, "invalid_blocks", "three charts")
    if metadata := body.get("metadata"):
        _exactly(metadata, "metadata", {"event_type", "event_payload"})


def check_view(view: Element) -> None:
    """Raises Invalid."""
    _need(view.get("type") == "modal", "invalid_arguments", "only modals are known")
    known = {"type", "callback_id", "private_metadata", "notify_on_close", "title", "submit", "close", "blocks"}
    _exactly(view, "view", {"type", "title", "blocks"}, known)
    for part in ("title", "submit", "close"):
        if part in view:
            plain(view[part], 24)
    blocks = view["blocks"]
    inputs = any(block.get("type") == "input" for block in blocks)
    _need(not inputs or "submit" in view, "invalid_arguments", "an input without submit")
    _need(1 <= len(blocks) <= 100, "invalid_arguments", f"{len(blocks)} blocks")
    _need(len(view.get("private_metadata", "")) <= 3_000, "invalid_arguments", "private_metadata")
    _need(len(view.get("callback_id", "")) <= 255, "invalid_arguments", "callback_id")
    _need(len(json.dumps(view)) <= 250_000, "view_too_large")
    check_blocks(blocks, VIEW_BLOCKS)


def check_home(view: Element) -> None:
    """Raises Invalid."""
    _need(view.get("type") == "home", "invalid_arguments", "not a home page")
    _exactly(view, "home", {"type", "blocks"}, {"type", "blocks", "callback_id", "private_metadata"})
    _need(1 <= len(view["blocks"]) <= 100, "invalid_arguments", f"{len(view['blocks'])} blocks")
    _need(len(json.dumps(view)) <= 250_000, "view_too_large")
    check_blocks(view["blocks"], HOME_BLOCKS)


def check_blocks(blocks: list[Element], allowed: Collection[str]) -> None:
    """Raises Invalid."""
    _distinct([block["block_id"] for block in blocks if "block_id" in block], "block_id")
    for block in blocks:
        _need(str(block.get("type")) in allowed, "invalid_blocks", f"block {block.get('type')!r} here")
        _need(len(block.get("block_id", "x")) in range(1, 256), "invalid_blocks", "block_id")
        _BLOCKS[block["type"]](block)


def _section(block: Element) -> None:
    _exactly(block, "section", {"type"}, {"type", "text", "fields", "block_id", "accessory"})
    _need("text" in block or bool(block.get("fields")), "invalid_blocks", "an empty section")
    if "text" in block:
        either(block["text"], 3_000)
    if "fields" in block:
        _need(1 <= len(block["fields"]) <= 10, "invalid_blocks", f"{len(block['fields'])} fields")
        for field in block["fields"]:
            either(field, 2_000)

    if "accessory" in block:
        _ACTIONS[block["accessory"]["type"]](block["accessory"])


def _header(block: Element) -> None:
    _exactly(block, "header", {"type", "text"}, {"type", "text", "block_id"})
    plain(block["text"], 150)


def _context(block: Element) -> None:
    _exactly(block, "context", {"type", "elements"}, {"type", "elements", "block_id"})
    _need(1 <= len(block["elements"]) <= 10, "invalid_blocks", f"{len(block['elements'])} context elements")
    for element in block["elements"]:
        either(element, 3_000)


def _actions(block: Element) -> None:
    _exactly(block, "actions", {"type", "elements"}, {"type", "elements", "block_id"})
    _need(1 <= len(block["elements"]) <= 25, "invalid_blocks", f"{len(block['elements'])} actions")
    _distinct([element.get("action_id") for element in block["elements"]], "action_id")
    for element in block["elements"]:
        _need(element.get("type") in _ACTIONS, "invalid_blocks", f"action {element.get('type')!r}")
        _ACTIONS[element["type"]](element)


def _overflow(menu: Element) -> None:
    _exactly(menu, "overflow", {"type", "action_id", "options"})
    _need(2 <= len(menu["options"]) <= 5, "invalid_blocks", f"{len(menu['options'])} in a menu")
    for each in menu["options"]:
        _option(each)


def _menu(menu: Element) -> None:
    """A static_select outside of a form."""
    needed = {"type", "action_id", "placeholder", "options"}
    _exactly(menu, "static_select", needed, needed | {"initial_option"})
    plain(menu["placeholder"], 150)
    _select(menu)


def _table(block: Element) -> None:
    _exactly(block, "table", {"type", "rows"})
    _need(1 <= len(block["rows"]) <= 100, "invalid_blocks", f"{len(block['rows'])} rows")
    _need(len({len(row) for row in block["rows"]}) == 1, "invalid_blocks", "rows of different lengths")
    for cell in (cell for row in block["rows"] for cell in row):
        _need(len(block["rows"][0]) in range(1, 21), "invalid_blocks", "columns")
        _exactly(cell, "cell", {"type", "text"})
        _need(cell["type"] == "raw_text" and bool(cell["text"]), "invalid_blocks", f"cell {cell}")


def _charted(block: Element) -> None:
    """https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block"""
    _exactly(block, "data_visualization", {"type", "title", "chart"})
    _length(block["title"], 50)
    chart = block["chart"]
    if chart.get("type") == "pie":
        _exactly(chart, "pie", {"type", "segments"})
        _points(chart["segments"], 6)
        _need(all(one["value"] > 0 for one in chart["segments"]), "invalid_blocks", "a segment of nothing")
        return
    _exactly(chart, "chart", {"type", "series", "axis_config"})
    _need(chart["type"] in ("bar", "line", "area"), "invalid_blocks", f"chart {chart['type']}")
    _exactly(chart["axis_config"], "axis_config", {"categories"}, {"categories", "x_label", "y_label"})
    _need(1 <= len(chart["series"]) <= 6, "invalid_blocks", f"{len(chart['series'])} series")
    _distinct([one["name"] for one in chart["series"]], "series")
    for one in chart["series"]:
        _exactly(one, "series", {"name", "data"})
        _length(one["name"], 20)
        _points(one["data"], 20)
        labels = [point["label"] for point in one["data"]]
        _need(labels == chart["axis_config"]["categories"], "invalid_blocks", "a series without some category")


def _image(block: Element) -> None:
    """https://docs.slack.dev/reference/block-kit/blocks/image-block; of files that were uploaded alone."""
    needed = {"type", "slack_file", "alt_text"}
    _exactly(block, "image", needed, needed | {"title", "block_id"})
    _exactly(block["slack_file"], "slack_file", {"id"})
    _length(block["alt_text"], 2_000)
    if "title" in block:
        plain(block["title"], 2_000)


def _points(points: list[Element], most: int) -> None:
    _need(1 <= len(points) <= most, "invalid_blocks", f"{len(points)} points")
    _distinct([point["label"] for point in points], "label")
    for point in points:
        _exactly(point, "point", {"label", "value"})
        _length(point["label"], 20)
        _need(isinstance(point["value"], int | float), "invalid_blocks", f"value {point['value']!r}")


def _button(button: Element) -> None:
    needed = {"type", "text", "action_id"}
    _exactly(button, "button", needed, needed | {"value", "url", "style"})
    _need(button["type"] == "button", "invalid_blocks", f"action {button['type']}")
    plain(button["text"], 75)
    _need(len(button["action_id"]) in range(1, 256), "invalid_blocks", "action_id")
    _need(len(button.get("value", "x")) in range(1, 2_001), "invalid_blocks", "value")
    _need(button.get("style", "primary") in ("primary", "danger"), "invalid_blocks", "style")
    if "url" in button:
        link = button["url"]
        _need(len(link) <= 3_000 and bool(re.fullmatch(r"https?://[!-~]+", link)), "invalid_blocks", f"url {link!r}")


def _rich_text(block: Element) -> None:
    _exactly(block, "rich_text", {"type", "elements"}, {"type", "elements", "block_id"})
    _need(bool(block["elements"]), "invalid_blocks", "an empty rich_text")
    for part in block["elements"]:
        _exactly(part, "rich_text part", {"type", "elements"})
        known = ("rich_text_section", "rich_text_quote", "rich_text_preformatted")
        _need(part["type"] in known, "invalid_blocks", part["type"])
        for element in part["elements"]:
            _exactly(element, "rich_text element", {"type", "text"}, {"type", "text", "style"})
            _need(element["type"] == "text", "invalid_blocks", f"rich_text {element['type']}")
            _need(bool(element["text"]), "invalid_blocks", "an empty text in rich_text")
            _need(set(element.get("style", {})) <= {"bold", "italic", "strike", "code"}, "invalid_blocks", "style")


def _input(block: Element) -> None:
    known = {"type", "block_id", "label", "element", "optional", "hint", "dispatch_action"}
    _exactly(block, "input", {"type", "label", "element"}, known)
    plain(block["label"], 2_000)
    if "hint" in block:
        plain(block["hint"], 2_000)
    element = block["element"]
    _need(element.get("type") in _INPUTS, "invalid_blocks", f"input {element.get('type')!r}")
    _need(len(element.get("action_id", "")) in range(1, 256), "invalid_blocks", "action_id")
    _INPUTS[element["type"]](element)


def _words(element: Element) -> None:
    known = {"type", "action_id", "multiline", "max_length", "initial_value", "placeholder"}
    known |= {"dispatch_action_config"}
    _exactly(element, "plain_text_input", {"type"}, known)
    longest = element.get("max_length", 3_000)
    _need(1 <= longest <= 3_000, "invalid_blocks", f"max_length {longest}")
    _need(len(element.get("initial_value", "")) <= longest, "invalid_blocks", "initial_value")
    if "placeholder" in element:
        plain(element["placeholder"], 150)


def _time(element: Element) -> None:
    _exactly(element, "datetimepicker", {"type"}, {"type", "action_id", "initial_date_time"})
    stamp = element.get("initial_date_time", 1_000_000_000)
    _need(isinstance(stamp, int) and len(str(stamp)) == 10, "invalid_blocks", f"initial_date_time {stamp!r}")


def _select(element: Element) -> None:
    known = {"type", "options", "action_id", "placeholder", "initial_option"}
    _exactly(element, "static_select", {"type", "options"}, known)
    _need(1 <= len(element["options"]) <= 100, "invalid_blocks", f"{len(element['options'])} options")
    _distinct([option["value"] for option in element["options"]], "option")
    if "initial_option" in element:
        _need(element["initial_option"] in element["options"], "invalid_blocks", "initial_option")
    for option in element["options"]:
        _option(option)


def _option(option: Element) -> None:
    _exactly(option, "option", {"text", "value"})
    plain(option["text"], 75)
    _need(len(option["value"]) in range(1, 151), "invalid_blocks", "option value")


def plain(text: Element, longest: int) -> None:
    """A plain_text object whose words cannot dress up as ours."""
    _exactly(text, "plain_text", {"type", "text", "emoji"})
    _need(text["type"] == "plain_text", "invalid_blocks", f"{text['type']} where plain_text belongs")
    _need(text["emoji"] is False, "invalid_blocks", "emoji must be off")
    _length(text["text"], longest)


def either(text: Element, longest: int) -> None:
    if text.get("type") == "plain_text":
        plain(text, longest)
        return
    _exactly(text, "mrkdwn", {"type", "text"}, {"type", "text", "verbatim"})
    _need(text["type"] == "mrkdwn", "invalid_blocks", f"text of type {text['type']}")
    _length(text["text"], longest)
    _mrkdwn(text["text"])


def _mrkdwn(text: str) -> None:
    """Slack would take it; but a control sequence other than a date, or half an entity, is a stranger's."""
    left = DATE.sub("", text)
    _need("<" not in left and not ENTITY.search(left), "invalid_blocks", f"unescaped: {text!r:.200}")


def _length(text: str, longest: int) -> None:
    size = len(text.encode("utf-16-le", "surrogatepass")) // 2  # as JavaScript counts
    _need(1 <= size <= longest, "invalid_blocks", f"text of {size}, {longest} allowed")


def _distinct(names: list[Any], what: str) -> None:
    _need(len(names) == len(set(names)), "invalid_blocks", f"the same {what} twice")


def _exactly(found: Element, what: str, needed: set[str], known: set[str] | None = None) -> None:
    _need(needed <= found.keys(), "invalid_blocks", f"{what} without {needed - found.keys()}")
    extra = found.keys() - (known or needed)
    _need(not extra, "invalid_blocks", f"{what} with {extra}")


def _need(holds: bool, error: str, why: str = "") -> None:
    if not holds:
        raise Invalid(f"{error}: {why}")


_BLOCKS: dict[str, Callable[[Element], None]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "rich_text": _rich_text,
    "table": _table,
    "data_visualization": _charted,
    "input": _input,
    "image": _image,
    "divider": lambda block: _exactly(block, "divider", {"type"}, {"type", "block_id"}),
}
_ACTIONS: dict[str, Callable[[Element], None]] = {"button": _button, "overflow": _overflow, "static_select": _menu}
_ACTIONS["datetimepicker"] = _time
_INPUTS: dict[str, Callable[[Element], None]] = {
    "plain_text_input": _words,
    "static_select": _select,
    "datetimepicker": _time,
}
