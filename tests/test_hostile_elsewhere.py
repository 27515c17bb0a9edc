"""Hostile strings through everything else that is shown or given away: pages of the desk, feeds, files, mail, unfurled
links, digests and briefs. None becomes markup, a formula, a header, a script or an address; none moves what is around it.

A seeded part by default; `LISTENER_HOSTILE=200000 pytest tests/test_hostile_elsewhere.py` for the whole.
"""

import csv
import json
import zipfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from functools import cache
from io import BytesIO, StringIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from blockkit import check_message, check_view
from builders import NOW, batch, mention, post
from deskworld import Browser
from deskworld import opened as desk_opened
from deskworld import settings as desk_settings
from lxml import etree, html
from test_slack_hostile import PARTS, STRINGS, case_of, hit, hostile, summary, visible

from connectors.post import Author
from escalation.brief import brief
from escalation.policy import Choice
from escalation.slack import charts, pictures
from escalation.slack.blocks import unfolded
from listener import mail
from listener.digest import Digest, Owed, Thanks
from listener.ladders import Ladder
from listener.query import parse
from listener.reading import summary as in_one_line
from listener.settings import Settings
from listener.slack import pages
from listener.slack.who import Asked, window
from listener.storage.contract import Heard, MentionRow, SavedSearch, Subscription, Way
from listener.storage.sqlite import SqliteStore
from listener.subscriptions import News
from listener.subscriptions import letter as news_letter
from listener.web import exporting, feeds, searching
from listener.web.access import Act, Visitor
from listener.web.digests import as_html
from listener.web.room import TEMPLATES

