"""Small sites on loopback for the tests: one with a sitemap and no feed, one with marked reviews on pages of twenty."""

from collections.abc import Iterable
from datetime import datetime
from html import escape

from aiohttp import web
from polling import NOW
from webserver import Server

A_PAGE = 100  # reviews


class Site:
    """Pages and a map of them."""

    def __init__(self, server: Server):
        self.server = server
        self.pages: dict[str, tuple[str, datetime]] = {}
        server.answers["/sitemap.xml"] = self.map

    def url(self, key: str) -> str:
        return f"{self.server.address}/posts/{key}"

    def write(self, key: str, text: str, at: datetime = NOW) -> None:
        self.pages[key] = (text, at)
        self.server.answers[f"/posts/{key}"] = page(key, text)

    def delete(self, key: str) -> None:
        del self.pages[key]
        self.server.answers[f"/posts/{key}"] = None

    async def map(self, _: web.Request) -> web.Response:
        return web.Response(text=sitemap((self.url(key), at.isoformat()) for key, (_, at) in self.pages.items()))


def page(title: str, text: str, head: str = "") -> str:
    return (
        f"<!doctype html><html lang='en'><head><title>{title}</title><meta name='description' content='{escape(text)}'>{head}</head><body><nav>Home About</nav>"
        f"<article><h1>{title}</h1><p>{escape(text)}</p></article><footer>Imprint</footer></body></html>"
    )


def sitemap(places: Iterable[tuple[str, str]], kind: str = "url", rest: str = "") -> str:
    around = "sitemapindex" if kind == "sitemap" else "urlset"
    listed = "".join(
        f"<{kind}><loc>{escape(url)}</loc>{f'<lastmod>{at}</lastmod>' if at else ''}{rest}</{kind}>"
        for url, at in places
    )
    space = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
    return f'<?xml version="1.0" encoding="UTF-8"?><{around} {space}>{listed}</{around}>'


def review(
    key: str, text: str, *, rating: int = 1, title: str = "", author: str = "Kim Sample", at: datetime = NOW
) -> str:
    """In microdata."""
    return (
        f'<div id="review-{key}" itemprop="review" itemscope itemtype="https://schema.org/Review">'
        f'<span itemprop="author" itemscope itemtype="https://schema.org/Person"><b itemprop="name">{author}</b></span>'
        f'<span itemprop="reviewRating" itemscope itemtype="https://schema.org/Rating"><meta itemprop="ratingValue" content="{rating}"></span>'
        f'<h3 itemprop="name">{title}</h3><time itemprop="datePublished" datetime="{at.isoformat()}">then</time>'
        f'<p itemprop="reviewBody">{escape(text)}</p></div>'
    )


class Shop:
    """A page of reviews, the newest first, and older ones behind rel="next"."""

    def __init__(self, server: Server):
        self.reviews: dict[str, str] = {}
        self.server = server
        server.answers["/reviews"] = self.page

    async def page(self, request: web.Request) -> web.Response:
        number = int(request.query.get("page", "1"))
        newest = list(self.reviews.values())[::-1]
        shown = newest[(number - 1) * A_PAGE : number * A_PAGE]
        following = (
            f'<a rel="next" href="/reviews?page={number + 1}">older</a>' if len(newest) > number * A_PAGE else ""
        )
        body = "".join(shown)
        text = f"<!doctype html><html><body><div itemscope itemtype='https://schema.org/Product'>{body}</div>{following}</body></html>"
        return web.Response(text=text, content_type="text/html")
