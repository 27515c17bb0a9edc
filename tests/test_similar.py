"""What was done before: in similar cases, for the same customer, with the guard's advice."""

from datetime import timedelta
from pathlib import Path

import pytest
from builders import NOW, batch, mention, post
from click.testing import CliRunner
from configs import write

from connectors.post import Author
from escalation import guard, outreach
from escalation.case import Case
from escalation.commands import Acknowledge, FollowUp, ReportBack, compensation
from escalation.desk import Desk
from escalation.events import Outcome, Result
from listener.cli import main
from listener.digest import compose
from listener.one_voice import whisper
from listener.similar import similar, told
from listener.storage.contract import Heard, Store

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def opens(store: Store, number: int, brand: str = "Acme Air", **given: object) -> Case:
    of = post(f"p{number}", f"matter {number}", author=Author(handle=f"a{number}"))
    given = {"customer": f"blog.example {number}", "story": "", "thread": "", **given}
    kept = await store.keep(batch(Heard(post=of, mentions=(mention(of, brand, **given),)), at=NOW))
    return await Desk(store).case(kept.opened[0])


async def ends(store: Store, case: Case, gave: str, result: Result | None) -> None:
    desk, by = Desk(store), case.owner
    done = {"outcome": Outcome.SOLVED, "done": "rang her", "remedy": "a new charger", "evidence": "t/1"}
    await desk.handle(case.id, ReportBack(by=by, compensation=compensation(gave), **done), NOW + HOUR)
    if result:
        await desk.handle(case.id, FollowUp(by=by, result=result), NOW + 2 * HOUR)


async def test_similar_cases_say_what_was_offered_and_how_that_ended(store: Store) -> None:
    for number, gave, result in ((1, "refund 80 EUR", Result.VERIFIED), (2, "voucher", Result.WORSE), (3, "", None)):
        await ends(store, await opens(store, number), gave, result)
    for number, given in ((4, {"severity": 20}), (5, {"cause": "staff"}), (6, {"brand": "Acme Rail"})):
        await ends(store, await opens(store, number, **given), "jet 1 EUR", Result.VERIFIED)  # type: ignore[arg-type]
    await opens(store, 7)
    now = await opens(store, 8, severity=75)
    found = await similar(store, now, NOW + DAY)
    assert [(one.case, one.offered, one.result) for one in found] == [
        (3, "a new charger", None),
        (1, "refund 80 EUR", Result.VERIFIED),
    ], "what got worse is open again and has not ended"
    assert told(found)[0] == (
        "2 similar cases in 90 days: offered nothing that can be counted (1), refund (1); then not checked yet (1), verified (1)."
    )
    assert not await similar(store, now, NOW + 91 * DAY) and told(()) == ()


async def test_newest_first_and_no_more_than_asked_for(store: Store) -> None:
    for number in range(1, 6):
        await ends(store, await opens(store, number), "voucher", Result.VERIFIED)
    assert await store.similar("Acme Air", "safety", (80, 80), since=NOW, limit=3) == (5, 4, 3)
    assert await store.similar("Acme Air", "safety", (81, 99), since=NOW, limit=3) == ()


async def test_who_takes_a_case_is_told_who_answers_that_customer_already_of_whatever_brand(store: Store) -> None:
    desk = Desk(store)
    first = await opens(store, 1, customer="x.com 42")
    other = await opens(store, 2, brand="Acme Rail", customer="x.com 42")
    stranger = await opens(store, 3, customer="x.com 43")
    assert await whisper(store, other, "Lee Park") == "", "nobody has begun"
    await desk.handle(first.id, Acknowledge(by="Dana Fox"), NOW)
    assert await whisper(store, other, "Lee Park") == (
        "This customer is being answered already: Dana Fox in case 1 (Acme Air). Agree on who writes, so that they hear one voice."
    )
    assert await whisper(store, other, "Dana Fox") == "", "it is their own other case"
    assert await whisper(store, stranger, "Lee Park") == ""
    await ends(store, await desk.case(first.id), "", None)
    assert await whisper(store, other, "Lee Park") == "", "reported back"


async def test_the_guard_remembers_which_advice_was_taken(store: Store) -> None:
    draft = "We apologize for any inconvenience. You should have read the terms."
    found = guard.review(draft, promised=True)
    choices = guard.chosen(found, "Sorry that your bag stayed behind. YOU should  have read the terms.")
    assert dict(choices) == {"canned apology": True, "blame": False}
    await store.guarded(choices, NOW)
    await store.guarded((("blame", True),), NOW + HOUR)
    assert await store.guard_choices(NOW, NOW + DAY) == {"blame": (1, 1), "canned apology": (1, 0)}
    assert await store.guard_choices(NOW + HOUR, NOW + DAY) == {"blame": (1, 0)}
    assert (await compose(store, NOW, NOW + DAY)).advice == {"blame": (1, 1), "canned apology": (1, 0)}


def test_the_command_remembers_it_too(tmp_path: Path) -> None:
    config = ["--config", str(write(tmp_path))]
    said = CliRunner().invoke(main, ["guard", "We apologize for any inconvenience.", "--sent", "Sorry.", *config])
    assert said.exit_code == 0, said.output
    digest = CliRunner().invoke(main, ["digest", "--json", *config])
    assert '"canned apology": [' in digest.output, digest.output


@pytest.mark.parametrize(
    ("site", "url", "link"),
    [
        ("x.com", "https://x.com/marta/status/1234567890", "https://x.com/intent/post?in_reply_to=1234567890"),
        ("twitter.com", "https://twitter.com/m/status/12/photo/1", "https://x.com/intent/post?in_reply_to=12"),
        ("x.com", "https://x.com/marta", "https://x.com/marta"),
        ("blog.example", "https://blog.example/status/12", "https://blog.example/status/12"),
        ("reddit.com", "https://www.reddit.com/r/a/comments/x1/y/z2/", "https://www.reddit.com/r/a/comments/x1/y/z2/"),
        ("bsky.app", "https://bsky.app/profile/m.example/post/3k", "https://bsky.app/profile/m.example/post/3k"),
        ("blog.example", "javascript:alert(1)", ""),
        ("blog.example", "", ""),
    ],
)
def test_where_a_person_answers_as_themselves(site: str, url: str, link: str) -> None:
    assert outreach.answer_link(site, url) == link
