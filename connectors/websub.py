"""WebSub (w3.org/TR/websub): a blog whose hub tells us of new items, beside polling, which goes on more slowly. Pure.

A subscription is asked for with a secret of its own, and only what is signed with it is believed. The hub asks back
whether it was we who asked; the lease that it grants is renewed in time. All of it is in the feed's cursor:
{"hub": {"url", "topic", "asked": when last, "until": end of the lease, "pushed": was anything ever brought}}
"""

import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from connectors.addresses import joined
from connectors.contract import Call, Reply
from connectors.dates import when
from connectors.item import Feed

LEASE = timedelta(days=7)  # asked for; the hub decides
LONGEST = timedelta(days=90)
RENEW = timedelta(days=1)  # before the end
PATIENCE = timedelta(hours=6)  # between two requests to a hub
SLOWLY = timedelta(minutes=30)  # between two polls of a feed whose hub has proved itself
_LINK = re.compile(r"<([^<>]*)>\s*;[^<,]*\brel\s*=\s*\"?(hub|self)\b", re.IGNORECASE)
_ALGORITHMS = ("sha1", "sha256", "sha384", "sha512")


def offered(feed: Feed, headers: Mapping[str, str], url: str) -> tuple[str, str]:
    """The hub and the topic that a feed names, in a Link header or in itself; "" when it names none."""
    links: dict[str, str] = {}
    for address, rel in _LINK.findall(headers.get("link", "")):
        links.setdefault(rel.lower(), joined(url, address))
    return links.get("hub") or feed.hub, links.get("self") or feed.self or url


def noted(hub: Mapping[str, Any], url: str, topic: str) -> dict[str, Any]:
    """What is kept of a hub: another hub or another topic begins anew."""
    same = hub.get("url") == url and hub.get("topic") == topic
    return dict(hub) if same else {"url": url, "topic": topic}


def must_ask(hub: Mapping[str, Any], now: datetime) -> bool:
    asked, until = when(hub.get("asked", "")), when(hub.get("until", ""))
    return (asked is None or now - asked >= PATIENCE) and (until is None or until - now <= RENEW)


def proved(hub: Mapping[str, Any], now: datetime) -> bool:
    """Has it brought something, and is the lease running?"""
    until = when(hub.get("until", ""))
    return bool(hub.get("pushed")) and until is not None and until > now


def request(address: str, topic: str, key: str) -> dict[str, str]:
    """The form that asks for a subscription."""
    return {
        "hub.mode": "subscribe",
        "hub.callback": address,
        "hub.topic": topic,
        "hub.lease_seconds": str(int(LEASE.total_seconds())),
        "hub.secret": secret_of(key, topic),
    }


def secret_of(key: str, topic: str) -> str:
    """One for each topic, so that none need be kept."""
    return hmac.new(key.encode(), topic.encode(), sha256).hexdigest()


def receive(call: Call, topic: str, key: str) -> Reply:
    """A hub's question, or what it brings. `topic` is what was asked for; "" when nothing was."""
    if not topic or not key:
        return Reply(status=404)
    if call.method == "GET":
        return _confirm(call.query, topic)
    if not signed(call, secret_of(key, topic)):
        return Reply(status=202)  # and not believed, as the standard wants it
    head = json.dumps({"type": call.headers.get("content-type", "")})
    return Reply(status=202, keep=head.encode() + b"\n" + call.body)


def _confirm(query: Mapping[str, str], topic: str) -> Reply:
    mode, challenge = query.get("hub.mode"), query.get("hub.challenge", "")
    if query.get("hub.topic") != topic:
        return Reply(status=404)
    if mode == "denied":
        return Reply(status=200, keep=b'{"denied": true}\n')
    lease = query.get("hub.lease_seconds", "")
    if mode != "subscribe" or not 0 < len(challenge) <= 1_000:
        return Reply(status=404)
    seconds = int(lease) if lease.isascii() and lease.isdigit() and len(lease) < 10 else int(LEASE.total_seconds())
    return Reply(status=200, text=challenge, keep=json.dumps({"lease": seconds}).encode() + b"\n")


def signed(call: Call, secret: str) -> bool:
    algorithm, _, given = call.headers.get("x-hub-signature", "").partition("=")
    if algorithm not in _ALGORITHMS:
        return False
    right = hmac.new(secret.encode(), call.body, algorithm).hexdigest()
    return hmac.compare_digest(right.encode(), given.strip().lower().encode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Pushed:
    """A letter from the hub: a piece of the feed, or a word on the subscription."""

    body: bytes
    content_type: str = ""
    word: Mapping[str, Any] | None = None


def opened(letter: bytes) -> Pushed:
    head, _, body = letter.partition(b"\n")
    told = json.loads(head)
    return Pushed(body, told["type"]) if "type" in told else Pushed(b"", word=told)


def after(hub: Mapping[str, Any], letter: Pushed, now: datetime) -> dict[str, Any]:
    """What is kept of the hub once this letter was read."""
    if letter.word is None:
        return {**hub, "pushed": True}
    if "denied" in letter.word:
        return {key: value for key, value in hub.items() if key != "until"}
    lease = min(timedelta(seconds=int(letter.word["lease"])), LONGEST)
    return {**hub, "until": (now + lease).isoformat()}
