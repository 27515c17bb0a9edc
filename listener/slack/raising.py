"""A case that a person brings: from a message ("Escalate this message"), from the shortcut, from `/cases raise`."""

from collections.abc import Mapping
from typing import Any

from escalation.clean import line
from escalation.commands import Refused
from escalation.slack import actions, forms
from escalation.slack.forms import View
from escalation.slack.parts import web_address
from listener import by_hand
from listener.slack.drafts import Key
from listener.slack.office import Office


def draft_of(user: str) -> Key:
    return user, 0, "raise"


async def form(office: Office, body: Mapping[str, Any]) -> View:
    """Filled in with the message, when it was asked for on one; its words are read as their writer saw them. Else with
    what was left in it."""
    text = actions.plain_words(actions.words(body, "message", "text"))
    brands = [brand.name for brand in office.settings.brands]
    if not brands:
        raise Refused("brands.toml names no brand")
    made = forms.raising(brands, text=text, url=actions.first_link(text))
    left = {} if text else await office.drafts.offered(draft_of(office.who(body)), office.clock())
    return forms.filled(made, left) if left else made


async def raised(office: Office, by: str, given: Mapping[str, str]) -> dict[str, Any]:
    """Judged and kept like anything that was heard; who raised it hears the outcome. Raises Refused."""
    now, url, priority = office.clock(), given.get("url", "").strip(), given.get("priority", "")
    if url and not web_address(url):
        raise Refused("give a link that begins with https://")
    if priority not in ("", *forms.PRIORITIES):
        raise Refused("choose a priority from the list")
    heard = by_hand.raised(
        given.get("text", ""),
        given.get("brand", ""),
        office.scales,
        now,
        by=by,
        url=url,
        author=given.get("author", "").strip(),
        priority=priority,
    )
    kept = await by_hand.keep(office.store, heard, now)
    if not (found := (*kept.opened, *kept.into)):
        raise Refused("This was raised already; /mentions finds it.")
    case = await office.desk.case(found[0])
    said = f"Case {case.id} is with {line(case.owner, 80)}: {line(case.why, 120)}. You will hear what becomes of it."
    return {"response_action": "update", "view": forms.told(said)}
