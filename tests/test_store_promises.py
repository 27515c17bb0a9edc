"""What every store promises when things go wrong, come twice or come all at once; runs on each store of conftest.py."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from conftest import STORES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.contract import Hearing
from connectors.post import Author, Post
from escalation.case import Case, Status, replay
from escalation.commands import Acknowledge, Dismiss, Note, Refused, Reopen
from escalation.decide import decide
from escalation.desk import Desk
from escalation.events import Erased, Event, Joined, Opened, Revised, Subject, Why
from escalation.ledger import Conflict, UnknownCase
from escalation.manners import Ping
from escalation.notices import HOUSE, Kind, Notice, notices
from escalation.policy import Person, Policy
from listener.query import document
from listener.search import holds, question
from listener.storage.contract import (
    Batch,
    Failure,
    Heard,
    Kept,
    Mention,
    MentionRow,
    Opening,
    Question,
    Sort,
    State,
    Store,
)
from listener.triage import Assessment, Priority, Reason, Verdict

T0 = datetime(2026, 5, 1, 9, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LEASE = timedelta(seconds=60)

POLICY = Policy(
    name="care",
    priority="P1",
    acknowledge=5 * MINUTE,
    report=2 * HOUR,
    ladder=("Dana Fox", "Lee Park"),
    people=(Person(name="Dana Fox"), Person(name="Lee Park")),
)


def post(id_: str = "1", text: str = "Acme Air lost my bag", **given: object) -> Post:
    base = Post(
        source="blogs",
        id=id_,
        url=f"https://blog.example/{id_}",
        text=text,
        title=f"Title {id_}",
        author=Author(handle=f"user{id_}", name=f"User {id_}"),
        created=T0 - HOUR,
        site="blog.example",
    )
    return replace(base, **given)  # type: ignore[arg-type]


def judged(severity: int = 70, verdict: Verdict = Verdict.COMPLAINT, words: str = "lost my bag") -> Assessment:
    return Assessment(
        verdict=verdict,
        complaint=0.9 if verdict is Verdict.COMPLAINT else 0.1,
        severity=severity,
        priority=Priority.P1 if verdict is Verdict.COMPLAINT else None,
        cause="baggage",
        reasons=(Reason(factor="loss", points=30.0, words=words, start=9, end=20),),
    )


def subject(told: Post, brand: str, severity: int, thread: str = "") -> Subject:
    return Subject(
        brand=brand,
        post=f"{told.source}:{told.id}",
        thread=thread,
        url=told.url,
        site=told.site,
        author=told.author.name,
        title=told.title,
        text=told.text,
        created=told.created,
        heard=T0,
        severity=severity,
        priority="P1",
        reasons=(Why(factor="loss", points=30.0, words="lost my bag"),),
    )


def kept_only(told: Post, brand: str = "Acme Air", severity: int = 20, verdict: Verdict = Verdict.PRAISE) -> Heard:
    mention = Mention(brand=brand, assessment=judged(severity, verdict), reason=f"not a complaint: {verdict}")
    return Heard(post=told, mentions=(mention,))


def escalated(told: Post, brand: str = "Acme Air", severity: int = 70, thread: str = "") -> Heard:
    opening = Opening(subject=subject(told, brand, severity, thread), policy=POLICY)
    return Heard(post=told, mentions=(Mention(brand=brand, assessment=judged(severity), opening=opening),))


def page(*heard: Heard, at: datetime = T0, source: str = "blogs", cursor: int = 1, **given: object) -> Batch:
    base = Batch(
        source=source, at=at, cursor={"n": cursor}, fetched=len(heard), heard=heard, next_poll=at + 10 * MINUTE
    )
    return replace(base, **given)  # type: ignore[arg-type]


async def found(store: Store, text: str = "", **flags: object) -> list[MentionRow]:
    return [row async for row in store.search(question(text, **flags))]  # type: ignore[arg-type]


async def case_of(store: Store, case_id: int) -> Case:
    return replay(await store.timeline(case_id))


async def told(store: Store, case_id: int, command: object, at: datetime) -> Case:
    case = await case_of(store, case_id)
    return await store.append(case, decide(case, command, at))  # type: ignore[arg-type]


async def in_balance(store: Store) -> None:
    balance = await store.balance()
    assert balance.findings == ()
    assert {source: sum(states.values()) for source, states in balance.posts.items()} == {
        source: count for source, count in balance.fetched.items() if count
    }


# hearing


async def test_what_is_kept_is_there_and_the_page_read_again_changes_nothing(store: Store) -> None:
    batch = page(escalated(post("1")), kept_only(post("2")), Heard(post=post("3")))
    assert await store.keep(batch) == Kept(new=3, mentions=2, complaints=1, opened=(1,))
    assert await store.keep(batch) == Kept()
    assert await store.known("blogs", ("1", "2", "3", "4")) == {id_: post(id_).fingerprint for id_ in "123"}
    assert (await store.balance()).posts == {"blogs": {"escalated": 1, "kept": 1, "not matched": 1}}
    await in_balance(store)


async def test_an_item_that_stands_twice_on_a_page_is_heard_once_with_its_last_wording(store: Store) -> None:
    kept = await store.keep(page(kept_only(post("1", "first")), kept_only(post("1", "second"))))
    assert kept.new == 1
    assert [row.text for row in await found(store)] == ["second"]
    await in_balance(store)


async def test_the_same_id_in_two_sources_is_two_posts(store: Store) -> None:
    await store.keep(page(kept_only(post("1"))))
    await store.keep(page(kept_only(post("1", source="other")), source="other"))
    assert [row.source for row in await found(store)] == ["other", "blogs"]


async def test_what_no_query_matched_leaves_no_words_behind(store: Store) -> None:
    await store.keep(page(Heard(post=post("1", "a private matter"))))
    assert await found(store) == []
    assert await found(store, "private") == []
    assert await store.known("blogs", ("1",)) == {"1": post("1", "a private matter").fingerprint}


async def test_the_cursor_is_kept_with_the_posts(store: Store) -> None:
    assert (await store.source("blogs")).cursor == {}
    await store.keep(page(kept_only(post("1")), cursor=7))
    state = await store.source("blogs")
    assert (state.cursor, state.next_poll, state.last_heard, state.fetched) == ({"n": 7}, T0 + 10 * MINUTE, T0, 1)
    assert await store.sources() == (state,)


async def test_a_batch_that_cannot_be_kept_leaves_nothing(store: Store) -> None:
    class Torn(Exception): ...

    class Trap(tuple[str, ...]):
        def __iter__(self):  # type: ignore[no-untyped-def]
            raise Torn

    await store.keep(page(kept_only(post("1")), cursor=1))
    with pytest.raises(Torn):
        await store.keep(page(escalated(post("2")), cursor=2, gone=Trap(("x",))))
    assert (await store.source("blogs")).cursor == {"n": 1}
    assert [row.source async for row in store.search(question(""))] == ["blogs"]
    assert [row async for row in store.cases(ended=True)] == []
    await in_balance(store)


async def test_failures_count_up_and_a_hearing_ends_them(store: Store) -> None:
    for minute in (1, 2):
        failure = Failure(
            source="blogs",
            at=T0 + minute * MINUTE,
            error="no answer",
            hearing=Hearing.NOT_REACHABLE,
            next_poll=T0 + HOUR,
            told_silent=minute == 2,
        )
        await store.keep_failure(failure)
    state = await store.source("blogs")
    assert (state.failures, state.failing_since, state.error) == (2, T0 + MINUTE, "no answer")
    assert (state.told_silent, state.hearing, state.last_heard) == (True, Hearing.NOT_REACHABLE, None)
    await store.keep(page(at=T0 + HOUR))
    back = await store.source("blogs")
    assert (back.failures, back.failing_since, back.error, back.told_silent) == (0, None, "", False)


async def test_coverage_says_how_each_stretch_of_time_was_heard_and_leaves_a_gap_where_nobody_listened(
    store: Store,
) -> None:
    for minute in (0, 10):
        await store.keep(page(at=T0 + minute * MINUTE))
    broken = Failure(
        source="blogs",
        at=T0 + 20 * MINUTE,
        error="refused",
        hearing=Hearing.BLOCKED,
        next_poll=T0 + 30 * MINUTE,
        told_silent=True,
    )
    await store.keep_failure(broken)
    await store.keep(page(at=T0 + 3 * HOUR))
    spans = await store.coverage(T0 - DAY, T0 + DAY)
    assert [(s.hearing, s.since - T0, s.until - T0, s.polls, s.note) for s in spans] == [
        (Hearing.HEARD, 0 * MINUTE, 10 * MINUTE, 2, ""),
        (Hearing.BLOCKED, 10 * MINUTE, 20 * MINUTE, 1, "refused"),
        (Hearing.HEARD, 3 * HOUR, 3 * HOUR, 1, ""),
    ]
    assert [s.hearing for s in await store.coverage(T0 + HOUR, T0 + DAY)] == [Hearing.HEARD]


HOSTILE = [
    "nul \0 inside and after",
    "turned \u202eright to left\u202c",
    "<!channel> <@U123> <script>alert(1)</script>",
    "=cmd|'/c calc'!A1",
    "'; DROP TABLE posts; --",
    "emoji 🛄 and 中文 and ไทย",
    "x" * 1_000_000,
    "",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
async def test_text_from_strangers_comes_back_as_it_was(store: Store, text: str) -> None:
    hostile = post("1", text, title=text[:50], author=Author(handle=text[:20]))
    await store.keep(page(escalated(hostile)))
    (row,) = await found(store)
    assert (row.text, row.title, row.author) == (text, text[:50], text[:20])
    (opened,) = await store.timeline(1)
    assert isinstance(opened, Opened) and opened.subject.text == text
    await in_balance(store)


async def test_a_lone_surrogate_becomes_the_replacement_character_and_is_known_again(store: Store) -> None:
    broken = post("id \ud800", "half \ud83d a pair")
    await store.keep(page(escalated(broken)))
    assert [row.text for row in await found(store)] == ["half \ufffd a pair"]
    assert await store.known("blogs", (broken.id,)) == {broken.id: broken.fingerprint}
    assert await store.keep(page(escalated(broken))) == Kept()
    assert await store.erase("blogs", (broken.id,), T0) == 1
    await in_balance(store)


# cases


async def test_a_case_opens_once_and_its_notices_are_owed(store: Store) -> None:
    await store.keep(page(escalated(post("1"))))
    (opened,) = await store.timeline(1)
    assert isinstance(opened, Opened) and opened.owner == "Dana Fox"
    (row,) = [row async for row in store.cases()]
    assert (row.id, row.brand, row.status, row.owner, row.due) == (1, "Acme Air", "open", "Dana Fox", T0 + 5 * MINUTE)
    assert (row.priority, row.severity, row.posts, row.title) == ("P1", 70, 1, "Title 1")
    (mention,) = await store.case_mentions(1)
    assert (mention.case, mention.state) == (1, State.ESCALATED)
    assert await store.notice_keys(1) == {n.key for n in notices(replay([opened]), opened)}


async def test_two_brands_in_one_post_are_two_cases_and_one_post(store: Store) -> None:
    both = Heard(post=post("1"), mentions=escalated(post("1")).mentions + escalated(post("1"), "Bolt Rail").mentions)
    kept = await store.keep(page(both))
    assert kept == Kept(new=1, mentions=2, complaints=2, opened=(1, 2))
    assert {row.brand: row.case for row in await found(store)} == {"Acme Air": 1, "Bolt Rail": 2}
    await in_balance(store)


async def test_a_post_whose_thread_is_an_open_case_from_another_source_joins_it(store: Store) -> None:
    await store.keep(page(escalated(post("1"), thread="shared")))
    again = post("9", source="comments", url="https://blog.example/1#c9")
    kept = await store.keep(page(escalated(again, thread="shared"), source="comments"))
    assert (kept.opened, kept.joined) == ((), 1)
    assert (await store.timeline(1))[-1] == Joined(at=T0, post="comments:9", url=again.url, severity=70)
    assert [row.state for row in await store.case_mentions(1)] == [State.ESCALATED, State.JOINED]
    assert [row.posts async for row in store.cases()] == [2]
    await in_balance(store)


@pytest.mark.parametrize(
    ("source", "brand", "thread"),
    [("blogs", "Acme Air", "shared"), ("comments", "Bolt Rail", "shared"), ("comments", "Acme Air", "other")],
)
async def test_another_post_of_the_same_source_or_another_brand_or_thread_is_a_matter_of_its_own(
    store: Store, source: str, brand: str, thread: str
) -> None:
    await store.keep(page(escalated(post("1"), thread="shared")))
    kept = await store.keep(page(escalated(post("2", source=source), brand, thread=thread), source=source))
    assert (kept.opened, kept.joined) == ((2,), 0)


async def test_nothing_joins_an_ended_case_and_no_thread_is_no_thread(store: Store) -> None:
    await store.keep(page(escalated(post("1"), thread="shared"), escalated(post("2"))))
    await told(store, 1, Dismiss(by="Dana Fox", reason="satire"), T0 + MINUTE)
    kept = await store.keep(
        page(
            escalated(post("8", source="c"), thread="shared"),
            escalated(post("9", source="c")),
            source="c",
        )
    )
    assert (kept.opened, kept.joined) == ((3, 4), 0)


async def test_of_two_who_append_at_once_one_is_refused_and_nothing_of_it_stays(store: Store) -> None:
    await store.keep(page(escalated(post("1"))))
    case = await case_of(store, 1)
    quicker = await store.append(case, decide(case, Acknowledge(by="Dana Fox"), T0 + MINUTE))
    with pytest.raises(Conflict):
        await store.append(case, decide(case, Dismiss(by="Lee Park", reason="satire"), T0 + MINUTE))
    assert await case_of(store, 1) == quicker
    assert [row.status async for row in store.cases()] == [Status.ACKNOWLEDGED]
    assert len(await store.timeline(1)) == quicker.seq
    await in_balance(store)


async def test_an_unknown_case_has_no_timeline(store: Store) -> None:
    with pytest.raises(UnknownCase):
        await store.timeline(404)


async def test_dismissing_a_case_dismisses_its_mentions_and_reopening_brings_them_back(store: Store) -> None:
    await store.keep(page(escalated(post("1"), thread="t")))
    await store.keep(page(escalated(post("2", source="c"), thread="t"), source="c"))
    await told(store, 1, Dismiss(by="Dana Fox", reason="satire"), T0 + MINUTE)
    assert {(m.state, m.reason) for m in await store.case_mentions(1)} == {(State.DISMISSED, "satire")}
    assert (await store.balance()).posts == {"blogs": {"dismissed": 1}, "c": {"dismissed": 1}}
    assert [row async for row in store.cases()] == []
    await told(store, 1, Reopen(by="Lee Park", reason="it was not"), T0 + HOUR)
    assert [m.state for m in await store.case_mentions(1)] == [State.ESCALATED, State.JOINED]
    assert (await store.balance()).posts == {"blogs": {"escalated": 1}, "c": {"joined to case": 1}}
    await in_balance(store)


async def test_a_look_finds_every_case_whose_time_has_come_longest_overdue_first(store: Store) -> None:
    for number in (3, 1, 2):
        await store.keep(page(escalated(post(str(number))), at=T0 + number * MINUTE))
    assert await store.due(T0 + 6 * MINUTE - timedelta(microseconds=1), 10) == ()
    assert await store.due(T0 + 6 * MINUTE, 10) == (2,)
    assert await store.due(T0 + HOUR, 2) == (2, 3)
    await Desk(store).look(T0 + HOUR)
    assert [row.owner async for row in store.cases()] == ["Lee Park"] * 3
    assert await store.due(T0 + HOUR, 10) == ()


def _ranked(id_: str, priority: str) -> Heard:
    heard = escalated(post(id_))
    opening = heard.mentions[0].opening
    assert opening
    about = replace(opening.subject, priority=priority)
    return replace(heard, mentions=(replace(heard.mentions[0], opening=replace(opening, subject=about)),))


async def test_of_much_that_is_overdue_the_worst_comes_first_and_of_these_the_oldest(store: Store) -> None:
    for number, priority in enumerate(("P3", "P1", "P2", "P1"), 1):
        await store.keep(page(_ranked(str(number), priority), at=T0 + number * MINUTE))
    assert await store.due(T0 + HOUR, 3) == (2, 4, 3)
    assert await store.due(T0 + HOUR, 10) == (2, 4, 3, 1)


async def test_open_cases_come_most_urgent_first_all_cases_newest_first_and_every_one_once(store: Store) -> None:
    await store.keep(page(*(escalated(post(str(n))) for n in range(450))))
    await told(store, 7, Dismiss(by="Dana Fox", reason="satire"), T0 + MINUTE)
    await told(store, 9, Acknowledge(by="Dana Fox"), T0 + MINUTE)
    open_ = [row async for row in store.cases()]
    assert len({row.id for row in open_}) == len(open_) == 449
    assert open_ == sorted(open_, key=lambda row: (row.priority, row.due, row.id))
    assert [row.id async for row in store.cases(ended=True)] == list(range(450, 0, -1))
    streamed = [case async for case in store.open_cases()]
    assert [case.id for case in streamed] == [n for n in range(1, 451) if n != 7]
    assert streamed[0] == await case_of(store, 1)


async def test_what_has_changed_since_has_its_history_and_what_is_open_besides_its_row(store: Store) -> None:
    await store.keep(page(*(escalated(post(str(n))) for n in range(4))))
    for case_id, day in ((1, 1), (2, 5)):
        await told(store, case_id, Dismiss(by="Dana Fox", reason="satire"), T0 + day * DAY)
    await told(store, 4, Acknowledge(by="Dana Fox"), T0 + 3 * DAY)
    since = T0 + 3 * DAY
    assert [whole async for whole in store.histories(since)] == [await store.timeline(2), await store.timeline(4)]
    assert [row.id async for row in store.unmoved(since)] == [3]


# notices


async def owed_keys(store: Store, now: datetime, limit: int = 100) -> list[str]:
    return [owed.notice.key for owed in await store.claim(now, limit, LEASE)]


async def test_a_claimed_notice_is_nobody_elses_until_its_lease_is_over(store: Store) -> None:
    await store.keep(page(escalated(post("1"))))
    first = await store.claim(T0, 100, LEASE)
    assert [owed.notice.key for owed in first] == ["1/1/card/Acme Air", "1/1/direct/Dana Fox"]
    assert [owed.attempts for owed in first] == [1, 1]
    assert await store.claim(T0 + LEASE - timedelta(microseconds=1), 100, LEASE) == ()
    assert [owed.attempts for owed in await store.claim(T0 + LEASE, 100, LEASE)] == [2, 2]


async def test_what_was_delivered_is_never_claimed_again_and_its_reference_is_given_to_the_next(store: Store) -> None:
    await store.keep(page(escalated(post("1"))))
    for owed in await store.claim(T0, 100, LEASE):
        await store.delivered(owed.notice.key, f"ref of {owed.notice.kind}", T0)
    assert await store.claim(T0 + DAY, 100, LEASE) == ()
    await told(store, 1, Acknowledge(by="Dana Fox"), T0 + MINUTE)
    refs = {owed.notice.kind: owed.ref for owed in await store.claim(T0 + DAY, 100, LEASE)}
    assert refs == {Kind.CARD: "ref of card", Kind.THREAD: "ref of card"}


async def test_a_card_is_held_back_while_an_older_one_is_in_other_hands_or_waits(store: Store) -> None:
    await store.keep(page(escalated(post("1"))))
    await store.claim(T0, 100, LEASE)  # somebody has the first card now
    await told(store, 1, Acknowledge(by="Dana Fox"), T0 + MINUTE / 2)
    assert not [key for key in await owed_keys(store, T0 + MINUTE / 2) if "card" in key]
    await store.failed("1/1/card/Acme Air", "no answer", T0 + HOUR)  # it waits
    assert not [key for key in await owed_keys(store, T0 + 2 * MINUTE) if "card" in key]
    cards = [key for key in await owed_keys(store, T0 + HOUR) if "card" in key]
    assert cards == [f"1/{seq}/card/Acme Air" for seq in range(1, len(cards) + 1)] and len(cards) > 1


async def test_a_card_given_up_no_longer_holds_back_the_next(store: Store) -> None:
    await store.keep(page(escalated(post("1"))))
    await store.claim(T0, 100, LEASE)
    await store.failed("1/1/card/Acme Air", "no such channel", None)
    await told(store, 1, Acknowledge(by="Dana Fox"), T0 + MINUTE)
    assert "1/2/card/Acme Air" in await owed_keys(store, T0 + HOUR)


async def test_a_failed_notice_waits_for_its_time_and_one_given_up_is_named(store: Store) -> None:
    await store.keep(page(escalated(post("1"))))
    await store.claim(T0, 100, LEASE)
    await store.failed("1/1/card/Acme Air", "slow", T0 + HOUR)
    await store.failed("1/1/direct/Dana Fox", "no such person", None)
    assert await owed_keys(store, T0 + HOUR - MINUTE) == []
    balance = await store.balance()
    assert (balance.owed, balance.undeliverable) == (1, 1)
    assert [finding.where for finding in balance.findings] == ["notice 1/1/direct/Dana Fox"]
    assert await owed_keys(store, T0 + HOUR) == ["1/1/card/Acme Air"]


async def test_a_late_failure_does_not_take_back_a_delivery(store: Store) -> None:
    await store.keep(page(escalated(post("1"))))
    await store.claim(T0, 100, LEASE)
    await store.delivered("1/1/card/Acme Air", "ref", T0)
    await store.failed("1/1/card/Acme Air", "no answer", T0)
    assert await owed_keys(store, T0 + MINUTE / 2) == []


async def test_people_are_told_first_the_oldest_before_the_newer_and_no_more_than_asked_for(store: Store) -> None:
    await store.keep(page(*(escalated(post(str(n))) for n in range(2))))
    assert sorted(await owed_keys(store, T0, 3)) == ["1/1/card/Acme Air", "1/1/direct/Dana Fox", "2/1/direct/Dana Fox"]
    assert await owed_keys(store, T0, 3) == ["2/1/card/Acme Air"]


async def test_with_a_card_come_all_its_older_ones(store: Store) -> None:
    await store.keep(page(escalated(post("1"))))
    desk = Desk(store)
    for number in range(30):
        await desk.handle(1, Note(by="Dana Fox", text=f"note {number}"), T0)
    assert len(await owed_keys(store, T0, 2)) == 1 + 31, "the direct message, and every card of the case"


async def test_what_waits_was_not_tried_and_comes_at_its_time(store: Store) -> None:
    await store.keep(page(escalated(post("1"))))
    (direct, _) = sorted(await store.claim(T0, 2, LEASE), key=lambda owed: owed.notice.kind, reverse=True)
    await store.wait(direct.notice.key, T0 + HOUR, "Dana Fox is off duty")
    assert await store.claim(T0, 9, LEASE) == ()
    (again,) = [owed for owed in await store.claim(T0 + HOUR, 9, LEASE) if owed.notice.kind is Kind.DIRECT]
    assert (again.notice.key, again.attempts) == (direct.notice.key, 1)
    assert (await store.balance()).owed == 2


async def test_who_was_told_of_what_is_remembered(store: Store) -> None:
    await store.keep(page(escalated(post("1"))))
    assert await store.pings(["Dana Fox"], T0) == ()
    await store.delivered("1/1/direct/Dana Fox", "D1:1.1", T0 + MINUTE)
    told = Ping(to="Dana Fox", case=1, kind="Opened", at=T0 + MINUTE)
    assert await store.pings(["Dana Fox", "Lee Park"], T0) == (told,)
    assert await store.pings(["Lee Park"], T0) == await store.pings(["Dana Fox"], T0 + HOUR) == ()


async def test_the_house_says_a_thing_once(store: Store) -> None:
    notice = Notice(case=HOUSE, seq=5, kind=Kind.HOUSE, to="blogs silent", text="blogs is silent")
    for _ in range(2):
        await store.owe(notice, T0)
    (owed,) = await store.claim(T0, 100, LEASE)
    assert owed.notice == notice
    await store.delivered(notice.key, "", T0)
    await store.owe(notice, T0 + HOUR)
    assert await store.claim(T0 + DAY, 100, LEASE) == ()


async def test_two_couriers_at_once_never_get_the_same_notice(store: Store) -> None:
    await store.keep(page(*(escalated(post(str(n))) for n in range(40))))
    taken = await asyncio.gather(*(owed_keys(store, T0, 7) for _ in range(20)))
    keys = [key for some in taken for key in some]
    assert len(keys) == len(set(keys)) == 80


async def test_who_turns_the_crank_anew_gets_what_the_last_one_left_in_its_hands(store: Store) -> None:
    await store.keep(page(escalated(post("1"))))
    async with store.engine():
        await store.claim(T0, 1, LEASE)
        (card,) = await store.claim(T0, 1, LEASE)
        await store.failed(card.notice.key, "slow", T0 + HOUR)
    async with store.engine():
        assert [(o.notice.kind, o.attempts) for o in await store.claim(T0, 9, LEASE)] == [(Kind.DIRECT, 2)]


# edits


async def test_an_edit_keeps_one_post_and_tells_the_owner_of_its_case(store: Store) -> None:
    await store.keep(page(escalated(post("1"))))
    changed = post("1", "Acme Air burned my bag")
    kept = await store.keep(page(escalated(changed, severity=95), at=T0 + HOUR))
    assert (kept.new, kept.edited, kept.opened) == (0, 1, ())
    (row,) = await found(store)
    assert (row.text, row.severity, row.case) == (changed.text, 95, 1)
    assert (await store.timeline(1))[-1] == Revised(at=T0 + HOUR, post="blogs:1", text=changed.text, severity=95)
    assert [row.severity async for row in store.cases()] == [95]
    assert (await found(store, "burned"), await found(store, "lost")) == ([row], [])
    await in_balance(store)


async def test_a_harmless_post_edited_into_a_complaint_becomes_a_case(store: Store) -> None:
    await store.keep(page(kept_only(post("1")), Heard(post=post("2", "nothing"))))
    changed = [escalated(post(id_, "Acme Air lost it")) for id_ in "12"]
    assert (await store.keep(page(*changed, at=T0 + HOUR))).opened == (1, 2)
    assert (await store.balance()).posts == {"blogs": {"escalated": 2}}
    assert await store.counts(T0 + MINUTE, T0 + DAY) == {("Acme Air", "complaint"): 1}
    await in_balance(store)


async def test_a_brand_edited_away_is_kept_with_the_reason_unless_it_has_a_case(store: Store) -> None:
    two = Heard(post=post("1"), mentions=kept_only(post("1")).mentions + escalated(post("1"), "Bolt Rail").mentions)
    await store.keep(page(two))
    await store.keep(page(Heard(post=post("1", "never mind")), at=T0 + HOUR))
    rows = {row.brand: (row.state, row.reason) for row in await found(store)}
    assert rows == {"Acme Air": (State.KEPT, "edited: no longer matched"), "Bolt Rail": (State.ESCALATED, "")}
    assert isinstance((await store.timeline(1))[-1], Revised)
    await in_balance(store)


async def test_an_edit_after_the_end_changes_the_record_and_wakes_nobody(store: Store) -> None:
    await store.keep(page(escalated(post("1"))))
    ended = await told(store, 1, Dismiss(by="Dana Fox", reason="satire"), T0 + MINUTE)
    await store.keep(page(escalated(post("1", "other words")), at=T0 + HOUR))
    assert len(await store.timeline(1)) == ended.seq
    assert [(row.text, row.state) for row in await found(store)] == [("other words", State.DISMISSED)]
    await in_balance(store)


async def test_an_unmatched_post_edited_into_another_unmatched_one_is_known_by_its_new_wording(store: Store) -> None:
    await store.keep(page(Heard(post=post("1", "one"))))
    assert (await store.keep(page(Heard(post=post("1", "two"))))).edited == 1
    assert await store.known("blogs", ("1",)) == {"1": post("1", "two").fingerprint}
    await in_balance(store)


# erasing

SECRET = "zyzzogeton"


async def everything(store: Store, *cases: int) -> str:
    """All that can be read back, as one text."""
    rows = [repr(row) async for row in store.search(question(""))]
    rows += [repr(row) async for row in store.cases(ended=True)]
    for case_id in cases:
        rows += [repr(event) for event in await store.timeline(case_id)]
        rows += [repr(row) for row in await store.case_mentions(case_id)]
    return "\n".join([*rows, *(repr(owed) for owed in await store.claim(T0 + 9 * DAY, 999, LEASE))])


def secret(id_: str = "1", **given: object) -> Post:
    base = post(id_, f"Acme Air {SECRET}", title=SECRET, url=f"https://blog.example/{SECRET}")
    return replace(base, author=Author(handle=SECRET, name=SECRET), **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("way", ["asked", "gone"])
async def test_what_is_deleted_upstream_is_gone_and_the_facts_stay(store: Store, way: str) -> None:
    told_ = escalated(secret())
    words = replace(told_.mentions[0], assessment=judged(words=SECRET))
    await store.keep(page(replace(told_, mentions=(words,))))
    await store.keep(page(escalated(replace(secret(), text=f"again {SECRET}")), at=T0 + MINUTE))
    await told(store, 1, Acknowledge(by="Dana Fox", what="call back", due=T0 + DAY), T0 + 2 * MINUTE)
    assert SECRET in await everything(store, 1)
    if way == "gone":
        assert (await store.keep(page(gone=("1", "never heard"), at=T0 + HOUR))).erased == 1
    else:
        assert await store.erase("blogs", ("1", "1", "never heard"), T0 + HOUR) == 1
    assert SECRET not in await everything(store, 1)
    assert await found(store, SECRET) == []
    assert (await store.timeline(1))[-1] == Erased(at=T0 + HOUR, post="blogs:1")
    (row,) = [row async for row in store.cases()]
    assert (row.owner, row.promise, row.priority, row.due) == ("Dana Fox", "call back", "P1", T0 + DAY)
    assert (await store.balance()).posts == {"blogs": {"erased": 1}}
    await in_balance(store)


async def test_what_was_erased_does_not_come_back_when_it_is_heard_again(store: Store) -> None:
    await store.keep(page(escalated(secret()), Heard(post=secret("2"))))
    assert await store.erase("blogs", ("1", "2"), T0) == 2
    assert await store.known("blogs", ("1", "2")) == {"1": "", "2": ""}
    again = page(escalated(secret()), escalated(replace(secret(), text="an edit")), escalated(secret("2")))
    assert await store.keep(again) == Kept()
    assert await store.erase("blogs", ("1",), T0) == 0
    assert SECRET not in await everything(store, 1)
    await in_balance(store)


async def test_erasing_a_joined_post_leaves_the_first_one_and_no_trace_in_any_notice(store: Store) -> None:
    await store.keep(page(escalated(post("1"), thread="t")))
    await store.keep(page(escalated(secret("2", source="c"), thread="t"), source="c"))
    assert await store.erase("c", ("2",), T0 + HOUR) == 1
    assert SECRET not in await everything(store, 1)
    (row,) = await found(store)
    assert row.text == post("1").text
    await in_balance(store)


async def test_erasing_an_ended_case_is_a_fact_of_its_timeline_and_does_not_reopen_it(store: Store) -> None:
    await store.keep(page(escalated(secret())))
    await told(store, 1, Dismiss(by="Dana Fox", reason="satire"), T0 + MINUTE)
    await store.erase("blogs", ("1",), T0 + HOUR)
    assert (await case_of(store, 1)).status is Status.DISMISSED
    assert isinstance((await store.timeline(1))[-1], Erased)
    assert SECRET not in await everything(store, 1)
    await told(store, 1, Reopen(by="Dana Fox", reason="after all"), T0 + 2 * HOUR)
    assert [mention.state for mention in await store.case_mentions(1)] == [State.ERASED]
    await in_balance(store)


async def test_an_author_is_erased_everywhere_and_others_are_not(store: Store) -> None:
    theirs = [
        kept_only(secret("1")),
        escalated(secret("2")),
        kept_only(replace(secret("3"), author=Author(name=SECRET))),
    ]
    await store.keep(page(*theirs, kept_only(post("4"))))
    assert await store.erase_author(f"@{SECRET.upper()}", T0) == 3
    assert await store.erase_author(SECRET, T0) == 0
    assert await store.erase_author("", T0) == 0
    assert [row.title for row in await found(store)] == ["Title 4"]
    assert SECRET not in await everything(store, 1)
    await in_balance(store)


# search


async def test_the_newest_come_first_page_by_page_and_each_once(store: Store) -> None:
    for start in (0, 300):
        await store.keep(page(*(kept_only(post(str(n), f"Acme Air delay {n}")) for n in range(start, start + 300))))
    for text in ("", "delay", 'brand:"acme air"'):
        every = [row.id for row in await found(store, text, limit=10_000)]
        assert len(every) == 600 and every == sorted(every, reverse=True)
        pages, last = [], None
        while rows := await found(store, text, limit=130, before=last):
            pages += [row.id for row in rows]
            last = rows[-1].id
        assert pages == every


async def test_a_page_may_end_between_two_mentions_of_one_post(store: Store) -> None:
    both = [
        Heard(post=post(str(n)), mentions=kept_only(post(str(n))).mentions + kept_only(post(str(n)), "Bolt").mentions)
        for n in range(3)
    ]
    await store.keep(page(*both))
    for text in ("", "bag"):
        first = await found(store, text, limit=3)
        rest = await found(store, text, limit=9, before=first[-1].id)
        assert [row.id for row in first + rest] == [6, 5, 4, 3, 2, 1]


@pytest.fixture
async def library(store: Store) -> Store:
    """Six mentions that differ in everything one can ask for."""
    told_ = [
        kept_only(post("a", "The crew of Acme Air was lovely", created=T0 - 9 * DAY), severity=5),
        escalated(post("b", "Acme Air lost my bag, refund never came"), severity=64),
        escalated(post("c", "Bolt Rail: 返金されない、東京駅で", lang="ja"), "Bolt Rail", severity=91),
        kept_only(post("d", "Is Acme Air flying to Zürich?"), severity=10, verdict=Verdict.QUESTION),
    ]
    await store.keep(page(*told_, at=T0))
    forum = [
        kept_only(post("e", "acme air refund refund refund", source="forum", site="forum.example"), severity=30),
        kept_only(
            post("f", "BOLT rail delays", source="forum", author=Author(handle="@Niner"), created=None), "Bolt Rail"
        ),
    ]
    await store.keep(page(*forum, at=T0 + DAY, source="forum"))
    await told(store, 1, Acknowledge(by="Lee Park", what="refund today", due=T0 + DAY), T0 + MINUTE)
    return store


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "fedcba"),
        ("acme", "edba"),
        ("refund NOT bag", "e"),
        ('"lost my bag"', "b"),
        ("lost NEAR/3 bag", "b"),
        ("ref*", "eb"),
        ("zurich", "d"),
        ("返金", "c"),
        ("東京", "c"),
        ("京東", ""),
        ('brand:"ACME air"', "edba"),
        ("brand:bolt", ""),
        ("verdict:complaint", "cb"),
        ("severity>=64", "cb"),
        ("severity>64", "c"),
        ("severity<10", "a"),
        ("severity<=10", "da"),
        ("severity:91", "c"),
        ("priority:P1 acme", "b"),
        ("owner:'lee park'", ""),
        ('owner:"lee park"', "b"),
        ("status:open", "c"),
        ("status:acknowledged OR severity:30", "eb"),
        ("has:case NOT has:promise", "c"),
        ("has:promise", "b"),
        ("is:answered", ""),
        ("NOT has:case", "feda"),
        ("source:forum", "fe"),
        ("kind:comment", ""),
        ("site:forum.example refund", "e"),
        ("lang:ja", "c"),
        ("from:niner", "f"),
        ("from:niner delays", "f"),
        ('title:"title d"', "d"),
        ("cause:baggage verdict:question", "d"),
        ("refund (severity>=60 OR source:forum)", "eb"),
        ("refund OR severity>=90", "ecb"),
        ("lovely OR verdict:question", "da"),
        ("since:2026-04-30 until:2026-05-02 crew", ""),
        ("until:2026-04-25", "a"),
        ("since:2026-05-02", "f"),
        ("NOT since:2026-05-01", "a"),
        ("acme OR until:2026-04-25", "edba"),
    ],
)
async def test_a_search_finds_what_it_asks_for(library: Store, query: str, expected: str) -> None:
    rows = await found(library, query)
    assert "".join(row.title[-1] for row in rows) == expected


WORDS = ("acme", "bolt", "refund", "lost bag", "Zürich", "返金", "a", "#delay")
TEXTS = [" ".join((WORDS[n % 8], WORDS[n % 5], WORDS[n % 3])) for n in range(40)]
LEAVES = st.sampled_from(
    [
        *("acme", "refund", '"lost bag"', "ref*", "zurich", "返", "#delay", '"acme refund"', "acme NEAR/1 refund"),
        *("brand:bolt", "verdict:praise", "severity>=50", "severity<23", "priority:P1", "has:case", "status:open"),
        *("source:forum", "author:user3", 'title:"title 7"', "until:2026-05-01", "site:blog.example", "is:reply"),
    ]
)
QUERIES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(" ".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} OR {two[1]})"),
        inner.map(lambda one: f"NOT ({one})"),
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def shelf() -> Iterator[tuple[asyncio.Runner, dict[str, Store], list[Heard]]]:
    """One shelf of posts in each kind of store, for a thousand questions."""
    heard = []
    for n, text in enumerate(TEXTS):
        told_ = post(str(n), text, source="forum" if n % 3 else "blogs", created=T0 - (n % 4) * DAY)
        brand, make = ("Bolt", escalated) if n % 4 == 0 else ("Acme Air", kept_only)
        heard.append(make(told_, brand, severity=n * 2))
    with asyncio.Runner() as runner, TemporaryDirectory() as place:
        stores = {name: runner.run(opened(f"{place}/{name}.db")) for name, opened in STORES.items()}
        for store, one in product(stores.values(), heard):
            runner.run(store.keep(page(one, source=one.post.source)))
        yield runner, stores, heard
        for store in stores.values():
            runner.run(store.aclose())


@pytest.mark.parametrize("name", STORES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=QUERIES, sort=st.sampled_from(list(Sort)))
def test_a_search_finds_exactly_what_the_query_means(
    shelf: tuple[asyncio.Runner, dict[str, Store], list[Heard]], name: str, text: str, sort: Sort
) -> None:
    runner, stores, heard = shelf
    asked = question(text, sort=sort)
    rows = runner.run(collected(stores[name].search(asked)))
    expected = [one.post.title for one in heard if means(asked, one)]
    assert sorted(row.title for row in rows) == sorted(expected)
    if sort is Sort.NEWEST:
        assert [row.title for row in rows] == expected[::-1]
    if sort is Sort.SEVERITY:
        assert [row.severity for row in rows] == sorted((row.severity for row in rows), reverse=True)


async def collected(rows: AsyncIterator[MentionRow]) -> list[MentionRow]:
    return [row async for row in rows]


def means(asked: Question, one: Heard) -> bool:
    (mention,) = one.mentions
    posted = min(one.post.created or T0, T0)
    facts = {
        "brand": mention.brand,
        "verdict": mention.assessment.verdict,
        "severity": mention.assessment.severity,
        "priority": mention.assessment.priority or "",
        "case": mention.opening,
        "status": "open" if mention.opening else "",
        "posted": posted,
    }
    in_time = asked.until is None or posted < asked.until
    return in_time and (asked.query is None or holds(asked.query, document(one.post), facts))


async def test_severity_sorts_by_severity_and_relevance_by_how_well_it_fits(library: Store) -> None:
    worst = await found(library, "", sort=Sort.SEVERITY)
    assert [row.severity for row in worst] == [91, 64, 30, 20, 10, 5]
    assert [row.title[-1] for row in await found(library, "acme", sort=Sort.SEVERITY, limit=2)] == ["b", "e"]
    assert [row.title[-1] for row in await found(library, "refund", sort=Sort.RELEVANCE)] == ["e", "b"]
    assert len(await found(library, "brand:'x' OR acme", sort=Sort.RELEVANCE)) == 4


async def test_counts_are_of_what_was_heard_in_the_window(library: Store) -> None:
    assert await library.counts(T0 + HOUR, T0 + 2 * DAY) == {("Acme Air", "praise"): 1, ("Bolt Rail", "praise"): 1}
    assert await library.counts(T0, T0 + HOUR) == {
        ("Acme Air", "praise"): 1,
        ("Acme Air", "complaint"): 1,
        ("Acme Air", "question"): 1,
        ("Bolt Rail", "complaint"): 1,
    }
    assert await library.counts(T0 + 2 * DAY, T0 + 3 * DAY) == {}


# the whole of it, in any order

ACTS = st.lists(
    st.tuples(st.sampled_from(["keep", "edit", "erase", "act", "look"]), st.integers(0, 7), st.integers(0, 3)),
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("opened", STORES.values(), ids=STORES)
@given(acts=ACTS)
async def test_whatever_happens_in_whatever_order_everything_balances(
    opened: Callable[[str], Awaitable[Store]], acts: list[tuple[str, int, int]]
) -> None:
    with TemporaryDirectory() as place:
        store = await opened(str(Path(place) / "listener.db"))
        for minute, (act, which, how) in enumerate(acts, 1):
            await _act(store, act, which, how, T0 + minute * MINUTE)
        await in_balance(store)
        async for row in store.cases(ended=True):
            case = await case_of(store, row.id)
            assert (row.status, row.owner, row.due, row.posts) == (case.status, case.owner, case.due, len(case.posts))
            assert case.status.ended or (case.owner and case.due)
        await store.aclose()


async def _act(store: Store, act: str, which: int, how: int, now: datetime) -> None:
    source = "blogs" if which % 2 else "other"
    told_ = post(str(which), f"Acme Air {how}" if act == "edit" else "Acme Air", source=source)
    match act:
        case "keep" | "edit":
            heard = [Heard(post=told_), kept_only(told_), escalated(told_), escalated(told_, thread="shared")][how]
            await store.keep(page(heard, source=source, at=now))
        case "erase":
            await store.keep(page(source=source, at=now, gone=(str(which),)))
        case "act":
            await _command(store, which, how, now)
        case _:
            await Desk(store).look(now + how * HOUR)


async def _command(store: Store, case_id: int, how: int, now: datetime) -> None:
    by = "Dana Fox"
    commands = [Acknowledge(by=by), Dismiss(by=by, reason="x"), Reopen(by=by, reason="y"), Acknowledge(by="Lee Park")]
    try:
        case = await case_of(store, case_id)
        new: tuple[Event, ...] = decide(case, commands[how], now)
    except (UnknownCase, Refused):  # people try things
        return
    if new:
        await store.append(case, new)


async def test_a_mark_is_the_last_instant_noted_under_its_name(store: Store) -> None:
    assert await store.mark("told") is None
    for at in (T0, T0 + HOUR):
        await store.set_mark("told", at)
    assert (await store.mark("told"), await store.mark("other")) == (T0 + HOUR, None)
