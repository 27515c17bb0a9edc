"""What could not be heard, and what is said about it: when to try a source again, and when people are told. Pure."""

from datetime import datetime, timedelta
from zlib import crc32

from connectors.contract import Broken, ConnectorError, Fix, Hearing, Page, Wait
from escalation.notices import HOUSE, Kind, Notice
from listener.durations import spoken
from listener.settings import Source
from listener.storage.contract import Failure, SourceState

LONGEST_BACK_OFF = timedelta(minutes=15)
ABSENT = timedelta(minutes=10)  # without the engine: people are told
MENDING_TIME = timedelta(hours=1)  # between two tries at what a person must mend


def failed(state: SourceState, source: Source, error: ConnectorError, now: datetime, patience: timedelta) -> Failure:
    """People are told once: at once when somebody must mend it, otherwise after `patience`."""
    quiet = now - (state.failing_since or now)
    return Failure(
        source=source.name,
        at=now,
        error=str(error),
        hearing=error.hearing,
        next_poll=_retry(state, source, error, now),
        told_silent=state.told_silent or isinstance(error, Fix | Broken) or quiet >= patience,
    )


def _retry(state: SourceState, source: Source, error: ConnectorError, now: datetime) -> datetime:
    if isinstance(error, Wait) and error.until:
        return max(error.until, now + source.every)
    if isinstance(error, Fix | Broken):
        return now + max(source.every, MENDING_TIME)
    doubled = source.every * (1 << min(state.failures, 16))
    return now + min(doubled, max(source.every, LONGEST_BACK_OFF))


def silence(state: SourceState, failure: Failure) -> Notice | None:
    """The one notice that a source has gone silent; None when nobody needs to be told (yet, or again)."""
    if state.told_silent or not failure.told_silent:
        return None
    heard = f"last heard {state.last_heard:%Y-%m-%d %H:%M} UTC" if state.last_heard else "never heard so far"
    text = f'Source "{failure.source}" is silent ({heard}). {failure.error}'
    return _notice(failure.source, "silent", state.failing_since or failure.at, text)


def return_of(state: SourceState, now: datetime) -> Notice | None:
    """The one notice that it is back."""
    if not state.told_silent or state.failing_since is None:
        return None
    text = f'Source "{state.name}" is heard again, after {spoken(now - state.failing_since)} of silence.'
    return _notice(state.name, "back", state.failing_since, text)


def short_of_money(name: str, page: Page) -> Notice | None:
    """The one notice that a part of a source is not heard for want of money; other words are another notice."""
    if not (told := page.facts.get("budget")):
        return None
    text = f'Source "{name}" is out of budget. {told}. More: budget and shares in sources.toml.'
    return Notice(case=HOUSE, seq=crc32(told.encode()), kind=Kind.HOUSE, to=f"{name} out of budget", text=text)


def absence(was: datetime | None, now: datetime, late: int) -> Notice | None:
    """The one notice that the engine itself was not at work; `late` deadlines passed meanwhile."""
    if was is None or now - was < ABSENT:
        return None
    passed = f"{late or 'no'} deadline{'' if late < 2 else 's'} passed meanwhile"
    text = f"Nobody was listening from {was:%Y-%m-%d %H:%M} to {now:%Y-%m-%d %H:%M} UTC: the engine was not at work."
    return _notice("engine", "absent", was, f"{text} {passed.capitalize()}; the worst and oldest are dealt with first.")


def _notice(source: str, what: str, since: datetime, text: str) -> Notice:
    return Notice(case=HOUSE, seq=int(since.timestamp()), kind=Kind.HOUSE, to=f"{source} {what}", text=text)


def must_wait(state: SourceState, now: datetime) -> bool:
    """True while a server's own request to be left alone holds; even `listener once` honours that."""
    return state.hearing is Hearing.RATE_LIMITED and state.next_poll is not None and now < state.next_poll
