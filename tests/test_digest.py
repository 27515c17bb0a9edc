"""The digest counts what happened, from the timelines, and never confuses silence with deafness."""

from dataclasses import replace
from datetime import timedelta

from builders import NOW, batch, complaint, mention, post, quiet

from connectors.contract import Hearing
from connectors.post import Author
from escalation.case import replay
from escalation.clock import overdue
from escalation.commands import Acknowledge, Command, Dismiss, MakePromise, ReportBack
from escalation.decide import decide
from escalation.desk import Desk
from escalation.events import Answered, Outcome
from listener.digest import InTime, Scope, as_text, compared, compose
from listener.storage.contract import Failure, Heard, Store

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def act(store: Store, command: Command | None, at: object) -> None:
    case = replay(await store.timeline(1))
    new = decide(case, command, at) if command else overdue(case, at)  # type: ignore[arg-type]
    await store.append(case, new)


def report() -> ReportBack:
    return ReportBack(by="Dana Fox", outcome=Outcome.SOLVED, done="called", remedy="80 EUR", evidence="t")


async def test_promises_are_counted_kept_moved_and_missed(store: Store) -> None:
    await store.keep(batch(complaint()))
    await act(store, Acknowledge(by="Dana Fox", due=NOW + HOUR), NOW)
    await act(store, MakePromise(by="Dana Fox", what="x", due=NOW + 2 * HOUR, reason="y"), NOW)
    await act(store, None, NOW + 2 * HOUR)
    await act(store, MakePromise(by="Dana Fox", what="z", due=NOW + 4 * HOUR, reason="y"), NOW + 2 * HOUR)
    await act(store, report(), NOW + 3 * HOUR)
    digest = await compose(store, NOW - HOUR, NOW + 9 * HOUR)
    told = digest.promises["Dana Fox"]
    assert (told.kept, told.moved, told.missed) == (1, 1, 1)
    assert digest.to_report == timedelta(hours=3, minutes=20), "measured from the moment of the post"
    assert digest.outcomes == {"solved": 1}


async def test_our_first_answer_is_measured_from_post_to_post(store: Store) -> None:
    await store.keep(batch(complaint()))
    answer = Answered(at=NOW + HOUR, by="acmeair", post="blog:2", url="", posted=NOW + timedelta(minutes=10))
    await store.append(replay(await store.timeline(1)), (answer,))
    digest = await compose(store, NOW - HOUR, NOW + 9 * HOUR)
    assert digest.to_answer == timedelta(minutes=30), "posted twenty minutes before it was heard"
    assert "first public answer: 30 min" in as_text(digest)


async def test_a_digest_as_of_then_does_not_know_the_future(store: Store) -> None:
    await store.keep(batch(complaint()))
    await act(store, Acknowledge(by="Dana Fox"), NOW + HOUR)
    then = await compose(store, NOW - HOUR, NOW)
    assert then.open[0].status == "open" and then.to_acknowledge is None


async def test_a_strangers_title_is_one_plain_line(store: Store) -> None:
    await store.keep(batch(complaint(title="Lost\n\u202e bag\x1b[31m")))
    text = as_text(await compose(store, NOW - HOUR, NOW))
    assert "Acme Air: Lost bag[31m (Dana Fox" in text and "Acme Air: 1 complaint\n" in text


async def test_nothing_heard_and_nothing_to_hear_read_differently(store: Store) -> None:
    await store.keep(batch())
    assert "nothing to report, and everything was heard.\n" in as_text(await compose(store, NOW, NOW))
    await store.keep_failure(
        Failure(source="blog", at=NOW, error="503", hearing=Hearing.NOT_REACHABLE, next_poll=NOW, told_silent=False)
    )
    text = as_text(await compose(store, NOW, NOW))
    assert "not everything could be heard" in text and "blog: not reachable" in text


async def test_a_digest_of_some_brands_tells_of_no_other(store: Store) -> None:
    other = post("b1", "Bolt Rail was late")
    await store.keep(batch(complaint("p1"), Heard(post=other, mentions=(mention(other, "Bolt Rail"),))))
    told = await compose(store, NOW - DAY, NOW, Scope(brands=("Bolt Rail",)))
    assert (told.verdicts, told.opened, told.open_total) == ({"Bolt Rail": {"complaint": 1}}, 1, 1)
    assert [owed.brand for owed in told.open] == ["Bolt Rail"]


