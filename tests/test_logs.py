"""The log says what was decided, in words or in JSON, and quotes nobody."""

import json
import logging
from io import StringIO
from pathlib import Path

import configs
import pytest
from rich.console import Console
from webserver import Server

from listener.bootstrap import build
from listener.cycle import turn
from listener.logs import JsonLines
from listener.settings import load

FEED = (
    b"<rss><channel><item><guid>1</guid><title>Smoke</title>"
    b"<description>The Acme Air charger caught fire and nobody answers me.</description></item></channel></rss>"
)


async def test_a_page_is_a_line_with_its_cases_and_without_its_words(
    tmp_path: Path, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers["/feed"] = FEED
    sources = f'[[source]]\nname = "blog"\nkind = "feed"\nurl = "{server.address}/feed"\n'
    settings = load(configs.write(tmp_path, sources=sources), {"LISTENER_ALLOW_PRIVATE": server.host})
    with caplog.at_level(logging.INFO, "listener"):
        async with build(settings, Console(file=StringIO())) as house:
            await turn(house)
    [record] = [each for each in caplog.records if "mentions" in each.getMessage()]
    assert record.getMessage() == "source blog: new 1, mentions 1, complaints 1, opened [1]"
    told = json.loads(JsonLines().format(record))
    assert (told["source"], told["opened"], told["level"]) == ("blog", [1], "info")
    assert "fire" not in caplog.text and "Smoke" not in caplog.text


def test_a_defect_is_one_line_with_its_trace() -> None:
    try:
        raise ValueError("odd\nthing")
    except ValueError as wrong:
        record = logging.LogRecord("listener", 40, "", 0, "failed", (), (type(wrong), wrong, wrong.__traceback__))
    line = JsonLines().format(record)
    assert "\n" not in line and "ValueError" in json.loads(line)["trace"]
