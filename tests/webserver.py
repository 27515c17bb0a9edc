"""A web server on loopback that does what a test tells it to."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Server:
    """`answers` maps a path to what is answered there: bytes, a response, or a function of the request."""

    answers: dict[str, object] = field(default_factory=dict)
    asked: list[web.Request] = field(default_factory=list)
    spoil: Callable[[web.Request, web.StreamResponse], Any] | None = (
        None  # gives another answer in the place of a good one
    )
    address: str = ""

    async def __aenter__(self) -> "Server":
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.address = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def host(self) -> str:
        return self.address.removeprefix("http://")

    def paths(self) -> list[str]:
        return [str(request.rel_url) for request in self.asked]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        good = await self._good(request)
        if self.spoil is None:
            return good
        spoilt = self.spoil(request, good)
        return await spoilt if inspect.isawaitable(spoilt) else spoilt

    async def _good(self, request: web.Request) -> web.StreamResponse:
        found = self.answers.get(str(request.rel_url), self.answers.get(request.path))
        if callable(found):
            return await found(request)
        if isinstance(found, tuple):
            status, headers, body = found
            return web.Response(status=status, headers=headers, body=body)
        if found is None:
            return web.Response(status=404)
        body = found.encode() if isinstance(found, str) else found
        kind = "text/html" if str(body[:15]).lower().find("<!doctype html") >= 0 else "application/xml"
        return web.Response(body=body, headers={"Content-Type": kind})
