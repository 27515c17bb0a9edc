"""A mailbox, for alerts that come by mail, by IMAP (RFC 9051). It is only looked at: nothing is marked or moved.

Mails are read in the order of their UIDs, which the server gives once and never again while UIDVALIDITY stays the same;
when it changes, the last `history` is read anew, and what is known is told by its Message-ID. Each fetch has
a connection of its own. The cursor: {"validity": UIDVALIDITY, "uid": the last one read}
"""

import re
import ssl
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from imaplib import IMAP4, IMAP4_SSL, Internaldate2tuple
from time import mktime
from typing import Any

from connectors.blocking import Thread
from connectors.contract import Broken, ConnectorError, Cursor, Fix, Hearing, Page, Wait, from_env
from connectors.imap_parse import Mail, post_of, sender_of

DEAF_TO = (
    "IMAP: what an alert leaves out, and mails that a filter moved elsewhere before they were read, are not heard",
    "IMAP: a mail that lists several finds is one post",
)
PAGE = 50  # mails
LARGEST = 1024 * 1024  # bytes of a mail that are read
PROTOCOL = 64 * 1024  # bytes beside it
TIMEOUT = 30.0  # seconds for each answer
PATIENCE = 150.0  # seconds for one page of mails
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # whatever the language of this machine
SECURITY = ("tls", "starttls", "none")
_UID, _SIZE = re.compile(rb"\bUID (\d+)"), re.compile(rb"RFC822\.SIZE (\d+)")
_LATER = ("UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "CONTACTADMIN")  # RFC 5530: it may work another time


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    host: str
    user: str
    password: str = from_env("IMAP_PASSWORD")
    port: int = 993
    security: str = "tls"  # or "starttls", or "none", which is for this machine only
    folder: str = "INBOX"
    senders: tuple[str, ...] = ()  # addresses, or domains; only their mails are heard
    history: timedelta = timedelta(days=7)  # how far back the first reading goes


def mistakes(options: Mapping[str, Any]) -> list[str]:
    """What is wrong with a [[source]] table beyond the types of its values."""
    security = options.get("security", "tls")
    if security not in SECURITY:
        return [f"security: must be one of {', '.join(SECURITY)}"]
    if security == "none" and options["host"] not in ("localhost", "127.0.0.1", "::1"):
        return ['security: "none" would send the password in the clear; it is only for a server on this machine']
    return []


class _Bounded:
    """A server may say that a mail has any size: no more than what was asked for is taken in."""

    def read(self, size: int) -> bytes:
        if size > LARGEST + PROTOCOL:
            raise IMAP4.abort(f"{size} bytes were sent where at most {LARGEST} were asked for")
        return super().read(size)  # type: ignore[misc,no-any-return]


class _Plain(_Bounded, IMAP4): ...


class _Secure(_Bounded, IMAP4_SSL): ...


class ImapConnector:
    def __init__(self, name: str, options: Options):
        self.name = name
        self._options = options
        self._place = f"{name}: {options.host}"
        self._thread = Thread("imap")

    async def aclose(self) -> None:
        self._thread.close()

    async def fetch(self, cursor: Cursor, now: datetime) -> Page:
        if not self._options.password:
            raise Fix(f"{self.name}: set IMAP_PASSWORD to the password of {self._options.user}")
        try:
            return await self._thread.run(PATIENCE, self._fetch, cursor, now)
        except TimeoutError:
            raise Wait(f"{self._place}: gave no mails within {PATIENCE:.0f} s; tried again later") from None

    def _fetch(self, cursor: Cursor, now: datetime) -> Page:
        with self._translated(), self._opened() as box:
            validity = _number(box, "UIDVALIDITY")
            last = cursor.get("uid") if cursor.get("validity") == validity else None
            waiting = self._waiting(box, last, now)
            mails = self._read(box, waiting[:PAGE]) if waiting else []
            last = waiting[:PAGE][-1] if waiting else last or _number(box, "UIDNEXT") - 1
            lost = self._lost(box, set(waiting[:PAGE]) - {mail.uid for mail in mails})
        wanted = [mail for mail in mails if self._is_wanted(mail)]
        note = told(lost, sum(mail.size > LARGEST for mail in wanted))
        return Page(
            cursor={"validity": validity, **({"uid": last} if last >= 0 else {})},
            posts=tuple(post_of(mail, self.name) for mail in wanted),
            more=len(waiting) > PAGE,
            hearing=Hearing.TRUNCATED if note else Hearing.HEARD,
            note=note,
        )

    def _lost(self, box: IMAP4, missing: set[int]) -> int:
        """How many that were not given are there nevertheless; the others were deleted meanwhile."""
        if not missing:
            return 0
        _, found = _well(box.uid("SEARCH", f"UID {','.join(map(str, missing))}"))
        return len(missing & _uids(found))

    @contextmanager
    def _opened(self) -> Iterator[IMAP4]:
        """The folder, to be looked at only (EXAMINE)."""
        box = self._connected()
        try:
            self._sign_in(box)
            status, said = box.select(_quoted(self._options.folder), readonly=True)
            if status != "OK":
                raise Fix(f"{self._place}: has no folder {self._options.folder} ({_plain(said)}); {self._folders(box)}")
            yield box
        finally:
            with suppress(IMAP4.error, OSError):
                box.logout()
            with suppress(OSError):
                box.shutdown()

    def _connected(self) -> IMAP4:
        host, port = self._options.host, self._options.port
        if self._options.security == "tls":
            return _Secure(host, port, ssl_context=ssl.create_default_context(), timeout=TIMEOUT)
        box = _Plain(host, port, timeout=TIMEOUT)
        if self._options.security == "starttls":
            self._secured(box)
        return box

    def _secured(self, box: IMAP4) -> None:
        try:
            box.starttls(ssl.create_default_context())
        except (IMAP4.error, OSError) as wrong:
            box.shutdown()
            if isinstance(wrong, IMAP4.error):
                raise Fix(f"{self._place}: speaks no STARTTLS at port {self._options.port}; check security") from None
            raise

    def _sign_in(self, box: IMAP4) -> None:
        user, password = self._options.user, self._options.password
        try:
            if f"{user}{password}".isascii():
                box.login(_quoted(user), password)
            else:  # LOGIN knows no other letters
                box.authenticate("PLAIN", lambda _: f"\0{user}\0{password}".encode())
        except IMAP4.abort:
            raise
        except IMAP4.error as no:
            said = _plain(no.args).replace(password, "…")
            if any(f"[{code}]" in said for code in _LATER):
                raise Wait(f"{self._place}: does not let us in at present ({said})") from None
            raise Fix(f"{self._place}: refuses {user} ({said}); check user and IMAP_PASSWORD") from None

    def _folders(self, box: IMAP4) -> str:
        with suppress(IMAP4.error, OSError):
            names = [line.rpartition(b" ")[2] for line in box.list()[1] if isinstance(line, bytes)]
            return f"it has {', '.join(name.decode('ascii', 'replace') for name in names[:12])}"
        return "check folder"

    def _waiting(self, box: IMAP4, last: int | None, now: datetime) -> list[int]:
        """UIDs that were not read yet, oldest first. `n:*` names the newest mail even when it is older than n."""
        since = now - self._options.history
        asked = f"SINCE {since.day:02}-{MONTHS[since.month - 1]}-{since.year}" if last is None else f"UID {last + 1}:*"
        _, found = _well(box.uid("SEARCH", asked))
        return sorted(uid for uid in _uids(found) if last is None or uid > last)

    def _read(self, box: IMAP4, uids: Sequence[int]) -> list[Mail]:
        """What was deleted meanwhile is not among them. PEEK leaves a mail unread."""
        wanted = f"(UID RFC822.SIZE INTERNALDATE BODY.PEEK[]<0.{LARGEST}>)"
        _, found = _well(box.uid("FETCH", ",".join(map(str, uids)), wanted))
        mails = (_mail(one, found[place + 1 : place + 2]) for place, one in enumerate(found) if isinstance(one, tuple))
        return sorted((mail for mail in mails if mail.uid in uids), key=lambda mail: mail.uid)

    def _is_wanted(self, mail: Mail) -> bool:
        if not self._options.senders:
            return True
        sender = sender_of(mail.raw)
        return any(sender == one.lower() or sender.endswith(f"@{one.lower()}") for one in self._options.senders)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """imaplib's troubles and the socket's, in our words."""
        try:
            yield
        except ConnectorError:
            raise
        except ssl.SSLCertVerificationError as wrong:
            raise Fix(f"{self._place}: its certificate is not valid ({wrong.verify_message})") from None
        except ssl.SSLError as wrong:
            port = f"no TLS is spoken at port {self._options.port}"
            raise Fix(f"{self._place}: {port} ({wrong.reason}); check port and security") from None
        except OSError as wrong:
            raise Wait(f"{self._place}: cannot be reached ({wrong.strerror or wrong}); tried again later") from None
        except IMAP4.abort as wrong:
            raise Wait(f"{self._place}: the connection broke ({_plain(wrong.args)}); tried again later") from None
        except (IMAP4.error, ValueError) as wrong:
            raise Broken(f"{self._place}: answered something that is not understood ({_plain(wrong.args)})") from None


def _well(answer: tuple[str, list[Any]]) -> tuple[str, list[Any]]:
    if answer[0] != "OK":
        raise IMAP4.error(_plain(answer[1]))
    return answer


def _uids(found: Sequence[Any]) -> set[int]:
    return {int(uid) for line in found if line for uid in line.split() if uid.isdigit()}


def told(lost: int, large: int) -> str:
    """Sentences for what was not read; "" when all was. Pure."""
    missing = f"{lost} mails could not be read and were left out" if lost else ""
    cut = f"of {large} mails only the first {LARGEST >> 20} MB was read" if large else ""
    return "; ".join(filter(None, (missing, cut)))


def _number(box: IMAP4, name: str) -> int:
    """What the server said of the folder; 0 when it did not."""
    _, said = box.response(name)
    return int(said[-1]) if said and said[-1] else 0


def _mail(one: tuple[bytes, bytes], tail: Sequence[Any]) -> Mail:
    """The server may tell the UID before the mail or behind it."""
    told = one[0] + b" " + b" ".join(part for part in tail if isinstance(part, bytes))
    uid, size, arrived = _UID.search(told), _SIZE.search(told), Internaldate2tuple(told)
    return Mail(
        uid=int(uid[1]) if uid else 0,
        raw=one[1],
        size=int(size[1]) if size else len(one[1]),
        arrived=datetime.fromtimestamp(mktime(arrived), UTC) if arrived else None,
    )


def _plain(said: Sequence[Any]) -> str:
    """What a server, or imaplib, said: bytes or text."""
    parts = (part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in said)
    return " ".join(parts)[:160]


def _quoted(name: str) -> str:
    """A quoted string; other letters than ASCII in the UTF-7 of RFC 3501, 5.1.3."""
    text = re.sub("[^\x20-\x7e]+", _utf7, name.replace("&", "&-"))
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _utf7(found: re.Match[str]) -> str:
    coded = b64encode(found[0].encode("utf-16-be", "replace")).decode().rstrip("=").replace("/", ",")
    return f"&{coded}-"
