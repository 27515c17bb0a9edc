"""HTML -> its elements, or plain text: paragraphs become lines, scripts vanish, entities are decoded once. Pure."""

import re
from typing import Any

from lxml import etree, html

_BLOCKS = (
    "address article aside blockquote br dd div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header hr li main nav "
    "ol p pre section table td th tr ul".split()
)
_SILENT = ("script", "style", "template", "noscript", "head", "title")
_MARKUP = re.compile(r"<[a-zA-Z/!]|&[a-zA-Z#]")
_SCRIPTS = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|$)", re.IGNORECASE | re.DOTALL)
_TAGS = re.compile(r"<[^>]*>?")
_UNREADABLE = re.compile("[\ud800-\udfff]")  # the parser stops at the first
_BLANKS = re.compile(r"[ \t\r\f\v\u00a0]{2,}|[\t\r\f\v\u00a0]")
_LINES = re.compile(r" \n[ \n]*|\n[ \n]+")
_words = etree.XPath("string()")


def plain(markup: str) -> str:
    """The words of a piece of HTML; text that is no HTML stays as it is."""
    if not markup:
        return ""
    if ("<" not in markup and "&" not in markup) or not _MARKUP.search(markup):
        return _tidy(markup)
    try:
        root = etree.HTML(f"<div>{_UNREADABLE.sub(chr(0xFFFD), markup.replace(chr(0), ''))}")
        etree.strip_elements(root, *_SILENT, with_tail=False)
        for block in root.iter(_BLOCKS):
            block.text, block.tail = f"\n{block.text or ''}", f"\n{block.tail or ''}"
        words = _words(root)
    except (etree.LxmlError, ValueError, AssertionError, AttributeError, TypeError):
        words = ""
    # the parser drops what is nested absurdly deep; then the tags are cut away by force
    return _tidy(str(words)) or _stripped(markup)


def elements_of(page: str) -> Any:
    """The root element of a web page, whatever charset it says of itself; None when nothing can be made of it."""
    parser = html.HTMLParser(encoding="utf-8")
    try:
        return html.document_fromstring(page.replace("\0", "").encode("utf-8", "replace"), parser=parser)
    except (etree.LxmlError, ValueError, AssertionError):
        return None


def _stripped(markup: str) -> str:
    return _tidy(_TAGS.sub(" ", _SCRIPTS.sub(" ", markup)))


def _tidy(text: str) -> str:
    if text.isascii() and not ("\n" in text or "\t" in text or "\r" in text or "\f" in text or "  " in text):
        return text.strip()  # the usual case, at a fifth of the cost
    if "\n" not in text:
        return " ".join(text.split())
    return _LINES.sub("\n", _BLANKS.sub(" ", text)).strip()
