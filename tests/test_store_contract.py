"""What every store must do; runs on each of them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, batch, complaint, mention, opened, post, quiet

from connectors.contract import Hearing
from escalation.case import replay
from escalation.clock import overdue
from escalation.commands import Accept, Acknowledge, Dismiss, Handover, Note, Refused, Reopen
from escalation.decide import decide
from escalation.desk import Desk
from escalation.events import Erased, Joined, Revised
from escalation.ledger import Conflict, UnknownCase
from escalation.notices import HOUSE, Kind, Notice
from listener.query import parse
from listener.storage.contract import Failure, Heard, Installation, Key, Question, Sort, State, Store, Way

LEASE = timedelta(seconds=60)


async def rows(of: AsyncIterator[Any]) -> list[Any]:
    return [row async for row in of]


async def found(store: Store, text: str = "", **given: Any) -> list[str]:
    question = Question(query=parse(text) if text else None, **given)
    return [row.title async for row in store.search(question)]


# hearing


async def test_a_page_and_its_cursor_are_kept_together(store: Store) -> None:
    kept = await store.keep(batch(complaint("p1"), complaint("p2"), cursor={"page": 7}))
    assert (kept.new, kept.mentions, kept.complaints, len(kept.opened)) == (2, 2, 2, 2)
    state = await store.source("blog")
    assert (state.cursor, state.fetched, state.last_heard) == ({"page": 7}, 2, NOW)


async def test_the_same_page_again_changes_nothing(store: Store) -> None:
    await store.keep(batch(complaint("p1")))
    again = await store.keep(batch(complaint("p1"), complaint("p1")))
    assert (again.new, again.edited, again.opened) == (0, 0, ())
    assert (await store.source("blog")).fetched == 1
    assert len(await rows(store.cases())) == 1


async def test_what_nobody_tracks_leaves_its_name_and_no_text(store: Store) -> None:
    await store.keep(batch(Heard(post=post("p1", text="nothing of interest"))))
    assert await store.known("blog", ("p1", "p2")) == {"p1": post("p1", text="nothing of interest").fingerprint}
    assert await found(store) == []
    assert (await store.balance()).posts == {"blog": {State.NOT_MATCHED: 1}}


async def test_one_post_about_two_brands_is_two_mentions_and_may_be_two_cases(store: Store) -> None:
    said = post("p1")
    await store.keep(batch(Heard(post=said, mentions=(mention(said, "Acme Air"), mention(said, "Larkspur")))))
    assert [row.brand for row in await rows(store.cases())] == ["Acme Air", "Larkspur"]


async def test_an_edit_keeps_the_old_wording_and_tells_the_case(store: Store) -> None:
    await store.keep(batch(complaint("p1")))
    kept = await store.keep(batch(complaint("p1", text="The Acme Air charger exploded.")))
    assert (kept.new, kept.edited, kept.opened) == (0, 1, ())
    assert isinstance((await store.timeline(1))[-1], Revised)
    assert await found(store, "exploded") == ["Post p1"]
    assert await found(store, "caught") == []


async def test_an_edit_can_turn_a_quiet_mention_into_a_case(store: Store) -> None:
    said = post("p1", text="Acme Air, how nice")
    await store.keep(batch(Heard(post=said, mentions=(quiet(),))))
    kept = await store.keep(batch(complaint("p1")))
    assert kept.opened == (1,)


async def test_an_edit_can_bring_a_post_in_that_nobody_tracked(store: Store) -> None:
    await store.keep(batch(Heard(post=post("p1", text="nothing"))))
    await store.keep(batch(complaint("p1")))
    assert await found(store, "charger") == ["Post p1"]
    assert sum((await store.balance()).posts["blog"].values()) == 1


async def test_a_post_that_another_source_heard_joins_its_case(store: Store) -> None:
    await store.keep(batch(_threaded("p1", "blog")))
    kept = await store.keep(batch(_threaded("p9", "mirror"), source="mirror"))
    assert (kept.opened, kept.joined) == ((), 1)
    assert isinstance((await store.timeline(1))[-1], Joined)
    assert replay(await store.timeline(1)).posts == ("blog:p1", "mirror:p9")


async def test_posts_of_one_source_never_swallow_each_other(store: Store) -> None:
    kept = await store.keep(batch(_threaded("p1", "blog"), _threaded("p2", "blog")))
    assert len(kept.opened) == 2, "a feed that gives every item one address still has several items"


def _threaded(id_: str, source: str) -> Heard:
    said = post(id_, source=source)
    return Heard(post=said, mentions=(mention(said, thread="blog.example/same smoke"),))


async def test_what_is_gone_upstream_is_gone_here(store: Store) -> None:
    await store.keep(batch(complaint("p1"), complaint("p2")))
    kept = await store.keep(batch(gone=("p1", "never heard of")))
    assert kept.erased == 1
    assert await found(store, "charger") == ["Post p2"]
    timeline = await store.timeline(1)
    assert isinstance(timeline[-1], Erased)
    case = replay(timeline)
    assert (case.subject.text, case.subject.author, case.subject.url) == ("", "", "")
    assert (case.owner, case.status, case.due) == ("Dana Fox", "open", NOW + timedelta(minutes=5))
    assert "charger" not in repr(timeline)
    assert await store.known("blog", ("p1",)) == {"p1": ""}, "so that it is not heard again"
    again = await store.keep(batch(complaint("p1", text="as it was, or changed")))
    assert (again.new, again.edited) == (0, 0)


async def test_an_author_can_be_erased(store: Store) -> None:
    await store.keep(batch(complaint("p1"), complaint("p2")))
    assert await store.erase_author("marta", NOW) == 2
    assert await found(store) == []


@pytest.mark.parametrize(
    "text",
    [
        "a\0b Acme Air",
        "\u202egnp.exe Acme Air",
        "<!channel> <@U1> Acme Air",
        "=1+1 Acme Air",
        "x" * 1_000_000 + " Acme Air",
        "'; DROP TABLE posts; -- Acme Air",
        "🔥" * 50,
    ],
    ids=["nul", "right to left", "slack", "formula", "a megabyte", "sql", "emoji"],
)
async def test_hostile_text_comes_back_as_it_was(store: Store, text: str) -> None:
    await store.keep(batch(complaint("p1", text=text)))
    [row] = await rows(store.search(Question()))
    assert row.text == text


async def test_a_lone_surrogate_is_replaced_and_harms_nothing(store: Store) -> None:
    await store.keep(batch(complaint("p1", text="Acme \ud800 Air")))
    [row] = await rows(store.search(Question()))
    assert row.text == "Acme \ufffd Air"
    assert (await store.keep(batch(complaint("p1", text="Acme \ud800 Air")))).edited == 0


# the ledger


async def test_a_case_is_written_once_and_a_second_writer_is_told(store: Store) -> None:
    await store.keep(batch(complaint()))
    case = replay(await store.timeline(1))
    taken = await store.append(case, decide(case, Acknowledge(by="Dana Fox"), NOW))
    assert (taken.status, taken.owner) == ("acknowledged", "Dana Fox")
    with pytest.raises(Conflict):
        await store.append(case, decide(case, Acknowledge(by="Lee Park"), NOW))
    assert replay(await store.timeline(1)) == taken


async def test_no_such_case(store: Store) -> None:
    with pytest.raises(UnknownCase):
        await store.timeline(7)
    with pytest.raises(Conflict):
        await store.append(opened(), decide(opened(), Acknowledge(by="Dana Fox"), NOW))


async def test_what_is_due_is_found_longest_overdue_first(store: Store) -> None:
    await store.keep(batch(complaint("p1")))
    await store.keep(batch(complaint("p2"), at=NOW - timedelta(hours=1)))
    assert await store.due(NOW, 10) == (2,)
    assert await store.due(NOW + timedelta(minutes=5), 10) == (2, 1)
    assert await store.due(NOW + timedelta(minutes=5), 1) == (2,)


async def test_an_ended_case_is_never_due(store: Store) -> None:
    await store.keep(batch(complaint()))
    case = replay(await store.timeline(1))
    await store.append(case, decide(case, Dismiss(by="Dana Fox", reason="a joke"), NOW))
    assert await store.due(NOW + timedelta(days=9), 10) == ()
    assert await rows(store.cases()) == []
    assert [row.status for row in await rows(store.cases(ended=True))] == ["dismissed"]


async def test_dismissed_and_reopened_is_seen_in_the_history(store: Store) -> None:
    await store.keep(batch(complaint()))
    case = replay(await store.timeline(1))
    case = await store.append(case, decide(case, Dismiss(by="Dana Fox", reason="a joke"), NOW))
    assert (await store.balance()).mentions == {State.DISMISSED: 1}
    await store.append(case, decide(case, Reopen(by="Lee Park", reason="it was none"), NOW))
    assert (await store.balance()).posts["blog"] == {State.ESCALATED: 1}


# notices


async def test_a_claimed_notice_is_nobody_elses_until_its_lease_ends(store: Store) -> None:
    await store.keep(batch(complaint()))
    claimed = await store.claim(NOW, 10, LEASE)
    assert {owed.notice.kind for owed in claimed} == {Kind.CARD, Kind.DIRECT}
    assert await store.claim(NOW, 10, LEASE) == ()
    again = await store.claim(NOW + LEASE, 10, LEASE)
    assert [owed.attempts for owed in again] == [2, 2]


async def test_a_delivered_notice_is_never_owed_again(store: Store) -> None:
    await store.keep(batch(complaint()))
    for owed in await store.claim(NOW, 10, LEASE):
        await store.delivered(owed.notice.key, "C1:1.0", NOW)
    assert await store.claim(NOW + timedelta(days=9), 10, LEASE) == ()
    assert (await store.balance()).owed == 0


async def test_a_failed_notice_waits_and_one_given_up_is_said_by_the_balance(store: Store) -> None:
    await store.keep(batch(complaint()))
    card, direct = await store.claim(NOW, 10, LEASE)
    await store.failed(card.notice.key, "Slack has trouble", NOW + timedelta(minutes=10))
    await store.failed(direct.notice.key, "there is nobody", None)
    assert await store.claim(NOW + LEASE, 10, LEASE) == ()
    assert [o.notice.kind for o in await store.claim(NOW + timedelta(minutes=10), 10, LEASE)] == [Kind.CARD]
    balance = await store.balance()
    assert (balance.owed, balance.undeliverable) == (1, 1)
    assert [finding.where for finding in balance.findings] == [f"notice {direct.notice.key}"]


async def test_a_later_card_waits_for_the_first_so_that_there_is_only_one(store: Store) -> None:
    await store.keep(batch(complaint()))
    await store.claim(NOW, 10, LEASE)  # somebody is delivering the first card
    case = replay(await store.timeline(1))
    await store.append(case, overdue(case, NOW + timedelta(minutes=5)))
    later = await store.claim(NOW + timedelta(seconds=1) + timedelta(minutes=0), 10, LEASE)
    assert Kind.CARD not in {owed.notice.kind for owed in later}


async def test_a_later_card_redraws_the_first(store: Store) -> None:
    await store.keep(batch(complaint()))
    for owed in await store.claim(NOW, 10, LEASE):
        await store.delivered(owed.notice.key, f"C1:{owed.notice.kind}", NOW)
    case = replay(await store.timeline(1))
    await store.append(case, decide(case, Acknowledge(by="Dana Fox"), NOW))
    refs = {owed.notice.kind: owed.ref for owed in await store.claim(NOW, 10, LEASE)}
    assert refs[Kind.CARD] == refs[Kind.THREAD] == "C1:card"


async def test_a_notice_of_the_house_is_owed_once(store: Store) -> None:
    notice = Notice(case=HOUSE, seq=5, kind=Kind.HOUSE, to="blog silent", text="silent")
    await store.owe(notice, NOW)
    await store.owe(notice, NOW)
    assert len(await store.claim(NOW, 10, LEASE)) == 1


# memory


async def test_search_finds_by_words_fields_and_time(store: Store) -> None:
    await store.keep(
        batch(complaint("p1", created=NOW - timedelta(days=3)), complaint("p2", text="a late parcel", created=NOW))
    )
    assert await found(store, "caught NEAR/3 fire") == ["Post p1"]
    assert await found(store, "charger OR parcel") == ["Post p2", "Post p1"]
    assert await found(store, 'brand:"acme air" -parcel severity>=50') == ["Post p1"]
    assert await found(store, "brand:larkspur") == []
    assert await found(store, "owner:'dana' OR parcel") == ["Post p2"]
    assert await found(store, 'owner:"dana fox" status:open author:marta') == ["Post p2", "Post p1"]
    assert await found(store, since=NOW - timedelta(days=1)) == ["Post p2"]
    assert await found(store, "since:2026-05-04") == ["Post p2"]
    assert await found(store, until=NOW - timedelta(days=1)) == ["Post p1"]


async def test_search_reads_unspaced_scripts(store: Store) -> None:
    await store.keep(batch(complaint("p1", text="東京電話のサービスは最悪です")))
    assert await found(store, "最悪") == ["Post p1"]
    assert await found(store, "最高") == []


async def test_pages_follow_each_other_without_gap_or_repeat(store: Store) -> None:
    await store.keep(batch(*(complaint(f"p{n}") for n in range(25))))
    seen: list[int] = []
    while page := [
        row.id
        async for row in store.search(Question(query=parse("charger"), limit=10, before=seen[-1] if seen else None))
    ]:
        seen += page
    assert len(seen) == 25 and seen == sorted(seen, reverse=True)


@pytest.mark.parametrize("sort", list(Sort))
async def test_every_order_holds_the_same_rows(store: Store, sort: Sort) -> None:
    await store.keep(batch(*(complaint(f"p{n}") for n in range(5))))
    assert sorted(await found(store, "charger", sort=sort)) == [f"Post p{n}" for n in range(5)]


# accounts


async def test_coverage_grows_only_when_the_hearing_changes(store: Store) -> None:
    later = NOW + timedelta(minutes=1)
    await store.keep(batch())
    await store.keep(batch(at=later))
    failure = Failure(
        source="blog", at=later, error="503", hearing=Hearing.NOT_REACHABLE, next_poll=later, told_silent=False
    )
    await store.keep_failure(failure)
    spans = await store.coverage(NOW, later)
    assert [(span.hearing, span.polls) for span in spans] == [(Hearing.HEARD, 2), (Hearing.NOT_REACHABLE, 1)]
    assert spans[0].until == spans[1].since, "there is no gap in the ledger"


async def test_failures_are_counted_from_the_first_and_end_with_a_success(store: Store) -> None:
    for minute in range(3):
        at = NOW + timedelta(minutes=minute)
        await store.keep_failure(
            Failure(
                source="blog", at=at, error="503", hearing=Hearing.NOT_REACHABLE, next_poll=at, told_silent=minute > 1
            )
        )
    state = await store.source("blog")
    assert (state.failures, state.failing_since, state.told_silent) == (3, NOW, True)
    await store.keep(batch())
    state = await store.source("blog")
    assert (state.failures, state.failing_since, state.told_silent, state.error) == (0, None, False, "")


async def test_the_balance_counts_everything_once(store: Store) -> None:
    await store.keep(batch(complaint("p1"), complaint("p2"), Heard(post=post("p3")), gone=("p2",)))
    balance = await store.balance()
    assert balance.fetched == {"blog": 3}
    assert balance.posts == {"blog": {State.ESCALATED: 1, State.ERASED: 1, State.NOT_MATCHED: 1}}
    assert balance.findings == ()
    assert await store.counts(NOW, NOW) == {("Acme Air", "complaint"): 1, ("Acme Air", State.ERASED): 1}
    assert await store.arrived(NOW) == {"blog": 3}
    assert await store.arrived(NOW + timedelta(seconds=1)) == {}


async def test_a_request_is_written_once_however_often_it_is_brought_for_a_day(store: Store) -> None:
    desk = Desk(store)
    await store.keep(batch(complaint()))
    await desk.handle(1, Acknowledge(by="Dana Fox"), NOW, "press 1")
    assert await store.made("press 1") and not await store.made("press 2")
    asked = Note(by="Dana Fox", text="rang twice")
    await asyncio.gather(*(desk.handle(1, asked, NOW, "press 2") for _ in range(5)))
    await desk.handle(1, asked, NOW, "press 3")
    await desk.handle(1, Acknowledge(by="Dana Fox"), NOW, "press 1")  # the same as then: not refused
    with pytest.raises(Refused):
        await desk.handle(1, Acknowledge(by="Lee Park"), NOW, "press 4")
    kinds = [type(event).__name__ for event in await store.timeline(1)]
    assert (kinds.count("Acknowledged"), kinds.count("Noted")) == (1, 2)
    await desk.handle(1, asked, NOW + timedelta(days=2), "press 5")
    assert not await store.made("press 1") and not await store.made("press 4")


# The web desk


async def test_a_pass_lets_in_until_it_ends_and_is_dropped_once(store: Store) -> None:
    await store.keep_pass("a", "Dana Fox", NOW + timedelta(hours=1), NOW)
    await store.keep_pass("b", "Dana Fox", NOW + timedelta(hours=2), NOW)
    assert await store.pass_of("a", NOW) == "Dana Fox"
    assert await store.pass_of("a", NOW + timedelta(hours=1)) is None
    assert await store.pass_of("unknown", NOW) is None
    assert [await store.drop_passes(key="a"), await store.drop_passes(key="a")] == [1, 0]
    assert await store.pass_of("a", NOW) is None
    assert await store.drop_passes(person="Dana Fox") == 1


async def test_a_workspace_is_installed_once_again_in_its_place_and_gone_when_it_is_dropped(store: Store) -> None:
    first = Installation(team="T0B", name="Berlin \ud800", scopes="chat:write", by="U0DANA", at=NOW, sealed="x")
    await store.keep_installation(first)
    await store.keep_installation(replace(first, name="Berlin", sealed="y", at=NOW + timedelta(hours=1)))
    await store.keep_installation(replace(first, team="T0A", name="Aarhus"))
    assert [one.name for one in await store.installations()] == ["Aarhus", "Berlin"]
    found = await store.installation("T0B")
    assert found == replace(first, name="Berlin", sealed="y", at=NOW + timedelta(hours=1))
    assert [await store.drop_installation("T0B") for _ in range(2)] == [True, False]
    assert await store.installation("T0B") is None and len(await store.installations()) == 1


async def test_a_draft_is_kept_for_a_week_and_goes_with_what_is_erased(store: Store) -> None:
    mine, week = ("U0DANA", 1, "report"), timedelta(days=7)
    await store.keep_draft(*mine, {"done": "called"}, NOW)
    await store.keep_draft(*mine, {"done": "called \ud800 twice"}, NOW)
    assert (await store.draft(*mine, NOW + week))["done"].startswith("called ") and await store.draft(
        "U0LEE", *mine[1:], NOW
    ) == {}
    assert await store.draft(*mine, NOW + week + timedelta(seconds=1)) == {}
    await store.drop_draft(*mine)
    assert await store.draft(*mine, NOW) == {}
    for number in range(60):
        await store.keep_draft("U0DANA", number, "note", {"text": "x"}, NOW + timedelta(minutes=number))
    assert await store.draft("U0DANA", 9, "note", NOW) == {}, "the oldest give way"
    assert await store.draft("U0DANA", 10, "note", NOW) == {"text": "x"}
    await store.keep(batch(complaint()))
    await store.keep_draft(*mine, {"done": "Marta's smoke"}, NOW + timedelta(hours=2))
    await store.keep_draft("U0DANA", 0, "raise", {"text": "Marta's smoke"}, NOW + timedelta(hours=2))
    assert await store.erase("blog", ("p1",), NOW)
    assert await store.draft(*mine, NOW) == {} == await store.draft("U0DANA", 0, "raise", NOW)
    assert await store.draft("U0DANA", 59, "note", NOW), "of other cases they stay"


async def test_passes_that_are_over_do_not_pile_up(store: Store) -> None:
    await store.keep_pass("old", "Dana Fox", NOW, NOW - timedelta(hours=1))
    await store.keep_pass("new", "Dana Fox", NOW + timedelta(hours=1), NOW)
    assert await store.drop_passes(person="Dana Fox") == 1


async def test_searches_are_kept_by_name(store: Store) -> None:
    second = await store.save_search("refunds", "refund NEAR/5 never", "Pia Roth", NOW)
    first = await store.save_search("fire", "caught fire \ud800", "Dana Fox", NOW)
    assert [(one.id, one.name, one.by) for one in await store.searches()] == [
        (first, "fire", "Dana Fox"),
        (second, "refunds", "Pia Roth"),
    ]
    assert await store.drop_search(first) and not await store.drop_search(first)


async def test_a_row_says_when_it_is_due_to_whom_it_is_offered_and_that_it_was_missed(store: Store) -> None:
    await store.keep(batch(complaint()))
    desk, due = Desk(store), NOW + timedelta(hours=2)
    await desk.handle(1, Acknowledge(by="Dana Fox", what="call", due=due), NOW)
    await desk.handle(1, Handover(by="Dana Fox", to="Lee Park"), NOW)
    [row] = [row async for row in store.cases()]
    assert (row.offered, row.deadline, row.missed) == (("Lee Park",), due, False)
    await desk.handle(1, Accept(by="Lee Park"), NOW)
    await desk.look(due)
    [row] = [row async for row in store.cases()]
    assert (row.offered, row.missed) == ((), True)


async def test_a_search_is_told_to_each_once_and_its_end_ends_that(store: Store) -> None:
    search = await store.save_search("fire", "caught fire", "Dana Fox", NOW)
    first = await store.subscribe(search, Way.CHANNEL, "C0CARE123", "Pia Roth", NOW)
    again = await store.subscribe(search, Way.CHANNEL, "C0CARE123", "Dana Fox", NOW + timedelta(hours=1))
    mailed = await store.subscribe(search, Way.MAIL, "Pia Roth", "Pia Roth", NOW)
    assert first and first == again and first.search.name == "fire"
    assert await store.subscriptions() == (first, mailed)
    assert await store.subscribe(99, Way.MAIL, "Pia Roth", "Pia Roth", NOW) is None
    assert await store.unsubscribe(first.id) and not await store.unsubscribe(first.id)
    assert await store.drop_search(search) and await store.subscriptions() == ()


async def test_a_key_is_known_by_its_hash_until_it_is_taken_back(store: Store) -> None:
    key = await store.add_key("hash", Key(name="the wallboard", person="Pia Roth", at=NOW))
    assert [one.name for one in await store.keys()] == ["the wallboard"]
    known = await store.key_of("hash")
    assert known and (known.id, known.person, known.at) == (key, "Pia Roth", NOW)
    assert await store.key_of("other") is None
    assert await store.drop_key(key) and await store.key_of("hash") is None and not await store.drop_key(key)
