"""What people answer on a blog: its comment feeds, each with a window of its own.

They fail by themselves: the blog is heard all the same, and a note says what was not. In the cursor: {"comments":
{address: validators and window}, "counts": {item: comments when last read}}
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urldefrag

from connectors import wordpress
from connectors.aside import aside
from connectors.contract import ConnectorError
from connectors.feed_parse import parse
from connectors.feed_visit import Visit
from connectors.http import Answer
from connectors.item import Item, NotAFeed
from connectors.post import PostKind
from connectors.window import Window, conditions, older_than_known

AT_ONCE = 10  # comment feeds read in one poll
FEEDS, COUNTS = 100, 500  # that are remembered
MOST_PAGES = 60  # of comments that no feed shows any more


async def read_comments(visit: Visit, feed_url: str, since: datetime) -> None:
    """`since`: how far back they are asked for where the site has an API."""
    feeds = dict(visit.state.get("comments", {}))
    counts = dict(visit.state.get("counts", {}))
    for address, post, count in _due(visit.state, feed_url, counts):
        window = Window.load(feeds.get(address))
        try:
            answer = await visit.web.get(address, headers=conditions(feeds.get(address, {})), now=visit.now)
            if answer.status == 200:
                await _read(visit, answer, post, window, since)
        except (ConnectorError, NotAFeed) as error:
            visit.notes.append(f"comments could not be read: {error}")
            continue
        feeds[address] = window.dump()
        visit.state["comments"] = feeds  # what this one held is known when the next one is read
        if post:
            counts[post] = count
    visit.state |= {"comments": dict(list(feeds.items())[-FEEDS:]), "counts": dict(list(counts.items())[-COUNTS:])}


def _due(state: Mapping[str, Any], feed_url: str, counts: Mapping[str, int]) -> list[tuple[str, str, int]]:
    """The whole site's comment feed, and those of posts whose number of comments has changed: address, post, number."""
    threads = Window.load(state.get("main")).threads
    busy = [(address, id_, count) for id_, (address, count) in threads.items() if count != counts.get(id_, 0)]
    if wordpress.is_wordpress(state.get("generator", "")):
        site = wordpress.site_comments(state.get("url", feed_url))
        busy = [(site, "", 0), *((wordpress.as_atom(address), id_, count) for address, id_, count in busy)]
    return busy[:AT_ONCE]


async def _read(visit: Visit, answer: Answer, post: str, window: Window, since: datetime) -> None:
    """`post` is whose comments these are; "" for those of the whole site."""
    posts = Window.load(visit.state.get("main")).items
    links = {link: id_ for id_, (_, link, *_raw) in posts.items() if link}

    def threaded(items: Sequence[Item]) -> list[Item]:
        return [_threaded(item, post or links.get(urldefrag(item.link)[0], "")) for item in items]

    feed = await aside(answer.body, parse, answer.body, answer.content_type, answer.url)
    shown = threaded(feed.items)
    items = list(shown)
    if not post and older_than_known(items, list(window.items)):
        here = {item.id for item in items}
        further = await _no_feed_shows(visit, answer, window, since)
        items += [item for item in threaded(further) if item.id not in here]
    known = {id_ for other in visit.state.get("comments", {}).values() for id_ in other.get("items", {})}
    news = [item for item in items if item.id not in known or window.knows(item)]
    await visit.take(news, window, PostKind.COMMENT)
    window.remember_all(items)
    window.validators(answer.headers)
    await visit.look_for(shown, window)


async def _no_feed_shows(visit: Visit, answer: Answer, window: Window, since: datetime) -> list[Item]:
    """None of those in the feed was there before, so others may lie between: WordPress's API has them."""
    api, found = wordpress.api_of(answer.headers, answer.url), list[Item]()
    if not api:
        if window.items:
            visit.missed("more comments were written than their feed shows")
        return []
    posts = Window.load(visit.state.get("main")).items
    for number in range(1, MOST_PAGES):
        page = await visit.web.try_get(wordpress.comments_page(api, number, since))
        if page.status != 200:  # past the last page WordPress answers 400
            break
        items = wordpress.comments(page.body, posts)
        found += [item for item in items if not window.knows(item)]
        if len(items) < wordpress.PAGE or any(window.knows(item) for item in items):
            break
    return found


def _threaded(item: Item, post: str) -> Item:
    """A comment below the `post`, "" when that is not known: what it answers is another comment, or the post."""
    id_, parent = wordpress.comment_id(item.id), wordpress.comment_id(item.parent) or post
    root = post or item.root
    return replace(item, id=id_, parent=parent, root=root if root != parent else "")
