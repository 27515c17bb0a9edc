"""What a platform, or the way to it, does to a good answer: each fault takes the answer and gives another in its place."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

from aiohttp import web

Fault = Callable[[web.Request, web.Response], Any]

DATES = frozenset(
    "created created_at created_at_i created_utc createdAt indexedAt published publishedAt updatedAt updated updated_at "
    "date_published creation_date last_activity_date last_edit_date datePublished dateCreated".split()
)
PEOPLE = frozenset(
    "author account user owner users authorChannelId authorDisplayName username display_username".split()
)
_XML_DATES = re.compile(rb"<(pubDate|updated|published|lastmod)>[^<]*</\1>")
_XML_ITEMS = re.compile(rb"<(item|entry|url)>.*?</\1>", re.DOTALL)
_NUMBER = re.compile(r"[1-9]\d{0,17}")


def _changed(answer: web.Response, *, body: bytes | None = None, **headers: str) -> web.Response:
    kept = {name: value for name, value in answer.headers.items() if name not in ("Content-Length", "Content-Type")}
    kind = {"Content-Type": headers.pop("kind", answer.headers.get("Content-Type", ""))}
    return web.Response(status=answer.status, headers=kept | kind, body=_body(answer) if body is None else body)


def _body(answer: web.Response) -> bytes:
    return bytes(answer.body) if isinstance(answer.body, bytes | bytearray) else b""


def _json(answer: web.Response, change: Callable[[Any], Any]) -> web.Response:
    return _changed(answer, body=json.dumps(change(json.loads(_body(answer)))).encode())


def _is_json(answer: web.Response) -> bool:
    return _body(answer).lstrip()[:1] in (b"{", b"[")


def _walked(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        value = {key: _walked(one, change) for key, one in value.items()}
    elif isinstance(value, list):
        value = [_walked(one, change) for one in value]
    return change(value)


def _without(names: frozenset[str]) -> Callable[[Any], Any]:
    return lambda one: {key: v for key, v in one.items() if key not in names} if isinstance(one, dict) else one


def undated(_: web.Request, answer: web.Response) -> web.Response:
    """No item says when it was written."""
    if _is_json(answer):
        return _json(answer, lambda found: _walked(found, _without(DATES)))
    return _changed(answer, body=_XML_DATES.sub(b"", _body(answer)))


def unsigned(_: web.Request, answer: web.Response) -> web.Response:
    """No item says who wrote it."""
    return _json(answer, lambda found: _walked(found, _without(PEOPLE))) if _is_json(answer) else answer


def doubled(_: web.Request, answer: web.Response) -> web.Response:
    """Each item stands twice on its page."""
    if _is_json(answer):
        return _json(answer, lambda found: _walked(found, _twice))
    return _changed(answer, body=_XML_ITEMS.sub(lambda item: item[0] * 2, _body(answer)))


def _twice(one: Any) -> Any:
    many = isinstance(one, list) and one and all(isinstance(item, dict) for item in one)
    return [item for item in one for _ in range(2)] if many else one


def numbered(_: web.Request, answer: web.Response) -> web.Response:
    """Ids that were texts come as numbers."""

    def changed(one: Any) -> Any:
        if not isinstance(one, dict):
            return one
        return {
            k: int(v) if "id" in k.lower() and isinstance(v, str) and _NUMBER.fullmatch(v) else v
            for k, v in one.items()
        }

    return _json(answer, lambda found: _walked(found, changed)) if _is_json(answer) else answer


def mislabelled(_: web.Request, answer: web.Response) -> web.Response:
    """The server claims another charset than the text is in."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    return _changed(answer, kind=f"{kind}; charset=iso-8859-1")


def packed_twice(_: web.Request, answer: web.Response) -> web.Response:
    """A proxy that says the answer is packed when it is not."""
    answer.headers["Content-Encoding"] = "identity"
    return answer


def halved(_: web.Request, answer: web.Response) -> web.Response:
    """The answer breaks off, and its length says that this is all."""
    body = _body(answer)
    return _changed(answer, body=body[: len(body) // 2])


async def half_closed(request: web.Request, answer: web.Response) -> web.StreamResponse:
    """The connection ends before what was promised has come."""
    body = _body(answer)
    begun = web.StreamResponse(headers={"Content-Length": str(len(body) + 100), "Content-Type": "application/json"})
    await begun.prepare(request)
    await begun.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return begun


async def hung_up(request: web.Request, answer: web.Response) -> web.Response:
    """The connection ends before anything has come."""
    if request.transport is not None:
        request.transport.abort()
    return answer


async def hanging(request: web.Request, answer: web.Response) -> web.Response:
    """Nothing comes, and the connection stays."""
    await asyncio.sleep(5)
    return answer


def status(number: int, body: bytes = b'{"error": "no"}', **headers: str) -> Fault:
    kind = "application/json" if body[:1] == b"{" else "text/html"

    def refused(_: web.Request, __: web.Response) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=number, headers={"Content-Type": kind, **named}, body=body)

    return refused
