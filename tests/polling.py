"""Polls an ear as the house does: page after page, each with the cursor of the one before, kept as JSON between."""

import json
from datetime import UTC, datetime

from connectors.contract import START, Connector, Cursor, Page
from connectors.post import Post

NOW = datetime(2026, 5, 4, 13, 0, tzinfo=UTC)


class Poller:
    def __init__(self, ear: Connector, now: datetime = NOW):
        self.ear = ear
        self.now = now
        self.cursor: Cursor = START
        self.pages: list[Page] = []

    async def step(self) -> Page:
        page = await self.ear.fetch(self.cursor, self.now)
        self.cursor = json.loads(json.dumps(page.cursor))
        self.pages.append(page)
        return page

    async def poll(self) -> list[Post]:
        """What one whole poll brought; `pages` holds its pages."""
        self.pages = []
        for _ in range(500):
            if not (await self.step()).more:
                return [post for page in self.pages for post in page.posts]
        raise AssertionError("it never ends")

    @property
    def last(self) -> Page:
        return self.pages[-1]


def ids(posts: list[Post]) -> list[str]:
    return [post.id for post in posts]


def jsoned(found: object) -> tuple[int, dict[str, str], bytes]:
    """An answer for webserver.Server."""
    return 200, {"Content-Type": "application/json"}, json.dumps(found).encode()
