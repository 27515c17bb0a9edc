"""The pieces that cards, forms and pages are made of, as plain dicts. Pure.

What people outside wrote goes into plain_text or rich_text, where nothing is markup; mrkdwn is for our own words.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from escalation.clean import clean, cut, line

Block = dict[str, Any]

CELL = 40  # characters that a cell takes beside its text


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}


def said(text: str) -> Block:
    return {"type": "section", "text": plain(_shown(text))}


def heading(text: str) -> Block:
    return {"type": "header", "text": plain(short(line(text, 150), 150) or "-")}


def context(*texts: str) -> Block:
    return {"type": "context", "elements": [plain(_shown(text)) for text in texts]}


def _shown(text: str) -> str:
    """Whoever forgot to clean it: nothing gets here that moves what is around it, and nothing too long."""
    return short(clean(text), 2_900) or "-"


def short(text: str, longest: int) -> str:
    """Cut as Slack counts, which is as JavaScript does: an emoji may be two."""
    text = cut(text, longest)
    while (over := len(text.encode("utf-16-le", "surrogatepass")) // 2 - longest) > 0:
        text = cut(text, len(text) - (over + 1) // 2)
    return text


def fact(name: str, mrkdwn: str) -> Block:
    return {"type": "mrkdwn", "text": f"*{name}*\n{mrkdwn}", "verbatim": True}


def labelled(label: str, text: str) -> Block:
    bold = {"type": "text", "text": label, "style": {"bold": True}}
    return {"type": "rich_text_section", "elements": [bold, {"type": "text", "text": text or "-"}]}


def words(text: str) -> Block:
    """Rich text in every state of the card: Slack refuses to replace it by anything else."""
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [section]}


def date_token(at: datetime) -> str:
    """Each reader sees their own time (https://docs.slack.dev/messaging/formatting-message-text#date-formatting)."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{at:%Y-%m-%d %H:%M} UTC>"


def button(action: str, value: str, label: str, *, main: bool = False) -> Block:
    made = {"type": "button", "action_id": action, "value": value, "text": plain(label)}
    return {**made, "style": "primary"} if main else made


def option(value: str, label: str) -> Block:
    return {"text": plain(short(line(label, 75), 75) or "-"), "value": value}


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], longest: int = 9_000) -> Block:
    """As many rows as fit into `longest` characters, at most 99; cells are literal, cut where there are many.

    https://docs.slack.dev/reference/block-kit/blocks/table-block
    """
    made: list[list[Block]] = []
    room = longest
    for each in (columns, *rows[:99]):
        cells = [{"type": "raw_text", "text": line(cell, 60) or "-"} for cell in each]
        room -= sum(len(cell["text"]) + CELL for cell in cells)
        if room < 0:
            break
        made.append(cells)
    return {"type": "table", "rows": made}


def row(elements: Sequence[Block]) -> Block:
    return {"type": "actions", "elements": list(elements)}


def web_address(url: str) -> str:
    """The address as a button may carry it, its host spelt in ASCII so that it cannot pose as another; or ""."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode()
        port = f":{parts.port}" if parts.port else ""
        rest = quote(parts._replace(scheme="", netloc="").geturl(), safe="/?#[]@!$&'()*+,;=:%~")
    except ValueError:  # not an address at all, a host or a port that cannot be
        return ""
    if parts.scheme not in ("http", "https") or not host:
        return ""
    link = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}{rest}"
    return link if len(link) <= 3_000 else ""
