"""The turn of the crank, through the real store and the real connectors: one source failing holds back nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import configs
import pytest
from builders import post
from conftest import Clock
from rich.console import Console
from webserver import Server

from connectors.contract import Cursor, Page, Wait
from listener.audit import audit
from listener.bootstrap import build
from listener.cycle import House, listen, look, turn
from listener.rereading import next_look
from listener.settings import load
from listener.storage.contract import Question, State
from listener.storage.sql.lanes import Lane


def feed(*items: tuple[str, str]) -> str:
    body = "".join(
        f"<item><guid>{id_}</guid><link>/{id_}</link><description>{text * 1}{' .' * 400}</description></item>"
        for id_, text in items
    )
    return f"<rss><channel>{body}</channel></rss>"


SMOKE = "Smoke came out of my Acme Air heater in the night, I was hurt and nobody answers"
FIRE = "The Acme Air charger caught fire and burned my hand, third time I call"


@asynccontextmanager
async def a_house(tmp_path: Path, server: Server, clock: Clock, *paths: str) -> AsyncIterator[tuple[House, StringIO]]:
    sources = "".join(
        f'[[source]]\nname = "{path}"\nkind = "feed"\nurl = "{server.address}/{path}"\nevery = "1m"\n' for path in paths
    )
    settings = load(configs.write(tmp_path / "config", sources=sources), {"LISTENER_ALLOW_PRIVATE": server.host})
    out = StringIO()
    async with build(settings, Console(file=out, width=200), clock=clock) as house, house.store.engine():
        yield house, out


async def test_a_complaint_reaches_its_owner_and_praise_nobody(tmp_path: Path, server: Server, clock: Clock) -> None:
    server.answers["/blog"] = feed(("a", FIRE), ("b", "Thank you Acme Air, lovely crew"), ("c", "nothing"))
    async with a_house(tmp_path, server, clock, "blog") as (house, out):
        done = await turn(house)
        assert (done.polls[0].fetched, done.delivered) == (3, 2)
        assert "Dana Fox" in out.getvalue() and "listener ack 1" in out.getvalue()
        states = (await house.store.balance()).posts["blog"]
        assert states == {State.ESCALATED: 1, State.KEPT: 1, State.NOT_MATCHED: 1}
        again = await turn(house)
        assert (again.polls[0].kept[0].new, again.delivered) == (0, 0)


async def test_what_is_heard_where_all_speaks_of_one_brand_need_not_name_it(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    server.answers["/reviews"] = feed(
        ("a", "The charger caught fire and burned my hand, third time I call"), ("b", "Fine")
    )
    where = f'[[source]]\nname = "reviews"\nkind = "feed"\nurl = "{server.address}/reviews"\nabout = "Acme Air"\n'
    settings = load(configs.write(tmp_path, sources=where), {"LISTENER_ALLOW_PRIVATE": server.host})
    async with build(settings, Console(file=StringIO()), clock=clock) as house, house.store.engine():
        await turn(house)
        assert (await house.store.balance()).posts["reviews"] == {State.ESCALATED: 1, State.KEPT: 1}
        assert [row.brand async for row in house.store.search(Question())] == ["Acme Air", "Acme Air"]


async def test_one_source_failing_holds_back_neither_another_nor_an_escalation(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    server.answers |= {"/bad": (500, {}, b""), "/broken": b"<svg/>", "/good": feed(("a", FIRE))}
    async with a_house(tmp_path, server, clock, "bad", "broken", "good") as (house, _):
        done = await turn(house)
        assert [poll.state for poll in done.polls] == ["not reachable", "blocked", "heard"]
        assert len([row async for row in house.store.cases()]) == 1


async def test_a_defect_in_one_ear_deafens_no_other(tmp_path: Path, server: Server, clock: Clock) -> None:
    class Defective:
        name = "odd"

        async def fetch(self, cursor: Cursor, now: object) -> Page:
            raise ZeroDivisionError

        async def aclose(self) -> None: ...

    server.answers |= {"/good": feed(("a", FIRE)), "/odd": b""}
    async with a_house(tmp_path, server, clock, "odd", "good") as (house, _):
        done = await turn(replace(house, ears={**house.ears, "odd": Defective()}))
        assert [poll.state for poll in done.polls] == ["blocked", "heard"]
        assert "please report it" in done.polls[0].note


class Platform:
    """An ear that can be asked again for what it said."""

    name = "talk"

    def __init__(self, **said: str):
        self.said, self.asked = said, list[tuple[str, ...]]()

    async def fetch(self, cursor: Cursor, now: object) -> Page:
        fresh = {} if cursor else self.said
        return Page(cursor={"read": True}, posts=tuple(post(id_, text, source="talk") for id_, text in fresh.items()))

    async def reread(self, ids: tuple[str, ...], cursor: Cursor, now: object) -> Page:
        self.asked.append(tuple(ids))
        if "trouble" in self.said:
            raise Wait("talk: not now")
        here = tuple(post(id_, self.said[id_], source="talk") for id_ in ids if id_ in self.said)
        return Page(cursor=cursor, posts=here, gone=tuple(id_ for id_ in ids if id_ not in self.said))

    async def aclose(self) -> None: ...


async def test_what_is_edited_or_deleted_at_its_source_is_so_here(tmp_path: Path, server: Server, clock: Clock) -> None:
    talk = Platform(a=FIRE, b=SMOKE, c="nothing about anybody")
    async with a_house(tmp_path, server, clock, "talk") as (house, _):
        house = replace(house, ears={"talk": talk})
        await turn(house)
        assert talk.asked == [], "nothing is asked again at once"
        del talk.said["a"]
        talk.said["b"] = f"{SMOKE}, and now they answered"
        clock.forward(hours=1)
        await turn(house)
        assert talk.asked == [("a", "b")], "what no query matched is not asked for"
        found = {row.case: row.text async for row in house.store.search(Question())}
        assert found == {2: f"{SMOKE}, and now they answered"}
        assert (await audit(house.store, clock.now)).balanced
        for _ in range(20):
            clock.forward(hours=1)
            await turn(house)
        assert talk.asked[1:] == [("b",)], "the next look comes after six hours"


async def test_a_look_that_fails_is_owed_and_is_no_silence(tmp_path: Path, server: Server, clock: Clock) -> None:
    talk = Platform(a=FIRE)
    async with a_house(tmp_path, server, clock, "talk") as (house, _):
        house = replace(house, ears={"talk": talk})
        await turn(house)
        talk.said["trouble"] = "x"
        clock.forward(hours=1)
        (poll,) = (await turn(house)).polls
        assert (poll.state, (await house.store.source("talk")).failures) == ("heard", 0)
        del talk.said["trouble"]
        await turn(house)
        assert talk.asked == [("a",), ("a",)]


@pytest.mark.parametrize(
    ("hours", "open_case", "next_in"),
    [(0, True, 1), (1, True, 5), (6, False, 17), (23, False, 23), (30, True, 16), (46, True, 24), (46, False, None)],
)
def test_looks_come_soon_at_first_and_daily_while_the_case_is_open(
    clock: Clock, hours: int, open_case: bool, next_in: int | None
) -> None:
    now = clock.now + timedelta(hours=hours)
    expected = now + timedelta(hours=next_in) if next_in else None
    assert next_look(clock.now, now, open_case=open_case) == expected


async def test_silence_is_said_once_and_the_return_once(tmp_path: Path, server: Server, clock: Clock) -> None:
    server.answers["/blog"] = (500, {}, b"")
    async with a_house(tmp_path, server, clock, "blog") as (house, out):
        for _ in range(4):
            await turn(house)
            clock.forward(minutes=31)
        assert out.getvalue().count("is silent") == 1
        server.answers["/blog"] = feed(("a", "x"))
        for _ in range(3):
            await turn(house)
        assert out.getvalue().count("is heard again") == 1


async def test_a_server_that_asks_for_an_hour_gets_it(tmp_path: Path, server: Server, clock: Clock) -> None:
    server.answers["/blog"] = (429, {"Retry-After": "3600"}, b"")
    async with a_house(tmp_path, server, clock, "blog") as (house, _):
        await turn(house)
        assert (await turn(house)).polls[0].state == "waiting"
        assert len(server.asked) == 1
        clock.forward(hours=1)
        server.answers["/blog"] = feed(("a", "x"))
        assert (await turn(house)).polls[0].state == "heard"


async def test_nobody_answers_and_each_is_told_in_turn(tmp_path: Path, server: Server, clock: Clock) -> None:
    server.answers["/blog"] = feed(("a", FIRE))
    async with a_house(tmp_path, server, clock, "blog") as (house, _):
        await turn(house)
        owners = []
        for _ in range(3):
            owners.append((await house.desk.case(1)).owner)
            clock.forward(minutes=5)
            assert await look(house) == 1
            assert await look(house) == 0, "looked twice is once done"
        assert owners == ["Dana Fox", "Lee Park", "Sam Ortiz"]


async def test_an_outage_of_ours_causes_no_storm(tmp_path: Path, server: Server, clock: Clock) -> None:
    server.answers["/blog"] = feed(("a", FIRE))
    server.answers["/a"] = f"<!doctype html><p>{FIRE}</p>"  # it still stands there when it is looked at again
    async with a_house(tmp_path, server, clock, "blog") as (house, _):
        await turn(house)
        clock.forward(days=3)
        await turn(house)
        events = [type(event).__name__ for event in await house.store.timeline(1)]
        assert events == ["Opened", "Escalated"], "three days late, and still one step"


@pytest.mark.parametrize(
    "text",
    [
        "<!channel> Acme Air sucks",
        "a\0 Acme Air sucks",
        "[red]Acme Air[/] sucks [/nope]",
        "\x1b[2J Acme Air sucks",
        "\u202e Acme Air sucks",
    ],
)
async def test_hostile_posts_are_shown_literally_in_the_terminal(
    tmp_path: Path, server: Server, clock: Clock, text: str
) -> None:
    shown = text.replace("\0", "").replace("\x1b", "").replace("<", "&amp;lt;").replace(">", "&amp;gt;")
    server.answers["/blog"] = feed(("a", f"{shown} {FIRE}"))
    async with a_house(tmp_path, server, clock, "blog") as (house, out):
        await turn(house)
        assert "sucks" in out.getvalue()
        for forbidden in ("\x1b", "\0", "\u202e"):
            assert forbidden not in out.getvalue()


async def test_everything_balances_after_edits_deletions_and_failures(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    server.answers["/blog"] = feed(("c", "nothing"), ("a", FIRE), ("b", "Acme Air was fine"))
    server.answers |= {"/c": b"<!doctype html>", "/b": b"<!doctype html>"}
    async with a_house(tmp_path, server, clock, "blog") as (house, _):
        await turn(house)
        server.answers["/blog"] = feed(("c", "nothing"), ("b", f"Acme Air is a disgrace. {FIRE}"))
        await turn(house)
        server.answers["/blog"] = (500, {}, b"")
        await turn(house)
        report = await audit(house.store, clock())
        assert report.findings == ()
        assert [row.title or row.text[:8] async for row in house.store.search(Question())] == ["Acme Air"]
        assert (await house.desk.case(1)).subject.text == ""


async def test_a_poll_that_hears_nothing_new_asks_the_store_twice(
    tmp_path: Path, server: Server, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of most polls of most feeds: each question is a step into the thread of the file, and back."""
    server.answers["/blog"] = feed(("a", FIRE))
    async with a_house(tmp_path, server, clock, "blog") as (house, _):
        await turn(house)
        server.answers["/blog"] = (304, {}, b"")
        asked, really = list[str](), Lane._run

        async def run(lane: Lane[Any], way: Any, work: Any) -> Any:
            asked.append(way.__name__)
            return await really(lane, way, work)

        monkeypatch.setattr(Lane, "_run", run)
        poll = await listen(house, house.settings.sources[0])
    assert (poll.state, poll.fetched) == ("heard", 0)
    assert asked[:2] == ["read", "write"] and len(asked) == 2
