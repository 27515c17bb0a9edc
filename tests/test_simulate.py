"""What another ladder or clock would have made of the past, lived by the core itself at the pace of people then."""

from datetime import timedelta
from pathlib import Path

import configs
from builders import NOW, batch, complaint, policy, subject

from connectors.post import Author
from escalation.commands import Acknowledge, Answer
from escalation.desk import Desk
from escalation.policy import Policy
from listener.settings import load
from listener.simulate import Pace, lived, paced, simulate
from listener.storage.contract import Opening, Question, Store

MINUTE = timedelta(minutes=1)


def told(rules: Policy, pace: Pace) -> list[tuple[str, str]]:
    """To whom, because of what."""
    about = Opening(subject=subject(created=NOW), policy=rules)
    return [(notice.to, type(event).__name__) for notice, event, _ in lived(about, NOW, pace, NOW + timedelta(days=9))]


def test_the_next_one_up_is_told_until_somebody_took_it_then() -> None:
    slow = Pace(acknowledged=12 * MINUTE, answered=20 * MINUTE)
    assert told(policy(), slow) == [("Dana Fox", "Opened"), ("Lee Park", "Escalated"), ("Sam Ortiz", "Escalated")]
    assert told(policy(acknowledge=15 * MINUTE), slow) == [("Dana Fox", "Opened")]
    assert told(policy(), Pace()) == [("Dana Fox", "Opened")]


def test_what_is_still_to_come_is_nobodys_call() -> None:
    never, about = Pace(None, None), Opening(subject=subject(created=NOW), policy=policy())
    assert [notice.to for notice, _, _ in lived(about, NOW, never, NOW + 7 * MINUTE)] == ["Dana Fox", "Lee Park"]


def test_the_first_reply_is_waited_for_by_its_own_clock() -> None:
    late = Pace(acknowledged=MINUTE, answered=50 * MINUTE)
    rules = policy(first_reply=30 * MINUTE)
    assert told(rules, late)[1:] == [
        *[("Dana Fox", "ReplyDue")],
        *[("Lee Park", "Missed"), ("Dana Fox", "Missed")],
        *[("Sam Ortiz", "Missed"), ("Dana Fox", "Missed")],
    ]
    assert told(rules, Pace(acknowledged=MINUTE, answered=20 * MINUTE)) == [("Dana Fox", "Opened")]


async def test_the_pace_is_that_of_the_timeline(store: Store) -> None:
    await store.keep(batch(complaint()))
    desk = Desk(store)
    await desk.handle(1, Acknowledge(by="Dana Fox"), NOW + 3 * MINUTE)
    await desk.handle(1, Answer(by="Dana Fox"), NOW + 9 * MINUTE)
    assert paced(await store.timeline(1)) == Pace(acknowledged=3 * MINUTE, answered=9 * MINUTE)


async def test_who_is_left_alone_till_morning_is_not_woken_and_who_is_called_is_named(
    store: Store, tmp_path: Path
) -> None:
    people = (
        '[[person]]\nname = "Dana Fox"\ntimezone = "America/Toronto"\nhours = "Mon-Fri 09:00-17:00"\n'
        + "[policy.care]\n"
        + "".join(f'P{n} = {{ acknowledge = "5m", report = "2h", ladder = ["Dana Fox"] }}\n' for n in (1, 2, 3, 4))
    )
    settings = load(configs.write(tmp_path, people=people), {})
    night = NOW.replace(hour=7)  # three in the morning in Toronto
    said = {"P1": "The Acme Air charger caught fire, my daughter is in hospital.", "P3": "Acme Air lost my bag, angry."}
    for number, text in enumerate(said.values()):
        heard = complaint(f"p{number}", text=text, created=night, author=Author(handle=f"a{number}"))
        await store.keep(batch(heard, cursor={"n": number}))
    calls = (await simulate(store, store.search(Question()), settings, settings, NOW + timedelta(days=9))).calls_after
    assert {waking.priority for waking in calls.wakings} == {"P1"} and calls.woken["Dana Fox"] >= 1
    assert calls.hours[9] >= 1, "the other one in the morning"


async def test_two_brands_of_one_post_are_judged_as_they_were_heard(store: Store, tmp_path: Path) -> None:
    brands = "".join(
        f'[[brand]]\nname = "{name}"\nquery = "{name.split()[0].lower()}"\npolicy = "care"\n'
        for name in ("Acme Air", "Bolt Rail")
    )
    settings = load(configs.write(tmp_path, brands=brands), {})
    heard = complaint(text="Acme Air lost my bag and nobody answers. Bolt Rail was wonderful, thank you.")
    await store.keep(batch(heard))
    found = await simulate(store, store.search(Question()), settings, settings, NOW + timedelta(days=9))
    assert (found.mentions, found.before, found.after, found.changes) == (1, 1, 1, [])
    assert found.calls_before.times == found.calls_after.times and found.calls_after.hours
