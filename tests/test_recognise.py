"""What was read before is recognised by its text and not read again, and nothing is mistaken for what it is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.feed_parse import parse
from connectors.item import Feed, Item

URL = "https://blog.example/feed"


def rss(*items: str, head: str = "") -> bytes:
    return f"<?xml version='1.0'?><rss><channel><title>B</title>{head}{' '.join(items)}</channel></rss>".encode()


def item(id_: str, text: str = "words", link: str = "") -> str:
    return f"<item><guid>{id_}</guid><link>{link or f'https://blog.example/{id_}'}</link><description>{text}</description></item>"


def read(body: bytes, before: Feed | None = None) -> Feed:
    """The second reading of a feed, when the first one is given."""
    items = before.items if before else ()
    links = {one.id: one.link for one in items}
    return parse(body, "", URL, {raw: (id_, links[id_]) for id_, raw in before.raws.items()} if before else {})


def test_only_what_is_new_is_read() -> None:
    feed = read(rss(item("new"), item("a"), item("b")), read(rss(item("a"), item("b"))))
    assert [(one.id, one.known) for one in feed.items] == [("new", False), ("a", True), ("b", True)]
    assert feed.title == "B" and feed.raws.keys() == {"new", "a", "b"}


def test_one_letter_more_is_another_text() -> None:
    feed = read(rss(item("a", "words!"), item("b")), read(rss(item("a"), item("b"))))
    assert [(one.id, one.text, one.known) for one in feed.items] == [("a", "words!", False), ("b", "", True)]


def test_atom_is_recognised_too() -> None:
    def atom(*ids: str) -> bytes:
        entries = "".join(f'<entry xml:lang="en"><id>{one}</id><title>{one}</title></entry>' for one in ids)
        return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>B</title>{entries}</feed>'.encode()

    assert [one.known for one in read(atom("n", "a"), read(atom("a"))).items] == [False, True]


def test_who_is_known_keeps_its_id_though_another_claims_it() -> None:
    first = read(rss(item("x", "one", "https://blog.example/1")))
    feed = read(rss(item("x", "two", "https://blog.example/2"), item("x", "one", "https://blog.example/1")), first)
    assert [(one.id, one.known) for one in feed.items] == [("x#https://blog.example/2", False), ("x", True)]


@pytest.mark.parametrize(
    "body",
    [
        rss(item("a", "<![CDATA[a text about </item><item> tags]]>"), item("b")),
        rss(item("a", "<![CDATA[<item>]]>"), item("b")),
        rss(item("a"), "<!-- </item> -->", item("b")),
        rss(item("a"), item("a"), item("b")),
        rss(item("a"), item("b"))[:-40],
        rss(item("a"), item("b"), head="<items><li/></items>"),
        b"<rss><channel></item><item></channel></rss>",
        b"<rss><channel><item/></channel></rss>",
        b"<item></item>",
    ],
    ids=range(9),
)
def test_what_cannot_be_cut_beyond_doubt_is_read_whole(body: bytes) -> None:
    """Read twice, it is the same: nothing is taken for known that is not, and nothing is lost."""
    try:
        first = read(body)
    except ValueError:
        return
    again = read(body, first)
    assert [one.id for one in again.items] == [one.id for one in first.items]
    assert all(one.known or one in first.items for one in again.items)


PIECES = st.sampled_from(
    "<item> </item> <items> </items> <![CDATA[ ]]> <!-- --> <guid>a</guid> <guid>b</guid> <link>x</link> text &amp; <item/>".split()
)


@given(st.lists(PIECES, max_size=14).map(" ".join), st.lists(PIECES, max_size=14).map(" ".join))
def test_whatever_is_written_a_known_item_is_one_that_was_read(before: str, after: str) -> None:
    def whole(text: str) -> Feed:
        try:
            return read(rss(text))
        except ValueError:
            return Feed(items=())

    first = whole(before)
    try:
        second = read(rss(after), first)
    except ValueError:
        return
    known: list[Item] = [one for one in second.items if one.known]
    assert {one.id for one in known} <= {one.id for one in first.items}
    assert whole(after).items == () or len(second.items) <= len(whole(after).items) + len(known)
