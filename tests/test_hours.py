"""Working hours are wall-clock hours, wherever the person is and whatever the clocks do."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalation.hours import later, on_duty, parse, windows


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "zone", "when", "expected"),
    [
        ("Mon-Fri 09:00-17:00", "UTC", "2026-05-04T09:00", True),
        ("Mon-Fri 09:00-17:00", "UTC", "2026-05-04T08:59", False),
        ("Mon-Fri 09:00-17:00", "UTC", "2026-05-04T17:00", False),
        ("Mon-Fri 09:00-17:00", "UTC", "2026-05-03T12:00", False),
        ("Mon-Fri 09:00-17:00", "America/Toronto", "2026-05-04T13:00", True),
        ("Mon-Fri 09:00-17:00", "America/Toronto", "2026-05-04T12:59", False),
        ("Mon-Sun 00:00-24:00", "Asia/Tokyo", "2026-05-03T15:00", True),
        ("Fri 22:00-06:00", "UTC", "2026-05-09T05:59", True),
        ("Fri 22:00-06:00", "UTC", "2026-05-09T06:00", False),
        ("Fri 22:00-06:00", "UTC", "2026-05-08T05:00", False),
        ("Sat-Mon 10:00-11:00", "UTC", "2026-05-03T10:30", True),
        ("Mon 09:00-12:00, Mon 13:00-17:00", "UTC", "2026-05-04T12:30", False),
        ("Mon 09:00-12:00, Mon 13:00-17:00", "UTC", "2026-05-04T13:30", True),
    ],
)
def test_who_is_on_duty(hours: str, zone: str, when: str, expected: bool) -> None:
    assert on_duty(hours, zone, at(when)) is expected


def test_a_shift_keeps_its_wall_clock_hours_through_daylight_saving() -> None:
    summer, winter = at("2026-10-30T13:30"), at("2026-11-02T13:30")  # Toronto falls back on 1 November
    assert on_duty("Mon-Fri 09:00-17:00", "America/Toronto", summer)
    assert not on_duty("Mon-Fri 09:00-17:00", "America/Toronto", winter)
    assert on_duty("Mon-Fri 09:00-17:00", "America/Toronto", at("2026-11-02T14:00"))


@pytest.mark.parametrize(
    "text", ["", "always", "Mon-Fri", "Mon-Fri 9-17", "Mon-Fri 09:00-25:00", "Xyz 09:00-17:00", "Mon 09:61-10:00"]
)
def test_what_is_no_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        parse(text)


SHIFTS = ["Mon-Fri 09:00-17:00", "Fri-Sun 22:00-06:00", "Mon-Sun 00:00-24:00", "Mon 09:00-12:00, Mon 11:00-17:00"]
ZONES = ["UTC", "America/Toronto", "Asia/Kathmandu"]


@given(st.sampled_from(SHIFTS), st.sampled_from(ZONES), st.integers(0, 8_000), st.integers(1, 1_200))
def test_working_time_is_counted_in_the_minutes_of_a_shift(hours: str, zone: str, start: int, wait: int) -> None:
    """Held against counting minute by minute; the days include one on which Toronto changes its clocks."""
    begin = at("2026-10-29T00:00") + timedelta(minutes=start)
    end = later(begin, timedelta(minutes=wait), lambda day: windows(hours, zone, day), zone)
    minutes = int((end - begin) / timedelta(minutes=1))
    worked = sum(on_duty(hours, zone, begin + timedelta(minutes=minute)) for minute in range(minutes))
    assert worked == wait


def test_who_never_works_is_waited_for_by_the_calendar() -> None:
    assert later(at("2026-05-04T09:00"), timedelta(hours=2), lambda _: [], "UTC") == at("2026-05-04T11:00")


def test_the_end_of_a_night_shift_belongs_to_the_next_day() -> None:
    assert windows("Fri 22:00-06:00", "UTC", date(2026, 5, 9)) == [(at("2026-05-09T00:00"), at("2026-05-09T06:00"))]
