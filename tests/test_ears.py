"""How well each source is heard is said in one place: never heard, silent, in part, at what cost."""

from datetime import timedelta
from pathlib import Path

import configs
from builders import NOW

from connectors.contract import Hearing
from listener.ears import NEVER, SILENT, blind, ears, projected
from listener.settings import load
from listener.storage.contract import SourceState, Span

PAID = {"Acme Air": 1.25, "looking again": 0.25}


def settings(directory: Path):  # type: ignore[no-untyped-def]
    return load(configs.write(directory), {})


def test_a_source_that_was_never_polled_is_said_to_be_that(tmp_path: Path) -> None:
    (ear,) = ears(settings(tmp_path), (), {}, NOW)
    assert (ear.name, ear.kind, ear.state, ear.per_hour, ear.spent) == ("blog", "feed", NEVER, 0.0, None)


def test_what_is_heard_is_counted_by_the_hour_and_what_was_paid_by_the_month(tmp_path: Path) -> None:
    state = SourceState(name="blog", last_heard=NOW, cursor={"spent": {"2026-04": {"Acme Air": 9.0}, "2026-05": PAID}})
    (ear,) = ears(settings(tmp_path), [state], {"blog": 36}, NOW)
    assert (ear.state, ear.per_hour, ear.spent, ear.spent_on) == ("heard", 1.5, 1.5, PAID)
    assert ear.projected == 13.13  # 31 days at the pace of three and a half


def test_the_first_day_of_a_month_is_taken_for_a_whole_one() -> None:
    assert projected(1.0, NOW.replace(day=1, hour=0, minute=5)) == 31.0
    assert projected(28.0, NOW.replace(month=2, day=28, hour=23, minute=59)) == 28.0


def test_what_a_platform_grants_a_day_is_shown_until_the_day_is_over(tmp_path: Path) -> None:
    quota = {"used": 812, "of": 10_000, "unit": "units", "resets": (NOW + timedelta(hours=2)).timestamp()}
    state = SourceState(name="blog", last_heard=NOW, cursor={"quota": quota})
    (ear,) = ears(settings(tmp_path), [state], {}, NOW)
    assert (ear.quota, ear.spent) == ("812 of 10,000 units today", None)
    (ear,) = ears(settings(tmp_path), [state], {}, NOW + timedelta(hours=2))
    assert ear.quota == "0 of 10,000 units today"


def test_what_the_last_poll_missed_is_said_until_one_is_heard_whole(tmp_path: Path) -> None:
    state = SourceState(name="blog", last_heard=NOW, hearing=Hearing.TRUNCATED)
    spans = [
        Span(source="blog", hearing=Hearing.TRUNCATED, since=NOW, until=NOW, polls=1, note=note)
        for note in ("older", "comments are disabled: video x")
    ]
    (ear,) = ears(settings(tmp_path), [state], {}, NOW, spans)
    assert (ear.state, ear.note) == ("truncated", "comments are disabled: video x")
    whole = Span(source="blog", hearing=Hearing.HEARD, since=NOW, until=NOW, polls=1, note="")
    (ear,) = ears(settings(tmp_path), [state], {}, NOW, [*spans, whole])
    assert ear.note == ""


def test_a_source_people_were_told_of_is_silent_whatever_its_trouble_is_called(tmp_path: Path) -> None:
    state = SourceState(
        name="blog", failures=9, told_silent=True, hearing=Hearing.NOT_REACHABLE, error="blog: no answer"
    )
    (ear,) = ears(settings(tmp_path), [state], {}, NOW)
    assert (ear.state, ear.error) == (SILENT, "blog: no answer")


def test_blind_spots_come_oldest_first_and_name_who_was_never_heard() -> None:
    hour = timedelta(hours=1)
    spans = [
        Span(source="blog", hearing=Hearing.TRUNCATED, since=NOW + hour, until=NOW + 2 * hour, polls=1, note="capped"),
        Span(source="blog", hearing=Hearing.HEARD, since=NOW, until=NOW + hour, polls=6, note=""),
        Span(source="news", hearing=Hearing.BLOCKED, since=NOW, until=NOW + hour, polls=1, note="403"),
    ]
    found = blind(spans, ["blog", "news", "forum"], NOW, NOW + 3 * hour)
    assert [(spot.source, spot.hearing) for spot in found] == [
        ("forum", NEVER),
        ("news", "blocked"),
        ("blog", "truncated"),
    ]
