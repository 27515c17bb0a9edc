"""Whatever people press, whenever they press it, and however late we look: the promises of a case hold."""

from dataclasses import replace
from datetime import timedelta

from builders import DANA, LEE, NOW, SAM, policy, subject
from hypothesis import given, settings
from hypothesis import strategies as st

from escalation import codec
from escalation.case import Case, Status, begin, evolve, replay
from escalation.clock import open_case, overdue, raised
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
    Rate,
    Refused,
    Reopen,
    ReportBack,
    Snooze,
    UndoDismiss,
)
from escalation.decide import decide
from escalation.events import (
    Acknowledged,
    Answered,
    Erased,
    Escalated,
    Event,
    Grouped,
    HandoverAccepted,
    Joined,
    Missed,
    Opened,
    Outcome,
    Raised,
    Rated,
    Rating,
    Result,
    Revised,
    TakenBack,
)
from escalation.ledger import written
from escalation.notices import Kind, notices
from escalation.policy import Policy

NAMES = st.sampled_from(["Dana Fox", "Lee Park", "Sam Ortiz"])
WORDS = st.sampled_from(["", "call back", "moved, bank holiday"])
LATER = st.integers(1, 5_000).map(lambda minutes: NOW + timedelta(minutes=minutes))

COMMANDS: st.SearchStrategy[Command] = st.one_of(
    st.builds(Acknowledge, by=NAMES, what=WORDS, due=st.none() | LATER),
    st.builds(MakePromise, by=NAMES, what=WORDS, due=LATER, reason=WORDS),
    st.builds(Handover, by=NAMES, to=NAMES, note=WORDS),
    st.builds(Accept, by=NAMES),
    st.builds(Answer, by=NAMES),
    st.builds(Decline, by=NAMES, reason=WORDS),
    st.builds(
        ReportBack,
        by=NAMES,
        outcome=st.sampled_from(Outcome),
        done=WORDS,
        remedy=WORDS,
        evidence=WORDS,
        follow_up=st.none() | LATER,
    ),
    st.builds(FollowUp, by=NAMES, result=st.sampled_from(Result), note=WORDS),
    st.builds(Dismiss, by=NAMES, reason=WORDS),
    st.builds(UndoDismiss, by=NAMES),
    st.builds(Note, by=NAMES, text=WORDS),
    st.builds(
        Rate,
        by=NAMES,
        rating=st.sampled_from(Rating),
        policy=st.sampled_from([None, policy(acknowledge=timedelta(minutes=2))]),
    ),
    st.builds(Snooze, by=NAMES, until=LATER),
    st.builds(AskForHelp, by=NAMES, text=WORDS),
    st.builds(Reopen, by=NAMES, reason=WORDS),
)
HEARD = st.sampled_from(["joined", "worse", "answered", "grouped", "revised", "erased"])
WAITS = st.sampled_from([timedelta(), timedelta(minutes=20), timedelta(days=1)])
OFFICE = replace(DANA, hours="Mon-Fri 09:00-17:00")
POLICIES = st.builds(
    policy,
    priority=st.just("P2"),
    people=st.sampled_from([(DANA, LEE, SAM), (OFFICE, LEE, SAM)]),
    warn=WAITS,
    ask=WAITS,
    take_back=WAITS,
    first_reply=WAITS,
    working=st.booleans(),
)
Steps = tuple[Policy, list[tuple[int, object]]]
STEPS: st.SearchStrategy[Steps] = st.tuples(
    POLICIES, st.lists(st.tuples(st.integers(0, 400), COMMANDS | st.just("look") | HEARD), max_size=40)
)


def happened(step: object, case: Case, at: object) -> tuple[Event, ...]:
    match step:
        case "look":
            return overdue(case, at)  # type: ignore[arg-type]
        case "joined":
            return (Joined(at=at, post="mirror:1", url=""),)  # type: ignore[arg-type]
        case "worse":
            graver = subject(severity=case.subject.severity + 5, priority="P1")
            return raised(case, graver, policy(acknowledge=timedelta(minutes=2)), at)  # type: ignore[arg-type]
        case "grouped" if not (case.within or case.taken or case.status is not Status.OPEN):
            return (Grouped(at=at, within=9),)  # type: ignore[arg-type]
        case "grouped":
            return ()
        case "answered":
            return (Answered(at=at, by="acmeair", post="blog:p9", url=""),)  # type: ignore[arg-type]
        case "revised":
            return (Revised(at=at, post="blog:p1", text="changed", severity=50),)  # type: ignore[arg-type]
        case "erased":
            return (Erased(at=at, post="blog:p1"),)  # type: ignore[arg-type]
        case _:
            try:
                return decide(case, step, at)  # type: ignore[arg-type]
            except Refused as why:
                assert str(why).strip()
                return ()


