"""The web desk over real connections: who gets in, what each may do, and that a stranger's words stay words."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from builders import NOW, batch, complaint
from conftest import Clock
from deskworld import Browser, DeskWorld, filled, opened, settings
from lxml import html

from escalation.case import Status, replay
from escalation.commands import ReportBack
from escalation.desk import Desk
from escalation.events import Outcome
from listener.settings import Role
from listener.storage.contract import Store
from listener.tables import ConfigError
from listener.web import access, live
from listener.web.app import DOORS
from listener.web.serving import invitation


@pytest.fixture
async def world(
    store: Store, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[DeskWorld]:
    monkeypatch.setattr(live, "EVERY", 0.02)
    await filled(store, clock())
    async with opened(store, settings(tmp_path / "config"), clock) as here:
        yield here


def path_of(door: object) -> str:
    path = str(door.path)  # type: ignore[attr-defined]
    return path.replace("{id}", "1").replace("{action}", "note").replace("{form}", "csv")


# Who gets in


async def test_without_a_session_nothing_is_shown_and_nothing_is_done(world: DeskWorld) -> None:
    async with Browser(world.address) as stranger:
        for door in DOORS:
            answer = await (
                stranger.get(path_of(door), follow=False)
                if door.method == "GET"
                else stranger.send(path_of(door), follow=False, text="hello")
            )
            told = answer.headers.get("location", "")
            assert (answer.status, told) in ((303, "/sign-in"), (401, "")), door
            assert "Acme" not in answer.text


async def test_a_link_lets_one_person_in_once(world: DeskWorld) -> None:
    said = await invitation(world.settings, world.store, world.address, world.clock(), "Dana Fox")
    way = said.partition(world.address)[2]
    async with Browser(world.address) as dana, Browser(world.address) as thief:
        assert "Dana Fox" in (await dana.get(way)).text
        assert (await dana.get(way)).status == 200, "looking at a link spends nothing"
        assert "My cases" in (await dana.send(way, name="Dana Fox")).text
        stolen = await thief.send(way, name="Dana Fox")
        assert stolen.status == 403 and "spent" in stolen.text
        assert "My cases" not in (await thief.get("/")).text


async def test_a_link_for_one_person_is_nobody_elses(world: DeskWorld) -> None:
    token = await access.new_link(world.store, "Dana Fox", world.clock())
    async with Browser(world.address) as other:
        assert (await other.send(f"/enter/{token}", name="Sam Ortiz")).status == 422
        assert (await other.get("/", follow=False)).status == 303


async def test_a_link_grows_old_and_guessing_is_slowed(world: DeskWorld, clock: Clock) -> None:
    token = await access.new_link(world.store, "Dana Fox", world.clock())
    clock.forward(minutes=31)
    async with Browser(world.address) as late:
        assert (await late.send(f"/enter/{token}", name="Dana Fox")).status == 403
        tries = [(await late.get(f"/enter/{number}")).status for number in range(12)]
        assert tries[-1] == 429 and tries[0] == 403


async def test_a_session_ends_by_time_by_hand_and_from_elsewhere(world: DeskWorld, clock: Clock) -> None:
    async with await world.browser("Dana Fox") as here, await world.browser("Dana Fox") as there:
        assert (await here.get("/", follow=False)).status == 200
        assert "Sign in" in (await here.send("/sign-out")).text
        assert (await here.get("/", follow=False)).status == 303
        assert (await there.get("/", follow=False)).status == 200
        assert await world.store.drop_passes(person="Dana Fox") == 1
        assert (await there.get("/", follow=False)).status == 303
    async with await world.browser("Dana Fox") as again:
        clock.forward(hours=13)
        assert (await again.get("/", follow=False)).status == 303


async def test_a_session_of_somebody_who_left_people_toml_opens_nothing(world: DeskWorld) -> None:
    token = await access.new_session(world.store, "Gone Girl", world.clock())
    async with Browser(world.address, token) as gone:
        assert (await gone.get("/", follow=False)).status == 303


async def test_a_links_token_is_no_session_and_a_session_no_link(world: DeskWorld) -> None:
    link = await access.new_link(world.store, "Dana Fox", world.clock())
    session = await access.new_session(world.store, "Dana Fox", world.clock())
    assert await access.visitor(world.store, world.settings, link, world.clock()) is None
    assert await access.spend_link(world.store, session, world.clock()) is None


async def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(world: DeskWorld) -> None:
    token = await access.new_link(world.store, "Dana Fox", world.clock())
    async with Browser(world.address) as dana:
        answer = await dana.send(f"/enter/{token}", name="Dana Fox", follow=False)
    [cookie] = answer.headers.getall("set-cookie")
    assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Max-Age=43200"))


# What each may do

MAY = {
    "Dana Fox": {"/": 200, "/board": 200, "/digest": 403, "/raise": 200, "/search/export/csv": 403},
    "Lee Park": {"/": 200, "/board": 200, "/digest": 200, "/raise": 200, "/search/export/csv": 200},
    "Sam Ortiz": {"/": 200, "/board": 200, "/digest": 200, "/raise": 403, "/search/export/csv": 200},
    "Pia Roth": {"/": 200, "/board": 200, "/digest": 200, "/raise": 403, "/search/export/csv": 200},
}


@pytest.mark.parametrize("name", MAY)
async def test_each_role_sees_its_pages_and_no_others(world: DeskWorld, name: str) -> None:
    async with await world.browser(name) as person:
        assert {path: (await person.get(path)).status for path in MAY[name]} == MAY[name]


async def test_who_may_not_work_sees_no_form_and_sends_none(world: DeskWorld) -> None:
    async with await world.browser("Sam Ortiz") as executive:
        assert (await executive.get("/cases/3")).actions(3) == []
        refused = await executive.send("/cases/3/acknowledge")
    assert refused.status == 403
    assert replay(await world.store.timeline(3)).status is Status.OPEN


def test_every_role_is_allowed_something_and_no_act_is_everybodys_by_mistake() -> None:
    assert all(any(role in roles for roles in access.ALLOWED.values()) for role in Role)
    assert access.ALLOWED.keys() == set(access.Act)
    nobody = access.Visitor(name="x", timezone="UTC", roles=frozenset(), token="t")
    assert not any(nobody.may(act) for act in access.Act)


# Forged, foreign, hostile


async def test_a_forged_form_does_nothing(world: DeskWorld) -> None:
    async with await world.browser("Dana Fox") as dana, await world.browser("Lee Park") as lee:
        await lee.get("/cases/3")
        for csrf in ("", "0" * 64, lee.csrf):
            assert (await dana.send("/cases/3/acknowledge", csrf=csrf)).status == 403
        await dana.get("/cases/3")
        dana.http.headers["Sec-Fetch-Site"] = "cross-site"
        assert (await dana.send("/cases/3/acknowledge")).status == 403
    assert replay(await world.store.timeline(3)).status is Status.OPEN


async def test_a_host_name_that_is_not_ours_is_refused(world: DeskWorld) -> None:
    async with await world.browser("Dana Fox") as dana:
        assert (await dana.get("/", Host="rebound.example")).status == 421
        assert (await dana.get("/", Host="localhost:8080")).status == 200


SCRIPTS = {"/static/desk.js"}


def scripts(page: str) -> set[str]:
    """Everything in a page that could run or style: the addresses of scripts, and what should not be there."""
    parts = list(html.fromstring(page).iter())
    inline = {name for part in parts for name in part.attrib if name.startswith("on") or name == "style"}
    return inline | {part.get("src", "inline") for part in parts if part.tag == "script"}


async def test_every_answer_has_its_headers_and_runs_no_script_of_the_page(world: DeskWorld) -> None:
    async with await world.browser("Lee Park") as lee:
        for path in (
            "/",
            "/cases/1",
            "/board",
            "/search?q=acme",
            "/digest",
            "/nowhere",
            "/static/desk.css",
            "/sign-in",
        ):
            answer = await lee.get(path)
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy and "unsafe" not in policy, path
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert path.startswith(("/static", "/nowhere")) or scripts(answer.text) == SCRIPTS, path


async def test_a_strangers_markup_stays_text_everywhere(world: DeskWorld) -> None:
    async with await world.browser("Lee Park") as lee:
        for path in ("/", "/cases/3", "/board", "/search?q=charger", "/digest", "/trends", "/search/thread/3"):
            text = (await lee.get(path)).text
            assert "<script>alert" not in text and "<img src=x" not in text, path
            assert "javascript:" not in text and "\u202e" not in text, path
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in (await lee.get("/cases/3")).text


async def test_a_form_longer_than_any_of_ours_is_not_read(world: DeskWorld) -> None:
    async with await world.browser("Dana Fox") as dana:
        await dana.get("/cases/3")
        assert (await dana.send("/cases/3/note", text="x" * 100_000)).status == 403
        await dana.get("/cases/3")
        assert (await dana.send("/cases/3/note", text="tell\r\nher\0")).status == 200
    assert replay(await world.store.timeline(3)).seq == 2


@pytest.mark.parametrize("path", ["/cases/9", "/cases/9999999999999999999999", "/cases/x", "/cases/1%00", "/nowhere"])
async def test_what_is_not_there_is_said_so(world: DeskWorld, path: str) -> None:
    async with await world.browser("Dana Fox") as dana:
        assert (await dana.get(path)).status == 404


# Work


async def test_a_case_is_taken_promised_reported_and_followed_up(world: DeskWorld, clock: Clock) -> None:
    async with await world.browser("Dana Fox") as dana:
        page = await dana.get("/cases/3")
        assert page.actions(3)[0] == "acknowledge"
        due = "2026-05-04T12:30"  # Toronto's wall clock
        taken = await dana.send("/cases/3/acknowledge", what="ring her", due=due)
        assert "It is yours." in taken.text and "Mon 04 May 12:30 EDT" in taken.text
        done = {
            "outcome": "solved",
            "done": "Rebooked her",
            "remedy": "a refund",
            "evidence": "T-4711",
            "gave": "refund 80 EUR",
        }
        assert "Reported back." in (await dana.send("/cases/3/report", **done)).text
        assert "Saved." in (await dana.send("/cases/3/follow_up", result="verified")).text
    case = replay(await world.store.timeline(3))
    assert case.status is Status.CLOSED and case.report and case.report.compensation
    assert (case.report.compensation.amount, case.report.compensation.currency) == ("80", "EUR")


REFUSED = [
    (1, "promise", {"what": "call", "due": "2026-05-04T08:00", "reason": "busy"}, "due", "Pick a time in the future."),
    (1, "promise", {"what": "call", "due": "2026-05-05T08:00", "reason": ""}, "reason", "Say why the promise moves."),
    (
        1,
        "report",
        {"outcome": "solved", "done": "We apologised", "remedy": "-", "evidence": "-"},
        "done",
        "An apology alone",
    ),
    (
        1,
        "report",
        {"outcome": "better", "done": "x", "remedy": "-", "evidence": "-"},
        "outcome",
        "Say what became of it.",
    ),
    (
        1,
        "report",
        {"outcome": "solved", "done": "x", "remedy": "y", "evidence": "z", "gave": "9,999,9"},
        "gave",
        "is no compensation",
    ),
    (1, "handover", {"to": "Nobody"}, "to", "Choose somebody from the list."),
    (1, "note", {"text": " "}, "text", "Say what the next reader should know."),
    (1, "snooze", {"until": "2026-05-09T08:00"}, "until", "The deadline is"),
    (1, "join", {"into": "none"}, "into", "Write the number of a case."),
    (1, "join", {"into": "99"}, "into", "99"),
]


@pytest.mark.parametrize(("case", "action", "fields", "field", "said"), REFUSED)
async def test_a_refusal_stands_at_its_field_and_keeps_what_was_written(
    world: DeskWorld, case: int, action: str, fields: dict[str, str], field: str, said: str
) -> None:
    before = len(await world.store.timeline(case))
    async with await world.browser("Dana Fox") as dana:
        await dana.get(f"/cases/{case}")
        answer = await dana.send(f"/cases/{case}/{action}", **fields)
    assert answer.status == 422
    at = answer.text.index(f'id="{action}-{field}"')
    assert said in answer.text[at : at + 700]
    assert len(await world.store.timeline(case)) == before


async def test_two_at_the_same_instant_one_owner_both_told(world: DeskWorld) -> None:
    async with await world.browser("Dana Fox") as dana, await world.browser("Lee Park") as lee:
        await dana.get("/cases/3")
        await lee.get("/cases/3")
        assert "It is yours." in (await lee.send("/cases/3/acknowledge")).text
        slower = await dana.send("/cases/3/acknowledge")
        assert slower.status == 422 and "Lee Park already has case 3" in slower.text


async def test_an_offer_is_seen_and_accepted(world: DeskWorld) -> None:
    async with await world.browser("Lee Park") as lee:
        assert "Offered to me" in (await lee.get("/")).text
        assert {"accept", "decline"} <= set((await lee.get("/cases/2")).actions(2))
        assert "You took it over." in (await lee.send("/cases/2/accept")).text
        assert "Offered to me" not in (await lee.get("/")).text
    assert replay(await world.store.timeline(2)).owner == "Lee Park"


async def test_a_dismissal_is_taken_back_for_a_day(world: DeskWorld, clock: Clock) -> None:
    async with await world.browser("Dana Fox") as dana:
        await dana.get("/cases/3")
        gone = await dana.send("/cases/3/dismiss", reason="a joke")
        assert gone.actions(3) == ["undo", "reopen", "note"]
        assert "It stands as before." in (await dana.send("/cases/3/undo")).text
        await dana.send("/cases/3/dismiss", reason="a joke")
        clock.forward(hours=11)
        clock.forward(hours=14)
    async with await world.browser("Dana Fox") as later:
        assert (await later.get("/cases/3")).actions(3) == ["reopen", "note"]


async def test_cases_are_joined_and_split(world: DeskWorld) -> None:
    async with await world.browser("Dana Fox") as dana:
        await dana.get("/cases/3")
        assert "answers for both" in (await dana.send("/cases/3/join", into="1")).text
        page = await dana.get("/cases/1")
        assert "split" in page.actions(1)
        assert "This is the new case." in (await dana.send("/cases/1/split", post="blog:p3")).text


async def test_a_case_is_raised_by_hand_and_a_mistake_is_said(world: DeskWorld) -> None:
    async with await world.browser("Dana Fox") as dana:
        await dana.get("/raise")
        assert "words of the customer" in (await dana.send("/raise", brand="Acme Air", text="")).text
        assert "is not a brand" in (await dana.send("/raise", brand="Nope", text="my bag")).text
        raised = await dana.send("/raise", brand="Acme Air", text="My card was charged three times", priority="P2")
        assert "Raised. This is its case." in raised.text and "P2" in raised.text


async def test_the_case_page_tells_everything(world: DeskWorld) -> None:
    async with await world.browser("Lee Park") as lee:
        page = (await lee.get("/cases/1")).text
    for told in ("<mark>caught fire</mark>", "Dana Fox promised: call her at four", "Why: on duty", "lovely flight"):
        assert told in page
    assert "Dana Fox → Lee Park → Sam Ortiz" in page


async def test_a_draft_is_read_and_kept_nowhere(world: DeskWorld) -> None:
    async with await world.browser("Dana Fox") as dana:
        await dana.get("/cases/3")
        found = (
            await dana.send("/cases/3/guard", draft="We apologize for any inconvenience. <b>You</b> should have read.")
        ).text
        assert "<mark>" in found and "Better:" in found and "<b>You" not in found
        assert "Nothing here would make it worse." in (await dana.send("/cases/3/guard", draft="We rang you.")).text
    assert len(await world.store.timeline(3)) == 1


async def test_what_became_of_the_advice_is_counted(world: DeskWorld) -> None:
    draft = "Calm down, this is your own fault."
    async with await world.browser("Dana Fox") as dana:
        await dana.get("/cases/1")
        page = (await dana.send("/cases/1/guard", draft=draft)).text
        assert "I have posted it like this" in page and 'name="warned"' in page
        sent = await dana.send("/cases/1/guard", draft="We are calling you now.", warned=draft, posted="yes")
        assert "was taken" in sent.text
    choices = await world.store.guard_choices(world.clock() - timedelta(1), world.clock() + timedelta(1))
    assert choices and all(left == 0 for _, left in choices.values())


async def test_the_case_page_knows_what_was_done_before_and_who_else_answers(world: DeskWorld) -> None:
    """What was done in a case like it, and where to answer."""
    desk, now = Desk(world.store), world.clock()
    report = ReportBack(by="Dana Fox", outcome=Outcome.SOLVED, done="called", remedy="a new bag", evidence="t-1")
    await desk.handle(1, report, now)
    async with await world.browser("Lee Park") as lee:
        page = (await lee.get("/cases/2")).text
        assert "1 similar case in 90 days" in page and "a new bag" in page
        assert "Answer there</a>" in page and "https://blog.example/p2" in page
        assert "Answer there</a>" not in (await lee.get("/cases/3")).text  # its address is a script
        await lee.send("/cases/3/acknowledge")
        assert "Noted: the customer was answered" in (await lee.send("/cases/3/answered", url="")).text


async def test_the_board_counts_and_names_who_would_be_told(world: DeskWorld, clock: Clock) -> None:
    clock.forward(minutes=6)
    await Desk(world.store).look(clock())
    async with await world.browser("Lee Park") as lee:
        board = (await lee.get("/board")).text
        assert re.search(r"<b>1</b> not acknowledged", board) and re.search(r"<b>3</b> open", board)
        assert "First: <b>Dana Fox</b>" in board and "place 3 on the ladder" in board
        clock.forward(hours=3)
        await Desk(world.store).look(clock())
        assert "<b>2</b> overdue" in (await lee.get("/board")).text
        assert (await lee.get("/board/promises")).status == 200


# Away from this machine


@pytest.mark.parametrize(
    ("web", "said"),
    [
        ({"host": "0.0.0.0"}, "sign in with Slack"),
        ({"host": "0.0.0.0"}, "speaks TLS"),
        ({"host": "0.0.0.0"}, "workspace"),
        ({"port": 70_000}, "between 1 and 65535"),
    ],
)
def test_a_desk_that_is_open_to_others_without_a_lock_does_not_start(
    tmp_path: Path, web: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        settings(tmp_path, **web)


async def test_a_port_that_is_taken_is_said_with_its_mend(world: DeskWorld, tmp_path: Path, clock: Clock) -> None:
    port = int(world.address.rpartition(":")[2])
    with pytest.raises(ConfigError, match="choose another host or port"):
        async with opened(world.store, settings(tmp_path / "again", port=port), clock):
            pass


# Live


async def test_word_of_a_change_reaches_an_open_page(world: DeskWorld) -> None:
    async with await world.browser("Dana Fox") as dana, dana.http.get(f"{world.address}/live") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        await stream.content.readuntil(b"\n\n")
        await world.store.keep(batch(complaint("p9"), at=NOW + timedelta(minutes=1)))
        told = b""
        while b"event: moved" not in told:
            told = await stream.content.readuntil(b"\n\n")
        assert b"Acme" not in told, "only a number"


async def test_a_session_has_one_stream_and_the_older_page_is_told(world: DeskWorld) -> None:
    async with await world.browser("Dana Fox") as dana, dana.http.get(f"{world.address}/live") as older:
        await older.content.readuntil(b"\n\n")
        async with dana.http.get(f"{world.address}/live") as newer:
            await newer.content.readuntil(b"\n\n")
            assert b"event: elsewhere" in await older.content.read()


async def test_the_number_grows_with_every_change(store: Store) -> None:
    before = await store.moved()
    await store.keep(batch(complaint()))
    after = await store.moved()
    assert before < after == await store.moved()
