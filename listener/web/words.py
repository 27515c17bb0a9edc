"""What a page says in words: a case's timeline (escalation/telling.py), times, texts of strangers with marks. Pure.

Marked text is escaped first and put together of safe pieces, so nothing a stranger wrote becomes markup.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from markupsafe import Markup, escape

from escalation.clean import clean
from escalation.telling import clock as clock
from escalation.telling import timeline as timeline
from listener.durations import spoken


def ago(at: datetime, now: datetime) -> str:
    """ "in 5 min", "2 h ago", "now"."""
    apart = abs(now - at)
    if apart < MINUTE:
        return "now"
    exact = DAY if apart >= 2 * DAY else HOUR if apart >= DAY else MINUTE
    said = spoken(apart // exact * exact)
    return f"{said} ago" if now > at else f"in {said}"


DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def sentence(text: str) -> str:
    """A refusal, as it stands by itself."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '?', '!')) else '.'}"


def marked(text: str, words: Iterable[str], longest: int = 20_000) -> Markup:
    """The text, safe to show, with each of `words` that stands in it marked."""
    shown = clean(text)
    shown = shown if len(shown) <= longest else f"{shown[: longest - 1].rstrip()}…"
    return Markup("").join(
        Markup("<mark>{}</mark>").format(piece) if hit else escape(piece) for piece, hit in pieces(shown, words)
    )


def pieces(text: str, words: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """The text in parts, with whether a part is one of the words; nothing is lost and nothing is doubled."""
    low, start = text.lower(), 0
    same = len(low) == len(text)  # a letter whose small form is longer would move every place behind it
    hits = sorted(
        _places(low if same else text, {word.lower() if same else word for word in map(clean, words) if word})
    )
    for begin, end in hits:
        if begin < start:
            continue
        if begin > start:
            yield text[start:begin], False
        yield text[begin:end], True
        start = end
    if start < len(text):
        yield text[start:], False


def _places(text: str, words: Iterable[str]) -> Iterator[tuple[int, int]]:
    for word in words:
        at = text.find(word)
        while word and at >= 0:
            yield at, at + len(word)
            at = text.find(word, at + len(word))