def lived(steps: Steps) -> list[Event]:
    """A timeline as it comes about."""
    at, (rules, taken) = NOW, steps
    timeline: list[Event] = [open_case(1, subject(priority="P2"), rules, at)]
    for minutes, step in taken:
        at += timedelta(minutes=minutes)
        timeline += happened(step, replay(timeline), at)
    return timeline


def stages(timeline: list[Event]) -> list[Case]:
    case = begin(timeline[0])  # type: ignore[arg-type]
    cases = [case]
    for event in timeline[1:]:
        case = evolve(case, event)
        cases.append(case)
    return cases


@given(STEPS)
def test_an_open_case_always_has_one_known_owner_and_a_deadline(steps: Steps) -> None:
    for case in stages(lived(steps)):
        assert case.owner in {person.name for person in (DANA, LEE, SAM)}
        assert (case.due is None) == case.status.ended


def named(event: Escalated | TakenBack | Acknowledged | HandoverAccepted | Raised) -> str:
    match event:
        case Escalated(to=to) | TakenBack(to=to):
            return to
        case Raised(owner=owner):
            return owner
        case _:
            return event.by


@given(STEPS)
def test_the_owner_changes_only_by_an_event_that_names_the_new_one(steps: Steps) -> None:
    timeline = lived(steps)
    cases = stages(timeline)
    for before, event, after in zip(cases, timeline[1:], cases[1:], strict=False):
        if before.owner != after.owner:
            assert isinstance(event, Escalated | TakenBack | Acknowledged | HandoverAccepted | Raised)
            assert after.owner == named(event)


@given(STEPS)
def test_a_word_on_severity_takes_nothing_from_anybody_and_puts_nothing_off(steps: Steps) -> None:
    timeline = lived(steps)
    cases = stages(timeline)
    for before, event, after in zip(cases, timeline[1:], cases[1:], strict=False):
        if isinstance(event, Rated) or (isinstance(event, Raised) and event.by):
            assert (after.owner, after.status, after.promise) == (before.owner, before.status, before.promise)
            assert before.clock == after.clock or (before.clock and after.clock and after.clock <= before.clock)


@given(STEPS, st.integers(0, 100_000))
def test_a_look_takes_one_step_and_then_waits(steps: Steps, minutes: int) -> None:
    timeline = lived(steps)
    case, now = replay(timeline), timeline[-1].at + timedelta(minutes=minutes)
    taken = 0
    while events := overdue(case, now):
        assert len(events) == 1
        case = evolve(case, events[0])
        taken += 1
        assert taken <= 3, "a lapsed offer, one deadline, or what comes before it; never more at one instant"
    assert case.due is None or case.due > now


@given(STEPS)
def test_time_never_runs_backwards_and_every_cut_replays(steps: Steps) -> None:
    timeline = lived(steps)
    assert [event.at for event in timeline] == sorted(event.at for event in timeline)
    for number, case in enumerate(stages(timeline), 1):
        assert replay(timeline[:number]) == case
        assert case.seq == number


@given(STEPS)
def test_every_timeline_survives_being_written_down(steps: Steps) -> None:
    timeline = lived(steps)
    assert [codec.decode(codec.encode(event)) for event in timeline] == timeline


@given(STEPS)
def test_a_missed_deadline_always_tells_somebody_and_nobody_hears_of_their_own_act(
    steps: Steps,
) -> None:
    timeline = lived(steps)
    keys: list[str] = []
    for case, event in zip(stages(timeline), timeline, strict=True):
        owed = notices(case, event)
        keys += [notice.key for notice in owed]
        told = {notice.to for notice in owed if notice.kind is Kind.DIRECT}
        if isinstance(event, Opened | Escalated | Missed | TakenBack):
            assert told
        if actor := getattr(event, "by", ""):
            assert actor not in told
    assert len(keys) == len(set(keys))


@given(STEPS)
@settings(max_examples=50)
def test_appending_all_at_once_or_one_by_one_is_the_same(steps: Steps) -> None:
    timeline = lived(steps)
    whole, owed = written(None, tuple(timeline))
    case, piecemeal = written(None, (timeline[0],))
    for event in timeline[1:]:
        case, more = written(case, (event,))
        piecemeal += more
    assert (case, piecemeal) == (whole, owed)


@given(st.integers(0, 60))
def test_an_unanswered_case_is_called_out_at_growing_distances(days: int) -> None:
    """Nobody is called a hundred times in one night, and nobody is ever forgotten."""
    case, calls, end = begin(open_case(1, subject(), policy(), NOW)), 0, NOW + timedelta(days=days)
    while case.due and case.due <= end:
        case = evolve(case, overdue(case, case.due)[0])
        calls += 1
    assert calls <= 12 + days
    assert calls >= min(days, 3)
