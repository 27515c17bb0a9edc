"""X: mentions of the brands' own accounts and recent search, within a monthly budget, through tweepy.

What is read, and from where: x_lanes.py. What it costs, and when it is held back: x_budget.py. Whether it was all:
x_counts.py. The cursor: that of connectors/lanes.py and {"spent": what x_budget.py keeps}.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.api import table, words
from connectors.contract import ConnectorError, Cursor, Dialect, Fix, Hearing, Page, Tracked, Wait, from_env, from_house
from connectors.lanes import Place, Step, take_turn
from connectors.post import Post
from connectors.x_api import Api, Refused
from connectors.x_budget import AGAIN, Budget, forecast
from connectors.x_counts import compared, due, still_short, tallied, uncompared
from connectors.x_lanes import (
    LONGEST_QUERY,
    NO_COPIES,
    Lane,
    Round,
    begun,
    elsewhere,
    filling,
    handle_of,
    heard_elsewhere,
    lanes_of,
    query,
    stuck,
    went,
)
from connectors.x_parse import (
    FIELDS,
    STATE,
    Found,
    accounts_in,
    counts_in,
    found_in,
    gone_in,
    number,
    refusals_in,
    time_of,
)
from connectors.x_purse import PRICED, Purse

DIALECT = Dialect(longest=LONGEST_QUERY - len(NO_COPIES), fields={"author": "from:", "lang": "lang:"}, links="url:")
DEAF_TO = (
    "X: posts of protected accounts, and what X's own search leaves out, are not heard",
    "X: reposts without words of their own are left out, and a quoted post's text is not searched",
    "X: what is more than seven days old when it is first asked for is not heard",
)
YOUNG = timedelta(hours=20)  # X wants deletions followed within a day; an earlier look is a courtesy


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    budget: float  # US dollars a month
    shares: Mapping[str, float] = field(default_factory=dict)  # brand -> how much of it, beside the others' 1
    a_day: float = 0.25  # the part of its share that a brand may spend in one day
    accounts: tuple[str, ...] = ()  # the brands' own on X: what mentions them is read first
    owner: str = ""  # the account that owns the app: what mentions it, and what it writes, costs a fifth
    answers: bool = False  # read what all `accounts` write, not only the owner: their answers are noted
    authors: bool = True  # names and followers: they cost twice as much as the post
    check_counts: bool = True  # once a day: does X count more posts than were heard?
    history: timedelta = timedelta(days=1)  # how far back the first reading goes
    prices: Mapping[str, float] = field(default_factory=dict)  # where yours differ: post, owned, user, count
    api_url: str = "https://api.x.com"
    token: str = from_env("X_BEARER_TOKEN")
    tracked: tuple[Tracked, ...] = from_house()


class XConnector:
    def __init__(self, name: str, options: Options):
        self.name = name
        self._options = options
        self._api = Api(options.api_url, options.token)
        answering = map(handle_of, options.accounts if options.answers else [options.owner])
        self._lanes = lanes_of(options.tracked, options.accounts, frozenset(answering))
        self._purse = Purse.of(options)

    async def aclose(self) -> None:
        self._api.close()

    async def fetch(self, cursor: Cursor, now: datetime) -> Page:
        self._check(now)
        budget = self._purse.budget(cursor, now)
        open_, shut = self._open(budget), self._purse.shut(self._lanes.values(), budget)
        if not open_:
            raise Wait(f"{self.name}: {shut}", hearing=Hearing.OUT_OF_BUDGET)

        async def read(key: str, place: Place) -> Step:
            return await self._step(self._lanes[key], place, cursor, budget)

        page = await take_turn(open_, cursor, now, read)
        resting = {key: place for key, place in cursor.get("lanes", {}).items() if key in self._lanes}
        page = replace(
            page, cursor={**page.cursor, "lanes": {**resting, **page.cursor["lanes"]}, "spent": budget.kept()}
        )
        return _with_note(page, shut) if shut else page

    def _check(self, now: datetime) -> None:
        """Raises Fix."""
        brands = [of.brand for of in self._options.tracked]
        strangers = [*sorted(set(self._options.shares) - set(brands)), *sorted(set(self._options.prices) - PRICED)]
        if not self._options.token:
            raise Fix(f"{self.name}: there is no token for X; set X_BEARER_TOKEN")
        if not self._lanes:
            raise Fix(f"{self.name}: there is nothing to search for: no brand's query can be asked of X")
        if strangers:
            raise Fix(f'{self.name}: "{strangers[0]}" under shares or prices is not known; brands are {brands}')
        untouched = self._purse.budget({}, now)
        if small := [lane.payer for lane in self._lanes.values() if not self._purse.size(lane, untouched)]:
            raise Fix(f"{self.name}: {small[0]} cannot pay for one page a day; raise budget, its share, or a_day")

    def _open(self, budget: Budget) -> list[str]:
        return [key for key, lane in self._lanes.items() if self._purse.size(lane, budget)]

    async def _step(self, lane: Lane, place: Place, cursor: Cursor, budget: Budget) -> Step:
        """One page of a lane."""
        if lane.account and "id" not in place:
            place = {**place, "id": await self._account(lane, cursor, budget)}
        without = heard_elsewhere([self._lanes[key] for key in self._open(budget)], cursor)
        place, round_, note = self._round(lane, place, without, budget.now)
        try:
            found = await self._read(lane, place, round_, cursor, budget)
        except Refused as no:
            return _begun_elsewhere(lane, place, round_, no, note)
        return await self._after(lane, place, round_, found, budget, note)

    def _round(self, lane: Lane, place: Place, without: Sequence[str], now: datetime) -> tuple[Place, Round, str]:
        """The one under way, else a hole to be filled, else a new one with what it cannot hear any more."""
        if "at" in place:
            return place, place["at"], ""
        if holes := place.get("holes"):
            return {**place, "holes": holes[1:]}, filling(lane, holes[0], self._covered()), ""
        return place, *begun(lane, place, without, now, self._options.history)

    def _covered(self) -> list[str]:
        return [lane.covers for lane in self._lanes.values() if lane.account]

    async def _account(self, lane: Lane, cursor: Cursor, budget: Budget) -> str:
        if known := self._ids(cursor).get(lane.account):
            return known
        answer = await self._api.ask("get_users", budget.now, usernames=[lane.account])
        budget.pay(lane.payer, self._purse.prices.user)
        if id_ := accounts_in(answer).get(lane.account):
            return id_
        raise Fix(f"X knows no account @{lane.account}; check accounts")

    def _ids(self, cursor: Cursor) -> dict[str, str]:
        """Handle -> id, of our own accounts: they are recognised without being paid for."""
        places = cursor.get("lanes", {})
        ids = ((lane.account, places.get(key, {}).get("id")) for key, lane in self._lanes.items() if lane.account)
        return {handle: id_ for handle, id_ in ids if id_}

    async def _read(self, lane: Lane, place: Place, round_: Round, cursor: Cursor, budget: Budget) -> Found:
        authors = self._purse.asks_authors(lane, budget)
        asked = {
            "max_results": self._purse.size(lane, budget),
            **round_["span"],
            **(FIELDS if authors else {"tweet_fields": FIELDS["tweet_fields"]}),
        }
        if "query" in round_:
            call, where = "search_recent_tweets", {"query": round_["query"], "next_token": round_.get("next")}
        else:
            call = "get_users_tweets" if lane.own else "get_users_mentions"
            where = {"id": place["id"], "pagination_token": round_.get("next")}
            asked |= {"exclude": "retweets"} if lane.own else {}
        answer = await self._api.ask(call, budget.now, **where, **asked)
        if refusal := refusals_in(answer):
            raise Fix(f"X shows no posts: {refusal}")
        known = self._ids(cursor) | ({lane.account: place["id"]} if lane.account else {})
        found = found_in(answer, self.name, known)
        each = self._purse.price(lane, searched="query" in round_)
        budget.pay(lane.payer, len(found.ids) * each + found.users * self._purse.prices.user)
        if stuck(round_, found):
            raise Refused("next_token", "X's pages go round in a circle")
        return found

    async def _after(self, lane: Lane, place: Place, round_: Round, found: Found, budget: Budget, note: str) -> Step:
        turn = went(lane, place, round_, found, budget.now)
        place, notes = turn.place, [note, found.note]
        if lane.search and self._options.check_counts and "counted" not in round_:
            place = tallied(place, (found.times[at] for at in turn.fresh), budget.now)
        if turn.ended and "counted" in turn.ended:
            notes.append(still_short(turn.ended))
        elif turn.ended and lane.search and self._options.check_counts:
            place, said = await self._compared(lane, place, budget)
            notes.append(said)
        return Step(
            place=place,
            posts=found.posts,
            more=turn.more or bool(place.get("holes")),
            note="; ".join(f"{lane.label}: {said}" for said in notes if said),
        )

    async def _compared(self, lane: Lane, place: Place, budget: Budget) -> tuple[Place, str]:
        hours = due(place, budget.now)
        if not hours or not budget.plenty(lane.payer):
            return place, ""
        start, end = hours
        asked = {"query": query(lane.search, self._covered()), "granularity": "hour"}
        try:
            answer = await self._api.ask("get_recent_tweets_count", budget.now, start_time=start, end_time=end, **asked)
        except Wait:
            return place, ""  # the next round tries again; what was heard is not held up
        except ConnectorError as no:
            return uncompared(place, end), f"X does not say how many posts there were: {no}"
        budget.pay(lane.payer, self._purse.prices.count)
        return compared(place, counts_in(answer), end)

    async def reread(self, ids: Sequence[str], cursor: Cursor, now: datetime) -> Page:
        """An edited post is asked for again by the id of its newest wording; of the others only whether they are there.

        Raises ConnectorError.
        """
        budget = self._purse.budget(cursor, now)
        due_ = [id_ for id_ in ids if number(id_) and (budget.looks_early() or now - time_of(id_) >= YOUNG)]
        many = budget.affords(AGAIN, self._purse.prices.post)
        if due_ and not many:
            raise Wait(f"{self.name}: the budget for {AGAIN} is used up", hearing=Hearing.OUT_OF_BUDGET)
        posts, gone = await self._looked_at(due_[:many], cursor, budget) if due_ else ((), ())
        return Page(cursor={**cursor, "spent": budget.kept()}, posts=posts, gone=gone)

    async def _looked_at(
        self, ids: list[str], cursor: Cursor, budget: Budget
    ) -> tuple[tuple[Post, ...], tuple[str, ...]]:
        answer, found = await self._asked_for(ids, STATE, cursor, budget)
        gone = {*gone_in(answer, ids), *found.withheld}
        edited = {new: old for old, new in found.versions.items() if new != old and old not in gone}
        newest = list(edited)[: budget.affords(AGAIN, self._purse.prices.post + self._purse.prices.user)]
        if not newest:
            return (), tuple(sorted(gone))
        answer, found = await self._asked_for(newest, FIELDS, cursor, budget)
        gone |= {edited[id_] for id_ in gone_in(answer, newest)} | set(found.withheld)
        return found.posts, tuple(sorted(gone))

    async def _asked_for(
        self, ids: list[str], fields: Mapping[str, str], cursor: Cursor, budget: Budget
    ) -> tuple[Mapping[str, Any], Found]:
        answer = await self._api.ask("get_tweets", budget.now, ids=ids, **fields)
        found = found_in(answer, self.name, self._ids(cursor))
        budget.pay(AGAIN, len(found.ids) * self._purse.prices.post + found.users * self._purse.prices.user)
        return answer, found

    async def examine(self, cursor: Cursor, now: datetime) -> str:
        """Asks for the app's own usage, and how much there is to hear."""
        self._check(now)
        usage = table((await self._api.ask("/2/usage/tweets", now)).get("data"))
        read, cap = number(words(usage.get("project_usage"))), number(words(usage.get("project_cap")))
        said = f"X lets us in; {read:,} of {cap:,} posts were read this month" if cap else "X lets us in"
        spent = sum(self._purse.budget(cursor, now).kept().get(f"{now:%Y-%m}", {}).values())
        said = f"{said}; ${spent:.2f} of ${self._options.budget:.2f} are spent"
        with suppress(ConnectorError):  # what cannot be counted can be heard all the same
            return "; ".join((said, *await self._forecasts(now)))
        return said

    async def _forecasts(self, now: datetime) -> list[str]:
        """Half a cent for each lane; a team wants to know before it pays."""
        posts, costs = dict[str, int](), dict[str, float]()
        for lane in self._lanes.values():
            asked = query(lane.covers, self._covered() if lane.search else ())
            answer = await self._api.ask("get_recent_tweets_count", now, query=asked, granularity="day")
            found = sum(counts_in(answer).values())
            posts[lane.payer] = posts.get(lane.payer, 0) + found
            each = self._purse.price(lane, searched=False)
            each += self._purse.prices.user if self._purse.authors and not lane.own else 0.0
            costs[lane.payer] = costs.get(lane.payer, 0.0) + found * each
        return [
            forecast(payer, self._purse.shares[payer], found, costs[payer] / found if found else 0.0)
            for payer, found in posts.items()
        ]


def _begun_elsewhere(lane: Lane, place: Place, round_: Round, no: Refused, note: str) -> Step:
    """Once; what is refused there too begins anew at the next poll."""
    what = "what is missing is not shown" if "counted" in round_ else "it is read anew"
    told = f"{lane.label}: {note or f'{no}; {what}'}"
    if "again" in round_ or "counted" in round_:
        return Step(place={key: value for key, value in place.items() if key != "at"}, note=told)
    again = elsewhere(round_, no.what)
    lossless = "until_id" in again["span"]  # what is older than the last post is asked for instead
    return Step(place={**place, "at": again}, more=True, note="" if lossless else told)


def _with_note(page: Page, shut: str) -> Page:
    """On every page of a round, so that the ledger has one line for as long as it lasts."""
    note = "; ".join(filter(None, (shut, page.note)))
    return replace(page, hearing=Hearing.OUT_OF_BUDGET, note=note, facts={"budget": shut})
