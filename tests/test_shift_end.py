"""When a shift is over, one word to who leaves and one to who comes next; and none when nothing is open."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from builders import NOW, SAM, mention, policy, post, subject
from builders import batch as page
from fakes import RecordingMessenger

from connectors.post import Author
from escalation.case import Case, begin, evolve
from escalation.clock import open_case
from escalation.commands import Acknowledge
from escalation.courier import Courier
from escalation.desk import Desk
from escalation.events import Acknowledged, Promised
from escalation.policy import Leave, Person, Shift, Team, Turn
from listener.shift_end import ended, summaries
from listener.storage.contract import Heard, Store

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DAY_SHIFT = Person(name="Dana Fox", timezone="America/Toronto", hours="Mon-Fri 09:00-17:00")
EVENING = Person(name="Lee Park", timezone="Europe/Lisbon", hours="Mon-Fri 22:00-06:00")
FIVE = datetime(2026, 5, 4, 21, 0, tzinfo=UTC)  # in Toronto, where Dana is
RULES = policy(people=(DAY_SHIFT, EVENING, SAM), ladder=("Dana Fox", "Lee Park"))


def case(id_: int, promised: timedelta | None = None) -> Case:
    found = begin(replace(open_case(id_, subject(), RULES, NOW), owner="Dana Fox"))
    if promised is None:
        return found
    taken = evolve(found, Acknowledged(at=NOW, by="Dana Fox"))
    return evolve(taken, Promised(at=NOW, by="Dana Fox", what="call her", due=FIVE + promised))


def test_a_day_ends_where_the_person_is_and_who_is_back_when() -> None:
    assert not ended([DAY_SHIFT], (), FIVE - timedelta(minutes=1))
    (over,) = ended([DAY_SHIFT, EVENING], (), FIVE + timedelta(minutes=2))
    assert (over.name, over.at, over.back) == ("Dana Fox", FIVE, FIVE + 16 * HOUR)
    assert not ended([DAY_SHIFT], (), FIVE + 2 * HOUR), "hours later it is no help"


def test_midnight_and_a_lunch_break_of_who_is_always_there_are_no_end_and_leave_is() -> None:
    midnight = datetime(2026, 5, 5, tzinfo=UTC)
    assert not ended([SAM], (), midnight + timedelta(minutes=1))
    leaves = replace(SAM, leave=(Leave(first=midnight.date(), last=midnight.date()),))
    assert [over.name for over in ended([leaves], (), midnight + timedelta(minutes=1))] == ["Sam Ortiz"]


def test_a_turn_ends_by_the_week_and_by_the_calendar() -> None:
    weekly = Team(name="Desk", members=("Dana Fox", "Sam Ortiz"), turn=Turn.WEEKLY, timezone="America/Toronto")
    assert weekly.changed(NOW + DAY) == NOW, "a Monday at nine, through the change of daylight saving"
    assert [over.name for over in ended([DAY_SHIFT, SAM], [weekly], NOW)] == [weekly.order(NOW - HOUR)[0]]
    shift = Shift(name="Sam Ortiz", start=NOW - 6 * HOUR, end=NOW)
    calendar = Team(name="Nights", members=("Sam Ortiz",), turn=Turn.CALENDAR, shifts=(shift,))
    assert [(over.name, over.at) for over in ended([SAM], [calendar], NOW)] == [("Sam Ortiz", NOW)]


def test_it_says_what_is_promised_before_the_next_shift_in_the_readers_own_time_and_to_who_comes_next() -> None:
    (over,) = ended([DAY_SHIFT], (), FIVE)
    to_dana, to_lee = summaries(over, [case(3, 30 * HOUR), case(1, 2 * HOUR), case(2)])
    assert to_dana.to == "Dana Fox" and to_dana.text.splitlines() == [
        "Your shift is over. 3 open cases are still yours; hand over what cannot wait.",
        "case 2: Acme Air, P1, open, by Mon 09:05 EDT (before the next shift)",
        'case 1: Acme Air, P1, promised "call her", by Mon 19:00 EDT (before the next shift)',
        'case 3: Acme Air, P1, promised "call her", by Tue 23:00 EDT',
    ]
    assert to_lee.to == "Lee Park"
    assert to_lee.text.startswith(
        "Dana Fox is off until Tue 14:00 WEST. 3 open cases are still theirs, and you are next."
    )
    assert "by Tue 00:00 WEST" in to_lee.text
    assert to_dana.key != to_lee.key


def test_nothing_open_is_nothing_said_and_nobody_there_is_told_nothing() -> None:
    (over,) = ended([DAY_SHIFT], (), FIVE)
    assert summaries(over, []) == ()
    assert [notice.to for notice in summaries(over, [case(1)], {"Lee Park"})] == ["Dana Fox"]


async def test_looked_at_every_minute_and_after_a_restart_it_is_said_once(store: Store) -> None:
    messenger = RecordingMessenger()
    of = post("p1", author=Author(handle="marta"))
    opening = mention(of).opening
    assert opening
    one = replace(mention(of), opening=replace(opening, policy=RULES))
    await store.keep(page(Heard(post=of, mentions=(one,))))
    await Desk(store).handle(1, Acknowledge(by="Dana Fox", what="call her", due=FIVE + HOUR), NOW)
    for minute in range(5):
        (over,) = ended([DAY_SHIFT], (), FIVE + timedelta(minutes=minute))
        for notice in summaries(over, [await Desk(store).case(1)]):
            await store.owe(notice, FIVE)
    while await Courier(store, messenger).deliver(FIVE):
        pass
    assert len([text for text in messenger.told("Lee Park") if "is off until" in text]) == 1
    assert len([text for text in messenger.told("Dana Fox") if "shift is over" in text]) == 1


@pytest.mark.parametrize("many", [13, 30])
def test_a_long_list_is_cut_and_says_so(many: int) -> None:
    (over,) = ended([DAY_SHIFT], (), FIVE)
    lines = summaries(over, [case(number) for number in range(1, many + 1)])[0].text.splitlines()
    assert len(lines) == 14 and lines[-1] == f"and {many - 12} more; `listener cases` shows them"
