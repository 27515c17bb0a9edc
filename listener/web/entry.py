"""Signing in: a link that works once, on this machine; or Slack. And signing out.

Slack: OpenID Connect, authorization code flow (https://docs.slack.dev/authentication/sign-in-with-slack). The id token
comes straight from Slack over TLS, so its signature adds nothing (OpenID Connect Core 3.1.3.7, point 6). For whom it
was made, by whom, for which sign-in and until when is checked.
"""

import base64
import hmac
import json
import logging
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from connectors.contract import ConnectorError
from escalation.slack.places import joined, without
from listener.web import access
from listener.web.room import Call, Room, page

log = logging.getLogger("listener")

STATE = "desk-state"  # the cookie of a sign-in under way
UNDER_WAY = timedelta(minutes=10)
LOCAL = ("127.0.0.1", "::1")
ISSUER = "https://slack.com"
TEAM, USER = "https://slack.com/team_id", "https://slack.com/user_id"


def _refused(said: str, status: int = 403) -> Response:
    return page("signin.html", status, said=said, slack=False, local=False)


async def sign_in(room: Room, request: Request) -> Response:
    slack = room.settings.desk.signs_in_with_slack
    return page("signin.html", said="", slack=slack, local=room.by_itself(request))


async def sign_out(call: Call) -> Response:
    await access.end_session(call.room.store, call.who.token)
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(call.room.cookie(call.request), path="/", secure=call.room.secure(call.request))
    return answer


# A link on this machine


async def link(room: Room, request: Request) -> Response:
    """Looking at it spends nothing (a chat program may look before its reader does); entering spends it."""
    if not room.by_itself(request):
        return _refused("Away from the machine itself people sign in with Slack.")
    if room.lid.shut(caller(request)):
        return _refused("Too many tries. Wait five minutes.", 429)
    token, now = request.path_params["token"], room.clock()
    whose = await room.store.pass_of(access.hashed(token, "link"), now)
    if whose is None:
        return _refused("This link is spent or too old. Ask for a new one: listener desk --link")
    names = [whose] if whose else [person.name for person in room.settings.people]
    if request.method == "GET":
        return page("enter.html", names=names)
    name = dict(parse_qsl((await request.body())[:4_000].decode("utf-8", "replace"))).get("name", "")
    if name not in names or request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return page("enter.html", 422, names=names)
    if await access.spend_link(room.store, token, now) is None:
        return _refused("Somebody was quicker with this link.")
    return await _let_in(room, request, name, RedirectResponse("/", 303))


def caller(request: Request) -> str:
    """Whose try it is: a proxy on this machine says it, nobody else is believed."""
    peer = request.client.host if request.client else ""
    if peer in LOCAL and (told := request.headers.get("x-forwarded-for")):
        return told.rpartition(",")[2].strip()[:64]
    return peer


async def _let_in(room: Room, request: Request, name: str, answer: Response) -> Response:
    token = await access.new_session(room.store, name, room.clock())
    lasts, secure = int(access.SESSION.total_seconds()), room.secure(request)
    answer.set_cookie(
        room.cookie(request), token, max_age=lasts, path="/", httponly=True, secure=secure, samesite="strict"
    )
    return answer


# Sign in with Slack


async def to_slack(room: Room, request: Request) -> Response:
    desk = room.settings.desk
    if not desk.signs_in_with_slack:
        return _refused("Signing in with Slack is not set up here.", 404)
    if room.lid.shut(caller(request)):
        return _refused("Too many tries. Wait five minutes.", 429)
    state = secrets.token_urlsafe(32)
    asked = {
        "response_type": "code",
        "scope": "openid",
        "client_id": desk.client_id,
        "state": state,
        "nonce": _nonce(state),
        "redirect_uri": _back(room),
        **({"team": desk.team} if desk.team else {}),
    }
    answer = RedirectResponse(f"{_slack(room)}/openid/connect/authorize?{urlencode(asked)}", 303)
    lasts, secure = int(UNDER_WAY.total_seconds()), room.secure(request)
    answer.set_cookie(STATE, state, max_age=lasts, path="/", httponly=True, secure=secure, samesite="lax")
    return answer


