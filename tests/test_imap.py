"""A mailbox is only looked at: every mail is heard once, however broken it is, and nothing in it is ever changed."""

import base64
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mailserver import PASSWORD, MailServer
from polling import NOW, Poller, ids

from connectors import check_options
from connectors.contract import Broken, ConnectorError, Fix, Hearing, Wait
from connectors.imap import LARGEST, PAGE, ImapConnector, Options, _quoted
from connectors.imap_parse import Mail, post_of

DATA = Path(__file__).parent / "data/imap"
GOLDEN = json.loads((DATA / "answers.json").read_text())


@pytest.fixture
def box() -> Iterator[MailServer]:
    with MailServer().open() as server:
        yield server


def ear(box: MailServer, **given: Any) -> Poller:
    given = {"host": "127.0.0.1", "port": box.port, "user": "ears@ears.example", "security": "none", **given}
    return Poller(ImapConnector("mail", Options(**{"password": PASSWORD, **given})))


def letter(text: str = "acme lost my bag", **headers: str) -> bytes:
    message = EmailMessage()
    headers = {"From": "alerts@alerts.example", "Subject": "Alert", **headers}
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def read(raw: bytes, arrived: datetime | None = NOW) -> Any:
    return post_of(Mail(uid=1, raw=raw, size=len(raw), arrived=arrived), "mail")


@pytest.mark.parametrize("name", GOLDEN)
def test_a_mail_is_the_post_it_means(name: str) -> None:
    post = read((DATA / name).read_bytes())
    assert GOLDEN[name] == {
        "id": post.id, "url": post.url, "title": post.title, "text": post.text, "author": post.author.handle,
        "name": post.author.name, "created": post.created.isoformat(), "parent": post.parent, "root": post.root,
        "site": post.site,
    }  # fmt: skip


def test_a_broken_mail_is_read_as_far_as_it_goes() -> None:
    post = read((DATA / "broken.eml").read_bytes())
    assert "broken" in post.text and post.created == NOW and len(post.id) == 24
    assert post.title.endswith("acme") and post.url == "https://one.example/x"
    assert read((DATA / "broken.eml").read_bytes()).id == post.id


@given(st.binary(max_size=600))
def test_any_bytes_are_some_mail(raw: bytes) -> None:
    read(raw, None)


NESTED = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(3_000))
HOSTILE = [
    b"Subject: acme\r\n" + NESTED,
    b"Subject: " + b"=?utf-8?q?" * 5_000 + b"\r\n\r\nacme",
    b"From: " + b"a@b, " * 20_000 + b"\r\nSubject: acme\r\n\r\n",
    b"Subject: acme\r\nContent-Type: text/plain; charset*=utf-8''%ff%fe\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!",
    b"Subject: acme\r\nContent-Type: text/html\r\n\r\n" + b"<a href='https://[" * 2_000,
    b"Content-Type: text/html\r\nSubject: acme\r\n\r\n" + b"<a " * 300_000,
    b"Message-ID: <" + b"x" * 100_000 + b">\r\nDate: Mon, 99 Foo 99999 99:99:99 +9999\r\nSubject: acme\r\n\r\n",
]


