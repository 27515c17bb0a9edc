"""What is brought to us is safe before it is acknowledged, read after a crash, and thrown away once it is kept."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import aiohttp
import configs
import pytest
from rich.console import Console

import connectors.inbox
from connectors.contract import Call, Cursor, Page, Reply
from connectors.inbound import FULL, LARGEST, Inbound, path_of
from connectors.inbox import Inbox, directory_of
from connectors.post import Post
from listener.bootstrap import build, doors
from listener.running import run
from listener.settings import load
from listener.tables import ConfigError

NOW = datetime(2026, 5, 4, 13, 0, tzinfo=UTC)


class Hook:
    """The smallest ear that is called: every letter is a post."""

    def __init__(self, name: str, inbox: Inbox):
        self.name, self.inbox = name, inbox
        self.polled = asyncio.Event()

    def receive(self, call: Call, now: datetime) -> Reply:
        if call.method == "GET":
            return Reply(status=200, text=call.query.get("say", ""))
        if call.body == b"boom":
            raise RuntimeError("a defect")
        if call.headers.get("x-key") != "right":
            return Reply(status=401, text="who are you?")
        return Reply(status=202, text="taken", keep=call.body)

    async def fetch(self, cursor: Cursor, now: datetime) -> Page:
        self.polled.set()
        letters = await self.inbox.unread(cursor.get("taken", ()))
        posts = [Post(source=self.name, id=one.body.decode(), url="", text=one.body.decode()) for one in letters]
        return Page(cursor={"taken": [one.name for one in letters]}, posts=tuple(posts), more=len(letters) == 100)

    async def aclose(self) -> None: ...


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(directory_of(tmp_path, "../ho ok"))


def bodies(letters: Any) -> list[bytes]:
    return [letter.body for letter in letters]


def names(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


async def test_a_letter_is_there_after_a_crash_until_it_was_kept(tmp_path: Path, inbox: Inbox) -> None:
    assert await inbox.unread(()) == ()
    assert await inbox.put(b"one", NOW)
    assert names(tmp_path) == ["%2E%2E%2Fho%20ok"], "no name leads out of the spool"
    again = Inbox(directory_of(tmp_path, "../ho ok"))  # the process died: nobody had committed anything
    read = await again.unread(())
    assert bodies(read) == bodies(await again.unread(())) == [b"one"]
    await again.put(b"two", NOW)
    assert bodies(await again.unread([letter.name for letter in read])) == [b"two"]


async def test_half_a_letter_was_never_acknowledged_and_is_swept_away(tmp_path: Path, inbox: Inbox) -> None:
    await inbox.put(b"one", NOW)
    directory = directory_of(tmp_path, "../ho ok")
    (directory / "20260504T120000000000-0000.part").write_bytes(b"ha")
    assert bodies(await inbox.unread(())) == [b"one"]
    again = Inbox(directory)
    await again.put(b"two", NOW)
    assert len(names(directory)) == 2


async def test_a_cursor_that_was_tampered_with_deletes_nothing_elsewhere(tmp_path: Path, inbox: Inbox) -> None:
    (tmp_path / "precious").write_text("x")
    await inbox.put(b"one", NOW)
    await inbox.unread(["../precious", str(tmp_path / "precious")])
    assert (tmp_path / "precious").exists()


async def test_a_full_inbox_takes_nothing_more_and_says_so(
    inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connectors.inbox, "MOST_LETTERS", 2)
    door = Inbound({"hook": Hook("hook", inbox)}, {"hook": inbox}, lambda: NOW, set[str]().add)
    call = Call(method="POST", headers={"x-key": "right"}, body=b"x")
    assert [(await door.answer("hook", call)).status for _ in range(3)] == [202, 202, FULL.status]
    read = await inbox.unread(())
    await inbox.unread([letter.name for letter in read])
    assert (await door.answer("hook", call)).status == 202, "there is room again"


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_the_door_answers_what_the_source_decides(inbox: Inbox, client: aiohttp.ClientSession) -> None:
    arrived: set[str] = set()
    door = Inbound({"ho ok": Hook("ho ok", inbox)}, {"ho ok": inbox}, lambda: NOW, arrived.add)

    async def ask(method: str, path: str = path_of("ho ok"), **more: Any) -> tuple[int, str]:
        async with client.request(method, f"{address}{path}", **more) as answer:
            return answer.status, await answer.text()

    async with door.open("127.0.0.1", 0) as address:
        right = {"X-Key": "right"}
        assert await ask("GET", params={"say": "hello"}) == (200, "hello")
        assert (await ask("POST", data=b"x"))[0] == 401
        assert (await ask("POST", "/in/nobody", data=b"x", headers=right))[0] == 404
        assert (await ask("PUT", data=b"x"))[0] == 405
        assert (await ask("POST", data=BytesIO(b"x" * (LARGEST + 1)), headers=right))[0] == 413
        assert not arrived and await inbox.unread(()) == ()
        assert await ask("POST", data="¡hola!".encode(), headers=right) == (202, "taken")
        assert arrived == {"ho ok"} and bodies(await inbox.unread(())) == ["¡hola!".encode()]


async def test_a_defect_acknowledges_nothing(inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    door = Inbound({"hook": Hook("hook", inbox)}, {"hook": inbox}, lambda: NOW, set[str]().add)
    assert (await door.answer("hook", Call(method="POST", body=b"boom"))).status == 500
    assert "could not be taken in" in caplog.text


async def test_what_arrives_is_heard_at_once_though_the_next_poll_is_far(
    tmp_path: Path, client: aiohttp.ClientSession, unused_tcp_port: int
) -> None:
    config = f'database = "listener.db"\n[inbound]\nport = {unused_tcp_port}\npublic_url = "https://ears.example/"\n'
    (tmp_path / "posts.jsonl").write_text("")
    source = '[[source]]\nname = "hook"\nkind = "replay"\nfile = "posts.jsonl"\nevery = "1d"\n'
    settings = load(configs.write(tmp_path, listener=config, sources=source), {})
    async with build(settings, Console(file=StringIO())) as house:
        assert house.called == set()
        assert house.inboxes["hook"].address == "https://ears.example/in/hook"
        house.ears["hook"] = hook = Hook("hook", house.inboxes["hook"])  # type: ignore[index]
        assert not house.inboxes["hook"].open
        async with doors(house):
            assert house.inboxes["hook"].open
            stop = asyncio.Event()
            engine = asyncio.create_task(run(house, stop))
            await hook.polled.wait()
            hook.polled.clear()
            url = f"http://127.0.0.1:{unused_tcp_port}/in/hook"
            async with client.post(url, data=b"Acme Air lost my bag", headers={"X-Key": "right"}) as answer:
                assert answer.status == 202
            await hook.polled.wait()
            stop.set()
            await engine
        assert sum((await house.store.balance()).mentions.values()) == 1


def test_a_door_is_configured_or_told_what_is_wrong(tmp_path: Path) -> None:
    assert load(configs.write(tmp_path), {}).inbound.address("/in/x") == ""
    wrong = 'database = "listener.db"\n[inbound]\nport = 99999\npublic_url = "ears.example"\n'
    with pytest.raises(ConfigError) as refused:
        load(configs.write(tmp_path, listener=wrong), {})
    assert "inbound.port: must be between" in str(refused.value)
    assert "inbound.public_url: must begin with" in str(refused.value)


async def test_a_port_that_is_taken_is_told_with_the_mend(tmp_path: Path, unused_tcp_port: int) -> None:
    config = f'database = "listener.db"\n[inbound]\nport = {unused_tcp_port}\n'
    settings = load(configs.write(tmp_path, listener=config), {})
    async with build(settings, Console(file=StringIO())) as house, doors(house):
        with pytest.raises(ConfigError, match="choose another host or port"):
            async with doors(house):
                pass


async def test_what_lay_there_when_we_died_is_heard_at_the_start(tmp_path: Path) -> None:
    settings = load(configs.write(tmp_path), {})
    await Inbox(directory_of(settings.spool, "blog")).put(b"x", NOW)
    async with build(settings, Console(file=StringIO())) as house:
        assert house.called == {"blog"}
