"""What X costs is held to a budget: stage by stage, brand by brand, day by day, and what was not heard for it is said."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import configs
import pytest
from click.testing import CliRunner
from conftest import Clock
from hypothesis import given
from hypothesis import strategies as st
from polling import NOW, Poller, ids
from rich.console import Console
from test_x import MINUTE, listening
from webserver import Server
from xserver import FakeX

from connectors.contract import Fix, Hearing, Rereader, Tracked, Wait
from connectors.x_budget import AGAIN, Budget, shares
from escalation.notices import HOUSE
from listener.bootstrap import build
from listener.cli import main
from listener.commands import hearing
from listener.cycle import House, listen
from listener.doctor import examine
from listener.ears import blind, ears
from listener.settings import load

ACME = Tracked(brand="Acme Air", searches=("acme",), accounts=("acmeair",))
LARK = Tracked(brand="Larkspur", searches=("larkspur",), accounts=())
MONTH, DAY = f"{NOW:%Y-%m}", f"{NOW:%Y-%m-%d}"
HOUR = timedelta(hours=1)


@pytest.fixture
def x(server: Server) -> FakeX:
    x = FakeX(server)
    x.account("acmeair", "99")
    return x


def spent(poller: Poller) -> dict[str, float]:
    return dict(poller.cursor["spent"][f"{poller.now:%Y-%m}"])


async def heard(poller: Poller) -> set[str]:
    """By one poll, until the money was used up."""
    with suppress(Wait):
        await poller.poll()
    return {post.id for page in poller.pages for post in page.posts}


def having_spent(poller: Poller, **by: float) -> Poller:
    names = {"acme": "Acme Air", "lark": "Larkspur", "again": AGAIN}
    poller.cursor = {"spent": {f"{poller.now:%Y-%m}": {names[short]: much for short, much in by.items()}}}
    return poller


# A budget of 200 dollars and two brands: 80 each, 40 to look again.


def test_the_budget_is_divided_before_anything_is_spent() -> None:
    assert shares(200.0, ["a", "b"], {}) == {"a": 80.0, "b": 80.0, AGAIN: 40.0}
    assert shares(200.0, ["a", "b", "c"], {"a": 2.0}) == {"a": 80.0, "b": 40.0, "c": 40.0, AGAIN: 40.0}
    assert shares(0.0, ["a"], {"a": -1.0}) == {"a": 0.0, AGAIN: 0.0}


def test_what_was_paid_for_a_brand_that_is_called_otherwise_now_was_paid() -> None:
    budget = Budget(shares(200.0, ["new"], {}), 1.0, NOW, {MONTH: {"old": 159.0}})
    assert (budget.left("new"), budget.used("new")) == (41.0, 0.0)


async def test_what_is_heard_is_written_down_as_what_it_costs(x: FakeX) -> None:
    for _ in range(3):
        x.post("larkspur is closed")
    x.post("@acmeair acme"), x.post("acme", by=x.account("otto", "78"))
    poller = listening(x, ACME, LARK, budget=200.0, accounts=("@acmeair",), owner="@AcmeAir")
    await poller.poll()
    # the account 0.010; a mention 0.001 and its author 0.010; a post 0.005 and its author 0.010
    assert spent(poller) == {"Acme Air": 0.036, "Larkspur": 0.025}
    assert poller.cursor["spent"][DAY] == poller.cursor["spent"][MONTH]
    assert x.billed <= sum(spent(poller).values()) + 0.004, "the fake knows no owner"


async def test_a_flood_at_one_brand_takes_nothing_from_another(x: FakeX) -> None:
    x.post("larkspur is closed")
    for number in range(3_000):
        x.post("acme", by=x.account(f"u{number}", str(1_000 + number)))
    poller = listening(x, ACME, LARK, budget=200.0)
    found = ids(await poller.poll())
    assert len(found) == 1_201  # a quarter of what its searches may cost: 18 dollars, 15 for a thousand
    assert spent(poller)["Acme Air"] <= 18.0 and spent(poller)["Larkspur"] == 0.015
    assert poller.last.hearing is Hearing.OUT_OF_BUDGET
    told = "Acme Air: its part of the budget ($80.00) is used up: its searches are not read until 2026-05-05"
    assert told in poller.last.note and "Larkspur" not in poller.last.note
    x.asked.clear()
    poller.now += 10 * MINUTE
    later = x.post("larkspur is open", at=poller.now - MINUTE)
    assert ids(await poller.poll()) == [later]
    assert len(x.asked) == 1 and {page.note for page in poller.pages} == {poller.last.note}
    poller.now += timedelta(days=1)
    rest = ids(await poller.poll())
    assert len(rest) == 1_200 and set(rest).isdisjoint(found), "it goes on where it was"


async def test_what_a_flood_left_over_is_read_on_the_next_days_and_nothing_is_lost(x: FakeX) -> None:
    written = {x.post("acme") for _ in range(600)}
    poller = listening(x, ACME, budget=6.0, authors=False)
    found: set[str] = set()
    for _ in range(4):
        found |= await heard(poller)
        poller.now += timedelta(days=1)
    assert written == found
    assert spent(poller)["Acme Air"] == 3.0


STAGES = [  # spent of 80 dollars: is it counted, are authors asked for, are searches read, and mentions?
    (0.0, True, True, True, True),
    (39.9, True, True, True, True),
    (40.0, False, True, True, True),
    (56.0, False, False, True, True),
    (71.94, False, False, True, True),
    (71.96, False, False, False, True),
    (79.9, False, False, False, True),
    (79.99, False, False, False, False),
    (99.0, False, False, False, False),
]


@pytest.mark.parametrize(("much", "counted", "authors", "searched", "mentions"), STAGES)
async def test_hearing_gets_less_in_the_stated_order(
    x: FakeX, much: float, counted: bool, authors: bool, searched: bool, mentions: bool
) -> None:
    poller = listening(x, ACME, LARK, budget=200.0, accounts=("@acmeair",), owner="@acmeair")
    await poller.poll()
    poller.now += 26 * HOUR
    kept = dict(poller.cursor)
    having_spent(poller, acme=much)
    poller.cursor = {**kept, **poller.cursor}
    x.asked.clear()
    await poller.poll()
    asked = [(path.split("/")[-1], query) for path, query in x.asked]
    ours = [(path, query) for path, query in asked if "larkspur" not in query.get("query", "")]
    assert ("counts" in str(x.paths()), any(path == "mentions" for path, _ in ours)) == (True, mentions)
    assert any("counts" in path for path, query in x.asked if query.get("query", "").startswith("acme")) is counted
    assert any("search" in p for p, q in x.asked if q.get("query", "").startswith("acme")) is searched
    assert any(path.endswith("/99/tweets") for path in x.paths()) is counted, "what we write ourselves can wait"
    read = [query for path, query in x.asked if path.endswith("mentions") or query.get("query", "").startswith("acme")]
    assert all(("expansions" in query) is authors for query in read if "granularity" not in query)
    assert (poller.last.hearing is Hearing.OUT_OF_BUDGET) is not (searched and mentions)


async def test_a_new_month_begins_anew_at_midnight_in_greenwich(x: FakeX) -> None:
    poller = listening(x, ACME, budget=10.0)
    poller.now = datetime(2026, 5, 31, 23, 50, tzinfo=UTC)
    having_spent(poller, acme=8.0)
    with pytest.raises(Wait, match=r"its searches are not read until 2026-06-01") as told:
        await poller.poll()
    assert told.value.hearing is Hearing.OUT_OF_BUDGET
    assert told.value.until is None, "a budget that is raised in between is believed at once"
    poller.now += 15 * MINUTE
    written = x.post("acme", at=poller.now - MINUTE)
    assert ids(await poller.poll()) == [written]
    assert set(poller.cursor["spent"]) == {"2026-06", "2026-06-01"}


async def test_after_a_pause_for_want_of_money_the_lane_goes_on_where_it_was(x: FakeX) -> None:
    first = {x.post("acme") for _ in range(1_300)}
    poller = listening(x, ACME, budget=30.0, authors=False, a_day=1.0)
    having_spent(poller, acme=18.0)
    assert 0 < len(await heard(poller)) < len(first)
    poller.now = datetime(2026, 6, 1, 0, 5, tzinfo=UTC)
    new = x.post("acme", at=poller.now - MINUTE)
    assert new in await heard(poller)
    assert "refuses" in " ".join(page.note for page in poller.pages), "what is 28 days old, X does not show any more"


async def test_looking_again_has_money_of_its_own_and_looks_only_once_when_half_of_it_is_used(x: FakeX) -> None:
    old, young = x.post("acme", at=NOW - 21 * HOUR), x.post("acme")
    poller = listening(x, ACME, budget=200.0)
    await poller.poll()
    before = spent(poller)
    assert isinstance(poller.ear, Rereader)
    page = await poller.ear.reread([old, young], poller.cursor, poller.now)
    assert page.cursor["spent"][MONTH] == {**before, AGAIN: 0.01}
    having_spent(poller, again=20.0)
    x.remove(old), x.remove(young)
    page = await poller.ear.reread([old, young], poller.cursor, poller.now)
    assert page.gone == (old,) and x.asked[-1][1]["ids"] == old
    having_spent(poller, again=40.0)
    with pytest.raises(Wait, match="looking again") as told:
        await poller.ear.reread([old], poller.cursor, poller.now)
    assert told.value.hearing is Hearing.OUT_OF_BUDGET
    assert not (await poller.ear.reread([young], poller.cursor, poller.now)).gone
    await poller.poll()
    assert "what is deleted on X is not noticed before 2026-06-01" in poller.last.note


async def test_your_own_prices_are_counted_with(x: FakeX) -> None:
    x.post("acme")
    poller = listening(x, ACME, budget=100.0, prices={"post": 0.0, "user": 0.5})
    await poller.poll()
    assert spent(poller) == {"Acme Air": 0.5}
    with pytest.raises(Fix, match="Acme Air cannot pay for one page a day"):
        await listening(x, ACME, budget=0.5).poll()
    free = listening(x, ACME, budget=10.0, prices={"post": 0.0, "user": 0.0, "count": 0.0})
    assert len(await free.poll()) == 1


THREE = """
[[brand]]
name = "Acme Air"
query = 'acme OR @acmeair'
policy = "care"
accounts = ["@acmeair"]
[[brand]]
name = "Larkspur"
query = "larkspur NOT garden*"
policy = "care"
[[brand]]
name = "Zenith"
query = "zenith"
policy = "care"
"""


async def test_a_team_with_two_hundred_dollars_and_three_brands_sees_where_they_went(
    x: FakeX, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the whole house: the ledger has one line while it lasts, the others are heard, nobody is rung twice."""
    source = f'[[source]]\nname = "x"\nkind = "x"\nbudget = 200\na_day = 0.05\naccounts = ["@acmeair"]\napi_url = "{x.server.address}"\n'
    directory = configs.write(tmp_path, brands=THREE, sources=source)
    settings, x.clock = load(directory, {"X_BEARER_TOKEN": "right-secret"}), clock
    x.post("larkspur lost my bag"), x.post("zenith lost my bag"), x.post("@acmeair acme lost my bag")
    for _ in range(700):
        x.post("larkspur is burning", by=x.account("otto", "78"))
    async with build(settings, Console(file=StringIO()), clock=clock) as house, house.store.engine():
        [check] = [check async for check in examine(house) if check.name == "source x"]
        assert check.ok and "Larkspur: about 3,004 posts a month" in check.found
        first = await listen(house, settings.sources[0])
        assert (first.state, first.fetched) == (Hearing.OUT_OF_BUDGET, 446)
        for _ in range(6):
            clock.forward(minutes=10)
            x.post("zenith again", at=clock.now - MINUTE)
            assert (await listen(house, settings.sources[0])).fetched == 1
        [state] = await house.store.sources()
        [ear] = ears(settings, [state], {}, clock.now)
        assert (ear.spent, ear.budget, ear.state) == (2.93, 200, "out of budget")
        assert ear.spent_on == {"Acme Air": 0.025, "Larkspur": 2.3, "Zenith": 0.105, AGAIN: 0.5}
        since, spots = NOW - timedelta(days=1), await house.store.coverage(NOW - timedelta(days=1), clock.now)
        [spot] = blind(spots, ["x"], since, clock.now)
        assert "Larkspur: its part of the budget ($53.33) is used up" in spot.note and spot.hearing == "out of budget"
        assert not (await house.store.balance()).findings
        [told] = await said_of_the_house(house, clock)
        assert told.startswith('Source "x" is out of budget. Larkspur: its part of the budget ($53.33)')
    monkeypatch.setattr(hearing, "system_clock", clock)
    monkeypatch.setenv("X_BEARER_TOKEN", "right-secret")
    shown = await asyncio.to_thread(CliRunner().invoke, main, ["sources", "--config", str(directory)])
    each = "Acme Air $0.03, Larkspur $2.30, Zenith $0.10, looking again $0.50"
    assert f"x: $2.93 of $200.00 this month, $25.35 by its end at this pace ({each})" in shown.stdout
    assert "garden*" not in shown.stdout, "what is only excluded is no loss"


