"""Several workspaces: installed by OAuth through the desk, each spoken to with its own token, which nobody ever sees."""

import logging
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import configs
import pytest
from builders import DANA, LEE, batch, complaint, opened, post
from conftest import Clock
from deskworld import opened as a_desk
from rich.console import Console
from slackroom import buttons, click, event, eventually, submission
from slackserver import APP_TOKEN, Slack
from slackserver import TOKEN as HOME_TOKEN

from escalation.courier import Courier
from escalation.slack.messenger import SlackMessenger
from listener import slack as voice
from listener.bootstrap import build
from listener.doctor import examine
from listener.settings import Settings, load
from listener.slack.sealing import Seal, Unreadable
from listener.slack.workspaces import Installations, Lines, lines
from listener.storage.contract import Heard, Mention, Store
from listener.storage.sqlite import SqliteStore
from listener.tables import ConfigError
from listener.web.access import hashed
from listener.web.entry import ISSUER, TEAM, USER, claimed

KEY, OTHER_KEY = "A" * 43 + "=", "B" * 43 + "="
SECRET, CODE = "client-shh", "code-of-berlin"
THEIR_TOKEN = "xoxb-berlin-do-not-show"
ENV = {
    "SLACK_CLIENT_ID": "1.2",
    "SLACK_CLIENT_SECRET": SECRET,
    "SLACK_APP_TOKEN": APP_TOKEN,
    "SLACK_SIGNING_SECRET": "shh",
    "LISTENER_SLACK_KEY": KEY,
}
MAIN = """database = "listener.db"
[http]
allow_private = ["127.0.0.1"]
[web]
public_url = "https://desk.example.com"
port = 0
[slack]
oauth = true
workspace = "T0"
api_url = "{api}"
channel = "C0CARE"
[slack.channels]
"Acme Air" = "T0B/C0BERLIN"
"""
PEOPLE = (
    configs.FILES["people.toml"]
    .replace('slack = "U0DANA"', 'slack = "T0B/U0DANA"')
    .replace('slack = "U0LEE"', 'slack = "T0/U0LEE"')
)


def configured(directory: Path, api: str = "https://slack.com/api/", **env: str) -> Settings:
    return load(configs.write(directory, listener=MAIN.format(api=api), people=PEOPLE), ENV | env)


def answer(team: str, token: str, **more: Any) -> dict[str, Any]:
    """https://docs.slack.dev/reference/methods/oauth.v2.access"""
    return {
        "access_token": token,
        "token_type": "bot",
        "scope": "chat:write,users:read",
        "bot_user_id": "U0BOT",
        "app_id": "A0",
        "team": {"id": team, "name": f"Team <{team}>"},
        "enterprise": None,
        "is_enterprise_install": False,
        "authed_user": {"id": "U0ADMIN"},
        **more,
    }


@dataclass
class World:
    slack: Slack
    store: Store
    settings: Settings
    clock: Clock
    desk: str = ""

    async def begin(self) -> tuple[str, str]:
        """(what the browser must bring back, its cookie), as the way to Slack says it."""
        where = f"{self.desk}/slack/install"
        async with aiohttp.ClientSession() as browser, browser.get(where, allow_redirects=False) as way:
            assert way.status == 303
            location, cookie = way.headers["Location"], way.headers["Set-Cookie"]
        asked = parse_qs(urlsplit(location).query)
        assert asked["redirect_uri"] == ["https://desk.example.com/slack/oauth_redirect"]
        assert set(asked["scope"][0].split(",")) == set(voice.SCOPES)
        assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
        return asked["state"][0], cookie.partition(";")[0]

    async def end(self, code: str, state: str, cookie: str) -> tuple[int, str]:
        where = f"{self.desk}/slack/oauth_redirect"
        async with aiohttp.ClientSession() as browser:
            given = {"code": code, "state": state}
            async with browser.get(where, params=given, headers={"Cookie": cookie}) as page:
                return page.status, await page.text()

    async def install(self, team: str, token: str, **more: Any) -> tuple[int, str]:
        self.slack.codes[f"{CODE}-{token}"] = answer(team, token, **more)
        return await self.end(f"{CODE}-{token}", *await self.begin())

    @property
    def lines(self) -> Lines:
        return lines(self.settings.slack, self.store, self.clock)

    async def deliver(self) -> None:
        people = {person.name: person for person in self.settings.people}
        slack = self.settings.slack
        await Courier(self.store, SlackMessenger(self.lines, slack.channels, people, self.clock, spacing=0)).deliver(
            self.clock()
        )


