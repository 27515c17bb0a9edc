"""A mail, as it came over the wire -> Post (RFC 5322, MIME). Pure. Every mail is readable, however broken it is.

A mail is known by its Message-ID. Its text is the plain part, else the words of the HTML; its address is where the mail
says it can be read (Archived-At, RFC 5064), else the first link that leads to something.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parseaddr, parsedate_to_datetime
from hashlib import blake2b
from html import unescape
from itertools import islice
from urllib.parse import parse_qs, urlsplit

from connectors.post import Author, Post
from connectors.text import plain

MOST_PARTS = 100
LONGEST_HEADER = 2_000  # characters
_HREF = re.compile(r"""<a\b[^<>]{0,500}?\bhref\s*=\s*["']?(https?://[^"'\s>]{1,4000})""", re.IGNORECASE)
_LINK = re.compile(r"https?://[^\s<>\"'\])]{1,4000}")
_MESSAGE_ID = re.compile(r"<([^<>\s]{1,900})>")
_CHORES = re.compile(r"unsubscribe|optout|opt-out|preferences|settings|privacy|/terms|abuse@", re.IGNORECASE)
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".css")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What a mailbox gives: `size` of the whole, of which `raw` may be the beginning."""

    uid: int
    raw: bytes
    size: int
    arrived: datetime | None


def post_of(mail: Mail, source: str) -> Post:
    message = _parsed(mail.raw)
    words, markup = _text(message)
    sender = _sender(message)
    url = _address(_raw(message, "archived-at"), words, markup)
    subject = _words(_raw(message, "subject"))
    text = words.strip() or plain(markup)
    above = _MESSAGE_ID.findall(_raw(message, "references"))
    return Post(
        source=source,
        id=_id(message, f"{sender}{_raw(message, 'date')}{subject}{text}"),
        url=url,
        title=subject,
        text=text,
        author=Author(handle=sender[1], name=sender[0]),
        created=_date(_raw(message, "date")) or mail.arrived,
        site=_host(url),
        parent=next(iter(_MESSAGE_ID.findall(_raw(message, "in-reply-to"))), above[-1] if above else ""),
        root=above[0] if above else "",
    )


def _parsed(raw: bytes) -> Message:
    """Parts in parts in parts cost more than they can say: of such a mail the head is left."""
    if raw.lower().count(b"boundary") > MOST_PARTS:
        return BytesHeaderParser().parsebytes(raw)
    return message_from_bytes(raw)


def _raw(message: Message, name: str) -> str:
    return next((str(value) for key, value in message.raw_items() if key.lower() == name), "")


def _sender(message: Message) -> tuple[str, str]:
    """Name and address."""
    given = _raw(message, "from")[:LONGEST_HEADER]
    try:
        name, address = parseaddr(given)
    except RecursionError:  # comments in comments in comments
        name, address = given, ""
    return _words(name), _words(address)


def _words(raw: str) -> str:
    """A header on one line, encoded words (RFC 2047) decoded; as it stands when that cannot be done."""
    raw = raw[:LONGEST_HEADER].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    try:
        pieces = decode_header(raw)
    except (ValueError, HeaderParseError):
        pieces = [(raw, None)]
    said = (piece if isinstance(piece, str) else _in_charset(piece, charset or "utf-8") for piece, charset in pieces)
    return " ".join("".join(said).split())


def _in_charset(payload: bytes, named: str) -> str:
    """In the charset it names, when that is one and fits."""
    for charset in (named, "utf-8"):
        with suppress(LookupError, ValueError):
            return payload.decode(charset)
    return payload.decode("cp1252", "replace")


def sender_of(raw: bytes) -> str:
    """The address a mail says it is from, in lower case."""
    return _sender(BytesHeaderParser().parsebytes(raw))[1].lower()


def _text(message: Message) -> tuple[str, str]:
    """The plain words and the HTML; of each the first part that has any, attachments left out."""
    found = {"text/plain": "", "text/html": ""}
    for part in islice(message.walk(), MOST_PARTS):
        broken = part.get_content_maintype() == "multipart" and not part.is_multipart()
        kind = "text/plain" if broken else part.get_content_type()
        if kind in found and not found[kind].strip() and part.get_content_disposition() != "attachment":
            payload = part.get_payload(decode=True)
            found[kind] = _in_charset(payload, _charset(part)) if isinstance(payload, bytes) else ""
    return found["text/plain"], found["text/html"]


def _charset(part: Message) -> str:
    with suppress(LookupError, ValueError):
        return part.get_content_charset("utf-8")
    return "utf-8"


def _id(message: Message, otherwise: str) -> str:
    found = _MESSAGE_ID.search(_raw(message, "message-id"))
    return found[1] if found else blake2b(otherwise.encode("utf-8", "replace"), digest_size=12).hexdigest()


def _date(text: str) -> datetime | None:
    try:
        stated = parsedate_to_datetime(text)
        return (stated if stated.tzinfo else stated.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _address(archived: str, words: str, markup: str) -> str:
    stated = archived.strip("<> ")
    if stated.startswith(("https://", "http://")):
        return stated
    found = [unescape(link) for link in _HREF.findall(markup)] or _LINK.findall(words)
    links = [_unwrapped(link.rstrip(".,;")) for link in found]
    return next((link for link in links if _leads_somewhere(link)), "")


def _unwrapped(link: str) -> str:
    """Google Alerts send readers round by https://www.google.com/url?…&url=…"""
    try:
        parts = urlsplit(link)
    except ValueError:
        return ""
    if (parts.hostname or "").startswith("www.google.") and parts.path == "/url":
        asked = parse_qs(parts.query)
        return next((url for key in ("url", "q") for url in asked.get(key, []) if url.startswith("http")), link)
    return link


def _leads_somewhere(link: str) -> bool:
    """To a page of its own: not to a front page, a picture, or where one signs off."""
    try:
        path = urlsplit(link).path
    except ValueError:
        return False
    return len(path) > 1 and not _CHORES.search(link) and not path.lower().endswith(_PICTURES)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
