"""Days in the life of a case, at the desk, with the clock turned by hand.

After every step: one accountable name, which the timeline alone proves, and a deadline for as long as it is open.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from builders import DANA, LEE, NOW, SAM, policy, subject
from fakes import MemoryLedger, RecordingMessenger

from escalation.case import Case, Status, evolve, replay
from escalation.commands import (
    Accept,
    Acknowledge,
    Answer,
    AskForHelp,
    Command,
    Decline,
    Dismiss,
    FollowUp,
    Handover,
    MakePromise,
    Note,
    Refused,
    Reopen,
    ReportBack,
    Snooze,
    UndoDismiss,
)
from escalation.courier import Courier
from escalation.desk import Desk
from escalation.events import (
    Acknowledged,
    Answered,
    Escalated,
    Event,
    HandoverAccepted,
    How,
    Joined,
    Missed,
    Opened,
    Outcome,
    Result,
    TakenBack,
)
from escalation.notices import Kind
from escalation.policy import Person, Policy

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
OFFICE = "Mon-Fri 09:00-17:00"


def report(by: str = "Dana Fox") -> ReportBack:
    return ReportBack(
        by=by,
        outcome=Outcome.SOLVED,
        done="called her and rebooked",
        remedy="80 EUR refunded",
        evidence="https://tickets.example.com/4711",
    )


@dataclass
class Room:
    """Some cases, the people who answer them, and the hour."""

    now: datetime = NOW
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    messenger: RecordingMessenger = field(default_factory=RecordingMessenger)
    proved: dict[int, int] = field(default_factory=dict)  # case -> events that keep the promises

    @property
    def desk(self) -> Desk:
        return Desk(self.ledger)

    async def opens(self, rules: Policy | None = None) -> Case:
        case = self.ledger.open(subject(heard=self.now), rules or policy(), self.now)
        await self._after()
        return case

    async def ask(self, command: Command, case: int = 1) -> Case:
        changed = await self.desk.handle(case, command, self.now)
        await self._after()
        return changed

    async def wait(self, span: timedelta, *, look_every: timedelta = MINUTE) -> Case:
        """Time passes, and the house looks now and then, as `listener run` does."""
        end = self.now + span
        while self.now < end:
            self.now = min(self.now + look_every, end)
            await self.look()
        return await self.desk.case(1)

    async def look(self) -> int:
        stepped = await self.desk.look(self.now)
        await self._after()
        return stepped

    async def _after(self) -> None:
        while await Courier(self.ledger, self.messenger).deliver(self.now):
            pass
        assert not self.ledger.unsaid()
        for id_, timeline in self.ledger.timelines.items():
            if self.proved.get(id_) != len(timeline):
                promises_three_and_four(timeline)
                self.proved[id_] = len(timeline)

    async def kinds(self, case: int = 1) -> list[str]:
        return [type(event).__name__ for event in await self.ledger.timeline(case)]

    def told(self, person: Person) -> list[str]:
        return self.messenger.told(person.name)

    def lines(self) -> list[str]:
        return [notice.text for _, notice in self.messenger.said if notice.kind is Kind.THREAD]

    def pings(self, since: int = 0) -> int:
        return sum(notice.kind is Kind.DIRECT for _, notice in self.messenger.said[since:])


def promises_three_and_four(timeline: Sequence[Event]) -> None:
    owner, case = "", None
    for event in timeline:
        owner = _named(event) or owner
        case = evolve(case, event) if case else replay([event])
        assert owner and case.owner == owner, f"{event} leaves it with {case.owner}, but names {owner}"
        assert (case.due is not None) == (not case.status.ended), f"{event} leaves no deadline"


def _named(event: Event) -> str:
    """Whom this event makes accountable, by the event's own words; "" when it changes nothing of that."""
    match event:
        case Opened(owner=name) | Escalated(to=name) | TakenBack(to=name):
            return name
        case Acknowledged(by=name) | HandoverAccepted(by=name):
            return name
        case _:
            return ""


