"""Posts of one matter are one case: the same author again, the same words again, our own answer. Strangers stay apart."""

from datetime import timedelta
from pathlib import Path

import configs
import pytest
from builders import NOW, assessment, batch, policy, post

from connectors.post import Author, Post, Reach
from escalation import notices
from escalation.background import spread
from escalation.case import Status, replay
from escalation.commands import Acknowledge, Dismiss, ReportBack
from escalation.desk import Desk
from escalation.events import Answered, How, Joined, Outcome, Raised
from escalation.notices import Kind
from listener.audit import audit
from listener.background import lookup
from listener.routing import OURS, route, story
from listener.settings import load
from listener.storage.contract import Heard, Question, State, Store
from listener.triage import Priority, Verdict, assess
from listener.weigh import scales, weigh

MARTA = Author(handle="marta", id="77")
ROWS = {name: policy(priority=name) for name in ("P1", "P2")}
LATER = NOW + timedelta(minutes=2)


def said(id_: str, text: str, severity: int = 60, priority: str = "P2", **given: object) -> Heard:
    of = post(id_, text, **{"url": f"https://talk.example/{id_}", "site": "talk.example", "author": MARTA, **given})
    judged = assessment(severity=severity, priority=Priority(priority))
    return Heard(post=of, mentions=(route(of, "Acme Air", judged, ROWS, NOW),))


async def test_the_same_author_again_joins_and_the_owner_is_told(store: Store) -> None:
    kept = await store.keep(batch(said("1", "my bag is gone"), said("2", "still no bag, and nobody answers")))
    assert (kept.opened, kept.joined) == ((1,), 1)
    timeline = await store.timeline(1)
    assert timeline[-1] == Joined(at=NOW, post="blog:2", url="https://talk.example/2", how=How.AUTHOR, severity=60)
    owed = {(one.notice.kind, one.notice.to) for one in await store.claim(NOW, 25, timedelta(minutes=1))}
    assert (Kind.DIRECT, "Dana Fox") in owed
    assert (await audit(store, NOW)).balanced


@pytest.mark.parametrize(
    "other",
    [
        {"author": Author(handle="marta", id="78")},  # the same name is not the same account
        {"author": Author(handle="marta")},  # a blog where anybody may write any name
        {"site": "other.example"},  # the same number elsewhere is somebody else
    ],
)
async def test_nobody_is_taken_for_somebody_else(store: Store, other: dict[str, object]) -> None:
    kept = await store.keep(batch(said("1", "my bag is gone"), said("2", "my seat is broken", **other)))
    assert kept.opened == (1, 2)


async def test_copies_of_the_same_words_are_one_case_with_every_copy_kept(store: Store) -> None:
    words = "Acme Air lost my bag on Monday, told me lies on Tuesday, and hung up on me today."
    copies = [
        said("1", words, author=Author(handle="a", id="1")),
        said("2", f"{words.upper()} https://short.example/x", author=Author(handle="b", id="2")),
    ]
    kept = await store.keep(batch(*copies))
    assert (kept.opened, kept.joined) == ((1,), 1)
    assert [row.state async for row in store.search(Question())] == [State.JOINED, State.ESCALATED]


async def test_one_story_in_many_places_has_its_reach_and_every_copy(store: Store) -> None:
    """A blog, a portal that takes it over, somebody who passes it on by hand, a cross-post."""
    words = "Acme Air lost my bag on Monday, told me lies on Tuesday, and hung up on me today."
    places = [
        said("1", words, source="blog", author=Author(handle="a", id="1"), reach=Reach(replies=2, likes=1)),
        said("2", f"{words} https://portal.example/x", source="portal", author=Author(handle="b", id="2")),
        said("3", f"RT @a: {words}", source="x", author=Author(handle="c", id="3", followers=900), reach=Reach(reposts=40, likes=7)),
        said("4", f"{words} via @a@social.example", source="masto", author=Author(handle="d", followers=20), reach=Reach(reposts=2)),
    ]  # fmt: skip
    kept = [await store.keep(batch(place, source=place.post.source)) for place in places]
    assert [(one.opened, one.joined) for one in kept] == [((1,), 0), *[((), 1)] * 3]
    known = await lookup(store, replay(await store.timeline(1)))
    assert spread(known) == "920 followers, 2 replies, 42 reposts, 8 likes; said 4 times in 4 sources"
    rows = [row async for row in store.search(Question())]
    assert {(row.source, row.case) for row in rows} == {(name, 1) for name in ("blog", "portal", "x", "masto")}


