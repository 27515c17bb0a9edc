"""JSON of any shape -> Posts, by a table that says where each field is: {"text": "data.body", "url": "link"}. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from connectors.api import epoch, moment, words
from connectors.post import Author, Post, PostKind
from connectors.text import plain

FIELDS = ("id", "text", "title", "url", "author", "name", "created", "kind", "lang", "site", "parent", "root", "gone")
_KINDS = frozenset(PostKind)
MOST = 10_000  # posts of one letter


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What one letter held. `first` says what was wrong with the first of those that were `skipped`."""

    posts: tuple[Post, ...] = ()
    gone: tuple[str, ...] = ()
    skipped: int = 0
    first: str = ""


def brought_in(told: Any, items: str, fields: Mapping[str, str], source: str) -> Brought:
    """Raises ValueError when there is no list, or object, where posts should be."""
    found = at(told, items) if items else told
    listed = found if isinstance(found, list) else [found]
    if not all(isinstance(item, Mapping) for item in listed) or len(listed) > MOST:
        raise ValueError(f"an object, or a list of at most {MOST:,}, is wanted{f' under {items}' if items else ''}")
    posts: dict[str, Post] = {}
    gone: list[str] = []
    wrong: list[str] = []
    for number, item in enumerate(listed, 1):
        said = {name: at(item, fields.get(name, name)) for name in FIELDS}
        try:
            post = post_of(said, source)
        except ValueError as why:
            wrong.append(f"item {number} {why}")
            continue
        if said["gone"] is True:
            gone.append(post.id)
        else:
            posts[post.id] = post
    return Brought(posts=tuple(posts.values()), gone=tuple(gone), skipped=len(wrong), first="".join(wrong[:1]))


def at(told: Any, path: str) -> Any:
    """What stands at "data.items.0.text"; None where nothing does."""
    for key in path.split("."):
        if isinstance(told, Mapping):
            told = told.get(key)
        elif isinstance(told, list) and key.isascii() and key.isdigit() and int(key) < len(told):
            told = told[int(key)]
        else:
            return None
    return told


def post_of(said: Mapping[str, Any], source: str) -> Post:
    """Raises ValueError when there is nothing to read, and nothing to know it by."""
    text, title, url = plain(words(said["text"])), plain(words(said["title"])), words(said["url"])
    id_ = words(said["id"]) or url
    if not (text or title) and said["gone"] is not True:
        raise ValueError("has no text")
    if said["gone"] is True and not id_:
        raise ValueError("is gone, and does not say which")
    created = epoch(said["created"]) if isinstance(said["created"], int | float) else moment(said["created"])
    kind = words(said["kind"])
    return Post(
        source=source,
        id=id_ or blake2b(f"{title}\x1f{text}".encode("utf-8", "replace"), digest_size=12).hexdigest(),
        url=url if url.startswith(("http://", "https://")) else "",
        title=title,
        text=text,
        author=Author(handle=words(said["author"]), name=words(said["name"])),
        created=created,
        kind=PostKind(kind) if kind in _KINDS else PostKind.POST,
        lang=words(said["lang"]),
        site=words(said["site"]),
        parent=words(said["parent"]),
        root=words(said["root"]),
    )
