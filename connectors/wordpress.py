"""What WordPress offers beside its feeds: older pages, the site's comments, and an API that has those no feed shows.

A comment feed holds ten and has no second page; https://developer.wordpress.org/rest-api/reference/comments/ has them
all, and is named in the Link header of every answer (rel="https://api.w.org/").
"""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from connectors.dates import when
from connectors.item import Feed, Item, NotAFeed
from connectors.text import plain

PAGE = 100
_ANSWERING = re.compile(r"\s*<p>[^<>]{0,80}<a href=\"([^\"<>]*#comment-\d+)\"[^<>]*>[^<>]{0,200}</a>[^<>]{0,80}</p>\s*")
_API = re.compile(r"<([^<>]+)>;\s*rel=\"https://api\.w\.org/\"")


def is_wordpress(generator: str) -> bool:
    return "wordpress" in generator.lower()


def older_page(feed: Feed, url: str, number: int, generator: str) -> str:
    """Older items are at ?paged=2; "" when this is no WordPress."""
    if not is_wordpress(feed.generator or generator) or not feed.items:
        return ""
    parts = urlsplit(url)
    query = [(key, value) for key, value in parse_qsl(parts.query) if key != "paged"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("paged", str(number))])))


def site_comments(url: str) -> str:
    """/feed/ has its comments at /comments/feed/atom/, ?feed=rss2 at ?feed=comments-atom."""
    parts = urlsplit(url)
    if "feed" in dict(parse_qsl(parts.query)):
        return urlunsplit(parts._replace(query=urlencode({"feed": "comments-atom"})))
    root = parts.path.rstrip("/").removesuffix("/atom").removesuffix("/rss2").removesuffix("/rss").removesuffix("/feed")
    return urlunsplit(parts._replace(path=f"{root}/comments/feed/atom/", query=""))


def as_atom(url: str) -> str:
    """The same comments as Atom, which says what each of them answers."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    if "feed" in query:
        return urlunsplit(parts._replace(query=urlencode({**query, "feed": "atom"})))
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/atom/"))


def comment_id(id_: str) -> str:
    """Feeds and API name a comment after its post, and not always by the same name; its number is the site's own."""
    number = id_.rpartition("#comment-")[2]
    return f"#comment-{number}" if number != id_ and number.isdigit() else id_


def answering(markup: str) -> tuple[str, str]:
    """What a comment answers, and its own words: in a feed they begin with "In reply to X.", in the site's language."""
    found = _ANSWERING.match(markup)
    return (found[1], markup[found.end() :]) if found else ("", markup)


def api_of(headers: Mapping[str, str], url: str) -> str:
    """The address of the API, "" when the site does not offer it."""
    found = _API.search(headers.get("link", ""))
    return urljoin(url, found[1]) if found else ""


def comments_page(api: str, number: int, since: datetime) -> str:
    """Newest first, a hundred at a time."""
    asked = {"per_page": str(PAGE), "page": str(number), "after": since.strftime("%Y-%m-%dT%H:%M:%S")}
    parts = urlsplit(api)
    route = dict(parse_qsl(parts.query)).get("rest_route")
    if route is not None:
        query = urlencode({"rest_route": f"{route.rstrip('/')}/wp/v2/comments", **asked})
        return urlunsplit(parts._replace(query=query))
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/wp/v2/comments", query=urlencode(asked)))


def comments(body: bytes, posts: Iterable[str]) -> list[Item]:
    """Named as comment_id names them; `posts` are ids of the blog's posts. Raises NotAFeed."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise NotAFeed("JSON that cannot be read") from None
    if not isinstance(found, list):
        raise NotAFeed("JSON, but no list of comments")
    guids = {id_.rpartition("?p=")[2]: id_ for id_ in posts if "?p=" in id_}
    return [_item(one, guids) for one in found if isinstance(one, dict) and "id" in one]


def _item(one: Mapping[str, Any], guids: Mapping[str, str]) -> Item:
    post = guids.get(str(one.get("post", "")), "")
    content = one.get("content")
    return Item(
        id=f"#comment-{one['id']}",
        link=str(one.get("link", "")),
        text=plain(str(content.get("rendered", "")) if isinstance(content, dict) else ""),
        author=plain(str(one.get("author_name", ""))),
        author_url=str(one.get("author_url", "")),
        published=when(f"{one.get('date_gmt', '')}"),
        parent=f"#comment-{one['parent']}" if one.get("parent") else post,
        root=post,
    )
