"""The one door to a mail server: a text and the same as HTML, to one person. Standard library, in a thread."""

import asyncio
import html
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

from escalation.clean import line, whole
from listener.settings.model import Mail

PATIENCE = 30.0  # seconds for each step


class NotMailed(Exception):
    """It did not leave; the message says why, without the password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """`key` is the same for every attempt: a mailbox that gets it twice sees that it is one letter."""

    key: str
    to: str
    subject: str
    text: str
    html: str


async def post(letter: Letter, mail: Mail, now: datetime) -> None:
    """Raises NotMailed."""
    await asyncio.to_thread(_send, message(letter, mail.sender, now), mail)


def message(letter: Letter, sender: str, now: datetime) -> EmailMessage:
    """Both forms, the plain one first (RFC 2046, 5.1.4). Pure."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, letter.to, line(letter.subject, 150)
    made["Date"] = format_datetime(now)
    made["Message-ID"] = f"<{letter.key}@listening-post.invalid>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers us
    made.set_content(whole(letter.text))
    made.add_alternative(whole(letter.html), subtype="html")
    return made


def escaped(text: str) -> str:
    """For the HTML of a letter."""
    return html.escape(text)


def _send(made: EmailMessage, mail: Mail) -> None:
    try:
        with _connected(mail) as server:
            if mail.user:
                server.login(mail.user, mail.password)
            server.send_message(made)
    except smtplib.SMTPAuthenticationError:
        raise NotMailed(f"{mail.host} refuses the name or the password in SMTP_URL") from None
    except smtplib.SMTPRecipientsRefused:
        raise NotMailed(f"{mail.host} does not take mail for this address") from None
    except (smtplib.SMTPException, OSError) as wrong:
        raise NotMailed(f"{mail.host} port {mail.port}: {type(wrong).__name__}") from None


@contextmanager
def _connected(mail: Mail) -> Iterator[smtplib.SMTP]:
    if mail.scheme == "smtps":
        with smtplib.SMTP_SSL(mail.host, mail.port, timeout=PATIENCE, context=ssl.create_default_context()) as server:
            yield server
        return
    with smtplib.SMTP(mail.host, mail.port, timeout=PATIENCE) as server:
        if mail.scheme == "smtp":
            server.starttls(context=ssl.create_default_context())
        yield server
