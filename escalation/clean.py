"""Text from strangers, made safe to show: nothing in it can ping, link, spoof, reorder or clear the screen. Pure.

Cut before it is escaped, escaped once, and only where the place it goes to has control sequences at all.
"""

import re
import unicodedata

_INVISIBLE = frozenset(
    "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u2060\ufeff"
    "\u202a\u202b\u202c\u202d\u202e\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\u206a\u206b\u206c\u206d\u206e\u206f"
)
_DROPPED = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))
_KEPT = frozenset("\n\t")
_BLANK_LINES = re.compile(r"\n{3,}")
_BLANKS = re.compile(r"[ \t]{2,}")
LONGEST_READ = 20_000  # of a text nobody shows more than the beginning


def clean(text: str) -> str:
    """Visible characters only, in the order they were written."""
    text = unicodedata.normalize("NFC", text[:LONGEST_READ].replace("\r\n", "\n").replace("\r", "\n"))
    shown = "".join(character for character in text if _visible(character))
    return _BLANK_LINES.sub("\n\n", _BLANKS.sub(" ", shown)).strip()


def _visible(character: str) -> bool:
    if character in _KEPT:
        return True
    return character not in _INVISIBLE and unicodedata.category(character) not in _DROPPED


def cut(text: str, longest: int) -> str:
    """At most `longest` characters, with a sign that there was more."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def line(text: str, longest: int) -> str:
    """Cleaned, on one line, cut."""
    return cut(" ".join(clean(text).split()), longest)


def escaped(text: str) -> str:
    """For Slack's mrkdwn and top-level text (https://docs.slack.dev/messaging/formatting-message-text#escaping)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
