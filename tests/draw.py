"""Cards, forms and the Home tab as pictures for the docs, drawn from the agreed ones in tests/data/slack.

`python tests/draw.py` (with `pip install playwright`, and Chromium at /usr/bin/chromium) writes docs/pictures/*.png anew.
It is a sketch of our own of how Slack lays blocks out, not a copy of it.
"""

import json
import re
import sys
from base64 import b64encode
from datetime import UTC, datetime
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from escalation.slack.pictures import draw  # noqa: E402

PICTURES = HERE.parent / "docs" / "pictures"
SHOWN = {
    "card": "card_acknowledged",
    "form": "form_report_acknowledged",
    "home": "home",
    "who": "form_who",
    "digest": "digest",
}
STYLE = """
body { font: 15px/1.45 "DejaVu Sans", sans-serif; margin: 0; padding: 20px; width: 640px; color: #1d1c1d; }
h3 { font-size: 17px; margin: 6px 0; } blockquote { border-left: 4px solid #ccc; margin: 6px 0; padding: 0 10px; white-space: pre-line; }
.sign { display: inline-block; width: 14px; height: 14px; border-radius: 7px; }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: 8px 20px; margin: 10px 0; white-space: pre-line; }
.context { color: #616061; font-size: 13px; margin: 6px 0; } p { margin: 6px 0; white-space: pre-line; }
.b { display: inline-block; border: 1px solid #aaa; border-radius: 6px; padding: 4px 11px; margin: 4px 6px 4px 0; }
.primary { background: #00745a; border-color: #00745a; color: white; }
.input { margin: 12px 0; } .input b { display: block; font-size: 14px; } .hint { color: #616061; font-size: 13px; }
.box { border: 1px solid #999; border-radius: 6px; padding: 6px 10px; margin: 3px 0; color: #616061; min-height: 20px; }
td { border: 1px solid #ccc; padding: 3px 10px; } table { border-collapse: collapse; margin: 8px 0; }
.tall { min-height: 52px; } .row { display: flex; justify-content: space-between; gap: 12px; }
"""
SIGNS = {"🔴": "#d40e0d", "🟡": "#eeb62f", "🔵": "#1264a3", "🟢": "#007a5a", "⚪": "#bbb"}
DATE = re.compile(r"&lt;!date\^\d+\^[^|]*\|([^&]*)&gt;")


def page(document: dict[str, Any]) -> str:
    title = f"<h3>{_text(document['title'])}</h3>" if "title" in document else ""
    ends = "".join(
        f'<span class="b {style}">{_text(document[name])}</span>' for name, style in ENDS if name in document
    )
    return f"<style>{STYLE}</style>{title}{''.join(map(_block, document['blocks']))}{ends}"


ENDS = (("close", ""), ("submit", "primary"))


def _block(block: dict[str, Any]) -> str:
    match block["type"]:
        case "header":
            return f"<h3>{_text(block['text'])}</h3>"
        case "context":
            return "".join(f'<div class="context">{_text(one)}</div>' for one in block["elements"])
        case "section":
            said = f"<p>{_text(block['text'])}</p>" if "text" in block else ""
            fields = "".join(f"<div>{_text(one)}</div>" for one in block.get("fields", ()))
            aside = _element(block["accessory"]) if "accessory" in block else ""
            return f'<div class="row"><div>{said}<div class="fields">{fields}</div></div><div>{aside}</div></div>'
        case "rich_text":
            return "".join(map(_rich, block["elements"]))
        case "actions":
            return "".join(map(_element, block["elements"]))
        case "data_visualization":
            return f'<img width="600" src="data:image/png;base64,{b64encode(draw(block)).decode()}">'
        case "table":
            rows = ("".join(f"<td>{escape(cell['text'])}</td>" for cell in row) for row in block["rows"])
            return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"
        case "input":
            hint = f'<div class="hint">{_text(block["hint"])}</div>' if "hint" in block else ""
            return f'<div class="input"><b>{_text(block["label"])}{_optional(block)}</b>{_box(block["element"])}{hint}</div>'
        case _:
            return "<hr>"


def _optional(block: dict[str, Any]) -> str:
    return ' <span class="hint">(optional)</span>' if block.get("optional") else ""


def _box(element: dict[str, Any]) -> str:
    chosen = element.get("initial_option", {}).get("text", element.get("placeholder", {"type": "", "text": ""}))
    at = element.get("initial_date_time")
    when = f"{datetime.fromtimestamp(at, UTC):%d %b %Y, %H:%M}" if at else ""
    said = (
        when or element.get("initial_value") or _text(chosen) or {"static_select": "Choose…"}.get(element["type"], "")
    )
    return f'<div class="box{" tall" if element.get("multiline") else ""}">{said}</div>'


def _rich(part: dict[str, Any]) -> str:
    tag = "blockquote" if part["type"] == "rich_text_quote" else "p"
    bold = "<b>{}</b>".format
    said = "".join(
        bold(escape(one["text"])) if one.get("style", {}).get("bold") else escape(one["text"])
        for one in part["elements"]
    )
    return f"<{tag}>{said}</{tag}>"


def _element(element: dict[str, Any]) -> str:
    chosen = element.get("initial_option", {}).get("text")
    label = chosen or element.get("text") or element.get("placeholder") or {"type": "plain_text", "text": "…"}
    if at := element.get("initial_date_time"):
        label = {"type": "plain_text", "text": f"{datetime.fromtimestamp(at, UTC):%d %b %Y, %H:%M}"}
    arrow = "" if element["type"] == "button" else " ▾"
    return f'<span class="b {element.get("style", "")}">{_text(label)}{arrow}</span>'


def _text(text: dict[str, Any]) -> str:
    shown = escape(text["text"])
    for sign, colour in SIGNS.items():
        shown = shown.replace(sign, f'<span class="sign" style="background: {colour}"></span>')
    if text["type"] == "mrkdwn":
        shown = re.sub(r"\*([^*\n]+)\*", r"<b>\1</b>", DATE.sub(r"\1", shown))
    return shown


def main() -> None:
    sync_playwright = import_module("playwright.sync_api").sync_playwright
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 680, "height": 200})
        for name, agreed in SHOWN.items():
            tab.set_content(page(json.loads((HERE / "data" / "slack" / f"{agreed}.json").read_text("utf-8"))))
            tab.screenshot(path=PICTURES / f"slack-{name}.png", full_page=True)
        browser.close()


if __name__ == "__main__":
    main()