async def test_nobody_answers_and_past_the_end_of_the_ladder_somebody_is_still_told() -> None:
    room = Room()
    await room.opens()
    owners = [(await room.wait(5 * MINUTE)).owner for _ in range(2)]
    assert owners == ["Lee Park", "Sam Ortiz"], "each had five minutes"
    assert [len(room.told(person)) for person in (DANA, LEE, SAM)] == [1, 1, 1]
    case = await room.wait(DAY)
    assert (case.owner, case.status) == ("Sam Ortiz", Status.OPEN)
    first_day = len(room.told(SAM))
    assert 3 <= first_day <= 12, "called again and again, at growing distances"
    await room.wait(14 * DAY, look_every=HOUR)
    assert len(room.told(SAM)) - first_day >= 13, "every day, for as long as it takes"
    assert [len(room.told(person)) for person in (DANA, LEE)] == [1, 1]
    taken = await room.ask(Acknowledge(by="Sam Ortiz"))
    assert taken.status is Status.ACKNOWLEDGED and taken.due == room.now + taken.policy.report


class SlowLedger(MemoryLedger):
    """The first two who read a timeline have both read it before either writes."""

    def together(self) -> None:
        self.both = asyncio.Barrier(2)
        self.reads = 0

    async def timeline(self, case_id: int) -> tuple[Event, ...]:
        found = await super().timeline(case_id)
        self.reads += 1
        if self.reads <= 2:
            await self.both.wait()
        return found


async def test_two_acknowledge_at_the_same_moment_one_wins_and_the_other_sees_a_plain_word() -> None:
    ledger = SlowLedger()
    ledger.open(subject(), policy(), NOW)
    ledger.together()
    desk = Desk(ledger)
    pressed = [desk.handle(1, Acknowledge(by=person.name), NOW) for person in (LEE, DANA)]
    won, refused = sorted(
        await asyncio.gather(*pressed, return_exceptions=True), key=lambda said: isinstance(said, Refused)
    )
    assert isinstance(won, Case) and isinstance(refused, Refused)
    assert str(refused) == f"{won.owner} already has case 1. Nothing to do."
    promises_three_and_four(ledger.timelines[1])
    assert [type(event).__name__ for event in ledger.timelines[1]] == ["Opened", "Acknowledged", "Promised"]


async def test_a_hand_over_that_nobody_accepts_returns_and_the_promise_kept_its_clock() -> None:
    room = Room()
    await room.opens()
    promised = await room.ask(Acknowledge(by="Dana Fox", what="call her", due=room.now + HOUR))
    await room.wait(11 * MINUTE)
    await room.ask(Handover(by="Dana Fox", to="Lee Park", note="she speaks Portuguese"))
    assert room.told(LEE) == ["Dana Fox asks you to take this one over. she speaks Portuguese"]
    waiting = await room.wait(4 * MINUTE)
    assert (waiting.owner, waiting.promise) == ("Dana Fox", promised.promise), "an offer moves nothing"
    returned = await room.wait(MINUTE)
    assert (returned.owner, returned.offer, returned.due) == ("Dana Fox", None, promised.due)
    assert room.told(DANA)[-1] == "The hand-over did not happen: Lee Park did not answer in time. You still have it."
    with pytest.raises(Refused, match=r"case 1 is not offered to Lee Park"):
        await room.ask(Accept(by="Lee Park"))
    declined = [Handover(by="Dana Fox", to="Lee Park"), Decline(by="Lee Park", reason="on a train")]
    for command in declined:
        case = await room.ask(command)
    assert len(room.told(DANA)) == 2, "not pinged about one case twice within a quarter of an hour"
    await room.wait(15 * MINUTE)
    assert (case.owner, room.told(DANA)[-1]) == (
        "Dana Fox",
        "The hand-over did not happen: on a train. You still have it.",
    )


