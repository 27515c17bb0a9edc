"""Buttons and forms: who pressed what, handed to the desk; a refusal is shown to who pressed and to nobody else."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from slack_sdk.errors import SlackApiError

from escalation import guard
from escalation.case import Case, Status
from escalation.clean import escape_mrkdwn
from escalation.commands import Handover, Rate, Refused
from escalation.decide import decide
from escalation.ledger import Conflict, UnknownCase
from escalation.policy import on_duty
from escalation.slack import actions, errors, forms
from escalation.slack.blocks import showing
from escalation.slack.forms import View
from listener import by_hand, pulling
from listener.one_voice import whisper
from listener.rating import with_row
from listener.slack import raising
from listener.slack.around import around, known
from listener.slack.office import Office
from listener.web.access import Act

REMEMBERED = 5_000  # deliveries recognised when Slack repeats them

Ack = Callable[..., Awaitable[Any]]
Body = dict[str, Any]
NO = (Refused, UnknownCase, Conflict)


class Clicks:
    def __init__(self, office: Office, changed: Callable[[str], Awaitable[None]]):
        """`changed` is told whose doing something was, once it is done."""
        self._office, self._changed = office, changed
        self._done: OrderedDict[str, None] = OrderedDict()

    async def pressed(self, ack: Ack, body: Body) -> None:
        """Answered once it is done, so that a press that could not be kept shows its presser a warning."""
        press, said = self._who(actions.pressed(body), body), ""
        with self._office.known():
            if press and press.action != "open" and press.key not in self._done:
                said = await self._act(press, body)
            await ack()
            if said:
                await tell(self._office, body, said)
            elif press and press.action != "open":
                await self._changed(press.user)

    def _who(self, press: actions.Press | None, body: Body) -> actions.Press | None:
        return replace(press, user=self._office.who(body)) if press else None

    async def _act(self, press: actions.Press, body: Body) -> str:
        """Does what was pressed, or opens its form; returns what its presser should be told, if anything."""
        if no := await self._office.refusal(body, _needs(press.action)):
            return no
        try:
            with self._done_once(press.key):
                if view := await self._form(press):
                    await opened(self._office, body, view)
                else:
                    await self._handle(press, {})
        except NO as why:
            return str(why.args[0])
        return ""

    async def _whispered(self, press: actions.Press, by: str) -> str:
        """Who takes a case hears who else deals with that customer."""
        if press.action != "acknowledge":
            return ""
        return await whisper(self._office.store, await self._office.desk.case(press.case), by)

    async def _form(self, press: actions.Press) -> View | None:
        office, now = self._office, self._office.clock()
        case = await office.desk.case(press.case)
        if press.action == "show":
            return showing(case, office.guests.name(press.user), now, await known(office, case))
        draft = await office.drafts.offered((press.user, press.case, press.action), now)
        beside = replace(await around(office, press.action, case), draft=draft)
        return forms.form(press.action, case, beside, now)

    async def typed(self, ack: Ack, body: Body) -> None:
        await ack()
        with self._office.known():
            await self._keep(body)

    async def closed(self, ack: Ack, body: Body) -> None:
        await ack()
        with self._office.known():
            await self._keep(body)

    async def _keep(self, body: Body) -> None:
        press, given = self._who(actions.sent(body), body), actions.values(body)
        if press and press.user and self._office.guests.name(press.user):
            await self._office.drafts.keep((press.user, press.case, press.action), given, self._office.clock())

    async def sent(self, ack: Ack, body: Body) -> None:
        press, given = self._who(actions.sent(body), body), actions.values(body)
        with self._office.known():
            if press is None:
                await ack(response_action="update", view=forms.told("This form is not known any more."))
            elif no := await self._office.refusal(body, _needs(press.action)):
                await ack(response_action="update", view=forms.told(no))
            elif press.key in self._done:
                await ack()
            else:
                await ack(**await self._answer(press, given))
                await self._changed(press.user)

    async def _answer(self, press: actions.Press, given: Mapping[str, str]) -> dict[str, Any]:
        """Nothing, which closes the form; or the refusal, under the field it speaks of or in place of the form."""
        try:
            with self._done_once(press.key):
                return await self._handle(press, given) or {}
        except NO as why:
            said = str(why.args[0])
            if field := actions.field_of(said, given):
                return {"response_action": "errors", "errors": {field: said}}
            await self._office.drafts.keep((press.user, press.case, press.action), given, self._office.clock())
            return {"response_action": "update", "view": forms.told(said)}

    async def _handle(self, press: actions.Press, given: Mapping[str, str]) -> dict[str, Any] | None:
        office, by, now = self._office, self._office.guests.name(press.user), self._office.clock()
        match press.action:
            case "raise":
                answer = await raising.raised(office, by, given)
                await office.drafts.drop(raising.draft_of(press.user))
                return answer
            case "away":
                until = actions.moment(given.get("due", ""))
                if until is None or until <= now:
                    raise Refused("pick a time in the future")
                await office.store.set_away(by, until)
            case "join":
                await office.store.merge(press.case, actions.number(given.get("into", "")), by, now)
            case "split":
                case = await office.desk.case(press.case)
                new = await by_hand.split(office.store, office.scales, case, given.get("post", ""), by, now)
                return {
                    "response_action": "update",
                    "view": forms.told(f"It is case {new.id} now; {new.owner} has it."),
                }
            case "pull":
                to = given.get("to", "")
                await pulling.pull_in(office.store, office.settings, press.case, to, by, now)
            case "report" if given.get("draft") and (warning := await self._warned(press, by, given)):
                return warning
            case "report_anyway":
                return await self._anyway(press, by)
            case _:
                await self._ask(press, by, given)
                if press.action == "report" and given.get("draft"):
                    await self._chose(press, given["draft"])
        await office.drafts.drop((press.user, press.case, press.action))
        said = await self._whispered(press, by)
        return {"response_action": "update", "view": forms.told(said)} if said else None

    async def _ask(self, press: actions.Press, by: str, given: Mapping[str, str]) -> None:
        asked = actions.command(press.action, by, given)
        if isinstance(asked, Handover):
            asked = await self._offered(asked)
        if isinstance(asked, Rate):
            asked = with_row(asked, await self._office.desk.case(press.case), self._office.scales)
        await self._office.desk.handle(press.case, asked, self._office.clock(), press.key)

    async def _offered(self, asked: Handover) -> Handover:
        """To a team: to whoever of it is there. Raises Refused."""
        office, now = self._office, self._office.clock()
        if asked.to not in office.names:
            raise Refused("choose somebody from the list")
        team = next((team for team in office.settings.teams if team.name == asked.to), None)
        if team is None:
            return asked
        return replace(asked, among=on_duty(team, office.settings.people, now, await office.store.away(now)))

    async def _warned(self, press: actions.Press, by: str, given: Mapping[str, str]) -> dict[str, Any] | None:
        """What the guard finds in the draft of an answer, on top of the form; the report waits until it was read."""
        office = self._office
        case = await office.desk.case(press.case)
        decide(case, actions.command("report", by, given), office.clock())  # what is refused is said first
        found = await self._found(case, given["draft"])
        if not found:
            return None
        await office.drafts.keep((press.user, press.case, "report"), given, office.clock())
        self._done.pop(press.key, None)  # the same form may be sent again, changed or not
        return {"response_action": "push", "view": forms.warned(case, found)}

    async def _found(self, case: Case, draft: str) -> tuple[guard.Finding, ...]:
        said = [f"{post.title}\n{post.text}" for post in await self._office.store.case_mentions(case.id)]
        promised = case.status is Status.ACKNOWLEDGED and case.promise is not None
        return guard.review(draft, (*said, case.subject.text), promised=promised)

    async def _chose(self, press: actions.Press, sent: str) -> None:
        """Remembers which of the guard's advice was taken between the draft it warned of and what was sent."""
        office = self._office
        kept = await office.drafts.offered((press.user, press.case, "report"), office.clock())
        if draft := kept.get("draft", ""):
            found = await self._found(await office.desk.case(press.case), draft)
            await office.store.guarded(guard.chosen(found, sent), office.clock())

    async def _anyway(self, press: actions.Press, by: str) -> dict[str, Any]:
        key = (press.user, press.case, "report")
        given = await self._office.drafts.offered(key, self._office.clock())
        if not given:
            raise Refused("What you had filled in is not here any more. Go back to the form and send it again.")
        await self._ask(actions.Press(action="report", case=press.case, user=press.user, key=press.key), by, given)
        await self._chose(press, given.get("draft", ""))
        await self._office.drafts.drop(key)
        return {"response_action": "clear"}

    @contextmanager
    def _done_once(self, key: str) -> Iterator[None]:
        """What failed or was refused may be pressed again."""
        self._done[key] = None
        if len(self._done) > REMEMBERED:
            self._done.popitem(last=False)
        try:
            yield
        except BaseException:
            self._done.pop(key, None)
            raise


