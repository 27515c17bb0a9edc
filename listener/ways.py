"""The way from a post to what people see: as the log tells it while it happens, and as it can be asked for later. Pure.

The log has a line for each step, all of one post with one trace id (escalation/trace.py). What is asked for later comes
from the case's timeline and its notices, so it is there for every case, however the log was kept.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from escalation.events import Event, Opened
from escalation.notices import Kind
from escalation.trace import trace_id
from listener.storage.contract import Batch, Kept, Said

SHOWN = {Kind.CARD: "shown", Kind.DIRECT: "told", Kind.THREAD: "noted", Kind.CHANNEL: "told", Kind.HOUSE: "told"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`after` is counted from when the customer wrote; None: it has not happened yet."""

    step: str
    at: datetime | None
    after: timedelta | None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    trace: str
    steps: tuple[Step, ...]
    lag: timedelta | None  # from post to card; None while there is none


def decided(batch: Batch, kept: Kept) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """For each post that opened a case or joined one: a sentence for the log, and the facts beside it."""
    subjects = {
        (mention.opening.subject.post, mention.brand): mention.opening.subject
        for each in batch.heard
        for mention in each.mentions
        if mention.opening
    }
    for taken in kept.taken:
        subject = subjects.get((taken.post, taken.brand))
        step = "opened" if taken.opened else "joined"
        facts: dict[str, Any] = {"trace": trace_id(taken.post), "step": step, "case": taken.case, "post": taken.post}
        if subject:
            late = (batch.at - subject.since).total_seconds()
            facts |= {"priority": subject.priority, "severity": subject.severity, "after_seconds": late}
        yield f"case {taken.case}: {step} by {taken.post}", facts


def way(timeline: Sequence[Event], said: Iterable[Said]) -> Way:
    """`timeline` begins with Opened. Steps in the order of time, what is still owed last."""
    first = timeline[0]
    if not isinstance(first, Opened):
        raise ValueError("a timeline begins with Opened")
    said = tuple(said)
    steps = [*_before(first), *_events(timeline[1:], first), *_said(said, first)]
    cards = [one.sent for one in said if one.kind is Kind.CARD and one.sent]
    return Way(
        trace=trace_id(first.subject.post),
        steps=tuple(sorted(steps, key=lambda step: (step.at is None, step.at or first.at))),
        lag=min(cards) - first.subject.since if cards else None,
    )


def _before(first: Opened) -> Iterator[Step]:
    """What is heard is judged, kept and opened by one transaction: its instant is all of these."""
    subject, judged = first.subject, f"{first.subject.priority}, severity {first.subject.severity}"
    if subject.created:
        yield _step("written", subject.created, first, subject.post)
    yield _step("heard", subject.heard, first, subject.post.partition(":")[0])
    yield _step("judged", first.at, first, judged)
    yield _step("kept", first.at, first)
    yield _step("opened", first.at, first, first.owner)


def _events(events: Iterable[Event], first: Opened) -> Iterator[Step]:
    for event in events:
        by = next((str(name) for who in ("by", "to", "owner") if (name := getattr(event, who, ""))), "")
        yield _step(type(event).__name__, event.at, first, by)


def _said(said: Iterable[Said], first: Opened) -> Iterator[Step]:
    for one in said:
        tried = f"tried {one.attempts} times" if one.attempts > 1 else ""
        why = one.error if not one.sent else ""
        detail = ", ".join(filter(None, (one.to, one.ref, tried, why)))
        yield _step(SHOWN[one.kind] if one.sent else "owed", one.sent, first, detail)


def _step(step: str, at: datetime | None, first: Opened, detail: str = "") -> Step:
    return Step(step=step, at=at, after=at - first.subject.since if at else None, detail=detail)
