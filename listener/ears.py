"""How well each source is heard, for `listener sources` and `listener coverage`. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connectors import deaf_to, dialect_of
from connectors.contract import Hearing
from listener.asking import asked
from listener.settings import Settings, Source
from listener.storage.contract import SourceState, Span

WINDOW = timedelta(hours=24)  # what "items an hour" counts over
NEVER = "never heard"
SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ear:
    """One source as its people need to see it."""

    name: str
    kind: str
    state: str  # a Hearing's word, "never heard", or "silent" when people were told so
    last_heard: datetime | None
    next_poll: datetime | None
    per_hour: float  # new items, over the last day
    spent: float | None  # US dollars this month; None where hearing costs nothing
    quota: str  # "812 of 10,000 units today" where a platform counts what it grants; "" where it does not
    projected: float | None  # by the end of the month, if it goes on like this
    budget: float | None  # a month
    spent_on: Mapping[str, float]  # brand, or what else is paid for -> dollars
    cannot_hear: tuple[str, ...]  # sentences
    error: str
    note: str  # what the last poll missed, when it was heard in part


def ears(
    settings: Settings,
    states: Iterable[SourceState],
    arrived: Mapping[str, int],
    now: datetime,
    spans: Iterable[Span] = (),
) -> tuple[Ear, ...]:
    """`arrived`: source -> new items within WINDOW; `spans`: the ledger of that time, the newest of a source last."""
    known = {state.name: state for state in states}
    notes = {span.source: span.note for span in spans}
    found = (
        _ear(source, known.get(source.name, SourceState(name=source.name)), settings, now, arrived.get(source.name, 0))
        for source in settings.sources
    )
    return tuple(ear if ear.error else replace(ear, note=notes.get(ear.name, "")) for ear in found)


def _ear(source: Source, state: SourceState, settings: Settings, now: datetime, arrived: int) -> Ear:
    spent = _spent(state.cursor, now)
    whole = None if spent is None else round(sum(spent.values()), 2)
    return Ear(
        name=source.name,
        kind=source.kind,
        state=_state(state),
        last_heard=state.last_heard,
        next_poll=state.next_poll,
        per_hour=round(arrived / (WINDOW / timedelta(hours=1)), 1),
        quota=_quota(state.cursor, now),
        spent=whole,
        projected=None if whole is None else projected(whole, now),
        budget=budget if isinstance(budget := source.options.get("budget"), int | float) else None,
        spent_on=spent or {},
        cannot_hear=(*deaf_to(source.kind), *_not_asked(settings, source)),
        error=state.error,
        note="",
    )


def _state(state: SourceState) -> str:
    if state.told_silent:
        return SILENT
    return NEVER if state.last_heard is None and not state.failures else str(state.hearing)


def _spent(cursor: Mapping[str, Any], now: datetime) -> Mapping[str, float] | None:
    """Ears that pay keep what they paid by month, in UTC: {"spent": {"2026-05": {"Acme Air": 1.25}}}."""
    spent = cursor.get("spent")
    return spent.get(f"{now:%Y-%m}", {}) if isinstance(spent, Mapping) else None


def projected(spent: float, now: datetime) -> float:
    """What the month will have cost at this pace; its first day is taken for a whole one."""
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    month = (first + timedelta(days=32)).replace(day=1) - first
    return round(spent * (month / max(now - first, timedelta(days=1))), 2)


def _quota(cursor: Mapping[str, Any], now: datetime) -> str:
    """Of the day that has not ended yet: connectors.quota keeps it in the cursor."""
    quota = cursor.get("quota")
    if not isinstance(quota, Mapping):
        return ""
    used = quota["used"] if quota["resets"] > now.timestamp() else 0
    return f"{used:,} of {quota['of']:,} {quota['unit']} today"


def _not_asked(settings: Settings, source: Source) -> tuple[str, ...]:
    dialect = dialect_of(source.kind)
    return asked(settings.queries(source.brands), dialect).missed if dialect else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Blind:
    """A stretch of time in which a source was not heard well."""

    source: str
    hearing: Hearing | str
    since: datetime
    until: datetime
    note: str


def blind(spans: Iterable[Span], names: Iterable[str], since: datetime, until: datetime) -> tuple[Blind, ...]:
    """What was not heard, oldest first; a source without any span was not heard at all."""
    spans = tuple(spans)
    unheard = set(names) - {span.source for span in spans}
    return (
        *(Blind(source=name, hearing=NEVER, since=since, until=until, note="") for name in sorted(unheard)),
        *(
            Blind(source=s.source, hearing=s.hearing, since=s.since, until=s.until, note=s.note)
            for s in sorted(spans, key=lambda span: (span.since, span.source))
            if s.hearing is not Hearing.HEARD
        ),
    )
