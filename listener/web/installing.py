"""The two addresses for installing the Slack app in a workspace, where the house has several."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from listener.slack.installing import Installing, Reply
from listener.web.entry import caller
from listener.web.room import Room, page


async def begin(room: Room, request: Request) -> Response:
    if answer := _shut(room, request):
        return answer
    return _answer(await Installing(room.settings, room.store, room.clock).begin(request.query_params))


async def end(room: Room, request: Request) -> Response:
    """The answer of somebody's browser: only what Slack itself tells us counts."""
    if answer := _shut(room, request):
        return answer
    flow = Installing(room.settings, room.store, room.clock)
    return _answer(await flow.end(request.query_params, request.headers.get("cookie", "")))


def _shut(room: Room, request: Request) -> Response | None:
    if not room.settings.slack.oauth:
        return page("installed.html", 404, said="The Slack app is not installed from here: oauth is off.")
    if room.lid.shut(caller(request)):
        return page("installed.html", 429, said="Too many tries. Wait five minutes.")
    return None


def _answer(reply: Reply) -> Response:
    to = RedirectResponse(reply.to, 303) if reply.to else page("installed.html", reply.status, said=reply.said)
    to.headers.append("Set-Cookie", reply.cookie)
    return to
