"""Copies are marked, never dropped: one story, one case, one ping, with every copy kept and the number of accounts said."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from builders import NOW, assessment, batch, opened, policy, post
from conftest import Clock
from deskworld import DeskWorld
from deskworld import opened as desk_opened
from deskworld import settings as desk_settings
from hypothesis import given
from hypothesis import strategies as st

from connectors.post import Author
from escalation.case import evolve, replay
from escalation.events import Coordinated
from escalation.notices import Kind
from escalation.slack.blocks import card
from listener.audit import audit
from listener.copies import Copy, coordinated, copied, story
from listener.query import QueryError, parse
from listener.query.parse import Purpose
from listener.routing import route
from listener.search import question
from listener.storage.contract import Heard, Question, Store

SAID = "Never fly with Acme Air again, they stole my holiday money and laughed about it on the phone for an hour"
OTHERS = "Acme Air left my mother at the gate in a wheelchair and nobody came to fetch her before the flight was gone"
ROWS = {"P1": policy(), "P2": policy(priority="P2")}
MINUTE = timedelta(minutes=1)


def heard(number: int, text: str, at: datetime = NOW, followers: int | None = 3, handle: str = "") -> Heard:
    author = Author(handle=handle or f"user{number}", id=handle or f"u{number}", followers=followers)
    of = post(f"p{number}", text, title="", author=author, created=at, site="x.example")
    return Heard(post=of, mentions=(route(of, "Acme Air", assessment(), ROWS, at),))


def near(number: int) -> str:
    """As a bot varies a text: a name in front, one word exchanged, something behind."""
    exchanged = ("stole", "took", "kept", "lost", "grabbed", "wasted", "burned", "swallowed")[number % 8]
    return f"@friend{number} {SAID.replace('stole', exchanged)} #boycott https://t.example/{number}"


async def told(store: Store) -> list[tuple[str, str]]:
    owed = await store.claim(NOW + 3 * MINUTE, 500, MINUTE)
    return [(str(one.notice.kind), one.notice.text) for one in owed]


async def test_near_copies_by_many_small_accounts_are_one_case_one_ping_and_marked(store: Store) -> None:
    for number in range(12):
        at = NOW + number * MINUTE / 4
        await store.keep(batch(heard(number, near(number), at), at=at))
    (row,) = [one async for one in store.cases()]
    events = await store.timeline(row.id)
    assert row.posts == 12 and [type(one) for one in events].count(Coordinated) == 1
    assert replay(events).coordinated == 5, "said once, when it was seen"
    said = await told(store)
    assert [kind for kind, _ in said].count(Kind.DIRECT) == 1
    lines = [text for kind, text in said if "coordinated" in text]
    assert lines == ["Looks coordinated: 5 accounts said nearly the same within a minute. The case stands."]
    assert (await audit(store, NOW + 3 * MINUTE)).balanced
    assert len([one async for one in store.search(Question())]) == 12


async def test_a_page_full_of_copies_is_marked_as_well_and_search_finds_them(store: Store) -> None:
    await store.keep(batch(*(heard(number, near(number)) for number in range(7)), heard(90, OTHERS)))
    found = [row.case async for row in store.search(question("is:coordinated"))]
    assert found == [1] * 7
    others = [row.case async for row in store.search(question("NOT is:coordinated"))]
    assert others == [2]
    mixed = [row.case async for row in store.search(question("wheelchair OR is:coordinated"))]
    assert sorted(case or 0 for case in mixed) == [1] * 7 + [2]


@pytest.mark.parametrize(
    "posts",
    [
        [heard(number, near(number), handle="one") for number in range(9)],  # one account says it again and again
        [heard(number, near(number), followers=5_000) for number in range(9)],  # people whom many know
        [heard(number, near(number), NOW + number * timedelta(hours=1)) for number in range(9)],  # over the day
        [heard(number, near(number)) for number in range(4)],  # a few friends
    ],
)
async def test_what_may_well_be_people_is_one_story_without_a_mark(store: Store, posts: list[Heard]) -> None:
    await store.keep(batch(*posts))
    assert not replay(await store.timeline(1)).coordinated


async def test_two_who_give_their_own_numbers_are_two_customers(store: Store) -> None:
    one, other = (f"{SAID}. My booking is {number}, please look into it" for number in ("QX4711", "QX4712"))
    kept = await store.keep(batch(heard(1, one), heard(2, other)))
    assert len(kept.opened) == 2


def test_the_card_says_it_and_keeps_its_buttons() -> None:
    drawn = card(evolve(opened(), Coordinated(at=NOW, accounts=7, minutes=3)), NOW)
    assert "7 accounts said nearly the same within minutes" in str(drawn.blocks) and "Looks coordinated" in drawn.text
    assert "Acknowledge" in str(drawn.blocks)


async def test_the_desk_says_it_and_leads_to_all_of_them(store: Store, clock: Clock, tmp_path: Path) -> None:
    await store.keep(batch(*(heard(number, near(number), clock()) for number in range(6)), at=clock()))
    async with desk_opened(store, desk_settings(tmp_path / "config"), clock) as world:
        await looked_at(world)


async def looked_at(world: DeskWorld) -> None:
    async with await world.browser("Lee Park") as lee:
        page = await lee.get("/cases/1")
        assert "Looks coordinated" in page.text and "/search?q=is:coordinated" in page.text
        assert "said the same, or nearly" in (await lee.get("/search?q=is:coordinated")).text


def test_a_query_that_tracks_cannot_know_it() -> None:
    with pytest.raises(QueryError, match="known only after a post was heard"):
        parse("acme is:coordinated", purpose=Purpose.TRACKING)


def test_near_copies_share_their_story_nearly_always() -> None:
    stories = [story(near(number)) for number in range(8)]
    assert max(stories.count(one) for one in set(stories)) >= 6 and story(SAID) != story(OTHERS)
    assert copied(SAID, near(3)) and not copied(SAID, OTHERS)


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_two_texts_can_be_compared_either_way_round(one: str, other: str) -> None:
    assert copied(one, other) == copied(other, one)
    assert story(one) == story(one.upper() if one.isascii() else one)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 300), st.none() | st.integers(0, 2_000)), max_size=40))
def test_the_accounts_are_those_of_some_half_hour(said: list[tuple[int, int, int | None]]) -> None:
    copies = [Copy(account=str(who), at=NOW + minute * MINUTE, followers=known) for who, minute, known in said]
    found = coordinated(copies)
    small = {one.account for one in copies if (one.followers or 0) < 1_000}
    assert found is None or (5 <= found[0] <= len(small) and timedelta() <= found[1] <= 30 * MINUTE)
