"""The desk in a real browser: each page as each kind of user, by keyboard, in light and dark, on a phone.

Needs Chromium at /usr/bin/chromium and the package playwright; without them these tests are skipped, and say so. With
LISTENER_AXE naming axe-core's axe.min.js, each page is held against WCAG 2.2 AA too.
"""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from builders import NOW, batch, complaint
from conftest import Clock
from deskworld import DeskWorld, filled, opened, settings

from listener.storage.contract import Store
from listener.web import access, live

CHROMIUM = Path("/usr/bin/chromium")
if not CHROMIUM.exists():
    pytest.skip(f"there is no {CHROMIUM}: the desk was not looked at in a browser", allow_module_level=True)
playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed: no browser was opened")

SCRIPT = Path(axe).read_text("utf-8") if (axe := os.environ.get("LISTENER_AXE")) else ""
RULES = '["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]'
PAGES = (
    "/",
    "/cases/1",
    "/cases/2",
    "/cases/3",
    "/cases/1/brief",
    "/cases/99",
    "/board",
    "/board/promises",
    "/search?q=acme",
    "/search?q=colour:red",
    "/search?q=nobody",
    "/search/picture?q=acme",
    "/search/thread/1",
    "/search/preview?q=acme",
    "/digest",
    "/digest/cases?of=open",
    "/digest/praise?of=Dana+Fox",
    "/trends",
    "/trends?since=2026-05-01&until=2026-05-03&was_since=2026-04-01",
    "/trends/unusual",
    "/raise",
    "/api",
)
STRANGERS = ("/sign-in", "/enter/nothing")
LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 360, "height": 740}, "has_touch": True},
}
PEOPLE = ("Dana Fox", "Lee Park", "Sam Ortiz", "Pia Roth")


@pytest.fixture
async def world(
    store: Store, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[DeskWorld]:
    monkeypatch.setattr(live, "EVERY", 0.02)
    await filled(store, clock())
    async with opened(store, settings(tmp_path / "config"), clock) as here:
        yield here


@pytest.fixture
async def chromium() -> AsyncIterator["playwright.Browser"]:
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        await browser.close()


async def signed_in(world: DeskWorld, chromium: "playwright.Browser", name: str, **look: object) -> "playwright.Page":
    token = await access.new_session(world.store, name, world.clock())
    context = await chromium.new_context(**look)
    await context.add_cookies([{"name": "desk", "value": token, "url": world.address}])
    page = await context.new_page()
    page.troubles = []
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    page.on("console", lambda said: page.troubles.append(said.text) if "Content Security" in said.text else None)
    page.on("dialog", lambda dialog: page.troubles.append("a stranger's script ran"))
    return page


@pytest.mark.parametrize("look", LOOKS)
async def test_every_page_is_whole_for_each_kind_of_user(
    world: DeskWorld, chromium: "playwright.Browser", look: str
) -> None:
    for name in PEOPLE if look == "light" else PEOPLE[1:2]:
        page = await signed_in(world, chromium, name, **LOOKS[look])
        for path in PAGES:
            await page.goto(f"{world.address}{path}")
            wider = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wider <= 0, f"{path} is {wider} pixels wider than the screen"
            assert await page.locator("h1").count() == 1, path
            assert await _barriers(page) == [], f"{path}, {look}"
        assert page.troubles == []
        await page.context.close()


@pytest.mark.parametrize("look", LOOKS)
async def test_the_doors_are_whole_too(world: DeskWorld, chromium: "playwright.Browser", look: str) -> None:
    context = await chromium.new_context(**LOOKS[look])
    page = await context.new_page()
    link = await access.new_link(world.store, "Dana Fox", world.clock())
    for path in (*STRANGERS, f"/enter/{link}"):
        await page.goto(f"{world.address}{path}")
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
        assert await _barriers(page) == [], f"{path}, {look}"


async def _barriers(page: "playwright.Page") -> list[str]:
    if not SCRIPT:
        return []
    inspector = await page.context.new_cdp_session(page)  # the page's own policy lets no script in
    await inspector.send("Runtime.evaluate", {"expression": SCRIPT})
    asked = f"axe.run({{runOnly: {RULES}}}).then(r => r.violations.map(v => v.id + ' ' + v.nodes[0].html))"
    found = await inspector.send("Runtime.evaluate", {"expression": asked, "awaitPromise": True, "returnByValue": True})
    return list(found["result"]["value"])


async def test_a_case_is_taken_and_reported_with_the_keyboard_alone(
    world: DeskWorld, chromium: "playwright.Browser"
) -> None:
    page = await signed_in(world, chromium, "Dana Fox")
    await page.goto(f"{world.address}/")
    for _ in range(3):
        await page.keyboard.press("j")
        if await page.evaluate("document.activeElement.getAttribute('href')") == "/cases/3":
            break
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/cases/3")
    await page.keyboard.press("a")
    await page.keyboard.type("ring her")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("text=It is yours.")
    await page.keyboard.press("a")
    await page.keyboard.type("solved")
    await page.keyboard.press("Tab")
    await page.keyboard.type("We are sorry")
    await page.keyboard.press("Tab")
    await page.keyboard.type("a voucher")
    await page.keyboard.press("Tab")
    await page.keyboard.type("T-4711")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("text=An apology alone does not close a case")
    assert await page.evaluate("document.activeElement.name") == "done", "the field that is wrong has the focus"
    assert await page.input_value("[name=evidence]") == "T-4711"
    await page.keyboard.type(", and rebooked her for tomorrow")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("text=Reported back.")
    assert page.troubles == []


async def test_what_others_do_is_seen_without_reloading_and_takes_nothing_from_who_writes(
    world: DeskWorld, chromium: "playwright.Browser"
) -> None:
    page = await signed_in(world, chromium, "Lee Park")
    await page.goto(f"{world.address}/cases/3")
    await page.wait_for_selector("text=Live")
    await page.fill("#acknowledge-what", "I am writing")
    async with await world.browser("Dana Fox") as dana:
        await dana.get("/cases/3")
        await dana.send("/cases/3/acknowledge", what="call her")
    await page.wait_for_selector("#timeline >> text=Dana Fox promised: call her")
    assert await page.input_value("#acknowledge-what") == "I am writing"
    await page.click("text=Take it")
    await page.wait_for_selector("text=Dana Fox already has case 3")


async def test_a_new_case_appears_on_an_open_page(world: DeskWorld, chromium: "playwright.Browser") -> None:
    page = await signed_in(world, chromium, "Dana Fox")
    await page.goto(f"{world.address}/board")
    await page.wait_for_selector("text=Live")
    await world.store.keep(batch(complaint("p9", title="A tenth day"), at=NOW))
    await page.wait_for_selector("text=A tenth day")


async def test_a_draft_is_read_while_it_is_written(world: DeskWorld, chromium: "playwright.Browser") -> None:
    page = await signed_in(world, chromium, "Dana Fox")
    await page.goto(f"{world.address}/cases/1")
    await page.keyboard.press("w")
    await page.keyboard.type("We apologize for any inconvenience.")
    await page.wait_for_selector("#findings mark")
    assert page.troubles == []


async def test_the_keys_are_listed_and_lead_where_they_say(world: DeskWorld, chromium: "playwright.Browser") -> None:
    page = await signed_in(world, chromium, "Lee Park")
    await page.goto(f"{world.address}/")
    await page.keyboard.press("?")
    assert await page.locator("#keys").is_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("g")
    await page.keyboard.press("s")
    await page.wait_for_url("**/search")
    await page.keyboard.press("/")
    await page.keyboard.type("charger")
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".hits mark")
    await page.wait_for_selector("svg.chart rect")
    assert page.troubles == []


