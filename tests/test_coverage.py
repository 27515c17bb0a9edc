"""Silence is an event: said once when a source goes quiet, once when it is back, and tried again at a fair pace."""

from datetime import UTC, datetime, timedelta

from connectors.contract import Broken, Fix, Hearing, Wait
from listener.coverage import failed, must_wait, return_of, silence
from listener.settings import Source
from listener.storage.contract import SourceState

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
BLOG = Source(name="blog", kind="feed", every=timedelta(minutes=10), options={})
QUICK = Source(name="quick", kind="feed", every=timedelta(seconds=2), options={})


def state(**given: object) -> SourceState:
    return SourceState(name="blog", **given)  # type: ignore[arg-type]


def test_a_passing_trouble_is_not_said_at_once() -> None:
    failure = failed(state(), BLOG, Wait("blog: 503"), NOW, HOUR)
    assert not failure.told_silent
    assert silence(state(), failure) is None


def test_trouble_that_lasts_is_said_once() -> None:
    before = state(failures=6, failing_since=NOW - HOUR, last_heard=NOW - 2 * HOUR)
    failure = failed(before, BLOG, Wait("blog: 503"), NOW, HOUR)
    notice = silence(before, failure)
    assert notice is not None
    assert "silent" in notice.text
    assert "last heard 2026-05-01 10:00 UTC" in notice.text
    after = state(failures=7, failing_since=NOW - HOUR, told_silent=True)
    assert silence(after, failed(after, BLOG, Wait("blog: 503"), NOW, HOUR)) is None


def test_what_a_person_must_mend_is_said_at_once() -> None:
    for error in (Fix("blog: 410, the feed is gone"), Broken("blog: not understood")):
        failure = failed(state(), BLOG, error, NOW, HOUR)
        assert silence(state(), failure) is not None


def test_the_return_is_said_once_and_belongs_to_its_silence() -> None:
    gone = state(failing_since=NOW - HOUR, told_silent=True)
    notice = return_of(gone, NOW)
    assert notice is not None
    assert "after 1 h of silence" in notice.text
    assert return_of(gone, NOW) == notice, "the same silence gives the same notice, however often it is asked for"
    assert return_of(state(), NOW) is None


def test_two_silences_are_two_notices() -> None:
    first = return_of(state(failing_since=NOW - HOUR, told_silent=True), NOW)
    second = return_of(state(failing_since=NOW + HOUR, told_silent=True), NOW + 2 * HOUR)
    assert first and second and first.key != second.key


def test_a_server_is_asked_again_when_it_said_so_and_never_sooner() -> None:
    until = NOW + 3 * HOUR
    failure = failed(state(), BLOG, Wait("429", until=until, hearing=Hearing.RATE_LIMITED), NOW, HOUR)
    assert failure.next_poll == until
    waiting = state(hearing=Hearing.RATE_LIMITED, next_poll=until)
    assert must_wait(waiting, NOW)
    assert not must_wait(waiting, until)


def test_retries_come_at_doubling_distances_up_to_a_limit() -> None:
    waits = [failed(state(failures=n), QUICK, Wait("503"), NOW, HOUR).next_poll - NOW for n in range(12)]
    assert waits[:3] == [timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=8)]
    assert max(waits) == timedelta(minutes=15)
