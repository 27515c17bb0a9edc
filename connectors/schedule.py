"""How long a server asks to be left alone after a good answer. Pure.

Cache-Control and Expires (RFC 9111), ttl, skipHours and skipDays (RSS 2.0, in GMT). What asks for too much is a mistake
more often than a wish: it is held to a limit.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from connectors.item import Feed

LONGEST_CACHE = timedelta(hours=1)
LONGEST_TTL = timedelta(hours=6)
_MAX_AGE = re.compile(r"max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)


def wait(headers: Mapping[str, str], feed: Feed | None, now: datetime) -> timedelta | None:
    asked = [fresh_for(headers, now)]
    if feed:
        asked += [min(feed.ttl, LONGEST_TTL) if feed.ttl else None, _until_wanted(feed, now)]
    return max((span for span in asked if span), default=None)


def fresh_for(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    control = headers.get("cache-control", "").lower()
    if "no-cache" in control or "no-store" in control:
        return None
    if found := _MAX_AGE.search(control):
        return min(timedelta(seconds=int(found[1])), LONGEST_CACHE)
    try:
        expires = parsedate_to_datetime(headers.get("expires", ""))
        return min(max(expires - now, timedelta()), LONGEST_CACHE) if expires.tzinfo else None
    except (ValueError, TypeError, OverflowError):
        return None


def _until_wanted(feed: Feed, now: datetime) -> timedelta | None:
    """To the end of the hours and days in which the feed does not want to be read; a feed never wanted is read."""
    for hours in range(8 * 24):
        then = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=hours) if hours else now
        if then.hour not in feed.skip_hours and then.weekday() not in feed.skip_days:
            return then - now if hours else None
    return None