async def said_of_the_house(house: House, clock: Clock) -> list[str]:
    owed = await house.store.claim(clock(), 10_000, MINUTE)
    return [one.notice.text for one in owed if one.notice.case == HOUSE]


async def test_without_money_what_is_deleted_there_is_gone_here_all_the_same(
    x: FakeX, tmp_path: Path, clock: Clock
) -> None:
    source = f'[[source]]\nname = "x"\nkind = "x"\nbudget = 2.0\na_day = 1.0\napi_url = "{x.server.address}"\n'
    directory = configs.write(tmp_path, brands=THREE[: THREE.index("[[brand]]", 9)], sources=source)
    settings, x.clock = load(directory, {"X_BEARER_TOKEN": "right-secret"}), clock
    posts = [x.post(f"acme lost bag {number}") for number in range(300)]
    async with build(settings, Console(file=StringIO()), clock=clock) as house, house.store.engine():
        assert (await listen(house, settings.sources[0])).state == Hearing.OUT_OF_BUDGET
        heard = [id_ for id_ in posts if await house.store.known("x", (id_,))]
        for id_ in heard:
            x.remove(id_)
        clock.forward(hours=23)
        assert (await listen(house, settings.sources[0])).state == Hearing.OUT_OF_BUDGET
        known = await house.store.known("x", tuple(heard))
        assert sum(fingerprint == "" for fingerprint in known.values()) == 80, "as many as forty cents pay for"
        state = await house.store.source("x")
        assert state.hearing is Hearing.OUT_OF_BUDGET and state.failures == 2 and state.told_silent
        [told] = await said_of_the_house(house, clock)
        assert "is silent" in told and "are not read until 2026-06-01" in told


