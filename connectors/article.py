"""A page -> its article's text, for feeds that hold only a teaser. trafilatura finds it; the feed's own words stay when
it does not."""

import re

SHORT = 600  # a summary below this many characters is taken for a teaser
_MORE = re.compile(r"(\[?(…|\.\.\.)\]?|read more|continue reading|weiterlesen|lire la suite)\W*$", re.IGNORECASE)


def teasing(text: str) -> bool:
    """Does this summary look as if there was more on the page? Pure."""
    return len(text) < SHORT or bool(_MORE.search(text[-60:]))


def extract(page: str, teaser: str) -> str:
    """The longer of what the page says and what the feed says. Slow: tens of milliseconds."""
    import trafilatura  # half a second to import, and most feeds never need it

    try:
        found = trafilatura.extract(page, include_comments=False, include_tables=False, favor_recall=True) or ""
    except (ValueError, RecursionError, AttributeError, TypeError):  # what it raises on pages it cannot make sense of
        found = ""
    return found if len(found) > len(teaser) else teaser
