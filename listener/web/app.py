"""The addresses of the desk, and what each one needs. What is not in the table is not there."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from escalation.ledger import UnknownCase
from listener.web import api, board, cases, digests, entry, feeds, installing, live, searching, trends, watching
from listener.web.access import Act, visitor
from listener.web.guarding import Guarded, body_of
from listener.web.room import Call, Room, bare

Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Door:
    path: str
    handler: Handler
    needs: Act
    method: str = "GET"


DOORS = (
    Door("/", cases.mine, Act.LOOK),
    Door("/cases/{id}", cases.one, Act.LOOK),
    Door("/cases/{id}/brief", cases.briefed, Act.LOOK),
    Door("/cases/{id}/guard", cases.guarded, Act.WORK, "POST"),
    Door("/cases/{id}/{action}", cases.act, Act.WORK, "POST"),
    Door("/raise", cases.blank, Act.WORK),
    Door("/raise", cases.raised, Act.WORK, "POST"),
    Door("/board", board.board, Act.LOOK),
    Door("/board/promises", board.promises, Act.LEAD),
    Door("/search", searching.search, Act.LOOK),
    Door("/search/picture", searching.picture, Act.LOOK),
    Door("/search/thread/{id}", searching.thread, Act.LOOK),
    Door("/trends", trends.trends, Act.LOOK),
    Door("/trends/unusual", trends.unusual, Act.LOOK),
    Door("/search/preview", searching.preview, Act.SEARCH),
    Door("/search/saved", searching.save, Act.SEARCH, "POST"),
    Door("/search/saved/{id}/drop", searching.drop, Act.SEARCH, "POST"),
    Door("/search/saved/{id}/tell", feeds.subscribe, Act.SEARCH, "POST"),
    Door("/search/told/{id}/drop", feeds.unsubscribe, Act.SEARCH, "POST"),
    Door("/search/export/{form}", searching.export, Act.SEARCH),
    Door("/digest", digests.digest, Act.LEAD),
    Door("/digest/cases", digests.counted, Act.LEAD),
    Door("/digest/praise", digests.thanked, Act.LEAD),
    Door("/api", api.page, Act.LOOK),
    Door("/api/openapi.json", api.described, Act.LOOK),
    Door("/api/keys", api.make_key, Act.LOOK, "POST"),
    Door("/api/keys/{id}/drop", api.drop_key, Act.LOOK, "POST"),
    Door("/live", live.stream, Act.LOOK),
    Door("/sign-out", entry.sign_out, Act.LOOK, "POST"),
)
OPEN = (  # for who is not signed in
    Route("/sign-in", entry.sign_in),
    Route("/enter/{token}", entry.link, methods=["GET", "POST"]),
    Route("/slack/start", entry.to_slack),
    Route("/slack/back", entry.from_slack),
    Route("/feed/{token}", feeds.feed),
    Route("/slack/install", installing.begin),
    Route("/slack/oauth_redirect", installing.end),
)


def app(room: Room) -> Starlette:
    routes = [
        *(Route(door.path, partial(_through, room, door), methods=[door.method]) for door in DOORS),
        *(Route(route.path, partial(route.endpoint, room), methods=route.methods) for route in OPEN),
        *api.routes(room),
        *watching.routes(room),
        Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
    ]
    site = Starlette(routes=routes, exception_handlers={404: _lost, 500: _broken})
    site.add_middleware(Guarded, hosts=room.hosts, nameless=watching.PATHS)
    return site


async def _through(room: Room, door: Door, request: Request) -> Response:
    """Nobody passes who is not signed in, may not, or did not send the form from a page of ours."""
    who = await visitor(room.store, room.settings, request.cookies.get(room.cookie(request), ""), room.clock())
    if who is None:
        return _to_sign_in(request)
    call = Call(request=request, room=room, who=who, form=await _form(request) if door.method == "POST" else {})
    if not who.may(door.needs):
        need = f"This is for people who may {door.needs}. Whoever keeps people.toml can give you another role."
        return call.page("refused.html", 403, title="Not for you", said=need)
    if door.method == "POST" and not _ours(call):
        return call.page(
            "refused.html", 403, title="Not taken", said="This form is old or came from elsewhere. Open the page again."
        )
    try:
        return await door.handler(call)
    except UnknownCase:
        return call.page("refused.html", 404, title="Not found", said="There is no such case.")


def _to_sign_in(request: Request) -> Response:
    if request.url.path == "/live":
        return Response(status_code=401)
    return RedirectResponse("/sign-in", 303)


def _ours(call: Call) -> bool:
    site = call.request.headers.get("sec-fetch-site", "same-origin")
    return site in ("same-origin", "none") and call.who.sent(call.form.get("csrf", ""))


async def _form(request: Request) -> Mapping[str, str]:
    """What was filled in; nothing at all when it is longer than any form of ours."""
    try:
        pairs = parse_qsl((await body_of(request)).decode(), keep_blank_values=True, max_num_fields=50)
    except ValueError:
        return {}
    return {name: text.replace("\0", "").replace("\r\n", "\n") for name, text in pairs}


async def _lost(request: Request, why: Exception) -> Response:
    return bare("There is no such page.", 404)


async def _broken(request: Request, why: Exception) -> Response:
    return bare("Something went wrong here; it is in the log. What you did before is kept.", 500)
