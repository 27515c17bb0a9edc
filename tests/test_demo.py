"""The demo is a proof, not a show: the story is played once, and held to what it claims."""

import asyncio
import io
import re
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner
from rich.console import Console

from connectors.feed_parse import parse
from escalation.case import replay
from listener.cli import main
from listener.demo import config, live, story
from listener.demo.pages import Entry, atom, comment_feed, json_feed, rss
from listener.demo.story import DANA, LEE, SAM, StoryResult
from listener.demo.telling import StoryBroken
from listener.demo.world import created, served
from listener.settings import load
from listener.storage.contract import State
from listener.tables import ConfigError

NOW = datetime(2026, 5, 4, 13, 0, tzinfo=UTC)
_called: list[object] = []
_listening = [False]


def _note_calls(event: str, args: tuple[object, ...]) -> None:
    if _listening[0] and event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        _called.append(args[0] if event == "socket.getaddrinfo" else args[1])


sys.addaudithook(_note_calls)


@pytest.fixture(scope="module")
def told() -> Iterator[tuple[StoryResult, str, list[object]]]:
    """What the story came to, what was printed, and every address that was called."""
    page = io.StringIO()
    _called.clear()
    _listening[0] = True
    try:
        result = asyncio.run(story.play(Console(file=page, width=100, highlight=False)))
    finally:
        _listening[0] = False
    yield result, page.getvalue(), list(_called)


def test_the_case_lives_through_every_step_in_order(told: tuple[StoryResult, str, list[object]]) -> None:
    timeline = told[0].timeline
    assert [type(event).__name__ for event in timeline] == [
        "Opened",
        "Escalated",
        "Acknowledged",
        "Promised",
        "Warned",
        "Missed",
        "Erased",
        "ReportedBack",
        "FollowUpDue",
        "FollowedUp",
    ]
    assert sorted(timeline, key=lambda event: event.at) == list(timeline)


def test_it_has_one_owner_at_every_instant(told: tuple[StoryResult, str, list[object]]) -> None:
    timeline = told[0].timeline
    owners = [replay(timeline[: length + 1]).owner for length in range(len(timeline))]
    assert owners == [DANA] + [LEE] * (len(timeline) - 1)


def test_the_lead_is_told_of_the_missed_promise_once(told: tuple[StoryResult, str, list[object]]) -> None:
    assert told[1].count(f"→ {SAM}") == 1


def test_nothing_is_heard_twice(told: tuple[StoryResult, str, list[object]]) -> None:
    result, _, _ = told
    assert result.new[0] > 10
    assert set(result.new[1:]) == {0}
    said = [(row.brand, row.source, row.url) for row in result.mentions if row.state is not State.ERASED]
    assert len(said) == len(set(said))


def test_what_has_not_changed_is_not_sent_again(told: tuple[StoryResult, str, list[object]]) -> None:
    assert told[0].answers[304] >= 4


def test_the_accounts_balance(told: tuple[StoryResult, str, list[object]]) -> None:
    report = told[0].audit
    assert (report.findings, report.balance.owed, report.balance.undeliverable) == ((), 0, 0)


def test_nobody_but_the_demos_own_world_is_called(told: tuple[StoryResult, str, list[object]]) -> None:
    called = {host[0] if isinstance(host, tuple) else host for host in told[2]}
    assert called == {"127.0.0.1"}


def test_it_reads_well_in_a_pipe(told: tuple[StoryResult, str, list[object]]) -> None:
    lines = told[1].splitlines()
    assert "\x1b" not in told[1]
    assert max(map(len, lines)) <= 100


def test_a_deleted_text_is_not_shown_once_it_is_gone(told: tuple[StoryResult, str, list[object]]) -> None:
    before, _, after = told[1].partition("deletes her article")
    assert "charger" in before
    assert "charger" not in after


def test_every_step_is_stamped_with_the_storys_own_hour(told: tuple[StoryResult, str, list[object]]) -> None:
    hours = re.findall(r"^(\w{3}) (\d\d:\d\d) UTC  ", told[1], re.MULTILINE)
    assert hours[0] == ("Mon", "13:00")
    assert hours == sorted(hours) and hours[-1][0] == "Tue"


def test_a_story_that_does_not_hold_says_so_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "CELLO", "Acme Air took such good care of my cello. Thank you.")
    ended = CliRunner().invoke(main, ["demo", "--headless"])
    assert ended.exit_code == 1
    assert "the story expects the changed article to be a complaint now" in ended.stderr
    assert "audit:" not in ended.stdout


def test_a_refusal_that_does_not_come_breaks_the_story(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "SORRY", "We drove to her with the money")
    with pytest.raises(StoryBroken, match="was granted what the story says is refused"):
        asyncio.run(story.play(Console(file=io.StringIO(), width=100)))


def test_the_configuration_is_a_complete_and_ordinary_one(tmp_path: Path) -> None:
    config.write(tmp_path, "http://127.0.0.1:8000", config.AS_IN_LIFE)
    settings = load(tmp_path, {})
    assert [brand.name for brand in settings.brands] == ["Acme Air", "Larkspur"]
    assert {source.kind for source in settings.sources} == {"feed", "replay"}
    assert settings.allow_private == {"127.0.0.1:8000"}  # this port, and no other
    assert settings.policies["care"]["P1"].ladder[-1] == SAM


