"""Who would be told if a matter of this brand and priority came then, and who next: a window that changes in place."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from slack_sdk.errors import SlackApiError

from escalation.clean import line
from escalation.commands import Refused
from escalation.policy import Choice
from escalation.slack import actions, errors, parts
from escalation.slack.forms import View
from escalation.slack.home import WHO
from escalation.slack.parts import Block, date_token, option, plain
from listener.durations import spoken
from listener.ladders import Ladder, preview
from listener.settings import Settings
from listener.settings.people import PRIORITIES
from listener.slack.clicks import Ack, Body, opened, tell
from listener.slack.office import Office

OFFERED = 100  # brands in the list
ROUTES = 10
STEPS = 20  # of one ladder


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    brand: str
    priority: str
    at: datetime


class Who:
    def __init__(self, office: Office):
        self._office = office

    async def pressed(self, ack: Ack, body: Body) -> None:
        """The button opens the window; a choice in it draws it anew."""
        await ack()
        office = self._office
        with office.known():
            if no := await office.refusal(body):
                await tell(office, body, no)
                return
            try:
                await self._show(body)
            except Refused as why:
                await tell(office, body, str(why.args[0]))

    async def _show(self, body: Body) -> None:
        """Without the view's hash: each choice tells all three, so the newest is right whichever came before."""
        view = await self._drawn(asked(body, self._office.settings, self._office.clock()))
        if actions.words(body, "actions", 0, "action_id") == WHO:
            await opened(self._office, body, view)
            return
        with suppress(SlackApiError, *errors.UNREACHABLE):  # closed meanwhile, or chosen again
            client = await self._office.line(body)
            await client.views_update(view_id=actions.words(body, "view", "id"), view=view)

    async def _drawn(self, of: Asked) -> View:
        settings, away = self._office.settings, await self._office.store.away(self._office.clock())
        brands = [brand.name for brand in settings.brands]
        return window(of, brands, tuple(preview(settings, of.brand, of.priority, of.at, away)))


def asked(body: Body, settings: Settings, now: datetime) -> Asked:
    """What is chosen in the window; the first brand, its most urgent priority, and now, until then. Raises Refused."""
    chosen = ("view", "state", "values", "who")
    brand = actions.words(body, *chosen, "who_brand", "selected_option", "value")
    brand = brand or actions.words(body, "actions", 0, "value")
    policies = {one.name: one.policy for one in settings.brands}
    if not policies:
        raise Refused("brands.toml names no brand")
    brand = brand if brand in policies else next(iter(policies))
    priority = actions.words(body, *chosen, "who_priority", "selected_option", "value")
    return Asked(
        brand=brand,
        priority=priority if priority in PRIORITIES else min(settings.policies[policies[brand]]),
        at=actions.moment(actions.words(body, *chosen, "who_at", "selected_date_time")) or now,
    )


def window(of: Asked, brands: Sequence[str], ladders: Sequence[Ladder]) -> View:
    """Pure."""
    blocks = [_choices(of, brands), *(block for one in ladders[:ROUTES] for block in _ladder(one))]
    if not ladders:
        blocks.append(parts.said(f"Nobody is told of a {of.priority} of {line(of.brand, 80)}: it is kept, and found."))
    return {"type": "modal", "title": plain("Who would be told"), "close": plain("Close"), "blocks": blocks}


def _choices(of: Asked, brands: Iterable[str]) -> Block:
    offered = list(dict.fromkeys([of.brand, *islice(brands, OFFERED)]))[:OFFERED]
    when = {"type": "datetimepicker", "action_id": "who_at", "initial_date_time": int(of.at.timestamp())}
    made = [_select("who_brand", offered, of.brand), _select("who_priority", PRIORITIES, of.priority), when]
    return {"type": "actions", "block_id": "who", "elements": [one for one in made if one]}


def _select(name: str, values: Iterable[str], chosen: str) -> Block:
    """Nothing to choose from where no value fits into an option."""
    options = [option(value, value) for value in values if 0 < len(value) <= 150]
    if not options:
        return {}
    made = {"type": "static_select", "action_id": name, "placeholder": plain("Choose…"), "options": options}
    first = [one for one in options if one["value"] == chosen]
    return {**made, "initial_option": first[0]} if first else made


def _ladder(one: Ladder) -> Iterator[Block]:
    yield parts.heading(f"{line(one.brand, 80)}, {one.priority}{f', {line(one.route, 50)}' if one.route else ''}")
    if one.unattended:
        yield parts.said("Nobody on the ladder is on duty then.")
    for start in range(0, min(len(one.climb), STEPS), 5):  # ten fields fit into a section
        told = one.climb[start : start + 5]
        yield {"type": "section", "fields": [field for at, choice in told for field in _told(at, choice)]}
    kept = [f"{line(step.name, 80)} is {step.off}" for step in one.steps if step.off][:STEPS]
    if kept:
        yield parts.context(f"Not asked then: {'; '.join(kept)}.")
    yield parts.context(_clocks(one))


def _told(at: datetime, who: Choice) -> tuple[Block, Block]:
    when = {"type": "mrkdwn", "text": date_token(at), "verbatim": True}
    return when, plain(f"{line(who.name, 80)}\n{line(who.why, 200)}")


def _clocks(one: Ladder) -> str:
    last = one.climb[-1][1].name
    return (
        f"Each has {spoken(one.acknowledge)} to acknowledge; {line(last, 80)} is called again and again. "
        f"Reported back within {spoken(one.report)} of that."
    )
