"""X on loopback: recent search, mentions, counts, lookups; it refuses what X refuses, in X's words for it.

Its ids hold the time, as X's do. What costs money is written down in `bill`, each thing once a day, as X bills it.
"""

import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from polling import NOW
from redditserver import Everywhere
from webserver import Server
from xquery import BadQuery, Search, search_of

from connectors.x_parse import id_at, number, time_of

KEY = "Bearer right-secret"
PROBLEMS = "https://api.twitter.com/2/problems/"
LAG = timedelta(seconds=30)  # end_time, when none is given
REACH = timedelta(days=7)
MENTIONS_SHOWN = 800
PRICES = {"post": 0.005, "user": 0.010}


class Refusal(Exception):
    def __init__(self, status: int, body: dict[str, Any]):
        super().__init__(status)
        self.status, self.body = status, body


def invalid(message: str, **parameters: str) -> Refusal:
    errors = [{"message": message, "parameters": {name: [value] for name, value in parameters.items()}}]
    detail = "One or more parameters to your request was invalid."
    body = {"errors": errors, "title": "Invalid Request", "detail": detail, "type": f"{PROBLEMS}invalid-request"}
    return Refusal(400, body)


def problem(status: int, kind: str, title: str, detail: str = "") -> Refusal:
    return Refusal(status, {"title": title, "detail": detail or title, "type": f"{PROBLEMS}{kind}", "status": status})


