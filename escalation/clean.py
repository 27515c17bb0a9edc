"""Text from strangers, made safe to show: nothing in it can ping, link, spoof, reorder or clear a screen. Pure.

It is cut before it is escaped, escaped once, and only where the place it goes to has control sequences at all.
"""

import re
import unicodedata
from functools import lru_cache
from html import escape

LONGEST_READ = 20_000  # characters; nobody is shown more than the beginning
_BREAKS = re.compile(r"\r\n|[\r\v\f\x85\u2028\u2029]")
_BLANKS = re.compile(r"[ \t]{2,}")
_TRAILING = re.compile(r"[ \t]+(?=\n)")
_HALF_AN_ENTITY = re.compile(r"&[a-z]{0,3}\Z")
_BLANK_LINES = re.compile(r"\n{3,}")
# Controls, formats (all the bidirectional and zero-width ones), lone surrogates, private and unassigned.
_DROPPED = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))
_KEPT = frozenset("\n\t\u200c\u200d")  # the two joiners shape Persian, Indic scripts and emoji, and move nothing
MARKS = 30  # in a row: more reach over other lines, and are slow to sort (UAX #15, section 13, stream-safe text)


def clean(text: str) -> str:
    """Visible characters only, in the order they were written; cleaning twice changes nothing."""
    return _BLANK_LINES.sub("\n\n", _TRAILING.sub("", _BLANKS.sub(" ", visible(text)))).strip()


def visible(text: str) -> str:
    """The same with every blank where it was, for what stands in columns. Takes linear time, whatever was written."""
    broken = _BREAKS.sub("\n", text[:LONGEST_READ])
    odd = [character for character in set(broken) if not _visible(character)]
    shown = broken.translate(dict.fromkeys(map(ord, odd))) if odd else broken
    return shown if shown.isascii() else _thinned(unicodedata.normalize("NFC", _thinned(shown)))


def whole(text: str) -> str:
    """The same of a text of any length: for pages and letters, where most of it is ours."""
    return "".join(visible(text[start : start + LONGEST_READ]) for start in range(0, len(text), LONGEST_READ))


@lru_cache(maxsize=4_096)
def _visible(character: str) -> bool:
    return character in _KEPT or unicodedata.category(character) not in _DROPPED


def _thinned(text: str) -> str:
    """At most `MARKS` combining marks in a row. Before they are sorted, and after, for some come apart into two."""
    marks = "".join(sorted(filter(unicodedata.combining, set(text))))
    if sum(map(text.count, marks)) <= MARKS:
        return text
    return re.sub(f"([{marks}]{{{MARKS}}})[{marks}]+", r"\1", text)


def cut(text: str, longest: int) -> str:
    """At most `longest` characters, with a sign that there was more."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def line(text: str, longest: int) -> str:
    """Cleaned, on one line, cut. Of a long text mostly no more is cleaned than is shown."""
    begun = 4 * longest + 4 * MARKS
    shown = _on_one_line(text[:begun])
    return cut(shown if len(shown) > longest + MARKS else _on_one_line(text), longest)


def _on_one_line(text: str) -> str:
    return " ".join(clean(text).split())


def escape_mrkdwn(text: str, longest: int) -> str:
    """For Slack's mrkdwn and top-level text; cut so that the escaped text has at most `longest` characters.

    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    if len(escaped := escape(text, quote=False)) <= longest:
        return escaped
    shown = _HALF_AN_ENTITY.sub("", escape(text[:longest], quote=False)[: longest - 1])
    return f"{shown.rstrip()}…"
