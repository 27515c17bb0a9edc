"""What contact a platform allows now, for who is about to answer. Pure; rules change, so each has its source."""

import re
from urllib.parse import urlsplit

RULES = {  # hosts -> one or two sentences
    ("x.com", "twitter.com"): (
        "Answer by the link, from the brand's own account. No automatic replies to who has not addressed the brand"
        " (X, automation rules, 2026-02), and no account details in public."
    ),
    ("reddit.com",): (
        "Answer in the thread and say that you speak for the brand. No private message that was not asked for (Reddit,"
        " Responsible Builder Policy), and mind the subreddit's own rules."
    ),
    (
        "bsky.app",
    ): "Answer in the thread by the link, as yourself; bots answer only who has addressed them (guidelines).",
    (
        "news.ycombinator.com",
    ): "Answer once, plainly, and say what you do there (Hacker News, guidelines). No marketing.",
    (
        "apps.apple.com",
        "itunes.apple.com",
    ): "Answer in App Store Connect: one answer to a review, which can be changed.",
    ("youtube.com",): "Answer under the comment from the brand's channel; answers with links are held back as spam.",
}
_X = ("x.com", "twitter.com")
_POST_ON_X = re.compile(r"/status(?:es)?/(\d{1,25})(?:/|$)")
ELSEWHERE = "Answer where it was written, under your own name, once; offer a private way for anything personal."


def allowed(site: str) -> str:
    """`site` is the host the post can be read on."""
    host = site.lower().removeprefix("www.")
    return next((said for hosts, said in RULES.items() if any(_belongs(host, to) for to in hosts)), ELSEWHERE)


def answer_link(site: str, url: str) -> str:
    """Where a person answers as themselves: X's own form for it, the post itself elsewhere; "" without an address.

    https://developer.x.com/en/docs/x-for-websites/web-intents/overview
    """
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http"):
        return ""
    on_x = any(_belongs(site.lower().removeprefix("www."), host) for host in _X)
    post = _POST_ON_X.search(parts.path) if on_x else None
    return f"https://x.com/intent/post?in_reply_to={post[1]}" if post else url


def _belongs(host: str, to: str) -> bool:
    return host == to or host.endswith(f".{to}")
