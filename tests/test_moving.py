"""A database file becomes a PostgreSQL database, whole, or goes on where it was cut off."""

import asyncio
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import postgresserver
import pytest
from builders import NOW, batch, complaint, post

from connectors.contract import Hearing
from escalation.commands import Acknowledge, Dismiss
from escalation.desk import Desk
from listener.audit import audit
from listener.search import question
from listener.storage import moving
from listener.storage.contract import Failure, Heard, Key, StoreError, Way
from listener.storage.postgres import PostgresStore
from listener.storage.sqlite import SqliteStore


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    """With something in every room."""
    path = tmp_path / "listener.db"
    store = await SqliteStore.open(str(path))
    for day in range(40):
        heard = [
            complaint(f"p{day}-{number}", text=f"Acme Air \0 charger {number} \ufdd0 caught fire")
            for number in range(3)
        ]
        at = NOW + timedelta(days=day)
        await store.keep(batch(*heard, Heard(post=post(f"q{day}", text="nothing")), at=at))
    await store.keep(batch(complaint("p0-0", text="Acme Air edited"), gone=("p1-1",), at=NOW + timedelta(days=41)))
    desk = Desk(store)
    await desk.handle(1, Acknowledge(by="Dana Fox"), NOW)
    await desk.handle(2, Dismiss(by="Dana Fox", reason="x"), NOW)
    await desk.look(NOW + timedelta(days=50))
    owed = await store.claim(NOW + timedelta(days=50), 5, timedelta(0))
    await store.delivered(owed[0].notice.key, "ref", NOW)
    await store.guarded((("blame", True), ("blame", False)), NOW)
    search = await store.save_search("fire", "fire", "Pia", NOW)
    await store.subscribe(search, Way.MAIL, "Pia", "Pia", NOW)
    await store.add_key("hash", Key(name="crm", person="Pia", at=NOW, reads=True, brands=("Acme Air",)))
    await store.set_away("Lee Park", NOW + timedelta(days=900))
    await store.done("this", NOW)
    failure = Failure(source="x", at=NOW, error="e", hearing=Hearing.BLOCKED, next_poll=NOW, told_silent=False)
    await store.keep_failure(failure)
    await store.aclose()
    return path


@pytest.fixture
def url() -> Iterator[str]:
    address = postgresserver.shelf().take()
    yield postgresserver.url(address)
    postgresserver.shelf().give_back(address)


async def compared(file: Path, url: str) -> None:
    old, new = await SqliteStore.open(str(file)), await PostgresStore.open(url)
    for text in ("", "fire", "edited", "charger NOT 1", "status:dismissed"):
        answers = []
        for store in (old, new):
            answers.append([row async for row in store.search(question(text, limit=500))])
        assert answers[0] == answers[1], text
    assert [row async for row in old.cases(ended=True)] == [row async for row in new.cases(ended=True)]
    for case in range(1, 6):
        assert await old.timeline(case) == await new.timeline(case)
    balances = [await store.balance() for store in (old, new)]
    assert (balances[0].posts, balances[0].owed) == (balances[1].posts, balances[1].owed)
    assert (await audit(new, NOW)).findings == (await audit(old, NOW)).findings
    assert await new.picture(question("")) == await old.picture(question(""))
    for store in (old, new):  # and life goes on
        kept = await store.keep(batch(complaint("new"), complaint("p3-1"), at=NOW + timedelta(days=60)))
        assert (kept.new, kept.opened) == (1, (121,))
        await store.aclose()


async def test_what_was_in_the_file_is_in_the_database(file: Path, url: str) -> None:
    moved = await moving.move(file, url, lambda table, rows: None)
    assert (moved.rows["posts"], moved.rows["cases"], moved.rows["subscriptions"]) == (160, 120, 1)
    await compared(file, url)


async def test_a_move_that_was_cut_off_goes_on(file: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "PIECE", 7)
    for cut in (3, 30, 60):
        steps = iter(range(cut))

        def told(table: str, rows: int, steps: object = steps) -> None:
            if next(steps, None) is None:  # type: ignore[call-overload]
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await moving.move(file, url, told)
    await moving.move(file, url, lambda table, rows: None)
    await compared(file, url)


MOVES = """
import asyncio, pathlib, sys
from listener.storage import moving
moving.PIECE = 7
asyncio.run(moving.move(pathlib.Path(sys.argv[1]), sys.argv[2], lambda table, rows: print(table, rows, flush=True)))
"""


async def test_a_move_that_was_killed_goes_on(file: Path, url: str) -> None:
    """At once, without a word, in the middle of whatever it was writing."""
    for pieces in (4, 40):
        mover = await asyncio.create_subprocess_exec(
            sys.executable, "-c", MOVES, str(file), url, stdout=asyncio.subprocess.PIPE
        )
        assert mover.stdout
        for _ in range(pieces):
            assert await mover.stdout.readline(), "it was to be killed before its end"
        mover.kill()
        await mover.wait()
    moved = await moving.move(file, url, lambda table, rows: None)
    assert (moved.rows["posts"], moved.rows["cases"]) == (160, 120)
    await compared(file, url)


async def test_a_database_that_holds_something_is_left_alone(file: Path, url: str) -> None:
    store = await PostgresStore.open(url)
    await store.keep(batch(complaint("p1")))
    await store.aclose()
    with pytest.raises(StoreError, match="there is something in this PostgreSQL database already"):
        await moving.move(file, url, lambda table, rows: None)


async def test_a_row_that_arrives_otherwise_is_said(file: Path, url: str) -> None:
    store = await PostgresStore.open(url)
    await store.writing(
        lambda db: db.execute("INSERT INTO house (name, value) VALUES ('moving aways', '[[\"Zoe\"], 1]')")
    )
    await store.aclose()
    with pytest.raises(StoreError, match="aways did not arrive as it was: 1 rows sent, 0 there"):
        await moving.move(file, url, lambda table, rows: None)
