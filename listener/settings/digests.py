"""[digest] -> who reads what when; SMTP from the environment."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote, urlsplit

from listener.settings.model import NO_MAIL, Digests, Mail, Secret, When
from listener.tables import Table

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WHEN = re.compile(r"(?:([A-Za-z]{3})\s+)?([01]?\d|2[0-3]):([0-5]\d)")


def read_digests(table: Table, people: Iterable[str], brands: Iterable[str], env: Mapping[str, str]) -> Digests:
    who, named = _texts(table, "who"), _texts(table, "brands")
    for key, given, known in (("who", who, tuple(people)), ("brands", named, tuple(brands))):
        for unknown in sorted(set(given) - set(known)):
            table.wrong(key, f'"{unknown}" is not known; choose from {", ".join(known) or "…"}')
    when = tuple(_when(table, text) for text in (_texts(table, "when") or ("08:00",)))
    table.done()
    return Digests(who=who, when=when, brands=named, mail=_mail(table, env))


def _texts(table: Table, key: str) -> tuple[str, ...]:
    """One may stand without its brackets."""
    return (table.text(key),) if isinstance(table.data.get(key), str) else table.texts(key)


def _when(table: Table, text: str) -> When:
    found = _WHEN.fullmatch(text.strip())
    day = (found[1] or "").lower() if found else ""
    if not found or (day and day not in DAYS):
        table.wrong("when", f'"{text}" is not a time; write "08:00" for each day, or "Mon 08:00" for once a week')
        return When(hour=8, minute=0)
    return When(hour=int(found[2]), minute=int(found[3]), day=DAYS.index(day) if day else None)


def _mail(table: Table, env: Mapping[str, str]) -> Mail:
    """SMTP_URL is smtp://user:password@host:587 (TLS begins at once it is connected) or smtps://…:465."""
    url, sender = env.get("SMTP_URL", "").strip(), env.get("SMTP_FROM", "").strip()
    if not url:
        return NO_MAIL
    try:
        parts = urlsplit(url)
        port = parts.port or {"smtp": 587, "smtps": 465, "smtp+plain": 25}[parts.scheme]
    except (ValueError, KeyError):
        table.wrong(
            "", "SMTP_URL in the environment is no address of a mail server; write smtp://user:password@host:587"
        )
        return NO_MAIL
    if not parts.hostname or not sender:
        table.wrong("", "mail needs SMTP_URL with a host and SMTP_FROM, the address it comes from, in the environment")
        return NO_MAIL
    user, password = unquote(parts.username or ""), Secret(unquote(parts.password or ""))
    return Mail(scheme=parts.scheme, host=parts.hostname, port=port, user=user, password=password, sender=sender)