def test_somebodys_own_configuration_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "people.toml").write_text("mine")
    with pytest.raises(ConfigError, match=r"people\.toml: is in .* already; .* empty directory"):
        config.write(tmp_path, "http://127.0.0.1:8000", config.QUICK)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("people.toml", "mine")]


def test_slack_needs_a_channel_and_says_what_is_missing() -> None:
    token = {"SLACK_BOT_TOKEN": "xoxb-1"}
    assert config.voice({}) == config.Voice()
    assert "SLACK_CHANNEL" in config.voice(token).remarks[0]
    assert config.voice(token).channel == ""
    half = config.voice({**token, "SLACK_CHANNEL": "C01"})
    assert [word in " ".join(half.remarks) for word in ("SLACK_APP_TOKEN", "SLACK_MEMBERS")] == [True, True]
    whole = {**token, "SLACK_CHANNEL": "C01", "SLACK_APP_TOKEN": "xapp-1", "SLACK_MEMBERS": "U01, U02"}
    assert config.voice(whole) == config.Voice(channel="C01", members=("U01", "U02"))


def test_slack_settings_reach_the_configuration(tmp_path: Path) -> None:
    config.write(tmp_path, "http://127.0.0.1:1", config.QUICK, config.Voice(channel='C"01', members=("U01",)))
    settings = load(tmp_path, {"SLACK_BOT_TOKEN": "xoxb-1"})
    assert dict(settings.slack.channels) == {"": 'C"01'}
    assert [person.slack for person in settings.people] == ["U01", "", ""]


@pytest.mark.parametrize("write", [rss, atom, json_feed])
def test_each_form_of_feed_says_the_same_of_its_articles(write: object) -> None:
    blog = created(NOW).blogs["wander"]
    blog.write(Entry(id="odd", title="A < B & ]]>", author="O'Neil", text='<b>"bold"</b> & more', at=NOW))
    body = write(blog, "http://127.0.0.1/wander").encode()  # type: ignore[operator]
    feed = parse(body, "", "http://127.0.0.1/wander/feed")
    assert [(item.title, item.author, item.published) for item in feed.items] == [
        (entry.title, entry.author, entry.at) for entry in blog.entries
    ]
    assert [item.link for item in feed.items] == [f"http://127.0.0.1/wander/{entry.id}" for entry in blog.entries]


def test_the_blogs_comment_feed_holds_the_same_comments_as_those_of_its_articles() -> None:
    blog = created(NOW).blogs["wander"]
    whole = parse(comment_feed(blog.entries, "http://h/w").encode(), "", "http://h/w")
    single = [
        item for entry in blog.entries for item in parse(comment_feed([entry], "http://h/w").encode(), "", "").items
    ]
    assert sorted(item.id for item in whole.items) == sorted(item.id for item in single)
    assert len(whole.items) == 3


async def test_the_world_answers_as_blogs_do() -> None:
    async with served(created(NOW)) as world, aiohttp.ClientSession(world.address) as session:
        first = await session.get("/wander/feed/")
        known = {"If-None-Match": first.headers["ETag"]}
        dated = {"If-Modified-Since": first.headers["Last-Modified"]}
        assert first.status == 200
        assert [(await session.get("/wander/feed/", headers=asked)).status for asked in (known, dated)] == [304, 304]
        world.blogs["wander"].delete("smoke", NOW + timedelta(minutes=1))
        assert [(await session.get("/wander/feed/", headers=asked)).status for asked in (known, dated)] == [200, 200]
        gone = [(await session.get(path)).status for path in ("/wander/smoke", "/wander/smoke/feed/", "/none/feed/")]
        assert gone == [404, 404, 404]


class Page(io.StringIO):
    """Something to print on that says when a text has appeared."""

    def __init__(self, awaited: str) -> None:
        super().__init__()
        self.awaited, self.seen = awaited, asyncio.Event()

    def write(self, text: str, /) -> int:
        written = super().write(text)
        if self.awaited in self.getvalue():
            self.seen.set()
        return written


async def test_live_hears_what_people_go_on_writing_and_ends_when_asked(tmp_path: Path) -> None:
    page, stop = Page("Gate 9, again"), asyncio.Event()
    running = asyncio.create_task(live(Console(file=page, width=100), stop, tmp_path / "new", pause=0))
    await asyncio.wait_for(page.seen.wait(), 30)
    stop.set()
    await running
    assert f"export LISTENER_CONFIG={tmp_path / 'new'}" in page.getvalue()
    assert page.getvalue().rstrip().endswith("keeps its database.")
    assert load(tmp_path / "new", {}).policies["care"]["P1"].acknowledge == timedelta(seconds=20)


def test_everything_that_is_still_to_come_has_a_blog_to_be_written_in() -> None:
    blogs = created(NOW).blogs
    coming = tomllib.loads(config.text("coming.toml"))["post"]
    assert len(coming) >= 8
    assert {told["blog"] for told in coming} <= blogs.keys()


def test_the_story_keeps_nothing_and_says_so_when_asked_to(tmp_path: Path) -> None:
    for arguments in (["--headless"], []):  # a test has no terminal, so both would play the story
        refused = CliRunner().invoke(main, ["demo", *arguments, "--config", str(tmp_path / "mine")])
        assert refused.exit_code == 2 and "keeps nothing" in refused.stderr
    assert not (tmp_path / "mine").exists()
