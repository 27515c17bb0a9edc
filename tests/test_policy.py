"""Who is told: the first on duty, their stand-in, the next one up; never nobody."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from builders import DANA, LEE, NOW, SAM, policy
from hypothesis import given
from hypothesis import strategies as st

from escalation.policy import Away, Leave, Policy, Team, Turn, above, asked_in_turn, first

OFF = "Sun 03:00-03:01"  # NOW is a Monday
DANA_OFF, LEE_OFF, SAM_OFF = (replace(person, hours=OFF) for person in (DANA, LEE, SAM))


def test_the_first_of_the_ladder_is_told() -> None:
    assert first(policy(), NOW).name == "Dana Fox"


def test_who_is_off_duty_is_passed_over() -> None:
    chosen = first(policy(people=(DANA_OFF, LEE, SAM)), NOW)
    assert (chosen.name, chosen.rung) == ("Lee Park", 1)


def test_a_stand_in_comes_before_the_next_rung_and_says_why() -> None:
    ladder = ("Dana Fox", "Lee Park")
    chosen = first(policy(people=(replace(DANA_OFF, backup="Sam Ortiz"), LEE, SAM), ladder=ladder), NOW)
    assert (chosen.name, chosen.rung) == ("Sam Ortiz", 0)
    assert "stands in for Dana Fox" in chosen.why


def test_a_case_at_night_still_has_a_name() -> None:
    chosen = first(policy(people=(DANA_OFF, LEE_OFF, SAM_OFF)), NOW)
    assert chosen.name == "Dana Fox"
    assert "nobody" in chosen.why


def test_escalation_climbs_past_who_is_off_duty() -> None:
    assert above(policy(people=(DANA, LEE_OFF, SAM)), 0, "Dana Fox", NOW).name == "Sam Ortiz"


def test_escalation_never_tells_the_same_person_while_there_is_another() -> None:
    people = (replace(DANA_OFF, backup="Lee Park"), LEE, SAM)
    assert first(policy(people=people), NOW).name == "Lee Park"
    assert above(policy(people=people), 0, "Lee Park", NOW).name == "Sam Ortiz"


def test_at_the_top_the_lead_is_told_again_on_duty_or_not() -> None:
    assert above(policy(people=(DANA, LEE, SAM_OFF)), 2, "Sam Ortiz", NOW).name == "Sam Ortiz"
    alone = policy(people=(DANA,))
    assert above(alone, 0, "Dana Fox", NOW).name == "Dana Fox"


WEEKS = Team(
    name="Weekend desk", members=("Dana Fox", "Lee Park", "Sam Ortiz"), turn=Turn.WEEKLY, timezone="Europe/Lisbon"
)


def team_policy(team: Team, **given: object) -> Policy:
    return policy(**{"ladder": (team.name,), "teams": (team,), **given})


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-01-05T08:59+00:00", "Sam Ortiz"),  # a minute before the first turn, and so the last one's
        ("2026-01-05T09:00+00:00", "Dana Fox"),
        ("2026-01-12T09:00+00:00", "Lee Park"),
        ("2026-01-26T09:00+00:00", "Dana Fox"),
        ("2026-03-30T07:59+00:00", "Sam Ortiz"),  # nine o'clock comes an hour earlier in summer
        ("2026-03-30T08:00+00:00", "Dana Fox"),
    ],
)
def test_turns_go_round_by_the_wall_clock(when: str, expected: str) -> None:
    assert first(team_policy(WEEKS), datetime.fromisoformat(when)).name == expected


def test_a_team_without_turns_follows_the_sun() -> None:
    team = Team(name="Care", members=("Dana Fox", "Lee Park"))
    people = (replace(DANA, hours="Mon-Sun 09:00-21:00"), replace(LEE, hours="Mon-Sun 02:00-14:00"), SAM)
    by_hour = {hour: first(team_policy(team, people=people), NOW.replace(hour=hour)).name for hour in (3, 13, 20)}
    assert by_hour == {3: "Lee Park", 13: "Dana Fox", 20: "Dana Fox"}


def test_when_the_one_whose_turn_it_is_cannot_the_next_of_the_team_is_told() -> None:
    chosen = first(team_policy(WEEKS), datetime.fromisoformat("2026-01-05T10:00+00:00"), away={"Dana Fox"})
    assert (chosen.name, chosen.rung) == ("Lee Park", 0)
    assert chosen.why == "next in Weekend desk, place 1 on the ladder"


@pytest.mark.parametrize(
    ("changed", "away", "why"),
    [
        ({"leave": (Leave(first=date(2026, 5, 1), last=date(2026, 5, 4)),)}, (), "on leave"),
        ({"holidays": "JP"}, (), "on a public holiday"),  # Greenery Day
        ({"hours": OFF}, (), "off duty"),
        ({}, {"Dana Fox"}, "away"),
    ],
)
def test_who_is_not_there_is_passed_over_and_it_is_said_why(changed: dict[str, object], away: Away, why: str) -> None:
    told = policy(people=(replace(DANA, backup="Sam Ortiz", **changed), LEE, SAM))
    chosen = first(told, NOW, away)
    assert (chosen.name, chosen.why) == ("Sam Ortiz", f"stands in for Dana Fox, who is {why}")
    assert next(iter(asked_in_turn(told, NOW, away))).off == why


def test_a_day_off_is_a_day_where_the_person_is() -> None:
    tokyo = replace(DANA, timezone="Asia/Tokyo", leave=(Leave(first=date(2026, 5, 5), last=date(2026, 5, 5)),))
    assert not tokyo.off(NOW), "22:00 on the fourth in Tokyo"
    assert tokyo.off(NOW + timedelta(hours=2)) == "on leave"


@given(
    st.datetimes(timezones=st.just(UTC)),
    st.sets(st.sampled_from(WEEKS.members)),
)
def test_there_is_always_a_name_and_never_the_owner_while_there_is_another(at: datetime, away: set[str]) -> None:
    told = team_policy(WEEKS, ladder=("Weekend desk", "Sam Ortiz"))
    assert first(told, at, away).name in WEEKS.members
    if len(away) < 3:
        assert first(told, at, away).name not in away
    assert told.rung(above(told, 0, "Dana Fox", at, away).name) is not None


def test_a_customer_goes_to_who_dealt_with_them_before_if_that_person_is_there() -> None:
    assert first(policy(), NOW, known_to="Lee Park").why == "dealt with this customer before"
    assert first(policy(), NOW, known_to="Lee Park").name == "Lee Park"
    assert first(policy(), NOW, {"Lee Park"}, known_to="Lee Park").name == "Dana Fox"
    assert first(policy(), NOW, known_to="Somebody Gone").name == "Dana Fox"
