"""What is read of X, and from where: pure. A lane is the mentions of one account, its own posts, or one search.

The newest id of a round comes from its first page and counts only when its last page was read; all its pages are asked
for with the same since_id (docs.x.com/x-api/posts/search/integrate/paginate). A lane's place (connectors/lanes.py):
{"since": id, "read": when, "at": the round under way, "id": of the account, and what x_counts.py keeps}; a round is
{"span": where it reads from, "query": what it asks, "next": token, "newest": id, "lowest": id, "read": number}.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.contract import Cursor, Tracked
from connectors.lanes import Place
from connectors.x_parse import Found, id_at, number, time_of

LONGEST_QUERY = 512
NO_COPIES = " -is:retweet"
REACHES_BACK = timedelta(days=7) - timedelta(minutes=10)  # of a search
OVERLAP = timedelta(minutes=10)
SHOWN = 60  # characters of a search in a sentence
MENTIONS_SHOWN = 800  # of an account, however many there are

Round = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    key: str  # of its place
    payer: str
    search: str = ""
    account: str = ""  # a handle, in small letters
    own: bool = False  # what the account writes, instead of what mentions it

    @property
    def covers(self) -> str:
        """What would find the posts of this lane in a search."""
        return self.search or (f"from:{self.account}" if self.own else f"@{self.account}")

    @property
    def label(self) -> str:
        """For people: a search may be long."""
        short = self.search if len(self.search) <= SHOWN else f"{self.search[: SHOWN - 1]}…"
        return self.key if self.account else f"{self.payer} ({short})"


def lanes_of(tracked: Sequence[Tracked], accounts: Iterable[str], answering: Collection[str]) -> dict[str, Lane]:
    """Accounts first, for they are cheap; of those that are `answering` their own posts, too. Who has an account among
    its own pays for it, else who searches for it."""
    lanes = list[Lane]()
    for handle in filter(None, dict.fromkeys(map(handle_of, accounts)) if tracked else ()):
        payer = _payer(handle, tracked)
        lanes.append(Lane(key=f"mentions of @{handle}", payer=payer, account=handle))
        if handle in answering:
            lanes.append(Lane(key=f"posts of @{handle}", payer=payer, account=handle, own=True))
    lanes += [Lane(key=search, payer=of.brand, search=search) for of in tracked for search in of.searches]
    return _first_of_each(lanes)


def _first_of_each(lanes: Iterable[Lane]) -> dict[str, Lane]:
    """What two brands search for is asked once."""
    kept: dict[str, Lane] = {}
    for lane in lanes:
        kept.setdefault(lane.key, lane)
    return kept


def handle_of(account: str) -> str:
    return account.strip().lstrip("@").lower()


def _payer(handle: str, tracked: Sequence[Tracked]) -> str:
    owners = [of for of in tracked if handle in of.accounts]
    seekers = [of for of in tracked if any(f"@{handle}" in search.lower() for search in of.searches)]
    return (*owners, *seekers, *tracked)[0].brand


def query(search: str, without: Iterable[str]) -> str:
    """What is asked: without reposts, and without what these find, as far as they fit."""
    text = search + NO_COPIES
    for found in without:
        if len(text) + len(found) + 2 <= LONGEST_QUERY:
            text += f" -{found}"
    return text


def heard_elsewhere(lanes: Collection[Lane], cursor: Cursor) -> list[str]:
    """What was read to the end in the round under way, of and by our accounts: no search need pay for it again."""
    keys, places = {lane.key for lane in lanes}, cursor.get("lanes", {})
    if keys.isdisjoint(cursor.get("todo", ())):
        return []  # a new round begins
    began = cursor["began"]
    return [lane.covers for lane in lanes if lane.account and places.get(lane.key, {}).get("read", 0) >= began]


def begun(lane: Lane, place: Place, without: Iterable[str], now: datetime, history: timedelta) -> tuple[Round, str]:
    """A new round, and what it cannot hear any more."""
    asked = {"query": query(lane.search, without)} if lane.search else {}
    since, read = place.get("since", ""), place.get("read", 0)
    oldest = now - REACHES_BACK
    if since and (lane.account or time_of(since) > oldest):
        return {**asked, "span": {"since_id": since}, "read": 0}, ""
    last = datetime.fromtimestamp(read, UTC) - OVERLAP if read else now - history
    lost = f"was not read since {last:%Y-%m-%d %H:%M} UTC, and X goes back seven days only"
    round_ = {**asked, "span": {"start_time": written(max(last, oldest))}, "read": 0}
    return round_, lost if read and last < oldest else ""


def filling(lane: Lane, hole: Sequence[Any], without: Iterable[str]) -> Round:
    """A round that reads again what was counted and not heard: [from, to, number]."""
    span = {"start_time": hole[0], "end_time": hole[1]}
    return {"query": query(lane.search, without), "span": span, "read": 0, "counted": hole[2]}


def elsewhere(round_: Round, what: str) -> Round:
    """The same round, begun elsewhere, because X refuses `what`."""
    if what.endswith("token") and (lowest := round_.get("lowest")):
        span = {"until_id": lowest, **{key: id_ for key, id_ in round_["span"].items() if key == "since_id"}}
        if start := round_["span"].get("start_time"):
            span["since_id"] = str(id_at(datetime.fromisoformat(start)) - 1)
    else:
        span = {}  # as far back as X goes by itself
    return {**{key: value for key, value in round_.items() if key != "next"}, "span": span, "again": True}


def stuck(round_: Round, found: Found) -> bool:
    """X shows again what it showed, and would for ever."""
    again = bool(found.following) and found.following == round_.get("next")
    lowest = number(round_.get("lowest", ""))
    return again or bool(lowest and found.ids and min(map(number, found.ids)) >= lowest)


@dataclass(frozen=True, slots=True)
class Went:
    place: Place
    more: bool
    fresh: tuple[int, ...] = ()  # which items of the page were not on one before
    ended: Round | None = None


def went(lane: Lane, place: Place, round_: Round, found: Found, now: datetime) -> Went:
    """One page further."""
    lowest = number(round_.get("lowest", "")) or 2**63
    fresh = tuple(at for at, id_ in enumerate(found.ids) if number(id_) < lowest)
    round_ = {
        **round_,
        "newest": round_.get("newest") or found.newest,
        "lowest": str(min((lowest, *filter(None, map(number, found.ids))))),
        "read": round_["read"] + len(fresh),
    }
    if found.following:
        return Went({**place, "at": {**round_, "next": found.following}}, True, fresh)
    if lane.account and not lane.own and round_["read"] >= MENTIONS_SHOWN * 0.95 and "query" not in round_:
        return Went({**place, "at": _beyond(lane, round_)}, True, fresh)
    rest = {key: value for key, value in place.items() if key != "at"}
    if "counted" in round_:
        return Went(rest, bool(rest.get("holes")), fresh, round_)
    since = max(rest.get("since", ""), round_["newest"], key=number)
    return Went({**rest, "since": since, "read": now.timestamp()}, False, fresh, round_)


def _beyond(lane: Lane, round_: Round) -> Round:
    """X shows only so many mentions: those before them are searched for."""
    further = elsewhere({**round_, "query": query(lane.covers, ())}, "token")
    return {key: value for key, value in further.items() if key != "again"}


def written(when: datetime) -> str:
    """As X reads it."""
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
