"""A desk on loopback with a small invented world behind it, and browsers of different people."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from re import findall, search
from types import TracebackType

import aiohttp
import configs
from builders import NOW, batch, mention, post, quiet

from connectors.http import Web
from connectors.post import Author
from escalation.commands import Acknowledge, Handover
from escalation.desk import Desk
from listener.settings import Settings, load
from listener.storage.contract import Heard, Store
from listener.web import access
from listener.web.serving import serving
from listener.weigh import scales

PEOPLE = (
    configs.FILES["people.toml"]
    .replace(
        '[[person]]\nname = "Lee Park"', '[[person]]\nname = "Lee Park"\nroles = ["lead"]\nemail = "lee@example.com"'
    )
    .replace('[[person]]\nname = "Sam Ortiz"', '[[person]]\nname = "Sam Ortiz"\nroles = ["executive"]')
    + """
[[person]]
name = "Pia Roth"
roles = ["pr"]
"""
)
HOSTILE = "<script>alert(1)</script> The Acme Air charger caught fire & nobody \u202ecalls back"


def settings(directory: Path, env: dict[str, str] | None = None, *, api: str = "", **web: object) -> Settings:
    """`api`: a server that stands for Slack's."""
    lines = "".join(f"{name} = {_toml(value)}\n" for name, value in {"port": 0, **web}.items())
    main = f'{configs.FILES["listener.toml"]}[http]\nallow_private = ["127.0.0.1"]\n[web]\n{lines}'
    main += f'[slack]\napi_url = "{api}/api/"\n' if api else ""
    return load(configs.write(directory, people=PEOPLE, listener=main), env or {})


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int) else f'"{value}"'


async def filled(store: Store, now: datetime = NOW) -> None:
    """Case 1 is Dana's and acknowledged, 2 is offered to Lee, 3 waits for anybody and comes from a hostile hand."""
    said = [
        post("p1", "The Acme Air charger caught fire. Nobody ever called me back, card charged 480 EUR."),
        post("p2", "Acme Air lost my bag and I have been waiting for nine days now.", title="Nine days"),
        post("p3", HOSTILE, title="<img src=x onerror=alert(1)>", url="javascript:alert(1)"),
    ]
    said[1:] = [replace(one, author=Author(handle=name)) for one, name in zip(said[1:], ("jo", "eve"), strict=True)]
    thanks = post("p4", "Thank you, Acme Air, for a lovely flight to nowhere!", author=Author(handle="marta"))
    heard = [Heard(post=one, mentions=(mention(one),)) for one in said]
    await store.keep(batch(*heard, Heard(post=thanks, mentions=(quiet(),)), at=now))
    desk = Desk(store)
    await desk.handle(1, Acknowledge(by="Dana Fox", what="call her at four", due=now + timedelta(hours=2)), now)
    await desk.handle(2, Acknowledge(by="Dana Fox"), now)
    await desk.handle(2, Handover(by="Dana Fox", to="Lee Park", note="speaks Portuguese"), now)


@dataclass(slots=True)
class Answer:
    status: int
    text: str
    headers: "aiohttp.typedefs.CIMultiDictProxy[str]"

    @property
    def csrf(self) -> str:
        found = search(r'name="csrf" value="([0-9a-f]+)"', self.text)
        return found[1] if found else ""

    def actions(self, case: int) -> list[str]:
        """What can be done to it, in the page's order."""
        return [name for name in findall(rf'action="/cases/{case}/(\w+)"', self.text) if name != "guard"]


class Browser:
    """One person's: keeps cookies, follows redirects, fills in the form it saw last."""

    def __init__(self, address: str, token: str = ""):
        self.address = address
        jar = aiohttp.CookieJar(unsafe=True)
        self.http = aiohttp.ClientSession(cookie_jar=jar, cookies={"desk": token} if token else {})
        self.csrf = ""

    async def __aenter__(self) -> "Browser":
        return self

    async def __aexit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.http.close()

    async def get(self, path: str, *, follow: bool = True, **headers: str) -> Answer:
        async with self.http.get(f"{self.address}{path}", allow_redirects=follow, headers=headers) as answer:
            return self._seen(Answer(answer.status, await answer.text(), answer.headers))

    async def send(self, path: str, *, csrf: str | None = None, follow: bool = True, **fields: str) -> Answer:
        given = {"csrf": self.csrf if csrf is None else csrf, **fields}
        async with self.http.post(f"{self.address}{path}", data=given, allow_redirects=follow) as answer:
            return self._seen(Answer(answer.status, await answer.text(), answer.headers))

    def _seen(self, answer: Answer) -> Answer:
        self.csrf = answer.csrf or self.csrf
        return answer


@dataclass(slots=True)
class DeskWorld:
    store: Store
    settings: Settings
    address: str
    clock: Callable[[], datetime]

    async def browser(self, name: str) -> Browser:
        """Signed in as this person."""
        return Browser(self.address, await access.new_session(self.store, name, self.clock()))


@asynccontextmanager
async def opened(store: Store, wanted: Settings, clock: Callable[[], datetime]) -> AsyncIterator[DeskWorld]:
    web = Web("ListeningPost/test", wanted.allow_private)
    fixed = wanted, scales(wanted)
    async with serving(lambda: fixed, store, web, clock) as address:
        yield DeskWorld(store, wanted, address, clock)
    await web.aclose()
