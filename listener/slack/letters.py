"""What one person is told that is more than a line: a digest at its time, a brief; drawn when it is delivered.

A digest in Slack quotes nobody, as in a letter: what was deleted where it was written would stay in the message. Its
buttons show the cases, as they are then.
"""

from datetime import datetime

from escalation.case import Case
from escalation.clean import line
from escalation.notices import Notice
from escalation.slack.blocks import Message
from listener import pulling, reading
from listener.digest import compared, discreet, everything
from listener.settings import Settings
from listener.slack import pages
from listener.storage.contract import Store


async def page(settings: Settings, store: Store, notice: Notice, case: Case | None, now: datetime) -> Message | None:
    if span := reading.told_of(notice):
        return await _digest(settings, store, *span)
    if case and pulling.is_brief(notice):
        return await _brief(settings, store, notice, case)
    return None


async def _digest(settings: Settings, store: Store, since: datetime, until: datetime) -> Message:
    told = await compared(store, since, until, everything(settings, settings.digests.brands))
    head = f"{reading.YOURS} {reading.summary(told)}."
    return pages.digest(discreet(told), head, reading.way(settings, since, until).strip())


async def _brief(settings: Settings, store: Store, notice: Notice, case: Case) -> Message:
    head = notice.text.partition(f" {line(case.subject.brand, 60)}, ")[0]
    counts = await pulling.urgency(store, case.id) if case.incident else {}
    base = settings.desk.public_url
    link = f"{base}/cases/{case.id}/brief" if base else ""
    return pages.brief(case, await pulling.page(store, case), head, counts, link)