def _needs(action: str) -> Act:
    """Everybody may look, and say until when they are away."""
    return Act.LOOK if action in ("show", "away") else Act.WORK


async def opened(office: Office, body: Body, view: View) -> None:
    """Slack opens a form within three seconds of the press, or not at all. Raises Refused."""
    try:
        client = await office.line(body)
        put = client.views_push if actions.in_form(body) else client.views_open
        await put(trigger_id=actions.trigger(body), view=view)
    except (SlackApiError, *errors.UNREACHABLE) as error:
        if isinstance(error, SlackApiError) and errors.code_of(error) == "exchanged_trigger_id":
            return  # it is open: the same press had reached us before
        raise Refused("Slack did not open the form in time. Press the button again.") from None


async def tell(office: Office, body: Body, said: str) -> None:
    """Seen by the presser alone. It is a courtesy: when it does not arrive, nothing is lost."""
    channel, thread = actions.place(body)
    with suppress(SlackApiError, Refused, *errors.UNREACHABLE):
        if not channel:  # in the Home tab, or in a form
            await opened(office, body, forms.told(said))
            return
        more: dict[str, Any] = {"thread_ts": thread} if thread else {}
        user, text = actions.words(body, "user", "id"), escape_mrkdwn(said, 2_000)
        await (await office.line(body)).chat_postEphemeral(channel=channel, user=user, text=text, **more)
