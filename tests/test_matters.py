"""What people do to matters by hand: raised, joined, split. The accounts balance after each."""

from datetime import timedelta
from pathlib import Path

import configs
import pytest
from builders import NOW, batch, complaint, mention, policy, post, subject

from connectors.post import Author
from escalation.case import Status, replay
from escalation.commands import Acknowledge, Refused, compensation
from escalation.desk import Desk
from escalation.events import Compensation
from listener import by_hand
from listener.audit import audit
from listener.settings import load
from listener.storage.contract import Heard, Opening, State, Store
from listener.weigh import Scales, scales

LATER = NOW + timedelta(minutes=3)
TWO = (complaint("p1"), complaint("p2", author=Author(handle="ben")))


@pytest.fixture
def scale(tmp_path: Path) -> Scales:
    return scales(load(configs.write(tmp_path / "config"), {}))


async def test_what_a_person_raises_is_a_case_however_mild_it_reads(store: Store, scale: Scales) -> None:
    heard = by_hand.raised("They never rang me.", "Acme Air", scale, NOW, by="Sam Ortiz", priority="P2")
    kept = await by_hand.keep(store, heard, NOW)
    case = await Desk(store).case(kept.opened[0])
    assert (case.subject.priority, case.subject.raised_by, case.owner) == ("P2", "Sam Ortiz", "Dana Fox")
    assert (await audit(store, NOW)).balanced


async def test_raised_twice_it_is_one_case(store: Store, scale: Scales) -> None:
    for _ in range(2):
        await by_hand.keep(store, by_hand.raised("Lost my cello.", "Acme Air", scale, NOW, by="Sam Ortiz"), NOW)
    assert len([case async for case in store.cases()]) == 1


@pytest.mark.parametrize(
    ("text", "brand", "mend"), [("", "Acme Air", "give the words"), ("x", "Nobody", "not a brand")]
)
def test_what_cannot_be_raised_says_why(scale: Scales, text: str, brand: str, mend: str) -> None:
    with pytest.raises(Refused, match=mend):
        by_hand.raised(text, brand, scale, NOW, by="Sam Ortiz")


async def test_two_cases_joined_by_hand_are_one_matter_with_every_post(store: Store) -> None:
    await store.keep(batch(*TWO))
    one = await store.merge(2, 1, "Dana Fox", LATER)
    assert one.posts == ("blog:p1", "blog:p2")
    other = replay(await store.timeline(2))
    assert (other.status, other.due) == (Status.CLOSED, None)
    assert {row.case for row in await store.case_mentions(1)} == {1}
    assert len(await store.case_mentions(1)) == 2
    assert (await audit(store, LATER)).balanced


@pytest.mark.parametrize(("first", "second", "why"), [(1, 1, "itself"), (1, 3, "is about Larkspur")])
async def test_what_cannot_be_joined_says_why(store: Store, first: int, second: int, why: str) -> None:
    of = post("p3", "Larkspur burnt my hand.")
    await store.keep(batch(*TWO, Heard(post=of, mentions=(mention(of, "Larkspur"),))))
    with pytest.raises(Refused, match=why):
        await store.merge(first, second, "Dana Fox", LATER)


async def test_an_ended_case_is_joined_to_nothing(store: Store) -> None:
    await store.keep(batch(*TWO))
    await store.merge(2, 1, "Dana Fox", LATER)
    with pytest.raises(Refused, match="case 2 is closed"):
        await store.merge(2, 1, "Dana Fox", LATER)


async def test_a_post_that_was_joined_wrongly_has_its_case_again(store: Store) -> None:
    await store.keep(batch(*TWO))
    await store.merge(2, 1, "Dana Fox", LATER)
    opening = Opening(subject=subject(post="blog:p2"), policy=policy())
    again = await store.split(1, "blog:p2", opening, "Lee Park", LATER)
    assert (again.id, again.status, again.due) == (2, Status.OPEN, LATER + timedelta(minutes=5))
    assert replay(await store.timeline(1)).posts == ("blog:p1",)
    [row] = await store.case_mentions(2)
    assert row.state is State.ESCALATED
    assert (await audit(store, LATER)).balanced
    with pytest.raises(Refused, match="it has no other post"):
        await store.split(1, "blog:p1", opening, "Lee Park", LATER)


async def test_a_post_the_house_joined_becomes_a_case_judged_and_routed_anew(store: Store, scale: Scales) -> None:
    same = Author(handle="marta", id="7")
    about = {"customer": "talk.example 7"}
    first, second = post("p1", author=same), post("p2", author=same)
    await store.keep(batch(*(Heard(post=one, mentions=(mention(one, **about),)) for one in (first, second))))
    case = replay(await store.timeline(1))
    assert case.posts == ("blog:p1", "blog:p2")
    new = await by_hand.split(store, scale, case, "blog:p2", "Lee Park", LATER)
    assert (new.id, new.subject.text) == (2, "The Acme Air charger caught fire.")
    await Desk(store).handle(new.id, Acknowledge(by="Dana Fox"), LATER)
    assert (await audit(store, LATER)).balanced


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("refund 80 EUR", Compensation(kind="refund", amount="80", currency="EUR")),
        ("hotel voucher 12,50 usd", Compensation(kind="hotel voucher", amount="12.50", currency="USD")),
        ("voucher", Compensation(kind="voucher")),
        ("", None),
    ],
)
def test_compensation_is_read_as_people_write_it(text: str, expected: Compensation | None) -> None:
    assert compensation(text) == expected


@pytest.mark.parametrize("text", ["80", "refund 80", "refund 80 EUROS", "=1+1", "refund 1e9 EUR"])
def test_what_is_no_compensation_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="no compensation"):
        compensation(text)
