"""What strangers send may be large, deep or odd: it is read in a time that grows with its size, kept small, or refused.

A document of these sizes that is read in quadratic time is not read within the hour: then the test's own limit ends it.
"""

import asyncio
import json
from contextlib import suppress

import pytest
from polling import NOW
from webserver import Server

from connectors import discovery, websub
from connectors.article import read_article, whole
from connectors.aside import LARGE
from connectors.blocking import MOST_BYTES, MOST_HANGING, Thread
from connectors.contract import Fix, Wait
from connectors.feed import FeedConnector
from connectors.feed import Options as FeedOptions
from connectors.feed_parse import LONGEST_ID, MOST, parse
from connectors.http import Web
from connectors.imap_parse import Mail, post_of
from connectors.item import NotAFeed
from connectors.review_parse import reviews_of
from connectors.sitemap_parse import read_sitemap
from connectors.text import plain
from connectors.x_api import Api

MANY = 300_000
URL = "https://blog.example/feed"


def feed(inside: str) -> bytes:
    return f"<rss><channel><item><guid>1</guid><title>a & b</title>{inside}</item></channel></rss>".encode()


@pytest.mark.parametrize(
    "inside",
    ["<![CDATA[" * (MANY // 9), "&" * MANY, "<" * MANY, "<a>" * (MANY // 3), "&#" * (MANY // 2), "<!--" * (MANY // 4)],
    ids=lambda inside: inside[:9],
)
def test_a_broken_feed_is_mended_or_refused_however_long(inside: str) -> None:
    with suppress(NotAFeed):
        assert len(parse(feed(inside), "", URL).items) <= 1


@pytest.mark.parametrize("piece", [".", "... ", "…", "[...]", "read more "])
def test_a_teaser_of_nothing_but_invitations_is_compared(piece: str) -> None:
    teaser = piece * (MANY // len(piece)) + "x"
    assert whole(teaser, "y " * MANY)


@pytest.mark.parametrize("link", ["<" * 16_000, "<a>; " * 3_000, "<a>;" + " rel" * 4_000, ";" * 16_000])
def test_a_link_header_is_searched(link: str) -> None:
    assert isinstance(discovery.named_by_header({"link": link}, URL), list)
    assert websub.offered(parse(feed(""), "", URL), {"link": link}, URL)


@pytest.mark.parametrize(
    "page", ["<div>", "<p>word ", "<a href=/feed>", "<script>", "<table><tr>", "&nbsp;", "<div itemscope>"]
)
def test_a_page_is_read_as_far_as_it_says_anything(page: str) -> None:
    large = page * (500_000 // len(page))
    assert isinstance(plain(large), str) and isinstance(reviews_of(large, URL), list)
    assert isinstance(discovery.feeds_of(large[:100_000], URL), list)
    assert isinstance(read_article(large, whole=False).text, str)


@pytest.mark.parametrize(
    "header",
    ["From: " + "(" * 5_000, "From: " + "<" * 5_000, "Date: " + "(" * 5_000, "Subject: " + "=?utf-8?q?a?= " * 5_000,
     "Content-Type: text/plain" + "; a=b" * 20_000, "Content-Type: " + "(" * 5_000, "Message-ID: " + "<" * 5_000,
     "References: " + "<a@b> " * 20_000, "Content-Disposition: " + "(" * 5_000, "Content-Transfer-Encoding: " + "(" * 5_000],
    ids=lambda header: header.partition(":")[0],
)  # fmt: skip
def test_a_mail_with_any_header_is_a_post(header: str) -> None:
    """One that could not be read would deafen the mailbox for good."""
    raw = f"{header}\r\n\r\nacme lost my bag".encode()
    assert "acme lost my bag" in post_of(Mail(uid=1, raw=raw, size=len(raw), arrived=NOW), "box").text


def test_what_a_stranger_names_is_kept_short() -> None:
    """Ids, addresses and generators go into the cursor, which is written at every poll."""
    long = "x" * 100_000
    items = f"<item><guid>{long}1</guid><link>https://a.example/{long}</link></item><item><guid>{long}2</guid></item>"
    found = parse(f"<rss><channel><generator>{long}</generator>{items}</channel></rss>".encode(), "", URL)
    assert len({item.id for item in found.items}) == 2
    assert all(len(item.id) <= LONGEST_ID and len(item.link) <= LONGEST_ID for item in found.items)
    assert len(found.generator) <= LONGEST_ID
    [place] = read_sitemap(
        f"<urlset><url><loc>{URL}</loc><lastmod>{long}</lastmod></url></urlset>".encode(), URL
    ).places
    assert len(place.changed) <= LONGEST_ID
    [review] = reviews_of(f'<script type="application/ld+json">{json.dumps({"@type": "Review", "@id": long, "name": "a"})}</script>', URL)  # fmt: skip
    assert len(review.id) <= LONGEST_ID


@pytest.mark.parametrize("number", ["²", "9" * 6_000, "٣", "-1", "1e9", " 7 "])
def test_numbers_are_numbers_or_nothing(number: str) -> None:
    head = f"<ttl>{number}</ttl><skipHours><hour>{number}</hour></skipHours>"
    item = f'<item xmlns:slash="http://purl.org/rss/1.0/modules/slash/"><guid>1</guid><slash:comments>{number}</slash:comments></item>'
    assert len(parse(f"<rss><channel>{head}{item}</channel></rss>".encode(), "", URL).items) == 1


def test_an_article_about_entities_is_no_attack() -> None:
    inside = "<description><![CDATA[<!DOCTYPE x [<!ENTITY a 'b'>]> is how XML names things]]></description>"
    assert "names things" in parse(feed(inside), "", URL).items[0].text


@pytest.mark.parametrize("begin", ["", "<!-- <rss> -->" + " " * 5_000, "<?pi ?>"])
def test_an_entity_that_is_defined_is_refused_or_not_expanded(begin: str) -> None:
    bomb = f'{begin}<!DOCTYPE rss [<!ENTITY a "acme"><!ENTITY b "{"&a;" * 1000}"><!ENTITY f SYSTEM "file:///etc/hostname">]>'
    try:
        found = parse(f"{bomb}{feed('<description>&b;&f;</description>').decode()}".encode(), "", URL)
    except NotAFeed:
        return
    assert len("".join(item.text for item in found.items)) < 100


async def test_a_feed_of_too_many_items_says_what_it_leaves_out(server: Server, web_: Web) -> None:
    items = "".join(f"<item><guid>{n}</guid><description>a</description></item>" for n in range(MOST + 5))
    server.answers["/feed"] = f"<rss><channel>{items}</channel></rss>"
    assert len(str(server.answers["/feed"])) > LARGE
    page = await FeedConnector("blog", FeedOptions(url=f"{server.address}/feed", full_text="never"), web_).fetch(
        {}, NOW
    )
    assert len(page.posts) == MOST and "the last 5 were not read" in page.note


async def test_an_answer_without_an_end_is_not_swallowed(server: Server) -> None:
    server.answers["/2/tweets/search/recent"] = b"{" + b" " * (MOST_BYTES + 1)
    api = Api(server.address, "token")
    with pytest.raises(Wait):
        await api.ask("search_recent_tweets", NOW, query="acme")
    api.close()


async def test_calls_that_hang_are_left_behind_and_not_without_number() -> None:
    thread, over = Thread("test"), asyncio.Event()
    loop = asyncio.get_running_loop()
    for _ in range(MOST_HANGING):
        with pytest.raises(TimeoutError):
            await thread.run(0.01, lambda: asyncio.run_coroutine_threadsafe(over.wait(), loop).result())
    with pytest.raises(TimeoutError):
        await thread.run(10, lambda: pytest.fail("one more would hang beside them"))
    over.set()
    await asyncio.sleep(0.05)
    assert await thread.run(10, lambda: "answered") == "answered"
    thread.close()


async def test_a_page_that_is_too_large_is_refused(server: Server, web_: Web) -> None:
    server.answers["/"] = b"x" * (MOST_BYTES + 1)
    with pytest.raises(Fix, match="larger than"):
        await web_.get(f"{server.address}/", now=NOW)
