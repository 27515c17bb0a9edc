"""A link to the desk, shared in a message, says how it stands: a case, or what a search finds. It quotes nobody.

What is unfolded is seen by the whole channel and outlives an erasure, so it has owner, state and deadline alone.
https://docs.slack.dev/messaging/unfurling-links-in-messages
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

from slack_sdk.errors import SlackApiError

from escalation.clean import line
from escalation.ledger import UnknownCase
from escalation.slack import actions, errors, parts
from escalation.slack.blocks import unfolded
from escalation.slack.parts import Block
from listener.query import QueryError
from listener.search import question
from listener.slack.office import Office

AT_MOST = 5  # links of one message
_CASE = re.compile(r"/cases/(\d{1,18})(?:/brief)?/?")


class Unfurls:
    def __init__(self, office: Office):
        self._office = office

    async def shared(self, event: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        """https://docs.slack.dev/reference/events/link_shared"""
        office = self._office
        with office.known():
            if await office.refusal(body):
                return
            urls = [actions.words(event, "links", place, "url") for place in range(AT_MOST)]
            found = {url: {"blocks": said} for url in filter(None, urls) if (said := await self._said(url))}
            if found:
                channel, ts = actions.words(event, "channel"), actions.words(event, "message_ts")
                with suppress(SlackApiError, *errors.UNREACHABLE):  # a courtesy
                    await (await office.line(body)).chat_unfurl(channel=channel, ts=ts, unfurls=found)

    async def _said(self, url: str) -> list[Block]:
        base, there = self._office.settings.desk.public_url, urlsplit(url)
        if not base or (there.scheme, there.netloc) != urlsplit(base)[:2]:
            return []
        if number := _CASE.fullmatch(there.path):
            with suppress(UnknownCase):
                return unfolded(await self._office.desk.case(int(number[1])), self._office.clock())
        return await self._counted(parse_qs(there.query).get("q", [""])[0]) if there.path == "/search" else []

    async def _counted(self, query: str) -> list[Block]:
        try:
            found = await self._office.store.picture(question(query, now=self._office.clock()))
        except QueryError:
            return []
        more = " or more" if found.more else ""
        return [parts.said(f"Mentions for {line(query, 300) or 'everything'}: {found.total:,}{more}")]
