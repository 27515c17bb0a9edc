"""A webhook believes nobody without a fresh signature, keeps what it took in, and says what it could not read."""

import base64
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

import aiohttp
import configs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polling import NOW, Poller, ids
from rich.console import Console

from connectors import check_options
from connectors.contract import Call, Fix, Hearing, Page, Wait
from connectors.inbound import path_of
from connectors.inbox import Inbox
from connectors.webhook import Options, WebhookConnector, doubt
from connectors.webhook_parse import at, brought_in
from listener.bootstrap import build, doors
from listener.cycle import turn
from listener.doctor import examine
from listener.settings import load
from listener.tables import ConfigError

SECRET = "right-secret-key"


def signed(body: bytes, *, at: datetime = NOW, secret: str = SECRET, id_: str = "msg_1") -> Call:
    """As any library of standardwebhooks.com signs."""
    stamp = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    mac = hmac.new(key, f"{id_}.{stamp}.".encode() + body, sha256).digest()
    signature = f"v1,{base64.b64encode(mac).decode()}"
    headers = {"webhook-id": id_, "webhook-timestamp": stamp, "webhook-signature": signature}
    return Call(method="POST", headers=headers, body=body)


class Bringing(Poller):
    """Brings what was written before each fetch, through the door."""

    def __init__(self, ear: WebhookConnector, inbox: Inbox):
        super().__init__(ear)
        self.inbox, self.pending = inbox, list[dict[str, Any]]()

    async def step(self) -> Page:
        if self.pending:
            assert isinstance(self.ear, WebhookConnector)
            reply = self.ear.receive(signed(json.dumps(self.pending).encode(), at=self.now), self.now)
            assert reply.status == 202 and await self.inbox.put(reply.keep, self.now)
            self.pending = []
        return await super().step()


def ear(directory: Path, **given: Any) -> Bringing:
    inbox = Inbox(directory / "spool")
    return Bringing(WebhookConnector("hook", Options(**{"secret": SECRET, **given}), inbox), inbox)


@pytest.fixture
def hook(tmp_path: Path) -> WebhookConnector:
    return ear(tmp_path).ear  # type: ignore[return-value]


ONE = json.dumps({"id": "1", "text": "acme lost my bag"}).encode()


def test_a_signature_made_by_another_library_fits() -> None:
    """Made by standardwebhooks for Python."""
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1777899600",
        "webhook-signature": "v1,Rcgf6x053AzQEaaGFTW7NPeyr+Q2R3eMfgNo7xsydog=",
    }
    call = Call(method="POST", headers=headers, body=b'{"text":"acme"}')
    assert doubt(call, ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], datetime(2026, 5, 4, 13, 4, tzinfo=UTC)) == ""


def test_who_signed_is_believed_with_the_old_secret_and_the_new(hook: WebhookConnector, tmp_path: Path) -> None:
    assert hook.receive(signed(ONE), NOW).status == 202
    changing = ear(tmp_path, secret=f"whsec_bmV3LXNlY3JldA== {SECRET}").ear
    assert isinstance(changing, WebhookConnector)
    assert changing.receive(signed(ONE), NOW).status == 202
    assert changing.receive(signed(ONE, secret="whsec_bmV3LXNlY3JldA=="), NOW).status == 202


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (Call(method="POST", body=ONE), "unsigned"),
        (signed(ONE, secret="wrong"), "does not fit"),
        (signed(ONE, at=NOW - timedelta(seconds=301)), "last five minutes"),
        (signed(ONE, at=NOW + timedelta(seconds=301)), "last five minutes"),
        (Call(method="POST", headers=signed(ONE).headers, body=ONE + b" "), "does not fit"),
        (Call(method="POST", headers={**signed(ONE).headers, "webhook-id": "msg_2"}, body=ONE), "does not fit"),
        (Call(method="POST", headers={**signed(ONE).headers, "webhook-timestamp": "1e9"}, body=ONE), "last five"),
        (Call(method="POST", headers={**signed(ONE).headers, "webhook-timestamp": "9" * 400}, body=ONE), "last five"),
        (Call(method="POST", headers={**signed(ONE).headers, "webhook-signature": "v1,é v2,x"}, body=ONE), "not fit"),
    ],
)  # fmt: skip
def test_nobody_else_is(hook: WebhookConnector, call: Call, said: str) -> None:
    reply = hook.receive(call, NOW)
    assert (reply.status, reply.keep) == (401, b"") and said in reply.text and SECRET not in reply.text


