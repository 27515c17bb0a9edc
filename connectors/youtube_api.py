"""YouTube's Data API, one request at a time, with what each costs of the day's units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.api import address, document, words
from connectors.contract import Fix, Hearing, Wait
from connectors.http import Web
from connectors.post import Post
from connectors.quota import Quota
from connectors.youtube_parse import channel_in, comment_of, items_in, refusal, video_of

AT_ONCE = 50  # ids of one request
Channels = dict[str, dict[str, str]]  # as it is named in the options -> its id, its list of uploads, its @handle


@dataclass(slots=True, kw_only=True)
class Api:
    """Of one fetch: `quota` and `channels` grow on the way, and go into the cursor."""

    name: str  # of the source
    web: Web
    url: str
    key: str = field(repr=False)
    quota: Quota
    channels: Channels
    now: datetime

    async def ask(self, path: str, asked: Mapping[str, Any], cost: int = 1) -> Any:
        if self.quota.left < cost:
            said = f"{self.name}: {self.quota.used} of the day's {self.quota.of} units are used, which is all it may"
            raise Wait(said, until=self.quota.resets, hearing=Hearing.OUT_OF_BUDGET)
        self.quota = self.quota.spent(cost)
        url = address(self.url, path, asked.items())
        answer = await self.web.try_get(url, headers={"X-Goog-Api-Key": self.key})
        if answer.status != 200:
            raise refusal(answer, self.now, self.quota.resets)
        return document(answer, self.now, access="")

    async def channel(self, name: str) -> Mapping[str, str]:
        """Its id, its list of uploads and its @handle are asked for once."""
        if name not in self.channels:
            which = {"forHandle": name} if name.startswith("@") else {"id": name}
            found = items_in(await self.ask("channels", {"part": "snippet,contentDetails", **which}), self.name)
            if not found:
                raise Fix(f"{self.name}: YouTube knows no channel {name}; write its @handle or its id (UC…)")
            self.channels[name] = channel_in(found[0], self.name)
        return self.channels[name]

    def handles(self) -> dict[str, str]:
        return {known["id"]: known["handle"] for known in self.channels.values() if known["handle"]}

    async def videos(self, ids: Sequence[str]) -> list[Post]:
        """Those that are there."""
        found: list[Post] = []
        for start in range(0, len(ids), AT_ONCE):
            asked = {"part": "snippet,statistics", "id": ",".join(ids[start : start + AT_ONCE])}
            items = items_in(await self.ask("videos", asked), self.name)
            found += [post for item in items if (post := video_of(item, self.name, self.handles()))]
        return found

    async def comments(self, ids: Sequence[str]) -> list[Post]:
        """Those that are there."""
        found: list[Post] = []
        videos = {comment: video for video, _, comment in (id_.partition("/") for id_ in ids)}
        wanted = list(videos)
        for start in range(0, len(wanted), AT_ONCE):
            asked = {"part": "snippet", "textFormat": "plainText", "id": ",".join(wanted[start : start + AT_ONCE])}
            items = items_in(await self.ask("comments", asked), self.name)
            for item in items:
                post = comment_of(item, videos.get(words(item.get("id")), ""), self.name)
                found += [post] if post else []
        return found