async def test_an_offer_does_not_stop_the_clock_of_a_case_nobody_acknowledged() -> None:
    room = Room()
    await room.opens()
    await room.wait(3 * MINUTE)
    await room.ask(Handover(by="Dana Fox", to="Sam Ortiz"))
    assert (await room.wait(2 * MINUTE)).owner == "Lee Park"
    with pytest.raises(Refused, match="not offered"):
        await room.ask(Accept(by="Sam Ortiz"))


async def test_passed_round_for_the_third_time_the_lead_hears_of_it() -> None:
    room = Room()
    await room.opens()
    await room.ask(Acknowledge(by="Dana Fox"))
    passed = [("Dana Fox", "Lee Park"), ("Lee Park", "Dana Fox"), ("Dana Fox", "Lee Park")]
    for number, (giver, taker) in enumerate(passed, 1):
        await room.ask(Handover(by=giver, to=taker))
        case = await room.ask(Accept(by=taker))
        assert case.owner == taker
        assert len(room.told(SAM)) == (number == 3)
    assert room.told(SAM) == ["For your eyes: handed over for the third time without a result."]
    assert case.due == NOW + 2 * HOUR, "the customer's clock ran on all the while"


async def test_a_promise_moves_with_a_reason_and_only_the_new_time_counts() -> None:
    room = Room()
    await room.opens()
    await room.ask(Acknowledge(by="Dana Fox", what="call her", due=room.now + HOUR))
    with pytest.raises(Refused, match="why the promise moves"):
        await room.ask(MakePromise(by="Dana Fox", what="call her", due=room.now + 3 * HOUR))
    await room.ask(MakePromise(by="Dana Fox", what="call her", due=room.now + 3 * HOUR, reason="she is in the air"))
    assert room.lines()[-1].endswith("Moved: she is in the air.")
    case = await room.wait(2 * HOUR)
    assert (case.status, case.due) == (Status.ACKNOWLEDGED, NOW + 3 * HOUR)
    assert "Missed" not in await room.kinds() and room.told(SAM) == []
    await room.ask(MakePromise(by="Dana Fox", what="call her", due=room.now + 3 * HOUR, reason="still there"))
    assert room.told(SAM) == ["For your eyes: Dana Fox moved the promise for the second time: still there."]


async def test_a_missed_promise_climbs_and_its_owner_stays_the_owner() -> None:
    room = Room()
    await room.opens()
    await room.ask(Acknowledge(by="Dana Fox", what="call her by two", due=room.now + HOUR))
    case = await room.wait(HOUR)
    assert (case.owner, case.status) == ("Dana Fox", Status.ACKNOWLEDGED)
    assert case.promise and case.promise.missed
    assert room.told(LEE) == ['Dana Fox missed the promise "call her by two". Make sure the customer hears.']
    assert room.told(DANA)[-1] == 'Your promise is overdue "call her by two". Report back, or move it and say why.'
    await room.wait(5 * MINUTE)
    assert len(room.told(SAM)) == 1 and len(room.told(LEE)) == 1, "the next one up, not the same again"
    await room.wait(DAY)
    assert 3 <= len(room.told(SAM)) <= 12
    before = room.pings()
    await room.ask(report())
    await room.wait(HOUR)
    assert room.pings() == before, "nobody is called any more once it is reported back"


async def test_dismissed_it_rests_and_reopened_it_is_owed_again() -> None:
    room = Room()
    await room.opens()
    with pytest.raises(Refused, match="say why this needs nothing"):
        await room.ask(Dismiss(by="Dana Fox", reason=" "))
    case = await room.ask(Dismiss(by="Lee Park", reason="a song lyric"))
    assert (case.status, case.owner) == (Status.DISMISSED, "Dana Fox")
    before = room.pings()
    await room.wait(2 * DAY, look_every=HOUR)
    assert room.pings() == before and room.lines() == ["Lee Park dismissed it: a song lyric"]
    again = await room.ask(Reopen(by="Lee Park", reason="it was no song"))
    assert (again.status, again.owner, again.due) == (Status.OPEN, "Dana Fox", room.now + 5 * MINUTE)
    assert room.told(DANA)[-1].startswith("Open again: it was no song. Acknowledge by")
    assert (await room.wait(5 * MINUTE)).owner == "Lee Park", "and it climbs as before"


