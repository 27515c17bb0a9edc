"""What the configuration says, once it is known to be right. Frozen; secrets do not show themselves."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from escalation.policy import Person, Policy, Team
from listener.playbook import Response
from listener.query import Node
from listener.rotas import Rota
from listener.routing import Route
from listener.storage.address import is_server
from listener.surge import Surge
from listener.triage import Rules

LOOPBACK = "127.0.0.1"


class Secret(str):
    """A token that does not show itself in a log or an error."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(…)" if self else "Secret()"


NO_SECRET = Secret()


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    name: str
    query: Node
    policy: str
    aliases: tuple[str, ...]  # the words that mean this brand: its query's positive terms
    accounts: tuple[str, ...] = ()  # handles that speak for it, folded, without @


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    name: str
    kind: str
    every: timedelta
    options: Mapping[str, Any]  # what belongs to the connector
    brands: tuple[str, ...] = ()  # whose queries it is searched for; empty: all
    about: str = ""  # the brand that everything heard there speaks of, whether it is named or not


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """Who hears of praise, or of questions, and how often at most."""

    tell: tuple[str, ...]
    every: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    mode: str = "socket"  # or "http"
    api_url: str = "https://slack.com/api/"
    channels: Mapping[str, str] = field(default_factory=dict)  # brand -> channel id; "" is the default
    host: str = LOOPBACK  # where clicks arrive in http mode
    port: int = 3000
    charts: bool = True  # drawn by Slack where it can; else pictures of them
    bot_token: Secret = NO_SECRET
    app_token: Secret = NO_SECRET
    signing_secret: Secret = NO_SECRET
    oauth: bool = False  # several workspaces, each with a token of its own that is kept sealed in the store
    workspace: str = ""  # with oauth: the one that is meant where none is named
    workspaces: frozenset[str] = frozenset()  # with oauth: all that are named; nobody else installs the app
    client_id: str = ""
    client_secret: Secret = NO_SECRET
    keys: tuple[Secret, ...] = ()  # what tokens are sealed with: the first seals, each opens

    @property
    def on(self) -> bool:
        return bool(self.bot_token) or self.oauth

    @property
    def hears_clicks(self) -> bool:
        return bool(self.signing_secret if self.mode == "http" else self.app_token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """Where sources can be called: webhooks, WebSub."""

    host: str = LOOPBACK
    port: int = 0  # 0: the door stays shut
    public_url: str = ""  # how the world reaches it

    def address(self, path: str) -> str:
        """How the world reaches this path; "" when it cannot."""
        return f"{self.public_url.rstrip('/')}{path}" if self.port and self.public_url else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """Who is asked about what is barely a complaint, or barely none: an OpenAI-compatible endpoint, or the sentence
    model of the extra `deep`."""

    url: str = ""  # up to and with /v1
    model: str = ""
    deep: bool = False  # the sentence model; then there is no url
    least: float = 0.35  # between these probabilities a verdict is in doubt
    most: float = 0.65
    timeout: timedelta = timedelta(seconds=5)
    per_hour: int = 200  # questions
    key: Secret = NO_SECRET


class Role(StrEnum):
    """What somebody may see and do on the web desk: listener/web/access.py."""

    AGENT = "agent"
    LEAD = "lead"
    EXECUTIVE = "executive"
    PR = "pr"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """What the desk and the mail need to know of a person; a case has no use for it."""

    roles: frozenset[Role] = frozenset({Role.AGENT})
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where the web desk is served."""

    on: bool = True
    host: str = LOOPBACK
    port: int = 8080
    public_url: str = ""  # how people reach it; needed where that is not this machine
    team: str = ""  # Slack's workspace id: nobody of another one gets in
    client_id: str = ""
    client_secret: Secret = NO_SECRET

    @property
    def loopback(self) -> bool:
        return self.host in ("127.0.0.1", "::1", "localhost")

    @property
    def signs_in_with_slack(self) -> bool:
        return bool(self.client_id and self.client_secret and self.public_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """A time of the reader's own day; with `day` (Monday is 0) once a week."""

    hour: int
    minute: int
    day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """The way to a mail server. "smtp" begins TLS at once, "smtps" is TLS from the start, "smtp+plain" has none."""

    scheme: str = ""
    host: str = ""
    port: int = 0
    user: str = ""
    password: Secret = NO_SECRET
    sender: str = ""

    @property
    def on(self) -> bool:
        return bool(self.host)


NO_MAIL = Mail()


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """Who reads a digest, when, of which brands (all, when none is named)."""

    who: tuple[str, ...] = ()
    when: tuple[When, ...] = (When(hour=8, minute=0),)
    brands: tuple[str, ...] = ()
    mail: Mail = NO_MAIL


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    directory: Path
    months: int = 0  # of posts and mentions that are kept; 0: all
    database: str  # a path beside the configuration, or postgresql://…
    brands: tuple[Brand, ...]
    sources: tuple[Source, ...]
    people: tuple[Person, ...]
    policies: Mapping[str, Mapping[str, Policy]]  # name -> priority -> policy
    rules: Rules
    routes: Mapping[str, tuple[Route, ...]] = field(default_factory=dict)  # policy -> other ladders for some matters
    teams: tuple[Team, ...] = ()
    lights: Mapping[str, Mapping[str, Light]] = field(default_factory=dict)  # policy -> verdict -> who hears of it
    rotas: tuple[Rota, ...] = ()  # the calendars that say whose turn it is
    playbook: tuple[Response, ...] = ()
    surge: Surge | None = field(default_factory=Surge)
    members: Mapping[str, Member] = field(default_factory=dict)  # a person's name -> what the desk needs to know
    desk: Desk = field(default_factory=Desk)
    digests: Digests = field(default_factory=Digests)
    slack: Slack = field(default_factory=Slack)
    inbound: Inbound = field(default_factory=Inbound)
    second: Second | None = None
    allow_private: frozenset[str] = frozenset()
    public_url: str = ""
    heartbeat: Secret = NO_SECRET  # an address that is called each minute, for who watches that we are alive
    audit_heartbeat: Secret = NO_SECRET  # the same for the audit: called after each that balances
    metrics_token: Secret = NO_SECRET  # who shows it may read /metrics from elsewhere than this machine
    state: Path | None = None  # a directory that outlives us, where there is no database file to lie beside
    audit_every: timedelta = timedelta(days=1)
    silent_after: timedelta = timedelta(hours=1)  # a source that fails this long is said to be silent

    @property
    def spool(self) -> Path:
        """Where what was brought lies until it is kept: beside the database file, else where the environment says that
        we may write, else beside the configuration."""
        no_file = is_server(self.database) or self.database == ":memory:"
        return ((self.state or self.directory) if no_file else Path(self.database).parent) / "inbox"

    def queries(self, brands: Collection[str] = ()) -> dict[str, Node]:
        """Brand -> its tracking query; of all brands when none is named."""
        return {brand.name: brand.query for brand in self.brands if not brands or brand.name in brands}

    def person(self, name: str) -> Person | None:
        """By name, whatever the case of the letters."""
        wanted = name.strip().casefold()
        return next((person for person in self.people if person.name.casefold() == wanted), None)
