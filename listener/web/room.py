"""What every page has at hand: the house's parts, the visitor, and the templates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from connectors.http import Web
from escalation.clean import whole
from escalation.desk import Desk
from escalation.slack.parts import web_address
from listener.settings import Settings
from listener.storage.contract import Store
from listener.web import words
from listener.web.access import Act, Visitor
from listener.web.guarding import Lid, bare_host
from listener.web.live import Hub
from listener.weigh import Scales


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Made once by serving.py."""

    current: Callable[[], tuple[Settings, Scales]]  # whose turn it is changes while we are at work
    store: Store
    web: Web
    clock: Callable[[], datetime]
    hub: Hub
    lid: Lid  # on tries to come in
    pace: Lid  # of programs
    memo: dict[str, tuple[datetime, Any]] = field(default_factory=dict)  # what is dear to count, for a minute

    @property
    def settings(self) -> Settings:
        return self.current()[0]

    @property
    def scales(self) -> Scales:
        return self.current()[1]

    @property
    def desk(self) -> Desk:
        return Desk(self.store)

    @property
    def hosts(self) -> frozenset[str]:
        """The names we answer to."""
        desk = self.settings.desk
        public = {_named(desk.public_url)} if desk.public_url else set()
        return frozenset({"127.0.0.1", "localhost", "[::1]", *public} if desk.loopback else public)

    def by_itself(self, request: Request) -> bool:
        """Was the desk called on this machine, and not by its public name?"""
        desk = self.settings.desk
        return desk.loopback and bare_host(request.headers["host"]) != _named(desk.public_url)

    def secure(self, request: Request) -> bool:
        """Was the desk called by its public name, behind TLS?"""
        desk = self.settings.desk
        return desk.public_url.startswith("https://") and bare_host(request.headers["host"]) == _named(desk.public_url)

    def cookie(self, request: Request) -> str:
        """The prefix binds it to this host and to TLS, where there is TLS."""
        return "__Host-desk" if self.secure(request) else "desk"


def _named(url: str) -> str:
    return bare_host(url.partition("://")[2].partition("/")[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of somebody who is signed in."""

    request: Request
    room: Room
    who: Visitor
    form: Mapping[str, str]

    @property
    def now(self) -> datetime:
        return self.room.clock()

    @property
    def id(self) -> int:
        """0, which nothing has, when the address has no number."""
        text = str(self.request.path_params.get("id", ""))
        return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else 0

    def asked(self, name: str) -> str:
        return self.request.query_params.get(name, "")

    def page(self, template: str, status: int = 200, **shown: Any) -> Response:
        return page(template, status, who=self.who, now=self.now, zone=self.who.timezone, acts=Act, **shown)


def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["clock"] = words.clock
    made.filters["ago"] = words.ago
    made.filters["sentence"] = words.sentence
    made.filters["link"] = web_address
    return made


def _shown(value: object) -> object:
    """Whatever a page says: whoever forgot to clean it, nothing in it moves what is around it."""
    return whole(value) if isinstance(value, str) and not isinstance(value, Markup) else value


TEMPLATES = _templates()


def page(template: str, status: int = 200, **shown: Any) -> Response:
    return HTMLResponse(TEMPLATES.get_template(template).render(**{"who": None, **shown}), status)


def bare(said: str, status: int) -> Response:
    return PlainTextResponse(said, status)
