"""Saved searches go out: as a feed that a reader asks for, to a Slack channel, by mail.

A feed's address holds a secret, and lets in who has it, in the name of whoever asked for it: it ends when it is taken
back, and when they leave people.toml or lose the right. RSS 2.0 (https://www.rssboard.org/rss-specification) and Atom
(RFC 4287).
"""

import re
import secrets
from collections.abc import Iterable
from datetime import datetime
from email.utils import format_datetime
from hashlib import blake2b
from xml.etree import ElementTree as xml

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from escalation.clean import clean, cut, line
from escalation.slack.parts import web_address
from listener.query import QueryError
from listener.search import question
from listener.storage.contract import MentionRow, Subscription, Way
from listener.web import access
from listener.web.access import Act
from listener.web.entry import caller
from listener.web.room import Call, Room, bare

NEWEST = 50
QUOTED = 2_000  # characters
ATOM = "http://www.w3.org/2005/Atom"
CHANNEL = re.compile(r"[CG][A-Z0-9]{6,20}")
TYPES = {"atom": "application/atom+xml; charset=utf-8", "rss": "application/rss+xml; charset=utf-8"}


async def subscribe(call: Call) -> Response:
    """By mail to oneself, to a channel, or as a feed, whose address is shown once."""
    way, to = call.form.get("way", ""), call.form.get("to", "").strip()
    token = secrets.token_urlsafe(32)
    match way:
        case Way.FEED:
            to = access.hashed(token, "feed")
        case Way.MAIL:
            to = call.who.name
        case Way.CHANNEL if CHANNEL.fullmatch(to):
            pass
        case _:
            return _refused(
                call, "Give the id of the channel, C and then letters and figures; Slack shows it in About."
            )
    if way == Way.MAIL and (no := _no_mail(call)):
        return _refused(call, no)
    kept = await call.room.store.subscribe(call.id, Way(way), to, call.who.name, call.now)
    if kept is None:
        return _refused(call, "There is no such saved search any more.")
    if way == Way.FEED:
        return call.page("feed.html", name=kept.search.name, address=f"{_base(call)}/feed/{token}")
    return RedirectResponse("/search#saved", 303)


def _no_mail(call: Call) -> str:
    member = call.room.settings.members.get(call.who.name)
    if not (member and member.email):
        return "You have no mail address in people.toml; whoever keeps it can add one."
    return "" if call.room.settings.digests.mail.on else "No mail server is set up: SMTP_URL and SMTP_FROM are missing."


def _refused(call: Call, said: str) -> Response:
    return call.page("refused.html", 422, title="Not subscribed", said=said)


def _base(call: Call) -> str:
    desk, host = call.room.settings.desk, call.request.headers["host"]
    return f"http://{host}" if call.room.by_itself(call.request) else desk.public_url


async def unsubscribe(call: Call) -> Response:
    await call.room.store.unsubscribe(call.id)
    return RedirectResponse("/search#saved", 303)


async def feed(room: Room, request: Request) -> Response:
    """For readers, which have no session. Whatever is wrong with it is answered alike."""
    token, form = str(request.path_params["token"]), request.query_params.get("form", "atom")
    one = await _allowed(room, token)
    if one is None or form not in TYPES:
        slow = room.lid.shut(caller(request))
        return bare("Too many tries." if slow else "There is no such feed.", 429 if slow else 404)
    rows = await _newest(room, one)
    etag = f'"{blake2b(repr([(row.id, row.state, row.verdict) for row in rows]).encode(), digest_size=10).hexdigest()}"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"ETag": etag})
    write = as_atom if form == "atom" else as_rss
    base = f"http://{request.headers['host']}" if room.by_itself(request) else room.settings.desk.public_url
    return Response(write(one, rows, base, room.clock()), media_type=TYPES[form], headers={"ETag": etag})


async def _allowed(room: Room, token: str) -> Subscription | None:
    hashed = access.hashed(token, "feed")
    for one in await room.store.subscriptions():
        if one.way is Way.FEED and one.to == hashed:
            who = access.named(room.settings, one.by)
            return one if who and who.may(Act.SEARCH) else None
    return None


async def _newest(room: Room, one: Subscription) -> list[MentionRow]:
    try:
        asked = question(one.search.query, limit=NEWEST, now=room.clock())
    except QueryError:
        return []
    return [row async for row in room.store.search(asked)]


def as_atom(one: Subscription, rows: Iterable[MentionRow], base: str, now: datetime) -> bytes:
    """Pure."""
    root = xml.Element("feed", xmlns=ATOM)
    _text(root, "title", line(one.search.name, 100))
    _text(root, "id", f"urn:listening-post:search:{one.search.id}")
    _text(root, "updated", now.isoformat())
    for row in rows:
        entry = xml.SubElement(root, "entry")
        _text(entry, "title", _title(row))
        _text(entry, "id", f"urn:listening-post:mention:{row.id}")
        _text(entry, "updated", row.heard.isoformat())
        _text(entry, "published", _posted(row).isoformat())
        _text(xml.SubElement(entry, "author"), "name", line(row.author, 100) or "somebody")
        if way := _way(row, base):
            xml.SubElement(entry, "link", href=way)
        _text(entry, "summary", cut(clean(row.text), QUOTED))
    return _document(root)


def as_rss(one: Subscription, rows: Iterable[MentionRow], base: str, now: datetime) -> bytes:
    """Pure."""
    root = xml.Element("rss", version="2.0")
    channel = xml.SubElement(root, "channel")
    _text(channel, "title", line(one.search.name, 100))
    _text(channel, "link", base)
    _text(channel, "description", line(one.search.query, 300))
    _text(channel, "lastBuildDate", format_datetime(now))
    for row in rows:
        item = xml.SubElement(channel, "item")
        _text(item, "title", _title(row))
        _text(item, "guid", f"urn:listening-post:mention:{row.id}").set("isPermaLink", "false")
        _text(item, "pubDate", format_datetime(_posted(row)))
        if way := _way(row, base):
            _text(item, "link", way)
        _text(item, "description", cut(clean(row.text), QUOTED))
    return _document(root)


def _text(parent: xml.Element, name: str, said: str) -> xml.Element:
    made = xml.SubElement(parent, name)
    made.text = clean(said)  # XML has no place for control characters
    return made


def _title(row: MentionRow) -> str:
    judged = f"{row.verdict} {row.priority} {row.severity}".replace("  ", " ")
    return f"{row.brand}: {judged}" + (f" \u00b7 {line(row.title, 100)}" if row.title else "")


def _posted(row: MentionRow) -> datetime:
    return min(row.created or row.heard, row.heard)


def _way(row: MentionRow, base: str) -> str:
    """Its case, else the original where that is an address of the web."""
    if row.case:
        return f"{base}/cases/{row.case}"
    return web_address(row.url)


def _document(root: xml.Element) -> bytes:
    found: bytes = xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return found
