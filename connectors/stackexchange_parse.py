"""What the Stack Exchange API answers (https://api.stackexchange.com/docs) -> Post; its refusals by number. Pure.

Ids are "q1", "a2", "c3": comments are counted by themselves. Titles and names are HTML-escaped there.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from connectors.api import document, epoch, skipped, table, trouble, whole, words
from connectors.contract import Broken, Fix, Hearing, Wait
from connectors.http import LONGEST_WAIT, Answer
from connectors.post import Author, Post, PostKind, Reach
from connectors.text import plain

INCLUDE = ";".join(
    "question.body question.answers question.comments answer.body answer.comments answer.link comment.body"
    " comment.link comment.post_type".split()
)
_SECONDS = re.compile(r"in (\d{1,6}) seconds")
_THROTTLED, _TROUBLE = 502, (500, 503)  # error_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of whole threads, in the order of their last activity."""

    posts: tuple[Post, ...]
    last: int  # the last activity of the last question, seconds since 1970
    more: bool
    note: str = ""


def wrapper(answer: Answer, now: datetime, *, access: str, source: str) -> Mapping[str, Any]:
    """The object around every answer, with its `items`. Raises ConnectorError."""
    if refused := _refused(answer, now, access):
        raise refused
    if answer.status != 200:
        raise trouble(answer, now, access=access)
    found = table(document(answer, now, access=access))
    if not isinstance(found.get("items"), list):
        raise Broken(f"{source}: the API answered without items; its shape has changed")
    return {**found, "items": [table(item) for item in found["items"]]}


def _refused(answer: Answer, now: datetime, access: str) -> Wait | Fix | None:
    """A mistake comes with status 400, whatever it is, and its number in the body."""
    try:
        said = table(json.loads(answer.body))
    except (ValueError, RecursionError):
        return None
    number, why = said.get("error_id"), f"{words(said.get('error_name'))}: {words(said.get('error_message'))}"[:200]
    if number is None:
        return None
    if number == _THROTTLED:
        pause = _SECONDS.search(why)
        until = now + min(timedelta(seconds=int(pause[1])), LONGEST_WAIT) if pause else None
        return Wait(f"Stack Exchange: too many requests ({why})", until=until, hearing=Hearing.RATE_LIMITED)
    if number in _TROUBLE:
        return Wait(f"Stack Exchange has trouble ({why}); tried again later")
    return Fix(f"Stack Exchange refuses ({why}); {access}")


def found_in(answer: Mapping[str, Any], source: str) -> Found:
    items = answer["items"]
    posts = [post for item in items for post in _thread(item, source)]
    times = [whole(item.get("last_activity_date")) or 0 for item in items]
    return Found(
        posts=tuple(post for post in posts if post),
        last=times[-1] if times else 0,
        more=answer.get("has_more") is True and bool(items),
        note=skipped(posts.count(None), posts),
    )


def posts_of(answer: Mapping[str, Any], kind: str, source: str) -> list[Post]:
    """Items that were asked for by their ids."""
    read = {"questions": question_of, "answers": answer_of, "comments": comment_of}[kind]
    return [post for item in answer["items"] if (post := read(item, source, _host(item)))]


def _thread(raw: Mapping[str, Any], source: str) -> Iterator[Post | None]:
    """A question, what is said to it, its answers and what is said to them."""
    host, root = _host(raw), words(raw.get("question_id"))
    yield question_of(raw, source, host)
    for comment in _list(raw, "comments"):
        yield comment_of(comment, source, host, root)
    for answer in _list(raw, "answers"):
        yield answer_of(answer, source, host, root)
        for comment in _list(answer, "comments"):
            yield comment_of(comment, source, host, root)


def question_of(raw: Mapping[str, Any], source: str, host: str) -> Post | None:
    id_ = words(raw.get("question_id"))
    reach = Reach(
        likes=whole(raw.get("score")), views=whole(raw.get("view_count")), replies=whole(raw.get("answer_count"))
    )
    url, title = f"https://{host}/q/{id_}", unescape(words(raw.get("title")))
    return _post(raw, source, host, id=f"q{id_}", url=url, title=title, reach=reach) if id_ else None


def answer_of(raw: Mapping[str, Any], source: str, host: str, root: str = "") -> Post | None:
    id_, root = words(raw.get("answer_id")), words(raw.get("question_id")) or root
    above = {"parent": f"q{root}", "root": f"q{root}"} if root else {}
    url, reach = f"https://{host}/a/{id_}", Reach(likes=whole(raw.get("score")))
    return _post(raw, source, host, id=f"a{id_}", url=url, reach=reach, **above) if id_ else None


def comment_of(raw: Mapping[str, Any], source: str, host: str, root: str = "") -> Post | None:
    id_, on = words(raw.get("comment_id")), words(raw.get("post_id"))
    where = "a" if raw.get("post_type") == "answer" else "q"
    url = f"https://{host}/{where}/{on}#comment{id_}_{on}"
    above = {"parent": f"{where}{on}", "root": f"q{root}" if root else ""}
    kind, reach = PostKind.COMMENT, Reach(likes=whole(raw.get("score")))
    return _post(raw, source, host, id=f"c{id_}", url=url, kind=kind, reach=reach, **above) if id_ else None


def _post(raw: Mapping[str, Any], source: str, host: str, **given: Any) -> Post:
    owner = table(raw.get("owner"))
    return Post(
        **{
            "source": source,
            "text": plain(words(raw.get("body"))),
            "author": Author(
                handle=unescape(words(owner.get("display_name"))),
                id=words(owner.get("user_id")),
                url=words(owner.get("link")),
            ),
            "created": epoch(raw.get("creation_date")),
            "site": host,
            "kind": PostKind.COMMENT if given.get("parent") else PostKind.POST,
            **given,
        }
    )


def _host(raw: Mapping[str, Any]) -> str:
    try:
        return urlsplit(words(raw.get("link"))).hostname or "stackexchange.com"
    except ValueError:
        return "stackexchange.com"


def _list(raw: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    items = raw.get(key)
    return [table(item) for item in items] if isinstance(items, list) else []
