"""The JSON API: what the pages show and the forms do, by the same rights and commands, for who has a key."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from builders import batch, mention, post
from conftest import Clock
from deskworld import Browser, DeskWorld, filled, opened, settings

from connectors.post import Author
from listener.storage.contract import Heard, Key, Store
from listener.web import access, api, forms, openapi
from listener.web.openapi import BASE, OPERATIONS


@pytest.fixture
async def world(store: Store, clock: Clock, tmp_path: Path) -> AsyncIterator[DeskWorld]:
    await filled(store, clock())
    async with opened(store, settings(tmp_path / "config"), clock) as here:
        yield here


class Program:
    """Shows a key, sends and reads JSON."""

    def __init__(self, world: DeskWorld, key: str):
        self.base = f"{world.address}{BASE}"
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.http = aiohttp.ClientSession(headers=headers)

    async def __aenter__(self) -> "Program":
        return self

    async def __aexit__(self, *gone: object) -> None:
        await self.http.close()

    async def get(self, path: str) -> tuple[int, Any]:
        async with self.http.get(f"{self.base}{path}") as answer:
            return answer.status, await answer.json()

    async def post(self, path: str, body: Any) -> tuple[int, Any]:
        async with self.http.post(f"{self.base}{path}", json=body) as answer:
            return answer.status, await answer.json()


async def program(world: DeskWorld, person: str, **fewer: Any) -> Program:
    return Program(
        world, await access.new_key(world.store, Key(name="a test", person=person, at=world.clock(), **fewer))
    )


async def test_without_a_key_nothing_is_told_and_a_session_is_no_key(world: DeskWorld) -> None:
    session = await access.new_session(world.store, "Lee Park", world.clock())
    for key in ("", "guess", session):
        async with Program(world, key) as stranger:
            for one in OPERATIONS:
                path = one.path.replace("{id}", "1")
                status, told = await (stranger.get(path) if one.method == "GET" else stranger.post(path, {}))
                assert status in (401, 429) and set(told) == {"error"}
    async with await world.browser("Lee Park") as lee:
        assert (await lee.get(f"{BASE}/cases")).status == 401


async def test_a_key_may_what_its_person_may(world: DeskWorld) -> None:
    async with await program(world, "Dana Fox") as dana, await program(world, "Pia Roth") as pia:
        assert (await dana.get("/digest"))[0] == 403
        status, digest = await pia.get("/digest?since=7d")
        assert status == 200 and digest["open_total"] == 3
        assert (await pia.post("/cases/3/acknowledge", {}))[0] == 403
        assert (await world.store.timeline(3))[-1].__class__.__name__ == "Opened"


async def test_history_is_searched_counted_and_paged(world: DeskWorld, clock: Clock) -> None:
    async with await program(world, "Dana Fox") as dana:
        status, first = await dana.get("/mentions?q=acme&limit=3&sort=severity")
        assert status == 200 and len(first["mentions"]) == 3
        _, rest = await dana.get(f"/mentions?q=acme&limit=3&sort=severity&before={first['next']}")
        assert len(rest["mentions"]) == 1 and rest["next"] is None
        _, count = await dana.get("/mentions/count?q=verdict:complaint")
        assert (count["total"], count["by"]["brand"], count["more"]) == (3, {"Acme Air": 3}, False)
        clock.forward(minutes=1)
        _, trends = await dana.get("/trends?since=2026-05-01&until=2026-05-04&was_since=2026-04-01")
        assert trends["before"] == {"since": "2026-04-01T04:00:00+00:00", "until": trends["before"]["until"]}
        [acme] = trends["brands"]
        assert (acme["brand"], acme["now"]["complaints"], acme["before"]["complaints"]) == ("Acme Air", 3, 0)
        assert (await dana.get("/trends?since=soon"))[0] == 422
        assert (await dana.get("/trends/unusual"))[1] == {"spikes": []}
        _, thread = await dana.get(f"/mentions/{first['mentions'][0]['id']}/thread")
        assert len(thread["mentions"]) == 1
        for path in ("/mentions?q=colour:red", "/mentions?limit=0", "/mentions?sort=loud", "/mentions?before=x"):
            status, told = await dana.get(path)
            assert status == 422 and told["error"]


async def test_a_case_is_worked_on_by_the_same_commands(world: DeskWorld) -> None:
    async with await program(world, "Dana Fox") as dana:
        status, told = await dana.post("/cases/3/acknowledge", {"what": "call her", "due": "2026-05-04T16:00:00+02:00"})
        assert status == 200 and (told["owner"], told["promise"]) == ("Dana Fox", "call her")
        assert told["due"] == "2026-05-04T16:00:00+02:00"
        status, told = await dana.post("/cases/3/report", {"outcome": "solved", "done": "sorry"})
        assert status == 422 and "apology" in told["error"]
        assert (await dana.post("/cases/3/note", {"text": "rang", "colour": "red"}))[0] == 422
        assert (await dana.post("/cases/3/note", ["text"]))[0] == 422
        assert (await dana.post("/cases/99/note", {"text": "rang"}))[0] == 404
        status, told = await dana.post("/cases", {"brand": "Acme Air", "text": "They broke my cello and laughed."})
        assert status == 200 and told["id"] == 4
        status, cases = await dana.get("/cases?limit=2")
        assert status == 200 and len(cases["cases"]) == 2
        assert (await dana.get("/cases/4"))[1]["timeline"][0]["event"] == "Opened"


async def test_a_key_that_is_taken_back_or_asks_too_often_is_refused(world: DeskWorld, clock: Clock) -> None:
    async with await program(world, "Dana Fox") as dana:
        answers = [(await dana.get("/cases?limit=1"))[0] for _ in range(241)]
        assert answers.count(200) == 240 and answers[-1] == 429
        clock.forward(minutes=1)
        assert (await dana.get("/cases?limit=1"))[0] == 200
        [key] = await world.store.keys()
        await world.store.drop_key(key.id)
        assert (await dana.get("/cases?limit=1"))[0] == 401


async def test_a_key_that_only_reads_changes_nothing(world: DeskWorld) -> None:
    async with await program(world, "Lee Park", reads=True) as wall:
        for one in OPERATIONS:
            path = one.path.replace("{id}", "3")
            status, told = await (wall.get(path) if one.method == "GET" else wall.post(path, {}))
            assert (status == 200) if one.method == "GET" else (status, told["error"]) == (403, "this key only reads")
    assert len(await world.store.timeline(3)) == 1


async def test_a_key_for_one_brand_hears_of_no_other(world: DeskWorld) -> None:
    """Whatever it asks for, of the other brand there is nothing, and nothing of it can be touched."""
    other = replace(post("b1", "Bolt Rail left me in the rain, as Acme Air does."), author=Author(handle="kim"))
    await world.store.keep(batch(Heard(post=other, mentions=(mention(other, "Bolt Rail"),))))
    async with await program(world, "Lee Park", brands=("Bolt Rail",)) as bolt:
        told = [
            (await bolt.get(path))[1]
            for path in (
                *(
                    "/mentions?q=acme",
                    "/mentions?q=brand:%22Acme+Air%22+OR+rain",
                    "/mentions/count",
                    "/cases",
                    "/trends",
                ),
                *("/trends/unusual", "/digest", "/mentions/1/thread", "/cases/4"),
            )
        ]
        assert "Acme Air" not in json.dumps(told).replace("as Acme Air does", "") and "Bolt Rail" in json.dumps(told)
        assert (await bolt.get("/cases/1"))[0] == 404 == (await bolt.post("/cases/3/acknowledge", {}))[0]
        assert (await bolt.post("/cases/4/join", {"into": 1}))[0] == 404
        assert (await bolt.post("/cases", {"brand": "Acme Air", "text": "They rang me."}))[0] == 422
        assert (await bolt.post("/cases/4/acknowledge", {}))[0] == 200
    assert len(await world.store.timeline(3)) == 1


async def test_a_key_is_made_with_fewer_rights_and_shown_with_them(
    world: DeskWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "listener")
    async with await world.browser("Lee Park") as lee:
        await lee.get("/api")
        page = await lee.send(
            "/api/keys", **{"name": "wall", "reads": "yes", "brand Acme Air": "yes", "brand X": "yes"}
        )
        assert "reads only, Acme Air, since" in page.text
        [key] = await world.store.keys()
        assert (key.reads, key.brands) == (True, ("Acme Air",))
        await lee.send(f"/api/keys/{key.id}/drop")
    assert caplog.messages == [
        "Lee Park made the key 'wall': reads only, Acme Air",
        "Lee Park took the key 'wall' back",
    ]


async def test_guessing_keys_is_slowed(world: DeskWorld) -> None:
    async with Program(world, "lp_guess") as stranger:
        assert {(await stranger.get("/cases"))[0] for _ in range(12)} == {401, 429}


async def test_a_key_is_made_shown_once_and_taken_back_by_its_person_only(world: DeskWorld) -> None:
    async with await world.browser("Dana Fox") as dana, await world.browser("Pia Roth") as pia:
        await dana.get("/api")
        page = (await dana.send("/api/keys", name="the wallboard")).text
        made = page.partition('value="lp_')[2].partition('"')[0]
        assert made and made not in (await dana.get("/api")).text and "the wallboard" in (await dana.get("/api")).text
        async with Program(world, f"lp_{made}") as wallboard:
            assert (await wallboard.get("/cases"))[0] == 200
            [key] = await world.store.keys()
            await pia.get("/api")
            await pia.send(f"/api/keys/{key.id}/drop")
            assert (await wallboard.get("/cases"))[0] == 200
            await dana.send(f"/api/keys/{key.id}/drop")
            assert (await wallboard.get("/cases"))[0] == 401


async def test_the_description_is_whole_and_needs_nothing_from_elsewhere(world: DeskWorld) -> None:
    async with await world.browser("Pia Roth") as pia, Browser(world.address) as stranger:
        async with pia.http.get(f"{world.address}/api/openapi.json") as answer:
            told: Mapping[str, Any] = await answer.json()
        page = (await pia.get("/api")).text
        assert (await stranger.get("/api/openapi.json", follow=False)).status == 303
    assert told["openapi"].startswith("3.1") and "https://" not in page
    described = {(method, path) for path, each in told["paths"].items() for method in each}
    assert described == {(one.method.lower(), f"{BASE}{one.path}") for one in OPERATIONS}
    names = [each["operationId"] for path in told["paths"].values() for each in path.values()]
    assert len(set(names)) == len(names)
    for path, each in told["paths"].items():
        for one in each.values():
            inside = {param["name"] for param in one["parameters"] if param["in"] == "path"}
            assert inside == {name[1:-1] for name in path.split("/") if name.startswith("{")}
            assert all(param["required"] for param in one["parameters"] if param["in"] == "path")


def test_every_form_of_a_case_can_be_sent_and_nothing_else() -> None:
    assert set(openapi.ACTIONS) == set(forms._COMMANDS) | {"join", "split", "pull"}
    assert {one.name for one in OPERATIONS} == set(api.HANDLERS)
