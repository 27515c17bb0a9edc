"""Which mentions become somebody's: Assessment -> an opening with its policy, or a named reason for none. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from connectors.post import Post
from escalation.events import Subject, Why
from escalation.policy import Policy
from listener.copies import story
from listener.playbook import Response, propose
from listener.query import Node, document, matches
from listener.storage.contract import Mention, Opening
from listener.triage import Assessment

OURS = "written by our own account"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Another ladder for some matters: those of these causes (of any, when none is named) that the query finds."""

    name: str
    causes: frozenset[str]
    when: Node | None
    policies: Mapping[str, Policy]  # priority -> the policy's row, with this ladder


def rows_for(
    post: Post, judged: Assessment, rows: Mapping[str, Policy], routes: tuple[Route, ...]
) -> Mapping[str, Policy]:
    """The first route that fits; the policy's own rows when none does."""
    fits = (each.policies for each in routes if _fits(each, post, judged.cause))
    return next(fits, rows)


def _fits(each: Route, post: Post, cause: str) -> bool:
    return (not each.causes or cause in each.causes) and (each.when is None or matches(each.when, document(post)))


def route(post: Post, brand: str, judged: Assessment, rows: Mapping[str, Policy], heard: datetime) -> Mention:
    """`rows` are the brand's policy by priority; `heard` is when this post reached us."""
    if judged.priority is None:
        reason = f"not a complaint: {judged.verdict}"
        return Mention(brand=brand, assessment=judged, reason=reason, customer=customer(post))
    policy = rows.get(judged.priority)
    if policy is None:
        reason = f"the policy has no row for {judged.priority}"
        return Mention(brand=brand, assessment=judged, reason=reason, customer=customer(post))
    opening = Opening(subject=subject(post, brand, judged, heard), policy=policy)
    return Mention(brand=brand, assessment=judged, opening=opening)


def subject(post: Post, brand: str, judged: Assessment, heard: datetime) -> Subject:
    return Subject(
        brand=brand,
        post=f"{post.source}:{post.id}",
        thread=thread(post),
        url=post.url,
        site=post.site,
        author=post.author.name or post.author.handle,
        title=post.title,
        text=post.text,
        created=post.created,
        heard=heard,
        severity=judged.severity,
        priority=str(judged.priority),
        cause=judged.cause,
        reasons=tuple(Why(factor=r.factor, points=r.points, words=r.words) for r in judged.reasons),
        customer=customer(post),
        story=story(post.text),
    )


def customer(post: Post) -> str:
    return f"{post.site} {post.author.id}" if post.author.id else ""


def proposed(mention: Mention, playbook: tuple[Response, ...]) -> Mention:
    if mention.opening is None:
        return mention
    about = mention.opening.subject
    about = replace(about, proposal=propose(playbook, about.cause, about.severity))
    return replace(mention, opening=replace(mention.opening, subject=about))


def ours(brand: str, judged: Assessment) -> Mention:
    return Mention(brand=brand, assessment=judged, reason=OURS, own=True)


def thread(post: Post) -> str:
    """What two hearings of one post through different sources share: its address and its title; "" without an address.

    The address alone is not enough: some feeds give every item the address of the front page.
    """
    if not post.url:
        return ""
    parts = urlsplit(post.url)
    address = f"{parts.netloc.lower()}{parts.path.rstrip('/')}?{parts.query}#{parts.fragment}"
    return f"{address} {' '.join(post.title.split()).casefold()}"
