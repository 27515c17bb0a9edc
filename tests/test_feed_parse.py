"""Feeds as they are: three formats, wrong charsets, broken XML, and what is refused."""

from datetime import UTC, datetime, timedelta
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.dates import when
from connectors.feed_parse import parse
from connectors.item import NotAFeed
from connectors.text import plain

URL = "https://blog.example/feed"
RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:wfw="http://wellformedweb.org/CommentAPI/" xmlns:slash="http://purl.org/rss/1.0/modules/slash/"
 xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>Wander</title><link>https://blog.example/</link>
 <generator>https://wordpress.org/?v=6.1</generator><ttl>90</ttl><skipHours><hour>3</hour><hour>4</hour></skipHours>
 <skipDays><day>Sunday</day></skipDays><atom:link rel="self" href="x"/><atom:link rel="next" href="/feed?page=2"/>
 <item><title>Caf&eacute; &amp; &lt;b&gt;smoke&lt;/b&gt;</title><link>/one</link><guid isPermaLink="false">g-1</guid>
 <dc:creator>Marta Quill</dc:creator><pubDate>Mon, 04 May 2026 15:00:00 +0200</pubDate><description>short</description>
 <content:encoded><![CDATA[<p>First&nbsp;line</p><script>x()</script><p>Second &lt;tag&gt; line</p>]]></content:encoded>
 <wfw:commentRss>/one/feed</wfw:commentRss><slash:comments>3</slash:comments></item>
 <item><title>No id</title><link>/two</link><description>teaser …</description></item>
 <item><description>neither id nor link</description></item></channel></rss>"""


def test_rss() -> None:
    feed = parse(RSS.encode(), "application/rss+xml", URL)
    assert (feed.title, feed.link, feed.next) == ("Wander", "https://blog.example/", "https://blog.example/feed?page=2")
    assert (feed.ttl, feed.skip_hours, feed.skip_days) == (timedelta(minutes=90), frozenset({3, 4}), frozenset({6}))
    one, two, three = feed.items
    assert (one.id, one.link, one.title) == ("g-1", "https://blog.example/one", "Café & smoke")
    assert one.text == "First line\nSecond <tag> line"
    assert (one.author, one.published) == ("Marta Quill", datetime(2026, 5, 4, 13, 0, tzinfo=UTC))
    assert (one.comments_feed, one.comments, one.teaser) == ("https://blog.example/one/feed", 3, False)
    assert (two.id, two.published, two.teaser) == ("https://blog.example/two", None, True)
    assert three.id and three.text == "neither id nor link"


def test_atom() -> None:
    feed = parse(
        b"""<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de" xmlns:thr="http://purl.org/syndication/thread/1.0">
        <link rel="alternate" href="/"/><link rel="next" href="/p2"/><entry><id>tag:1</id><title type="html">A &amp;lt;3 B</title>
        <link href="/a"/><link rel="replies" type="application/atom+xml" href="/a/replies"/><updated>2026-05-04T15:00:00+02:00</updated>
        <author><name>Ann</name><uri>https://ann.example</uri></author>
        <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>one</p><p>two</p></div></content>
        <thr:in-reply-to ref="tag:0"/></entry>
        <entry><id>tag:2</id><title>plain &amp; simple</title><summary>Only a teaser</summary></entry></feed>""",
        "application/atom+xml",
        URL,
    )
    one, two = feed.items
    assert (one.id, one.link, one.title, one.text) == ("tag:1", "https://blog.example/a", "A <3 B", "one\ntwo")
    assert (one.author, one.parent, one.lang) == ("Ann", "tag:0", "de")
    assert (one.comments_feed, one.teaser) == ("https://blog.example/a/replies", False)
    assert (two.title, two.text, two.teaser) == ("plain & simple", "Only a teaser", True)
    assert feed.next == "https://blog.example/p2"


def test_json_feed() -> None:
    feed = parse(
        b'{"version": "https://jsonfeed.org/version/1.1", "next_url": "?p=2", "items": [{"id": 7, "url": "/a", "title": "T",'
        b' "content_html": "<p>x</p>", "authors": [{"name": "Ann"}], "date_published": "2026-05-04T13:00:00Z"}, "junk"]}',
        "application/feed+json",
        URL,
    )
    [item] = feed.items
    assert (item.id, item.link, item.text, item.author) == ("7", "https://blog.example/a", "x", "Ann")
    assert feed.next == "https://blog.example/feed?p=2"


def test_rdf() -> None:
    [item] = parse(
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><channel rdf:about="x">'
        b'<title>T</title></channel><item rdf:about="https://blog.example/i"><title>I</title><link>https://blog.example/i</link>'
        b"<description>words</description></item></rdf:RDF>",
        "application/rdf+xml",
        URL,
    ).items
    assert (item.id, item.title, item.text) == ("https://blog.example/i", "I", "words")


def rss(text: str, declared: str = "utf-8") -> str:
    return f'<?xml version="1.0" encoding="{declared}"?><rss><channel><item><guid>1</guid><title>{text}</title></item></channel></rss>'


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (rss("Café").encode(), "text/xml; charset=iso-8859-1"),
        (rss("Café", "iso-8859-1").encode(), "text/xml"),
        (rss("Café", "iso-8859-1").encode("latin-1"), "text/xml"),
        (rss("Café", "utf-8").encode("latin-1"), "text/xml; charset=utf-8"),
        (rss("Café", "nonsense-8").encode("latin-1"), "text/xml; charset=latin1"),
        (b"\xef\xbb\xbf" + rss("Café").encode(), "text/xml"),
        (rss("Café", "utf-16").encode("utf-16"), "text/xml"),
    ],
)
def test_a_wrong_charset_does_not_spoil_the_words(body: bytes, content_type: str) -> None:
    assert parse(body, content_type, URL).items[0].title == "Café"


def test_broken_xml_is_recovered() -> None:
    body = b"\n <rss><channel><item><guid>1</guid><title>Fish & chips <b> &nbsp;&copy;\x01</title></item><item><guid>2</guid></item></channel></rss>"
    items = parse(body, "text/xml", URL).items
    assert [item.id for item in items] == ["1", "2"]
    assert "Fish & chips" in items[0].title


def test_of_a_document_cut_short_the_half_item_waits_for_the_next_reading() -> None:
    body = b"<rss><channel><item><guid>1</guid><title>whole</title></item><item><guid>2</guid><title>ha"
    feed = parse(body, "text/xml", URL)
    assert [item.id for item in feed.items] == ["1"]
    assert feed.cut


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "XML that cannot be read|not XML"),
        (b"hello", "XML that cannot be read|not XML"),
        (b"<!doctype html><html><body>x</body></html>", "a web page"),
        (b"<svg/>", "<svg> is not a feed"),
        (b'{"a": 1}', "no list of items"),
        (b'{"items": [', "cannot be read"),
        (
            b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><rss><channel><item><title>&b;</title></item></channel></rss>',
            "entity definitions",
        ),
        (
            b'<!DOCTYPE r SYSTEM "http://inside.example/x.dtd" [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss/>',
            "entity definitions",
        ),
    ],
)
def test_what_is_no_feed_is_refused_plainly(body: bytes, why: str) -> None:
    with pytest.raises(NotAFeed, match=why):
        parse(body, "text/xml", URL)


def test_an_old_doctype_without_entities_is_no_harm() -> None:
    body = b'<!DOCTYPE rss PUBLIC "-//N//DTD RSS 0.91//EN" "http://old.example/rss.dtd"><rss><channel><item><guid>1</guid></item></channel></rss>'
    assert len(parse(body, "text/xml", URL).items) == 1


def test_items_that_share_an_id_do_not_swallow_each_other() -> None:
    body = b"<rss><channel><item><guid>x</guid><link>/a</link></item><item><guid>x</guid><link>/b</link></item><item><guid>x</guid><link>/a</link></item></channel></rss>"
    assert len(parse(body, "text/xml", URL).items) == 2


@given(st.binary(max_size=300))
def test_any_bytes_are_a_feed_or_refused(body: bytes) -> None:
    try:
        parse(body, "", URL)
    except NotAFeed as refused:
        assert str(refused)


@given(st.text(max_size=300))
def test_any_markup_becomes_text(markup: str) -> None:
    assert "<script" not in plain(f"<p>{markup}</p><script>bad</script>").split("bad")[0] or "<script" in markup


def test_deep_markup_does_no_harm() -> None:
    assert plain("<div>" * 5_000 + "x" + "</div>" * 5_000).endswith("x")


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-45", "Mon, 99 Foo 2026"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert when(text) is None


@pytest.mark.parametrize("said", ["In reply to {}.", "Antwort auf {}.", "En réponse à {}.", "{} への返信。"])
@pytest.mark.parametrize("kind", ["atom", "rss"])
def test_whom_a_comment_answers_is_no_part_of_its_words(kind: str, said: str) -> None:
    """WordPress writes it in front of them, in the language of the site, and in its RSS says it nowhere else."""
    answered = "https://blog.example/a/#comment-65"
    address = said.format(f'<a href="{answered}">Bea</a>')
    text, id_ = f"<p>{address}</p>\n<p>My bag is lost, too.</p>", "https://blog.example/a/#comment-66"
    feeds = {
        "atom": f'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>{id_}</id><content type="html">{escape(text)}</content></entry></feed>',
        "rss": f'<rss xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><item><guid>{id_}</guid>'
        f"<content:encoded>{escape(text)}</content:encoded></item></channel></rss>",
    }
    [item] = parse(feeds[kind].encode(), "", "https://blog.example/comments/feed/").items
    assert (item.text, item.parent) == ("My bag is lost, too.", answered)


def test_a_comment_that_begins_with_a_link_keeps_it() -> None:
    text = '<p>See <a href="https://blog.example/other/">the other post</a>.</p><p>It is true.</p>'
    feed = f"<rss><channel><item><guid>https://blog.example/a/#comment-1</guid><description>{escape(text)}</description></item></channel></rss>"
    [item] = parse(feed.encode(), "", "https://blog.example/").items
    assert item.text == "See the other post.\nIt is true." and not item.parent