def _nonce(state: str) -> str:
    return access.hashed(state, "nonce")


def _back(room: Room) -> str:
    return f"{room.settings.desk.public_url}/slack/back"


def _slack(room: Room) -> str:
    return room.settings.slack.api_url.rstrip("/").removesuffix("/api")


async def from_slack(room: Room, request: Request) -> Response:
    """The answer of somebody's browser, which may say anything: only what Slack itself tells us counts."""
    if room.lid.shut(caller(request)):
        return _refused("Too many tries. Wait five minutes.", 429)
    state, code = request.cookies.get(STATE, ""), request.query_params.get("code", "")
    given = request.query_params.get("state", "")
    if (
        not room.settings.desk.signs_in_with_slack
        or not state
        or not hmac.compare_digest(state.encode(), given.encode())
    ):
        return _refused("This sign-in was not begun here, or too long ago. Begin again.")
    try:
        user = claimed(await _token(room, code), room, state)
    except (ConnectorError, ValueError) as why:
        log.warning("a sign-in with Slack was refused: %s", why)
        return _refused("Slack did not say who you are. Begin again.")
    home = room.settings.slack.workspace
    name = next((one.name for one in room.settings.people if one.slack and without(home, one.slack) == user), "")
    if not name:
        return _refused("You are not in people.toml; ask whoever runs Listening Post to add your Slack member id.")
    # The cookie is SameSite=Strict and this page was reached from Slack: the way on must be one that we lead ourselves.
    answer = await _let_in(room, request, name, page("welcome.html"))
    answer.delete_cookie(STATE, path="/")
    return answer


async def _token(room: Room, code: str) -> Mapping[str, Any]:
    """The claims of the id token that Slack gives for this code. Raises ConnectorError, ValueError."""
    desk = room.settings.desk
    given = {
        "client_id": desk.client_id,
        "client_secret": str(desk.client_secret),
        "code": code,
        "grant_type": "authorization_code",
        "redirect_uri": _back(room),
    }
    answer = await room.web.post(f"{_slack(room)}/api/openid.connect.token", form=given)
    told = json.loads(answer.body)
    if not isinstance(told, dict) or told.get("ok") is not True or not isinstance(told.get("id_token"), str):
        raise ValueError(
            f"Slack answered {str(told.get('error', answer.status))[:60] if isinstance(told, dict) else '?'}"
        )
    return _claims(told["id_token"])


def _claims(id_token: str) -> Mapping[str, Any]:
    body = id_token.split(".")[1] if id_token.count(".") == 2 else ""
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    if not isinstance(claims, dict):
        raise ValueError("the id token holds no claims")
    return claims


def claimed(claims: Mapping[str, Any], room: Room, state: str) -> str:
    """The Slack member id these claims name, with its workspace where there are several (escalation/slack/places.py).
    Raises ValueError when they were not made for this sign-in."""
    desk, slack, until = room.settings.desk, room.settings.slack, claims.get("exp")
    wrong = [
        name
        for name, well in (
            ("issuer", claims.get("iss") in (ISSUER, _slack(room))),
            ("audience", claims.get("aud") == desk.client_id),
            ("nonce", claims.get("nonce") == _nonce(state)),
            ("end", isinstance(until, int | float) and until > room.clock().timestamp()),
            ("workspace", not desk.team or claims.get(TEAM) == desk.team),
        )
        if not well
    ]
    if wrong:
        raise ValueError(f"the id token has another {', '.join(wrong)}")
    user = claims.get(USER) or claims.get("sub")
    if not isinstance(user, str) or not user:
        raise ValueError("the id token names nobody")
    return without(slack.workspace, joined(str(claims.get(TEAM, "")), user)) if slack.oauth else user