async def test_every_page_works_without_scripts(world: DeskWorld, chromium: "playwright.Browser") -> None:
    page = await signed_in(world, chromium, "Dana Fox", java_script_enabled=False)
    await page.goto(f"{world.address}/cases/3")
    await page.click("text=Take it")
    await page.wait_for_selector("text=It is yours.")
    await page.goto(f"{world.address}/search?q=acme")
    await page.click("text=Count and draw them")
    await page.wait_for_selector("svg.chart")


async def test_from_the_door_to_a_file_with_the_keyboard_alone(
    world: DeskWorld, chromium: "playwright.Browser"
) -> None:
    """Sign in by the printed link, look at one's cases, search, and take what was found home."""
    page = await (await chromium.new_context()).new_page()
    await page.goto(f"{world.address}/enter/{await access.new_link(world.store, 'Lee Park', world.clock())}")
    await _reached(page, "button")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{world.address}/")
    await page.keyboard.press("j")
    assert "/cases/" in await page.evaluate("document.activeElement.getAttribute('href')")
    await page.keyboard.press("g")
    await page.keyboard.press("s")
    await page.wait_for_url("**/search")
    await page.keyboard.press("/")
    await page.keyboard.type("charger")
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".hits mark")
    await _reached(page, 'a[href*="/search/export/csv"]')
    async with page.expect_download() as file:
        await page.keyboard.press("Enter")
    assert (await file.value).suggested_filename.endswith(".csv")


async def _reached(page: "playwright.Page", what: str) -> None:
    """By Tab alone, as far as it takes, and to be seen where it is."""
    for _ in range(120):
        await page.keyboard.press("Tab")
        if await page.evaluate("what => document.activeElement.matches(what)", what):
            return
    raise AssertionError(f"no Tab leads to {what}")
