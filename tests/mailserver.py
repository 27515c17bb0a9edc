"""A mail server on loopback that does what a test tells it to: IMAP4rev1, as much of it as a reader needs.

Whatever would change the mailbox (SELECT, STORE, EXPUNGE, …) is refused and remembered in `meddled`.
"""

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

PASSWORD = "right-secret"


@dataclass
class Mail:
    uid: int
    raw: bytes
    arrived: datetime


@dataclass
class MailServer:
    """`says` maps a command to what is answered instead: bytes, sent as they are; b"" hangs up."""

    mails: list[Mail] = field(default_factory=list)
    validity: int = 7
    last: int = 0
    folder: str = "INBOX"
    says: dict[str, bytes] = field(default_factory=dict)
    withheld: set[int] = field(default_factory=set)  # UIDs that are there and not given
    meddled: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    port: int = 0
    uid_last: bool = False  # tells the UID behind the mail

    @contextmanager
    def open(self) -> Iterator["MailServer"]:
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._handler())
        server.daemon_threads = True
        self.port = server.server_address[1]
        thread = threading.Thread(target=lambda: server.serve_forever(0.01), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def put(self, raw: bytes | str, arrived: datetime = datetime(2026, 5, 4, 12, 55, tzinfo=UTC)) -> int:
        self.last += 1
        self.mails.append(Mail(self.last, raw.encode() if isinstance(raw, str) else raw, arrived))
        return self.last

    def _handler(self) -> type[socketserver.StreamRequestHandler]:
        mailbox = self

        class Handler(socketserver.StreamRequestHandler):
            timeout = 5

            def handle(self) -> None:
                self.wfile.write(b"* OK ready\r\n")
                try:
                    while line := self.rfile.readline():
                        if not mailbox._answer(line.decode("latin-1").rstrip("\r\n"), self.rfile, self.wfile):
                            return
                except OSError:
                    return

        return Handler

    def _answer(self, line: str, reading: Any, writing: Any) -> bool:
        tag, _, command = line.partition(" ")
        name = " ".join(command.upper().split()[: 2 if command.upper().startswith("UID ") else 1])
        self.asked.append(command)
        if name in self.says:
            writing.write(self.says[name].replace(b"TAG", tag.encode()))
            return bool(self.says[name])
        said, done = self._say(name, command, reading, writing)
        writing.write(said + f"{tag} {done} .\r\n".encode())
        return name != "LOGOUT"

    def _say(self, name: str, command: str, reading: Any, writing: Any) -> tuple[bytes, str]:
        match name:
            case "CAPABILITY":
                return b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", "OK"
            case "LOGIN":
                let_in = command.endswith(f'"{PASSWORD}"')
                return b"", "OK" if let_in else "NO [AUTHENTICATIONFAILED] Invalid credentials"
            case "AUTHENTICATE":
                writing.write(b"+ \r\n")
                self.asked.append(reading.readline().decode().strip())
                return b"", "OK"
            case "EXAMINE":
                if command.split(" ", 1)[1] != f'"{self.folder}"':
                    return b"", "NO [NONEXISTENT] Unknown mailbox"
                told = f"* {len(self.mails)} EXISTS\r\n* OK [UIDVALIDITY {self.validity}] .\r\n* OK [UIDNEXT {self.last + 1}] .\r\n"
                return told.encode(), "OK [READ-ONLY]"
            case "LIST":
                return f'* LIST () "/" "{self.folder}"\r\n* LIST () "/" Junk\r\n'.encode(), "OK"
            case "UID SEARCH":
                return f"* SEARCH {' '.join(map(str, self._found(command)))}\r\n".encode(), "OK"
            case "UID FETCH":
                return b"".join(self._given(command)), "OK"
            case "NOOP" | "LOGOUT":
                return b"* BYE\r\n" if name == "LOGOUT" else b"", "OK"
            case _:
                self.meddled.append(command)
                return b"", "BAD not here"

    def _found(self, command: str) -> list[int]:
        if since := re.search(r"SINCE (\S+)", command):
            day = datetime.strptime(since[1], "%d-%b-%Y").replace(tzinfo=UTC)
            return [mail.uid for mail in self.mails if mail.arrived >= day]
        wanted = command.rpartition(" ")[2]
        if wanted.endswith(":*"):  # the newest is always in a range with a star
            return [mail.uid for mail in self.mails if mail.uid >= int(wanted[:-2]) or mail is self.mails[-1]]
        return [mail.uid for mail in self.mails if str(mail.uid) in wanted.split(",")]

    def _given(self, command: str) -> Iterator[bytes]:
        asked = re.fullmatch(r"UID FETCH (\S+) \(UID RFC822.SIZE INTERNALDATE BODY.PEEK\[\]<0.(\d+)>\)", command)
        assert asked, command
        for number, mail in enumerate(self.mails, 1):
            if str(mail.uid) in asked[1].split(",") and mail.uid not in self.withheld:
                part = mail.raw[: int(asked[2])]
                uid = f"UID {mail.uid}"
                facts = f'RFC822.SIZE {len(mail.raw)} INTERNALDATE "{mail.arrived:%d-%b-%Y %H:%M:%S} +0000"'
                head = f"* {number} FETCH ({'' if self.uid_last else uid} {facts} BODY[]<0> {{{len(part)}}}\r\n"
                yield head.encode() + part + (f" {uid})\r\n" if self.uid_last else ")\r\n").encode()