@given(st.text(alphabet="webhok-idtmsagnur0123456789,v= é", max_size=60), st.binary(max_size=40))
def test_no_header_and_no_body_of_a_stranger_gets_in_or_breaks_anything(text: str, body: bytes) -> None:
    headers = {f"webhook-{part}": text for part in ("id", "timestamp", "signature")}
    assert doubt(Call(method="POST", headers=headers, body=body), [SECRET], NOW)


async def test_without_a_secret_nothing_is_taken_in_and_it_is_said(tmp_path: Path) -> None:
    poller = ear(tmp_path, secret="")
    assert isinstance(poller.ear, WebhookConnector)
    assert poller.ear.receive(signed(ONE), NOW).status == 401
    with pytest.raises(Fix, match="set WEBHOOK_SECRET"):
        await poller.poll()


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"not json", 400, "not understood"),
        (b'"a text"', 400, "an object, or a list"),
        (b"[1, 2]", 400, "an object, or a list"),
        (b"[" * 100_000, 400, "not understood"),
        (b"{}", 422, "has no text"),
        (b"[]", 422, "there is none"),
        (b'[{"id": "1"}, {"id": "2"}]', 422, "item 1 has no text"),
        (b'\xff\xfe{"text": "x"}', 400, "not understood"),
    ],
)
def test_what_cannot_be_read_is_refused_while_the_sender_listens(
    hook: WebhookConnector, body: bytes, status: int, said: str
) -> None:
    reply = hook.receive(signed(body), NOW)
    assert (reply.status, reply.keep) == (status, b"") and said in reply.text


def test_a_question_is_no_letter(hook: WebhookConnector) -> None:
    assert hook.receive(Call(method="GET"), NOW).status == 405


FIELDS = {
    "id": "data.number", "text": "data.body.html", "url": "data.link", "author": "data.people.0.handle",
    "created": "data.when", "parent": "data.above", "gone": "removed",
}  # fmt: skip
LETTER = {
    "data": {
        "number": 4711, "body": {"html": "<p>Acme <b>never</b> calls back &amp; lies</p>"}, "link": "https://talk.example/1",
        "people": [{"handle": "mquill"}], "when": 1777897800, "above": "4710",
    },
}  # fmt: skip


def test_a_table_says_where_each_field_is() -> None:
    [post] = brought_in(LETTER, "", FIELDS, "hook").posts
    assert (post.id, post.text, post.url, post.author.handle, post.parent) == (
        "4711", "Acme never calls back & lies", "https://talk.example/1", "mquill", "4710",
    )  # fmt: skip
    assert post.created == datetime(2026, 5, 4, 12, 30, tzinfo=UTC)


def test_a_list_may_lie_deeper_and_says_what_is_gone() -> None:
    told = {"page": {"posts": [{"id": "a", "text": "x"}, {"id": "b", "gone": True}, {"gone": True}, {"id": "c"}]}}
    found = brought_in(told, "page.posts", {}, "hook")
    assert ([post.id for post in found.posts], found.gone, found.skipped) == (["a"], ("b",), 2)
    assert found.first == "item 3 is gone, and does not say which"


def test_what_has_no_id_is_known_by_its_address_or_its_words() -> None:
    told = [
        {"text": "x", "url": "https://talk.example/1"},
        {"text": "x"},
        {"text": "x"},
        {"text": "y", "url": "javascript:x"},
    ]
    first, second, third = brought_in(told, "", {}, "hook").posts
    assert first.id == "https://talk.example/1" and len(second.id) == 24
    assert (third.id, third.url) == ("javascript:x", "")


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda kids: st.lists(kids) | st.dictionaries(st.text(), kids)), st.text())  # fmt: skip
def test_any_json_and_any_path_are_only_data(told: Any, path: str) -> None:
    at(told, path)
    with suppress(ValueError):
        brought_in(told, "", {"text": path, "id": "id"}, "hook")


