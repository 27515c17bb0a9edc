"""Whatever else can send JSON: posts that are brought to us, signed as https://www.standardwebhooks.com says.

The sender signs "id.timestamp.body" by HMAC-SHA256 with a secret both know, and names the three in its headers; a
signature older than five minutes proves nothing. What is in the body is said by a small table in sources.toml. A letter
that could not be read is refused with the reason, while its sender still listens. The cursor: {"taken": letters whose
posts are in this page, "last": when something came}
"""

import base64
import binascii
import hmac
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from connectors.contract import Call, Cursor, Fix, Hearing, Page, Reply, Wait, from_env
from connectors.inbox import A_PAGE, Inbox
from connectors.webhook_parse import FIELDS, Brought, brought_in

INBOUND = True
DEAF_TO = ("Webhook: a sender that has gone quiet is told from one with nothing to say only when `expect` is set",)
WINDOW = timedelta(minutes=5)  # around now, in which a signature counts
ENDLESS = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    secret: str = from_env("WEBHOOK_SECRET")  # two with a blank between while the one takes over from the other
    items: str = ""  # where the list of posts is, "data.posts"; "" when the body is one post or a list of them
    fields: Mapping[str, str] = field(default_factory=dict)  # ours -> theirs, {"text": "data.body"}
    expect: timedelta = ENDLESS  # how often something comes at least; nothing for so long is silence


def mistakes(options: Mapping[str, Any]) -> list[str]:
    """What is wrong with a [[source]] table beyond the types of its values."""
    unknown = [name for name in options.get("fields", {}) if name not in FIELDS]
    return [f'fields: "{name}" is not a field of a post; known are {", ".join(FIELDS)}' for name in unknown]


class WebhookConnector:
    def __init__(self, name: str, options: Options, inbox: Inbox):
        self.name = name
        self._options = options
        self._inbox = inbox

    async def aclose(self) -> None: ...

    def receive(self, call: Call, now: datetime) -> Reply:
        if call.method != "POST":
            return Reply(status=405, text="POST JSON here, signed as standardwebhooks.com says")
        if unproved := doubt(call, self._options.secret.split(), now):
            return Reply(status=401, text=unproved)
        try:
            found = self._brought(call.body)
        except ValueError as wrong:
            return Reply(status=400, text=f"the body is not understood: {wrong}")
        if not found.posts and not found.gone:
            return Reply(status=422, text=f"no post in it could be read: {found.first or 'there is none'}")
        taken = f"{len(found.posts) + len(found.gone)} taken"
        return Reply(status=202, text="; ".join(filter(None, (taken, left_out([found])))), keep=call.body)

    def _brought(self, body: bytes) -> Brought:
        try:
            told = json.loads(body)
        except RecursionError:
            raise ValueError("it is nested too deep") from None
        return brought_in(told, self._options.items, self._options.fields, self.name)

    async def examine(self, cursor: Cursor, now: datetime) -> str:
        """Where senders find us."""
        self._needs_secret()
        here = f"/in/{quote(self.name, safe='')} at the port of [inbound]; public_url there makes it an address"
        return f"is brought to {self._inbox.address or here}"

    def _needs_secret(self) -> None:
        if not self._options.secret:
            raise Fix(f"{self.name}: nothing is taken in that nobody signed; set WEBHOOK_SECRET here and at the sender")

    async def fetch(self, cursor: Cursor, now: datetime) -> Page:
        self._needs_secret()
        letters = await self._inbox.unread(cursor.get("taken", ()))
        last = now.timestamp() if letters else cursor.get("last", now.timestamp())
        if self._options.expect and now.timestamp() - last > self._options.expect.total_seconds():
            raise Wait(
                f"{self.name}: nothing was brought since {datetime.fromtimestamp(last, now.tzinfo):%Y-%m-%d %H:%M} UTC"
            )
        read = [self._read(letter.body) for letter in letters]
        note = left_out(read)
        return Page(
            cursor={"taken": [letter.name for letter in letters], "last": last},
            posts=tuple(post for one in read for post in one.posts),
            gone=tuple(id_ for one in read for id_ in one.gone),
            more=len(letters) == A_PAGE,
            hearing=Hearing.TRUNCATED if note else Hearing.HEARD,
            note=note,
        )

    def _read(self, body: bytes) -> Brought:
        """What was understood when it came; the table may have been changed since."""
        try:
            return self._brought(body)
        except ValueError as wrong:
            return Brought(skipped=1, first=str(wrong))


def left_out(read: Sequence[Brought]) -> str:
    """A sentence for what could not be read, "" when all could. Pure."""
    lost, total = sum(one.skipped for one in read), sum(one.skipped + len(one.posts) + len(one.gone) for one in read)
    why = next((one.first for one in read if one.first), "")
    return f"{lost} of {total} could not be read and were left out, first: {why}" if lost else ""


def doubt(call: Call, secrets: list[str], now: datetime) -> str:
    """Why this is not believed, "" when it is. How nearly a signature fits does not show in the time it takes. Pure."""
    id_, sent, signed = (call.headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature"))
    if not secrets:
        return "nothing is taken in here yet: no secret is set"
    if not id_ or not sent or not signed:
        return "unsigned: webhook-id, webhook-timestamp and webhook-signature are wanted"
    if not (sent.isascii() and sent.isdigit()) or abs(int(sent[:15]) - now.timestamp()) > WINDOW.total_seconds():
        return "the timestamp is not of the last five minutes; is the clock right?"
    content = f"{id_}.{sent}.".encode() + call.body
    given = [one.removeprefix("v1,").encode("utf-8", "replace") for one in signed.split() if one.startswith("v1,")]
    right = [signature(secret, content) for secret in secrets]
    fits = [hmac.compare_digest(one, mine) for one in given for mine in right]
    return "" if any(fits) else "the signature does not fit; is the secret the same on both sides?"


def signature(secret: str, content: bytes) -> bytes:
    """In Base64. A secret that begins with whsec_ is Base64 itself, any other is taken as it is. Pure."""
    key = secret.encode()
    if secret.startswith("whsec_"):
        with suppress(binascii.Error):
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    return base64.b64encode(hmac.new(key, content, sha256).digest())
