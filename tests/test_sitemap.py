"""Sites without a feed: their maps in every dialect, new and changed pages, and no more asked than is polite."""

import gzip
from datetime import UTC, datetime, timedelta

import pytest
import sites
from polling import NOW, Poller, ids
from webserver import Server

from connectors.contract import Fix, Hearing, Wait
from connectors.http import Web
from connectors.sitemap import Options, SitemapConnector
from connectors.sitemap_parse import NotASitemap, Place, articles, is_article, read_sitemap, sitemaps_named, unpacked

URL = "https://blog.example/sitemap.xml"


def ear(server: Server, web: Web, path: str = "/sitemap.xml", **options: object) -> Poller:
    return Poller(SitemapConnector("site", Options(url=f"{server.address}{path}", **options), web))  # type: ignore[arg-type]


@pytest.fixture
def site(server: Server) -> sites.Site:
    return sites.Site(server)


def test_a_map_says_what_it_says() -> None:
    news = "<news:news><news:publication><news:name>Post</news:name><news:language>en</news:language></news:publication><news:publication_date>2026-05-04T10:00:00Z</news:publication_date><news:title>Smoke</news:title></news:news>"
    [place] = read_sitemap(sites.sitemap([("/1?a=1&b=2", "")], rest=news).encode(), URL).places
    assert (place.url, place.title, place.lang) == ("https://blog.example/1?a=1&b=2", "Smoke", "en")
    assert place.published == place.at == datetime(2026, 5, 4, 10, tzinfo=UTC)
    index = read_sitemap(sites.sitemap([("https://blog.example/a.xml", "2026-05-04")], "sitemap").encode(), URL)
    assert index.index and index.places[0].at == datetime(2026, 5, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    "body", [b"", b"<html/>", b"not xml", b"<rss><channel/></rss>", b"\x1f\x8bnot gzip", b'{"urlset": 1}'], ids=range(6)
)
def test_what_is_no_sitemap_is_refused(body: bytes) -> None:
    with pytest.raises(NotASitemap):
        read_sitemap(body, URL)


def test_a_packed_bomb_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.sitemap_parse.MOST_BYTES", 1_000)
    assert unpacked(gzip.compress(b"x" * 1_000)) == b"x" * 1_000
    with pytest.raises(NotASitemap, match="when unpacked"):
        unpacked(gzip.compress(b"x" * 100_000))


def test_robots_name_maps() -> None:
    robots = "User-agent: *\nDisallow: /x\nSITEMAP: /a.xml\n sitemap:https://blog.example/b.xml # b\nSitemap: ftp://c\n"
    assert sitemaps_named(robots, URL) == ["https://blog.example/a.xml", "https://blog.example/b.xml"]


@pytest.mark.parametrize(
    ("path", "article"),
    [
        ("/2026/05/smoke/", True),
        ("/", False),
        ("", False),
        ("/tags/", False),
        ("/category/air/", False),
        ("/page/2/", False),
        ("/tagsale", True),
    ],
)
def test_lists_of_articles_are_no_articles(path: str, article: bool) -> None:
    assert is_article(f"https://blog.example{path}") is article


def test_a_page_above_others_is_a_list_of_them() -> None:
    urls = ("/guides/", "/guides/a/", "/guides/b/", "/a", "/a/amp", "/blog")
    assert [place.url for place in articles([Place(url=f"https://x.example{url}") for url in urls])] == [
        f"https://x.example{url}" for url in ("/guides/a/", "/guides/b/", "/a", "/a/amp")
    ]


async def test_new_pages_become_posts_and_old_ones_do_not(site: sites.Site, web_: Web) -> None:
    site.write("old", "acme " * 30, NOW - timedelta(days=30))
    site.write("new", "acme lost my bag and nobody answers the phone, which is a shame. " * 5)
    poller = ear(site.server, web_)
    [post] = await poller.poll()
    assert (post.id, post.title, post.created, post.lang) == (site.url("new"), "new", NOW, "en")
    assert "lost my bag" in post.text and "Imprint" not in post.text
    assert await poller.poll() == []


async def test_a_page_that_the_map_says_changed_is_read_again(site: sites.Site, web_: Web) -> None:
    site.write("a", "acme one")
    poller = ear(site.server, web_)
    await poller.poll()
    site.write("a", "acme two", NOW + timedelta(minutes=1))
    [post] = await poller.poll()
    assert post.id == site.url("a") and "acme two" in post.text


async def test_what_is_gone_or_edited_is_known_by_looking_again(site: sites.Site, web_: Web) -> None:
    site.write("a", "acme one"), site.write("b", "acme two")
    poller = ear(site.server, web_)
    await poller.poll()
    site.delete("a"), site.write("b", "acme three")
    page = await poller.ear.reread([site.url("a"), site.url("b")], poller.cursor, NOW)  # type: ignore[attr-defined]
    assert page.gone == (site.url("a"),) and "three" in page.posts[0].text


async def test_an_unchanged_map_costs_a_304(site: sites.Site, web_: Web) -> None:
    site.write("a", "acme one")
    site.server.answers["/sitemap.xml"] = (
        200,
        {"ETag": '"1"'},
        sites.sitemap([(site.url("a"), NOW.isoformat())]).encode(),
    )
    poller = ear(site.server, web_)
    await poller.poll()
    site.server.answers["/sitemap.xml"] = (304, {}, b"")
    site.server.asked.clear()
    assert await poller.poll() == [] and site.server.asked[-1].headers["If-None-Match"] == '"1"'
    assert len(site.server.asked) == 1


