"""When a post is looked at again, so that what was edited or deleted at its source is so here too. Pure.

Platforms ask for deleted posts to be gone from copies within a day or two (X: developer policy, content compliance;
Reddit: Data API terms). Most edits and deletions come soon, so the looks come soon at first.
"""

from datetime import datetime, timedelta

AGES = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=23), timedelta(hours=46))
WHILE_OPEN = timedelta(days=1)  # between two looks at a post whose case is still open


def next_look(heard: datetime, now: datetime, *, open_case: bool) -> datetime | None:
    """None: not again. A look that was missed is made up once, not as often as it was missed."""
    ahead = (heard + age for age in AGES if heard + age > now)
    return next(ahead, now + WHILE_OPEN if open_case else None)
