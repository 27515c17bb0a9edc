"""Whose turn it is, by a calendar: read from files and the web, explained, and kept when it cannot be read."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from builders import DANA, LEE, NOW, SAM, policy
from click.testing import CliRunner
from configs import write
from conftest import Clock
from rich.console import Console
from webserver import Server

from connectors.http import Web
from escalation.policy import Leave, Person, Policy, Shift, Team, Turn, first
from listener import turns
from listener.bootstrap import build
from listener.cli import main
from listener.doctor import examine
from listener.rotas import Rota, shifts
from listener.settings import load

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ROTA = Rota(
    team="Nights",
    place="oncall.ics",
    names={"dana fox": "Dana Fox", "dana@example.com": "Dana Fox", "lee park": "Lee Park"},
)


def ical(*events: str) -> str:
    lines = [
        f"BEGIN:VEVENT\nUID:{number}@x\nDTSTAMP:20260101T000000Z\n{one}\nEND:VEVENT"
        for number, one in enumerate(events)
    ]
    return "\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//", *lines, "END:VCALENDAR"]) + "\n"


DANAS = "SUMMARY:On call\nATTENDEE;CN=D. Fox:mailto:Dana@example.com\nDTSTART:20260504T120000Z\nDTEND:20260504T180000Z"
LEES = "SUMMARY:On call: Lee Park (first)\nDTSTART:20260504T180000Z\nDTEND:20260505T060000Z"


def test_an_event_is_the_turn_of_whom_it_names_by_mail_or_in_its_title() -> None:
    found = shifts(ical(LEES, DANAS, DANAS.replace("mailto:Dana", "mailto:somebody")), ROTA, "UTC", NOW)
    assert [(shift.name, shift.start.hour, shift.end - shift.start) for shift in found] == [
        ("Dana Fox", 12, 6 * HOUR),
        ("Lee Park", 18, 12 * HOUR),
    ]


def test_a_weekly_turn_keeps_its_wall_clock_has_exceptions_and_only_the_coming_weeks_are_taken() -> None:
    weekly = (
        "SUMMARY:Lee Park\nDTSTART;TZID=America/Toronto:20260302T090000\nDTEND;TZID=America/Toronto:20260302T170000\n"
        "RRULE:FREQ=WEEKLY\nEXDATE;TZID=America/Toronto:20260309T090000"
    )
    found = shifts(ical(weekly), ROTA, "UTC", datetime(2026, 3, 1, tzinfo=UTC))
    assert [shift.start for shift in found] == [datetime(2026, 3, 2, 14, tzinfo=UTC)], "the ninth is excepted"
    found = shifts(ical(weekly), ROTA, "UTC", datetime(2026, 3, 10, tzinfo=UTC))
    assert [shift.start for shift in found] == [
        datetime(2026, 3, 16, 13, tzinfo=UTC),
        datetime(2026, 3, 23, 13, tzinfo=UTC),
    ]


def test_whole_days_are_days_where_the_team_is_and_cancelled_ones_are_none() -> None:
    day = "SUMMARY:Dana Fox\nDTSTART;VALUE=DATE:20260505\nDTEND;VALUE=DATE:20260506"
    (shift,) = shifts(ical(day, f"{LEES}\nSTATUS:CANCELLED"), ROTA, "America/Toronto", NOW)
    assert shift == Shift(
        name="Dana Fox", start=datetime(2026, 5, 5, 4, tzinfo=UTC), end=datetime(2026, 5, 6, 4, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>sign in</html>",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:soon\n",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nSUMMARY:Dana Fox\nRRULE:FREQ=NEVER\nDTSTART:20260504T120000Z\nEND:VEVENT\nEND:VCALENDAR\n",
    ],
)
def test_what_is_no_calendar_says_so(text: str) -> None:
    with pytest.raises(ValueError):
        shifts(text, ROTA, "UTC", NOW)


def nights(*people: Person) -> Policy:
    turn = Shift(name="Lee Park", start=NOW, end=NOW + 6 * HOUR)
    team = Team(name="Nights", members=tuple(one.name for one in people), turn=Turn.CALENDAR, shifts=(turn,))
    return policy(people=people, ladder=("Nights",), teams=(team,))


def test_who_is_named_has_the_turn_whatever_their_own_hours_but_not_on_leave() -> None:
    sleeps = Person(name="Lee Park", hours="Mon-Sun 01:00-02:00")
    assert first(nights(DANA, sleeps, SAM), NOW).why == "has the turn of Nights by its calendar, place 1 on the ladder"
    away = Person(name="Lee Park", leave=(Leave(first=NOW.date(), last=NOW.date()),))
    assert first(nights(DANA, away, SAM), NOW).name == "Dana Fox"
    assert first(nights(DANA, LEE, SAM), NOW, {"Lee Park"}).name == "Dana Fox"
    after = first(nights(DANA, LEE, SAM), NOW + DAY)
    assert (after.name, after.why) == ("Dana Fox", "next in Nights, place 1 on the ladder"), "the calendar names nobody"


PEOPLE = """
[[person]]
name = "Dana Fox"
email = "dana@example.com"
[[person]]
name = "Lee Park"
[[team]]
name = "Nights"
members = ["Dana Fox", "Lee Park"]
calendar = "%s"
[policy.care]
P1 = { acknowledge = "5m", report = "2h", ladder = ["Nights"] }
"""


@pytest.fixture
async def client() -> AsyncIterator[Web]:
    web = Web(agent="test", allow_private=frozenset({"127.0.0.1"}))
    yield web
    await web.aclose()


async def test_a_file_that_cannot_be_read_any_more_is_said_and_the_last_good_copy_kept(
    tmp_path: Path, client: Web
) -> None:
    settings = load(write(tmp_path, people=PEOPLE % "oncall.ics"), {})
    (tmp_path / "oncall.ics").write_text(ical(LEES, DANAS), "utf-8")
    good, said = await turns.read(settings, client, NOW)
    assert not said and first(good.policies["care"]["P1"], NOW).name == "Dana Fox"
    (tmp_path / "oncall.ics").write_text("oops", "utf-8")
    kept, (notice,) = await turns.read(settings, client, NOW)
    assert kept.policies == good.policies
    assert notice.text.startswith("The calendar of Nights cannot be read (it is no iCal file).")
    assert turns.known(settings, NOW + 6 * HOUR).teams[0].on_shift(NOW + 6 * HOUR) == ("Lee Park",)


async def test_the_doctor_says_whether_a_calendar_can_be_read_and_whom_it_names(tmp_path: Path, clock: Clock) -> None:
    settings, file = load(write(tmp_path, people=PEOPLE % "oncall.ics"), {}), tmp_path / "oncall.ics"

    async def checked(text: str) -> tuple[bool, str]:
        file.write_text(text, "utf-8")
        async with build(settings, Console(file=StringIO()), clock=clock) as house:
            (check,) = [check async for check in examine(house) if check.name == "calendar Nights"]
        return check.ok, check.found

    assert await checked(ical(LEES.replace("Lee Park", "Nobody Else"))) == (
        False,
        "it can be read, but names nobody of Nights in the coming weeks; see `calendar` in people.toml",
    )
    ok, found = await checked(ical(LEES, DANAS))
    assert ok and found.endswith("turns are known; now it is Dana Fox's")
    ok, found = await checked("oops")
    assert not ok and "it is no iCal file" in found


async def test_on_the_web_it_is_asked_for_politely_and_its_address_is_never_named(
    tmp_path: Path, client: Web, server: Server
) -> None:
    settings = load(write(tmp_path, people=PEOPLE % "https://calendar.example/private-key/basic.ics"), {})
    here = {"place": f"{server.address}/private-key/basic.ics"}
    rota = Rota(team="Nights", names=settings.rotas[0].names, **here)
    object.__setattr__(settings, "rotas", (OnLoopback(team=rota.team, names=rota.names, **here),))
    server.answers["/private-key/basic.ics"] = (200, {"Content-Type": "text/calendar"}, ical(DANAS).encode())
    good, said = await turns.read(settings, client, NOW)
    assert not said and good.teams[0].on_shift(NOW) == ("Dana Fox",)
    server.answers["/private-key/basic.ics"] = (503, {}, b"")
    kept, (notice,) = await turns.read(settings, client, NOW)
    assert kept.teams == good.teams
    assert "private-key" not in notice.text


class OnLoopback(Rota):
    on_the_web = True  # type: ignore[assignment]


def test_who_explains_the_turn_and_two_ways_to_say_it_are_refused(tmp_path: Path) -> None:
    write(tmp_path, people=PEOPLE % "oncall.ics")
    (tmp_path / "oncall.ics").write_text(
        ical(LEES.replace("20260504", "20260101").replace("20260505", "20990101")), "utf-8"
    )
    shown = CliRunner().invoke(main, ["who", "--brand", "Acme Air", "--config", str(tmp_path)])
    assert "-> 1. Lee Park: has the turn of Nights by its calendar" in shown.output, shown.output
    write(tmp_path, people=(PEOPLE % "oncall.ics").replace("calendar =", 'turn = "weekly"\ncalendar ='))
    refused = CliRunner().invoke(main, ["who", "--brand", "Acme Air", "--config", str(tmp_path)])
    assert "both say whose turn it is" in refused.output
