"""The file that says to Datasette what the tables are: it names what there is, and its questions can be asked."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from builders import batch, complaint
from datasette.app import Datasette

from listener.storage.sqlite import SqliteStore

FILE = Path(__file__).parent.parent / "config" / "datasette.json"


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    store = await SqliteStore.open(str(tmp_path / "listener.db"))
    await store.keep(batch(complaint()))
    await store.aclose()
    return tmp_path / "listener.db"


def told() -> dict[str, Any]:
    return dict(json.loads(FILE.read_text("utf-8"))["databases"]["listener"])


def test_it_names_tables_and_columns_that_there_are(file: Path) -> None:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
        for table, about in told()["tables"].items():
            columns = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
            assert columns, table
            named = {*about.get("facets", ()), *about.get("columns", ())}
            named |= {about[key] for key in ("sort_desc", "label_column", "fts_pk") if key in about}
            assert named <= columns, table


def test_what_opens_a_door_is_not_shown() -> None:
    tables = told()["tables"]
    assert all(tables[one]["hidden"] and not tables[one]["allow"] for one in ("passes", "keys", "subscriptions"))


@pytest.mark.parametrize("name", told()["queries"])
def test_its_questions_can_be_asked(file: Path, name: str) -> None:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
        asked = db.execute(told()["queries"][name]["sql"], {"case": 1} if name == "timeline" else {})
        assert asked.fetchall() or name == "still_owed"


async def test_datasette_itself_reads_it(file: Path) -> None:
    here = Datasette([str(file)], metadata=json.loads(FILE.read_text("utf-8")))
    await here.invoke_startup()
    for path in ("/listener/cases.json", "/listener/who_owes_what.json", "/listener/posts.json?_search=charger"):
        answer = await here.client.get(path)
        assert answer.status_code == 200 and answer.json()["rows"], path
    assert (await here.client.get("/listener/passes.json")).status_code == 403