async def test_a_follow_up_comes_due_and_what_got_worse_begins_again() -> None:
    room = Room()
    await room.opens()
    await room.ask(report())
    asked = await room.wait(DAY, look_every=HOUR)
    assert asked.asked and asked.status is Status.REPORTED
    assert room.told(DANA)[-1].startswith("Time to check that it really helped")
    again = await room.ask(FollowUp(by="Dana Fox", result=Result.WORSE, note="charged twice now"))
    assert (again.status, again.owner, again.due) == (Status.OPEN, "Dana Fox", room.now + 5 * MINUTE)
    assert (await room.wait(5 * MINUTE)).owner == "Lee Park"
    await room.ask(report("Lee Park"))
    await room.wait(DAY, look_every=HOUR)
    closed = await room.ask(FollowUp(by="Lee Park", result=Result.VERIFIED))
    assert (closed.status, closed.owner) == (Status.CLOSED, "Lee Park")


async def test_a_follow_up_that_is_forgotten_climbs_and_is_not_called_a_broken_promise() -> None:
    room = Room()
    await room.opens()
    await room.ask(Acknowledge(by="Dana Fox", what="call her", due=room.now + HOUR))
    await room.ask(report())
    case = await room.wait(DAY + 2 * HOUR, look_every=5 * MINUTE)
    assert (await room.kinds())[-2:] == ["FollowUpDue", "Missed"]
    assert case.owner == "Dana Fox"
    assert case.promise and not case.promise.missed, "she did call; it is the check that she owes"
    assert room.told(LEE) == ["Dana Fox missed the follow-up. Make sure the customer hears."]
    assert room.told(DANA)[-1] == "Your follow-up is overdue. Read the thread again and say what you found."


@pytest.mark.parametrize(
    ("backup", "owner", "why"),
    [
        ("Lee Park", "Lee Park", "stands in for Dana Fox, who is off duty"),
        ("", "Dana Fox", "nobody on the ladder is on duty, so it starts at the top"),
    ],
)
async def test_what_comes_in_at_night_has_a_name_at_night(backup: str, owner: str, why: str) -> None:
    dana = replace(DANA, hours=OFFICE, backup=backup)
    lee = LEE if backup else replace(LEE, hours=OFFICE)
    night = datetime.fromisoformat("2026-05-09T23:00+00:00")  # a Saturday
    room = Room(now=night)
    case = await room.opens(policy(people=(dana, lee), ladder=("Dana Fox",)))
    assert case.owner == owner
    assert f"You have this one: {why}." in room.messenger.told(owner)[0]
    await room.wait(5 * MINUTE)
    assert len(room.told(DANA)) + len(room.told(LEE)) == 2, "and it is said again while nobody answers"


async def test_a_promise_that_falls_due_after_hours_finds_somebody_who_is_there() -> None:
    dana, lee = replace(DANA, hours=OFFICE), replace(LEE, hours=OFFICE)
    room = Room(now=datetime.fromisoformat("2026-05-08T20:30+00:00"))  # Friday, 16:30 in Toronto, 21:30 in Lisbon
    await room.opens(policy(people=(dana, lee, SAM)))
    await room.ask(Acknowledge(by="Dana Fox", what="call her", due=room.now + HOUR))
    case = await room.wait(HOUR)
    assert case.owner == "Dana Fox"
    assert room.told(LEE) == [] and len(room.told(SAM)) == 1, "Lee is asleep; Sam is on duty"
    handed = await room.ask(Handover(by="Dana Fox", to="Sam Ortiz"))
    assert handed.owner == "Dana Fox"
    assert (await room.ask(Accept(by="Sam Ortiz"))).owner == "Sam Ortiz"