async def test_an_index_leads_to_its_maps_packed_or_not_and_unchanged_ones_are_left_alone(
    site: sites.Site, web_: Web
) -> None:
    site.write("a", "acme one"), site.write("b", "acme two")
    place = site.server.address
    site.server.answers |= {
        "/sitemap.xml": sites.sitemap([(f"{place}/1.xml.gz", "2026-05-04"), (f"{place}/2.xml", "")], "sitemap"),
        "/1.xml.gz": gzip.compress(sites.sitemap([(site.url("a"), NOW.isoformat())]).encode()),
        "/2.xml": sites.sitemap([(site.url("b"), NOW.isoformat())]),
    }
    poller = ear(site.server, web_)
    assert sorted(ids(await poller.poll())) == [site.url("a"), site.url("b")]
    site.server.asked.clear()
    assert await poller.poll() == [] and "/1.xml.gz" not in site.server.paths()


async def test_an_index_that_is_learnt_in_several_looks_brings_nothing_old(
    site: sites.Site, web_: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.sitemap.MOST_MAPS", 2)
    place, old = site.server.address, (NOW - timedelta(days=90)).isoformat()
    maps = [(f"{place}/{n}.xml", f"2026-05-0{n + 1}") for n in range(4)]
    site.server.answers["/sitemap.xml"] = sites.sitemap([*maps, (f"{place}/broken.xml", "2020-01-01")], "sitemap")
    for number in range(4):
        site.write(f"old{number}", "acme"), site.write(f"undated{number}", "acme"), site.write(f"new{number}", "acme")
        pages = [
            (site.url(f"old{number}"), old),
            (site.url(f"undated{number}"), ""),
            (site.url(f"new{number}"), NOW.isoformat()),
        ]
        site.server.answers[f"/{number}.xml"] = sites.sitemap(pages)
    poller, heard = ear(site.server, web_), set[str]()
    for _ in range(5):
        heard |= set(ids(await poller.poll()))
        assert poller.last.hearing is Hearing.TRUNCATED, "maps wait, or one cannot be read"
    assert heard == {site.url(f"new{number}") for number in range(4)}
    site.write("late", "acme")
    site.server.answers |= {
        "/9.xml": sites.sitemap([(site.url("late"), "")]),
        "/sitemap.xml": sites.sitemap([*maps, (f"{place}/9.xml", "2026-05-09")], "sitemap"),
    }
    assert site.url("late") in ids(await poller.poll()), "a map that is new has new pages"


async def test_a_site_is_enough_its_robots_name_the_map_and_forbid_pages(site: sites.Site, web_: Web) -> None:
    site.write("a", "acme one"), site.write("secret", "acme two")
    site.server.answers |= {
        "/": "<!doctype html>front page",
        "/robots.txt": f"User-agent: *\nDisallow: /posts/secret\nSitemap: {site.server.address}/map.xml",
        "/map.xml": site.map,
    }
    assert ids(await ear(site.server, web_, "/").poll()) == [site.url("a")]
    assert "/posts/secret" not in site.server.paths()


async def test_a_site_without_a_map_says_so(server: Server, web_: Web) -> None:
    server.answers["/"] = "<!doctype html>front page"
    with pytest.raises(Fix, match="none is named by"):
        await ear(server, web_, "/").poll()


async def test_only_what_is_asked_for_is_read(site: sites.Site, web_: Web) -> None:
    site.write("blog-a", "acme one"), site.write("shop-b", "acme two")
    assert ids(await ear(site.server, web_, only=("/blog-",)).poll()) == [site.url("blog-a")]


async def test_a_page_that_fails_is_tried_again_and_then_given_up(site: sites.Site, web_: Web) -> None:
    site.write("a", "acme one"), site.write("b", "acme two")
    site.server.answers["/posts/a"] = (500, {}, b"")
    poller = ear(site.server, web_)
    assert ids(await poller.poll()) == [site.url("b")]
    assert poller.last.hearing is Hearing.TRUNCATED and "could not be read" in poller.last.note
    site.write("a", "acme one")
    assert ids(await poller.poll()) == [site.url("a")] and poller.last.hearing is Hearing.HEARD


async def test_a_page_that_always_fails_is_given_up_and_holds_nothing_back(site: sites.Site, web_: Web) -> None:
    site.write("bad", "acme one")
    site.server.answers["/posts/bad"] = (500, {}, b"")
    poller = ear(site.server, web_)
    for number in range(5):
        await poller.poll()
        site.write(f"n{number}", f"acme {number}")
        assert site.url(f"n{number}") in ids(await poller.poll())
    assert site.server.paths().count("/posts/bad") == 3


async def test_a_server_that_limits_us_is_left_alone_and_then_read_on(site: sites.Site, web_: Web) -> None:
    for number in range(5):
        site.write(f"n{number}", f"acme {number}")
    site.server.answers["/posts/n3"] = (429, {"Retry-After": "600"}, b"")
    poller = ear(site.server, web_)
    first = await poller.poll()
    assert poller.last.wait == timedelta(minutes=10) and not poller.last.more
    site.write("n3", "acme 3")
    assert len(set(ids(first + await poller.poll()))) == 5
    site.write("n9", "acme 9")
    site.server.answers["/posts/n9"] = (429, {}, b"")
    with pytest.raises(Wait):
        await poller.poll()
