"""The contract every kind of source keeps (connectors/contract.py). One suite, held against a small world of each kind.

A kind that is registered and has no world fails here: add one to tests/worlds.py.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from polling import NOW, Poller
from webserver import Server
from worlds import SECRET, WORLDS, World, hear

from connectors import KINDS, deaf_to, dialect_of, secrets_of
from connectors.contract import START, Broken, ConnectorError, Hearing, Rereader, Wait
from connectors.http import Web
from connectors.post import Post

LARGEST_CURSOR = 256 * 1024  # characters of JSON
MINUTE = timedelta(minutes=1)


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, server: Server, web_: Web, tmp_path: Path) -> Iterator[World]:
    if request.param not in WORLDS:
        pytest.fail(f'kind "{request.param}" has no world in tests/worlds.py: add one, and it is held to the contract')
    opened = WORLDS[request.param](server, web_, tmp_path)
    yield opened
    opened.end()


def written(world: World, *keys: str) -> set[str]:
    return {world.ids[key] for key in keys}


async def test_what_was_written_is_heard_and_nothing_else(world: World) -> None:
    for number in range(5):
        world.write(f"k{number}", f"acme number {number}", NOW - number * MINUTE)
    heard = await hear(world)
    assert heard.keys() == set(world.ids.values())
    assert {post.source for post in heard.values()} == {world.poller.ear.name}
    assert all("acme" in f"{post.title} {post.text}".lower() for post in heard.values())
    assert world.poller.last.hearing is Hearing.HEARD and not world.poller.last.gone


async def test_what_comes_later_is_heard_whatever_its_date(world: World) -> None:
    """The same second as before, the same second as each other, and older than what is known already."""
    world.write("first", "acme first")
    await hear(world)
    for key, at in [
        ("same", NOW),
        ("twin", NOW + 15 * MINUTE),
        ("twin2", NOW + 15 * MINUTE),
        ("late", NOW - 30 * MINUTE),
    ]:
        world.write(key, f"acme {key}", at)
    assert written(world, "same", "twin", "twin2", "late") <= (await hear(world, minutes=10, polls=4)).keys()


async def test_two_thousand_between_two_polls_are_heard_or_said_to_be_missing(world: World) -> None:
    world.write("before", "acme before")
    await hear(world)
    for number in range(2_000):
        world.write(f"n{number}", f"acme {number}", NOW + (10 + number / 1_000) * MINUTE)
    heard = await hear(world)
    missing = {world.ids[f"n{number}"] for number in range(2_000)} - heard.keys()
    said = [page for page in world.poller.pages if page.hearing is Hearing.TRUNCATED and page.note]
    assert not missing or said, f"{len(missing)} of 2,000 are missing, and nothing was said"


async def test_a_crash_after_any_page_loses_nothing(world: World) -> None:
    """What was fetched and not kept is fetched again from the cursor that was kept."""
    for number in range(250):
        world.write(f"n{number}", f"acme {number}", NOW - number / 60 * MINUTE)
    poller, kept = world.poller, dict[str, Post]()
    poller.now += 5 * MINUTE
    for _ in range(500):
        await poller.ear.fetch(poller.cursor, poller.now)  # the process dies before this page is kept
        page = await poller.step()
        kept |= {post.id: post for post in page.posts}
        if not page.more:
            break
    assert kept.keys() == set(world.ids.values())


async def test_a_cursor_is_json_and_stays_small(world: World) -> None:
    for number in range(1_000):
        world.write(f"n{number}", f"acme {number}", NOW - number / 60 * MINUTE)
    await hear(world, polls=3)
    told = json.dumps(world.poller.cursor)
    assert len(told) < LARGEST_CURSOR and SECRET not in told and "right-secret" not in told


async def test_two_ears_never_share_what_they_know(world: World) -> None:
    """All that matters is in the cursor: from the beginning, everything is heard again."""
    world.write("a", "acme a"), world.write("b", "acme b")
    first = await hear(world)
    again = Poller(world.poller.ear, world.poller.now)
    assert again.cursor == START
    assert {post.id for post in await again.poll()} == first.keys()


async def test_an_edit_is_the_same_post_with_another_wording(world: World) -> None:
    world.write("a", "acme is late")
    before = (await hear(world))[world.ids["a"]]
    world.edit("a", "acme is late, and now it is here")
    heard = await hear(world)
    if world.ids["a"] not in heard and isinstance(world.poller.ear, Rereader):
        heard = {post.id: post for post in (await looked_at(world, "a"))[0]}
    after = heard[world.ids["a"]]
    assert "now it is here" in after.text and after.fingerprint != before.fingerprint


async def test_what_is_deleted_is_gone_where_the_platform_can_be_asked(world: World) -> None:
    world.write("a", "acme a"), world.write("b", "acme b"), world.write("c", "acme c")
    await hear(world)
    world.delete("a")
    heard = await hear(world)
    assert world.ids["b"] not in {id_ for page in world.poller.pages for id_ in page.gone}
    if isinstance(world.poller.ear, Rereader):
        posts, gone = await looked_at(world, "a")
        assert (posts, gone) == ((), (world.ids["a"],))
    world.write("d", "acme d", NOW + 25 * MINUTE)
    assert world.ids["d"] in {**heard, **await hear(world, polls=2)}, "a deleted anchor deafens nobody"


async def looked_at(world: World, *keys: str) -> tuple[tuple[Post, ...], tuple[str, ...]]:
    assert isinstance(world.poller.ear, Rereader)
    page = await world.poller.ear.reread([world.ids[key] for key in keys], world.poller.cursor, world.poller.now)
    return page.posts, page.gone


TROUBLES = {
    "500": (500, {}, b"oops"),
    "502 page": (502, {"Content-Type": "text/html"}, b"<html>Bad gateway</html>"),
    "503 later": (503, {"Retry-After": "120"}, b""),
    "429": (429, {"Retry-After": "120"}, b"{}"),
    "429 bare": (429, {}, b""),
    "401": (401, {"Content-Type": "application/json"}, b'{"error": "who are you?"}'),
    "403": (403, {}, b"no"),
    "truncated": (200, {"Content-Type": "application/json"}, b'{"posts": [{"id": "1", "te'),
    "another shape": (200, {"Content-Type": "application/json"}, b'[[["what?"]]]'),
    "nothing": (200, {}, b""),
    "a page": (200, {"Content-Type": "text/html"}, b"<!doctype html><title>Sign in to the hotel's network</title>"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_trouble_is_sorted_said_without_secrets_and_then_nothing_was_lost(world: World, trouble: str) -> None:
    world.write("before", "acme before")
    await hear(world)
    world.write("after", "acme after", NOW + 12 * MINUTE)
    if not world.online:
        return
    world.troubles += [TROUBLES[trouble]] * 12
    world.poller.now += 5 * MINUTE
    try:
        pages = [await world.poller.step()]
        assert pages[0].hearing is not Hearing.HEARD and pages[0].note, f"{trouble} was taken for silence"
        told = pages[0].note
    except ConnectorError as error:
        told = str(error)
        assert isinstance(error, Wait) or trouble not in ("500", "502 page", "503 later", "429", "429 bare")
        if trouble == "429" and isinstance(error, Wait):
            assert error.hearing is Hearing.RATE_LIMITED and error.until is not None
            assert error.until >= world.poller.now + 119 * timedelta(seconds=1)
        assert isinstance(error, Broken) or len(told) > 20
    assert SECRET not in told and "right" not in told and "Bearer" not in told
    world.troubles.clear()
    world.poller.now += timedelta(hours=2)
    assert world.ids["after"] in await hear(world, polls=3)


HOSTILE = [
    "acme <!channel> <@U123> *bold* [link](https://evil.example)",
    "acme \u202eevil\u202c \u200b\u2066",
    "acme =cmd|' /C calc'!A0",
    "acme <script>alert(1)</script>",
    "acme '; DROP TABLE posts; --",
    "acme " + "long " * 20_000,
    "acme \ud83d\ude21 😡 東京",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_text_is_only_text(world: World, text: str) -> None:
    world.write("a", text.encode("utf-8", "replace").decode()), world.write("b", "acme after it")
    assert (await hear(world)).keys() == written(world, "a", "b")


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_says_what_it_needs_and_what_it_cannot_hear(kind: str) -> None:
    assert all(variable.isupper() for variable in secrets_of(kind).values())
    assert isinstance(deaf_to(kind), tuple) and all(len(sentence) > 10 for sentence in deaf_to(kind))
    assert deaf_to(kind) or kind == "replay", "every ear is deaf to something: say to what"
    assert dialect_of(kind) is None or dialect_of(kind).longest > 0  # type: ignore[union-attr]
    assert (Path(__file__).parents[1] / "docs" / "sources" / f"{kind}.md").exists(), f"write docs/sources/{kind}.md"
