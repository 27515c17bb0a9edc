"""A Slack on loopback that keeps what it was sent and refuses what Slack refuses; blockkit.py is the judge of blocks.

Also a program: `python tests/slackserver.py --port 4010 --log messages.jsonl` prints its address and appends every
accepted message as a JSON line, so that another process can count them.
"""

import argparse
import asyncio
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web
from blockkit import MESSAGE_BLOCKS, Invalid, check_blocks, check_home, check_message, check_view

TOKEN = "xoxb-test"
APP_TOKEN = "xapp-test"
SCOPES = (
    "chat:write,im:write,im:history,channels:history,groups:history,users:read,commands,links:read,links:write,"
    "files:write,files:read"
)


@dataclass
class Slack:
    """`trouble` maps a method to what happens at its next calls, one after the other:

    a status       429 with Retry-After, or a 5xx page that is not JSON
    "hang up"      the connection is dropped and nothing was accepted
    "hang up after", "hang after"    it was accepted, and then the connection is dropped, or nothing comes back
    "page"         200 with plain text, as a login page in between would answer
    anything else  Slack's word for an error
    """

    tokens: dict[str, str] = field(default_factory=lambda: {TOKEN: "T0"})  # token -> its workspace
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)  # of an installation -> what it is exchanged for
    owners: dict[str, str] = field(default_factory=dict)  # channel, person -> their workspace, where there are several
    revoked: list[str] = field(default_factory=list)
    channels: set[str] = field(default_factory=lambda: {"C0CARE"})
    users: set[str] = field(default_factory=lambda: {"U0DANA", "U0LEE", "U0SAM"})
    messages: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)  # what was uploaded, by id
    taken_in: set[str] = field(default_factory=set)  # files that a message may show
    whispers: list[dict[str, Any]] = field(default_factory=list)
    kinds: dict[str, dict[str, Any]] = field(default_factory=dict)  # user -> what users.info says beside the name
    homes: dict[str, dict[str, Any]] = field(default_factory=dict)  # user -> the page of their Home tab
    unfurled: dict[str, dict[str, Any]] = field(default_factory=dict)  # url -> what was shown of it
    answers: list[dict[str, Any]] = field(default_factory=list)  # sent to a response_url
    views: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    updates: int = 0
    trouble: dict[str, list[object]] = field(default_factory=dict)
    retry_after: int = 1
    scopes: str = SCOPES
    log: Path | None = None
    address: str = ""
    old: bool = False  # knows no charts yet
    team: str = "T0"  # of the call that is being answered
    deaf: bool = False  # its sockets answer no ping
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    triggers: set[str] = field(default_factory=set)  # each opens one form
    tells: int | None = None  # which socket hears of direct messages that were changed
    dropping: set[int] = field(default_factory=set)  # sockets that are open, answer pings, and bring nothing
    telling: list["asyncio.Future[None]"] = field(default_factory=list)
    acked: dict[str, asyncio.Future[Any]] = field(default_factory=dict)
    clock: Iterator[int] = field(default_factory=lambda: itertools.count(1_700_000_000))

    async def __aenter__(self) -> "Slack":
        await self.start(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        for socket in self.sockets:
            await socket.close()
        await self.runner.cleanup()

    async def start(self, port: int) -> None:
        app = web.Application(client_max_size=10**7)
        app.router.add_route("*", "/api/{method}", self._call)
        app.router.add_get("/link", self._socket)
        app.router.add_post("/respond", self._respond)
        app.router.add_post("/upload/{id}", self._upload)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", port).start()
        self.address = f"http://127.0.0.1:{self.runner.addresses[0][1]}"

    @property
    def api_url(self) -> str:
        return f"{self.address}/api/"

    def cards(self) -> list[dict[str, Any]]:
        return [message for message in self.messages if _key(message).endswith("/card")]

    def direct(self, user: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["channel"] == f"D{user}"]

    def keys(self) -> list[str]:
        return [_key(message) for message in self.messages if message.get("metadata")]

    async def _call(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        self.calls.append(method)
        body = await _body(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if method != "oauth.v2.access" and token not in ([APP_TOKEN] if method.startswith("apps.") else self.tokens):
            return _no("invalid_auth" if token else "not_authed")
        self.team = self.tokens.get(token, "")
        waiting = self.trouble.get(method) or [""]
        now = waiting.pop(0)
        if now and now not in ("hang up after", "hang after"):
            return self._troubled(request, now)
        try:
            answer = getattr(self, f"_{method.replace('.', '_')}")(body)
        except Invalid as why:
            return _no(str(why).partition(":")[0], str(why))
        if now == "hang up after" and request.transport:
            request.transport.close()
        if now == "hang after":
            await asyncio.sleep(3_600)
        return web.json_response({"ok": True, **answer}, headers={"x-oauth-scopes": self.scopes})

    def _troubled(self, request: web.Request, now: object) -> web.StreamResponse:
        if now == 429:
            return _no("ratelimited", status=429, headers={"Retry-After": str(self.retry_after)})
        if isinstance(now, int):
            return web.Response(status=now, text="<html>Something went wrong</html>", content_type="text/html")
        if now == "page":
            return web.Response(text="Please sign in to the network")
        if now == "hang up" and request.transport:
            request.transport.close()
        return _no(str(now))

    def _auth_test(self, _: dict[str, Any]) -> dict[str, Any]:
        who = {"user": "listening_post", "team": "Test", "user_id": "U0BOT", "team_id": self.team, "bot_id": "B0"}
        return {**who, "url": "https://test.slack.example/"}

    def _auth_revoke(self, body: dict[str, Any]) -> dict[str, Any]:
        [token] = [token for token, team in self.tokens.items() if team == self.team]
        del self.tokens[token]
        self.revoked.append(token)
        return {"revoked": True}

    def _oauth_v2_access(self, body: dict[str, Any]) -> dict[str, Any]:
        """https://docs.slack.dev/reference/methods/oauth.v2.access: a code is good once."""
        answer = self.codes.pop(body.get("code", ""), None)
        if answer is None:
            raise Invalid("invalid_code")
        self.tokens[answer["access_token"]] = answer["team"]["id"]
        return answer

    def _apps_connections_open(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"url": f"{self.address.replace('http', 'ws')}/link"}

    def _conversations_open(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["users"] not in self.users:
            raise Invalid("user_not_found")
        self._ours(body["users"])
        self.channels.add(f"D{body['users']}")
        self.owners[f"D{body['users']}"] = self.team
        return {"channel": {"id": f"D{body['users']}"}}

    def _chat_postMessage(self, body: dict[str, Any]) -> dict[str, Any]:
        self._known(body["channel"])
        self._shows(body)
        if "thread_ts" in body and not self._at(body["channel"], body["thread_ts"]):
            raise Invalid("thread_not_found")
        message = {**body, "ts": f"{next(self.clock)}.000100"}
        self.messages.append(message)
        if self.log:
            with self.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(message) + "\n")
        return {"channel": body["channel"], "ts": message["ts"], "message": message}

    def _shows(self, body: dict[str, Any], *, update: bool = False) -> None:
        """A picture that was not taken in yet is refused: https://github.com/slackapi/python-slack-sdk/issues/1521"""
        check_message(body, update=update)
        if self.old and "data_visualization" in _kinds(body):
            raise Invalid("invalid_blocks: unknown block")
        files = {block["slack_file"]["id"] for block in body.get("blocks") or () if block["type"] == "image"}
        if not files <= self.taken_in:
            raise Invalid("invalid_blocks: invalid slack file")

    def _files_getUploadURLExternal(self, body: dict[str, Any]) -> dict[str, Any]:
        file = f"F{len(self.files) + 1}"
        self.files[file] = b" " * int(body["length"])
        return {"upload_url": f"{self.address}/upload/{file}", "file_id": file}

    async def _upload(self, request: web.Request) -> web.Response:
        data, file = await request.read(), request.match_info["id"]
        if len(data) != len(self.files[file]):
            return web.Response(status=400, text="another length was told")
        self.files[file] = data
        return web.Response(text=f"OK - {len(data)}")

    def _files_completeUploadExternal(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"files": [{"id": one["id"], "title": one["title"]} for one in json.loads(body["files"])]}

    def _files_info(self, body: dict[str, Any]) -> dict[str, Any]:
        """The first look comes too early."""
        known = body["file"] in self.taken_in
        self.taken_in.add(body["file"])
        return {"file": {"id": body["file"], "mimetype": "image/png" if known else ""}}

    def _chat_update(self, body: dict[str, Any]) -> dict[str, Any]:
        self._known(body["channel"])
        self._shows(body, update=True)
        found = self._at(body["channel"], body["ts"])
        if found is None:
            raise Invalid("message_not_found")
        if _kinds(found) & {"rich_text"} and not _kinds(body) & {"rich_text"} and body.get("blocks"):
            raise Invalid("block_mismatch: rich text may only be replaced by rich text")
        found.update(body)
        self.updates += 1
        if self.tells is not None and body["channel"].startswith("D"):
            self._tell_of(found)
        return {"channel": body["channel"], "ts": body["ts"]}

    def _tell_of(self, message: dict[str, Any]) -> None:
        """https://docs.slack.dev/reference/events/message/message_changed, to one of the sockets"""
        told = {"type": "message", "subtype": "message_changed", "channel_type": "im", "channel": message["channel"]}
        payload = {"type": "event_callback", "team_id": "T0", "event": {**told, "message": message}}
        envelope = {"type": "events_api", "envelope_id": f"M{self.updates}", "payload": payload}
        place = (self.tells or 0) % max(len(self.sockets), 1)
        if place not in self.dropping and self.sockets and not self.sockets[place].closed:
            self.telling.append(asyncio.ensure_future(self.sockets[place].send_json(envelope)))

    def _chat_delete(self, body: dict[str, Any]) -> dict[str, Any]:
        self._known(body["channel"])
        found = self._at(body["channel"], body["ts"])
        if found is None:
            raise Invalid("message_not_found")
        self.messages.remove(found)
        return {"channel": body["channel"], "ts": body["ts"]}

    def _chat_postEphemeral(self, body: dict[str, Any]) -> dict[str, Any]:
        self._known(body["channel"])
        check_message(body)
        self.whispers.append(body)
        return {"message_ts": f"{next(self.clock)}.000100"}

    def _chat_unfurl(self, body: dict[str, Any]) -> dict[str, Any]:
        self._known(body["channel"])
        if not self._at(body["channel"], body["ts"]):
            raise Invalid("cannot_find_message")
        for url, unfurl in body["unfurls"].items():
            check_blocks(unfurl["blocks"], MESSAGE_BLOCKS)
            self.unfurled[url] = unfurl
        return {}

    def _conversations_history(self, body: dict[str, Any]) -> dict[str, Any]:
        self._known(body["channel"])
        said = [m for m in self.messages if m["channel"] == body["channel"] and "thread_ts" not in m]
        return _page(said[::-1], body)

    def _conversations_replies(self, body: dict[str, Any]) -> dict[str, Any]:
        self._known(body["channel"])
        if not self._at(body["channel"], body["ts"]):
            raise Invalid("thread_not_found")
        return _page([m for m in self.messages if body["ts"] in (m["ts"], m.get("thread_ts"))], body)

    def _views_open(self, body: dict[str, Any]) -> dict[str, Any]:
        if not body.get("trigger_id"):
            raise Invalid("invalid_trigger_id")
        if body["trigger_id"] in self.triggers:
            raise Invalid("exchanged_trigger_id")
        check_view(body["view"])
        self.triggers.add(body["trigger_id"])
        self.views.append(body["view"])
        return {"view": {"id": f"V{len(self.views)}"}}

    def _views_update(self, body: dict[str, Any]) -> dict[str, Any]:
        check_view(body["view"])
        place = int(str(body.get("view_id", "V0")).removeprefix("V"))
        if not 1 <= place <= len(self.views):
            raise Invalid("not_found")
        self.views[place - 1] = body["view"]
        return {"view": {"id": body["view_id"]}}

    def _views_push(self, body: dict[str, Any]) -> dict[str, Any]:
        return self._views_open(body)

    def _views_publish(self, body: dict[str, Any]) -> dict[str, Any]:
        check_home(body["view"])
        self.homes[body["user_id"]] = body["view"]
        return {"view": {"id": f"H{body['user_id']}"}}

    def _users_info(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["user"] not in self.users:
            raise Invalid("user_not_found")
        self._ours(body["user"])
        return {"user": {"id": body["user"], "team_id": "T0", "name": "x", **self.kinds.get(body["user"], {})}}

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        """https://docs.slack.dev/interactivity/handling-user-interaction#message_responses"""
        body = await request.json()
        try:
            self._shows(body)
        except Invalid as why:
            return web.Response(text=str(why).partition(":")[0], status=400)
        self.answers.append(body)
        return web.Response(text="ok")

    def _known(self, channel: str) -> None:
        if channel not in self.channels:
            raise Invalid("channel_not_found")
        self._ours(channel)

    def _ours(self, place: str) -> None:
        if self.owners.get(place, self.team) != self.team:
            raise Invalid("user_not_found" if place.startswith("U") else "channel_not_found")

    def _at(self, channel: str, ts: str) -> dict[str, Any] | None:
        return next((m for m in self.messages if (m["channel"], m["ts"]) == (channel, ts)), None)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        link = web.WebSocketResponse(autoping=not self.deaf)
        await link.prepare(request)
        self.sockets.append(link)
        await link.send_json({"type": "hello", "num_connections": 1})
        async for message in link:
            if message.type is WSMsgType.TEXT and message.data.startswith("{"):
                answer = json.loads(message.data)
                waiting = self.acked.get(answer.get("envelope_id", ""))
                if waiting and not waiting.done():
                    waiting.set_result(answer.get("payload"))
        return link

    async def deliver(self, payload: dict[str, Any], envelope: str, to: int = -1) -> Any:
        """Over Socket Mode, to one of the sockets that are open; returns what the app answered."""
        self.acked[envelope] = asyncio.get_running_loop().create_future()
        kind = "events_api" if "event" in payload else "slash_commands" if "command" in payload else "interactive"
        await self.sockets[to].send_json(
            {"type": kind, "envelope_id": envelope, "payload": payload, "accepts_response_payload": True}
        )
        return await asyncio.wait_for(self.acked[envelope], 10)


def _no(error: str, detail: str = "", *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"ok": False, "error": error, "detail": detail}, status=status, headers=headers)


def _key(message: dict[str, Any]) -> str:
    return str(message.get("metadata", {}).get("event_payload", {}).get("key", ""))


def _kinds(message: dict[str, Any]) -> set[str]:
    return {block["type"] for block in message.get("blocks") or ()}


def _page(messages: list[dict[str, Any]], body: dict[str, Any]) -> dict[str, Any]:
    start, limit = int(body.get("cursor") or 0), min(int(body.get("limit", 100)), 999)
    shown = messages[start : start + limit]
    if str(body.get("include_all_metadata", "")).lower() not in ("true", "1"):
        shown = [{name: value for name, value in message.items() if name != "metadata"} for message in shown]
    more = start + limit < len(messages)
    return {"messages": shown, "response_metadata": {"next_cursor": str(start + limit) if more else ""}}


async def _body(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        found = await request.json()
        return found if isinstance(found, dict) else {}
    form = {**request.query, **{k: v for k, v in (await request.post()).items() if isinstance(v, str)}}
    return {k: json.loads(v) if k in ("blocks", "view", "metadata", "unfurls") else v for k, v in form.items()}


async def _serve(port: int, log: Path) -> None:
    slack = Slack(log=log)
    await slack.start(port)
    print(slack.address, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--log", type=Path, required=True)
    given = arguments.parse_args()
    asyncio.run(_serve(given.port, given.log))