async def test_a_letter_is_read_again_until_its_posts_were_kept(tmp_path: Path) -> None:
    poller = ear(tmp_path)
    poller.pending = [{"id": "1", "text": "acme"}]
    assert ids(await poller.poll()) == ["1"]
    again = ear(tmp_path)
    assert ids(await again.poll()) == ["1"], "the process died before anything was committed"
    assert await poller.poll() == []
    assert await ear(tmp_path).poll() == []


async def test_nothing_for_longer_than_expected_is_silence(tmp_path: Path) -> None:
    poller = ear(tmp_path, expect=timedelta(days=1))
    await poller.poll()
    poller.now += timedelta(hours=25)
    with pytest.raises(Wait, match="nothing was brought since 2026-05-04 13:00 UTC"):
        await poller.poll()
    poller.pending = [{"text": "acme"}]
    assert len(await poller.poll()) == 1
    poller.now += timedelta(hours=23)
    assert await poller.poll() == [] and poller.last.hearing is Hearing.HEARD


async def test_what_of_a_letter_could_not_be_read_is_said_to_the_sender_and_to_us(tmp_path: Path) -> None:
    poller = ear(tmp_path)
    some = json.dumps([{"id": "1", "text": "acme"}, {"id": "2"}]).encode()
    assert isinstance(poller.ear, WebhookConnector)
    reply = poller.ear.receive(signed(some), NOW)
    said = "1 of 2 could not be read and were left out, first: item 2 has no text"
    assert (reply.status, reply.text) == (202, f"1 taken; {said}")
    await poller.inbox.put(reply.keep, NOW)
    assert ids(await poller.poll()) == ["1"]
    assert (poller.last.hearing, poller.last.note) == (Hearing.TRUNCATED, said)
    await poller.inbox.put(some, NOW)
    changed = ear(tmp_path, items="posts")  # the table was changed while the letter lay there
    assert await changed.poll() == []
    assert changed.last.hearing is Hearing.TRUNCATED and "under posts" in changed.last.note


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"fields": {"txt": "a"}}, 'fields: "txt" is not a field of a post'),
        ({"fields": {"text": 3}}, "fields: must be a table of texts"),
        ({"secret": "x"}, "set WEBHOOK_SECRET in the environment"),
    ],
)
def test_a_table_with_a_mistake_is_told(options: dict[str, Any], said: str) -> None:
    assert any(said in problem for problem in check_options("webhook", options))


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_from_the_senders_request_to_the_owners_card(
    tmp_path: Path, client: aiohttp.ClientSession, unused_tcp_port: int
) -> None:
    source = '[[source]]\nname = "shop desk"\nkind = "webhook"\nfields = { text = "body" }\n'
    with pytest.raises(ConfigError, match="inbound"):
        load(configs.write(tmp_path, sources=source), {})
    config = f'database = "listener.db"\n[inbound]\nport = {unused_tcp_port}\npublic_url = "https://ears.example"\n'
    settings = load(configs.write(tmp_path, listener=config, sources=source), {"WEBHOOK_SECRET": SECRET})
    out = StringIO()
    async with build(settings, Console(file=out, width=200), clock=lambda: NOW) as house, doors(house):
        checks = {check.name: check.found async for check in examine(house)}
        assert checks["source shop desk"] == "is brought to https://ears.example/in/shop%20desk"
        body = json.dumps({"id": "7", "body": "The Acme Air charger caught fire and burned my hand"}).encode()
        url = f"http://127.0.0.1:{unused_tcp_port}{path_of('shop desk')}"
        for _ in range(2):  # a sender that did not hear the answer sends it again
            async with client.post(url, data=body, headers=dict(signed(body).headers)) as answer:
                assert (answer.status, await answer.text()) == (202, "1 taken")
        async with house.store.engine():
            await turn(house)
            assert "Dana Fox" in out.getvalue()
            assert sum((await house.store.balance()).mentions.values()) == 1
