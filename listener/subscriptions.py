"""Who is told of what a saved search newly finds: a channel every ten minutes at most, a person by mail every hour.

It quotes nobody, so that nothing of theirs outlives an erasure: the desk shows it. A feed is asked for, not sent
(listener/web/feeds.py).
"""

import logging
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from urllib.parse import urlencode

from escalation.clean import line
from escalation.notices import HOUSE, Kind, Notice
from listener import mail
from listener.query import And, QueryError
from listener.search import newly, question
from listener.settings import Settings
from listener.storage.contract import MentionRow, Store, Subscription, Way

log = logging.getLogger("listener")

EVERY = {Way.CHANNEL: timedelta(minutes=10), Way.MAIL: timedelta(hours=1)}
AGAIN = timedelta(minutes=10)  # after a mail that did not leave
MOST = 1_000  # mentions that are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What one subscription is told."""

    of: Subscription
    since: datetime
    until: datetime
    verdicts: Counter[str]
    worst: int
    total: int

    @property
    def key(self) -> str:
        said = f"{self.of.id}\n{self.since.isoformat()}"
        return f"search-{blake2b(said.encode(), digest_size=10).hexdigest()}"


async def told(store: Store, settings: Settings, now: datetime) -> int:
    """How many were told. Doing it twice says nothing twice: the key of a message is its beginning."""
    return sum([await _told(store, settings, one, now) for one in await store.subscriptions() if one.way in EVERY])


async def _told(store: Store, settings: Settings, one: Subscription, now: datetime) -> bool:
    name = f"subscription {one.id}"
    since = await store.mark(name) or one.at
    if now - since < EVERY[one.way] or now - (await store.mark(f"{name} tried") or since) < AGAIN:
        return False
    news = await found(store, one, since, now)
    if news.total:
        try:
            await _say(store, settings, news)
        except mail.NotMailed as why:
            log.warning("what a saved search found could not be mailed: %s", why)
            await store.set_mark(f"{name} tried", now)
            return False
    await store.set_mark(name, now)
    return bool(news.total)


async def found(store: Store, one: Subscription, since: datetime, now: datetime) -> News:
    """What was heard since the last message, also of posts that were here before and fit since they were edited."""
    rows = list[MentionRow]()
    try:
        asked, heard = question(one.search.query, limit=MOST, now=now), newly(since, now)
        fits = And((*heard, asked.query) if asked.query else heard)
        rows = [row async for row in store.search(replace(asked, query=fits))]
    except QueryError:  # it was one when it was saved; a later version may know better
        log.warning("the saved search %d is no query any more", one.search.id)
    verdicts = Counter(row.verdict for row in rows)
    worst = max((row.severity for row in rows), default=0)
    return News(of=one, since=since, until=now, verdicts=verdicts, worst=worst, total=len(rows))


async def _say(store: Store, settings: Settings, news: News) -> None:
    """Raises NotMailed."""
    way, text = address(settings, news), sentence(news)
    if news.of.way is Way.CHANNEL:
        seq = int(news.since.timestamp() * 1_000) * 1_000 + news.of.id % 1_000
        said = f"{text} {way}".strip()
        await store.owe(Notice(case=HOUSE, seq=seq, kind=Kind.CHANNEL, to=news.of.to, text=said), news.until)
        return
    member = settings.members.get(news.of.to)
    if not (member and member.email and settings.digests.mail.on):
        raise mail.NotMailed(f"{news.of.to} has no address in people.toml, or no mail server is set up")
    await mail.post(letter(news, member.email, text, way), settings.digests.mail, news.until)


def letter(news: News, to: str, text: str, way: str) -> mail.Letter:
    """Pure."""
    subject = f"{news.total} new for \u201c{line(news.of.search.name, 80)}\u201d"
    shown = mail.escaped(text) + (f'<br><a href="{mail.escaped(way)}">{mail.escaped(way)}</a>' if way else "")
    return mail.Letter(key=news.key, to=to, subject=subject, text=f"{text}\n{way}\n", html=f"<p>{shown}</p>")


def sentence(news: News) -> str:
    """Pure."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in news.verdicts.most_common())
    number = f"{news.total} new" if news.total < MOST else f"{MOST:,} new or more"
    worst = f", the worst of severity {news.worst}" if news.worst else ""
    return f"{number} for the saved search \u201c{line(news.of.search.name, 80)}\u201d: {counts}{worst}."


def address(settings: Settings, news: News) -> str:
    """Where they can be read; "" when the desk has no public name."""
    base = settings.desk.public_url
    return f"{base}/search?{urlencode({'q': news.of.search.query})}" if base else ""
