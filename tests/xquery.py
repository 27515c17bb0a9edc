"""The language of X's search, as strict as X is about it, and what a search finds.

(https://docs.x.com/x-api/posts/search/integrate/build-a-query and /operators)
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

Post = Mapping[str, Any]
Search = Callable[[Post, Mapping[str, Mapping[str, Any]]], bool]

STANDALONE = ("from", "to", "url", "conversation_id")
TOGETHER = {
    "lang": re.compile(r"[a-z]{2,3}(-\w+)?"),
    "is": re.compile("retweet|reply|quote"),
    "has": re.compile("links|media"),
}
_TOKEN = re.compile(
    r"""\s*(?:(?P<open>-?\() | (?P<close>\)) | (?P<or>OR)(?=[\s()]|$) | (?P<no>-?)(?:
        (?P<operator>[a-z_]+):(?P<value>"[^"]+"|[^\s()":]+) | "(?P<phrase>[^"]+)" | (?P<word>[^\s()":-][^\s()":]*)))""",
    re.VERBOSE,
)


class BadQuery(Exception):
    """X says 400."""


def search_of(text: str) -> Search:
    tokens, place = [], 0
    while place < len(text.rstrip()):
        found = _TOKEN.match(text, place)
        if not found:
            raise BadQuery(f"There were errors processing your request: no viable alternative at {text[place:][:20]!r}")
        tokens.append(found)
        place = found.end()
    reader = _Reader(tokens)
    search, alone = reader.either()
    if reader.tokens:
        raise BadQuery("mismatched input ')'")
    if not alone:
        raise BadQuery("Rules must contain at least one non-stopword, standalone operator that is not negated")
    return search


class _Reader:
    """Each part returns what it finds, and whether it can stand alone."""

    def __init__(self, tokens: list[re.Match[str]]):
        self.tokens = tokens

    def either(self) -> tuple[Search, bool]:
        parts = [self.both()]
        while self.tokens and self.tokens[0]["or"]:
            self.tokens.pop(0)
            parts.append(self.both())
        searches = [search for search, _ in parts]
        return (lambda post, users: any(s(post, users) for s in searches)), all(alone for _, alone in parts)

    def both(self) -> tuple[Search, bool]:
        parts = []
        while self.tokens and not (self.tokens[0]["close"] or self.tokens[0]["or"]):
            parts.append(self.one(self.tokens.pop(0)))
        if not parts:
            raise BadQuery("missing operator")
        searches = [search for search, _ in parts]
        return (lambda post, users: all(s(post, users) for s in searches)), any(alone for _, alone in parts)

    def one(self, token: re.Match[str]) -> tuple[Search, bool]:
        if token["open"]:
            if token["open"] == "-(":
                raise BadQuery("Negated groups are not supported: -( … )")
            found = self.either()
            if not self.tokens or not self.tokens.pop(0)["close"]:
                raise BadQuery("missing ')'")
            return found
        search, alone = _operator(token) if token["operator"] else _words(token)
        if token["no"]:
            return (lambda post, users: not search(post, users)), False
        return search, alone


def _operator(token: re.Match[str]) -> tuple[Search, bool]:
    name, value = token["operator"], token["value"].strip('"').lower()
    if name in TOGETHER and not TOGETHER[name].fullmatch(value):
        raise BadQuery(f"Reference to invalid operator value '{name}:{value}'")
    if name == "from":
        return (lambda post, users: users.get(post["author_id"], {}).get("username", "").lower() == value), True
    if name == "url":
        return (lambda post, users: _tokens(value) in _tokens(" ".join(_links(post)))), True
    if name == "lang":
        return (lambda post, users: post.get("lang") == value), False
    if (name, value) == ("is", "retweet"):
        return (lambda post, users: any(r["type"] == "retweeted" for r in post.get("referenced_tweets", ()))), False
    raise BadQuery(f"Reference to invalid operator '{name}'")


def _links(post: Post) -> list[str]:
    return [link["expanded_url"] for link in post.get("entities", {}).get("urls", ())]


def _words(token: re.Match[str]) -> tuple[Search, bool]:
    text, phrase = token["phrase"] or token["word"], token["phrase"] is not None
    if not phrase and text.upper() in ("AND", "NOT"):
        raise BadQuery(f"Ambiguous use of {text} as a keyword")
    if not phrase and text[0] in "@#" and re.fullmatch(r"\w+", text[1:]):
        wanted = re.compile(rf"(?<!\w){re.escape(_plain(text))}(?!\w)")
        return (lambda post, users: bool(wanted.search(_plain(post["text"])))), True
    if not phrase and not re.fullmatch(r"\w+", text):
        raise BadQuery(f"punctuation must be in quotes: {text}")
    return (lambda post, users: _tokens(text) in _tokens(post["text"])), True


def _tokens(text: str) -> str:
    """Words and emoji, with a blank around each."""
    found = re.findall(r"\w+|[\u2600-\U0010ffff]", _plain(text))
    return f" {' '.join(found)} "


def _plain(text: str) -> str:
    """Neither case nor accents count."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))
