"""HTML -> plain text: paragraphs become lines, scripts vanish, entities are decoded once. Pure."""

import re
from typing import Any

from lxml import etree, html

_BLOCKS = frozenset(
    "address article aside blockquote br dd div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header hr li main nav "
    "ol p pre section table td th tr ul".split()
)
_SILENT = frozenset(("script", "style", "template", "noscript", "head", "title"))
_MARKUP = re.compile(r"<[a-zA-Z/!]|&[a-zA-Z#]")
_SCRIPTS = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|$)", re.IGNORECASE | re.DOTALL)
_TAGS = re.compile(r"<[^>]*>?")
_UNREADABLE = re.compile("[\ud800-\udfff]")  # the parser stops at the first
_BLANKS = re.compile(r"[ \t\r\f\v\u00a0]{2,}|[\t\r\f\v\u00a0]")
_LINES = re.compile(r" \n[ \n]*|\n[ \n]+")


def plain(markup: str, url: str = "") -> str:
    """The words of a piece of HTML; text that is no HTML stays as it is."""
    if not _MARKUP.search(markup):
        return _tidy(markup)
    try:
        root = html.fragment_fromstring(_UNREADABLE.sub("\ufffd", markup.replace("\0", "")), create_parent="div")
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError):
        return _stripped(markup)
    # the parser drops what is nested absurdly deep; then the tags are cut away by force
    return _tidy("".join(_words(root))) or _stripped(markup)


def _stripped(markup: str) -> str:
    return _tidy(_TAGS.sub(" ", _SCRIPTS.sub(" ", markup)))


def _words(root: Any) -> list[str]:
    """Without recursion, for markup may be nested as deep as its author likes."""
    out: list[str] = []
    silent = 0
    for action, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        if action in ("comment", "pi"):  # nothing but what follows it
            out.append("" if silent else element.tail or "")
            continue
        tag = element.tag
        if tag in _SILENT:
            silent += 1 if action == "start" else -1
        if tag in _BLOCKS:
            out.append("\n")
        text = element.text if action == "start" else (element.tail if element is not root else "")
        if text and not silent and not (action == "start" and tag in _SILENT):
            out.append(text)
    return out


def _tidy(text: str) -> str:
    if "\n" not in text:
        return " ".join(text.split())
    return _LINES.sub("\n", _BLANKS.sub(" ", text)).strip()
