"""The door for what is brought to us: one small web server of the running house, shared by every source that is called.

The contract: a connector that is a contract.Receiver has the address /in/NAME of its source. `receive(call, now)` looks
at what came (is it signed? is it a question?) and says what to answer; it decides and does nothing else. What it wants
kept lies in the source's inbox (connectors/inbox.py), on disk, before a 2xx goes out, and the source is polled at once;
its `fetch` reads `inbox.unread(cursor.get("taken", ()))`, returns the posts, and puts the letters' names into the
cursor under "taken". A connector gets its inbox by naming it: `__init__(self, name, options, …, inbox: Inbox)`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from urllib.parse import quote

from aiohttp import web

from connectors.contract import Call, Receiver, Reply
from connectors.inbox import Inbox

log = logging.getLogger("listener")

LARGEST = 4 * 1024 * 1024  # bytes of a body
PATIENCE = 30.0  # seconds for a body to arrive
AT_ONCE = 50  # bodies read at the same time
FULL = Reply(status=503, text="no room at present; send it again later")
BROKEN = Reply(status=500, text="this could not be handled; send it again later")


def path_of(source: str) -> str:
    return f"/in/{quote(source, safe='')}"


class Inbound:
    """`arrived` is told the source's name whenever something lies in its inbox."""

    def __init__(
        self,
        receivers: Mapping[str, Receiver],
        inboxes: Mapping[str, Inbox],
        clock: Callable[[], datetime],
        arrived: Callable[[str], None],
    ):
        self._receivers, self._inboxes = receivers, inboxes
        self._clock, self._arrived = clock, arrived
        self._reading = asyncio.Semaphore(AT_ONCE)

    async def answer(self, source: str, call: Call) -> Reply:
        """What a call is answered, after what must be kept is kept."""
        receiver, now = self._receivers.get(source), self._clock()
        if receiver is None:
            return Reply(status=404)
        try:
            reply = receiver.receive(call, now)
            if not reply.keep:
                return reply
            kept = await self._inboxes[source].put(reply.keep, now)
        except (
            Exception
        ):  # the fence: whatever a stranger sends, the others are still heard, and nothing is said to be kept
            log.exception("source %s: what was brought could not be taken in", source)
            return BROKEN
        if not kept:
            log.warning("source %s: its inbox is full; senders are asked to come again", source)
            return FULL
        self._arrived(source)
        return reply

    async def handle(self, request: web.Request) -> web.Response:
        async with self._reading:
            call = await _call(request)
        reply = await self.answer(request.match_info["source"], call)
        wait = {"Retry-After": "60"} if reply.status == 503 else {}
        return web.Response(status=reply.status, text=reply.text, headers={"X-Content-Type-Options": "nosniff", **wait})

    @asynccontextmanager
    async def open(self, host: str, port: int) -> AsyncIterator[str]:
        """Its address, for as long as it is open. Raises OSError when the port cannot be had."""
        app = web.Application(client_max_size=LARGEST)
        app.router.add_route("GET", "/in/{source}", self.handle)
        app.router.add_route("POST", "/in/{source}", self.handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=5.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            yield f"http://{host}:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


async def _call(request: web.Request) -> Call:
    try:
        async with asyncio.timeout(PATIENCE):
            body = await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    return Call(
        method=request.method,
        query=dict(request.query),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
    )
