"""Blogs are heard whole and once: late, undated, changed, deleted, three hundred at a time, or failing."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from webserver import Server

from connectors.contract import START, Cursor, Fix, Hearing, Page, Wait
from connectors.feed import FeedConnector, Options
from connectors.http import Web
from connectors.post import Post

NOW = datetime(2026, 5, 4, 13, 0, tzinfo=UTC)
LONG = "Every word of this article stands in the feed itself. " * 20


def item(
    id_: str, *, text: str = LONG, date: str = "Mon, 04 May 2026 12:00:00 GMT", extra: str = "", link: str = ""
) -> str:
    dated = f"<pubDate>{date}</pubDate>" if date else ""
    return f"<item><guid>{id_}</guid><link>{link or f'/{id_}'}</link><title>T {id_}</title>{dated}<description>{text}</description>{extra}</item>"


def feed(items: Iterable[str], head: str = "") -> str:
    return (
        '<rss xmlns:wfw="http://wellformedweb.org/CommentAPI/" xmlns:slash="http://purl.org/rss/1.0/modules/slash/"'
        ' xmlns:atom="http://www.w3.org/2005/Atom">'
        f"<channel><title>B</title>{head}{''.join(items)}</channel></rss>"
    )


class Reader:
    """Polls as the house does: page after page, each with the cursor of the one before."""

    def __init__(self, server: Server, web: Web, **options: object):
        self.ear = FeedConnector("blog", Options(url=f"{server.address}/feed", **options), web)  # type: ignore[arg-type]
        self.cursor: Cursor = START
        self.pages: list[Page] = []

    async def poll(self) -> list[Post]:
        posts: list[Post] = []
        for _ in range(100):
            page = await self.ear.fetch(self.cursor, NOW)
            self.cursor = page.cursor
            self.pages.append(page)
            posts += page.posts
            if not page.more:
                return posts
        raise AssertionError("it never ends")

    @property
    def last(self) -> Page:
        return self.pages[-1]


@pytest.fixture
def reader(server: Server, web_: Web) -> Reader:
    return Reader(server, web_)


def ids(posts: list[Post]) -> list[str]:
    return [post.id for post in posts]


async def test_an_item_is_a_post(server: Server, reader: Reader) -> None:
    server.answers["/feed"] = feed([item("a")])
    [post] = await reader.poll()
    assert (post.source, post.id, post.url, post.title) == ("blog", "a", f"{server.address}/a", "T a")
    assert (post.created, post.site) == (NOW - timedelta(hours=1), "127.0.0.1")


async def test_an_unchanged_feed_costs_a_304(server: Server, reader: Reader) -> None:
    server.answers["/feed"] = (
        200,
        {"ETag": '"1"', "Last-Modified": "Mon, 04 May 2026 12:00:00 GMT"},
        feed([item("a")]).encode(),
    )
    await reader.poll()
    server.answers["/feed"] = (304, {}, b"")
    assert await reader.poll() == []
    sent = server.asked[-1].headers
    assert (sent["If-None-Match"], sent["If-Modified-Since"]) == ('"1"', "Mon, 04 May 2026 12:00:00 GMT")
    assert reader.last.hearing is Hearing.HEARD


async def test_validators_of_a_body_that_could_not_be_read_are_not_kept(server: Server, reader: Reader) -> None:
    server.answers["/feed"] = (200, {"ETag": '"bad"'}, b"<svg/>")
    with pytest.raises(Fix):
        await reader.poll()
    server.answers["/feed"] = feed([item("a")])
    assert ids(await reader.poll()) == ["a"]
    assert "If-None-Match" not in server.asked[-1].headers


async def test_dates_decide_nothing(server: Server, reader: Reader) -> None:
    same = "Mon, 04 May 2026 12:00:00 GMT"
    server.answers["/feed"] = feed([item("a", date=same), item("b", date=same), item("c", date="")])
    assert ids(await reader.poll()) == ["a", "b", "c"]
    late = item("late", date="Tue, 01 Jan 2019 00:00:00 GMT")
    server.answers["/feed"] = feed(
        [item("a", date=same), item("b", date=same), late, item("c", date=""), item("d", date=same)]
    )
    assert ids(await reader.poll()) == ["late", "d"]
    assert await reader.poll() == []


async def test_a_changed_item_comes_again_under_its_id(server: Server, reader: Reader) -> None:
    server.answers["/feed"] = feed([item("a"), item("b")])
    await reader.poll()
    server.answers["/feed"] = feed([item("a", text=LONG + "Corrected."), item("b")])
    [post] = await reader.poll()
    assert post.id == "a" and post.text.endswith("Corrected.")


async def test_a_deleted_item_is_gone_and_one_that_only_scrolled_out_is_not(server: Server, reader: Reader) -> None:
    server.answers["/feed"] = feed([item("c"), item("b"), item("a")])
    server.answers |= {"/c": b"<!doctype html>", "/a": b"<!doctype html>"}
    await reader.poll()
    server.answers["/feed"] = feed([item("e"), item("d"), item("c")])  # b and a scrolled out together
    await reader.poll()
    assert reader.last.gone == ()
    server.answers["/feed"] = feed([item("e"), item("c")])  # d vanished from between, and its page is not there
    await reader.poll()
    assert reader.last.gone == ("d",)


async def test_the_oldest_of_a_feed_that_shows_nothing_new_was_deleted(server: Server, reader: Reader) -> None:
    server.answers["/feed"] = feed([item("c"), item("b"), item("a")])
    await reader.poll()
    server.answers["/feed"] = feed([item("d"), item("c")])  # one that is new pushes out one at the most
    await reader.poll()
    assert reader.last.gone == ("b",)


async def test_what_left_the_feed_is_looked_at_where_it_stands(server: Server, reader: Reader) -> None:
    server.answers["/feed"] = feed([item("b"), item("a")])
    server.answers |= {"/a": b"<!doctype html><p id='comment-12'>"}
    await reader.poll()
    server.answers["/feed"] = feed([item("d"), item("c")])
    await reader.poll()
    comments = [f"{server.address}/a#comment-1", f"{server.address}/a#comment-12"]
    page = await reader.ear.reread(["a", "b", *comments, "tag:unknown"], reader.cursor, NOW)
    assert page.gone == ("b", comments[0]) and page.cursor == reader.cursor


async def test_what_the_feed_still_shows_stands_whatever_its_page_answers(server: Server, reader: Reader) -> None:
    server.answers["/feed"] = feed([item("b"), item("a")])  # neither has a page that a stranger may read
    await reader.poll()
    assert (await reader.ear.reread(["a", "b"], reader.cursor, NOW)).gone == ()


async def test_what_vanished_but_can_still_be_read_is_not_gone(server: Server, reader: Reader) -> None:
    server.answers["/feed"] = feed([item("b"), item("a")])
    server.answers["/b"] = b"<!doctype html>still here"
    await reader.poll()
    server.answers["/feed"] = feed([item("a")])
    await reader.poll()
    assert reader.last.gone == ()


async def test_three_hundred_at_once_are_all_heard(server: Server, reader: Reader) -> None:
    wordpress = "<generator>https://wordpress.org/?v=6.1</generator>"
    everything = [item(f"p{n}") for n in range(300)]
    server.answers["/feed"] = feed(everything[290:], wordpress)
    await reader.poll()
    for page in range(1, 31):
        path = "/feed" if page == 1 else f"/feed?paged={page}"
        server.answers[path] = feed(everything[(page - 1) * 10 : page * 10], wordpress)
    heard = ids(await reader.poll())
    assert sorted(heard) == sorted(f"p{n}" for n in range(290))
    assert await reader.poll() == []


async def test_what_is_written_while_older_pages_are_read_makes_no_hole(server: Server, reader: Reader) -> None:
    wordpress = "<generator>https://wordpress.org/?v=6.1</generator>"
    written = [item(f"p{n}") for n in range(10)]

    async def page(request: web.Request) -> web.Response:
        number = int(request.query.get("paged", "1"))
        newest = written[::-1][(number - 1) * 10 : number * 10]
        if 10 < len(written) < 100:
            written.extend(item(f"p{n}") for n in range(len(written), len(written) + 10))
        return web.Response(body=feed(newest, wordpress) if newest else b"", status=200 if newest else 404)

    server.answers["/feed"] = page
    await reader.poll()
    written.extend(item(f"p{n}") for n in range(10, 60))
    heard = ids(await reader.poll()) + ids(await reader.poll())
    assert sorted(set(heard)) == sorted(f"p{n}" for n in range(10, 100))


async def test_older_pages_are_followed_by_rfc_5005(server: Server, reader: Reader) -> None:
    server.answers["/feed"] = feed([item("a")])
    await reader.poll()
    server.answers["/feed"] = feed([item("d")], '<atom:link rel="next" href="/feed2"/>')
    server.answers["/feed2"] = feed([item("c")], '<atom:link rel="next" href="/feed3"/>')
    server.answers["/feed3"] = feed([item("b"), item("a")], '<atom:link rel="next" href="/feed4"/>')
    assert ids(await reader.poll()) == ["d", "c", "b"]
    assert "/feed4" not in server.paths()


async def test_what_was_missed_is_said(server: Server, reader: Reader) -> None:
    server.answers["/feed"] = feed([item("a")])
    await reader.poll()
    server.answers["/feed"] = feed([item("x"), item("y")])
    assert ids(await reader.poll()) == ["x", "y"]
    assert reader.last.hearing is Hearing.TRUNCATED
    assert "more was written than the feed shows" in reader.last.note


async def test_the_first_reading_goes_back_only_so_far(server: Server, reader: Reader) -> None:
    old = "Mon, 05 Jan 2026 12:00:00 GMT"
    server.answers["/feed"] = feed([item("a"), item("b", date=old)], '<atom:link rel="next" href="/feed2"/>')
    assert ids(await reader.poll()) == ["a", "b"]
    assert "/feed2" not in server.paths()


async def test_sixty_new_items_are_handled_in_pieces_and_none_is_left(server: Server, reader: Reader) -> None:
    server.answers["/feed"] = (200, {"ETag": '"1"'}, feed(item(f"p{n}", text="It began …") for n in range(60)).encode())
    assert len(await reader.poll()) == 60
    assert [len(page.posts) for page in reader.pages] == [25, 25, 10]


async def test_a_teaser_is_filled_from_its_page(server: Server, reader: Reader) -> None:
    story = "The gate closed in front of us and nobody said a word about it until midnight. " * 8
    server.answers["/feed"] = feed([item("a", text="It began well …")])
    server.answers["/a"] = (
        f"<!doctype html><html><body><nav>Home</nav><article><h1>T</h1><p>{story}</p></article></body></html>"
    )
    [post] = await reader.poll()
    assert "nobody said a word" in post.text


async def test_a_page_that_cannot_be_read_leaves_the_teaser(server: Server, reader: Reader) -> None:
    server.answers["/feed"] = feed([item("a", text="It began well …")])
    server.answers["/a"] = (500, {}, b"")
    [post] = await reader.poll()
    assert post.text == "It began well …"
    assert "only the teaser" in reader.last.note


async def test_comments_are_posts_with_their_parent(server: Server, reader: Reader) -> None:
    extra = "<wfw:commentRss>/a/feed</wfw:commentRss><slash:comments>{}</slash:comments>"
    server.answers["/feed"] = feed([item("a", extra=extra.format(1))])
    server.answers["/a/feed"] = feed([item("c1", link="/a#c1")])
    posts = await reader.poll()
    assert [(post.id, post.kind, post.parent) for post in posts] == [("a", "post", ""), ("c1", "comment", "a")]
    asked = server.paths().count("/a/feed")
    await reader.poll()
    assert server.paths().count("/a/feed") == asked, "nothing new was said there"
    server.answers["/feed"] = feed([item("a", extra=extra.format(2))])
    server.answers["/a/feed"] = feed([item("c2", link="/a#c2"), item("c1", link="/a#c1")])
    assert [post.id for post in await reader.poll() if post.kind == "comment"] == ["c2"]


async def test_a_comment_in_two_feeds_is_heard_once(server: Server, reader: Reader) -> None:
    wordpress = "<generator>https://wordpress.org/?v=6.1</generator>"
    extra = "<wfw:commentRss>/a/feed</wfw:commentRss><slash:comments>1</slash:comments>"
    server.answers["/feed"] = feed([item("a", extra=extra)], wordpress)
    server.answers["/a/feed/atom/"] = feed([item("c1", link="/a#c1")])
    server.answers["/comments/feed/atom/"] = feed([item("c1", link="/a#c1")])
    heard = ids(await reader.poll()) + ids(await reader.poll())
    assert sorted(heard) == ["a", "c1"]


async def test_a_comment_knows_what_it_answers_and_what_began_it(server: Server, reader: Reader) -> None:
    """WordPress names a comment after its post, in feed and API not always by the same name; its number is the same."""
    wordpress = "<generator>https://wordpress.org/?v=6.1</generator>"
    post = f"{server.address}/2026/05/smoke/"
    comment = (
        '<entry><id>{post}#comment-{n}</id><link href="{post}#comment-{n}"/><author><name>Lou</name></author>'
        '<content type="html">&lt;p&gt;Same here&lt;/p&gt;</content><thr:in-reply-to ref="{ref}"/></entry>'
    )
    entries = comment.format(post=post, n=2, ref=f"{post}#comment-1") + comment.format(post=post, n=1, ref=post)
    atom = (
        f'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:thr="http://purl.org/syndication/thread/1.0">{entries}</feed>'
    )
    api = [
        {
            "id": n,
            "post": 4,
            "parent": parent,
            "link": f"{post}#comment-{n}",
            "content": {"rendered": "<p>Same here</p>"},
        }
        for n, parent in ((3, 2), (2, 1), (1, 0))
    ]
    link = {"Link": f'<{server.address}/wp-json/>; rel="https://api.w.org/"'}
    server.answers |= {
        "/feed": feed([item(post, link=post)], wordpress),
        "/comments/feed/atom/": (200, link, atom.encode()),
        "/wp-json/wp/v2/comments": (200, {}, json.dumps(api).encode()),
    }
    found = {one.id: (one.parent, one.root) for one in await reader.poll() if one.kind == "comment"}
    assert found == {"#comment-1": (post, ""), "#comment-2": ("#comment-1", post), "#comment-3": ("#comment-2", post)}
    assert await reader.poll() == []


async def test_a_comment_feed_that_fails_costs_the_blog_nothing(server: Server, reader: Reader) -> None:
    extra = "<wfw:commentRss>/a/feed</wfw:commentRss><slash:comments>1</slash:comments>"
    server.answers["/feed"] = feed([item("a", extra=extra)])
    server.answers["/a/feed"] = (500, {}, b"")
    assert ids(await reader.poll()) == ["a"]
    assert "comments could not be read" in reader.last.note
    server.answers["/a/feed"] = feed([item("c1", link="/a#c1")])
    assert ids(await reader.poll()) == ["c1"]


async def test_a_blogs_own_address_leads_to_its_feed(server: Server, reader: Reader) -> None:
    server.answers["/feed"] = (
        '<!doctype html><html><head><link rel="alternate" type="application/rss+xml" href="/real"></head></html>'
    )
    server.answers["/real"] = feed([item("a")])
    assert ids(await reader.poll()) == ["a"]
    server.answers["/feed"] = (500, {}, b"")
    assert await reader.poll() == [], "it is remembered"


async def test_a_page_without_a_feed_says_so(server: Server, reader: Reader) -> None:
    server.answers["/feed"] = "<!doctype html><html><body>hello</body></html>"
    with pytest.raises(Fix, match="a web page, not a feed; give the address of a feed"):
        await reader.poll()


async def test_a_feed_that_moved_is_read_at_its_new_place(server: Server, reader: Reader) -> None:
    server.answers["/feed"] = (301, {"Location": "/new"}, b"")
    server.answers["/new"] = feed([item("a")])
    await reader.poll()
    assert reader.last.facts["url"] == f"{server.address}/new"
    await reader.poll()
    assert server.paths()[-1] == "/new"


async def test_gone_for_good_is_for_a_person_and_500_is_for_later(server: Server, reader: Reader) -> None:
    server.answers["/feed"] = (410, {}, b"")
    with pytest.raises(Fix, match="gone for good"):
        await reader.poll()
    server.answers["/feed"] = (500, {}, b"")
    with pytest.raises(Wait):
        await reader.poll()
    server.answers["/feed"] = feed([item("a")])
    assert ids(await reader.poll()) == ["a"]


@pytest.mark.parametrize(
    ("headers", "head", "wait"),
    [
        ({"Cache-Control": "max-age=900"}, "", timedelta(minutes=15)),
        ({"Cache-Control": "max-age=99999999"}, "", timedelta(hours=1)),
        ({"Cache-Control": "no-cache, max-age=900"}, "", None),
        ({"Expires": "Mon, 04 May 2026 13:30:00 GMT"}, "", timedelta(minutes=30)),
        ({}, "<ttl>120</ttl>", timedelta(hours=2)),
        ({}, "<skipHours><hour>13</hour><hour>14</hour></skipHours>", timedelta(hours=2)),
        ({}, "<skipDays><day>Monday</day></skipDays>", timedelta(hours=11)),
        ({}, "", None),
    ],
)
async def test_a_server_that_asks_for_time_is_given_it(
    server: Server, reader: Reader, headers: dict[str, str], head: str, wait: timedelta | None
) -> None:
    server.answers["/feed"] = (200, headers, feed([item("a")], head).encode())
    await reader.poll()
    assert reader.last.wait == wait


async def test_comments_that_no_feed_shows_are_fetched_from_wordpress(server: Server, reader: Reader) -> None:
    wordpress = "<generator>https://wordpress.org/?v=6.1</generator>"
    link = {"Link": f'<{server.address}/index.php?rest_route=/>; rel="https://api.w.org/"'}
    post = item(f"{server.address}/?p=4", link="/?p=4")
    server.answers["/feed"] = feed([post], wordpress)

    def shown(numbers: Iterable[int]) -> tuple[int, dict[str, str], bytes]:
        return (
            200,
            link,
            feed(item(f"{server.address}/?p=4#comment-{n}", link=f"/?p=4#comment-{n}") for n in numbers).encode(),
        )

    def api(numbers: Iterable[int]) -> bytes:
        found = [
            {
                "id": n,
                "post": 4,
                "author_name": "C",
                "date_gmt": "2026-05-04T12:00:00",
                "link": "/x",
                "content": {"rendered": "<p>x</p>"},
            }
            for n in numbers
        ]
        return json.dumps(found).encode()

    server.answers["/comments/feed/atom/"] = shown([1])
    server.answers["/index.php"] = api([1])
    await reader.poll()
    server.answers["/comments/feed/atom/"] = shown(range(26, 16, -1))
    server.answers["/index.php"] = api(range(26, 0, -1))
    heard = [post for post in await reader.poll() if post.kind == "comment"]
    assert sorted(ids(heard)) == sorted(f"#comment-{n}" for n in range(2, 27))
    assert {post.parent for post in heard} == {f"{server.address}/?p=4"}
    assert await reader.poll() == []


async def test_a_server_whose_unchanged_hides_a_deletion_is_asked_for_the_whole_now_and_then(
    server: Server, reader: Reader
) -> None:
    body = {"items": [item("b"), item("a")]}

    async def stubborn(request: web.Request) -> web.Response:
        if request.headers.get("If-None-Match"):
            return web.Response(status=304)
        return web.Response(body=feed(body["items"]).encode(), headers={"ETag": '"1"'})

    server.answers["/feed"] = stubborn
    server.answers["/a"] = b"<!doctype html>"
    await reader.poll()
    body["items"] = [item("a")]
    for _ in range(22):
        await reader.poll()
    assert [id_ for page in reader.pages for id_ in page.gone] == ["b"]
