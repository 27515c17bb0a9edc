"""What was typed into a form that was closed without being sent, offered again when that person opens it again.

It may quote a customer, so it is kept in memory alone, not long, and not much of it.
"""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta

KEPT = timedelta(hours=24)
AT_MOST = 500  # drafts; the oldest give way
LONGEST = 10_000  # characters of one draft

Key = tuple[str, int, str]  # who, which case, which form


class Drafts:
    def __init__(self) -> None:
        self._kept: OrderedDict[Key, tuple[datetime, dict[str, str]]] = OrderedDict()

    def keep(self, key: Key, given: Mapping[str, str], now: datetime) -> None:
        if not any(given.values()) or sum(map(len, given.values())) > LONGEST:
            return
        self._kept.pop(key, None)
        self._kept[key] = (now, dict(given))
        if len(self._kept) > AT_MOST:
            self._kept.popitem(last=False)

    def offered(self, key: Key, now: datetime) -> Mapping[str, str]:
        at, given = self._kept.get(key, (now, {}))
        return given if now - at <= KEPT else {}

    def drop(self, key: Key) -> None:
        self._kept.pop(key, None)
