"""A recording is heard to its end, whatever a line of it holds."""

import json
from pathlib import Path

import pytest
from polling import Poller, ids

from connectors.contract import Fix, Hearing
from connectors.post import Author
from connectors.replay import Options, ReplayConnector


def recording(tmp_path: Path, *lines: object) -> tuple[Poller, Path]:
    file = tmp_path / "posts.jsonl"
    file.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))
    return Poller(ReplayConnector("recorded", Options(file=str(file)))), file


async def test_a_line_that_is_no_post_is_said_and_those_behind_it_are_heard(tmp_path: Path) -> None:
    bad = [
        "not json\n",
        '{"id": 1}\n',
        "[]\n",
        '{"id": 2, "text": "x", "created": "yesterday"}\n',
        "[" * 100_000 + "\n",
    ]
    poller, _ = recording(tmp_path, {"id": 1, "text": "one"}, *bad, {"id": 9, "text": "nine"})
    assert ids(await poller.poll()) == ["1", "9"]
    assert poller.last.hearing is Hearing.TRUNCATED and poller.last.note.startswith(
        "5 lines of posts.jsonl are no posts"
    )
    assert await poller.poll() == []


async def test_a_line_that_is_not_finished_is_waited_for(tmp_path: Path) -> None:
    poller, file = recording(tmp_path, {"id": 1, "text": "one"}, '{"id": 2, "te')
    assert ids(await poller.poll()) == ["1"]
    with file.open("a") as more:
        more.write('xt": "two"}\n')
    assert ids(await poller.poll()) == ["2"]


async def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    poller, file = recording(tmp_path)
    file.unlink()
    with pytest.raises(Fix, match=r"posts\.jsonl cannot be read: No such file"):
        await poller.poll()


async def test_an_author_may_be_an_object_and_nothing_else_may(tmp_path: Path) -> None:
    whole = {"handle": "marta", "name": "Marta Quill", "id": 7, "url": "https://talk.example/u/7", "followers": 12}
    poller, _ = recording(
        tmp_path,
        {"id": 1, "text": "one", "author": whole},
        {"id": 2, "text": "two", "author": {"name": "Lee"}, "followers": 3, "title": None},
        {"id": 3, "text": {"html": "<p>three</p>"}},
        {"id": 4, "text": "four", "author": ["marta"]},
    )
    first, second = (post.author for post in await poller.poll())
    assert first == Author(handle="marta", name="Marta Quill", id="7", url="https://talk.example/u/7", followers=12)
    assert second == Author(name="Lee", followers=3)
    assert '"text" is a text, and is given as dict' in poller.last.note and poller.last.note.startswith("2 lines")
