"""Counts as Slack's own charts, as plain dicts. Pure. Numbers and our own words alone; the text beside them tells all.

https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block: at most two in a message, six series or
segments, twenty categories, labels of twenty characters. A workspace that does not know the block yet gets the message
without it.
"""

from collections.abc import Iterable, Mapping

from escalation.clean import line
from escalation.slack.parts import Block, plain, short

KIND = "data_visualization"
SERIES, CATEGORIES, LABEL, TITLE = 6, 20, 20, 50


def bars(title: str, counts: Mapping[str, Mapping[str, int]]) -> Block:
    """`counts` is category -> series -> number; every series says a number for every category."""
    shown = _named(counts)
    names = list(dict.fromkeys(name for each in shown.values() for name in each))[:SERIES]
    labels = _labels(names)
    series = [
        {"name": labels[name], "data": [{"label": label, "value": each.get(name, 0)} for label, each in shown.items()]}
        for name in names
    ]
    return _chart(title, {"type": "bar", "series": series, "axis_config": {"categories": list(shown)}})


def pie(title: str, counts: Mapping[str, int]) -> Block:
    """The five largest, and the rest as one."""
    largest = sorted(((name, count) for name, count in counts.items() if count > 0), key=lambda one: -one[1])
    shown = dict(largest if len(largest) <= SERIES else largest[: SERIES - 1])
    labels = _labels(shown)
    segments = [{"label": labels[name], "value": count} for name, count in shown.items()]
    if rest := sum(count for name, count in largest if name not in shown):
        segments.append({"label": "all others", "value": rest})
    return _chart(title, {"type": "pie", "segments": segments})


def without(blocks: Iterable[Block]) -> list[Block]:
    return [block for block in blocks if block["type"] != KIND]


def _chart(title: str, chart: Block) -> Block:
    return {"type": KIND, "title": short(line(title, TITLE), TITLE), "chart": chart}


def _named(counts: Mapping[str, Mapping[str, int]]) -> dict[str, Mapping[str, int]]:
    first = list(counts)[:CATEGORIES]
    labels = _labels(first)
    return {labels[name]: counts[name] for name in first}


def _labels(names: Iterable[str]) -> dict[str, str]:
    """Short, and no two alike."""
    given: dict[str, str] = {}
    for place, name in enumerate(names, 1):
        label = short(line(name, LABEL), LABEL) or "-"
        given[name] = label if label not in given.values() else f"{short(label, LABEL - 4)} {place}"
    return given


Bars = list[tuple[str, list[tuple[str, int]]]]  # (category, [(what is counted there, how often)])


def counted(block: Block) -> Bars:
    """What a chart shows, without the zeros; a pie is one category for each of its segments."""
    chart = block["chart"]
    if chart["type"] == "pie":
        return [(one["label"], [("", one["value"])]) for one in chart["segments"]]
    found: Bars = [(name, []) for name in chart["axis_config"]["categories"]]
    for series in chart["series"]:
        for (_, bars), point in zip(found, series["data"], strict=True):
            bars += [(series["name"], point["value"])] if point["value"] else []
    return [(name, bars) for name, bars in found if bars]


def told(block: Block) -> str:
    """The same in words, for who does not see it."""
    said = (f"{name}: {', '.join(f'{what} {count}'.strip() for what, count in bars)}" for name, bars in counted(block))
    return short(f"{block['title']}. {'; '.join(said)}", 2_000)


def pictured(block: Block, file: str) -> Block:
    """A chart as the picture of it that was uploaded; https://docs.slack.dev/reference/block-kit/blocks/image-block"""
    return {"type": "image", "slack_file": {"id": file}, "alt_text": told(block), "title": plain(block["title"])}


def drawn(blocks: Iterable[Block]) -> list[Block]:
    return [block for block in blocks if block["type"] == KIND]
