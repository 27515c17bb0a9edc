"""/mentions, /cases, /oncall, /digest and the shortcuts: answers for the eyes of who asked.

https://docs.slack.dev/interactivity/implementing-slash-commands
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

from slack_sdk.errors import SlackApiError

from escalation.commands import Refused
from escalation.ledger import UnknownCase
from escalation.slack import actions, errors, forms, parts
from escalation.slack.blocks import Message, card
from escalation.slack.home import then
from escalation.slack.pictures import Dresses
from listener import durations
from listener.background import lookup
from listener.digest import compose, everything
from listener.query import QueryError
from listener.search import question
from listener.slack import pages, raising, searches
from listener.slack.clicks import Ack, Body, opened, tell
from listener.slack.finding import Finding
from listener.slack.home import my_brands, on_duty, waiting
from listener.slack.office import Office
from listener.storage.contract import CaseRow, MentionRow
from listener.web.access import Act

WEEK = timedelta(days=7)
SENT = 99  # mentions in a table
READ = 200  # cases that are looked through for a list
HELP = {
    "/cases": "/cases: yours and what nobody has; /cases 12: one; /cases all; /cases raise: bring one yourself",
    "/digest": "/digest, /digest 24h, /digest 2026-05-01",
}

Respond = Callable[..., Awaitable[object]]


class Commands:
    def __init__(self, office: Office):
        self._office = office
        self.finding = Finding(office, self._search)
        self._dresses = Dresses(office.clock, native=office.settings.slack.charts)

    async def asked(self, ack: Ack, body: Body, respond: Respond) -> None:
        """Answered at once, so that Slack does not give up; what was asked for follows."""
        await ack()
        name = actions.words(body, "command")
        with self._office.known():
            if no := await self._office.refusal(body):
                await self._whisper(respond, pages.note(no), body)
                return
            text = actions.plain_words(actions.words(body, "text")).strip()
            if answer := await self._answer(name, text, self._office.name(body), body):
                await self._whisper(respond, answer, body)

    async def _whisper(self, respond: Respond, said: Message, body: Body) -> None:
        """A courtesy: when it does not arrive, who asked asks again."""
        with suppress(SlackApiError, *errors.UNREACHABLE):
            dress = self._dresses.of(actions.team(body), await self._office.line(body))
            async for blocks in dress.ways(said.blocks):
                answer = await respond(text=said.text, blocks=blocks, response_type="ephemeral")
                if getattr(answer, "status_code", 200) < 400:
                    return

    async def _answer(self, name: str, text: str, by: str, body: Body) -> Message | None:
        try:
            match name:
                case "/mentions" if text == "saved":
                    return pages.saved(await searches.kept(self._office, self._office.channel(body)))
                case "/mentions" if not text:
                    await self.finding.form(body)
                    return None
                case "/mentions":
                    return await self._search(text, None)
                case "/cases" if text == "raise":
                    if no := await self._office.refusal(body, Act.WORK):
                        return pages.note(no)
                    await opened(self._office, body, await raising.form(self._office, body))
                    return None
                case "/cases":
                    return await self._cases(text, by)
                case "/oncall":
                    return _on_call(await on_duty(self._office, self._office.clock()), text)
                case _:
                    return await self._digest(text)
        except QueryError as mistake:
            return pages.wrong(str(mistake))
        except (Refused, UnknownCase) as no:
            return pages.note(str(no.args[0]))

    async def _search(self, text: str, before: int | None) -> Message:
        """Raises QueryError."""
        if not pages.fits(text):
            raise Refused(f"A query here has at most {pages.LONGEST_QUERY} characters.")
        found = await self._found(text, pages.HITS + 1, before)
        return pages.hits(text, found[: pages.HITS], more=len(found) > pages.HITS)

    async def _found(self, text: str, limit: int, before: int | None = None) -> list[MentionRow]:
        asked = question(text, limit=limit, before=before, now=self._office.clock())
        return [row async for row in self._office.store.search(asked)]

    async def turned(self, ack: Ack, body: Body, respond: Respond) -> None:
        """The buttons under a page of hits."""
        await ack()
        name = actions.words(body, "actions", 0, "action_id")
        with self._office.known():
            needs = Act.SEARCH if name in ("find_keep", "find_forget") else Act.LOOK
            if no := await self._office.refusal(body, needs):
                await tell(self._office, body, no)
                return
            try:
                if page := await self._turn(name, actions.words(body, "actions", 0, "value"), body):
                    await respond(replace_original=True, text=page.text, blocks=list(page.blocks))
            except Refused as why:
                await tell(self._office, body, str(why.args[0]))
            except QueryError:  # it was one when the page was made
                await tell(self._office, body, "This search cannot be read any more.")

    async def _turn(self, name: str, value: str, body: Body) -> Message | None:
        """The page that takes the place of the one with the button; None when it stays. Raises Refused, QueryError."""
        office, channel = self._office, self._office.channel(body)
        query, before = pages.remembered(value)
        match name:
            case "find_send":
                await self._send(query, office.name(body), body)
            case "find_keep":
                await opened(office, body, forms.saving(query, channel))
            case "find_forget":
                await searches.forget(office, actions.number(value), channel)
                return pages.saved(await searches.kept(office, channel))
            case _ if actions.in_form(body):
                await self.finding.turn(body, query, before)
            case "find_again":
                return await self._search(await searches.query(office, actions.number(value)), None)
            case _:
                return await self._search(query, before)
        return None

    async def saved(self, ack: Ack, body: Body) -> None:
        """The form of a search that is to be kept."""
        office = self._office
        with office.known():
            no = await office.refusal(body, Act.SEARCH)
            if no:
                await ack(response_action="update", view=forms.told(no))
                return
            text, channel = pages.carried(actions.words(body, "view", "private_metadata"))
            try:
                said = await searches.save(office, office.name(body), channel, text, actions.values(body))
                await ack(response_action="update", view=forms.told(said))
            except Refused as why:
                await ack(response_action="errors", errors={"name": str(why.args[0])})

    async def _send(self, query: str, by: str, body: Body) -> None:
        channel, _ = actions.place(body)
        page = pages.as_table(query, await self._found(query, SENT), by)
        try:
            await (await self._office.line(body)).chat_postMessage(
                channel=channel, text=page.text, blocks=list(page.blocks), unfurl_links=False, unfurl_media=False
            )
        except SlackApiError as error:
            why = errors.MENDS.get(errors.code_of(error), errors.code_of(error))
            await tell(self._office, body, f"It could not be sent to this channel: {why}.")
        except errors.UNREACHABLE:
            await tell(self._office, body, "Slack cannot be reached; try again in a moment.")

    async def _cases(self, text: str, by: str) -> Message:
        office, now = self._office, self._office.clock()
        if number := actions.number(text):
            case = await office.desk.case(number)
            return card(case, now, await lookup(office.store, case))
        if text not in ("", "all"):
            return pages.note(HELP["/cases"])
        rows = [row for row in await self._open() if text == "all" or _concerns(row, by, my_brands(office, by))]
        cases = [waiting(await office.desk.case(row.id), now) for row in rows[: pages.LISTED]]
        return pages.listed("Open cases" if text else "Yours, and what nobody has", cases, len(rows))

    async def _open(self) -> list[CaseRow]:
        """Most urgent first; an incident stands for its customers."""
        rows: list[CaseRow] = []
        async for row in self._office.store.cases():
            if not row.within:
                rows.append(row)
            if len(rows) == READ:
                break
        return rows

    async def _digest(self, text: str) -> Message:
        now = self._office.clock()
        try:
            since = durations.moment(text, now, past=True) if text else now - WEEK
        except (ValueError, OverflowError):
            return pages.note(HELP["/digest"])
        return pages.digest(await compose(self._office.store, min(since, now), now, everything(self._office.settings)))

    async def shortcut(self, ack: Ack, body: Body) -> None:
        """ "Escalate this message" on a message, or "Raise a case" anywhere."""
        await ack()
        with self._office.known():
            no = await self._office.refusal(body, Act.WORK)
            try:
                await (tell(self._office, body, no) if no else self._raise(body))
            except Refused as why:
                await tell(self._office, body, str(why.args[0]))

    async def _raise(self, body: Body) -> None:
        await opened(self._office, body, await raising.form(self._office, body))


def _concerns(row: CaseRow, by: str, brands: frozenset[str]) -> bool:
    return by in (row.owner, *row.offered) or (row.status == "open" and row.brand in brands)


def _on_call(told: dict[str, str], brand: str) -> Message:
    wanted = {name: who for name, who in told.items() if brand.casefold() in name.casefold()}
    if not wanted:
        return pages.note(f'"{brand}" is not a brand')
    said = pages.note("\n".join(f"{name}: {who}" for name, who in wanted.items()))
    return Message(said.text, (*said.blocks, parts.row([then(next(iter(wanted)))])))
