"""What a feed showed when it was last read: validators, and each item with its wording. Pure, but for being filled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.item import Item
from connectors.recognise import Known

REMEMBERED = 500  # items beside those of the last reading; what comes back later is known to the store
SHOWN = 3_000  # items of one reading; a feed shows tens
BELIEVED = 20  # times a server may say "unchanged" before it is asked for the whole: some do not notice a deletion


@dataclass(slots=True)
class Window:
    etag: str = ""
    modified: str = ""
    unchanged: int = 0  # how often the server has said so since the last whole answer
    items: dict[str, list[str]] = field(default_factory=dict)  # id -> wording, address, fingerprint of the raw item
    shown: list[str] = field(default_factory=list)  # ids in the order of the last reading
    present: set[str] = field(default_factory=set)  # in the reading under way; not kept
    raws: Mapping[str, str] = field(default_factory=dict)  # of the reading under way: id -> fingerprint of its text
    threads: dict[str, Sequence[Any]] = field(default_factory=dict)  # id -> comment feed, number of comments

    @classmethod
    def load(cls, saved: Mapping[str, Any] | None) -> "Window":
        saved = saved or {}
        return cls(
            etag=saved.get("etag", ""),
            modified=saved.get("modified", ""),
            unchanged=saved.get("unchanged", 0),
            items=dict(saved.get("items", {})),
            shown=list(saved.get("shown", [])),
            threads=dict(saved.get("threads", {})),
        )

    def dump(self) -> dict[str, Any]:
        return {
            "etag": self.etag,
            "modified": self.modified,
            "unchanged": self.unchanged,
            "items": self._remembered(),
            "shown": self.shown,
            "threads": dict(list(self.threads.items())[-REMEMBERED:]) if self.threads else {},
        }

    def _remembered(self) -> dict[str, list[str]]:
        """The last reading's items, and the latest of the others; in the order in which they were heard."""
        spare = len(self.items) - REMEMBERED
        if spare <= 0:
            return self.items
        shown = self.present.union(self.shown)
        return {id_: kept for place, (id_, kept) in enumerate(self.items.items()) if place >= spare or id_ in shown}

    @property
    def known(self) -> Known:
        """What a parser need not read again: raw fingerprint -> id and address."""
        return {raw[0]: (id_, link) for id_, (_, link, *raw) in self.items.items() if raw and raw[0]}

    def validators(self, headers: Mapping[str, str]) -> None:
        """Only of a body that was read to its end."""
        self.etag, self.modified = headers.get("etag", ""), headers.get("last-modified", "")
        self.unchanged = 0

    def is_news(self, item: Item) -> bool:
        """Said for the first time, or otherwise than before; what only looks different is remembered as it looks."""
        self.present.add(item.id)
        if item.known:
            return False
        known = self.items.get(item.id)
        if known is None or known[0] != item.fingerprint:
            return True
        self.items[item.id] = [known[0], known[1], self.raws.get(item.id, "")]
        return False

    def knows(self, item: Item) -> bool:
        return item.id in self.items

    def remember(self, item: Item) -> None:
        self.items.pop(item.id, None)
        self.items[item.id] = [item.fingerprint, item.link, self.raws.get(item.id, "")]

    def remember_all(self, items: Sequence[Item]) -> None:
        for item in items:
            if not item.known:
                self.remember(item)

    def note_threads(self, items: Sequence[Item]) -> None:
        """Notes where the comments of what is shown are."""
        for item in items:
            if item.comments_feed:
                self.threads[item.id] = (item.comments_feed, item.comments if item.comments is not None else -1)

    def suspects(self, items: Sequence[Item]) -> list[tuple[str, str]]:
        """Ids and addresses shown last time and not now, although neighbours still are.

        What stood at the end may have been pushed out; by so many new items, so many at the most.
        """
        before, now = set(self.shown), {item.id for item in items}
        last = max((place for place, id_ in enumerate(self.shown) if id_ in now), default=-1)
        stays = max(len(self.shown) - len(now - before), last + 1) if last >= 0 else 0
        missing = [id_ for id_ in self.shown[:stays] if id_ not in now and id_ in self.items]
        self.shown = [*missing, *(item.id for item in items)][:SHOWN]
        return [(id_, self.items[id_][1]) for id_ in missing if self.items[id_][1]]

    def forget(self, id_: str) -> None:
        self.items.pop(id_, None)
        if id_ in self.shown:
            self.shown.remove(id_)


def conditions(saved: Mapping[str, Any]) -> dict[str, str]:
    """Headers that let the server answer 304, from what was kept of the last reading."""
    if saved.get("unchanged", 0) >= BELIEVED:
        return {}
    wanted = {"If-None-Match": saved.get("etag"), "If-Modified-Since": saved.get("modified")}
    return {name: value for name, value in wanted.items() if value}


def older_than_known(items: Sequence[Item], before: Sequence[str]) -> bool:
    """True when a page shows nothing that was there before: what lies between was not seen yet."""
    known = set(before)
    return bool(items) and not any(item.id in known for item in items)


def reaches_known(items: Sequence[Item], before: Sequence[str], *, unknown: bool) -> bool:
    """Does an older page end at what was there before? One known item among unknown ones is no end: items of one
    second stand in no order.
    """
    if not items or items[-1].id in before:
        return True
    return not unknown and not older_than_known(items, before)