pytestmark = pytest.mark.timeout(max(60, STRINGS // 5))
BASE = "https://desk.example.com"
MARKUP = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</p></li><h1>ours</h1>",
    "]]><x/>",
    "<!--",
    "{{ 7*7 }}{% raw %}",
    "&lt;b&gt;",
    "javascript:alert(1)",
    "data:text/html,<b>",
    "\r\nBcc: all@example.com",
    "=HYPERLINK(1)",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
)
SAFE = ("", "http", "https")
WHO = Visitor(name="Dana Fox", roles=frozenset(), token="", timezone="UTC")


def evil(number: int) -> str:
    return f"{MARKUP[number % len(MARKUP)] if number % 3 else ''}{hostile(number)}{MARKUP[-number % len(MARKUP)]}"


# Pages


def rendered(template: str, **more: object) -> str:
    return TEMPLATES.get_template(template).render(who=WHO, now=NOW, zone="UTC", acts=Act, **more)


def documents(text: str) -> Iterator[tuple[str, str]]:
    row = hit(text)
    pair = [row, replace(row, id=2, case=None)]
    groups = [[pair[0], pair[1]], [replace(pair[1], id=3, url=f"https://example.com/{text}")]]
    tree = parse("charger")
    found = searching.hits(groups, tree)
    yield "hits", rendered("preview.html", text=text, problem="", total=2, hits=found, capped=False)
    yield "problem", rendered("preview.html", text=text, problem=text, total=0, hits=[], capped=False)
    yield "thread", rendered("thread.html", rows=pair, of=1, shown=50)
    case = case_of(text, len(text))
    yield "brief", rendered("brief.html", case=case, lines=brief(case), form=None)
    yield "mail", as_html(told(text), BASE)


def told(long: str) -> Digest:
    """Names and titles in a digest are short (digest.py cuts what it quotes)."""
    text = long[:200]
    thanks = (Thanks(brand=text, author=text, text=text, url=text),)
    owed = Owed(id=1, brand=text, title=text, priority="P1", severity=8, owner=text, status="open", due=NOW)
    return replace(summary(text), praise=thanks, read=(owed,), praised={text: 1}, outcomes={text: 1})


def shape(page: str) -> set[tuple[str, tuple[str, ...]]]:
    """Every element with the names of its attributes; addresses must be of the web, or ours."""
    found = set()
    for element in html.document_fromstring(page).iter():
        assert isinstance(element.tag, str), f"a comment or an instruction: {etree.tostring(element)[:200]!r}"
        found.add((element.tag, tuple(sorted(map(str, element.attrib)))))
        for name in ("href", "src", "action", "data-later"):
            assert urlsplit(element.get(name, "")).scheme in SAFE, element.get(name)
    return found


@cache
def plain_shapes() -> dict[str, set[tuple[str, tuple[str, ...]]]]:
    made: dict[str, set[tuple[str, tuple[str, ...]]]] = {}
    for text in ("harmless charger", "https://example.com/charger", ""):
        for name, page in documents(text):
            made.setdefault(name, set()).update(shape(page))
    return made


def test_no_page_gets_an_element_or_an_attribute_from_a_stranger() -> None:
    with pytest.raises(AssertionError, match="javascript"):
        shape('<a href="javascript:alert(1)">x</a>')
    assert ("img", ("onerror", "src")) in shape("<p><img src=x onerror=alert(1)></p>"), "it would be seen"
    for number in range(STRINGS):
        for name, page in documents(evil(number)):
            extra = shape(page) - plain_shapes()[name]
            assert not extra, (number, name, extra)
            visible({"text": page.replace("\r", "")})


# Messages in Slack that are no cards


def messages(text: str) -> Iterator[pages.Message]:
    case = replace(case_of(text, len(text)), incident=len(text) % 2 == 0)
    yield pages.digest(told(text), text, text)
    yield pages.brief(case, brief(case), text[:2_000], {"P1": 3}, f"https://example.com/{text}")
    yield pages.Message("x", tuple(unfolded(case, NOW)))


@pytest.mark.parametrize("part", range(PARTS))
def test_digests_briefs_and_unfurled_links_hold_in_slack(part: int) -> None:
    for number in range(part, STRINGS, PARTS):
        text = evil(number)
        for message in messages(text):
            body = {"text": message.text, "blocks": list(message.blocks)}
            check_message(body, update=True)
            visible(body)
        view = window(Asked(brand=text, priority="P1", at=NOW), [text, "x"], [ladder(text)])
        check_view(view)
        visible(view)
        if number % 100 == 0:
            pictures.draw(charts.bars(text, {text: {text: 1}, "x": {"y": 2}}))


def ladder(text: str) -> Ladder:
    names = {"brand": text, "priority": "P1", "route": text, "told": text, "why": text, "unattended": True}
    hour = timedelta(hours=1)
    climb = ((NOW, Choice(text, 0, text)),) * 2
    return Ladder(**names, steps=(), climb=climb, acknowledge=hour, report=hour)


# Feeds


SEARCH = SavedSearch(id=1, name="x", query="x", by="x", at=NOW)


def subscription(text: str) -> Subscription:
    return Subscription(id=1, search=replace(SEARCH, name=text, query=text), way=Way.FEED, to="x", by="x", at=NOW)


@pytest.mark.parametrize("write", [feeds.as_atom, feeds.as_rss])
def test_a_feed_is_well_formed_and_leads_nowhere_else(write: Callable[..., bytes]) -> None:
    harmless = {element.tag for element in etree.fromstring(write(subscription("x"), rows_of("x"), BASE, NOW)).iter()}
    for number in range(STRINGS):
        text = evil(number)
        root = etree.fromstring(write(subscription(text), rows_of(text), BASE, NOW))
        for element in root.iter():
            assert element.tag in harmless
            visible({"text": element.text or ""})
            link = element.get("href") or (element.text if element.tag == "link" else "") or ""
            assert urlsplit(link).scheme in SAFE and link.isascii(), link


def rows_of(text: str) -> list[MentionRow]:
    row = hit(text)
    return [row, replace(row, id=2, case=None), replace(row, id=3, case=None, url=f"https://example.com/{text}")]


# Files


TOGETHER = 25


async def streamed(texts: list[str]) -> AsyncIterator[MentionRow]:
    for text in texts:
        yield hit(text)


async def whole(form: str, texts: list[str]) -> bytes:
    return b"".join([piece async for piece in exporting.FORMS[form].write(streamed(texts))])


async def test_files_hold_no_formula_and_lose_no_row() -> None:
    for start in range(0, STRINGS, TOGETHER):
        texts = [evil(number) for number in range(start, min(start + TOGETHER, STRINGS))]
        table = list(csv.reader(StringIO((await whole("csv", texts)).decode("utf-8-sig"), newline="")))
        assert [len(row) for row in table] == [len(exporting.COLUMNS)] * (len(texts) + 1)
        assert not [cell for row in table[1:] for cell in row if cell.lstrip()[:1] in tuple("=+-@\t") and cell]
        lines = (await whole("jsonl", texts)).decode("utf-8").splitlines()
        assert [json.loads(line)["id"] for line in lines] == [1] * len(texts)
        sheet = zipfile.ZipFile(BytesIO(await whole("xlsx", texts))).read("xl/worksheets/sheet1.xml")
        tags = [etree.QName(element).localname for element in etree.fromstring(sheet, huge()).iter()]
        assert tags.count("row") == len(texts) + 1 and not {"f", "hyperlink", "hyperlinks"} & set(tags)


def huge() -> etree.XMLParser:
    return etree.XMLParser(huge_tree=True)


# Mail


def letters(text: str) -> Iterator[mail.Letter]:
    digest = told(text)
    yield mail.Letter(key="k", to="lee@example.com", subject=in_one_line(digest), text=text, html=as_html(digest, BASE))
    counts = Counter({text: 2})
    news = News(of=subscription(text), since=NOW, until=NOW, verdicts=counts, worst=8, total=2)
    yield news_letter(news, "lee@example.com", text, f"{BASE}/search?q=x")
    yield mail.Letter(key="k", to="lee@example.com", subject=text, text=text, html=f"<p>{mail.escaped(text)}</p>")


HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]


