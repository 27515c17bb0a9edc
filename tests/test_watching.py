"""Machines that watch the house: red when deaf, and says why; metrics are the store's; strangers learn little."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from builders import batch, complaint
from conftest import Clock
from deskworld import DeskWorld, filled, opened, settings
from prometheus_client.parser import text_string_to_metric_families

from connectors.contract import Hearing
from listener.health import ailments, silent, working
from listener.metrics import exposed
from listener.settings import Settings
from listener.storage.contract import Failure, Store, StoreError, Vitals
from listener.storage.sqlite import SqliteStore

DASHBOARD = Path(__file__).parents[1] / "config/deploy/grafana-dashboard.json"


@pytest.fixture
async def world(store: Store, clock: Clock, tmp_path: Path) -> AsyncIterator[DeskWorld]:
    await filled(store, clock())
    await store.awake(clock())
    async with opened(store, settings(tmp_path / "config"), clock) as here:
        yield here


async def asked(address: str, path: str, **headers: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.get(f"{address}{path}", headers=headers) as answer:
        return answer.status, await answer.text()


async def parts(world: DeskWorld, path: str = "/readyz") -> tuple[int, set[str]]:
    status, text = await asked(world.address, path)
    return status, {one["part"] for one in json.loads(text)["wrong"]}


def values(text: str) -> dict[str, float]:
    """name{labels} -> value"""
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_all_is_well_and_then_nobody_is_at_work(world: DeskWorld, clock: Clock) -> None:
    await world.store.keep(batch(source="blog", at=clock()))
    assert await parts(world) == (200, set()) == await parts(world, "/healthz")
    clock.forward(minutes=4)
    assert await parts(world) == (503, {"engine"}) == await parts(world, "/healthz")
    await world.store.awake(clock())
    clock.forward(seconds=6)
    assert await parts(world) == (200, set())


async def test_red_when_deadlines_pass_unseen_and_notices_do_not_leave(world: DeskWorld, clock: Clock) -> None:
    clock.forward(hours=1)
    await world.store.awake(clock())
    assert await parts(world) == (503, {"look", "delivery"})


async def test_red_when_a_brand_has_no_ear_left_and_green_while_another_hears(world: DeskWorld, clock: Clock) -> None:
    gone = Failure(
        source="blog",
        at=clock(),
        error="404",
        hearing=Hearing.BLOCKED,
        next_poll=clock() + timedelta(hours=1),
        told_silent=True,
    )
    await world.store.keep_failure(gone)
    status, text = await asked(world.address, "/readyz")
    told = json.loads(text)
    assert (
        status == 503 and told["silent"] == ["blog"] and "none of the 1 sources of Acme Air" in told["wrong"][0]["why"]
    )
    assert (await parts(world, "/healthz"))[0] == 200  # a restart would not mend it
    one = world.settings.sources[0]
    more = replace(world.settings, sources=(one, replace(one, name="another")))
    vitals = await world.store.vitals(clock())
    assert not ailments(vitals, more, clock()) and silent(vitals, more) == ("blog",)


async def test_red_when_the_store_cannot_be_written(clock: Clock, tmp_path: Path) -> None:
    store = await SqliteStore.open(str(tmp_path / "full.db"))
    await store.awake(clock())
    async with opened(store, settings(tmp_path / "config"), clock) as world:
        assert (await parts(world, "/healthz"))[0] == 200
        await store._writer.read(lambda db: db.execute("PRAGMA query_only = 1"))
        clock.forward(seconds=10)
        assert await parts(world, "/healthz") == (503, {"store"}) == await parts(world)
        with pytest.raises(StoreError):
            await store.set_mark("health", clock())
    await store.aclose()


async def test_strangers_learn_whether_it_is_well_and_no_more(store: Store, clock: Clock, tmp_path: Path) -> None:
    given = settings(tmp_path / "config", {"LISTENER_METRICS_TOKEN": "watch-me"})
    async with opened(store, given, clock) as world:
        for path in ("/healthz", "/readyz"):
            assert await asked(world.address, path, Host="10.1.2.3:8080") == (503, '{"ok":false}')
        status, text = await asked(world.address, "/metrics", Host="evil.example")
        assert status == 403 and "listener_" not in text
        for shown in ("Bearer wrong", "watch-me-not", "Bearer "):
            assert (await asked(world.address, "/metrics", Host="post.example", Authorization=shown))[0] == 403
        assert (await asked(world.address, "/metrics", Host="post.example", Authorization="Bearer watch-me"))[0] == 200
        assert (await asked(world.address, "/", Host="evil.example"))[0] == 421  # pages keep their guard


async def test_metrics_say_what_the_store_knows(world: DeskWorld, clock: Clock) -> None:
    await world.store.keep(batch(complaint("b1"), source="blog", at=clock()))
    (owed, *_) = [
        one for one in await world.store.claim(clock(), 50, timedelta(minutes=1)) if one.notice.kind == "card"
    ]
    await world.store.delivered(owed.notice.key, "ref", clock.forward(seconds=40))
    status, text = await asked(world.address, "/metrics")
    told = values(text)
    assert status == 200 and "caught fire" not in text and "marta" not in text
    assert told["listener_posts_total[('kind', 'feed'), ('source', 'blog')]"] >= 1
    assert told["listener_polls_total[('kind', 'feed'), ('outcome', 'heard'), ('source', 'blog')]"] >= 1
    assert sum(value for name, value in told.items() if name.startswith("listener_cases_open")) == 4
    assert told["listener_post_to_card_seconds_bucket[('le', '+Inf')]"] == 1
    assert sum(value for name, value in told.items() if name.startswith("listener_mentions_total")) == 5
    assert told["listener_promises_at_risk[]"] == 0
    clock.forward(minutes=70)
    assert values((await asked(world.address, "/metrics"))[1])["listener_promises_at_risk[]"] == 2  # a call, a report


async def test_what_takes_long_is_asked_seldom(store: Store, clock: Clock, tmp_path: Path) -> None:
    """As with a hundred thousand open cases: never more than a twentieth of the time."""

    class Slow:
        asked = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        async def vitals(self, now: datetime) -> Vitals:
            self.asked += 1
            await asyncio.sleep(0.3)
            return await store.vitals(now)

    slow = Slow()
    async with opened(cast(Store, slow), settings(tmp_path / "config"), clock) as world:
        for _ in range(3):
            assert (await asked(world.address, "/metrics"))[0] == 200
            clock.forward(seconds=1.9)
        assert slow.asked == 1
        clock.forward(seconds=15)
        await asked(world.address, "/metrics")
        assert slow.asked == 2


async def test_two_processes_tell_the_same(world: DeskWorld, clock: Clock) -> None:
    async with opened(world.store, world.settings, clock) as second:
        one, other = [(await asked(address, "/metrics"))[1] for address in (second.address, world.address)]
        moving = re.compile("^listener_store_room_bytes .*", re.MULTILINE)  # others write to the same disk
        assert moving.sub("", one) == moving.sub("", other)


async def test_a_store_that_is_new_is_not_at_work_yet(store: Store, clock: Clock) -> None:
    vitals = await store.vitals(clock())
    assert [one.part for one in working(vitals, clock())] == ["engine"]
    assert vitals.awake is None and not vitals.open and not vitals.card_lags


async def test_every_panel_asks_for_a_metric_that_there_is(world: DeskWorld, clock: Clock) -> None:
    await world.store.keep(batch(complaint("b1"), source="blog", at=clock(), next_poll=clock()))
    await world.store.set_gauge("look", 0.25)
    shown: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    exposed_now = await _exposed(world, clock)
    assert 'listener_step_seconds{step="look"} 0.25' in exposed_now
    there = set(re.findall(r"^(listener_\w+)", exposed_now, re.MULTILINE)) | {"listener_store_room_bytes"}  # of a file
    asked_for = {panel["title"]: _names(panel) for panel in shown["panels"]}
    assert len(asked_for) == len(shown["panels"]) > 10
    assert {title: names - there for title, names in asked_for.items() if not names or names - there} == {}
    exported = {re.sub("_(bucket|gsum|gcount)$", "", name) for name in there}
    drawn = {re.sub("_bucket$", "", name) for names in asked_for.values() for name in names}
    assert exported - drawn == set(), "what is exported and nobody would see"
    grids = [tuple(panel["gridPos"][side] for side in "xywh") for panel in shown["panels"]]
    assert len({(x, y) for x, y, _, _ in grids}) == len(grids) and all(x + w <= 24 for x, _, w, _ in grids)


def _names(panel: dict[str, Any]) -> set[str]:
    return {name for target in panel["targets"] for name in re.findall(r"listener_\w+", target["expr"])}


async def _exposed(world: DeskWorld, clock: Clock) -> str:
    given: Settings = world.settings
    return exposed(await world.store.vitals(clock()), given, clock()).decode()
