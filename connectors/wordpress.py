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

from connectors.feed_parse import Feed, NotAFeed, when
from connectors.item import Item
from connectors.text import plain

PAGE = 100
_API = re.compile(r"<([^>]+)>;\s*rel=\"https://api\.w\.org/\"")


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
    """/feed/ has its comments at /comments/feed/, ?feed=rss2 at ?feed=comments-rss2."""
    parts = urlsplit(url)
    if "feed" in dict(parse_qsl(parts.query)):
        return urlunsplit(parts._replace(query=urlencode({"feed": "comments-rss2"})))
    root = parts.path.rstrip("/").removesuffix("/atom").removesuffix("/rss2").removesuffix("/rss").removesuffix("/feed")
    return urlunsplit(parts._replace(path=f"{root}/comments/feed/", query=""))


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


def comments(body: bytes, posts: Iterable[str], home: str) -> list[Item]:
    """With the ids the comment feed gives them; `posts` are ids of the blog's posts. Raises NotAFeed."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise NotAFeed("JSON that cannot be read") from None
    if not isinstance(found, list):
        raise NotAFeed("JSON, but no list of comments")
    guids = {id_.rpartition("?p=")[2]: id_ for id_ in posts if "?p=" in id_}
    return [_item(one, guids, home) for one in found if isinstance(one, dict) and "id" in one]


def _item(one: Mapping[str, Any], guids: Mapping[str, str], home: str) -> Item:
    post = str(one.get("post", ""))
    guid = guids.get(post, f"{home.rstrip('/')}/?p={post}")
    content = one.get("content")
    return Item(
        id=f"{guid}#comment-{one['id']}",
        link=str(one.get("link", "")),
        text=plain(str(content.get("rendered", "")) if isinstance(content, dict) else ""),
        author=plain(str(one.get("author_name", ""))),
        author_url=str(one.get("author_url", "")),
        published=when(f"{one.get('date_gmt', '')}"),
        parent=guids.get(post, ""),
    )
