"""Durations and moments as people write them."""

from datetime import UTC, datetime, timedelta

import pytest

from listener.durations import moment, parse, spoken

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        (" 2H ", timedelta(hours=2)),
        ("3d", timedelta(days=3)),
        ("2w", timedelta(weeks=2)),
    ],
)
def test_reads_what_people_write(text: str, span: timedelta) -> None:
    assert parse(text) == span


@pytest.mark.parametrize("text", ["", "5", "m", "0m", "-5m", "5 minutes", "1.5h", "99999999d"])
def test_refuses_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write for example"):
        parse(text)


def test_a_moment_lies_ahead_or_behind() -> None:
    assert moment("2h", NOW, past=False) == NOW + timedelta(hours=2)
    assert moment("2h", NOW, past=True) == NOW - timedelta(hours=2)


def test_a_moment_may_be_a_time_and_is_never_naive() -> None:
    assert moment("2026-05-01T16:00", NOW, past=False) == datetime(2026, 5, 1, 16, tzinfo=UTC)
    assert moment("2026-05-01T16:00+02:00", NOW, past=False) == datetime(2026, 5, 1, 14, tzinfo=UTC)


def test_a_moment_that_is_none_says_so() -> None:
    with pytest.raises(ValueError, match="neither a duration"):
        moment("soon", NOW, past=False)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=45), "45 s"),
        (timedelta(minutes=65), "1 h 5 min"),
        (timedelta(days=3), "3 d"),
        (timedelta(days=1, hours=2, minutes=3), "1 d 2 h"),
        (timedelta(0), "0 s"),
    ],
)
def test_spoken_keeps_the_largest_two_units(span: timedelta, words: str) -> None:
    assert spoken(span) == words
