"""Reddit on loopback: tokens, listings of a thousand at most, /api/info, search, RSS, and the doors it shuts."""

import asyncio
import base64
import html
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from aiohttp import web
from polling import NOW
from webserver import Server

from connectors.reddit_parse import fullname, number

CAP = 1000
KEY = "Basic " + base64.b64encode(b"right-id:right-secret").decode()
SHUT = {
    "private": (403, {"reason": "private", "message": "Forbidden", "error": 403}),
    "quarantined": (403, {"reason": "quarantined", "message": "Forbidden", "error": 403}),
    "banned": (404, {"reason": "banned", "message": "Not Found", "error": 404}),
}


class Everywhere(dict[str, object]):
    """Whatever is asked, one function answers."""

    def __init__(self, answer: object):
        self.answer = answer

    def get(self, key: str, default: object = None) -> object:
        return self.answer


class FakeReddit:
    def __init__(self, server: Server):
        self.server = server
        self.things: dict[str, dict[str, object]] = {}
        self.next = {"t3": 1_000_000, "t1": 5_000_000}
        self.shut: dict[str, str] = {}  # subreddit -> a key of SHUT, "nowhere"
        self.silently = False  # leave what is shut out of a listing of many, as Reddit does most of the time
        self.unlisted: set[str] = set()  # taken from the listings, as a removed post is
        self.anew = False  # a listing begins anew after an item that is gone, instead of ending
        self.tokens = 0
        self.token = ""
        self.token_answer: web.Response | None = None
        self.limits: dict[str, str] = {}
        self.failures: list[object] = []  # what the next requests are answered with, None for a good answer
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.agents: set[str] = set()
        server.answers = Everywhere(self.answer)

    def post(self, sub: str = "acme", title: str = "Acme broke", at: datetime | None = None, **more: object) -> str:
        return self._write("t3", sub, at, {"title": title, "selftext": "", "is_self": True, "num_comments": 0} | more)

    def comment(self, root: str, body: str = "acme again", at: datetime | None = None, **more: object) -> str:
        sub = str(self.things[root]["subreddit"])
        return self._write("t1", sub, at, {"body": body, "link_id": root, "parent_id": root} | more)

    def _write(self, kind: str, sub: str, at: datetime | None, said: dict[str, object]) -> str:
        self.next[kind] += 1
        id_ = fullname(kind, self.next[kind])
        created = (at or NOW - timedelta(minutes=5)).timestamp()
        base = {"name": id_, "id": id_[3:], "subreddit": sub, "author": "mquill", "created_utc": created, "score": 1}
        link = str(said.get("link_id", id_))[3:]
        where = f"/r/{sub}/comments/{link}/x/" + (f"{id_[3:]}/" if kind == "t1" else "")
        self.things[id_] = {**base, "permalink": where, "edited": False, **said}
        return id_

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        agent = request.headers.get("User-Agent", "")
        self.agents.add(agent)
        if not agent.partition(":")[2]:
            return web.json_response({"message": "Too Many Requests", "error": 429}, status=429)
        if request.path == "/api/v1/access_token":
            return self._token(request)
        self.asked.append((request.path, dict(request.query)))
        if self.failures and (failure := self.failures.pop(0)) is not None:
            return await failure(request) if callable(failure) else failure  # type: ignore[return-value]
        if ".rss" in request.path:
            return self._rss(request)
        if not self.token or request.headers.get("Authorization") != f"bearer {self.token}":
            told = {"WWW-Authenticate": 'Bearer realm="reddit", error="invalid_token"'}
            return web.json_response({"message": "Unauthorized", "error": 401}, status=401, headers=told)
        if request.method != "GET":
            return web.json_response({}, status=405)
        if request.path == "/api/info/":
            return self._listing([self.things[i] for i in request.query["id"].split(",")[:100] if i in self.things])
        return self._listed(request)

    def _token(self, request: web.Request) -> web.Response:
        if self.token_answer is not None:
            return self.token_answer
        if request.headers.get("Authorization") != KEY:
            return web.json_response({"message": "Unauthorized", "error": 401}, status=401)
        self.tokens += 1
        self.token = f"token-{self.tokens}"
        told = {"access_token": self.token, "token_type": "bearer", "expires_in": 86400, "scope": "*"}
        return web.json_response(told)

    def _open(self, names: list[str]) -> web.Response | list[str]:
        """Those that may be read, or the door that was shut."""
        shut = [name for name in names if name in self.shut]
        if not shut or (self.silently and len(shut) < len(names)):
            return [name for name in names if name not in shut]
        if self.shut[shut[0]] == "nowhere":
            return web.Response(status=302, headers={"Location": f"/subreddits/search?q={shut[0]}"})
        status, body = SHUT[self.shut[shut[0]]]
        return web.json_response(body, status=status)

    def _found(self, request: web.Request, names: Iterable[str], what: str) -> list[dict[str, object]]:
        kind = "t1" if what == "comments" else "t3"
        found = [
            thing
            for id_, thing in self.things.items()
            if id_.startswith(kind)
            and id_ not in self.unlisted
            and (str(thing["subreddit"]).lower() in names or "all" in names)
            and request.query.get("q", "").strip('"').lower() in f"{thing.get('title')} {thing.get('selftext')}".lower()
        ]
        found.sort(key=lambda thing: (-float(str(thing["created_utc"])), -number(str(thing["name"]))))
        return found[:CAP]

    def _listed(self, request: web.Request) -> web.Response:
        _, _, which, what = request.path.rstrip("/").split("/")
        names = self._open(which.lower().split("+"))
        if isinstance(names, web.Response):
            return names
        found, size = self._found(request, names, what), min(int(request.query.get("limit", 25)), 100)
        begin = 0
        if after := request.query.get("after"):
            ids = [str(thing["name"]) for thing in found]
            if after not in ids and not self.anew:
                return self._listing([])
            begin = ids.index(after) + 1 if after in ids else 0
        shown = found[begin : begin + size]
        return self._listing(shown, str(shown[-1]["name"]) if begin + size < len(found) else None)

    def _listing(self, things: list[dict[str, object]], after: str | None = None) -> web.Response:
        children = [{"kind": str(thing.get("name", "t3"))[:2], "data": thing} for thing in things]
        data = {"children": children, "after": after, "before": None, "modhash": ""}
        return web.json_response({"kind": "Listing", "data": data}, headers=self.limits)

    def _rss(self, request: web.Request) -> web.Response:
        if request.path == "/subreddits/search.rss":
            return web.Response(text='<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>t5_1</id></entry></feed>')
        parts = request.path.removesuffix(".rss").rstrip("/").split("/")
        names = self._open(parts[2].lower().split("+"))
        if isinstance(names, web.Response):
            if names.status == 302:
                names.headers["Location"] = "/subreddits/search.rss"
            return names
        entries = "".join(map(_entry, self._found(request, names, parts[3])[: int(request.query["limit"])]))
        feed = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title>{entries}</feed>'
        return web.Response(text=feed, content_type="application/atom+xml")


def _entry(thing: dict[str, object]) -> str:
    said = html.escape(str(thing.get("body", thing.get("selftext", ""))))
    tail = (
        ""
        if "body" in thing
        else ' submitted by <a href="x">/u/mquill</a> <span><a>[link]</a></span> <a>[comments]</a>'
    )
    when = datetime.fromtimestamp(float(str(thing["created_utc"])), UTC).isoformat()
    return (
        f"<entry><author><name>/u/{thing['author']}</name><uri>https://www.reddit.com/user/{thing['author']}</uri></author>"
        f'<content type="html">{html.escape(f"<!-- SC_OFF --><div><p>{said}</p></div><!-- SC_ON -->{tail}")}</content>'
        f'<id>{thing["name"]}</id><link href="https://www.reddit.com{thing["permalink"]}"/>'
        f"<updated>{when}</updated><title>{html.escape(str(thing.get('title', '/u/x on y')))}</title></entry>"
    )


async def late(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    raise AssertionError("nobody waits that long")


async def hung_up(request: web.Request) -> web.StreamResponse:
    """A whole answer is promised, and half of it sent."""
    half = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
    await half.prepare(request)
    await half.write(b'{"kind": "Listing", "data"')
    assert request.transport is not None
    request.transport.close()
    return half