@pytest.mark.parametrize("text", ["Acme Air is down!", "", "https://a.example/1 https://a.example/2 down down"])
def test_few_words_are_no_story(text: str) -> None:
    assert story(text) == ""


async def test_when_it_gets_worse_the_ladder_starts_anew_on_the_higher_policy(store: Store) -> None:
    await store.keep(batch(said("1", "late again")))
    await store.keep(batch(said("2", "and now it burns", severity=90, priority="P1"), at=LATER))
    *_, raised = await store.timeline(1)
    assert isinstance(raised, Raised) and (raised.was, raised.priority, raised.owner) == ("P2", "P1", "Dana Fox")
    case = replay(await store.timeline(1))
    assert (case.subject.priority, case.policy.priority, case.due) == ("P1", "P1", LATER + ROWS["P1"].acknowledge)
    (row,) = [row async for row in store.cases()]
    assert (row.priority, row.severity) == ("P1", 90)


async def test_who_has_promised_keeps_the_case_when_it_gets_worse(store: Store) -> None:
    await store.keep(batch(said("1", "late again")))
    due = NOW + timedelta(hours=5)
    await Desk(store).handle(1, Acknowledge(by="Lee Park", what="call her", due=due), NOW)
    await store.keep(batch(said("2", "and now it burns", severity=90, priority="P1"), at=LATER))
    case = replay(await store.timeline(1))
    assert (case.status, case.owner, case.due) == (Status.ACKNOWLEDGED, "Lee Park", due)


async def test_a_milder_post_changes_no_priority(store: Store) -> None:
    await store.keep(batch(said("1", "it burns", severity=90, priority="P1")))
    await store.keep(batch(said("2", "and the tea was cold", severity=20, priority="P2"), at=LATER))
    assert isinstance((await store.timeline(1))[-1], Joined)


async def test_an_edit_that_makes_it_worse_raises_the_case(store: Store) -> None:
    await store.keep(batch(said("1", "late again")))
    await store.keep(batch(said("1", "late again, and it burns", severity=90, priority="P1"), at=LATER))
    assert replay(await store.timeline(1)).subject.priority == "P1"


OURS_TOML = (
    '[[brand]]\nname = "Acme Air"\nquery = "acme"\npolicy = "care"\naccounts = ["@AcmeAir"]\n'
    '[[brand]]\nname = "Bolt Rail"\nquery = "bolt"\npolicy = "care"\n'
)


async def test_our_own_answer_is_noted_once_and_is_nobodys_complaint(store: Store, tmp_path: Path) -> None:
    weights = scales(load(configs.write(tmp_path, brands=OURS_TOML), {}))
    theirs = post("1", "Acme lost my bag, the third time, nobody answers", author=MARTA)

    def ours(id_: str, **given: object) -> Post:
        return post(id_, "We are sorry this is broken, terrible, awful", author=Author(handle="acmeair"), **given)

    await store.keep(batch(*weigh([theirs], weights, NOW)))
    await store.keep(batch(*weigh([ours("2", parent="1"), ours("3", parent="2", root="1")], weights, LATER), at=LATER))
    answered = [event for event in await store.timeline(1) if isinstance(event, Answered)]
    assert answered == [Answered(at=LATER, by="acmeair", post="blog:2", url="https://blog.example/2")]
    rows = [row async for row in store.search(Question())]
    assert [(row.state, row.reason) for row in rows[:2]] == [(State.SUPPRESSED, OURS)] * 2
    assert (await audit(store, LATER)).balanced


