"""What a saved search newly finds reaches a channel, a mailbox and a feed reader, once, and quotes nobody where it stays."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as xml

import pytest
from builders import NOW, batch, complaint, post, quiet
from conftest import Clock
from deskworld import Browser, DeskWorld, filled, opened
from fakes import Died
from letterbox import Mailbox, serving
from slackserver import TOKEN, Slack
from test_reading import settings

from escalation.courier import Courier
from escalation.notices import Kind
from escalation.slack.calls import connect, only
from escalation.slack.messenger import SlackMessenger
from listener import subscriptions
from listener.settings import Settings
from listener.storage.contract import Heard, Store, Way
from listener.web import access

MINUTE = timedelta(minutes=1)
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with serving() as box:
        yield box


@pytest.fixture
def house(tmp_path: Path, mailbox: Mailbox) -> Settings:
    url = f"smtp+plain://127.0.0.1:{mailbox.port}"
    return settings(tmp_path / "config", 'who = "Lee Park"', SMTP_URL=url, SMTP_FROM="post@example.com")


async def said(store: Store) -> list[str]:
    """What is owed to channels, in order."""
    owed = await store.claim(NOW + timedelta(days=9), 100, MINUTE)
    return [one.notice.text for one in owed if one.notice.kind is Kind.CHANNEL]


async def test_a_channel_is_told_once_of_what_is_new_and_of_nothing_older(store: Store, house: Settings) -> None:
    await store.keep(batch(complaint("old"), at=NOW - MINUTE))
    search = await store.save_search("fires", "caught fire", "Pia Roth", NOW)
    await store.subscribe(search, Way.CHANNEL, "C0CARE123", "Pia Roth", NOW)
    await store.keep(batch(complaint("p2"), complaint("p3"), at=NOW + MINUTE))
    assert await subscriptions.told(store, house, NOW + 9 * MINUTE) == 0  # ten minutes at most
    assert await subscriptions.told(store, house, NOW + 10 * MINUTE) == 1
    assert await subscriptions.told(store, house, NOW + 10 * MINUTE) == 0
    assert await subscriptions.told(store, house, NOW + 30 * MINUTE) == 0  # nothing new, nothing said
    [text] = await said(store)
    assert text.startswith("2 new for the saved search \u201cfires\u201d: 2 complaint, the worst of severity 80.")
    assert text.endswith("https://care.example.com/search?q=caught+fire") and "charger" not in text


async def test_a_channel_hears_once_though_the_process_dies_in_the_middle(
    store: Store, house: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saved, then heard, then said to Slack; the process dies before it notes so, once here and once there."""
    search = await store.save_search("fires", "caught fire", "Pia Roth", clock())
    await store.subscribe(search, Way.CHANNEL, "C0FIRES", "Pia Roth", clock())
    clock.forward(minutes=10)
    await store.keep(batch(Heard(post=post("n1", "Acme Air caught fire."), mentions=(quiet(),)), at=clock()))
    with monkeypatch.context() as dying, pytest.raises(Died):
        dying.setattr(store, "set_mark", died)
        await subscriptions.told(store, house, clock())
    assert await subscriptions.told(store, house, clock.forward(minutes=1)) == 1
    async with Slack(channels={"C0CARE", "C0FIRES"}) as slack:
        voice = SlackMessenger(only(connect(TOKEN, slack.api_url)), {"": "C0CARE"}, {}, clock, spacing=0.0)
        with monkeypatch.context() as dying, pytest.raises(Died):
            dying.setattr(store, "delivered", died)
            await Courier(store, voice).deliver(clock())
        for _ in range(3):
            await Courier(store, voice).deliver(clock.forward(minutes=11))
            await subscriptions.told(store, house, clock())
        [told] = [message for message in slack.messages if message["channel"] == "C0FIRES"]
    assert "1 new for the saved search \u201cfires\u201d: 1 praise." in told["text"]


async def died(*_: object) -> None:
    raise Died


async def test_a_post_that_fits_only_since_it_was_edited_is_told(store: Store, house: Settings) -> None:
    await store.keep(batch(Heard(post=post("e1", "A lovely day"), mentions=()), at=NOW - MINUTE))
    search = await store.save_search("fires", "caught fire", "Pia Roth", NOW)
    await store.subscribe(search, Way.CHANNEL, "C0CARE123", "Pia Roth", NOW)
    await store.keep(batch(complaint("p2"), at=NOW + MINUTE))
    edited = Heard(post=post("e1", "Acme Air caught fire."), mentions=(quiet(),))
    await store.keep(batch(edited, at=NOW + MINUTE))
    assert await subscriptions.told(store, house, NOW + 10 * MINUTE) == 1
    assert "2 new for the saved search" in (await said(store))[0]


