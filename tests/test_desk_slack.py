"""Sign in with Slack, against an OpenID Connect server on loopback: the honest way in, and every dishonest one."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web
from conftest import Clock
from deskworld import Browser, DeskWorld, opened, settings

from listener.storage.contract import Store

TEAM, USER = "https://slack.com/team_id", "https://slack.com/user_id"


class FakeSlack:
    """Gives one code for each nonce, and for the code an id token; `lies` changes what it claims."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.user, self.lies = clock, "U0DANA", dict[str, Any]()
        self.nonces = dict[str, str]()
        self.secrets: list[str] = []
        self.address = ""

    async def authorize(self, request: web.Request) -> web.Response:
        asked = request.query
        code = f"code-{len(self.nonces)}"
        self.nonces[code] = asked["nonce"]
        assert asked["scope"] == "openid" and asked["team"] == "T0HOUSE"
        raise web.HTTPFound(f"{asked['redirect_uri']}?code={code}&state={asked['state']}")

    async def token(self, request: web.Request) -> web.Response:
        given = await request.post()
        self.secrets.append(str(given["client_secret"]))
        if (nonce := self.nonces.pop(str(given["code"]), None)) is None:
            return web.json_response({"ok": False, "error": "invalid_code"})
        claims = {
            "iss": self.address,
            "aud": given["client_id"],
            "nonce": nonce,
            "exp": (self.clock() + timedelta(minutes=5)).timestamp(),
            TEAM: "T0HOUSE",
            USER: self.user,
            **self.lies,
        }
        body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        return web.json_response({"ok": True, "id_token": f"e30.{body}.c2ln"})


@pytest.fixture
async def slack(clock: Clock) -> AsyncIterator[FakeSlack]:
    fake = FakeSlack(clock)
    app = web.Application()
    app.add_routes(
        [web.get("/openid/connect/authorize", fake.authorize), web.post("/api/openid.connect.token", fake.token)]
    )
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield fake
    await runner.cleanup()


@pytest.fixture
async def world(
    store: Store, clock: Clock, tmp_path: Path, slack: FakeSlack, unused_tcp_port: int
) -> AsyncIterator[DeskWorld]:
    env = {"SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "hush-hush"}
    address = f"http://localhost:{unused_tcp_port}"
    wanted = settings(tmp_path, env, port=unused_tcp_port, public_url=address, team="T0HOUSE", api=slack.address)
    async with opened(store, wanted, clock) as here:
        here.address = address
        yield here


async def test_who_is_in_people_toml_comes_in(world: DeskWorld, slack: FakeSlack) -> None:
    async with Browser(world.address) as dana:
        assert "Sign in with Slack" in (await dana.get("/sign-in")).text
        inside = await dana.get("/slack/start")
        assert inside.status == 200 and 'http-equiv="refresh"' in inside.text
        assert "Dana Fox" in (await dana.get("/")).text
        cookies = inside.headers.getall("set-cookie")
        assert any("HttpOnly" in one and "SameSite=strict" in one for one in cookies)
    assert slack.secrets == ["hush-hush"]


@pytest.mark.parametrize(
    "lie",
    [
        {"aud": "another app"},
        {"iss": "https://evil.example"},
        {"nonce": "of another sign-in"},
        {"exp": 1},
        {TEAM: "T0OTHER"},
        {USER: "U0NOBODY", "sub": "U0NOBODY"},
        {USER: "", "sub": ""},
        {USER: ["U0DANA"]},
    ],
)
async def test_a_token_that_claims_otherwise_opens_nothing(
    world: DeskWorld, slack: FakeSlack, lie: dict[str, Any]
) -> None:
    slack.lies = lie
    async with Browser(world.address) as thief:
        assert (await thief.get("/slack/start")).status == 403
        assert (await thief.get("/", follow=False)).status == 303


async def test_a_way_back_that_was_not_begun_here_opens_nothing(world: DeskWorld, slack: FakeSlack) -> None:
    async with Browser(world.address) as dana, Browser(world.address) as thief:
        begun = await dana.get("/slack/start", follow=False)
        asked = parse_qs(urlsplit(begun.headers["location"]).query)
        slack.nonces["stolen"] = asked["nonce"][0]
        for path in ("/slack/back?code=stolen", f"/slack/back?code=stolen&state={asked['state'][0]}", "/slack/back"):
            assert (await thief.get(path)).status == 403
        assert (await dana.get("/slack/back?code=stolen&state=wrong")).status == 403
    assert slack.secrets == [], "Slack was not even asked"


async def test_a_link_lets_nobody_in_by_the_public_name(world: DeskWorld) -> None:
    async with Browser(world.address) as thief:
        answer = await thief.get("/enter/anything")
    assert answer.status == 403 and "sign in with Slack" in answer.text


async def test_a_secret_reaches_no_page_and_no_log(
    world: DeskWorld, slack: FakeSlack, caplog: pytest.LogCaptureFixture
) -> None:
    slack.lies = {"aud": "another app"}
    async with Browser(world.address) as thief:
        page = await thief.get("/slack/start")
    assert "hush" not in page.text + caplog.text + repr(world.settings)
    assert "another audience" in caplog.text