async def test_what_we_write_about_another_brand_is_judged_like_anybodys(tmp_path: Path) -> None:
    weights = scales(load(configs.write(tmp_path, brands=OURS_TOML), {}))
    of = post("1", "Bolt lost my bag, the third time, nobody answers", author=Author(handle="acmeair"))
    (heard,) = weigh([of], weights, NOW)
    assert {mention.brand: mention.own for mention in heard.mentions} == {"Bolt Rail": False, "Acme Air": True}


def test_only_complaints_have_a_severity_in_the_memory(tmp_path: Path) -> None:
    weights = scales(load(configs.write(tmp_path), {}))
    of = post("1", "My aunt slipped on the wet stairs of Acme Air and broke her wrist. Nice view.", title="")
    alone = assess(of, weights.targets["Acme Air"], weights.rules)
    assert alone.verdict is not Verdict.COMPLAINT and alone.severity > 0
    ((kept,),) = [heard.mentions for heard in weigh([of], weights, NOW)]
    assert kept.assessment.verdict is alone.verdict and kept.assessment.severity == 0


REPORT = ReportBack(by="Dana Fox", outcome=Outcome.SOLVED, done="found the bag", remedy="taxi", evidence="t/1")


def wrote(id_: str, verdict: Verdict) -> Heard:
    """By the same author, and no complaint."""
    of = post(id_, "you found it", url=f"https://talk.example/{id_}", site="talk.example", author=MARTA)
    judged = assessment(verdict=verdict, severity=0, priority=None, complaint=0.1)
    return Heard(post=of, mentions=(route(of, "Acme Air", judged, ROWS, NOW),))


@pytest.mark.parametrize(
    ("verdict", "seen"), [(Verdict.PRAISE, "reads better"), (Verdict.QUESTION, "reads no better"), (Verdict.OTHER, "")]
)
async def test_what_the_author_writes_after_the_report_is_read_at_the_follow_up(
    store: Store, verdict: Verdict, seen: str
) -> None:
    await store.keep(batch(said("1", "my bag is gone")))
    await Desk(store).handle(1, REPORT, NOW)
    kept = await store.keep(batch(wrote("2", verdict), at=LATER, cursor={"n": 2}))
    assert kept.opened == () and kept.joined == bool(seen)
    case = replay(await store.timeline(1))
    assert case.status is Status.REPORTED, "that it helped is never assumed"
    assert seen in notices.seen(case) and ("not written since" in notices.seen(case)) is not bool(seen)
    assert (await audit(store, LATER)).balanced


async def test_what_reads_worse_after_the_report_opens_it_again_with_the_same_owner(store: Store) -> None:
    await store.keep(batch(said("1", "my bag is gone")))
    await Desk(store).handle(1, REPORT, NOW)
    await store.keep(batch(said("2", "and now they lied to me", severity=75), at=LATER, cursor={"n": 2}))
    case = replay(await store.timeline(1))
    assert (case.status, case.owner, case.due) == (Status.OPEN, "Dana Fox", LATER + ROWS["P2"].acknowledge)
    told = [one.notice.text for one in await store.claim(LATER, 50, timedelta(minutes=1))]
    assert any(text.startswith("Open again: the author wrote again, and it reads worse.") for text in told)
    assert (await audit(store, LATER)).balanced


async def test_a_customer_who_asks_while_they_wait_is_heard_by_who_has_their_case(store: Store) -> None:
    await store.keep(batch(said("1", "my bag is gone")))
    await store.keep(batch(wrote("2", Verdict.QUESTION), at=LATER, cursor={"n": 2}))
    told = [one.notice.text for one in await store.claim(LATER, 50, timedelta(minutes=1)) if one.notice.seq == 2]
    assert "The author wrote again. Read it before you answer. https://talk.example/2" in told


async def test_a_customer_comes_back_to_who_dealt_with_them_before(store: Store) -> None:
    await store.keep(batch(said("1", "Acme Air lost my cello.")))
    desk = Desk(store)
    await desk.handle(1, Acknowledge(by="Lee Park"), NOW)
    await desk.handle(1, Dismiss(by="Lee Park", reason="found it on the same day"), LATER)
    await store.keep(batch(said("2", "Acme Air lost my cello once more."), at=LATER))
    again = await desk.case(2)
    assert (again.owner, again.why) == ("Lee Park", "dealt with this customer before")
