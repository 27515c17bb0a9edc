"""Who comes in, as whom, and what each role may do. Whatever is not said here is not allowed.

A session is 256 random bits in a cookie; the store keeps their hash, the person and the end, so a stolen database opens
no door and a session can be taken back. Roles are the configuration's, read with each request and kept in no session.
"""

import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from listener.settings import Role, Settings
from listener.storage.contract import Key, Store

SESSION = timedelta(hours=12)
LINK = timedelta(minutes=30)
ANYBODY = ""  # whose link this is when it may be anybody's: its holder says who they are


class Act(StrEnum):
    """What a page or a form needs."""

    LOOK = "look at cases and search"
    WORK = "work on cases"
    SEARCH = "save searches and take history out"
    LEAD = "read the executive pages"


ALLOWED = {
    Act.LOOK: frozenset(Role),
    Act.WORK: frozenset({Role.AGENT, Role.LEAD}),
    Act.SEARCH: frozenset({Role.LEAD, Role.PR, Role.EXECUTIVE, Role.AUDITOR}),
    Act.LEAD: frozenset({Role.LEAD, Role.EXECUTIVE, Role.PR, Role.AUDITOR}),
}


CHANGING = frozenset({Act.WORK, Act.SEARCH})  # what a key that only reads is not for


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Somebody who is signed in."""

    name: str
    timezone: str
    roles: frozenset[Role]
    token: str  # of the session; never shown
    reads: bool = False  # a program that may do nothing else
    brands: tuple[str, ...] = ()  # a program that hears of no others; () is all

    def may(self, act: Act) -> bool:
        return bool(self.roles & ALLOWED[act]) and not (self.reads and act in CHANGING)

    def hears_of(self, brand: str) -> bool:
        return not self.brands or brand in self.brands

    @property
    def csrf(self) -> str:
        """Goes into every form. Who has it has the session; who has a page of another site has neither."""
        return sha256(f"form {self.token}".encode()).hexdigest()

    def sent(self, csrf: str) -> bool:
        return hmac.compare_digest(self.csrf.encode(), csrf.encode("utf-8", "replace"))


def hashed(token: str, what: str) -> str:
    """`what` keeps a link's token from being taken for a session's."""
    return f"{what}:{sha256(token.encode('utf-8', 'replace')).hexdigest()}"


async def new_link(store: Store, person: str, now: datetime) -> str:
    """The token of a link that lets `person` in, once, within half an hour."""
    return await _new(store, "link", person, now, LINK)


async def spend_link(store: Store, token: str, now: datetime) -> str | None:
    """Whose link it was, once; None when it is unknown, over, or spent: of two who are quick, one gets in."""
    key = hashed(token, "link")
    person = await store.pass_of(key, now)
    return person if person is not None and await store.drop_passes(key=key) else None


async def new_key(store: Store, key: Key) -> str:
    """What a program shows to ask in this person's name. It is nowhere else: only its hash is kept."""
    token = f"lp_{secrets.token_urlsafe(32)}"
    await store.add_key(hashed(token, "key"), key)
    return token


def rights(key: Key) -> str:
    """In words."""
    return f"{'reads only' if key.reads else 'reads and works'}, {', '.join(key.brands) or 'all brands'}"


def program(settings: Settings, key: Key) -> Visitor | None:
    """Who shows this key: its person, with the rights they have now or fewer; None when they have left."""
    who = named(settings, key.person)
    return replace(who, reads=key.reads, brands=key.brands) if who else None


async def new_session(store: Store, person: str, now: datetime) -> str:
    return await _new(store, "session", person, now, SESSION)


async def _new(store: Store, what: str, person: str, now: datetime, lasts: timedelta) -> str:
    token = secrets.token_urlsafe(32)
    await store.keep_pass(hashed(token, what), person, now + lasts, now)
    return token


async def visitor(store: Store, settings: Settings, token: str, now: datetime) -> Visitor | None:
    """None for a token that is unknown or over, and for who is not in people.toml any more."""
    name = await store.pass_of(hashed(token, "session"), now) if token else None
    return named(settings, name, token) if name else None


def named(settings: Settings, name: str, token: str = "") -> Visitor | None:
    """Somebody of people.toml, with the rights they have now."""
    person = settings.person(name)
    if person is None:
        return None
    member = settings.members.get(person.name)
    return Visitor(
        name=person.name,
        timezone=person.timezone,
        roles=member.roles if member else frozenset({Role.AGENT}),
        token=token,
    )


async def end_session(store: Store, token: str) -> None:
    await store.drop_passes(key=hashed(token, "session"))
