"""What Prometheus reads, counted from the store: any process may be asked, and several never count a thing twice.

In a dashboard take `max` over processes, not `sum`. Names follow https://prometheus.io/docs/practices/naming/.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeHistogramMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from listener.health import ailments, silent
from listener.settings import Settings
from listener.storage.contract import Vitals

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LAG_BUCKETS = (5, 15, 30, 60, 120, 300, 900, 3600, 14400, 86400)  # seconds

K = TypeVar("K", bound=tuple[str, ...])


def exposed(vitals: Vitals, settings: Settings, now: datetime) -> bytes:
    """In the text format, version 0.0.4."""
    registry = CollectorRegistry()
    registry.register(_Told(lambda: metrics(vitals, settings, now)))
    return generate_latest(registry)


class _Told(Collector):
    def __init__(self, told: Callable[[], Iterable[Metric]]):
        self._told = told

    def collect(self) -> Iterable[Metric]:
        return self._told()


def metrics(vitals: Vitals, settings: Settings, now: datetime) -> Iterator[Metric]:
    """Pure."""
    yield from _of_the_house(vitals, settings, now)
    yield from _of_cases(vitals)
    yield from _of_notices(vitals, now)
    yield from _of_sources(vitals, settings, now)


def _of_the_house(vitals: Vitals, settings: Settings, now: datetime) -> Iterator[Metric]:
    ill = ailments(vitals, settings, now)
    yield _gauge("listener_ready", "1 while complaints are heard and told, 0 when not: /readyz says why", not ill)
    parts = {
        (part,): float(any(one.part == part for one in ill))
        for part in ("store", "engine", "look", "delivery", "hearing")
    }
    yield _gauges("listener_ailing", "1 for each part that is not well", ("part",), parts)
    yield _gauge("listener_store_bytes", "What the store takes of its disk", vitals.size)
    if vitals.room is not None:
        yield _gauge("listener_store_room_bytes", "What the store may still grow by", vitals.room)
    yield _gauge("listener_engine_seconds", "Since the engine last said that it is at work", _age(vitals.awake, now))
    took = {(step,): seconds for step, seconds in vitals.gauges.items()}
    yield _gauges("listener_step_seconds", "The longest look and delivery of the minute before", ("step",), took)
    late = _age(vitals.overdue_since, now)
    yield _gauge("listener_look_late_seconds", "How long ago the oldest deadline passed that no look has seen", late)


def _of_cases(vitals: Vitals) -> Iterator[Metric]:
    labels = ("brand", "status", "priority")
    open_ = {(one.brand, one.status, one.priority): float(one.count) for one in vitals.open}
    late = {(one.brand, one.status, one.priority): float(one.late) for one in vitals.open}
    yield _gauges("listener_cases_open", "Open cases", labels, open_)
    yield _gauges("listener_cases_overdue", "Open cases past what is due next", labels, late)
    risk = "Promises that are due within the hour, or already missed"
    yield _gauge("listener_promises_at_risk", risk, vitals.promises_at_risk)


def _of_notices(vitals: Vitals, now: datetime) -> Iterator[Metric]:
    owed = vitals.owed
    states = {("waiting",): owed.count - owed.failing, ("failing",): owed.failing, ("given up",): vitals.given_up}
    yield _gauges("listener_notices", "Notices not yet delivered, by state", ("state",), states)
    oldest = _age(owed.late_since, now)
    yield _gauge("listener_notices_oldest_seconds", "Age of the oldest notice that should have arrived by now", oldest)
    lag = GaugeHistogramMetricFamily("listener_post_to_card_seconds", "From post to card, of the newest cards")
    lag.add_metric([], *_buckets(vitals.card_lags))
    yield lag


def _of_sources(vitals: Vitals, settings: Settings, now: datetime) -> Iterator[Metric]:
    kinds = {source.name: source.kind for source in settings.sources}
    ours = [state for state in vitals.sources if state.name in kinds]
    quiet, labels = set(silent(vitals, settings)), ("source", "kind")
    here = {state.name: (state.name, kinds[state.name]) for state in ours}
    heard = {here[state.name]: _age(state.last_heard, now) for state in ours if state.last_heard}
    late = {here[s.name]: _age(s.next_poll, now) for s in ours if s.next_poll and not s.failures}
    yield _gauges("listener_source_heard_seconds", "Since this source was last heard", labels, heard)
    yield _gauges("listener_source_poll_late_seconds", "How long its next poll is overdue", labels, late)
    gone = {here[state.name]: float(state.name in quiet) for state in ours}
    yield _gauges("listener_source_silent", "1 when people were told that it is silent", labels, gone)
    posts = {here[state.name]: float(state.fetched) for state in ours}
    yield _counters("listener_posts", "New posts", labels, posts)
    polls = {(name, kinds[name], hearing): float(n) for (name, hearing), n in vitals.polls.items() if name in kinds}
    yield _counters("listener_polls", "Polls, by how well they heard", ("source", "kind", "outcome"), polls)
    yield _counters("listener_mentions", "Mentions that were kept", ("brand", "verdict"), vitals.mentions)


def _age(since: datetime | None, now: datetime) -> float:
    """0 when there is nothing to wait for."""
    return max((now - since).total_seconds(), 0.0) if since else 0.0


def _buckets(lags: tuple[timedelta, ...]) -> tuple[list[tuple[str, float]], float]:
    took = [lag.total_seconds() for lag in lags]
    counted = [(str(float(up_to)), float(sum(each <= up_to for each in took))) for up_to in LAG_BUCKETS]
    return [*counted, ("+Inf", float(len(took)))], sum(took)


def _gauge(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(name, says, value=float(value))


def _gauges(name: str, says: str, labels: tuple[str, ...], values: Mapping[K, float]) -> Metric:
    family = GaugeMetricFamily(name, says, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _counters(name: str, says: str, labels: tuple[str, ...], values: Mapping[K, float]) -> Metric:
    family = CounterMetricFamily(name, says, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
