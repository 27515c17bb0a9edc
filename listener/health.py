"""Is the house well? Red when nobody would be told of a complaint: what is wrong, and what to do about it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from listener.durations import spoken
from listener.settings import Brand, Settings
from listener.storage.contract import Vitals

ASLEEP = timedelta(minutes=3)  # the engine says each minute that it is at work
LOOK_LATE = timedelta(minutes=5)
CRAMPED = 64 * 2**20  # bytes the store may still grow by: as much as its log may take before it is folded in
UNSAID = timedelta(minutes=10)  # an owed notice this old: nobody hears us


@dataclass(frozen=True, slots=True, kw_only=True)
class Ailment:
    part: str  # "store", "engine", "look", "delivery", "slack", "hearing"
    why: str


def working(vitals: Vitals, now: datetime) -> tuple[Ailment, ...]:
    """What a restart may mend."""
    return tuple(_engine(vitals, now))


def ailments(vitals: Vitals, settings: Settings, now: datetime) -> tuple[Ailment, ...]:
    """Everything for which a complaint would go unheard or untold."""
    link = _link(vitals) if settings.slack.on and settings.slack.hears_clicks else ()
    return (*_store(vitals), *_engine(vitals, now), *_delivery(vitals, now), *link, *_deaf(vitals, settings))


def silent(vitals: Vitals, settings: Settings) -> tuple[str, ...]:
    """The sources that people were told are silent."""
    ours = {source.name for source in settings.sources}
    return tuple(state.name for state in vitals.sources if state.told_silent and state.name in ours)


def _store(vitals: Vitals) -> Iterator[Ailment]:
    """A restart would not mend it; it goes on by itself when somebody has."""
    if vitals.outage:
        yield Ailment(part="store", why=vitals.outage)
    elif vitals.room is not None and vitals.room < CRAMPED:
        left = f"{vitals.room / 2**20:.0f} MB"
        yield Ailment(part="store", why=f"{left} are left for the database; make room on its disk before it is full")


def _engine(vitals: Vitals, now: datetime) -> Iterator[Ailment]:
    if vitals.awake is None or now - vitals.awake > ASLEEP:
        since = f"since {vitals.awake:%Y-%m-%d %H:%M} UTC" if vitals.awake else "so far"
        yield Ailment(part="engine", why=f"nobody was at work {since}; is `listener run` running?")
    if vitals.overdue_since and now - vitals.overdue_since > LOOK_LATE:
        late = spoken(now - vitals.overdue_since)
        yield Ailment(part="look", why=f"a deadline passed {late} ago and was not looked at; see the log")


def _delivery(vitals: Vitals, now: datetime) -> Iterator[Ailment]:
    since = vitals.owed.late_since
    if since and now - since > UNSAID:
        late = spoken(now - since)
        why = (
            f"{vitals.owed.count} notices wait, the oldest for {late}; `listener doctor` says what ails the Slack link"
        )
        yield Ailment(part="delivery", why=why)


def _link(vitals: Vitals) -> Iterator[Ailment]:
    if vitals.unheard_since:
        why = f"nothing that is pressed in Slack has reached us since {vitals.unheard_since:%Y-%m-%d %H:%M} UTC"
        yield Ailment(part="slack", why=f"{why}; is Socket Mode on, and does nobody else use the app's token?")


def _deaf(vitals: Vitals, settings: Settings) -> Iterator[Ailment]:
    """One silent blog of many is said in Slack. Red is a brand that nothing is heard of."""
    gone = set(silent(vitals, settings))
    for brand in settings.brands:
        ears = _listening_for(brand, settings)
        if ears and ears <= gone:
            why = f"none of the {len(ears)} sources of {brand.name} is heard; `listener sources` says why"
            yield Ailment(part="hearing", why=why)


def _listening_for(brand: Brand, settings: Settings) -> set[str]:
    return {
        source.name
        for source in settings.sources
        if (not source.brands or brand.name in source.brands) and source.about in ("", brand.name)
    }
