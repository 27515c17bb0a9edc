"""A page -> its article's text, for feeds that hold only a teaser. trafilatura finds it; the feed's own words stay when
it does not."""

import re
import string

SHORT = 600  # a summary below this many characters is taken for a teaser
CONTAINED = 0.8  # of the teaser's words
_WORD = re.compile(r"\w+")
_MORE = re.compile(r"(\[?(…|\.\.\.)\]?|read more|continue reading|weiterlesen|lire la suite)\W*$", re.IGNORECASE)
_INVITES = ("read more", "continue reading", "weiterlesen", "lire la suite")
_MARKS = string.punctuation + string.whitespace + "…»›→\u00a0"


def teasing(text: str) -> bool:
    """Does this summary look as if there was more on the page? Pure."""
    if len(text) < SHORT:
        return True
    end = text[-60:].lower()
    words = end.rstrip(_MARKS)
    after = end[len(words) :]
    return "…" in after or "..." in after or words.endswith(_INVITES)


def extract(page: str, teaser: str) -> str:
    """What the page says, and never less than the feed says. Slow: tens of milliseconds."""
    import trafilatura  # half a second to import, and most feeds never need it

    try:
        found = trafilatura.extract(page, include_comments=False, include_tables=False, favor_recall=True) or ""
    except (ValueError, RecursionError, AttributeError, TypeError):  # what it raises on pages it cannot make sense of
        found = ""
    return whole(teaser, found)


def whole(teaser: str, article: str) -> str:
    """An extraction that lost the teaser's words took the wrong part of the page, or an article that begins otherwise:
    then both stand. Pure."""
    said, found = set(_WORD.findall(_MORE.sub("", teaser).lower())), set(_WORD.findall(article.lower()))
    if len(article) <= len(teaser):
        return teaser
    return article if len(said & found) >= CONTAINED * len(said) else f"{teaser}\n\n{article}"