async def test_after_three_days_of_our_own_outage_one_step_a_look_and_no_storm() -> None:
    room = Room()
    for _ in range(12):
        await room.opens()
    for case in (4, 5, 6):
        await room.ask(Acknowledge(by="Dana Fox"), case)
    for case in (7, 8, 9):
        await room.ask(report(), case)
    for case in (10, 11, 12):
        await room.ask(Acknowledge(by="Dana Fox"), case)
        await room.ask(Handover(by="Dana Fox", to="Lee Park"), case)
    lengths = {case: len(timeline) for case, timeline in room.ledger.timelines.items()}
    said = len(room.messenger.said)
    room.now += 3 * DAY
    assert await room.look() == 12
    assert {case: len(timeline) - lengths[case] for case, timeline in room.ledger.timelines.items()} == dict.fromkeys(
        lengths, 1
    )
    last = [(await room.kinds(case))[-1] for case in (1, 4, 7, 10)]
    assert last == ["Escalated", "Missed", "FollowUpDue", "HandoverDeclined"]
    assert room.pings(said) <= 2 * 12, "of a missed promise two people hear, of everything else one"
    assert await room.look() == 3, "what was offered as well as promised takes its second step at the second look"
    assert await room.look() == 0
    late = [event.at for event in room.ledger.timelines[4] if isinstance(event, Missed)]
    assert late == [room.now], "stamped with the hour it was seen, not one we did not see"


async def test_before_a_deadline_that_is_far_away_its_owner_is_warned_once() -> None:
    room = Room()
    await room.opens(policy(warn=10 * MINUTE))
    await room.ask(Acknowledge(by="Dana Fox", what="call her", due=room.now + HOUR))
    before = room.pings()
    await room.wait(50 * MINUTE)
    assert room.told(DANA)[-1] == 'Your promise "call her" is due by Mon 10:00 EDT.'
    assert room.pings() == before + 1, "five minutes to acknowledge had no word of their own, an hour has one"


async def test_who_acknowledged_and_says_nothing_is_asked_how_it_goes() -> None:
    room = Room()
    await room.opens(policy(ask=DAY))
    await room.ask(Acknowledge(by="Dana Fox", what="find the bag", due=room.now + 3 * DAY))
    await room.wait(DAY)
    assert room.told(DANA)[-1].startswith("No news of this for a while. How does it go?")
    await room.ask(MakePromise(by="Dana Fox", what="find the bag", due=room.now + DAY, reason="it is in Porto"))
    before = len(room.told(DANA))
    await room.wait(DAY - MINUTE)
    assert len(room.told(DANA)) == before, "news was heard, and the promise is near"
    assert (await room.kinds()).count("ProgressAsked") == 1


async def test_a_promise_that_is_missed_in_silence_is_taken_back_and_the_ladder_starts_anew() -> None:
    room = Room()
    await room.opens(policy(take_back=4 * HOUR))
    await room.ask(Acknowledge(by="Dana Fox", what="call her", due=room.now + HOUR))
    await room.wait(HOUR)
    case = await room.wait(4 * HOUR)
    assert (case.owner, case.status, case.promise) == ("Lee Park", Status.OPEN, None)
    assert room.told(DANA)[-1] == "Taken back from you: the promise was missed, and no news. Lee Park has it now."
    with pytest.raises(Refused, match="Lee Park has case 1"):
        await room.ask(report())


async def test_news_after_a_missed_promise_keeps_the_case_where_it_is() -> None:
    room = Room()
    await room.opens(policy(take_back=4 * HOUR))
    await room.ask(Acknowledge(by="Dana Fox", what="call her", due=room.now + HOUR))
    await room.wait(2 * HOUR)
    await room.ask(MakePromise(by="Dana Fox", what="call her", due=room.now + 6 * HOUR, reason="her line is busy"))
    case = await room.wait(5 * HOUR)
    assert case.owner == "Dana Fox"


async def test_when_nobody_at_all_is_on_duty_the_house_says_so() -> None:
    room = Room()
    room.now += 12 * HOUR
    await room.opens(policy(people=(replace(DANA, hours=OFFICE), replace(LEE, hours=OFFICE))))
    [said] = [notice.text for _, notice in room.messenger.said if notice.kind is Kind.HOUSE]
    assert said == "Nobody on the ladder of Acme Air, P1, is on duty: case 1 waits with Dana Fox."


