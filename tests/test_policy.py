"""Who is told: the first on duty, their stand-in, the next one up; never nobody."""

from dataclasses import replace

from builders import DANA, LEE, NOW, SAM, policy

from escalation.policy import above, first

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