@pytest.fixture
async def world(store: Store, clock: Clock, tmp_path: Path) -> AsyncIterator[World]:
    async with Slack() as slack:
        slack.channels.add("C0BERLIN")
        slack.owners |= {"C0CARE": "T0", "C0BERLIN": "T0B", "U0DANA": "T0B", "U0LEE": "T0", "U0SAM": "T0"}
        wanted = configured(tmp_path / "config", slack.api_url)
        async with a_desk(store, wanted, clock) as desk:
            yield World(slack, store, wanted, clock, desk.address)


async def test_a_workspace_is_installed_and_its_token_is_seen_nowhere(
    clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store = await SqliteStore.open(str(tmp_path / "x.db"))
    async with Slack() as slack:
        wanted = configured(tmp_path / "config", slack.api_url)
        async with a_desk(store, wanted, clock) as desk:
            world = World(slack, store, wanted, clock, desk.address)
            status, page = await world.install("T0B", THEIR_TOKEN)
        assert status == 200 and "installed in Team &lt;T0B&gt;" in page
        assert (await world.lines("T0B")).token == THEIR_TOKEN
        [kept] = await store.installations()
        assert (kept.team, kept.by, kept.scopes) == ("T0B", "U0ADMIN", "chat:write,users:read")
    await store.backup(tmp_path / "backup.db")
    await store.aclose()
    files = databases(tmp_path)
    seen = page + caplog.text + repr(wanted) + repr(kept)
    for secret in (THEIR_TOKEN, SECRET, KEY, CODE):
        assert secret not in seen and secret.encode() not in files


def databases(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.glob("*.db*"))


async def test_what_was_begun_is_finished_once_by_the_same_browser_and_soon(world: World, clock: Clock) -> None:
    state, cookie = await world.begin()
    name, _, _ = cookie.partition("=")
    for wrong in ("", f"{name}=another"):
        assert (await world.end(CODE, state, wrong))[0] == 400, "another browser"
    assert (await world.end(CODE, "made up", f"{name}=made up"))[0] == 401
    world.slack.codes[CODE] = answer("T0B", THEIR_TOKEN)
    assert (await world.end(CODE, state, cookie))[0] == 200
    world.slack.codes[CODE] = answer("T0B", "xoxb-again")
    assert (await world.end(CODE, state, cookie))[0] == 401, "once"
    state, cookie = await world.begin()
    clock.forward(minutes=11)
    status, page = await world.end(CODE, state, cookie)
    assert status == 401 and "Begin again" in page
    assert CODE in world.slack.codes, "Slack was not even asked"


@pytest.mark.parametrize(
    ("team", "more", "said"),
    [
        ("T0STRANGE", {}, "T0STRANGE is not named"),
        ("T0B", {"is_enterprise_install": True}, "not named"),
        ("T0B", {"refresh_token": "xoxe-1", "expires_in": 43_200}, "token rotation must be off"),
    ],
)
async def test_who_is_not_wanted_is_not_kept_and_the_token_is_given_back(
    world: World, team: str, more: dict[str, Any], said: str
) -> None:
    status, page = await world.install(team, THEIR_TOKEN, **more)
    assert status == 403 and said in page
    assert await world.store.installations() == () and world.slack.revoked == [THEIR_TOKEN]


async def test_slack_may_refuse_or_be_away_meanwhile(world: World, caplog: pytest.LogCaptureFixture) -> None:
    for trouble in ("invalid_code", 503, "hang up"):
        world.slack.trouble["oauth.v2.access"] = [trouble]
        status, page = await world.install("T0B", THEIR_TOKEN)
        assert status == 401 and "Begin again" in page
    state, cookie = await world.begin()
    async with aiohttp.ClientSession() as browser:
        denied = f"{world.desk}/slack/oauth_redirect?error=access_denied&state={state}"
        async with browser.get(denied, headers={"Cookie": cookie}) as page:
            assert "not allowed in Slack" in await page.text()
    assert CODE not in caplog.text and await world.store.installations() == ()


async def test_without_oauth_there_is_nothing_to_install(store: Store, clock: Clock, tmp_path: Path) -> None:
    from deskworld import settings

    async with a_desk(store, settings(tmp_path), clock) as desk, aiohttp.ClientSession() as browser:
        for path in ("/slack/install", "/slack/oauth_redirect?code=1&state=2"):
            async with browser.get(f"{desk.address}{path}") as page:
                assert page.status == 404 and "oauth is off" in await page.text()


# Each workspace is spoken to with its own token


async def two_cases(world: World) -> None:
    other = replace(opened(), subject=replace(opened().subject, brand="Other", post="blog:p2"))
    two = Heard(
        post=post("p2"), mentions=(Mention(**{**_fields(complaint().mentions[0]), "brand": "Other", "opening": other}),)
    )
    await world.store.keep(batch(complaint(), two))


def _fields(mention: Mention) -> dict[str, Any]:
    return {name: getattr(mention, name) for name in Mention.__dataclass_fields__}


async def test_cards_and_messages_go_out_with_the_token_of_their_workspace(world: World) -> None:
    for team, token in (("T0", HOME_TOKEN), ("T0B", THEIR_TOKEN)):
        assert (await world.install(team, token))[0] == 200
    await two_cases(world)
    await world.deliver()
    assert {card["channel"] for card in world.slack.cards()} == {"C0BERLIN", "C0CARE"}
    assert world.slack.direct("U0DANA"), "she is of the other workspace"
    await press_acknowledge(world, "T0B", "U0DANA")
    updates = world.slack.updates
    await world.deliver()
    assert world.slack.updates > updates, "a card of another workspace is found again by its reference"


async def press_acknowledge(world: World, team: str, user: str) -> Any:
    """On Berlin's card, as somebody of this workspace; returns what the form's answer was."""
    [card] = [card for card in world.slack.cards() if card["channel"] == "C0BERLIN"]
    [button] = [button for button in buttons(card) if button["text"]["text"] == "Acknowledge"]
    before = len(world.slack.views) + len(world.slack.whispers)
    async with voice.listening(lambda: world.settings, world.store, world.clock):
        await eventually(lambda: world.slack.sockets)
        await world.slack.deliver(of(click(button, user, card, "1.0"), team), f"E1{team}{user}")
        await eventually(lambda: len(world.slack.views) + len(world.slack.whispers) > before)
        if len(world.slack.whispers):
            return world.slack.whispers[-1]["text"]
        sent = submission(world.slack.views[-1], user, f"V{team}{user}", {"what": "call her"})
        return await world.slack.deliver(of(sent, team), f"E2{team}{user}")


def of(body: dict[str, Any], team: str) -> dict[str, Any]:
    """As somebody of this workspace presses it in Berlin's."""
    return {**body, "team": {"id": "T0B", "domain": "b"}, "user": {**body["user"], "team_id": team}}


@pytest.mark.parametrize(
    ("team", "user", "who"),
    [("T0B", "U0DANA", "Dana Fox"), ("T0", "U0DANA", ""), ("T0B", "U0LEE", ""), ("T0X", "U0DANA", "")],
)
async def test_a_person_is_a_member_id_in_a_workspace(world: World, team: str, user: str, who: str) -> None:
    for each, token in (("T0", HOME_TOKEN), ("T0B", THEIR_TOKEN)):
        await world.install(each, token)
    await world.store.keep(batch(complaint()))
    await world.deliver()
    answer = await press_acknowledge(world, team, user)
    events = [type(each).__name__ for each in await world.store.timeline(1)]
    if who:
        assert answer is None and "Acknowledged" in events
    else:
        assert "not in people.toml" in answer and "Acknowledged" not in events


async def test_who_removes_the_app_removes_its_token_and_what_is_owed_there_waits(world: World, clock: Clock) -> None:
    for team, token in (("T0", HOME_TOKEN), ("T0B", THEIR_TOKEN)):
        await world.install(team, token)
    removed = event({"type": "app_uninstalled"}) | {"team_id": "T0B"}
    revoked = event({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": ["U0BOT"]}}) | {"team_id": "T0"}
    people_only = event({"type": "tokens_revoked", "tokens": {"oauth": ["U0LEE"]}}) | {"team_id": "T0"}
    async with voice.listening(lambda: world.settings, world.store, world.clock):
        await eventually(lambda: world.slack.sockets)
        await world.slack.deliver({**removed, "event_time": int(clock().timestamp()) - 60}, "late")
        await world.slack.deliver({**people_only, "event_time": int(clock().timestamp())}, "people")
        assert len(await world.store.installations()) == 2, "that was of the installation before, and of no bot"
        await world.slack.deliver({**removed, "event_time": int(clock().timestamp())}, "now")
        await world.slack.deliver({**revoked, "event_time": int(clock().timestamp())}, "revoked")
    assert await world.store.installations() == ()
    await world.store.keep(batch(complaint()))
    await world.deliver()
    assert world.slack.messages == []
    assert "not installed in Slack workspace T0B: open /slack/install" in await why_not(world.store)
    await world.install("T0B", "xoxb-new")
    clock.forward(minutes=11)
    await world.deliver()
    assert [card["channel"] for card in world.slack.cards()] == ["C0BERLIN"]


async def why_not(store: Any) -> str:
    rows = await store.reading(lambda db: db.execute("SELECT error FROM notices WHERE kind = 'card'").fetchall())
    return str(rows[0]["error"])


# Keys


def test_a_token_is_good_in_its_own_row_alone_and_keys_can_be_changed() -> None:
    old, new = Seal([KEY]), Seal([OTHER_KEY, KEY])
    sealed = old.close("T0B", {"bot_token": THEIR_TOKEN})
    assert new.open("T0B", sealed) == {"bot_token": THEIR_TOKEN} and not new.newest(sealed)
    with pytest.raises(Unreadable, match="sealed for T0B"):
        old.open("T0A", sealed)
    with pytest.raises(Unreadable, match="another key"):
        Seal([OTHER_KEY]).open("T0B", sealed)
    again = new.close("T0B", new.open("T0B", sealed))
    assert Seal([OTHER_KEY]).open("T0B", again)["bot_token"] == THEIR_TOKEN


async def test_at_the_start_tokens_are_sealed_anew_with_the_first_key(world: World, tmp_path: Path) -> None:
    await world.install("T0B", THEIR_TOKEN)
    both = configured(tmp_path / "both", world.slack.api_url, LISTENER_SLACK_KEY=f"{OTHER_KEY} {KEY}")
    async with voice.listening(lambda: both, world.store, world.clock):
        pass
    only_new = configured(tmp_path / "new", world.slack.api_url, LISTENER_SLACK_KEY=OTHER_KEY)
    assert (await lines(only_new.slack, world.store, world.clock)("T0B")).token == THEIR_TOKEN
    with pytest.raises(ConnectionError, match=r"cannot be read .+ LISTENER_SLACK_KEY, or install again"):
        await world.lines("T0B")
    assert await Installations(world.settings.slack, world.store, world.clock).sealed_anew() == 0


async def test_the_doctor_tells_where_it_is_installed_and_never_the_token(world: World) -> None:
    world.slack.codes[CODE] = answer("T0B", THEIR_TOKEN)
    await world.end(CODE, *await world.begin())
    slack, people = world.settings.slack, (replace(DANA, slack="T0B/U0DANA"), LEE)
    kept = [each async for each in voice.installed(slack, world.store)]
    found = {name: (well, told) async for name, well, told in voice.examine(slack, people, world.lines)}
    assert [(name, well) for name, well, _ in kept] == [("workspace T0B", True)] and "U0ADMIN" in kept[0][2]
    assert found["link T0B"][0] and not found["link T0"][0]
    assert "not installed in Slack workspace T0: open /slack/install" in found["link T0"][1]
    assert set(found) == {"link T0", "link T0B"}, "what is in T0 cannot be looked at"
    assert THEIR_TOKEN not in str(kept) + str(found)


async def test_the_command_says_it_too(world: World) -> None:
    await world.install("T0B", THEIR_TOKEN)
    async with build(
        world.settings, Console(), clock=world.clock, messenger=SlackMessenger(world.lines, {}, {}, world.clock)
    ) as house:
        found = {
            check.name: check async for check in examine(replace(house, store=world.store)) if "slack" in check.name
        }
    assert found["slack workspace T0B"].ok and found["slack link T0B"].ok and not found["slack link T0"].ok
    assert THEIR_TOKEN not in str(found)


def test_who_signs_in_to_the_desk_is_of_their_workspace(tmp_path: Path, clock: Clock) -> None:
    room: Any = SimpleNamespace(settings=configured(tmp_path), clock=clock)
    until = {"iss": ISSUER, "aud": "1.2", "nonce": hashed("state", "nonce"), "exp": clock().timestamp() + 60}
    signed_in = {team: claimed({**until, TEAM: team, USER: "U0DANA"}, room, "state") for team in ("T0", "T0B", "")}
    assert signed_in == {"T0": "U0DANA", "T0B": "T0B/U0DANA", "": "U0DANA"}


# Settings


@pytest.mark.parametrize(
    ("change", "env", "said"),
    [
        (('workspace = "T0"', ""), {}, "workspace: names the workspace"),
        (("", ""), {"SLACK_BOT_TOKEN": "xoxb-1"}, "take SLACK_BOT_TOKEN out"),
        (("", ""), {"SLACK_CLIENT_ID": ""}, "needs SLACK_CLIENT_ID"),
        (("", ""), {"LISTENER_SLACK_KEY": "short"}, "openssl rand -base64 32"),
        (("", ""), {"LISTENER_SLACK_KEY": ""}, "openssl rand -base64 32"),
        (('public_url = "https://desk.example.com"', ""), {}, "needs the desk"),
        (("oauth = true", ""), {}, "must be true where a workspace is named: T0B/C0BERLIN"),
        (("T0B/C0BERLIN", "x/C0BERLIN"), {}, "is no channel"),
    ],
)
def test_what_is_missing_is_named_with_its_mend(
    tmp_path: Path, change: tuple[str, str], env: dict[str, str], said: str
) -> None:
    main = MAIN.format(api="https://slack.com/api/").replace(*change)
    with pytest.raises(ConfigError, match=re.escape(said)):
        load(configs.write(tmp_path, listener=main, people=PEOPLE), ENV | env)


def test_the_workspace_that_is_meant_needs_no_name(tmp_path: Path) -> None:
    main = MAIN.format(api="https://slack.com/api/").replace('"C0CARE"', '"T0/C0CARE"')
    slack = load(configs.write(tmp_path, listener=main, people=PEOPLE), ENV).slack
    assert slack.channels == {"": "C0CARE", "Acme Air": "T0B/C0BERLIN"} and slack.workspaces == {"T0", "T0B"}
    assert slack.on and slack.hears_clicks and KEY not in repr(slack) and SECRET not in repr(slack)
