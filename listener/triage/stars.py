"""What a reviewer's stars say beside the words: one of five is a complaint in few words, five make none of harsh ones.

They say how likely it is a complaint, not how bad it is. Pure.
"""

import math

from connectors.post import Post
from listener.triage.model import Reason, Verdict

WEIGHT = 2.5  # logits that the worst rating adds and the best takes away; three of five say nothing
GLAD = 0.75
NEARLY = 1e-6
SHOWN = "★☆"


def with_stars(probability: float, post: Post) -> float:
    """The probability of a complaint about what was reviewed."""
    if post.rating is None:
        return probability
    sure = min(max(probability, NEARLY), 1 - NEARLY)
    logit = math.log(sure / (1 - sure)) + points(post.rating)
    return 1 / (1 + math.exp(-logit))


def points(rating: float) -> float:
    return WEIGHT * (1 - 2 * rating)


def kind(verdict: Verdict, post: Post) -> Verdict:
    """Four or five stars and no words for it: praise."""
    glad = post.rating is not None and post.rating >= GLAD
    return Verdict.PRAISE if glad and verdict is Verdict.OTHER else verdict


def hidden(post: Post, text: str) -> str:
    """The text without the stars in front of it, and everything in its place: as signs they look like joy."""
    return text if post.rating is None else " " * _shown(post) + text[_shown(post) :]


def _shown(post: Post) -> int:
    return len(post.title) - len(post.title.lstrip(SHOWN))


def reason(post: Post) -> Reason | None:
    """The stars as the title shows them; None where there are none."""
    end = _shown(post)
    if post.rating is None or not end:
        return None
    return Reason(factor="stars", points=round(points(post.rating), 1), words=post.title[:end], start=0, end=end)