@pytest.mark.parametrize("raw", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_mail_is_some_mail(raw: bytes) -> None:
    post = read(raw)
    assert post.source == "mail" and len(post.id) < 1_000 and post.created == NOW


async def test_mails_are_heard_in_their_order_page_by_page_and_once(box: MailServer) -> None:
    for number in range(2 * PAGE + 3):
        box.put(letter(Message_ID=f"<m{number}@x>"))
    poller = ear(box)
    assert ids(await poller.poll()) == [f"m{number}@x" for number in range(2 * PAGE + 3)]
    assert [len(page.posts) for page in poller.pages] == [PAGE, PAGE, 3]
    assert await poller.poll() == []
    box.put(letter(Message_ID="<new@x>"))
    assert ids(await poller.poll()) == ["new@x"]


async def test_nothing_in_the_mailbox_is_ever_changed(box: MailServer) -> None:
    box.put(letter())
    poller = ear(box)
    await poller.poll(), await poller.poll()
    assert box.meddled == [] and all(".PEEK[" in line for line in box.asked if "FETCH" in line)
    assert {line.split()[0] for line in box.asked} == {"CAPABILITY", "LOGIN", "EXAMINE", "UID", "LOGOUT"}


async def test_the_first_reading_goes_back_as_far_as_it_was_told_and_an_empty_one_is_remembered(
    box: MailServer,
) -> None:
    box.put(letter(Message_ID="<old@x>"), NOW - timedelta(days=30))
    poller = ear(box)
    assert await poller.poll() == []
    box.put(letter(Message_ID="<late@x>"), NOW - timedelta(days=29))  # moved here by a filter
    assert ids(await poller.poll()) == ["late@x"]


async def test_a_mailbox_that_was_rebuilt_is_read_anew(box: MailServer) -> None:
    box.put(letter(Message_ID="<a@x>")), box.put(letter(Message_ID="<b@x>"))
    poller = ear(box)
    await poller.poll()
    box.validity, box.mails, box.last = 8, [], 0
    box.put(letter(Message_ID="<b@x>")), box.put(letter(Message_ID="<c@x>"))
    assert ids(await poller.poll()) == ["b@x", "c@x"]
    assert await poller.poll() == []


async def test_the_same_mail_twice_and_a_mail_without_a_name_are_known_again(box: MailServer) -> None:
    for _ in range(2):
        box.put(letter(Message_ID="<a@x>")), box.put(letter())
    heard = await ear(box).poll()
    assert len(heard) == 4 and len({post.id for post in heard}) == 2


async def test_only_the_senders_that_were_named_are_heard(box: MailServer) -> None:
    for sender in (
        "A <ALERTS@alerts.example>",
        "b@sub.alerts.example",
        "c@watch.example",
        "alerts.example@evil.example",
    ):
        box.put(letter(From=sender))
    poller = ear(box, senders=("alerts@alerts.example", "watch.example"))
    assert [post.author.handle for post in await poller.poll()] == ["ALERTS@alerts.example", "c@watch.example"]


async def test_a_huge_mail_is_read_in_part_and_that_is_said(box: MailServer) -> None:
    box.put(letter("acme " * 300_000, Message_ID="<a@x>"))
    poller = ear(box)
    [post] = await poller.poll()
    assert LARGEST * 0.9 < len(post.text) <= LARGEST
    assert (poller.last.hearing, poller.last.note) == (Hearing.TRUNCATED, "of 1 mails only the first 1 MB was read")


async def test_what_the_server_keeps_to_itself_is_said_and_what_was_deleted_is_not(box: MailServer) -> None:
    first, second = box.put(letter(Message_ID="<a@x>")), box.put(letter(Message_ID="<b@x>"))
    box.withheld = {first}
    poller = ear(box)
    assert ids(await poller.poll()) == ["b@x"] and poller.cursor["uid"] == second
    assert poller.last.note == "1 mails could not be read and were left out"
    box.put(letter(Message_ID="<c@x>"))
    box.says = {"UID FETCH": b"* 1 FETCH (UID 3 nonsense)\r\nTAG OK .\r\n"}
    assert await poller.poll() == [] and poller.last.hearing is Hearing.TRUNCATED


async def test_a_server_may_tell_the_number_behind_the_mail(box: MailServer) -> None:
    box.uid_last = True
    box.put(letter(Message_ID="<a@x>"))
    assert ids(await ear(box).poll()) == ["a@x"]


async def test_words_of_every_script_open_the_door(box: MailServer) -> None:
    box.put(letter(Message_ID="<a@x>"))
    assert len(await ear(box, password="pässwörd").poll()) == 1
    assert box.asked[2] == base64.b64encode("\0ears@ears.example\0pässwörd".encode()).decode()


def test_a_folder_is_named_as_imap_names_it() -> None:
    assert _quoted('a "b" \\c & d') == '"a \\"b\\" \\\\c &- d"'
    assert _quoted("Entwürfe/台北") == '"Entw&APw-rfe/&U,BTFw-"'  # RFC 3501, 5.1.3


@pytest.mark.parametrize(
    ("says", "error", "said"),
    [
        ({"LOGIN": b"TAG NO [AUTHENTICATIONFAILED] no\r\n"}, Fix, "check user and IMAP_PASSWORD"),
        ({"LOGIN": b"TAG NO [UNAVAILABLE] maintenance\r\n"}, Wait, "at present"),
        ({"LOGIN": b""}, Wait, "broke"),
        ({"EXAMINE": b"TAG NO Unknown\r\n"}, Fix, "it has .*INBOX.*Junk"),
        ({"EXAMINE": b""}, Wait, "broke"),
        ({"UID SEARCH": b"* BYE shutting down\r\n"}, Wait, "broke"),
        ({"UID SEARCH": b"TAG NO try later\r\n"}, Broken, "not understood"),
        ({"UID FETCH": b""}, Wait, "broke"),
        ({"UID FETCH": b"* 1 FETCH (UID 1 BODY[]<0> {9}\r\nhalf\r\nTAG OK .\r\n* BYE\r\n"}, Wait, "broke"),
        ({"CAPABILITY": b"* CAPABILITY POP3\r\nTAG OK .\r\n"}, Broken, "not understood"),
        ({"CAPABILITY": b"HTTP/1.1 400 Bad Request\r\n\r\n"}, ConnectorError, "broke|understood"),
    ],
)  # fmt: skip
async def test_trouble_is_sorted_and_nothing_is_lost(
    box: MailServer, says: dict[str, bytes], error: type[ConnectorError], said: str
) -> None:
    poller = ear(box)
    await poller.poll()
    box.put(letter(Message_ID="<a@x>"))
    box.says = says
    with pytest.raises(error, match=said) as caught:
        await poller.poll()
    assert PASSWORD not in str(caught.value)
    box.says = {}
    assert ids(await poller.poll()) == ["a@x"]


async def test_who_is_not_there_and_who_speaks_no_tls_is_told_apart(box: MailServer) -> None:
    with pytest.raises(Fix, match="no TLS is spoken at port"):
        await ear(box, security="tls").poll()
    with pytest.raises((Fix, Broken)):
        await ear(box, security="starttls").poll()
    with pytest.raises(Wait, match="cannot be reached"):
        await ear(box, port=1).poll()
    with pytest.raises(Fix, match="set IMAP_PASSWORD"):
        await ear(box, password="").poll()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"host": "imap.example", "user": "a", "security": "ssl"}, "security: must be one of tls, starttls, none"),
        ({"host": "imap.example", "user": "a", "security": "none"}, "in the clear"),
        ({"host": "imap.example", "user": "a", "password": "x"}, "set IMAP_PASSWORD in the environment"),
        ({"user": "a"}, "host: is missing"),
    ],
)
def test_a_table_with_a_mistake_is_told(options: dict[str, Any], said: str) -> None:
    assert any(said in problem for problem in check_options("imap", options))
