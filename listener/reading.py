"""Digests at their readers' own time: in Slack and by mail the whole, in the terminal a line.

What falls due is known from the clock and the settings; what was sent, from the store. A letter that did not leave is
tried again until the next one is due; after a crash it may leave twice, under the same Message-ID.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from escalation.notices import HOUSE, Kind, Notice
from escalation.policy import Person
from listener import mail
from listener.digest import Digest, as_text, compared, discreet, everything
from listener.settings import Settings
from listener.settings.model import When
from listener.storage.contract import Store
from listener.web.digests import as_html

log = logging.getLogger("listener")

DAY, WEEK = timedelta(days=1), timedelta(days=7)
MINUTE = 60  # seconds
YOURS = "Your digest:"
STALE = timedelta(hours=12)  # a digest that could not be sent for so long is left: the next one says it


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One digest of one person: of the time from `since` to `due`."""

    person: Person
    since: datetime
    due: datetime

    @property
    def key(self) -> str:
        """The same however often it is tried; nothing of a name is in it."""
        said = f"{self.person.name}\n{self.since.isoformat()}\n{self.due.isoformat()}"
        return f"digest-{blake2b(said.encode(), digest_size=10).hexdigest()}"


def due(settings: Settings, now: datetime) -> Iterator[Reading]:
    """What fell due last for each reader, by their own wall clock, and is not stale. Pure."""
    people = {person.name: person for person in settings.people}
    for name in settings.digests.who:
        for when in settings.digests.when:
            at = _last(when, people[name].timezone, now)
            if now - at < STALE:
                since = at - (DAY if when.day is None else WEEK)
                yield Reading(person=people[name], since=since, due=at)


def _last(when: When, zone: str, now: datetime) -> datetime:
    local = now.astimezone(ZoneInfo(zone))
    at = local.replace(hour=when.hour, minute=when.minute, second=0, microsecond=0)
    if when.day is not None:
        at -= timedelta(days=(local.weekday() - when.day) % 7)
    if at > local:
        at -= DAY if when.day is None else WEEK
    return at.astimezone(now.tzinfo)


async def send_due(settings: Settings, store: Store, now: datetime) -> int:
    """How many digests were sent."""
    return sum([await _sent(settings, store, one, now) for one in due(settings, now)])


async def _sent(settings: Settings, store: Store, reading: Reading, now: datetime) -> bool:
    if await store.was_done(reading.key):
        return False
    told = await compared(store, reading.since, reading.due, everything(settings, settings.digests.brands))
    member = settings.members.get(reading.person.name)
    if member and member.email and settings.digests.mail.on:
        letter = _letter(settings, reading, told, member.email)
        try:
            await mail.post(letter, settings.digests.mail, now)
        except mail.NotMailed as why:
            await _unsent(store, reading, str(why), now)
            return False
    await store.owe(notice(settings, reading, told), now)
    await store.done(reading.key, now)
    return True


def _letter(settings: Settings, reading: Reading, whole: Digest, to: str) -> mail.Letter:
    """It quotes nobody: what was deleted where it was written could not be deleted from a mailbox."""
    told = discreet(whole)
    return mail.Letter(
        key=reading.key,
        to=to,
        subject=f"Listening Post: {summary(told)}",
        text=as_text(told),
        html=as_html(told, settings.desk.public_url, reading.person.timezone),
    )


def told_of(notice: Notice) -> tuple[datetime, datetime] | None:
    """The time that a notice's digest is of; None for a notice that is no digest, or is told with others. Pure."""
    due, days = divmod(notice.seq, MINUTE)
    if notice.case != HOUSE or notice.kind is not Kind.DIRECT or notice.says or not notice.text.startswith(YOURS):
        return None
    until = datetime.fromtimestamp(due * MINUTE, UTC)
    return until - timedelta(days=days), until


def summary(told: Digest) -> str:
    """A digest in one line. Pure."""
    if told.empty:
        return "nothing to report, and everything was heard"
    complaints = sum(counts.get("complaint", 0) for counts in told.verdicts.values())
    missed = sum(one.missed for one in told.promises.values())
    said = f"{_counted(complaints, 'complaint')}, {_counted(told.open_total, 'case')} open, {told.late} overdue"
    deaf = "; not everything could be heard" if told.deafened else ""
    return f"{said}, {_counted(missed, 'promise')} missed{deaf}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def notice(settings: Settings, reading: Reading, told: Digest) -> Notice:
    """Digests begin with a minute, so the seconds of `seq` say how many days it covers."""
    text = f"{YOURS} {summary(told)}.{way(settings, reading.since, reading.due)}"
    seq = int(reading.due.timestamp()) // MINUTE * MINUTE + (reading.due - reading.since).days
    return Notice(case=HOUSE, seq=seq, kind=Kind.DIRECT, to=reading.person.name, text=text)


def way(settings: Settings, since: datetime, until: datetime) -> str:
    """To the page of it, after a blank; "" when the desk has no public name."""
    asked = urlencode({"since": since.isoformat(), "until": until.isoformat()})
    return f" {settings.desk.public_url}/digest?{asked}" if settings.desk.public_url else ""


async def _unsent(store: Store, reading: Reading, why: str, now: datetime) -> None:
    """Said once, and tried again."""
    log.warning("a digest could not be mailed: %s", why)
    text = f"The digest of {reading.person.name} could not be mailed: {why}. It is tried again."
    seq = int(reading.due.timestamp())
    await store.owe(Notice(case=HOUSE, seq=seq, kind=Kind.HOUSE, to=f"{reading.key} unsent", text=text), now)