async def test_clocks_of_working_hours_stand_still_over_the_weekend() -> None:
    office = replace(DANA, hours=OFFICE)
    room = Room()
    room.now += 4 * DAY + 7 * HOUR  # Friday, 16:00 in Toronto
    case = await room.opens(policy(people=(office, SAM), working=True, report=8 * HOUR))
    await room.ask(Acknowledge(by="Dana Fox"))
    case = await room.wait(MINUTE)
    assert case.due == room.now - MINUTE + 3 * DAY, "one hour on Friday, seven on Monday"


async def test_a_dismissal_taken_back_leaves_every_deadline_where_it_was() -> None:
    room = Room()
    await room.opens()
    before = await room.ask(Acknowledge(by="Dana Fox", what="call her", due=room.now + 3 * HOUR))
    await room.ask(Dismiss(by="Dana Fox", reason="a joke"))
    await room.wait(HOUR)
    after = await room.ask(UndoDismiss(by="Lee Park"))
    assert (after.status, after.owner, after.promise) == (Status.ACKNOWLEDGED, "Dana Fox", before.promise)
    assert after.due == before.due
    assert room.told(DANA)[-1] == "Lee Park takes the dismissal back. It is yours as before."


async def test_a_dismissal_of_the_day_before_is_reopened_and_not_undone() -> None:
    room = Room()
    await room.opens()
    await room.ask(Dismiss(by="Dana Fox", reason="a joke"))
    await room.wait(DAY + MINUTE, look_every=HOUR)
    with pytest.raises(Refused, match="more than a day ago; reopen it"):
        await room.ask(UndoDismiss(by="Dana Fox"))


async def test_a_snooze_moves_no_promise() -> None:
    room = Room()
    await room.opens(policy(warn=10 * MINUTE))
    await room.ask(Acknowledge(by="Dana Fox", what="call her", due=room.now + HOUR))
    with pytest.raises(Refused, match="move the promise instead"):
        await room.ask(Snooze(by="Dana Fox", until=room.now + 2 * HOUR))
    case = await room.ask(Snooze(by="Dana Fox", until=room.now + 55 * MINUTE))
    assert case.clock == room.now + HOUR
    before = room.pings()
    await room.wait(54 * MINUTE)
    assert room.pings() == before, "not even the warning"
    case = await room.wait(6 * MINUTE)
    assert case.promise and case.promise.missed


async def test_who_asks_for_help_keeps_the_case_and_the_next_one_up_hears_of_it() -> None:
    room = Room()
    await room.opens()
    await room.ask(Acknowledge(by="Dana Fox"))
    case = await room.ask(AskForHelp(by="Dana Fox", text="may I offer a hotel?"))
    assert (case.owner, room.told(LEE)) == ("Dana Fox", ["Dana Fox asks you for help: may I offer a hotel?"])


async def test_a_note_is_news_and_stands_under_the_card() -> None:
    room = Room()
    await room.opens(policy(ask=HOUR))
    await room.ask(Acknowledge(by="Dana Fox", what="call her", due=room.now + 3 * HOUR))
    await room.wait(50 * MINUTE)
    await room.ask(Note(by="Dana Fox", text="rang twice, no answer"))
    before = room.pings()
    await room.wait(50 * MINUTE)
    assert room.pings() == before
    assert "Dana Fox notes: rang twice, no answer" in room.lines()


async def test_the_outcome_goes_back_to_who_raised_it_with_a_cause_of_the_teams_list() -> None:
    room = Room()
    room.ledger.open(subject(raised_by="Sam Ortiz"), policy(root_causes=("staffing", "weather")), room.now)
    with pytest.raises(Refused, match="choose the root cause: staffing, weather"):
        await room.ask(report())
    case = await room.ask(replace(report(), root_cause="Weather"))
    assert case.report and case.report.root_cause == "weather"
    assert room.told(SAM) == ["You raised this. Dana Fox reports back, solved: called her and rebooked"]


