"""A search without its language: a form of words and lists, and what it finds in the same window, page by page."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from slack_sdk.errors import SlackApiError

from escalation.commands import Refused
from escalation.slack import actions, errors, forms
from escalation.slack.blocks import Message
from listener.query import QueryError
from listener.search import question
from listener.slack import pages
from listener.slack.clicks import Ack, Body, opened, tell
from listener.slack.office import Office

Search = Callable[[str, int | None], Awaitable[Message]]
"""A query, and the mention before which the page begins -> a page. Raises Refused, QueryError."""


class Finding:
    def __init__(self, office: Office, search: Search):
        self._office, self._search = office, search

    async def asked(self, ack: Ack, body: Body) -> None:
        """The button that opens the form."""
        await ack()
        with self._office.known():
            no = await self._office.refusal(body)
            try:
                await (tell(self._office, body, no) if no else self.form(body))
            except Refused as why:
                await tell(self._office, body, str(why.args[0]))

    async def form(self, body: Body) -> None:
        """Raises Refused."""
        await opened(self._office, body, forms.searching([brand.name for brand in self._office.settings.brands]))

    async def sent(self, ack: Ack, body: Body) -> None:
        """Slack is answered before the search, which may take longer than it waits."""
        with self._office.known():
            if no := await self._office.refusal(body):
                await ack(response_action="update", view=forms.told(no))
                return
            query = written(actions.values(body))
            try:
                question(query, now=self._office.clock())
            except QueryError as mistake:
                await ack(response_action="errors", errors={"words": str(mistake)[:150]})
                return
            await ack(response_action="update", view=forms.told("Searching…"))
            await self.turn(body, query, None)

    async def turn(self, body: Body, query: str, before: int | None) -> None:
        """The window shows this page now."""
        try:
            page = await self._search(query, before)
        except (Refused, QueryError) as why:
            page = pages.note(str(why.args[0]) if why.args else str(why))
        with suppress(SlackApiError, *errors.UNREACHABLE):  # closed meanwhile
            client = await self._office.line(body)
            await client.views_update(view_id=actions.words(body, "view", "id"), view=pages.in_window(page))


def written(given: Mapping[str, str]) -> str:
    """The query that the form means. Pure."""
    named = {"verdict": "verdict:", "severity": "severity>=", "since": "since:"}
    words, brand = given.get("words", "").strip(), given.get("brand", "").replace('"', " ")
    said = [f"({words})" if words else "", f'brand:"{brand}"' if brand else ""]
    said += [f"{name}{given[field]}" for field, name in named.items() if given.get(field)]
    return " ".join(filter(None, said))
