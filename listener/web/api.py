"""The JSON API: what the pages show and what their forms do, for programs, by the same rights and the same commands.

A program shows a key (`Authorization: Bearer …`), which stands for a person: it may what that person may now, or less
where it was made to read only, or for some brands; it ends when it is taken back or the person leaves people.toml.
Only the key's hash is kept. Cookies count for nothing here.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import version
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from escalation.case import replay
from escalation.commands import Refused
from escalation.ledger import Conflict, UnknownCase
from listener.digest import compose, everything
from listener.plain import json_text, plain
from listener.query import QueryError
from listener.search import of_brands, question
from listener.storage.contract import Key, Question, Sort
from listener.web import access, cases, digests, pictures, trends
from listener.web.access import Visitor
from listener.web.entry import caller
from listener.web.guarding import body_of
from listener.web.openapi import BASE, LIMIT, OPERATIONS, RAISED, Operation, document
from listener.web.room import Call, Room

log = logging.getLogger("listener")

USUAL = 50
THREAD = 200


def routes(room: Room) -> list[Route]:
    return [
        Route(f"{BASE}{one.path}", _door(room, one), methods=[one.method], name=f"{one.method} {one.path}")
        for one in OPERATIONS
    ]


def _door(room: Room, one: Operation) -> Any:
    async def answer(request: Request) -> Response:
        who = await _bearer(room, request)
        if isinstance(who, Response):
            return who
        if not who.may(one.needs):
            return _error(403, "this key only reads" if who.reads else f"this is for people who may {one.needs}")
        try:
            form = await _given(request, one) if one.method == "POST" else {}
            return await HANDLERS[one.name](Call(request=request, room=room, who=who, form=form))
        except UnknownCase as why:
            return _error(404, str(why.args[0]))
        except Conflict as why:
            return _error(409, str(why))
        except (Refused, QueryError) as why:
            return _error(422, str(why.args[0] if isinstance(why, Refused) else why))

    return answer


async def _bearer(room: Room, request: Request) -> Visitor | Response:
    """Whose key it is, slowed when it asks too often; a guess is slowed much sooner."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    key = await room.store.key_of(access.hashed(token.strip(), "key")) if scheme.lower() == "bearer" else None
    who = access.program(room.settings, key) if key else None
    if key is None or who is None:
        if token and room.lid.shut(caller(request)):
            return _error(429, "too many tries", room.lid.within)
        return _error(401, "show a key: Authorization: Bearer …")
    if room.pace.shut(f"key {key.id}"):
        return _error(429, "too many requests; a key has 240 a minute", room.pace.within)
    return who


async def _given(request: Request, one: Operation) -> Mapping[str, str]:
    """Raises Refused."""
    try:
        given = json.loads(await body_of(request) or b"{}")
    except ValueError:
        raise Refused("send one JSON object") from None
    if not isinstance(given, dict) or not all(isinstance(value, str | int) for value in given.values()):
        raise Refused("send one JSON object of texts")
    known = {param.name for param in one.body}
    if unknown := sorted(set(given) - known):
        raise Refused(f'"{unknown[0]}" is not known here; there is {", ".join(sorted(known)) or "nothing to say"}')
    return {name: str(value).replace("\0", "") for name, value in given.items()}


def _json(document: Any, status: int = 200) -> Response:
    return Response(json_text(document), status, media_type="application/json")


def _error(status: int, said: str, wait: timedelta | None = None) -> Response:
    answer = _json({"error": said}, status)
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    if wait:
        answer.headers["Retry-After"] = str(int(wait.total_seconds()))
    return answer


def _number(call: Call, name: str, usual: int | None) -> int | None:
    """Raises Refused."""
    text = call.asked(name)
    if not text:
        return usual
    if text.isascii() and text.isdecimal() and 0 < len(text) < 19 and int(text):
        return int(text)
    raise Refused(f"{name} is a whole number greater than 0")


async def mentions(call: Call) -> Response:
    if call.asked("sort") not in ("", *Sort):
        raise Refused(f"sort knows {', '.join(Sort)}")
    limit = min(_number(call, "limit", USUAL) or USUAL, LIMIT)
    before, sort = _number(call, "before", None), Sort(call.asked("sort") or Sort.NEWEST)
    asked = _heard_of(call, question(call.asked("q")[:1_000], sort=sort, limit=limit, before=before, now=call.now))
    rows = [row async for row in call.room.store.search(asked)]
    return _json({"mentions": rows, "next": rows[-1].id if len(rows) == limit else None})


def _heard_of(call: Call, asked: Question) -> Question:
    return replace(asked, query=of_brands(asked.query, call.who.brands))