async def test_a_mail_that_did_not_leave_is_tried_again_and_says_it_all(
    store: Store, house: Settings, mailbox: Mailbox
) -> None:
    search = await store.save_search("fires", "caught fire", "Lee Park", NOW)
    await store.subscribe(search, Way.MAIL, "Lee Park", "Lee Park", NOW)
    await store.keep(batch(complaint("p1"), at=NOW + MINUTE))
    mailbox.closed = True
    assert await subscriptions.told(store, house, NOW + 60 * MINUTE) == 0
    mailbox.closed = False
    assert await subscriptions.told(store, house, NOW + 61 * MINUTE) == 0  # not at once
    assert await subscriptions.told(store, house, NOW + 70 * MINUTE) == 1
    [letter] = mailbox.letters
    assert (letter["To"], letter["Subject"]) == ("lee@example.com", "1 new for \u201cfires\u201d")
    assert "charger" not in letter.as_string()


@pytest.fixture
async def world(store: Store, house: Settings, clock: Clock) -> AsyncIterator[DeskWorld]:
    await filled(store, clock())
    async with opened(store, house, clock) as here:
        yield here


async def test_a_feed_shows_what_the_search_finds_to_who_has_its_address_until_it_is_taken_back(
    world: DeskWorld,
) -> None:
    search = await world.store.save_search("fires", "fire", "Pia Roth", world.clock())
    async with await world.browser("Pia Roth") as pia, Browser(world.address) as reader:
        await pia.get("/search")
        page = await pia.send(f"/search/saved/{search}/tell", way="feed")
        address = page.text.partition('readonly value="')[2].partition('"')[0].removeprefix(world.address)
        assert address.startswith("/feed/") and address[6:] not in (await pia.get("/search")).text  # shown once
        answer = await reader.get(address)
        titles = [entry.findtext(f"{ATOM}title") for entry in xml.fromstring(answer.text).iter(f"{ATOM}entry")]
        assert len(titles) == 2 and all(title and title.startswith("Acme Air: complaint P1 80") for title in titles)
        assert "<script>" not in answer.text and "javascript:" not in answer.text
        assert (await reader.get(address, **{"If-None-Match": answer.headers["ETag"]})).status == 304
        rss = await reader.get(f"{address}?form=rss")
        assert len(list(xml.fromstring(rss.text).iter("item"))) == 2
        [one] = await world.store.subscriptions()
        await pia.send(f"/search/told/{one.id}/drop")
        assert (await reader.get(address)).status == 404


async def test_a_feed_gives_nothing_to_a_guess_and_nothing_once_its_maker_may_not(world: DeskWorld) -> None:
    search = await world.store.save_search("fires", "fire", "Dana Fox", world.clock())
    await world.store.subscribe(search, Way.FEED, access.hashed("secret", "feed"), "Dana Fox", world.clock())
    async with Browser(world.address) as stranger:
        assert (await stranger.get("/feed/secret")).status == 404  # an agent may take nothing out
        assert {(await stranger.get(f"/feed/guess{number}")).status for number in range(12)} == {404, 429}


async def test_what_cannot_be_told_is_said_with_its_mend(world: DeskWorld) -> None:
    search = await world.store.save_search("fires", "fire", "Pia Roth", world.clock())
    async with await world.browser("Pia Roth") as pia:
        await pia.get("/search")
        assert "no mail address" in (await pia.send(f"/search/saved/{search}/tell", way="mail")).text
        assert "id of the channel" in (await pia.send(f"/search/saved/{search}/tell", way="channel", to="#care")).text
        assert "no such saved search" in (await pia.send("/search/saved/99/tell", way="feed")).text
        await pia.send(f"/search/saved/{search}/tell", way="channel", to="C0CARE123")
        assert "Told in C0CARE123" in (await pia.get("/search")).text
    async with await world.browser("Dana Fox") as dana:
        await dana.get("/")
        assert (await dana.send(f"/search/saved/{search}/tell", way="feed")).status == 403
