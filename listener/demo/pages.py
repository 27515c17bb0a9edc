"""How the demo's blogs look to a reader: RSS with comment feeds, Atom with teasers, JSON Feed, and pages. Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from enum import StrEnum
from html import escape


class Form(StrEnum):
    RSS = "rss"
    ATOM = "atom"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    id: str
    author: str
    text: str
    at: datetime


@dataclass(slots=True, kw_only=True)
class Entry:
    id: str
    title: str
    author: str
    text: str
    at: datetime
    teaser: str = ""
    comments: list[Comment] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Blog:
    name: str
    title: str
    form: Form
    feed: str  # its path under the blog's own
    entries: list[Entry]  # newest first
    changed: datetime

    def entry(self, id_: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.id == id_), None)

    def write(self, entry: Entry) -> None:
        self.entries.insert(0, entry)
        self.changed = entry.at

    def edit(self, id_: str, text: str, at: datetime) -> None:
        if entry := self.entry(id_):
            entry.text, self.changed = text, at

    def delete(self, id_: str, at: datetime) -> None:
        self.entries, self.changed = [entry for entry in self.entries if entry.id != id_], at


def rss(blog: Blog, address: str) -> str:
    """As WordPress writes it: the whole article, and where its comments are."""
    items = "".join(
        f"<item><title>{escape(entry.title)}</title><link>{address}/{entry.id}</link>"
        f'<guid isPermaLink="false">{blog.name}-{entry.id}</guid><dc:creator>{escape(entry.author)}</dc:creator>'
        f"<pubDate>{format_datetime(entry.at)}</pubDate><description>{escape(entry.text[:60])}</description>"
        f"<content:encoded>{_html(entry.text)}</content:encoded>"
        f"<wfw:commentRss>{address}/{entry.id}/feed/</wfw:commentRss>"
        f"<slash:comments>{len(entry.comments)}</slash:comments></item>"
        for entry in blog.entries
    )
    head = f"<title>{escape(blog.title)}</title><link>{address}/</link><generator>https://wordpress.org/</generator>"
    return f"{_RSS}<channel>{head}{items}</channel></rss>"


def comment_feed(entries: Sequence[Entry], address: str) -> str:
    """One article's comments, or the whole blog's."""
    found = [(f"{address}/{entry.id}#{comment.id}", comment) for entry in entries for comment in entry.comments]
    items = "".join(
        f"<item><title>By {escape(comment.author)}</title><link>{link}</link><guid>{link}</guid>"
        f"<dc:creator>{escape(comment.author)}</dc:creator><pubDate>{format_datetime(comment.at)}</pubDate>"
        f"<content:encoded>{_html(comment.text)}</content:encoded></item>"
        for link, comment in sorted(found, key=lambda pair: pair[1].at, reverse=True)
    )
    return f"{_RSS}<channel><title>Comments</title><link>{address}/</link>{items}</channel></rss>"


def atom(blog: Blog, address: str) -> str:
    entries = "".join(
        f"<entry><id>tag:example.com,2026:{blog.name}/{entry.id}</id><title>{escape(entry.title)}</title>"
        f'<link rel="alternate" href="{address}/{entry.id}"/><published>{entry.at.isoformat()}</published>'
        f"<updated>{entry.at.isoformat()}</updated><author><name>{escape(entry.author)}</name></author>"
        f"<summary>{escape(entry.teaser or entry.text[:40] + ' …')}</summary></entry>"
        for entry in blog.entries
    )
    head = '<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
    return (
        f"{head}<id>tag:example.com,2026:{blog.name}</id><title>{escape(blog.title)}</title>"
        f"<updated>{blog.changed.isoformat()}</updated>{entries}</feed>"
    )


def json_feed(blog: Blog, address: str) -> str:
    items = [
        {
            "id": f"{blog.name}-{entry.id}",
            "url": f"{address}/{entry.id}",
            "title": entry.title,
            "content_text": entry.text,
            "date_published": entry.at.isoformat(),
            "authors": [{"name": entry.author}],
        }
        for entry in blog.entries
    ]
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": blog.title, "items": items})


def page(entry: Entry) -> str:
    comments = "".join(f'<div id="{comment.id}"><p>{escape(comment.text)}</p></div>' for comment in entry.comments)
    return (
        f"<!doctype html><html><head><title>{escape(entry.title)}</title></head><body>"
        f"<nav><a href='/'>Home</a> <a href='/about'>About</a></nav><header><h1>{escape(entry.title)}</h1></header>"
        f"<article><p>{escape(entry.text)}</p></article><aside>{comments}</aside></body></html>"
    )


def _html(text: str) -> str:
    return f"<![CDATA[<p>{escape(text)}</p>]]>"


_RSS = (
    '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:wfw="http://wellformedweb.org/CommentAPI/"'
    ' xmlns:slash="http://purl.org/rss/1.0/modules/slash/">'
)
