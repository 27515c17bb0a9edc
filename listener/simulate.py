"""What other rules, thresholds, ladders or clocks would have made of the past. Reads, and changes nothing."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from connectors.post import Post
from escalation.policy import Policy, first
from listener.routing import rows_for
from listener.settings import Settings
from listener.storage.contract import MentionRow
from listener.triage import assess
from listener.weigh import Scales, scales

NIGHT_ENDS, NIGHT_BEGINS = 7, 22  # hours of the day, where the person is
ONE_MATTER = timedelta(days=3)  # in which the same author is told of once


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    brand: str
    title: str
    before: str  # the priority that would be escalated, "" for nobody
    after: str


@dataclass(slots=True)
class Calls:
    """Who would have been told first, how often, at which hours of their own day, and woken how often."""

    times: Counter[str] = field(default_factory=Counter)
    woken: Counter[str] = field(default_factory=Counter)
    off_duty: Counter[str] = field(default_factory=Counter)
    hours: Counter[int] = field(default_factory=Counter)


@dataclass(slots=True)
class Simulated:
    mentions: int = 0
    before: int = 0
    after: int = 0
    changes: list[Change] = field(default_factory=list)
    calls_before: Calls = field(default_factory=Calls)
    calls_after: Calls = field(default_factory=Calls)


async def simulate(rows: AsyncIterator[MentionRow], now: Settings, changed: Settings) -> Simulated:
    """Judges and routes the past twice. Mentions of brands that are tracked no more are passed over."""
    told = Simulated()
    old, new = _Past(scales(now), told.calls_before), _Past(scales(changed), told.calls_after)
    async for row in rows:
        if row.brand not in old.scales.targets:
            continue
        before, after = old.priority(row), new.priority(row)
        told.mentions += 1
        told.before += bool(before)
        told.after += bool(after)
        if before != after:
            told.changes.append(Change(brand=row.brand, title=row.title or row.text[:80], before=before, after=after))
    return told


@dataclass(slots=True)
class _Past:
    scales: Scales
    calls: Calls
    known: dict[tuple[str, str], datetime] = field(default_factory=dict)  # (brand, author) -> last told of

    def priority(self, row: MentionRow) -> str:
        """The priority it would be escalated with, "" for nobody; who is told of it is counted."""
        post = Post(source=row.source, id=str(row.id), url=row.url, text=row.text, title=row.title)
        judged = assess(post, self.scales.targets[row.brand], self.scales.rules)
        rows: Mapping[str, Policy] = rows_for(
            post, judged, self.scales.policies[row.brand], self.scales.routes[row.brand]
        )
        policy = rows.get(judged.priority or "")
        if policy is None:
            return ""
        self._told(row, policy)
        return str(judged.priority)

    def _told(self, row: MentionRow, policy: Policy) -> None:
        at, key = row.created or row.heard, (row.brand, row.author)
        earlier = self.known.get(key) if row.author else None
        if earlier and abs(at - earlier) < ONE_MATTER:
            return
        self.known[key] = at
        choice = first(policy, at)
        person = policy.person(choice.name)
        hour = at.astimezone(ZoneInfo(person.timezone if person else "UTC")).hour
        self.calls.times[choice.name] += 1
        self.calls.hours[hour] += 1
        self.calls.woken[choice.name] += not NIGHT_ENDS <= hour < NIGHT_BEGINS
        self.calls.off_duty[choice.name] += bool(person and person.off(at))
