"""Executives are told at once when a P1 breaks a promise or an incident begins, and can be pulled in by hand: the case
on one page, by message and by mail.

A mail cannot be taken back, so it quotes nobody.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from escalation import brief
from escalation.case import Case
from escalation.clean import line
from escalation.commands import Note, Refused
from escalation.desk import Desk
from escalation.notices import Kind, Notice
from listener import background, mail
from listener.settings import Settings
from listener.settings.model import Role
from listener.storage.contract import CaseRow, Store

log = logging.getLogger("listener")

TOP = "P1"
FIRST_BRIEF = 1_000_000_000_000  # the least `seq` of a brief, which is an instant in milliseconds
LOOKED = 2_000  # open cases, the most urgent first


def executives(settings: Settings) -> tuple[str, ...]:
    return tuple(name for name, member in settings.members.items() if Role.EXECUTIVE in member.roles)


def who_can_be(settings: Settings) -> tuple[str, ...]:
    """Whom a case can be brought before: executives and leads."""
    above = {Role.EXECUTIVE, Role.LEAD}
    return tuple(name for name, member in settings.members.items() if member.roles & above)


def why(row: CaseRow) -> str:
    """Why executives hear of it at once; "" when they do not. Pure."""
    if row.incident:
        return "an incident has begun"
    if row.priority == TOP and row.missed and row.promise and not row.within:
        return "a P1 has broken its promise"
    return ""


async def told(store: Store, settings: Settings, now: datetime) -> int:
    """How many cases were brought before executives; each once for each promise that it breaks."""
    names, count = executives(settings), 0
    if not names:
        return 0
    looked = 0
    async for row in store.cases():
        looked += 1
        if looked > LOOKED:
            break
        reason = why(row)
        key = f"brief {row.id} {reason} {row.promise if not row.incident else ''}"
        if reason and not await store.was_done(key):
            case = await Desk(store).case(row.id)
            await _bring(store, settings, case, names, f"For your eyes, {reason}.", now)
            await store.done(key, now)
            count += 1
    return count


async def pull_in(store: Store, settings: Settings, case_id: int, to: str, by: str, now: datetime) -> Case:
    """Raises Refused, UnknownCase."""
    if to not in who_can_be(settings):
        raise Refused("choose somebody from the list")
    case = await Desk(store).case(case_id)
    await _bring(store, settings, case, (to,), f"{by} asks you to look at this.", now)
    return await Desk(store).handle(case_id, Note(by=by, text=f"Brought before {to}."), now)


async def page(store: Store, case: Case) -> tuple[str, ...]:
    """The case on one page."""
    return brief.brief(case, reach=await background.reach(store, case.id) if case.incident else None)


def is_brief(notice: Notice) -> bool:
    return notice.kind is Kind.DIRECT and notice.seq >= FIRST_BRIEF and not notice.says


async def urgency(store: Store, incident: int) -> Mapping[str, int]:
    """priority -> customers of an incident for whom it speaks."""
    found = Counter[str]()
    async for row in store.cases():
        found[row.priority] += row.within == incident
    return dict(sorted((found | Counter()).items()))


async def _bring(store: Store, settings: Settings, case: Case, names: Iterable[str], head: str, now: datetime) -> None:
    base = settings.desk.public_url
    way = f" {base}/cases/{case.id}/brief" if base else ""
    text = f"{head} {' '.join(await page(store, case))}{way}"
    for name in names:
        await store.owe(Notice(case=case.id, seq=_seq(now), kind=Kind.DIRECT, to=name, text=text), now)
        await _mailed(settings, case, name, f"{head}{way}", now)


def _seq(now: datetime) -> int:
    """No event of a case has a number like this."""
    return max(FIRST_BRIEF, int(now.timestamp() * 1_000))


async def _mailed(settings: Settings, case: Case, name: str, head: str, now: datetime) -> None:
    """A mail that does not leave is no loss: the message says the same."""
    member, server = settings.members.get(name), settings.digests.mail
    if not (member and member.email and server.on):
        return
    lines = (head, *brief.brief(replace(case, subject=replace(case.subject, title=f"case {case.id}"))))
    letter = mail.Letter(
        key=f"brief-{case.id}-{_seq(now)}",
        to=member.email,
        subject=f"Listening Post: case {case.id}, {line(case.subject.brand, 60)}, {case.subject.priority}",
        text="\n".join(lines) + "\n",
        html="".join(f"<p>{mail.escaped(one)}</p>" for one in lines),
    )
    try:
        await mail.post(letter, server, now)
    except mail.NotMailed as trouble:
        log.warning("a brief could not be mailed: %s", trouble)
