"""Word that something changed, to every open page: one stream per session, one look at the store for all of them.

Only a number is sent; a page that hears a new one asks for its own parts again, with its own rights. A page without a
stream asks by itself now and then (desk.js).
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

from listener.storage.contract import Store

if TYPE_CHECKING:
    from listener.web.room import Call

log = logging.getLogger("listener")

EVERY = 1.0  # seconds between two looks, while somebody listens
KEEP_ALIVE = 20.0  # seconds without news
LONGEST = 3_600.0  # seconds of one stream; the browser opens the next, and shows its session again
MOST = 500  # streams
END, ELSEWHERE = -1, -2  # the desk stops; another page of the same session listens now


class Hub:
    """Who listens. A slow listener misses numbers in between, never the last one."""

    def __init__(self, store: Store):
        self._store = store
        self._listeners: dict[str, asyncio.Queue[int]] = {}
        self._stopped = False

    async def look(self) -> None:
        """For ever: says the number whenever it changed."""
        last = 0
        while True:
            try:
                now = await self._store.moved() if self._listeners else last
                if now != last:
                    last = now
                    self._tell(now)
            except Exception:  # the fence: pages fall back to asking by themselves
                log.exception("the desk could not see whether something changed; trying again")
            await asyncio.sleep(EVERY)

    def _tell(self, number: int) -> None:
        for queue in self._listeners.values():
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(number)

    def stop(self) -> None:
        """Every stream ends, so that the server can."""
        self._stopped = True
        self._tell(END)

    @asynccontextmanager
    async def heard(self, session: str) -> AsyncIterator[asyncio.Queue[int] | None]:
        """None when there are too many. A newer stream of the same session ends the older one, whose page then asks by
        itself."""
        if self._stopped or (session not in self._listeners and len(self._listeners) >= MOST):
            yield None
            return
        if older := self._listeners.pop(session, None):
            if older.full():
                older.get_nowait()
            older.put_nowait(ELSEWHERE)
        queue = self._listeners[session] = asyncio.Queue(maxsize=1)
        try:
            yield queue
        finally:
            if self._listeners.get(session) is queue:
                del self._listeners[session]


async def stream(call: "Call") -> Response:
    return StreamingResponse(_events(call), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _events(call: "Call") -> AsyncIterator[str]:
    end = asyncio.get_running_loop().time() + LONGEST
    async with call.room.hub.heard(call.who.token) as queue:
        yield "retry: 5000\n\n"
        while queue is not None and asyncio.get_running_loop().time() < end:
            try:
                async with asyncio.timeout(KEEP_ALIVE):
                    number = await queue.get()
            except TimeoutError:
                yield ": still here\n\n"
                continue
            if number == ELSEWHERE:
                yield "event: elsewhere\ndata:\n\n"
            if number < 0:
                return
            yield f"event: moved\ndata: {number}\n\n"
