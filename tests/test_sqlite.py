"""What only the embedded store promises: a file, other processes, death at any instruction, and words truly gone."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from builders import NOW, batch, complaint, post, quiet
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from escalation.case import replay
from listener.audit import audit
from listener.search import question
from listener.storage.contract import Heard, StoreBusy, StoreError
from listener.storage.sql import incidents, keeping, ledger, searching, tagging
from listener.storage.sql.rows import OPEN
from listener.storage.sqlite import SqliteStore, indexing, upkeep
from listener.storage.sqlite.lanes import connect, tables, transaction
from listener.storage.sqlite.schema import prepare

LEASE = timedelta(seconds=60)
PAGE = 3  # posts on each of the child's pages

CHILD = """
import asyncio, sys
sys.path[:0] = {path!r}
from builders import batch, complaint
from listener.storage.sqlite import SqliteStore

async def main():
    store = await SqliteStore.open({file!r})
    async with store.engine():
        while True:
            done = (await store.source("blog")).cursor.get("pages", 0)
            posts = [complaint(f"p{{done}}-{{n}}") for n in range({page})]
            gone = (f"p{{done - 1}}-0",) if done else ()
            await store.keep(batch(*posts, cursor={{"pages": done + 1}}, gone=gone))
            print(done + 1, flush=True)