MONEY = st.sampled_from([0.0, 0.001, 0.005, 0.015, 0.5, 5.0])


@given(
    st.floats(1.0, 500.0),
    st.floats(0.05, 1.0),
    st.lists(st.tuples(st.integers(0, 70), st.sampled_from(["a", "b", AGAIN]), st.booleans(), MONEY), max_size=40),
)
def test_whatever_happens_no_share_is_overdrawn(
    whole: float, a_day: float, happens: list[tuple[int, str, bool, float]]
) -> None:
    """Each answer costs at most what was asked for, and that is what can be afforded."""
    parts = shares(whole, ["a", "b"], {"a": 3.0})
    cursor: dict[str, object] = {}
    for day, payer, mentions, each in sorted(happens, key=lambda one: one[0]):
        budget = Budget.of(cursor, parts, a_day, NOW + timedelta(days=day))
        if size := budget.affords(payer, each, mentions=mentions):
            budget.pay(payer, size * each)
            assert budget.left(payer, mentions=True) >= -0.001
        cursor = {"spent": budget.kept()}
        for when, whom in budget.kept().items():
            limit = 1.0 if len(when) == 7 else a_day
            assert all(much <= parts[who] * (1.0 if who == AGAIN else limit) + 0.01 for who, much in whom.items())