async def count(call: Call) -> Response:
    picture = await call.room.store.picture(_heard_of(call, question(call.asked("q")[:1_000], now=call.now)))
    times = [
        {"begins": at, "brand": brand, "verdict": verdict, "mentions": number, "severities": severity}
        for (at, brand, verdict), (number, severity) in sorted(picture.times.items())
    ]
    by = {"brand": pictures.brands(picture), "verdict": pictures.verdicts(picture), **picture.by}
    unit = "hour" if picture.hours else "day"
    return _json({"total": picture.total, "more": picture.more, "unit": unit, "by": by, "times": times})


async def thread(call: Call) -> Response:
    rows = await call.room.store.thread(call.id, THREAD)
    return _json({"mentions": [row for row in rows if call.who.hears_of(row.brand)]})


async def open_cases(call: Call) -> Response:
    limit, rows = min(_number(call, "limit", USUAL) or USUAL, LIMIT), list[Any]()
    async for row in call.room.store.cases():
        if call.who.hears_of(row.brand):
            rows.append(row)
        if len(rows) == limit:
            break
    return _json({"cases": rows})


async def case(call: Call) -> Response:
    return _json(await _case(call, call.id))


async def _case(call: Call, case_id: int) -> dict[str, Any]:
    """Raises UnknownCase: also for what a key hears nothing of."""
    timeline = await call.room.store.timeline(case_id)
    case = replay(timeline)
    if not call.who.hears_of(case.subject.brand):
        raise UnknownCase(f"there is no case {case_id}")
    told = [{"event": type(event).__name__, **plain(event)} for event in timeline]
    return {
        "id": case.id,
        "brand": case.subject.brand,
        "status": case.status,
        "priority": case.subject.priority,
        "severity": case.subject.severity,
        "owner": case.owner,
        "due": case.clock,
        "promise": case.promise.what if case.promise else "",
        "posts": case.posts,
        "timeline": told,
    }


async def digest(call: Call) -> Response:
    until = digests.until_of(call, call.now)
    scope = everything(call.room.settings, call.who.brands)
    composed = await compose(call.room.store, digests.since_of(call, until), until, scope)
    return _json(composed)


async def compared(call: Call) -> Response:
    asked = trends.wanted(call)
    if asked.problem:
        raise Refused(asked.problem)
    told = await trends.compare(call.room.store, asked)
    now, before = ({"since": since, "until": until} for since, until in (asked.now, asked.before))
    return _json({"now": now, "before": before, "more": told.now.more or told.before.more, "brands": told.rows})


async def unusual(call: Call) -> Response:
    return _json({"spikes": [one for one in await trends.remembered(call) if call.who.hears_of(one.brand)]})


async def act(call: Call) -> Response:
    action = call.request.url.path.rpartition("/")[2]
    for touched in {call.id, _into(call)} if call.who.brands else ():
        await _case(call, touched)
    return _json(await _case(call, await cases.done(call, action)))


def _into(call: Call) -> int:
    """The other case of two that are joined."""
    text = call.form.get("into", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else call.id


async def raised(call: Call) -> Response:
    if not call.who.hears_of(call.form.get("brand", "")):
        raise Refused(f"this key is for {', '.join(call.who.brands)}")
    given = {one.name: call.form.get(one.name, "") for one in RAISED}
    return _json(await _case(call, await cases.raise_case(call, given)))


HANDLERS = {
    "mentions": mentions, "count": count, "thread": thread, "cases": open_cases, "case": case, "digest": digest,
    "trends": compared, "unusual": unusual, "act": act, "raised": raised,
}  # fmt: skip


# For people: what there is, and their keys


async def described(call: Call) -> Response:
    return _json(document(version("listening-post"), ""))


async def page(call: Call) -> Response:
    return await _page(call)


async def _page(call: Call, made: str = "") -> Response:
    brands = [brand.name for brand in call.room.settings.brands]
    return call.page(
        "api.html",
        operations=OPERATIONS,
        base=BASE,
        keys=await _mine(call),
        made=made,
        brands=brands,
        rights=access.rights,
    )


async def _mine(call: Call) -> list[Key]:
    return [key for key in await call.room.store.keys() if key.person == call.who.name]


async def make_key(call: Call) -> Response:
    """Shown once."""
    name = call.form.get("name", "").strip()[:80]
    if not name:
        return call.page("refused.html", 422, title="No key was made", said="Say what it is for.")
    brands = tuple(brand.name for brand in call.room.settings.brands if call.form.get(f"brand {brand.name}"))
    key = Key(name=name, person=call.who.name, at=call.now, reads=bool(call.form.get("reads")), brands=brands)
    made = await access.new_key(call.room.store, key)
    log.info("%s made the key %r: %s", key.person, key.name, access.rights(key))
    return await _page(call, made)


async def drop_key(call: Call) -> Response:
    """One's own."""
    if mine := next((key for key in await _mine(call) if key.id == call.id), None):
        await call.room.store.drop_key(mine.id)
        log.info("%s took the key %r back", mine.person, mine.name)
    return RedirectResponse("/api", 303)