class FakeX:
    def __init__(self, server: Server, clock: Callable[[], datetime] = lambda: NOW):
        self.server, self.clock = server, clock
        self.posts: dict[str, dict[str, Any]] = {}  # id -> as X holds it
        self.users: dict[str, dict[str, Any]] = {}
        self.gone: dict[str, str] = {}  # id -> why: the end of a problem's type
        self.unlisted: set[str] = set()  # not (yet) in the search
        self.counted: set[str] = set()  # that the search has lost, but counts
        self.shifting = False  # tokens are places in a list that grows at its head
        self.spelling = "tweet"
        self.failures: list[Any] = []  # what the next requests are answered with, None for a good answer
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.bill: dict[tuple[str, str, str], float] = {}  # (day, kind, id) -> dollars
        self.last = 0
        self.account("marta", "77")
        server.answers = Everywhere(self.answer)

    # what people do

    def account(self, handle: str, id_: str, **more: Any) -> str:
        metrics = {"followers_count": 120, "following_count": 8, "tweet_count": 9, "listed_count": 0}
        self.users[id_] = {"id": id_, "name": handle.title(), "username": handle, "public_metrics": metrics, **more}
        return id_

    def post(self, text: str = "acme broke", at: datetime | None = None, by: str = "77", **more: Any) -> str:
        at = at or self.clock() - timedelta(minutes=5)
        id_ = str(max(id_at(at) + len(self.posts) % 4096, self.last + 1 if "id" not in more else 0))
        id_ = more.pop("id", id_)
        self.last = max(self.last, int(id_))
        self.posts[id_] = {
            "id": id_, "text": text, "author_id": by, "conversation_id": id_, "edit_history": [id_], "lang": "en",
            "created_at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"), **more,
        }  # fmt: skip
        return id_

    def edit(self, id_: str, text: str, at: datetime | None = None) -> str:
        """A new wording has a new id; the old one is still there, and knows of it."""
        history = [*self.posts[id_]["edit_history"], "new"]
        old = self.posts[id_]
        new = self.post(text, at, old["author_id"], conversation_id=old["conversation_id"])
        history[-1] = new
        for version in history:
            self.posts[version]["edit_history"] = history
        self.unlisted |= set(history[:-1])
        return new

    def remove(self, id_: str, why: str = "resource-not-found") -> None:
        for version in self.posts[id_]["edit_history"]:
            self.gone[version] = why

    @property
    def billed(self) -> float:
        return round(sum(self.bill.values()), 4)

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    # what X answers

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, dict(request.query)))
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None and not isinstance(failure, Refusal):
            return await failure(request) if callable(failure) else failure  # type: ignore[no-any-return]
        try:
            if failure:
                raise failure
            if request.headers.get("Authorization") != KEY:
                raise problem(401, "", "Unauthorized")
            found = self._route(request.path, dict(request.query))
        except Refusal as no:
            return web.json_response(no.body, status=no.status)
        limits = {"x-rate-limit-limit": "450", "x-rate-limit-remaining": "449"}
        return web.json_response(text=json.dumps(found), headers=limits)

    def _route(self, path: str, asked: dict[str, str]) -> dict[str, Any]:
        if path == "/2/tweets/search/recent":
            search = _search(asked)
            return self._page([p for p in self._listed() if search(p, self.users)], asked, 10, REACH)
        if path == "/2/tweets/counts/recent":
            return self._counts(_search(asked), asked)
        if found := re.fullmatch(r"/2/users/(\d+)/mentions", path):
            return self._mentions(found[1], asked)
        if found := re.fullmatch(r"/2/users/(\d+)/tweets", path):
            return self._page([p for p in self._listed() if p["author_id"] == found[1]], asked, 5, None)
        if path == "/2/tweets":
            return self._lookup(asked["ids"].split(","), asked)
        if path == "/2/users/by":
            return self._users(asked["usernames"].split(","))
        if path == "/2/usage/tweets":
            usage = {"project_cap": 3_000_000, "project_usage": 1_234, "project_id": 1, "cap_reset_day": 9}
            texts = ("project_id", "project_cap", "project_usage") if self.spelling == "post" else ("project_id",)
            return {"data": {key: str(value) if key in texts else value for key, value in usage.items()}}
        raise problem(404, "resource-not-found", "Not Found")

    def _listed(self) -> list[dict[str, Any]]:
        out = self.unlisted | self.counted | self.gone.keys()
        return sorted((p for id_, p in self.posts.items() if id_ not in out), key=lambda p: -int(p["id"]))

    def _mentions(self, id_: str, asked: dict[str, str]) -> dict[str, Any]:
        if id_ not in self.users:
            return {"errors": [self._error("resource-not-found", id_, "user", "id")]}
        handle = self.users[id_]["username"]
        found = [p for p in self._listed() if re.search(rf"@{handle}\b", p["text"], re.IGNORECASE)]
        return self._page(found[:MENTIONS_SHOWN], asked, 5, None)

    def _page(
        self, found: list[dict[str, Any]], asked: dict[str, str], fewest: int, reach: timedelta | None
    ) -> dict[str, Any]:
        size = int(asked.get("max_results", 10))
        if not fewest <= size <= 100:
            raise invalid(f"The `max_results` query parameter value [{size}] is not between {fewest} and 100")
        found = self._within(found, asked, reach)
        if token := asked.get("next_token") or asked.get("pagination_token"):
            if not token.startswith(("at", "below")):
                raise invalid("The token is not valid", next_token=token)
            place = int(token.lstrip("atbelow"))
            found = found[place:] if self.shifting else [p for p in found if int(p["id"]) < place]
        else:
            place = 0
        shown = found[:size]
        meta: dict[str, Any] = {"result_count": len(shown)}
        if shown:
            meta |= {"newest_id": shown[0]["id"], "oldest_id": shown[-1]["id"]}
        if len(found) > size:
            meta["next_token"] = f"at{place + size}" if self.shifting else f"below{shown[-1]['id']}"
        return {**self._written(shown, asked), "meta": meta}

    def _within(
        self, found: list[dict[str, Any]], asked: dict[str, str], reach: timedelta | None
    ) -> list[dict[str, Any]]:
        ids = {name: asked[name] for name in ("since_id", "until_id") if name in asked}
        times = {name: asked[name] for name in ("start_time", "end_time") if name in asked}
        if ids and times:
            raise invalid("Invalid use of 'since_id' or 'until_id' in conjunction with 'start_time' or 'end_time'.")
        oldest = self.clock() - reach if reach else None
        for name, id_ in ids.items():
            if oldest and time_of(id_) < oldest:
                raise invalid(f"'{name}' must be a tweet id created after {oldest:%Y-%m-%dT%H:%MZ}.", **{name: id_})
        moments = {name: datetime.fromisoformat(when) for name, when in times.items()}
        for name, when in moments.items():
            if (oldest and when < oldest) or when > self.clock():
                raise invalid(f"Invalid '{name}':'{times[name]}'.", **{name: times[name]})
        begin = moments.get("start_time", oldest)
        end = moments.get("end_time", self.clock() - LAG)
        return [
            p
            for p in found
            if int(p["id"]) > number(ids.get("since_id", "0"))
            and ("until_id" not in ids or int(p["id"]) < int(ids["until_id"]))
            and (begin is None or time_of(p["id"]) >= begin)
            and time_of(p["id"]) < end
        ]

    def _counts(self, search: Search, asked: dict[str, str]) -> dict[str, Any]:
        listed = [*self._listed(), *(self.posts[id_] for id_ in self.counted)]
        found = self._within([p for p in listed if search(p, self.users)], asked, REACH)
        step = {"hour": timedelta(hours=1), "day": timedelta(days=1)}[asked.get("granularity", "hour")]
        begin = datetime.fromisoformat(asked["start_time"]) if "start_time" in asked else self.clock() - REACH
        end = datetime.fromisoformat(asked["end_time"]) if "end_time" in asked else self.clock() - LAG
        data = []
        while begin < end:
            until = min(begin + step, end)
            many = sum(begin <= time_of(p["id"]) < until for p in found)
            data.append({"start": _iso(begin), "end": _iso(until), f"{self.spelling}_count": many})
            begin = until
        self._charge("count", str(len(self.asked)), 0.005)
        return {"data": data, "meta": {f"total_{self.spelling}_count": len(found)}}

    def _lookup(self, ids: list[str], asked: dict[str, str]) -> dict[str, Any]:
        if len(ids) > 100:
            raise invalid("size must be between 1 and 100", ids=",".join(ids))
        there = [self.posts[id_] for id_ in ids if id_ in self.posts and id_ not in self.gone]
        errors = [
            self._error(self.gone.get(id_, "resource-not-found"), id_, "tweet", "ids")
            for id_ in ids
            if id_ in self.gone or id_ not in self.posts
        ]
        return {**self._written(there, asked), **({"errors": errors} if errors else {})}

    def _users(self, handles: Iterable[str]) -> dict[str, Any]:
        by_name = {user["username"].lower(): user for user in self.users.values()}
        data = [by_name[handle.lower()] for handle in handles if handle.lower() in by_name]
        errors = [
            self._error("resource-not-found", h, "user", "usernames") for h in handles if h.lower() not in by_name
        ]
        for user in data:
            self._charge("user", user["id"], PRICES["user"])
        data = [{key: user[key] for key in ("id", "name", "username")} for user in data]
        return {key: value for key, value in {"data": data, "errors": errors}.items() if value}

    def _written(self, posts: list[dict[str, Any]], asked: dict[str, str]) -> dict[str, Any]:
        fields = {*asked.get("tweet.fields", "").split(","), "id", "text", "edit_history"}
        history = f"edit_history_{self.spelling}_ids"
        data = []
        for post in posts:
            self._charge("post", post["id"], PRICES["post"])
            shown = {key: value for key, value in post.items() if key in fields}
            data.append({**shown, history: shown.pop("edit_history")})
            if "public_metrics" in fields:
                data[-1]["public_metrics"] = self._metrics()
        found: dict[str, Any] = {"data": data} if data else {}
        if asked.get("expansions") == "author_id" and data:
            found["includes"] = {"users": self._authors(posts)}
        return found

    def _authors(self, posts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        users = [self.users[id_] for id_ in dict.fromkeys(post["author_id"] for post in posts) if id_ in self.users]
        for user in users:
            self._charge("user", user["id"], PRICES["user"])
        metrics = [{key.replace("tweet", self.spelling): n for key, n in u["public_metrics"].items()} for u in users]
        return [{**user, "public_metrics": counts} for user, counts in zip(users, metrics, strict=True)]

    def _metrics(self) -> dict[str, int]:
        reposts = "retweet_count" if self.spelling == "tweet" else "repost_count"
        counts = {"reply_count": 2, reposts: 3, "like_count": 5, "quote_count": 0, "bookmark_count": 0}
        return {**counts, "impression_count": 900}

    def _error(self, kind: str, id_: str, what: str, parameter: str) -> dict[str, Any]:
        title = {"not-authorized-for-resource": "Authorization Error"}.get(kind, "Not Found Error")
        host, what = (
            ("api.twitter.com", what) if self.spelling == "tweet" else ("api.x.com", what.replace("tweet", "post"))
        )
        return {
            "type": f"https://{host}/2/problems/{kind}", "title": title, "resource_type": what, "resource_id": id_,
            "detail": f"Could not find {what} with {parameter}: [{id_}].", "parameter": parameter, "value": id_,
        }  # fmt: skip

    def _charge(self, kind: str, id_: str, price: float) -> None:
        self.bill[f"{self.clock():%Y-%m-%d}", kind, id_] = price


def _search(asked: dict[str, str]) -> Search:
    text = asked.get("query", "")
    if not 1 <= len(text) <= 512:
        raise invalid(f"query length must be between 1 and 512, but is {len(text)}", query=text)
    try:
        return search_of(text)
    except BadQuery as no:
        raise invalid(str(no), query=text) from None


def _iso(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
