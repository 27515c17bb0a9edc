"""What every test may ask for: a clock to turn, a store, a server to script."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hypothesis
import postgresserver
import pytest
from webserver import Server

from connectors.http import Web
from listener.storage.contract import Store
from listener.storage.sqlite import SqliteStore

hypothesis.settings.register_profile("promises", deadline=None)  # speed is measured in benchmarks/, not here
hypothesis.settings.load_profile("promises")


class Clock:
    """Time, turned by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 4, 13, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


STORES: dict[str, Callable[[str], Awaitable[Store]]] = {"sqlite": SqliteStore.open, "postgres": postgresserver.opened}


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opened = await STORES[request.param](str(tmp_path / "listener.db"))
    yield opened
    await opened.aclose()


def pytest_unconfigure() -> None:
    postgresserver.stop()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server() as running:
        yield running


@pytest.fixture(autouse=True)
def no_tokens(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A developer's own tokens must never reach a test."""
    for name in (
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN",
        "SLACK_SIGNING_SECRET",
        "LISTENER_CONFIG",
        "LISTENER_ALLOW_PRIVATE",
    ):
        monkeypatch.delenv(name, raising=False)
    yield


@pytest.fixture
async def web_(server: Server) -> AsyncIterator[Web]:
    """The client, with the scripted server opened to it."""
    client = Web("ListeningPost/test", frozenset({server.host}))
    yield client
    await client.aclose()
