"""Digests reach their readers at their own time, once, by Slack and by mail; a mail server that is down loses none."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import configs
import pytest
from builders import NOW, batch, complaint
from deskworld import PEOPLE
from letterbox import Mailbox, serving

from connectors.contract import Hearing
from listener.digest import Scope, compose
from listener.reading import due, send_due, summary
from listener.settings import Secret, Settings, load
from listener.storage.contract import Failure, Store
from listener.tables import ConfigError

HOUR = timedelta(hours=1)


def settings(directory: Path, digest: str, **env: str) -> Settings:
    main = f'{configs.FILES["listener.toml"]}[web]\nport = 0\npublic_url = "https://care.example.com"\n[digest]\n{digest}\n'
    return load(configs.write(directory, people=PEOPLE, listener=main), env)


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with serving() as box:
        yield box


def wanted(tmp_path: Path, mailbox: Mailbox, digest: str = 'who = "Lee Park"\nwhen = "08:00"') -> Settings:
    return settings(tmp_path, digest, SMTP_URL=f"smtp+plain://127.0.0.1:{mailbox.port}", SMTP_FROM="post@example.com")


async def test_a_digest_is_mailed_and_said_once(store: Store, tmp_path: Path, mailbox: Mailbox) -> None:
    given = wanted(tmp_path, mailbox)
    await store.keep(batch(complaint(text="<script>alert(1)</script> caught fire", title="")))
    eight = NOW + timedelta(days=1, hours=-5)
    assert [await send_due(given, store, eight + n * HOUR) for n in range(3)] == [1, 0, 0]
    [letter] = mailbox.letters
    assert (letter["To"], letter["From"], letter["Auto-Submitted"]) == (
        "lee@example.com",
        "post@example.com",
        "auto-generated",
    )
    subject = " ".join(letter["Subject"].split())
    assert subject == "Listening Post: 1 complaint, 1 case open, 1 overdue, 0 promises missed"
    plain, html = letter.iter_parts()
    assert plain.get_content_type() == "text/plain" and "Cases: 1 opened" in plain.get_content()
    assert "https://care.example.com/cases/1" in html.get_content()
    assert not [word for word in ("caught fire", "alert", "marta") if word in plain.get_content() + html.get_content()]
    owed = [one.notice for one in await store.claim(eight + HOUR, 50, HOUR)]
    [told] = [notice for notice in owed if notice.text.startswith("Your digest")]
    assert told.to == "Lee Park" and "https://care.example.com/digest?since=2026-05-04" in told.text


async def test_a_mail_server_that_is_down_is_said_once_and_tried_again(
    store: Store, tmp_path: Path, mailbox: Mailbox
) -> None:
    given, eight = wanted(tmp_path, mailbox), NOW + timedelta(days=1, hours=-5)
    mailbox.closed = True
    assert [await send_due(given, store, eight + n * HOUR) for n in range(3)] == [0, 0, 0]
    mailbox.closed = False
    assert await send_due(given, store, eight + 4 * HOUR) == 1
    texts = [one.notice.text for one in await store.claim(eight + 5 * HOUR, 50, HOUR)]
    assert len(texts) == 2 and "could not be mailed: 127.0.0.1" in texts[0]


async def test_a_letter_that_leaves_twice_after_a_crash_is_known_as_one(
    store: Store, tmp_path: Path, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, eight = wanted(tmp_path, mailbox), NOW + timedelta(days=1, hours=-5)

    async def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(store, "done", killed)
        await send_due(given, store, eight)
    await send_due(given, store, eight + HOUR)
    first, second = mailbox.letters
    assert first["Message-ID"] == second["Message-ID"] and first["Message-ID"].startswith("<digest-")


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ("2026-05-04T06:59", []),  # Lisbon is an hour ahead
        ("2026-05-04T07:00", ["2026-05-04T07:00"]),
        ("2026-05-04T18:59", ["2026-05-04T07:00"]),
        ("2026-05-04T19:00", []),  # too late: tomorrow's says it
        ("2026-10-26T08:00", ["2026-10-26T08:00"]),  # after the clocks were set back
    ],
)
def test_the_readers_own_clock_decides(tmp_path: Path, now: str, told: list[str]) -> None:
    given = settings(tmp_path, 'who = ["Lee Park"]')
    people = tuple(replace(one, timezone="Europe/Lisbon") for one in given.people)
    found = due(replace(given, people=people), datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert [f"{one.due:%Y-%m-%dT%H:%M}" for one in found] == told


def test_once_a_week_covers_a_week(tmp_path: Path) -> None:
    given = settings(tmp_path, 'who = ["Sam Ortiz"]\nwhen = ["Mon 08:00"]')
    [one] = due(given, NOW)
    assert (one.due, one.since) == (NOW.replace(hour=8), NOW.replace(hour=8) - timedelta(days=7))
    assert list(due(given, NOW + timedelta(days=1))) == []


async def test_nothing_to_report_is_one_line_and_never_when_we_were_deaf(store: Store) -> None:
    await store.keep(batch())
    assert summary(await compose(store, NOW, NOW)) == "nothing to report, and everything was heard"
    later = await compose(store, NOW + HOUR, NOW + 2 * HOUR, Scope(sources=["blog"]))
    assert later.silent == ("blog",) and not later.empty, "nobody listened in that hour"
    await store.keep_failure(
        Failure(source="x", at=NOW, error="503", hearing=Hearing.NOT_REACHABLE, next_poll=NOW, told_silent=False)
    )
    assert summary(await compose(store, NOW - HOUR, NOW)).endswith("; not everything could be heard")


@pytest.mark.parametrize(
    ("digest", "env", "said"),
    [
        ('who = ["Nobody"]', {}, '"Nobody" is not known'),
        ('brands = ["Bolt"]', {}, '"Bolt" is not known'),
        ('when = "at eight"', {}, "is not a time"),
        ('when = ["Day 08:00"]', {}, "is not a time"),
        ("", {"SMTP_URL": "mail.example.com"}, "SMTP_URL"),
        ("", {"SMTP_URL": "smtp://mail.example.com"}, "SMTP_FROM"),
    ],
)
def test_a_mistake_is_said_with_its_mend(tmp_path: Path, digest: str, env: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        settings(tmp_path, digest, **env)


def test_the_password_shows_itself_nowhere(tmp_path: Path) -> None:
    given = settings(tmp_path, "", SMTP_URL="smtp://me:hush%40hush@mail.example.com", SMTP_FROM="a@example.com")
    assert given.digests.mail.password == Secret("hush@hush")
    assert "hush" not in repr(given)