async def test_causes_praise_and_what_is_late_are_told(store: Store) -> None:
    thanks = post("t1", "Juno at the gate stayed with me, thank you Acme Air")
    await store.keep(batch(complaint("p1"), Heard(post=thanks, mentions=(quiet(),))))
    told = await compose(store, NOW - DAY, NOW + DAY)
    assert (told.causes, told.late) == ({"safety": 1}, 1)
    assert "Juno at the gate" in as_text(told) and "Causes: safety 1" in as_text(told)


async def test_a_digest_stands_beside_the_time_before_and_says_what_was_in_time(store: Store) -> None:
    await store.keep(batch(complaint("p1"), at=NOW - 20 * HOUR))
    await act(store, Acknowledge(by="Dana Fox"), NOW - 20 * HOUR)
    await store.keep(batch(complaint("p2", text="Acme Air charged me twice.", author=Author(handle="jo")), at=NOW))
    desk = Desk(store)
    await desk.look(NOW + HOUR)  # nobody had acknowledged
    await desk.handle(2, Acknowledge(by="Lee Park"), NOW + HOUR)
    told = await compared(store, NOW - HOUR, NOW + 23 * HOUR)
    assert told.before and (told.opened, told.before.opened) == (1, 1)
    assert told.in_time["acknowledged"] == InTime(kept=0, of=1)
    assert told.before.in_time["acknowledged"] == InTime(kept=1, of=1)
    assert "0 % in time, before: " in as_text(told) and "Causes: safety 1 (was 1)" in as_text(told)


async def test_every_number_of_cases_names_them(store: Store) -> None:
    await store.keep(batch(complaint("p1"), complaint("p2", text="Acme Air lost it.", author=Author(handle="jo"))))
    await act(store, Acknowledge(by="Dana Fox", due=NOW + HOUR), NOW)
    await act(store, report(), NOW + timedelta(minutes=30))
    told = await compose(store, NOW - DAY, NOW + 2 * HOUR)
    assert told.cases["opened"] == (1, 2) and len(told.cases["open"]) == told.open_total
    assert told.cases["reported"] == told.cases["kept Dana Fox"] == (1,)
    assert len(told.cases["late"]) == told.late
    assert [owed.id for owed in told.read][:1] == [2]  # late comes before severe


async def test_an_open_case_reads_the_same_from_its_row_as_from_its_timeline(store: Store) -> None:
    """One waits, one is promised, one's promise is broken, one was called again; nothing moves in the last hour."""
    for number in range(1, 5):
        said = complaint(f"p{number}", text=f"It broke,  no. {number}", title="", author=Author(handle=f"h{number}"))
        await store.keep(batch(said))
    desk = Desk(store)
    await desk.handle(2, Acknowledge(by="Dana Fox", due=NOW + 2 * DAY), NOW)
    await desk.handle(3, Acknowledge(by="Dana Fox", what="call", due=NOW + HOUR), NOW)
    for hours in range(1, 30):
        await desk.look(NOW + hours * HOUR)
    until = NOW + 40 * HOUR
    from_timelines, from_rows = await compose(store, NOW - DAY, until), await compose(store, until - HOUR, until)
    assert [one async for one in store.histories(until - HOUR)] == [] and from_rows.open_total == 4
    for name in ("open", "read", "late", "open_total"):
        assert getattr(from_rows, name) == getattr(from_timelines, name)
    assert {what: from_timelines.cases[what] for what in from_rows.cases} == from_rows.cases


async def test_that_judging_drifts_is_said_and_not_before_it_is_sure(store: Store) -> None:
    """Twelve cases were all real; of the next twelve the team dismisses nine."""

    async def decided(number: int, command: Command) -> None:
        await store.keep(
            batch(complaint(f"p{number}", author=Author(handle=f"h{number}"), text=f"It broke, no. {number}"))
        )
        *_, last = [whole async for whole in store.histories(NOW - 99 * DAY)]
        case = replay(last)
        await store.append(case, decide(case, command, NOW + (DAY if number > 12 else -DAY + HOUR)))

    for number in range(1, 25):
        await decided(number, Dismiss(by="Dana Fox", reason="a joke") if number > 15 else report())
    week = await compared(store, NOW, NOW + 2 * DAY)
    assert (week.dismissed, len(week.cases["dismissed"])) == (9, 9)
    assert "75% of what was decided was dismissed as no complaint (9 of 12), 0% before" in as_text(week)
    assert not (await compose(store, NOW, NOW + 2 * DAY)).drift, "without the time before nothing is known of drift"
    assert not replace(week, dismissed=4).drift and not replace(week, before=replace(week, before=None)).drift