asyncio.run(main())
"""


def child(file: Path) -> subprocess.Popen[str]:
    code = CHILD.format(path=sys.path, file=str(file), page=PAGE)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


async def test_killed_at_any_moment_cursor_posts_and_cases_agree(tmp_path: Path) -> None:
    file, chance, shown = tmp_path / "listener.db", Random(5), 0
    for _ in range(5):
        process = child(file)
        assert process.stdout
        for _ in range(chance.randint(1, 8)):
            shown = int(process.stdout.readline())
        await asyncio.sleep(chance.random() * 0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        shown = max([shown, *map(int, process.stdout)])  # it went on until it died
        process.stdout.close()
        store = await SqliteStore.open(str(file))
        pages = (await store.source("blog")).cursor["pages"]
        balance = await store.balance()
        assert shown <= pages <= shown + 1, "what was said to be kept is kept, and what it was at, whole or not at all"
        assert sum(balance.posts["blog"].values()) == balance.fetched["blog"] == pages * PAGE
        assert balance.posts["blog"].get("erased", 0) == pages - 1
        rows = [row async for row in store.cases(ended=True)]
        assert [row.id for row in rows] == list(range(pages * PAGE, 0, -1)), "one case for each post, none doubled"
        assert len({replay(await store.timeline(row.id)).subject.post for row in rows}) == len(rows)
        assert balance.findings == ()
        await store.aclose()


async def test_a_second_engine_is_told_who_is_at_work_until_that_one_dies(tmp_path: Path) -> None:
    file = tmp_path / "listener.db"
    process = child(file)
    assert process.stdout
    process.stdout.readline()
    store = await SqliteStore.open(str(file))
    with pytest.raises(StoreBusy, match=f"process {process.pid}"):
        async with store.engine():
            pass
    process.kill()
    process.wait()
    process.stdout.close()
    other = await SqliteStore.open(str(file))
    async with store.engine():
        with pytest.raises(StoreBusy, match=f"process {os.getpid()}"):
            async with other.engine():
                pass
    await other.aclose()
    await store.aclose()


async def test_two_programs_write_at_once_and_neither_loses_anything(tmp_path: Path) -> None:
    file = str(tmp_path / "listener.db")
    one, two, *others = await asyncio.gather(*(SqliteStore.open(file) for _ in range(6)))
    pages = [(store, name, n) for n in range(15) for store, name in ((one, "a"), (two, "b"))]
    await asyncio.gather(*(s.keep(batch(complaint(f"{name}{n}"), source=name)) for s, name, n in pages))
    claims = await asyncio.gather(*(store.claim(NOW, 5, LEASE) for store, _, _ in pages))
    keys = [owed.notice.key for claimed in claims for owed in claimed]
    assert len(keys) == len(set(keys)) == 60
    assert (await one.balance()).findings == ()
    for store in (one, two, *others):
        await store.aclose()


# the file


async def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    file = str(tmp_path / "listener.db")
    await (await SqliteStore.open(file)).aclose()
    db = Database(file)
    db["_sqlite_migrations"].insert({"migration_set": "listening-post", "name": "later", "applied_at": ""})
    db.close()
    with pytest.raises(StoreError, match="newer version wrote this database"):
        await SqliteStore.open(file)


async def test_what_is_no_database_is_refused_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "listener.db").write_text("this is no database, " * 100)
    with pytest.raises(StoreError, match="cannot be opened as a database"):
        await SqliteStore.open(str(tmp_path / "listener.db"))
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be opened as a database"):
        await SqliteStore.open(str(tmp_path / "file" / "listener.db"))


async def test_a_damaged_file_says_so_and_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "listener.db"
    store = await SqliteStore.open(str(file))
    await store.keep(batch(*(complaint(f"p{n}") for n in range(50))))
    await store.aclose()
    torn = bytearray(file.read_bytes())
    torn[4096:] = b"\xa5" * (len(torn) - 4096)
    file.write_bytes(torn)
    with pytest.raises(StoreError, match=r"restore a backup|cannot be opened"):
        store = await SqliteStore.open(str(file))
        try:
            await store.balance()
        finally:
            await store.aclose()


async def test_other_tools_can_read_every_row(tmp_path: Path) -> None:
    file = str(tmp_path / "listener.db")
    store = await SqliteStore.open(file)
    await store.keep(batch(complaint("p1", text="half \ud83d a pair, nul \0 and 中文"), Heard(post=post("p2"))))
    await store.aclose()
    db = Database(file)
    rows = {name: list(db[name].rows) for name in db.table_names() if not name.startswith("posts_fts")}
    assert [row["text"] for row in rows["posts"]] == ["half \ufffd a pair, nul \0 and 中文", ""]
    assert len(rows["events"]) == 1 and len(rows["notices"]) == 2
    db.close()


# a copy, and damage


async def test_a_copy_is_made_while_the_work_goes_on_and_is_whole(tmp_path: Path) -> None:
    store = await SqliteStore.open(str(tmp_path / "listener.db"))
    await store.keep(batch(*(complaint(f"p{n}") for n in range(20))))
    size, *_ = await asyncio.gather(
        store.backup(tmp_path / "copy.db"), *(store.keep(batch(complaint(f"q{n}"))) for n in range(5))
    )
    await store.aclose()
    assert (tmp_path / "copy.db").stat().st_size == size
    assert (tmp_path / "copy.db").stat().st_mode & 0o077 == 0, "it holds what people said"
    copy = await SqliteStore.open(str(tmp_path / "copy.db"))
    report = await audit(copy, NOW)
    assert report.balanced and report.cases >= 20
    assert len([row async for row in copy.search(question("charger"))]) == report.cases
    await copy.aclose()


async def test_a_copy_overwrites_nothing_and_one_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    store = await SqliteStore.open(str(tmp_path / "listener.db"))
    (tmp_path / "there").write_text("something else")
    with pytest.raises(StoreError, match="there already"):
        await store.backup(tmp_path / "there")
    with pytest.raises(StoreError, match="cannot be written: No such file or directory"):
        await store.backup(tmp_path / "nowhere" / "copy.db")
    assert (tmp_path / "there").read_text() == "something else"
    assert names_in(tmp_path) == {"listener.db", "listener.db-wal", "listener.db-shm", "there"}
    await store.aclose()


async def test_a_page_gone_bad_is_found_before_anything_is_read_from_it(tmp_path: Path) -> None:
    file = tmp_path / "listener.db"
    store = await SqliteStore.open(str(file))
    await store.keep(batch(*(complaint(f"p{n}") for n in range(200))))
    await store.aclose()
    with closing(sqlite3.connect(file)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'cases_due'").fetchone()
        size = db.execute("PRAGMA page_size").fetchone()[0]
    torn = bytearray(file.read_bytes())
    torn[(page - 1) * size + 200 : page * size] = b"\0" * (size - 200)
    file.write_bytes(torn)
    store = await SqliteStore.open(str(file))
    report = await audit(store, NOW)
    assert not report.balanced and {finding.check for finding in report.findings} == {upkeep.SOUND}
    assert "restore a backup" in report.findings[0].problem
    with pytest.raises(StoreError):
        await store.backup(tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()
    await store.aclose()


SECRET = "zyzzogeton"


def names_in(directory: Path) -> set[str]:
    return {file.name for file in directory.iterdir()}


def bytes_of(directory: Path) -> bytes:
    return b"".join(file.read_bytes() for file in directory.iterdir())


def secret(n: int = 0) -> Heard:
    return complaint(f"p{n}", text=f"{SECRET} {n} lost my bag")


async def test_what_a_person_has_erased_is_in_no_byte_of_the_file(tmp_path: Path) -> None:
    store = await SqliteStore.open(str(tmp_path / "listener.db"))
    for n in range(40):
        await store.keep(batch(secret(n) if n % 2 else complaint(f"p{n}")))
    assert SECRET.encode() in bytes_of(tmp_path)
    assert await store.erase("blog", tuple(f"p{n}" for n in range(40) if n % 2), NOW) == 20
    assert SECRET.encode() not in bytes_of(tmp_path)
    assert len([row async for row in store.search(question("charger"))]) == 20
    await store.aclose()


async def test_what_its_source_deleted_leaves_the_file_while_the_listening_goes_on(tmp_path: Path) -> None:
    store = await SqliteStore.open(str(tmp_path / "listener.db"))
    for n in range(40):
        await store.keep(batch(secret(n) if n % 2 else complaint(f"p{n}")))
    await store.keep(batch(gone=tuple(f"p{n}" for n in range(40) if n % 2)))
    for n in range(40, 43):
        await store.keep(batch(complaint(f"p{n}")))
    await store.aclose()
    assert SECRET.encode() not in bytes_of(tmp_path)


# the index

WORD = st.sampled_from(["bag", "lost", "acme", "Zürich", "返金", "a_b", ""])
ACT = st.tuples(st.integers(0, 4), st.sampled_from(["new", "quiet", "untracked", "gone"]), WORD, WORD)


@settings(max_examples=40, deadline=None)
@given(acts=st.lists(ACT, max_size=15))
def test_the_index_holds_exactly_what_the_tables_say(acts: list[tuple[int, str, str, str]]) -> None:
    db = connect(":memory:")
    prepare(tables(db))
    for number, act, *words in acts:
        said = post(f"p{number}", text=" ".join(words))
        heard = {"new": complaint(said.id, text=said.text), "quiet": Heard(post=said, mentions=(quiet(),))}
        page = batch(gone=(said.id,)) if act == "gone" else batch(heard.get(act, Heard(post=said)))
        transaction(db, lambda db, page=page: keeping.keep(db, page))  # type: ignore[misc]
    kept = [row["id"] for row in db.execute("SELECT id FROM posts WHERE state NOT IN ('not matched', 'erased')")]
    fresh = connect(":memory:")
    prepare(tables(fresh))
    fresh.executemany(indexing.INSERT, [tagging.indexed(db, post_id) for post_id in kept])
    assert terms(db) == terms(fresh)
    for each in (db, fresh):
        each.close()


def terms(db: sqlite3.Connection) -> list[tuple[object, ...]]:
    """Every place of every word that the index holds."""
    db.execute("CREATE VIRTUAL TABLE temp.terms USING fts5vocab (main, posts_fts, instance)")
    return sorted(tuple(row) for row in db.execute("SELECT term, doc, col, offset FROM temp.terms"))


# the plans: what is asked every second must not grow with the table


@pytest.mark.parametrize(
    ("sql", "index"),
    [
        ("SELECT 1 FROM cases WHERE {open} AND due <= ? LIMIT 1", "cases_due"),
        ("SELECT min(priority) FROM cases WHERE {open} AND priority > ?", "cases_urgent"),
        ("SELECT id FROM cases WHERE {open} AND priority = ? AND due <= ? ORDER BY due, id LIMIT 9", "cases_urgent"),
        ("SELECT id FROM cases WHERE brand = ? AND thread = ? AND thread <> '' AND {open} ORDER BY id", "cases_thread"),
        ("SELECT 1 FROM notices WHERE sent_at IS NULL AND dead = 0 AND next_try <= ? LIMIT 1", "notices_owed"),
        ("SELECT * FROM mentions m WHERE m.case_id = ? ORDER BY m.id", "mentions_case"),
    ],
)
def test_what_is_asked_all_the_time_is_answered_from_an_index(sql: str, index: str) -> None:
    db = connect(":memory:")
    prepare(tables(db))
    sql = sql.format(open=OPEN)
    plan = " ".join(row["detail"] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", ("",) * sql.count("?")))
    assert index in plan and "SCAN" not in plan
    db.close()


def test_a_look_goes_through_no_more_than_the_incidents() -> None:
    db = connect(":memory:")
    prepare(tables(db))
    seen: list[str] = []
    db.set_trace_callback(seen.append)
    ledger.due(db, NOW, 9)
    incidents.unanswered(db, 9)
    db.set_trace_callback(None)
    steps = [row["detail"] for sql in seen for row in db.execute(f"EXPLAIN QUERY PLAN {sql}")]
    assert len(seen) == 2 and {step for step in steps if "SCAN" in step} == {"SCAN i USING INDEX cases_incident"}, steps
    db.close()


def test_a_listing_walks_backwards_without_sorting(tmp_path: Path) -> None:
    db = connect(":memory:")
    prepare(tables(db))
    seen: list[str] = []
    db.set_trace_callback(seen.append)
    list(searching.mentions(db, question("")))
    (walked,) = [sql for sql in seen if "ORDER BY m.post DESC" in sql]
    plan = [row["detail"] for row in db.execute(f"EXPLAIN QUERY PLAN {walked}")]
    assert not [step for step in plan if "SCAN m" in step or step == "USE TEMP B-TREE FOR ORDER BY"], plan
    db.close()


def test_the_connection_keeps_what_was_promised_through_a_power_cut(tmp_path: Path) -> None:
    db = connect(str(tmp_path / "listener.db"))
    pragmas = {name: db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}
    assert pragmas == {"journal_mode": "wal", "synchronous": 2}
    with pytest.raises(sqlite3.IntegrityError):
        prepare(tables(db))
        db.execute("INSERT INTO events (case_id, seq, at, kind, body) VALUES (9, 1, '', '', '')")
    db.close()
