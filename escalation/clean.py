"""Text from strangers, made safe to show: nothing in it can ping, link, spoof, reorder or clear a screen. Pure.

It is cut before it is escaped, escaped once, and only where the place it goes to has control sequences at all.
"""

import re
import unicodedata

LONGEST_READ = 20_000  # characters; nobody is shown more than the beginning
_BREAKS = re.compile(r"\r\n|[\r\v\f\x85\u2028\u2029]")
_BLANKS = re.compile(r"[ \t]{2,}")
_TRAILING = re.compile(r"[ \t]+(?=\n)")
_BLANK_LINES = re.compile(r"\n{3,}")
# Controls, formats (all the bidirectional and zero-width ones), lone surrogates, private and unassigned.
_DROPPED = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))
_KEPT = frozenset("\n\t\u200c\u200d")  # the two joiners shape Persian, Indic scripts and emoji, and move nothing
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def clean(text: str) -> str:
    """Visible characters only, in the order they were written; cleaning twice changes nothing."""
    return _BLANK_LINES.sub("\n\n", _TRAILING.sub("", _BLANKS.sub(" ", visible(text)))).strip()


def visible(text: str) -> str:
    """The same with every blank where it was, for what stands in columns."""
    broken = _BREAKS.sub("\n", text[:LONGEST_READ])
    return unicodedata.normalize("NFC", "".join(character for character in broken if _visible(character)))


def _visible(character: str) -> bool:
    return character in _KEPT or unicodedata.category(character) not in _DROPPED


def cut(text: str, longest: int) -> str:
    """At most `longest` characters, with a sign that there was more."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def line(text: str, longest: int) -> str:
    """Cleaned, on one line, cut."""
    return cut(" ".join(clean(text).split()), longest)


def escape_mrkdwn(text: str, longest: int) -> str:
    """For Slack's mrkdwn and top-level text; cut so that the escaped text has at most `longest` characters.

    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    escaped = [_ENTITIES.get(character, character) for character in text]
    if sum(map(len, escaped)) <= longest:
        return "".join(escaped)
    room = longest - 1
    for count, piece in enumerate(escaped):
        room -= len(piece)
        if room < 0:
            return f"{''.join(escaped[:count]).rstrip()}…"
    return "".join(escaped)