def test_a_letter_has_our_headers_and_no_others() -> None:
    for number in range(STRINGS):
        for letter in letters(evil(number)):
            sent = mail.message(letter, "post@example.com", NOW).as_bytes(policy=policy.SMTP)
            got = message_from_bytes(sent, policy=policy.default)
            assert got.keys() == HEADERS and got["To"] == "lee@example.com" and got["From"] == "post@example.com"
            assert [part.get_content_type() for part in got.iter_parts()] == ["text/plain", "text/html"]
            visible({"text": got["Subject"]})


# The whole desk, with what strangers wrote in its memory

ASKED = "/ /board /search?q=acme /digest /trends /cases/1 /cases/1/brief /cases/2 /search/thread/1".split()
TOGETHER_SHOWN = 40


@asynccontextmanager
async def a_desk(wanted: Settings, texts: list[str]) -> AsyncIterator[Browser]:
    """The lead's browser, on a desk that has heard these."""
    store = await SqliteStore.open(":memory:")
    said = [replace(post(f"p{n}", text, title=text), author=Author(handle=text)) for n, text in enumerate(texts)]
    await store.keep(batch(*(Heard(post=one, mentions=(mention(one),)) for one in said)))
    async with desk_opened(store, wanted, lambda: NOW) as world, await world.browser("Lee Park") as browser:
        yield browser
    await store.aclose()


async def walked(wanted: Settings, texts: list[str]) -> dict[str, str]:
    async with a_desk(wanted, texts) as browser:
        return {path: (await browser.get(path)).text for path in ASKED}


async def test_the_desks_own_pages_hold(tmp_path: Path) -> None:
    wanted = desk_settings(tmp_path / "desk")
    usual = [set[tuple[str, tuple[str, ...]]]() for _ in ASKED]
    for texts in (["acme charger"] * 3, ["acme charger " * 200, *(f"acme {n} lost it" for n in range(TOGETHER_SHOWN))]):
        for known, page in zip(usual, (await walked(wanted, texts)).values(), strict=True):
            known |= shape(page)
    for start in range(0, STRINGS, TOGETHER_SHOWN):
        texts = [f"acme {evil(number)}" for number in range(start, min(start + TOGETHER_SHOWN, STRINGS))]
        for known, (path, page) in zip(usual, (await walked(wanted, texts)).items(), strict=True):
            assert not shape(page) - known, (start, path, shape(page) - known)
            visible({"text": page.replace("\r", "")})
