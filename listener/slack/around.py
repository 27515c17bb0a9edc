"""What a form or a window must know beside its case, looked up: no more than it shows."""

from dataclasses import replace

from escalation.background import Background
from escalation.case import Case
from escalation.clean import line
from escalation.slack.forms import Around
from listener import pulling, similar
from listener.background import lookup
from listener.slack.office import Office

OFFERED = 100  # other cases, and other posts


async def around(office: Office, action: str, case: Case) -> Around:
    match action:
        case "handover":
            return Around(names=office.names)
        case "join":
            return Around(others=await _others(office, case))
        case "split":
            return Around(posts=await _posts(office, case))
        case "pull":
            return Around(above=pulling.who_can_be(office.settings), page=await pulling.page(office.store, case))
        case "acknowledge" | "report":
            return Around(similar=await _before(office, case))
        case _:
            return Around()


async def known(office: Office, case: Case) -> Background:
    """Where there is room for it: what a card says, and what similar cases were offered."""
    return replace(await lookup(office.store, case), similar=await _before(office, case))


async def _before(office: Office, case: Case) -> tuple[str, ...]:
    return similar.told(await similar.similar(office.store, case, office.clock()))


async def _others(office: Office, case: Case) -> tuple[tuple[int, str], ...]:
    found: list[tuple[int, str]] = []
    async for row in office.store.cases():
        if row.brand == case.subject.brand and row.id != case.id and not row.incident:
            found.append((row.id, line(row.title, 60)))
        if len(found) == OFFERED:
            break
    return tuple(found)


async def _posts(office: Office, case: Case) -> tuple[tuple[str, str], ...]:
    found = [(key, await office.store.post(key)) for key in case.posts[-OFFERED:]]
    return tuple((key, line(f"{post.author.name}: {post.text}", 75)) for key, post in found if post and post.text)