async def test_a_case_offered_to_a_team_is_theirs_who_accepts_first() -> None:
    room = Room()
    await room.opens()
    await room.ask(Acknowledge(by="Dana Fox"))
    among = ("Dana Fox", "Lee Park", "Sam Ortiz")
    case = await room.ask(Handover(by="Dana Fox", to="Weekend desk", note="speaks German", among=among))
    assert case.owner == "Dana Fox"
    asks = "Dana Fox asks you of Weekend desk to take this one over. speaks German"
    assert (room.told(LEE), room.told(SAM)) == ([asks], [asks])
    assert (await room.ask(Accept(by="Sam Ortiz"))).owner == "Sam Ortiz"
    with pytest.raises(Refused, match="not offered to Lee Park"):
        await room.ask(Accept(by="Lee Park"))


async def test_at_the_follow_up_its_owner_is_told_what_was_seen_and_nothing_is_assumed() -> None:
    room = Room()
    await room.opens()
    await room.ask(report())
    case = await room.desk.case(1)
    again = Joined(at=room.now, post="blog:p2", url="", how=How.AUTHOR)
    answer = Answered(at=room.now, by="acmeair", post="blog:p3", url="")
    await room.ledger.append(case, (answer, again))
    case = await room.wait(DAY)
    assert room.told(DANA)[-1] == (
        "Time to check that it really helped. Our answer of 04 May stands there. The author has written once since, and the last of it reads no better."
        " Read it again and say what you found."
    )
    assert case.status is Status.REPORTED


async def test_a_first_reply_is_owed_from_the_post_on_the_owner_is_told_once_then_it_climbs() -> None:
    room = Room()
    opened = await room.opens(policy(first_reply=HOUR))
    assert opened.reply and opened.reply.due == opened.subject.since + HOUR
    await room.ask(Acknowledge(by="Dana Fox", due=room.now + DAY))
    told = len(room.told(DANA))
    await room.wait(41 * MINUTE)
    late = room.told(DANA)[told:]
    assert late == [
        "Nobody has answered in public yet; it was due by Mon 09:40 EDT. Answer there, or say where you did."
    ]
    assert not room.told(LEE)
    case = await room.wait(6 * MINUTE)
    assert room.told(LEE) == ["Dana Fox missed the first reply in public. Make sure the customer hears."]
    assert (case.owner, case.clock) == ("Dana Fox", opened.opened + DAY), "the promise itself has its own clock"
    await room.ask(Answer(by="Dana Fox", url="https://blog.example/p1#answer"))
    said = room.pings()
    await room.wait(3 * HOUR, look_every=10 * MINUTE)
    assert room.pings() == said, "once it is answered nobody is told any more"


async def test_who_hears_of_an_old_post_has_the_time_to_take_it_before_the_first_reply_is_asked_for() -> None:
    room = Room()
    room.ledger.open(subject(created=NOW - DAY), policy(first_reply=HOUR), NOW)
    await room.wait(4 * MINUTE)
    assert len(room.told(DANA)) == 1
    await room.ask(Acknowledge(by="Dana Fox"))
    await room.wait(2 * MINUTE)
    assert "it was due by Sun" in room.told(DANA)[-1], "and the time said is the honest one"


async def test_our_answer_in_time_and_no_first_reply_in_the_policy_are_both_silent() -> None:
    for rules, answers in ((policy(first_reply=HOUR), True), (policy(), False)):
        room = Room()
        await room.opens(rules)
        await room.ask(Acknowledge(by="Dana Fox", due=room.now + DAY))
        if answers:
            case = await room.desk.case(1)
            await room.ledger.append(case, (Answered(at=room.now, by="@acmeair", post="blog:a", url=""),))
        await room.wait(5 * HOUR, look_every=10 * MINUTE)
        assert len(room.told(DANA)) == 1 and not room.told(LEE)
